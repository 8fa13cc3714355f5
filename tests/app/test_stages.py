"""The stage viewer on the page: what it is told, the tables, and what a visitor sends."""

import csv
import io
import json
import re
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from small_comparisons import small_comparison, with_entries
from stage_runs import drop_run

from app.components.files import files_of, read
from app.components.stages import FATE_NAMES, show_stages, threshold_ranges
from app.figures.stages import flow_table, token_table
from app.figures.tables import chart_csv
from app.presenters.view import run_id
from app.sections import stages as stages_section
from app.sections.stages import Wanted
from app.state import ShownMethods, Visitor
from app.words import stages as text
from vtw_core import FastV, Method, VisualTokenWithdrawal, compare_methods
from vtw_core.errors import InputError
from vtw_core.strategies.mustdrop.record import FATES, FELL, GONE

RUNS = {
    "one grid": {},
    "several grids": {"grids": ((4, 5), (6, 3)), "seed": 3},
    "the cache left whole": {"cache": False, "layers": 5},
    "nothing merged": {"merged": False},
    "nothing falls": {"gamma": 0.0, "alpha": 0.0},
}


@pytest.fixture(scope="module", params=RUNS)
def dropped(request):
    return drop_run(**RUNS[request.param])


def test_the_viewer_is_told_of_each_token_once_and_in_full(dropped):
    value = json.loads(json.dumps(show_stages(dropped, []), allow_nan=False))
    record = dropped.record
    patches = [token for grid in value["tokenMaps"] for line in grid for token in line]
    sizes = [patches.count(token) for token in range(len(record.sizes))]
    assert sizes == value["sizes"] == record.sizes.tolist()
    assert len(value["key"]) == len(sizes)
    for told, one in zip(value["filters"], record.decisions, strict=True):
        for name in ("share", "peak"):
            seen = np.array(told["scores"][name], dtype=float)
            np.testing.assert_array_equal(seen, one.score(name))
            assert (np.isnan(seen) == (one.fate == GONE)).all()


def test_every_layer_has_the_tokens_that_the_filters_before_it_left(dropped):
    value, left = show_stages(dropped, []), len(dropped.record.sizes)
    fates = {one["layer"]: np.array(one["fate"]) for one in value["filters"]}
    for layer, seen in enumerate(value["perLayer"]):
        assert seen == left
        if layer in fates:
            assert (fates[layer] != GONE).sum() == seen
            left -= (fates[layer] == FELL).sum()


def test_the_sliders_hold_every_number_of_the_run_and_its_thresholds(dropped):
    value = show_stages(dropped, [])
    for name, numbers in (("gamma", "share"), ("alpha", "peak")):
        low, high = value["ranges"][name]
        seen = [one for told in value["filters"] for one in told["scores"][numbers] if one]
        assert 0 < low < min(seen) <= max(seen) <= high <= 1
        assert value[name] == 0 or low < value[name] < high


def test_a_slider_ends_at_1_where_the_search_found_a_greater_threshold():
    ranges = threshold_ranges(drop_run(gamma=2.0, alpha=2.0).record, 2.0, 2.0)
    assert [high for _, high in ranges.values()] == [1.0, 1.0]
    bare = replace(drop_run().record, decisions=())
    for low, high in threshold_ranges(bare, 0.0, 2.0).values():
        assert 0 < low < high <= 1


def test_the_flow_loses_no_token_without_saying_where(dropped):
    record, table = dropped.record, flow_table(dropped)
    patches, merged, *layers = table.rows
    assert patches[1] == sum(grid.size for grid in record.token_maps)
    assert patches[1] - merged[3] == merged[1] == len(record.sizes)
    assert [row[1] for row in layers] == list(record.visual_tokens_per_layer)
    assert [row[5] for row in layers] == list(record.cached_visual_tokens_per_layer)
    for row, following in pairwise(layers):
        assert row[1] - row[3] == following[1]
        assert bool(row[3]) == bool(row[4])
    stayed = np.isin(np.arange(len(record.sizes)), _survivors(record))
    assert layers[-1][2] == record.sizes[stayed].sum()
    assert "{" not in table.caption + table.summary
    assert len(chart_csv(table).splitlines()) == 3 + len(record.visual_tokens_per_layer)


