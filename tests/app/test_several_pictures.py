"""The pictures of one question: checked as they come, in their order, and in every tab."""

import shutil
from pathlib import Path

import gradio as gr
import pytest
from built_tabs import built, holding, ran
from PIL import Image
from tiny_models import random_picture

from app.components.further import show_further
from app.figures.report import report_html
from app.inputs.pictures import thumbnails
from app.links.view_address import View
from app.sections.picture_choice import MOST, Pictures, _suit
from app.state import Visitor
from app.tabs.compare import Compare
from app.tabs.migration import Migration
from app.tabs.sinks import Sinks
from app.tabs.tab import Arrival
from app.words import page as text
from vtw_core.families.catalogue import EMBEDDED

NEW = Visitor()


@pytest.fixture(scope="module")
def uploads():
    folder = Path(gr.utils.get_upload_folder()) / "of-several"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def paths(uploads):
    """Pictures of different shapes, as a visitor uploads them."""
    made = []
    for name, width, height in (("a", 48, 40), ("b", 20, 44), ("c", 40, 40), ("d", 44, 20)):
        made.append(str(uploads / f"{name}.png"))
        random_picture(width, height, seed=ord(name)).save(made[-1])
    return made


@pytest.fixture
def pictures(service):
    return Pictures(service)


def run(service, first, prompt, further=(), model=None):
    """What the workbench and the visitor's state are told of a run."""
    tab = built(Compare, service)
    told = ran(tab, upload=first, prompt=prompt, visitor=NEW, model=model or service.model_name,
               further__held=further)  # fmt: skip
    return told[-1][tab.bench], told[-1].get(tab.shared.visitor)


def arrived(service, visitor, question):
    tab = built(Compare, service)
    return tab, tab.arrive(Arrival(View(), visitor, visitor.run, True, question))


@pytest.fixture(scope="module")
def visitor(service, paths):
    """A visitor who has asked about two pictures."""
    _, visitor = run(service, paths[0], "what is this ?", (paths[1],))
    return visitor


def moved(pictures, at, does, upload, held):
    return pictures.move(gr.EventData(None, {"at": at, "does": does}), upload, held)


def test_an_upload_that_browsers_show_stays_as_it_is(pictures, uploads, image):
    image.save(uploads / "a.png")
    assert pictures.check(str(uploads / "a.png")) == gr.skip()


def test_one_that_they_do_not_show_gets_a_preview_and_the_run_is_about_the_file(
    service, pictures, uploads, image
):
    image.save(uploads / "a.tiff")
    shown = pictures.check(str(uploads / "a.tiff"))
    with Image.open(shown) as preview:
        assert preview.format == "PNG"
    _, visitor = run(service, shown, "what is this ?")
    assert visitor.picture == str(uploads / "a.tiff")
    tab, told = arrived(service, visitor, "what is this ?")
    assert told[tab.upload] == shown, (
        "and the preview stands there again when a link brings the run back"
    )


def test_an_unfit_file_is_refused_as_soon_as_it_comes_and_the_field_is_empty(pictures, uploads):
    (uploads / "a.png").write_text("no picture")
    with pytest.warns(UserWarning, match="not an image that can be read"):
        assert pictures.check(str(uploads / "a.png")) is None
    with pytest.warns(UserWarning, match=text.PICTURE_ELSEWHERE):
        assert pictures.check("/etc/passwd") is None


def test_pictures_are_added_up_to_the_most_and_then_refused(pictures, paths):
    held = ()
    for path in paths[1:]:
        held, strip = pictures.add(path, held)
    assert held == tuple(paths[1:])
    assert len(strip) == MOST - 1
    with pytest.warns(UserWarning, match=f"at most {MOST} pictures"):
        assert pictures.add(paths[0], held) == (gr.skip(), gr.skip())


def test_an_unfit_further_picture_is_refused_and_the_others_stay(pictures, uploads, paths):
    (uploads / "bad.png").write_text("no picture")
    with pytest.warns(UserWarning, match="not an image"):
        assert pictures.add(str(uploads / "bad.png"), (paths[1],)) == (gr.skip(), gr.skip())
    with pytest.warns(UserWarning, match=text.PICTURE_ELSEWHERE):
        pictures.add("/etc/passwd", ())


