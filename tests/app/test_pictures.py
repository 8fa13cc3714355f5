"""Only a visitor's own uploads and the bundled examples are opened."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.inputs.pictures import chosen_picture, looks_like_a_photograph
from app.words import page as text
from embedded_model.scenes import draw, random_scene
from vtw_core.errors import InputError


@pytest.fixture
def uploads(tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


def choose(uploads, upload=None, drawing=None, is_drawing=False):
    return chosen_picture(upload, drawing, is_drawing=is_drawing, roots=[uploads])


def test_an_upload_is_used(uploads):
    path = uploads / "a.png"
    Image.new("RGB", (4, 4)).save(path)
    assert choose(uploads, upload=str(path)) == str(path)


def test_no_picture_says_what_to_do(uploads):
    with pytest.raises(InputError, match="upload, paste or draw"):
        choose(uploads)


@pytest.mark.parametrize("kind", ["outside", "dots", "link", "missing", "null byte", "folder"])
def test_a_path_outside_the_uploads_is_refused(uploads, tmp_path, kind):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (4, 4)).save(secret)
    link = uploads / "link.png"
    link.symlink_to(secret)
    path = {
        "outside": str(secret),
        "dots": str(uploads / ".." / "secret.png"),
        "link": str(link),
        "missing": str(uploads / "none.png"),
        "null byte": str(uploads / "a\0.png"),
        "folder": str(uploads),
    }[kind]
    with pytest.raises(InputError) as refused:
        choose(uploads, upload=path)
    assert str(refused.value) == text.PICTURE_ELSEWHERE


def test_a_canvas_never_touched_is_empty(uploads):
    with pytest.raises(InputError, match="canvas is empty"):
        choose(uploads, is_drawing=True)


def test_a_blank_canvas_is_empty_and_a_stroke_is_a_drawing(uploads):
    canvas = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    path = uploads / "canvas.png"
    canvas.save(path)
    with pytest.raises(InputError, match="canvas is empty"):
        choose(uploads, drawing=str(path), is_drawing=True)
    ImageDraw.Draw(canvas).line((2, 2, 20, 20), fill=(255, 0, 0, 255), width=3)
    canvas.save(path)
    assert choose(uploads, drawing=str(path), is_drawing=True) == str(path)


def test_drawings_of_every_background_are_no_photographs(tmp_path):
    rng = random.Random(5)
    for at in range(40):
        path = tmp_path / f"{at}.png"
        draw(random_scene(rng), rng, 160).save(path)
        assert not looks_like_a_photograph(str(path))


def test_a_picture_of_many_shades_looks_like_a_photograph(tmp_path):
    # Soft random spots of many colours, as leaves or fur give.
    shades = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    path = tmp_path / "leaves.jpg"
    Image.fromarray(shades).resize((640, 480), Image.Resampling.BICUBIC).save(path, quality=80)
    assert looks_like_a_photograph(str(path))
