"""The visitor's own causal test: one more image, and nothing else of the run changes."""

import shutil
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from built_tabs import built, holding

from app.inputs.pictures import OWN_PICTURE
from app.service.jobs import COUNTERFACTUALS
from app.state import Visitor
from app.tabs.migration import Migration
from app.words import inside as text_inside
from app.words import page as text
from vtw_core.results.run import Run


@pytest.fixture(scope="module")
def live(service):
    """A visitor who has just asked about the example's picture."""
    example = service.examples[0]
    events = list(service.explore(str(example.image), example.prompt))
    run = next(event for event in events if isinstance(event, Run))
    return Visitor(run=run, picture=str(example.image))


@pytest.fixture
def tab(service):
    return built(Migration, service)


def with_upload(tab, path, visitor):
    return tab.test_upload(holding(tab, upload=path, visitor=visitor))


def with_example(tab, index, visitor):
    """The visitor as he is told of it."""
    told = tab.test_example(holding(tab, example=index, visitor=visitor))
    return told[tab.shared.visitor]


@pytest.fixture
def upload(image):
    folder = Path(gr.utils.get_upload_folder()) / "of-an-other-image"
    folder.mkdir(parents=True, exist_ok=True)
    image.rotate(90, expand=True).save(folder / "mine.png")
    yield folder / "mine.png"
    shutil.rmtree(folder)


def test_a_picture_of_the_visitors_becomes_one_more_test_and_is_shown(tab, live, upload):
    told = with_upload(tab, str(upload), live)
    visitor = told[tab.shared.visitor]
    before, after = live.run.inside, visitor.run.inside
    names = [test.name for test in after.counterfactuals]
    assert names == [*COUNTERFACTUALS, OWN_PICTURE]
    assert told[tab.content].visible
    assert told[tab.image].value == len(COUNTERFACTUALS)
    assert visitor.run.answers == live.run.answers
    assert visitor.run.seconds is live.run.seconds
    for one, other in zip(before.counterfactuals, after.counterfactuals, strict=False):
        assert np.array_equal(one.swapped_kl, other.swapped_kl)
    assert visitor.picture == live.picture


def test_an_example_can_be_the_other_image_and_the_same_again_replaces_it(tab, live):
    once = with_example(tab, 0, live)
    twice = with_example(tab, 10**9, once)
    # The example's own picture in place of itself changes nothing.
    assert np.abs(once.run.inside.counterfactuals[-1].swapped_kl).max() <= 1e-5
    assert len(twice.run.inside.counterfactuals) == len(COUNTERFACTUALS) + 1


def test_only_so_many_tests_are_kept(service, live, monkeypatch):
    monkeypatch.setattr("app.service.service.MOST_TESTS", 3)
    run, before = live.run, [test.name for test in live.run.inside.counterfactuals]
    for count in range(3):
        run = service.test_image(run, live.picture, live.picture, f"image {count}")
        made = [f"image {each}" for each in range(count + 1)]
        kept = [test.name for test in run.inside.counterfactuals]
        assert kept == [*before, *made][-3:]


def test_a_file_elsewhere_a_damaged_one_and_a_lost_picture_are_one_sentence(
    tab, live, upload, tmp_path
):
    damaged = upload.with_name("damaged.png")
    damaged.write_bytes(upload.read_bytes()[:100])
    cases = [
        ("/etc/passwd", live, text_inside.OTHER_ELSEWHERE),
        (None, live, text_inside.OTHER_ELSEWHERE),
        (str(damaged), live, ""),
        (str(upload), Visitor(run=live.run), text_inside.OTHER_NO_PICTURE),
        (str(upload), Visitor(), text_inside.OTHER_NO_PICTURE),
    ]
    for path, visitor, words in cases:
        with pytest.raises(gr.Error) as caught:
            with_upload(tab, path, visitor)
        assert words in caught.value.message
        assert "\n" not in caught.value.message


def test_a_run_of_another_model_is_not_tested_against_this_one(tab, live):
    ids = (*live.run.answer_ids[:-1], tuple(one + 1 for one in live.run.answer_ids[-1]))
    other = replace(live, run=replace(live.run, answer_ids=ids))
    with pytest.raises(gr.Error, match="cannot be reproduced"):
        with_example(tab, 0, other)
    assert "Run both sides" in text.RUN_NOT_REPEATED


def test_an_unexpected_failure_shows_no_traceback(tab, live, monkeypatch):
    monkeypatch.setattr(tab.shared.service, "test_image", lambda *_: 1 / 0)
    with pytest.raises(gr.Error, match="unchanged"):
        with_example(tab, 0, live)
