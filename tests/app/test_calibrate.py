"""The calibration tab's handlers and figures, without a browser."""

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from app.figures.calibration import histogram_figure, kl_figure, outcome_figure
from app.figures.calibration_export import calibration_svg
from app.presenters.calibration_view import notes, rows, status, summary
from app.service.models import Models
from app.service.service import CALIBRATION, Service
from app.state import ShownCalibration
from app.tabs.calibrate import (
    MAX_PICTURES,
    OWN_VALUE,
    _Handlers,
    _paths_of_uploads,
    _take_preset,
    read,
    write_csv,
    write_json,
    write_svg,
)
from app.words import page as text
from vtw_core.errors import ModelError
from vtw_core.measures.presets import ETA_PRESETS
from vtw_core.results.calibration import Calibration, Sample, Setting, load_calibration

SOMEBODY = SimpleNamespace(session_hash="somebody")
USUAL = (0.003, "first_token", "first", "withdrawn_full")


@pytest.fixture
def handlers(service):
    return _Handlers(service)


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


def test_a_visitors_pictures_are_calibrated_with_progress(handlers, uploads):
    shown = list(handlers.run_own(True, handlers.service.model_name, uploads, "what is this ?"))
    bars = [line for line, *_ in shown if "<progress" in line]
    assert len(bars) == 4
    assert "3 of 3" in bars[-1]
    line, own, bundled, cancel, result, _ = shown[-1]
    assert "Done" in line
    assert [own.interactive, bundled.interactive, cancel.visible] == [True, True, False]
    assert [s.image for s in result.calibration.samples] == ["a.png", "b.png", "c.png"]
    assert result.calibration.read().accuracy is None
    assert all(last == gr.skip() for *_, last, _ in shown[:-1])


def test_the_bundled_set_runs_with_its_own_questions(service, tmp_path, image):
    image.save(tmp_path / "x.png")
    (tmp_path / "samples.jsonl").write_text('{"image":"x.png","prompt":"what ?","answer":"no"}\n')
    own = Service(service.models, calibration=tmp_path)
    *_, result, _ = list(_Handlers(own).run_bundled(True, own.model_name))[-1]
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
def test_what_cannot_be_calibrated_is_one_sentence(handlers, uploads, paths, prompt, words):
    paths = uploads if paths == "uploads" else paths
    line, *_, result, _ = list(handlers.run_own(True, handlers.service.model_name, paths, prompt))[
        -1
    ]
    assert words in line
    assert 'role="alert"' in line
    assert result == gr.skip()


def test_an_unfit_picture_is_refused_as_soon_as_it_comes_and_the_others_stay(handlers, uploads):
    bad = Path(uploads[0]).with_name("bad.png")
    bad.write_bytes(Path(uploads[0]).read_bytes()[:60])
    assert handlers.check_uploads(uploads) == gr.skip()
    with pytest.warns(UserWarning, match="bad.png: The image file is truncated"):
        assert handlers.check_uploads([*uploads, str(bad)]) == uploads
    with pytest.warns(UserWarning, match="bad.png"):
        assert handlers.check_uploads([str(bad)]) is None
    with pytest.warns(UserWarning, match="at most"):
        assert handlers.check_uploads(uploads * 9) == gr.skip()


def test_a_damaged_picture_is_named_and_the_service_stays_free(handlers, uploads):
    Path(uploads[1]).write_bytes(b"no picture")
    line, *_ = list(handlers.run_own(True, handlers.service.model_name, uploads, "what ?"))[-1]
    assert "b.png: This is not an image" in line
    assert not handlers.service.models.busy.locked()


def test_closing_a_calibration_leaves_the_service_free(handlers, uploads):
    steps = handlers.run_own(True, handlers.service.model_name, uploads, "what ?")
    next(steps)
    next(steps)
    steps.close()
    assert not handlers.service.models.busy.locked()


def test_failures_show_no_traceback(handlers, uploads, monkeypatch):
    def broken(images, prompt, model):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(handlers.service, "calibrate", broken)
    line, *_ = list(handlers.run_own(True, handlers.service.model_name, uploads, "what ?"))[-1]
    assert text.INTERNAL in line
    assert "secret" not in line


def test_without_a_model_the_reason_is_said(examples_folder, image_path):
    def broken(source, **options):
        raise ModelError("the reason")
        yield

    service = Service(Models("no such model", load=broken), examples_folder)
    with pytest.raises(ModelError, match="the reason"):
        next(service.calibrate([str(image_path)], "what ?"))
    *_, (line, *_, waits) = _Handlers(service).load("no such model")
    assert "the reason" in line
    assert waits is False
    (said,) = _Handlers(service).run_bundled(waits, "no such model")
    assert said == (*[gr.skip()] * 5, False)


