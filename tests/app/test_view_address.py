"""What an address says, whoever wrote it."""

from urllib.parse import parse_qs, quote, urlencode

import pytest
from built_tabs import TAB_IDS
from hypothesis import given, settings
from hypothesis import strategies as st
from small_records import small_run, with_random_inside

from app.links.methods_address import read_methods
from app.links.view_address import MOST_CHARACTERS, Address, View, fields_of_page
from app.service.service import Service
from app.ui import TABS, address_of
from vtw_core.errors import InputError
from vtw_core.families.prompts import MAX_PROMPT_CHARACTERS, check_prompt
from vtw_core.measures.presets import ETA_PRESETS

ADDRESS = Address(
    fields_of_page(("circle", "star"), ("compare", "sinks"), steps=10),
    {tab.id: tab.fields(Service()) for tab in TABS},
)
NOWHERE = View()


def methods(words):
    """Choices, as an address names them."""
    choices = read_methods(words)
    assert len(choices) == len(words.split())
    return choices


def clamped(view, run):
    return ADDRESS.clamped(view, run)


def read(query):
    return ADDRESS.read(query)


@pytest.mark.parametrize(
    "view",
    [
        NOWHERE,
        View(example="star", k=0, tab="sinks", layer=3, row=0, patch=12, lesson=4),
        View(eta=1e-7, token=5, rule="stays_below"),
        View(tab="sinks", rows="answer", head=0, withdrawn=True, linear=True),
        View(rows=7, image=2, state=0, grid=0),
        View(methods=methods("vtw:k=3 fastv:k=2,ratio=0.61,ranking=text_mean"), stage=0),
        View(
            methods=methods("mustdrop:stages=ab,gamma=0.02,alpha=1e-05 random:k=1,ratio=0.5"),
            gamma=0.0,
            alpha=1.0,
        ),
        View(kind="count", measure="kl_first", cost="kv_bytes", variants=True),
        View(preset=0, scope="answer_mean", pick="stays_below", direction="full_withdrawn"),
        View(threshold=1e-7),
        View(eta=0.1 + 0.2, example="circle"),
        View(prompt="où est l’étoile ? 星 & k=3 #<b>+%20"),
        View(prompt="x" * MAX_PROMPT_CHARACTERS, k=999_999),
    ],
)
def test_reading_undoes_writing(view):
    assert read(ADDRESS.write(view)) == view


def test_every_place_of_a_tab_is_a_part_of_a_view_and_what_is_usual_there_is_not_read():
    address = address_of(Service(), TABS)
    assert tuple(address.usual) == TAB_IDS
    for usual in address.usual.values():
        assert set(usual) <= set(address.fields)
    assert "methods" not in address.usual["methods"]  # what is usual depends on the run
    # A threshold of its owner's is no published one.
    assert address_of(Service(eta=0.5), TABS).usual["calibrate"]["preset"] is None
    assert address.usual["calibrate"]["preset"] == len(ETA_PRESETS) - 1


@pytest.mark.parametrize(
    "query",
    [
        "example=star&k=7&eta=0.01&rule=released&tab=sinks&layer=3&row=0&patch=12&lesson=4",
        "tab=sinks&rows=answer&head=0&withdrawn=1&linear=1",
        "rows=7&image=2&token=5&state=0&grid=0&stage=0&gamma=0.0&alpha=1.0",
        "methods=vtw:k=3+fastv:k=2,ratio=0.61,ranking=text_mean+mustdrop:gamma=0.02,alpha=1e-05",
        "kind=count&measure=kl_first&cost=kv_bytes&variants=1",
        "preset=0&threshold=0.25&scope=answer_mean&pick=stays_below&direction=full_withdrawn",
    ],
)
def test_addresses_of_before_still_say_what_they_said(query):
    said = parse_qs(query)
    view = read(query)
    assert set(view) == set(said)
    assert parse_qs(ADDRESS.write(view)) == said


def test_a_name_that_two_tabs_have_is_that_of_the_one_in_front():
    view = View(rows="question", head=1, token=2)
    assert ADDRESS.part(view, "sinks", "sinks") == View(rows="question", head=1)
    assert ADDRESS.part(view, "sinks", "migration") == View(head=1)
    assert ADDRESS.part(view, "migration", "compare") == View(token=2)


def test_an_address_names_only_what_was_chosen():
    assert ADDRESS.write(View(example="star", k=7)) == "example=star&k=7"
    assert ADDRESS.write(NOWHERE) == ""
    words = "vtw:k=3 mustdrop:filters=0,2"
    assert ADDRESS.write(View(methods=methods(words))) == "methods=vtw:k=3+mustdrop:filters=0,2"