def _survivors(record):
    return np.flatnonzero(~np.isin(record.decisions[-1].fate, (GONE, FELL)))


def test_the_file_of_tokens_says_where_each_is_and_what_became_of_it(dropped):
    record = dropped.record
    rows = list(csv.DictReader(io.StringIO(chart_csv(token_table(dropped)))))
    assert len(rows) == len(record.sizes)
    for token, row in enumerate(rows):
        place = tuple(int(row[name]) for name in ("grid", "row", "column"))
        assert record.token_maps[place[0]][place[1:]] == token
        assert row["key set"] == ("yes" if record.key[token] else "no")
        for one in record.decisions:
            assert row[f"layer {one.layer}: fate"] == text.FATES[one.fate[token]]
            share = row[text.TOKENS_SHARE.format(layer=one.layer)]
            assert (share == "") == (one.fate[token] == GONE)
    assert len(text.FATES) == len(FATES) == len(FATE_NAMES)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"gamma": 0.2, "alpha": 0.1}, (0.2, 0.1, "abc")),
        ({"gamma": -1, "alpha": 7}, (0.0, 1.0, "abc")),
        ({"gamma": float("nan"), "alpha": float("inf")}, (0.02, 0.03, "abc")),
        ({"gamma": True, "alpha": "0.1"}, (0.02, 0.03, "abc")),
        ({"gamma": [1], "alpha": None, "stages": "c"}, (0.02, 0.03, "abc")),
        ({"stages": {"a": False, "c": 1}}, (0.02, 0.03, "bc")),
        ({"stages": {"b": False, "d": True}}, (0.02, 0.03, "a")),
        ("gamma", (0.02, 0.03, "abc")),
        (None, (0.02, 0.03, "abc")),
    ],
)
def test_what_the_browser_sends_is_clamped(sent, expected):
    assert Wanted.clamped(sent, drop_run()) == Wanted(*expected)


def measured(service, dropped, **sent):
    event = SimpleNamespace(_data=sent)
    shown, _, _, value, _ = stages_section._Handlers(service).measure(event, dropped)
    return shown, value


def with_picture(dropped):
    return replace(dropped, pictures=("gone.png",))


def test_a_refused_run_says_why_and_leaves_what_was_shown():
    def refuse(*_):
        raise InputError("This model cannot merge.")

    before = with_picture(drop_run())
    shown, value = measured(SimpleNamespace(must_drop=refuse), before, asked=4, gamma=0.5)
    assert shown is before
    assert value["notice"] == "This model cannot merge."
    assert (value["asked"], value["gamma"]) == (4, 0.02)
    # A saved run does not hold its picture: the model is not even asked.
    _, value = measured(SimpleNamespace(), drop_run(), gamma=0.5)
    assert value["notice"] == text.NO_PICTURE


def test_a_defect_is_told_in_one_sentence_too():
    def fail(*_):
        raise ZeroDivisionError

    _, value = measured(SimpleNamespace(must_drop=fail), with_picture(drop_run()), gamma=0.5)
    assert value["notice"] == text.BROKE


def test_the_model_runs_with_the_thresholds_and_stages_asked_for(service, image_path):
    first = service.must_drop(str(image_path), "what is it ?", 0.02, 0.5, "bc")
    assert (first.gamma, first.alpha, first.stages) == (0.02, 0.5, "bc")
    shown, value = measured(service, first, gamma=1.0, alpha=1.0, stages={"c": False})
    assert (shown.gamma, shown.alpha, shown.stages) == (1.0, 1.0, "b")
    cached = shown.record.cached_visual_tokens_per_layer
    assert cached == shown.record.visual_tokens_per_layer
    assert value["stages"] == {"a": False, "b": True, "c": False}
    # Nothing is protected without stage a, and no share reaches 1.
    assert value["perLayer"][-1] == 0 < first.record.visual_tokens_per_layer[-1]
    assert value["answer"] == shown.answer
    # What this model cannot do is refused with the reason.
    same, value = measured(service, shown, stages={"a": True})
    assert same is shown
    assert "vision" in value["notice"]
    shown, value = measured(service, shown, stages={"b": False})
    assert value["filters"] == []
    assert set(value["perLayer"]) == {len(shown.record.sizes)}