def test_pictures_change_places_and_go(pictures, paths):
    a, b, c, d = paths
    assert moved(pictures, 1, "earlier", a, (b, c, d)) == (
        gr.skip(), (c, b, d), show_further((c, b, d)),
    )  # fmt: skip
    assert moved(pictures, 0, "earlier", a, (b, c))[:2] == (b, (a, c)), "into the field"
    assert moved(pictures, 0, "earlier", None, (b, c))[:2] == (b, (c,)), "where it was empty"
    assert moved(pictures, 1, "remove", a, (b, c, d))[:2] == (gr.skip(), (b, d))


@pytest.mark.parametrize("at", [None, -1, 2, "0", 0.5, True, [0]])
def test_what_is_no_picture_of_the_strip_moves_nothing(pictures, paths, at):
    a, b, c, _ = paths
    assert moved(pictures, at, "remove", a, (b, c))[:2] == (gr.skip(), (b, c))


def test_all_are_asked_about_in_their_order(vlm, visitor, paths):
    assert visitor.pictures == (paths[0], paths[1])
    run = visitor.run
    assert (run.image_size, run.further_images) == ((48, 40), ((20, 44),))
    again = vlm.explore(paths[:2], run.prompt, max_new_tokens=run.max_new_tokens)
    assert run.answers == again.answers
    assert run.kl_first_token == pytest.approx(again.kl_first_token, abs=1e-6)
    other_way = vlm.explore(paths[1::-1], run.prompt, max_new_tokens=run.max_new_tokens)
    assert run.kl_first_token != pytest.approx(other_way.kl_first_token, abs=1e-6)


def test_the_embedded_model_is_asked_about_one_and_says_why(service, paths):
    bench, _ = run(service, paths[0], "what is this ?", (paths[1],), EMBEDDED)
    assert bench["notice"]["text"] == text.ONE_PICTURE
    assert [part.visible for part in _suit(EMBEDDED)] == [False, True]
    assert [part.visible for part in _suit(service.model_name)] == [True, False]


def test_the_attention_lies_over_the_picture_that_each_grid_shows(service, visitor):
    tab = built(Sinks, service)
    told = tab.show(holding(tab, visitor=visitor))[tab.gaze]
    assert told["images"] == [0, 1]
    assert told["pictures"] == thumbnails(visitor.pictures)
    assert len(set(told["pictures"])) == 2


def test_the_grid_of_each_picture_can_be_chosen(service, visitor):
    tab = built(Migration, service)
    grids = tab.show(holding(tab, visitor=visitor))[tab.grid]
    assert [name for name, _ in grids.choices] == ["8 × 8, picture 1", "8 × 8, picture 2"]


def test_another_image_is_tested_against_all_of_them(service, visitor, paths):
    tab = built(Migration, service)
    told = tab.test_example(holding(tab, example=0, visitor=visitor))[tab.shared.visitor]
    assert len(told.run.inside.counterfactuals) == len(visitor.run.inside.counterfactuals) + 1
    assert told.pictures == visitor.pictures


def test_methods_are_compared_on_all_of_them(service, visitor):
    run = visitor.run
    *_, compared = service.compare(visitor.pictures, run.prompt, [("vtw", "vtw --k 1")])
    assert compared.baseline.answer == run.answers[-1]
    assert compared.entries[0].answer == run.answers[1]


def test_the_report_and_the_page_show_them_all(service, visitor):
    page = report_html(visitor.run, thumbnails(visitor.pictures))
    assert page.count("<img src=") == 2
    tab, told = arrived(service, visitor, visitor.run.prompt)
    assert told[tab.bench]["pictures"] == 2
    assert told[tab.further.held] == visitor.further
    assert len(told[tab.further.strip]) == 1
    tab, told = arrived(service, visitor, None)
    assert not {tab.further.held, tab.further.strip} & set(told)


def test_where_one_is_gone_none_is_shown_in_its_place(paths):
    assert thumbnails([*paths[:2], "/nowhere.png"]) == []
    assert thumbnails(()) == []