@pytest.mark.parametrize("character", "aé问👩")
def test_the_longest_question_fits_with_every_character_escaped(character):
    view = View(prompt=character * MAX_PROMPT_CHARACTERS, k=7, tab="sinks", eta=0.012345)
    assert len(ADDRESS.write(view)) < MOST_CHARACTERS
    assert read(ADDRESS.write(view)) == view


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(st.text())
def test_a_link_asks_the_question_that_was_asked(typed):
    """Any that the model's input takes; a link with another one asks nothing."""
    try:
        asked = check_prompt(typed)
    except InputError:
        asked = None
    assert read(urlencode({"prompt": typed}, errors="surrogatepass")).get("prompt") == asked
    assert read(ADDRESS.write(View(prompt=asked))).get("prompt") == asked


@pytest.mark.parametrize("asked", [
    "what is 👩\u200d👩\u200d👧 ?", "می\u200cخواهم", "one\nand\n\n another", "tab\there", "a\r\nb",
    "what\u202e is\u2028this", "a & b = c + d % 20 # e ; f", "e\u0301 or é", "\ufeffwhat", "\x00a",
])  # fmt: skip
def test_nothing_of_a_question_is_dropped_by_a_link(asked):
    assert read(ADDRESS.write(View(prompt=asked))).get("prompt") == asked


@pytest.mark.parametrize(
    "query",
    [
        "", "?", "&&&===", "k", "k=", "k=-1", "k=1.5", "k=1e3", "k=0x10", "k=NaN", "k=" + "9" * 400,
        "k=٣", "k=%00", "k=1;DROP", "eta=inf", "eta=nan", "eta=-1", "eta=" + "1" * 5000,
        "eta=0.1.2", "tab=nowhere", "tab=../../etc", "tab=__class__", "example=circle%00",
        "example=../circle", "example=CIRCLE", "lesson=0", "lesson=-3", "lesson=x",
        "rule=first", "rule=last", "rows=mine", "rows=-1", "head=-1", "withdrawn=0", "linear=yes",
        "image=x", "state=1.0", "grid=", "methods=", "methods=vtw", "methods=<script>", "stage=-1",
        "gamma=1.01", "alpha=nan", "kind=nothing", "measure=flops", "cost=right", "variants=0",
        "preset=4", "preset=-1", "threshold=-1", "scope=all", "pick=first", "direction=forward",
        "prompt=", "prompt=%20%0A%09", "prompt=%00%07%1b", "__theme=dark", "view=api", "K=3",
        "x=1&" * 3000, "&".join(f"a{i}=1" for i in range(400)), "%", "%zz=%zz", "[]={}",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_forgotten(query):
    assert read(query) == NOWHERE


@pytest.mark.parametrize("sent", [None, 3, {"k": 3}, ["k=3"], b"k=3"])
def test_what_is_no_text_is_forgotten(sent):
    assert read(sent) == NOWHERE


def test_one_bad_key_does_not_take_the_good_ones_along():
    assert read("?k=7&tab=nowhere&__theme=dark&example=star") == View(example="star", k=7)


def test_of_a_key_that_occurs_twice_the_first_counts():
    assert read("k=3&k=4") == View(k=3)


def test_a_step_behind_the_last_is_the_last():
    assert read("lesson=99") == View(lesson=10)
    assert Address(fields_of_page((), (), 0), {}).read("lesson=1") == NOWHERE


def test_a_question_that_is_too_long_is_not_asked_in_part():
    assert read("prompt=" + "x" * (MAX_PROMPT_CHARACTERS + 1)) == NOWHERE
    assert read("prompt=" + quote("  what is this ?\t"))["prompt"] == "what is this ?"


def test_numbers_become_the_nearest_that_the_run_has():
    run = with_random_inside(small_run())
    far = View(k=99, layer=99, row=99, patch=99, token=99, eta=5.0)
    far = clamped(far.but(rows=99, head=99, image=99, state=99, grid=99), run)
    rows = len(run.inside.attention.query_positions)
    heads, images = run.inside.attention.mass.shape[1], len(run.inside.counterfactuals)
    assert far == View(
        k=3, layer=2, row=rows - 1, patch=1, token=1, eta=5.0, rows=rows - 1, head=heads - 1,
        image=images - 1 if images else None, state=3, grid=len(run.inside.grids) - 1,
    )  # fmt: skip
    assert clamped(View(stage=99, methods=methods("vtw:k=99")), run)["stage"] == run.layers + 3
    assert clamped(View(methods=methods("vtw:k=99")), run)["methods"][0].options["k"] == run.layers
    assert clamped(View(rows="question"), run) == View(rows="question")
    near = View(k=0, layer=0, row=0, patch=0, token=0)
    assert clamped(near, run) == near
    assert clamped(View(), run) == View()
    assert clamped(View(row=2, head=0, image=0), small_run()) == View(), (
        "nothing was recorded inside this run"
    )


def test_a_view_over_another_keeps_what_it_does_not_say():
    step = View(example="star", k=7, tab="sinks", lesson=3)
    assert View(k=2).over(step) == View(example="star", k=2, tab="sinks", lesson=3)
    assert View(k=0, eta=0.0).over(step)["k"] == 0
    assert parse_qs(ADDRESS.write(View(k=0))) == {"k": ["0"]}