def test_before_the_first_run_the_section_is_empty():
    state, notice, content, value, table = stages_section.show(None)
    assert (state, value, table) == (None, None, None)
    assert (notice.visible, content.visible) == (True, False)
    with pytest.raises(gr.Error, match="No method"):
        stages_section._save_tokens(None)


def test_the_section_follows_the_comparison_and_keeps_what_the_visitor_tried():
    run = SimpleNamespace(created="now", seconds=SimpleNamespace(total=1), prompt="What?")
    visitor = Visitor(run=run, picture="cat.png")
    compared = small_comparison()
    shown = ShownMethods(run_id(run), comparison=compared)
    unjudged, only = stages_section.every_method(visitor, shown)
    entry = compared.entries[1]
    assert "vtw: no token was judged by a score" in unjudged
    assert only.record is entry.fates
    assert (only.gamma, only.alpha, only.stages) == (0.05, 0.1, "abc")
    assert (only.prompt, only.pictures, only.label) == ("What?", ("cat.png",), "mustdrop")
    # Of another run than the visitor's the picture is not known.
    elsewhere = stages_section.every_method(visitor, replace(shown, of="another"))
    assert elsewhere[1].pictures == ()

    nothing = stages_section._Followed()
    followed, which, dropped, *_ = stages_section._follow(visitor, shown, nothing)
    assert (dropped, which.visible, which.value) == (only, True, 1)
    again = stages_section._follow(visitor, shown, followed)
    assert again == gr.skip()
    bare = replace(shown, comparison=with_entries(compared.entries[0]))
    _, which, dropped, notice, *_ = stages_section._follow(visitor, bare, followed)
    assert (dropped, notice.visible, which.visible) == (None, True, False)
    assert notice.value == unjudged
    empty = replace(shown, comparison=None)
    _, _, dropped, notice, *_ = stages_section._follow(visitor, empty, followed)
    assert (dropped, notice.value) == (None, text.NOTHING)


def test_of_several_runs_the_chosen_one_is_shown():
    entry = small_comparison().entries[1]
    no_cache = {**entry.strategy, "cache": False, "vision": None}
    twice = with_entries(entry, replace(entry, label="second", strategy=no_cache))
    shown = ShownMethods("of", comparison=twice)
    followed, which, *_ = stages_section._follow(Visitor(), shown, stages_section._Followed())
    assert which.visible
    assert [name for name, _ in which.choices] == ["mustdrop", "second"]
    assert stages_section._pick(followed, 1)[0].stages == "b"
    for hostile in (7, -1, "1", None):
        assert stages_section._pick(followed, hostile)[0] in followed.every
    assert stages_section._pick(stages_section._Followed(), 0)[0] is None


@pytest.fixture(scope="module")
def by_score(vlm, image):
    """FastV on a model, compared beside methods that judge nothing."""
    methods = [
        Method("vtw", VisualTokenWithdrawal(1)), Method("fastv", FastV(1, 0.5)),
        Method("mean", FastV(1, 0.25, "text_mean")),
        Method("chain", FastV(1, 0.5).then(VisualTokenWithdrawal(2))),
    ]  # fmt: skip
    compared = compare_methods(vlm, image, "what is it ?", methods, max_new_tokens=2)
    return compared, stages_section.every_method(Visitor(), ShownMethods("of", comparison=compared))


def test_the_viewer_shows_what_a_score_let_stay(by_score):
    compared, (_, fastv, mean, _) = by_score
    for entry, judged in ((compared.entries[1], fastv), (compared.entries[2], mean)):
        value = json.loads(json.dumps(show_stages(judged, []), allow_nan=False))
        (decision,) = value["filters"]
        names = [[*FATE_NAMES.values(), "kept"][fate] for fate in decision["fate"]]
        seen = entry.visual_tokens_per_layer
        assert (len(names), names.count("kept")) == (seen[0], seen[decision["layer"] + 1])
        assert names.count("fell") == seen[0] - seen[-1] > 0
        assert value["perLayer"] == list(seen)
        (scores,), (threshold,) = decision["scores"].values(), decision["thresholds"].values()
        stayed = [one for one, name in zip(scores, names, strict=True) if name == "kept"]
        assert min(stayed) == threshold
        assert (value["tries"], decision["reasons"]) == (False, None)
        assert value["scores"]["attention"]["isShare"]
    definitions = [show_stages(one, [])["scores"]["attention"]["told"] for one in (fastv, mean)]
    assert "last token" in definitions[0] != definitions[1]


