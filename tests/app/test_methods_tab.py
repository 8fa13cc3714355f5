"""The tab of methods without a browser: choices, figures and what its handlers answer."""

import csv
import json
import re
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from built_tabs import built, holding
from hypothesis import given, settings
from hypothesis import strategies as st
from small_comparisons import small_comparison, small_entry, with_entries
from small_records import small_run

from app.figures import methods as figures
from app.figures import style
from app.inputs.methods_choice import MOST_PANELS, Choice, choice_of, default_choices
from app.inputs.methods_fields import choice_labels, layout, offered
from app.links.methods_address import completed, read_methods, written
from app.presenters.methods_view import show_comparing, show_methods
from app.presenters.view import run_id
from app.sections.board import save_chart
from app.sections.methods_panels import AT_FIRST, fit, set_equal
from app.state import ShownMethods, Visitor
from app.tabs.methods import Methods, write_json
from app.words import methods as text
from app.words import page as text_page
from vtw_core.errors import InputError
from vtw_core.strategies.fastv import RANKINGS
from vtw_core.strategies.mustdrop import PRESETS
from vtw_core.strategies.words import method_from, words_of

NEW = ShownMethods()
SOMEBODY = SimpleNamespace(session_hash="somebody")
SHOWN = ShownMethods("x", "live", small_comparison(), 3)


@pytest.fixture
def tab(service, monkeypatch):
    monkeypatch.setattr(service, "answer_tokens", 4)
    return built(Methods, service)


@pytest.fixture
def example(service):
    return service.examples[0]


@pytest.fixture
def visitor(example):
    return Visitor(run=example.run, origin="recorded", picture=str(example.image))


def values(run, *choices):
    """What the controls send."""
    return [part for one in choices for part in one.values(run)]


def control(panel, name, flag):
    """What a panel is told of one control, or holds in it."""
    at = [(strategy.name, about.flag) for strategy, about in layout()].index((name, flag))
    return panel[1 + at]


def held(tab, visitor, shown=NEW, there=AT_FIRST, *choices, wanted=None, waits=True):
    """What the tab holds, its controls at some choices."""
    named = {"visitor": visitor, "shown": shown, "there": there, "wanted": wanted}
    at = dict(zip(tab.each_control, values(visitor.run, *choices), strict=False))
    return {**holding(tab, **named, runs__waits=waits), **at}


def compared(tab, visitor, shown, there, *choices):
    """All that is told of a comparison."""
    return list(tab.runs.run(tab.steps, held(tab, visitor, shown, there, *choices)))


def told_of(tab, told, panel):
    """What the controls of a panel are told; nothing where they stay as they are."""
    return [told[control]["value"] for control in tab.panels[panel].controls if control in told]


SIZE = 1 + len(layout())
BC = Choice("mustdrop", {"stages": "bc", "gamma": 0.02, "alpha": 0.02})
PANELS = (Choice("vtw", {"k": 2}), BC, Choice("fastv", {"k": 1, "ratio": 0.75}))


# ------------------------------------------------------------------ choices
def test_what_a_visitor_chooses_are_the_words_of_the_command_line():
    for choice, said in (
        (PANELS[0], {"k": 2, "positions": "keep"}),
        (Choice("vtw", {"k": 2, "positions": "repack"}), {"k": 2, "positions": "repack"}),
        (Choice("fastv", {"k": 2, "ratio": 0.25, "ranking": "text_mean"}),
         {"k": 2, "ratio": 0.25, "ranking": "text_mean"}),
        (Choice("random", {"k": 1, "ratio": 0.5, "seed": 7}), {"k": 1, "ratio": 0.5, "seed": 7}),
        (BC, {"gamma": 0.02, "vision": None, "cache": True}),
        (Choice("mustdrop", {"stages": "ab", "preset": "vizwiz-64"}), {"gamma": 0.005}),
        (Choice("mustdrop", {"stages": "abc", "layers": (0, 2)}), {"layers": (0, 2)}),
    ):  # fmt: skip
        found = method_from(choice.checked()).strategy.describe()
        assert found["name"] == choice.name
        for name, value in said.items():
            assert found[name] == (list(value) if isinstance(value, tuple) else value)
        assert choice.checked() == choice.words
    assert method_from(Choice("mustdrop", {"stages": "abc"}, 1.5).checked()).tokens == 1.5


