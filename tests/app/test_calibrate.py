"""The calibration tab's handlers and figures, without a browser."""

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from built_tabs import built, holding, ran

from app.figures import matplotlib_charts, plotly_charts
from app.figures.calibration import CHARTS, histogram, kl, outcome
from app.figures.tables import chart_csv
from app.presenters.calibration_view import rows, status, summary
from app.service.models import Models
from app.service.service import CALIBRATION, Service
from app.state import ShownCalibration
from app.tabs.calibrate import MAX_PICTURES, OWN_VALUE, Calibrate, _paths_of_uploads
from app.words import page as text
from vtw_core.errors import ModelError
from vtw_core.measures.presets import ETA_PRESETS
from vtw_core.results.calibration import Calibration, Sample, Setting, load_calibration

SOMEBODY = SimpleNamespace(session_hash="somebody")
USUAL = {"eta": 0.003, "scope": "first_token", "rule": "first", "direction": "withdrawn_full"}


@pytest.fixture
def tab(service):
    return built(Calibrate, service)


@pytest.fixture(scope="module")
def shown():
    return ShownCalibration(load_calibration(CALIBRATION / "embedded.vtwc"), "from there")


@pytest.fixture
def uploads(image):
    """Three pictures where Gradio keeps what was uploaded."""
    folder = Path(gr.utils.get_upload_folder()) / "calibrate-test"
    folder.mkdir(parents=True, exist_ok=True)
    for name in "abc":
        image.save(folder / f"{name}.png")
    yield [str(folder / f"{name}.png") for name in "abc"]
    shutil.rmtree(folder)


def sample(kl, accepted=()):
    curves = ((tuple(kl),) * 3,) * 2
    return Sample("x.png", "?", accepted, 2, 3, curves, ("a", "b", "b"), (False, True, True),
                  (25.0, 50.0, 100.0))  # fmt: skip


def calibration(*samples):
    setting = Setting("m", "llava", 2, 8, "a convention", "float32", "cpu", ())
    return Calibration(setting, samples)


def calibrated(tab, pictures, prompt="what ?"):
    """All that is told of a run on a visitor's pictures."""
    return ran(tab, tab.own_steps, pictures=pictures, prompt=prompt)


def test_a_visitors_pictures_are_calibrated_with_progress(tab, uploads):
    told = calibrated(tab, uploads, "what is this ?")
    bars = [one[tab.line] for one in told if "<progress" in one[tab.line]]
    assert len(bars) == 4
    assert "3 of 3" in bars[-1]
    last = told[-1]
    assert "Done" in last[tab.line]
    assert last[tab.run_own].interactive is last[tab.run_bundled].interactive is True
    assert last[tab.cancel].visible is False
    result = last[tab.shown].calibration
    assert [s.image for s in result.samples] == ["a.png", "b.png", "c.png"]
    assert result.read().accuracy is None
    assert all(tab.shown not in one for one in told[:-1])


def test_the_bundled_set_runs_with_its_own_questions(service, tmp_path, image):
    own = built(Calibrate, Service(service.models, calibration=CALIBRATION))
    image.save(tmp_path / "x.png")
    (tmp_path / "samples.jsonl").write_text('{"image":"x.png","prompt":"what ?","answer":"no"}\n')
    own.shared.service._calibration = tmp_path
    result = ran(own, own.bundled_steps, model=service.model_name)[-1][own.shown]
    assert result.calibration.samples[0].accepted == ("no",)


@pytest.mark.parametrize(
    ("paths", "prompt", "words"),
    [
        (None, "what ?", text.CALIBRATE_NO_PICTURES),
        ([], "what ?", text.CALIBRATE_NO_PICTURES),
        (["x"] * (MAX_PICTURES + 1), "what ?", str(MAX_PICTURES + 1)),
        (["/etc/passwd"], "what ?", text.PICTURE_ELSEWHERE),
        (["http://x.org/a.png"], "what ?", text.PICTURE_ELSEWHERE),
        ("uploads", " ", "The prompt is empty"),
    ],
)
def test_what_cannot_be_calibrated_is_one_sentence(tab, uploads, paths, prompt, words):
    told = calibrated(tab, uploads if paths == "uploads" else paths, prompt)[-1]
    assert words in told[tab.line]
    assert 'role="alert"' in told[tab.line]
    assert tab.shown not in told