def test_waiting_cancelling_and_a_full_queue_each_say_so(handlers):
    assert text.WAITING in handlers.wait()[0]
    assert text.CALIBRATE_CANCELLED in handlers.cancel()[0]
    assert text.QUEUE_IS_FULL in handlers.refuse(True, SOMEBODY)[0]


def test_a_cancelled_run_is_not_told_that_the_queue_is_full(handlers):
    assert handlers.wait()[-1] is True
    assert handlers.refuse(False, SOMEBODY) == (gr.skip(),) * 4


def test_another_threshold_reads_the_result_anew(shown):
    before, after = read(shown, *USUAL), read(shown, 100, *USUAL[1:])
    star = shown.calibration.read().k_star
    assert 0 < star < 24  # else the next line would say nothing
    assert f"K\\* = {star} of 24" in before[1]
    assert "K\\* = 0 of 24" in after[1]
    assert after[8][0][0] == "0 = K*"


@pytest.mark.parametrize("eta", [None, -1, float("nan"), float("inf"), "much"])
def test_a_threshold_that_cannot_be_changes_nothing_but_the_sentence(shown, eta):
    origin, words, *rest = read(shown, eta, *USUAL[1:])
    assert "eta must be" in words
    assert all(part == gr.skip() for part in (origin, *rest))
    assert len(rest) == 7
    for write in (write_json, write_csv, write_svg):
        assert write(shown, eta, *USUAL[1:]) is None


def test_the_files_say_what_the_page_says(shown):
    with open(write_json(shown, *USUAL), encoding="utf-8") as file:
        document = json.load(file)
    assert document["k_star"] == shown.calibration.read().k_star
    assert len(document["per_sample"]) == 20
    with open(write_csv(shown, *USUAL), encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == shown.calibration.layers + 2
    with open(write_svg(shown, *USUAL), encoding="utf-8") as file:
        assert "<svg" in file.read()


def test_a_preset_sets_eta_and_names_its_source():
    for index, preset in enumerate(ETA_PRESETS):
        eta, source = _take_preset(index)
        assert eta == preset.eta
        assert preset.source in source
    assert _take_preset(OWN_VALUE) == (gr.skip(), text.PRESET_OWN)


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
    assert text.CALIBRATE_NO_BAND in notes(reading)[0]
    assert "Right" not in notes(reading)[1]
    assert rows(reading)[0][2] == rows(reading)[0][4] == "–"
    assert len(kl_figure(reading).data) == 1
    assert len(outcome_figure(reading).data) == 2
    assert b"<svg" in calibration_svg(reading)


def test_the_figures_hold_the_numbers_of_the_reading(shown):
    reading = shown.calibration.read()
    band, mean = kl_figure(reading).data
    assert mean.y == pytest.approx(reading.kl_mean[:-1])
    assert list(mean.x) == list(range(24))  # K = L is 0 and has no place on a log axis
    assert len(band.x) == 48
    same, right, flops = outcome_figure(reading).data
    assert same.y[-1] == flops.y[-1] == 100
    assert right.y == pytest.approx(reading.accuracy * 100)
    assert list(histogram_figure(reading).data[0].y) == reading.histogram.tolist()
    assert calibration_svg(reading) == calibration_svg(reading)


def test_every_axis_says_what_it_shows(shown):
    reading = shown.calibration.read(1, "answer_max", "first", "full_withdrawn")
    title = kl_figure(reading).layout.yaxis.title.text
    for part in ("KL(P full ‖ P withdrawn)", "answer max", "20 samples", "nats"):
        assert part in title
    for figure in (kl_figure, outcome_figure, histogram_figure):
        assert "K" in figure(reading).layout.xaxis.title.text
        assert figure(reading).layout.yaxis.title.text


@pytest.mark.parametrize("eta", [0, 1e-9, 1e9])
@pytest.mark.parametrize("kl", [(0, 0, 0), (1e-12, 0, 0), (5, 1e-3, 0)])
def test_extreme_curves_and_thresholds_can_be_drawn(kl, eta):
    reading = calibration(sample(kl), sample(kl)).read(eta)
    low, high = kl_figure(reading).layout.yaxis.range
    assert np.isfinite([low, high]).all()
    assert low < high
    outcome_figure(reading)
    histogram_figure(reading)
    assert b"<svg" in calibration_svg(reading)


def test_a_status_line_escapes_what_it_is_told():
    assert "<b>" not in status("<b>x</b>", 0.5)


def test_uploads_reach_the_handler_unopened():
    assert _paths_of_uploads(None) is None
    assert _paths_of_uploads([SimpleNamespace(path="a"), SimpleNamespace(path="b")]) == ["a", "b"]
