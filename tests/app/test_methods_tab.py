"""The tab of methods without a browser: choices, figures and what its handlers answer."""

import csv
import json
import re
from dataclasses import replace
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
from app.links.methods_address import completed, read_methods, written
from app.presenters.methods_view import show_comparing, show_methods
from app.presenters.view import run_id
from app.sections.board import save_chart
from app.sections.methods_panels import AT_FIRST, set_equal
from app.state import ShownMethods, Visitor
from app.tabs.methods import Methods, write_json
from app.words import methods as text
from app.words import page as text_page
from vtw_core.errors import InputError
from vtw_core.strategies.fastv import RANKINGS
from vtw_core.strategies.mustdrop import PRESETS
from vtw_core.strategies.words import method_from

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


def values(*choices):
    """What the controls send."""
    return [
        part
        for one in choices
        for part in (one.name, one.k, one.ratio, one.ranking, one.seed, one.thresholds, one.tokens,
                     one.gamma, one.alpha, list(one.stages))
    ]  # fmt: skip


def held(tab, visitor, shown=NEW, there=AT_FIRST, *choices, wanted=None, waits=True):
    """What the tab holds, its controls at some choices."""
    named = {"visitor": visitor, "shown": shown, "there": there, "wanted": wanted}
    at = dict(zip(tab.each_control, values(*choices), strict=False))
    return {**holding(tab, **named, runs__waits=waits), **at}


def compared(tab, visitor, shown, there, *choices):
    """All that is told of a comparison."""
    return list(tab.runs.run(tab.steps, held(tab, visitor, shown, there, *choices)))


def told_of(tab, told, panel):
    """What the controls of a panel are told; nothing where they stay as they are."""
    return [told[control]["value"] for control in tab.panels[panel].controls if control in told]


BC = Choice("mustdrop", thresholds="own", gamma=0.02, alpha=0.02, stages=("b", "c"))
PANELS = (Choice("vtw", 2), BC, Choice("fastv", 1, 0.75))


# ------------------------------------------------------------------ choices
def test_what_a_visitor_chooses_are_the_options_of_the_command_line():
    run = small_run()
    for choice, words in (
        (Choice("vtw", 2), {"k": 2}),
        (Choice("fastv", 2, 0.25, "text_mean"), {"k": 2, "ratio": 0.25, "ranking": "text_mean"}),
        (Choice("random", 1, 0.5, seed=7), {"schedule": [2, 1, 1], "seed": 7}),
        (BC, {"gamma": 0.02, "vision": None, "cache": True}),
        (Choice("mustdrop", thresholds="vizwiz-64"), {"gamma": 0.005, "alpha": 0.001}),
    ):
        found = method_from(choice.options(run)).strategy.describe()
        assert found["name"] == choice.name
        assert words.items() <= found.items()
    assert method_from(Choice("mustdrop", tokens=1.5).options(run)).tokens == 1.5


def test_the_controls_offer_what_the_library_has():
    assert set(PRESETS) == set(text.THRESHOLD_CHOICES) - {"tokens", "own"}
    assert set(RANKINGS) == set(text.RANKINGS) == set(text.RANKING_WORDS)
    assert set(style.METHODS) == {"none", *text.METHODS} == set(text.NOTES)
    assert set(text.TITLES) == set(text.METHODS)
    assert len(set(style.METHODS.values())) == len(style.METHODS)


@pytest.mark.parametrize(("stages", "words"), [((), "without any stage"), (("a", "c"), "stage b"),
                                               (("c",), "stage b")])  # fmt: skip
def test_stages_that_do_not_go_together_get_a_sentence(stages, words):
    with pytest.raises(InputError, match=words):
        Choice("mustdrop", stages=stages).options(small_run())


@pytest.mark.parametrize("bad", [None, "x", -5, 10**9, float("nan"), float("inf"), True, [3], {}])
def test_forged_controls_become_ones_that_the_run_has(bad):
    run = small_run()
    chosen = Choice.clamped(run, *[bad] * 9, None)
    assert chosen.name == "vtw"
    assert 0 <= chosen.k <= run.layers
    assert 0 <= chosen.ratio <= 1
    assert 0 <= chosen.tokens <= run.visual_tokens
    assert chosen.seed >= 0
    for name in text.METHODS:
        kept = Choice.clamped(run, name, *[bad] * 8, ["a", "b", "x"])
        method_from(kept.options(run))