def test_an_unfit_picture_is_refused_as_soon_as_it_comes_and_the_others_stay(tab, uploads):
    bad = Path(uploads[0]).with_name("bad.png")
    bad.write_bytes(Path(uploads[0]).read_bytes()[:60])
    assert tab.check_uploads(uploads) == gr.skip()
    with pytest.warns(UserWarning, match="bad.png: The image file is truncated"):
        assert tab.check_uploads([*uploads, str(bad)]) == uploads
    with pytest.warns(UserWarning, match="bad.png"):
        assert tab.check_uploads([str(bad)]) is None
    with pytest.warns(UserWarning, match="at most"):
        assert tab.check_uploads(uploads * 9) == gr.skip()


def test_a_damaged_picture_is_named_and_the_service_stays_free(tab, uploads):
    Path(uploads[1]).write_bytes(b"no picture")
    assert "b.png: This is not an image" in calibrated(tab, uploads)[-1][tab.line]
    assert not tab.shared.service.models.busy.locked()


def test_closing_a_calibration_leaves_the_service_free(tab, uploads):
    values = holding(tab, pictures=uploads, prompt="what ?", runs__waits=True)
    steps = tab.runs.run(tab.own_steps, values)
    next(steps)
    next(steps)
    steps.close()
    assert not tab.shared.service.models.busy.locked()


def test_failures_show_no_traceback(tab, uploads, monkeypatch):
    def broken(images, prompt, model):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(tab.shared.service, "calibrate", broken)
    line = calibrated(tab, uploads)[-1][tab.line]
    assert text.INTERNAL in line
    assert "secret" not in line


def test_without_a_model_the_reason_is_said(examples_folder, image_path):
    def broken(source, **options):
        raise ModelError("the reason")
        yield

    service = Service(Models("no such model", load=broken), examples_folder)
    with pytest.raises(ModelError, match="the reason"):
        next(service.calibrate([str(image_path)], "what ?"))
    tab = built(Calibrate, service)
    *_, told = tab.runs.load(tab.model, holding(tab, runs__waits=True))
    assert "the reason" in told[tab.line]
    assert told[tab.runs.waits] is False
    assert ran(tab, tab.bundled_steps, waits=False) == [{tab.runs.waits: False}]


def test_waiting_cancelling_and_a_full_queue_each_say_so(tab):
    told = tab.runs.wait()
    assert text.WAITING in told[tab.line]
    assert told[tab.runs.waits] is True
    assert text.CALIBRATE_CANCELLED in tab.runs.cancel({})[tab.line]
    assert text.QUEUE_IS_FULL in tab.runs.refuse({tab.runs.waits: True}, SOMEBODY)[tab.line]


def test_a_cancelled_run_is_not_told_that_the_queue_is_full(tab):
    assert tab.runs.refuse({tab.runs.waits: False}, SOMEBODY) == gr.skip()


def at(tab, shown, **criterion):
    return holding(tab, shown=shown, **{**USUAL, **criterion})


def test_another_threshold_reads_the_result_anew(tab, shown):
    before, after = tab.show(at(tab, shown)), tab.show(at(tab, shown, eta=100))
    star = shown.calibration.read().k_star
    assert 0 < star < 24  # else the next line would say nothing
    assert set(before) == set(tab.outputs)
    assert f"K\\* = {star} of 24" in before[tab.summary]
    assert "K\\* = 0 of 24" in after[tab.summary]
    assert after[tab.table][0][0] == "0 = K*"


@pytest.mark.parametrize("eta", [None, -1, float("nan"), float("inf"), "much"])
def test_a_threshold_that_cannot_be_changes_nothing_but_the_sentence(tab, shown, eta):
    values = at(tab, shown, eta=eta)
    told = tab.show(values)
    assert set(told) == {tab.summary}
    assert "eta must be" in told[tab.summary]
    assert tab.write_json(values) is tab.write_csv(values) is None
    with pytest.raises(gr.Error, match="open the tab again"):
        tab.board.saver("kl")(values, gr.EventData(None, {"format": "svg"}))