def test_what_the_controls_hold_is_read_as_the_same_choice():
    run = small_run()
    for choice in (*PANELS, Choice("mustdrop"), Choice("mustdrop", tokens=1.5), Choice("random"),
                   Choice("mustdrop", {"layers": (0, 2), "preset": "vizwiz-64"})):  # fmt: skip
        whole = choice.at(run)
        assert Choice.read(run, choice.values(run)) == whole
        assert whole.at(run) == whole
        assert choice.options.items() <= whole.options.items()


def test_the_controls_are_called_by_the_words_of_the_page():
    named = {
        (strategy.name, about.name): choice_labels(strategy, about) for strategy, about in layout()
    }
    assert set(named["mustdrop", "preset"]) == set(PRESETS)
    assert set(named["fastv", "ranking"]) == set(RANKINGS) == set(text.RANKING_WORDS)
    for strategy, about in layout():
        assert set(named[strategy.name, about.name]) <= set(about.choices)
        assert (about.flag in text.PARAMETERS[strategy.name]) != (about.name == "tokens")
    assert set(style.METHODS) == {"none", *text.METHODS} == set(text.NOTES)
    assert set(text.TITLES) == set(text.METHODS) == set(offered())
    assert len(set(style.METHODS.values())) == len(style.METHODS)


def test_only_the_controls_that_a_method_is_set_by_are_shown():
    def told(name, way):
        updates = zip(layout(), fit(name, way), strict=True)
        shown = [(of.name, about.flag) for (of, about), update in updates if update["visible"]]
        assert {of for of, _ in shown} == {name}
        return [flag for _, flag in shown]

    first, last = ["stages", "set by"], ["filters", "positions"]
    assert told("mustdrop", "tokens") == [*first, "tokens", *last]
    assert told("mustdrop", "preset") == [*first, "preset", *last]
    assert told("mustdrop", "own") == [*first, "gamma", "alpha", *last]
    assert told("vtw", "tokens") == ["k", "positions"]
    assert told("fastv", "own") == ["k", "ratio", "ranking"]


@pytest.mark.parametrize(("stages", "words"), [("", "under “Stages”"), ("ac", "add b to the"),
                                               ("c", "add b to the")])  # fmt: skip
def test_stages_that_do_not_go_together_get_a_sentence(stages, words):
    with pytest.raises(InputError, match=words):
        Choice("mustdrop", {"stages": stages}).at(small_run()).checked()


@pytest.mark.parametrize("bad", [None, "x", -5, 10**400, float("nan"), float("inf"), True, [3], {}])
def test_forged_controls_become_ones_that_the_run_has(bad):
    run = small_run()
    assert Choice.read(run, [bad] * SIZE).name == "vtw"
    for name in offered():
        kept = Choice.read(run, [name, *[bad] * (SIZE - 1)])
        assert kept == kept.at(run)
        assert 0 <= kept.options.get("k", 0) <= run.layers
        assert 0 <= kept.options.get("ratio", 0) <= 1
        assert 0 <= (kept.tokens or 0) <= run.visual_tokens
        assert 0 <= kept.options.get("seed", 0) < 2**31
        if kept.options.get("stages", "b"):
            assert words_of(method_from(kept.checked())) == kept.words