def test_one_budget_for_all():
    run = small_run()  # 3 layers, 2 visual tokens
    said, *told = set_equal(Visitor(run=run), (True, True, True), *values(
        Choice("vtw", 1), Choice("mustdrop", thresholds="own"), Choice("random", 2, 0.1),
    ))  # fmt: skip
    assert "0.7 visual tokens" in said
    mustdrop, random = told[10:20], told[20:30]
    assert mustdrop[5]["value"] == "tokens"
    assert mustdrop[6]["value"] == pytest.approx(2 / 3)
    # Two layers that see both tokens would be over the budget, so they are fewer.
    assert (random[1]["value"], random[2]["value"]) == (1, 1.0)
    said, *told = set_equal(Visitor(run=run), AT_FIRST, *values(Choice("vtw", 3), BC, BC))
    assert "no budget" in said
    assert told == [gr.skip()] * 30


def test_the_panels_begin_at_equal_budget(example):
    run = example.run
    vtw, mustdrop, fastv = default_choices(run)
    assert vtw.k == run.choose_k(scope="answer_mean")
    assert mustdrop.tokens == pytest.approx(vtw.k * run.visual_tokens / run.layers)
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
    assert "90 visual tokens were wanted; 4 is the nearest" in note


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
    panels = (Choice("mustdrop", tokens=9.0), Choice("vtw", 1), Choice("vtw", 2))
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

    no_stage = Choice("mustdrop", stages=())
    assert last(visitor, no_stage, BC, BC) == {"kind": "error", "text": text.STAGES_NONE}
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
        stands = Choice.clamped(visitor.run, *told_of(tab, told, at))
        assert stands == choice_of(entry, visitor.run)
        assert stands.title == choice.title
        assert stands.options(visitor.run) == choice.options(visitor.run)


def test_a_link_sets_the_controls_and_says_that_what_stands_below_was_compared_with_others(
    tab, visitor, example, monkeypatch
):
    run = visitor.run
    wanted = completed((Choice("random", 1, 0.25, seed=7),), run)
    told = tab.show(held(tab, visitor, wanted=wanted))
    assert run.prompt in told[tab.answers]["notice"]["text"]
    assert told_of(tab, told, 0)[:5] == ["random", 1, 0.25, "last_token", 7]

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
    other = (Choice("vtw", 1), usual[1], Choice("random", 1, seed=3))
    named = chosen(shown, (False, True, True), *other)
    assert completed(read_methods(written(named)), run)[1].options(run) == other[2].options(run)
    assert written(named).startswith("mustdrop-abc-")
    # The controls were last set for another run.
    assert chosen(NEW, (True, True, True), *usual) is None


METHODS = st.builds(
    Choice, name=st.sampled_from(list(text.METHODS)), k=st.integers(0, 60),
    ratio=st.floats(0, 1), ranking=st.sampled_from(RANKINGS), seed=st.integers(0, 10_000),
    thresholds=st.sampled_from(list(text.THRESHOLD_CHOICES)), tokens=st.floats(0, 9999),
    gamma=st.floats(0, 1), alpha=st.floats(0, 1),
    stages=st.sets(st.sampled_from("abc")).map(lambda found: tuple(sorted(found))),
)  # fmt: skip


@settings(derandomize=True, deadline=None, database=None)
@given(st.lists(METHODS, min_size=1, max_size=MOST_PANELS))
def test_reading_the_methods_of_an_address_undoes_writing_them(choices):
    words = written(choices)
    assert re.fullmatch(r"[a-z0-9 ._-]+", words), "nothing in it needs to be escaped"
    again = read_methods(words)
    assert written(again) == words
    assert [one.title for one in again] == [
        one.title for one in (replace(each, ratio=float(f"{each.ratio:.6g}")) for each in choices)
    ]


def test_words_that_name_no_method_are_forgotten():
    for words in (None, "", "vtw", "vtw-", "vtw--1", "vtw-1.5", "vtw-1-2", "VTW-1", "vtw-٣",
                  "fastv-2", "fastv-2-nan", "fastv-2-0.5-best", "random-1-0.5-x", "mustdrop-abc",
                  "mustdrop-cba-60", "mustdrop-abc-own", "mustdrop-abc-own-0.1",
                  "mustdrop-abc-tokens", "mustdrop-abc-textvqa-1", "none", "9" * 999):  # fmt: skip
        assert read_methods(words) is None, words
    assert read_methods("nonsense vtw-3 <b>") == (Choice("vtw", 3),)
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