def test_the_files_say_what_the_page_says(tab, shown):
    with open(tab.write_json(at(tab, shown)), encoding="utf-8") as file:
        document = json.load(file)
    assert document["k_star"] == shown.calibration.read().k_star
    assert len(document["per_sample"]) == 20
    with open(tab.write_csv(at(tab, shown)), encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == shown.calibration.layers + 2


@pytest.mark.parametrize("format", ["png", "svg", "html", "csv"])
def test_each_chart_is_taken_away_as_every_other(tab, shown, format):
    for name in CHARTS:
        path = tab.board.saver(name)(at(tab, shown), gr.EventData(None, {"format": format}))
        assert path.endswith(f".{format}")


def test_a_preset_sets_eta_and_names_its_source(tab):
    for index, preset in enumerate(ETA_PRESETS):
        told = tab.take_preset({tab.preset: index})
        assert told[tab.eta] == preset.eta
        assert preset.source in told[tab.source]
    assert tab.take_preset({tab.preset: OWN_VALUE}) == {tab.source: text.PRESET_OWN}


def test_the_summary_in_words_by_hand():
    words = summary(calibration(sample((1, 0.2, 0), ("b",)), sample((1, 0.4, 0))).read(eta=0.35))
    assert "**η = 0.35 nats**" in words
    assert "K\\* = 1 of 2" in words
    assert "50% of the decoder's prefill FLOPs saved" in words
    assert "100% of the answers are the baseline's" in words
    assert "100% instead of 100%** (answers known for 1)" in words
    assert "would pick K\\* = 1, the upper end 2" in words
    assert "1 to 2, median 1.5" in words


def test_without_answers_or_with_one_sample_nothing_is_made_up():
    reading = calibration(sample((1, 0.2, 0))).read()
    assert "ccuracy" not in summary(reading)
    assert "band" not in summary(reading)
    assert "nothing is saved" in summary(reading)
    assert text.CALIBRATE_NO_BAND in kl(reading).caption
    assert "ight" not in outcome(reading).caption + outcome(reading).summary
    assert rows(reading)[0][2] == rows(reading)[0][4] == "–"
    assert len(plotly_charts.figure(kl(reading)).data) == 1
    assert len(outcome(reading).series) == 2


def test_the_charts_hold_the_numbers_of_the_reading(shown):
    reading = shown.calibration.read()
    band, mean = plotly_charts.figure(kl(reading)).data
    assert mean.y[:-1] == pytest.approx(reading.kl_mean[:-1])
    assert np.isnan(mean.y[-1])  # K = L is 0 and has no place on a log axis
    assert len(band.x) == 48
    same, right, flops = outcome(reading).series
    assert same.values[-1] == flops.values[-1] == 100
    assert right.values == pytest.approx(reading.accuracy * 100)
    assert histogram(reading).values.tolist() == reading.histogram.tolist()
    lines = list(csv.reader(chart_csv(kl(reading)).splitlines()))
    low, high = reading.kl_band[:, 3]
    drawn = [float(value) for value in lines[4][1:]]
    assert drawn == pytest.approx([reading.kl_mean[3], low, high], rel=1e-5)
    assert len(chart_csv(histogram(reading)).splitlines()) == reading.layers + 2


def test_every_chart_says_what_it_shows_and_marks_k_star(shown):
    reading = shown.calibration.read(1, "answer_max", "first", "full_withdrawn")
    said = kl(reading).caption + kl(reading).y_label
    for part in ("KL(P full ‖ P withdrawn)", "answer max", "20 samples", "nats", "layer K on"):
        assert part in said
    for make in CHARTS.values():
        chart = make(reading)
        assert "K" in chart.x_label
        assert chart.y_label
        assert chart.unit
        assert "{" not in chart.caption + chart.summary
        assert (chart.marks[0].axis, chart.marks[0].at) == ("x", reading.k_star)
        assert f"K* = {reading.k_star}" in chart.marks[0].name


@pytest.mark.parametrize("eta", [0, 1e-9, 1e9])
@pytest.mark.parametrize("curve", [(0, 0, 0), (1e-12, 0, 0), (5, 1e-3, 0)])
def test_extreme_curves_and_thresholds_can_be_drawn(curve, eta):
    reading = calibration(sample(curve), sample(curve)).read(eta)
    low, high = plotly_charts.figure(kl(reading)).layout.yaxis.range
    assert np.isfinite([low, high]).all()
    assert low < high
    for make in CHARTS.values():
        plotly_charts.figure(make(reading))
        assert b"<svg" in matplotlib_charts.export(make(reading), "svg")


def test_a_status_line_escapes_what_it_is_told():
    assert "<b>" not in status("<b>x</b>", 0.5)


def test_uploads_reach_the_handler_unopened():
    assert _paths_of_uploads(None) is None
    assert _paths_of_uploads([SimpleNamespace(path="a"), SimpleNamespace(path="b")]) == ["a", "b"]