def test_one_budget_for_all():
    run = small_run()  # 3 layers, 2 visual tokens
    said, *told = set_equal(Visitor(run=run), (True, True, True), *values(
        run, Choice("vtw", {"k": 1}), BC, Choice("random", {"k": 2, "ratio": 0.1}),
    ))  # fmt: skip
    assert "0.7 visual tokens" in said
    vtw, mustdrop, random = (told[at : at + SIZE] for at in range(0, 3 * SIZE, SIZE))
    assert control(vtw, "vtw", "k")["value"] == 1
    assert control(mustdrop, "mustdrop", "set by")["value"] == "tokens"
    assert control(mustdrop, "mustdrop", "tokens")["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert control(mustdrop, "mustdrop", "stages")["value"] == ["b", "c"]
    # Two layers that see both tokens would be over the budget, so they are fewer.
    assert [control(random, "random", flag)["value"] for flag in ("k", "ratio")] == [1, 1.0]
    said, *told = set_equal(
        Visitor(run=run), AT_FIRST, *values(run, Choice("vtw", {"k": 3}), BC, BC)
    )
    assert "no budget" in said
    assert told == [gr.skip()] * (3 * SIZE)


def test_the_panels_begin_at_equal_budget(example):
    run = example.run
    vtw, mustdrop, fastv = default_choices(run)
    assert vtw.options["k"] == run.choose_k(scope="answer_mean")
    budget = vtw.options["k"] * run.visual_tokens / run.layers
    assert mustdrop.tokens == pytest.approx(budget, abs=1e-4)
    assert [one.name for one in (vtw, mustdrop, fastv)] == ["vtw", "mustdrop", "fastv"]


# ------------------------------------------------------------------ what is shown
def test_each_answer_stands_beside_the_baseline_with_its_other_words_marked():
    view = show_methods(SHOWN)
    base, vtw, mustdrop = view["cards"]
    assert [text for text, same in vtw["pieces"] if not same] == ["blue "]
    assert (base["same"], vtw["same"], mustdrop["same"]) == ("", text.OTHER, text.SAME)
    assert "4 patches → 3 tokens; merged windows: 1; key set: 1" in mustdrop["note"]
    shares = [metric.get("share") for metric in vtw["metrics"]]
    assert shares[:3] == [pytest.approx(1 / 3), 0.5, 0.375]
    json.dumps(view)


def test_a_budget_that_was_out_of_reach_is_said():
    entry = small_comparison().entries[1]
    far = small_entry(
        "far", strategy=entry.strategy, tokens_wanted=90.0, visual_tokens_per_layer=(4, 4, 4)
    )
    note = show_methods(ShownMethods("", "live", with_entries(far)))["cards"][1]["note"]
    assert "90 visual tokens were requested; 4 is the nearest" in note


def test_a_method_that_cannot_run_keeps_its_place_and_says_why():
    refused = ((1, "mustdrop", "MustDrop, stages a b c", "No tower here."),)
    shown = ShownMethods("x", "live", small_comparison(), 3, refused)
    cards = show_methods(shown)["cards"]
    assert [card["name"] for card in cards] == ["none", "mustdrop", "vtw", "mustdrop"]
    assert cards[1]["empty"] == "Cannot run here: No tower here."
    running = show_comparing("…", 0.5, [("none", "Baseline"), ("vtw", "VTW")], {0: "a"}, {1: "No."})
    assert running["cards"][0]["pieces"] == [["a", True]]
    assert "No." in running["cards"][1]["empty"]


def test_one_curve_for_each_method_and_no_two_look_alike():
    twice = small_entry("again", strategy={"name": "vtw", "k": 2},
                        visual_tokens_per_layer=(4, 4, 0),
                        cached_visual_tokens_per_layer=(4, 4, 0))  # fmt: skip
    compared = with_entries(*small_comparison().entries, twice)
    chart = figures.visual_tokens(compared)
    assert [one.values.tolist() for one in chart.series] == [
        [4, 4, 4], [4, 0, 0], [3, 2, 2], [4, 4, 0],
    ]  # fmt: skip
    assert chart.series[1].color == chart.series[3].color == style.METHODS["vtw"]
    assert len({(one.color, one.dash) for one in chart.series}) == 4
    assert "mean 1.3" in chart.series[1].name


def test_the_table_has_every_quantity_of_every_method():
    table = figures.costs(small_comparison())
    assert len(table.rows) == len(text.TABLE_ROWS)
    assert {len(row) for row in table.rows} == {len(table.columns)} == {4}
    by_name = {row[0]: row[1:] for row in table.rows}
    assert by_name["prefill FLOPs (MFLOP)"] == ("8.000", "4.000", "3.000")
    assert by_name["KL answer max (nats)"] == ("0", "2.5", "0.002")
    assert by_name["same answer"] == ("yes", "no", "yes")
    assert "by hand" in table.caption
    with open(save_chart(lambda: table, {"format": "png"}), newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 1 + len(text.TABLE_ROWS)


@pytest.mark.parametrize("format", ["png", "svg", "html", "csv"])
def test_the_chart_is_saved_in_every_format(tab, format):
    save = tab.board.saver("layers")
    path = save({tab.shown: SHOWN}, gr.EventData(None, {"format": format}))
    assert path.endswith(f"visual_tokens_by_method.{format}")
    with pytest.raises(gr.Error, match="press Compare"):
        save({tab.shown: NEW}, gr.EventData(None, {}))


def test_the_comparison_is_taken_away_as_json():
    with open(write_json(SHOWN), encoding="utf-8") as file:
        assert json.load(file) == SHOWN.comparison.to_json()
    with pytest.raises(gr.Error, match="press Compare"):
        write_json(NEW)


# ------------------------------------------------------------------ handlers
def test_a_comparison_streams_and_ends_in_the_visitors_state(tab, visitor):
    steps = compared(tab, visitor, NEW, (True, True, True), *PANELS)
    answers = [told[tab.answers] for told in steps]
    assert {one["phase"] for one in answers[:-1]} == {"running"}
    assert answers[-1]["phase"] == "done"
    assert all(tab.shown not in told for told in steps[:-1])
    shown = steps[-1][tab.shown]
    assert [one.name for one in shown.comparison.everyone] == ["none", "vtw", "mustdrop", "fastv"]
    assert shown.comparison.entries[1].fates is not None
    assert shown.of == run_id(visitor.run)
    grown = [one["cards"][0]["pieces"] for one in answers[:-1] if one["cards"]]
    assert len({json.dumps(pieces) for pieces in grown}) > 2
    # What the controls said would run is called the same once it has.
    assert [card["title"] for card in answers[-1]["cards"]][1:] == [one.title for one in PANELS]


def test_only_the_panels_that_are_there_run_and_a_refusal_keeps_its_place(tab, visitor):
    # The tiny model takes its features from where nothing is merged yet: stage a is refused.
    panels = (
        Choice("mustdrop", {"stages": "abc"}, 9.0),
        *(Choice("vtw", {"k": k}) for k in (1, 2)),
    )
    shown = compared(tab, visitor, NEW, (True, False, True), *panels)[-1][tab.shown]
    ((place, name, title, reason),) = shown.refused
    assert (place, name, title) == (1, "mustdrop", panels[0].title)
    assert "leave the vision stage out" in reason
    assert [one.strategy["k"] for one in shown.comparison.entries] == [2]
    same = compared(tab, visitor, NEW, (False, True, True), *panels[:2], panels[1])
    assert len(same[-1][tab.shown].comparison.entries) == 2


def test_what_cannot_be_compared_gets_one_sentence_and_the_last_comparison_stays(
    tab, visitor, example, monkeypatch
):
    def last(visitor, *choices):
        told = compared(tab, visitor, SHOWN, AT_FIRST, *choices)[-1]
        assert tab.shown not in told
        assert len(told[tab.answers]["cards"]) == 3
        return told[tab.answers]["notice"]

    no_stage = Choice("mustdrop", {"stages": ""})
    sentence = text.NONE_TICKED.format(label=text.PARAMETERS["mustdrop"]["stages"])
    assert last(visitor, no_stage, BC, BC) == {"kind": "error", "text": sentence}
    assert last(Visitor(run=example.run), *PANELS)["text"] == text.NO_PICTURE

    def broken(*_):
        raise RuntimeError("secret detail")
        yield

    monkeypatch.setattr(tab.shared.service, "compare", broken)
    assert last(visitor, *PANELS)["text"] == text.INTERNAL


def test_cancel_and_a_full_queue_leave_what_was_there(tab, visitor):
    def refused(waits):
        told = tab.runs.refuse(held(tab, visitor, SHOWN, waits=waits), SOMEBODY)
        return told[tab.answers]

    cancelled = tab.runs.cancel(held(tab, visitor, SHOWN))[tab.answers]
    assert cancelled["notice"] == {"kind": "info", "text": text.CANCELLED}
    assert refused(True)["notice"]["text"] == text_page.QUEUE_IS_FULL
    assert refused(False) == cancelled
    assert tab.runs.wait()[tab.answers]["progress"]["text"] == text_page.WAITING


def test_a_run_that_was_not_compared_invites_and_one_without_its_picture_says_so(tab, visitor):
    told = tab.show(held(tab, visitor))
    assert (told[tab.content].visible, told[tab.notice].visible) == (True, False)
    assert visitor.run.prompt in told[tab.answers]["notice"]["text"]
    assert [told[part] for part in tab.board.parts.values()] == [None] * len(figures.CHARTS)
    assert told[tab.shown].comparison is None
    without = tab.show(held(tab, Visitor(run=visitor.run)))
    assert (without[tab.content].visible, without[tab.notice].visible) == (False, True)
    assert not {tab.shown, tab.there, *tab.columns, *tab.each_control} & set(without)


def test_a_recorded_comparison_is_shown_with_the_controls_that_made_it(
    tab, visitor, example, monkeypatch
):
    steps = compared(tab, visitor, NEW, (True, True, True), *PANELS)
    comparison = steps[-1][tab.shown].comparison
    monkeypatch.setitem(vars(example), "methods", comparison)
    told = tab.show(held(tab, visitor))
    shown, there = told[tab.shown], told[tab.there]
    assert shown.comparison is comparison
    assert there == (True, True, True)
    assert "recorded" in told[tab.answers]["origin"]
    layers, costs = (told[tab.board.parts[name]] for name in ("layers", "costs"))
    assert layers["figure"]
    assert costs["table"]
    again = tab.show(held(tab, visitor, shown, there))
    assert not {tab.shown, *tab.each_control} & set(again)
    for at, (entry, choice) in enumerate(zip(comparison.entries, PANELS, strict=True)):
        stands = Choice.read(visitor.run, told_of(tab, told, at))
        assert stands == choice_of(entry, visitor.run)
        assert stands.title == choice.title
        assert stands.checked() == choice.checked()


def test_a_link_sets_the_controls_and_says_that_what_stands_below_was_compared_with_others(
    tab, visitor, example, monkeypatch
):
    run = visitor.run
    wanted = completed((Choice("random", {"k": 1, "ratio": 0.25, "seed": 7}),), run)
    told = tab.show(held(tab, visitor, wanted=wanted))
    assert run.prompt in told[tab.answers]["notice"]["text"]
    assert Choice.read(run, told_of(tab, told, 0)) == wanted[0]

    steps = compared(tab, visitor, NEW, (True, True, True), *PANELS)
    comparison = steps[-1][tab.shown].comparison
    monkeypatch.setitem(vars(example), "methods", comparison)
    told = tab.show(held(tab, visitor, wanted=wanted))
    assert told[tab.shown].comparison is comparison
    assert told[tab.answers]["notice"] == {"kind": "info", "text": text.ASKED_BY_LINK}
    assert (told[tab.there], told[tab.wanted]) == ((True, False, False), None)
    usual = [choice_of(entry, run) for entry in comparison.entries]
    same = tab.show(held(tab, visitor, wanted=completed(usual, run)))
    assert "notice" not in same[tab.answers]
    assert same[tab.there] == (True, True, True)


def test_an_address_names_methods_that_are_not_the_usual_ones_of_the_run(tab, visitor):
    def chosen(shown, there, *choices):
        return tab.chosen_view(held(tab, visitor, shown, there, *choices)).get("methods")

    run = visitor.run
    shown = ShownMethods(run_id(run), "live", None, run.layers)
    usual = default_choices(run)
    assert chosen(shown, AT_FIRST, *usual) is None
    assert chosen(shown, (True, True, True), *usual) == usual
    other = (PANELS[0], usual[1], Choice("random", {"k": 1, "ratio": 0.5, "seed": 3}))
    named = chosen(shown, (False, True, True), *other)
    assert completed(read_methods(written(named)), run)[1] == other[2]
    assert written(named).startswith("mustdrop:tokens=")
    # The controls were last set for another run.
    assert chosen(NEW, (True, True, True), *usual) is None


VALUES = {
    "whole": st.integers(0, 60), "real": st.floats(0, 1), "counts": st.sampled_from(["", "0,1"]),
    "letters": st.sampled_from(["a", "b", "ab", "bc", "abc"]).map(list),
}  # fmt: skip


@st.composite
def held_by_a_panel(draw):
    """What the controls of a panel hold."""
    return [draw(st.sampled_from([*offered()]))] + [
        draw(
            VALUES[about.kind]
            if about.kind in VALUES
            else st.sampled_from([*choice_labels(strategy, about)])
        )
        for strategy, about in layout()
    ]


@settings(derandomize=True, deadline=None, database=None, max_examples=50)
@given(st.lists(held_by_a_panel(), min_size=1, max_size=MOST_PANELS))
def test_reading_the_methods_of_an_address_undoes_writing_them(panels):
    run = small_run()
    choices = [Choice.read(run, panel) for panel in panels]
    words = written(choices)
    assert re.fullmatch(r"[a-z0-9 .:=,_-]+", words), "nothing in it needs to be escaped"
    again = read_methods(words)
    assert written(again) == words
    assert [one.title for one in completed(again, run)] == [one.title for one in choices]


def test_addresses_of_earlier_versions_say_what_they_said():
    for earlier, now in (
        ("vtw-3", "vtw:k=3"),
        ("fastv-2-0.61", "fastv:k=2,ratio=0.61"),
        ("fastv-2-0.61-text_mean", "fastv:k=2,ratio=0.61,ranking=text_mean"),
        ("random-1-0.5", "random:k=1,ratio=0.5"),
        ("random-1-0.5-7", "random:k=1,ratio=0.5,drop-seed=7"),
        ("mustdrop-abc-48", "mustdrop:tokens=48"),
        ("mustdrop-bc-own-0.02-0.00001", "mustdrop:stages=bc,gamma=0.02,alpha=1e-05"),
        ("mustdrop-ab-vizwiz-64", "mustdrop:stages=ab,preset=vizwiz-64"),
    ):
        assert written(read_methods(earlier)) == now
        assert read_methods(now) == read_methods(earlier)


def test_a_number_of_tokens_that_counting_can_meet_becomes_parameters():
    run = small_run()  # 3 layers, 2 visual tokens
    words = "vtw:tokens=1.3 fastv:tokens=1.4 mustdrop:tokens=1"
    vtw, fastv, mustdrop = completed(read_methods(words), run)
    assert (vtw.options["k"], vtw.tokens) == (2, None)
    assert (fastv.options["ratio"], fastv.tokens) == (0.5, None)
    assert mustdrop.tokens == 1


def test_words_that_name_no_method_are_forgotten():
    for words in (None, "", "vtw", "vtw-", "vtw--1", "vtw-1.5", "vtw-1-2", "VTW-1", "vtw-٣",
                  "fastv-2", "fastv-2-nan", "fastv-2-0.5-best", "random-1-0.5-x", "mustdrop-abc",
                  "mustdrop-abc-own", "mustdrop-abc-own-0.1", "mustdrop-c-60", "vtw:k=3,k",
                  "mustdrop-abc-tokens", "mustdrop-abc-textvqa-1", "none", "9" * 999, "vtw:k=x",
                  "vtw:k=-1", "fastv:k=0", "fastv:ratio=nan", "vtw:help=1", "--k", "vtw:", "'",
                  "mustdrop:stages=", "mustdrop:tokens=inf", "vtw:k=" + "9" * 5000):  # fmt: skip
        assert read_methods(words) is None, words
    # No panel can be set to these.
    for words in ("random:schedule=2,1,1", "random:k=1", "mustdrop:tokens=4-then-vtw:k=8",
                  "mustdrop:gamma=0.1,alpha=0.2,tokens=3"):  # fmt: skip
        method_from(words)
        assert read_methods(words) is None, words
    (choice,) = read_methods("nonsense vtw-3 <b>")
    assert (choice.name, choice.options["k"]) == ("vtw", 3)
    assert len(read_methods("vtw-1 " * 9)) == MOST_PANELS


def test_behind_a_comparison_a_sentence_stays_and_a_run_gone_on_to_is_shown(tab, visitor):
    shown = ShownMethods(run_id(visitor.run), "live", small_comparison(), 4)
    told = tab.settle(held(tab, visitor, shown))
    assert tab.answers not in told
    assert told[tab.board.parts["layers"]]["figure"]
    elsewhere = ShownMethods("another run", "live", small_comparison(), 4)
    told = tab.settle(held(tab, visitor, elsewhere))
    assert told[tab.answers]["notice"]["kind"] == "info"


def test_every_bundled_comparison_is_of_its_run():
    from app.service.service import bundled_examples

    examples = bundled_examples()
    sizes = [example.recording.with_suffix(".vtwm").stat().st_size for example in examples]
    assert sum(sizes) < 2**20
    for example in examples[:2]:
        run, compared = example.run, example.methods
        assert (compared.prompt, compared.layers) == (run.prompt, run.layers)
        assert compared.baseline.token_ids == run.answer_ids[run.layers]
        vtw, mustdrop = compared.entries
        np.testing.assert_allclose(
            vtw.kl_positions, run.kl_positions[vtw.strategy["k"]], rtol=1e-3, atol=1e-4
        )
        assert mustdrop.fates is not None


def test_no_template_is_left_unfilled_on_the_page():
    told = json.dumps(show_methods(SHOWN)) + figures.summary(small_comparison())
    assert not re.search(r"\{[a-z_]+[:.}]", told)