def test_the_files_of_a_scoring_method_lose_no_token(by_score):
    compared, (_, fastv, *_) = by_score
    seen = compared.entries[1].visual_tokens_per_layer
    flow = flow_table(fastv)
    assert [row[1] for row in flow.rows[2:]] == list(seen)
    assert [row[3] for row in flow.rows[2:]] == [seen[0] - seen[-1], *[0] * (len(seen) - 1)]
    rows = list(csv.DictReader(io.StringIO(chart_csv(token_table(fastv)))))
    fates = [row["layer 0: fate"] for row in rows]
    assert (fates.count("stayed"), fates.count("left")) == (seen[-1], seen[0] - seen[-1])
    assert all(float(row["layer 0: attention"]) >= 0 for row in rows)


def test_where_no_score_tells_it_a_sentence_says_so(by_score):
    compared, (vtw, _, _, chain) = by_score
    assert vtw == text.NOT_JUDGED.format(label="vtw")
    assert chain == text.NOT_TOLD.format(label="chain")
    state, notice, content, value, table = stages_section.show(vtw)
    assert (state, notice.value, content.visible, value, table) == (None, vtw, False, None, None)
    # A scoring method is shown before one that has no scores, and its thresholds are not tried.
    shown = ShownMethods("of", comparison=compared)
    _, which, first, *_ = stages_section._follow(Visitor(), shown, stages_section._Followed())
    assert (which.value, first.label) == (1, "fastv")
    same, value = measured(SimpleNamespace(), first, gamma=0.5)
    assert same is first
    assert value["tries"] is False


def test_a_strategy_of_ones_own_is_told_in_its_own_words(by_score):
    _, (_, fastv, *_) = by_score
    (one,) = fastv.record.decisions
    reasons = ("had left before", "too dull", "bright", "asked for")
    own = replace(one, names=("brightness",), reasons=reasons, fate=np.where(one.fate > 1, 3, 1))
    judged = replace(fastv, record=replace(fastv.record, decisions=(own,)), ranking="")
    value = show_stages(judged, [])
    assert set(value["filters"][0]["reasons"]) == {"too dull", "asked for"}
    assert set(value["filters"][0]["fate"]) == {1, len(FATE_NAMES)}
    assert value["scores"]["brightness"] == {
        "title": "brightness", "told": text.SCORE_OF_ITS_OWN.format(name="brightness"),
        "isShare": False,
    }  # fmt: skip
    assert {row[6] for row in token_table(judged).rows} == {"too dull", "asked for"}


def test_the_viewer_and_its_sentences_belong_together():
    script = "".join(map(read, files_of("stages.js")))
    asked = set(re.findall(r"\bwords\.(\w+)", script))
    asked |= set(re.findall(r'data-(?:words|label)="(\w+)"', read("stages.html")))
    asked |= set(re.findall(r"stageName\(stage, '(\w+)'\)", script))
    ends = re.search(r"const end = (.+);", script)[1]
    asked |= set(re.findall(r"'(end\w+)'", ends))
    assert asked == set(text.STAGES)
    order = re.search(r"const ORDER = \[([^\]]+)\]", script)[1]
    assert {*re.findall(r"'(\w+)'", order), "none"} == set(text.STAGES["states"])
    assert set(text.STAGES["verdict"]) == set(FATE_NAMES.values())


def test_every_term_has_one_text():
    assert len({term for term, _ in text.TERMS}) == len(text.TERMS)
    rules = " ".join(told for _, told in text.TERMS)
    for word in ("3 × 3", "0.8", "0.08", "2, 6, 10, 14 of 32"):
        assert word in rules
