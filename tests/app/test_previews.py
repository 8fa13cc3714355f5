"""The picture field shows what the model sees; every question is about the file itself."""

import numpy as np
import pytest
from hostile_pictures import PICTURES
from PIL import ExifTags, Image

from app.inputs.pictures import chosen_picture
from app.inputs.previews import LONGEST, pictured, preview
from vtw_core.errors import InputError
from vtw_core.pictures.images import load_image

SQUARES = Image.fromarray(
    np.random.default_rng(4).integers(0, 256, (12, 16, 3), dtype=np.uint8)
).resize((160, 120), Image.Resampling.NEAREST)
DEEP = Image.fromarray(np.linspace(0, 65535, 160 * 120).astype(np.uint16).reshape(120, 160))
CLEAR = SQUARES.copy()
CLEAR.putalpha(120)
TURNED = Image.Exif()
TURNED[ExifTags.Base.Orientation] = 6
OTHER = {"save_all": True, "append_images": [SQUARES.rotate(180)]}


@pytest.mark.parametrize(
    ("name", "picture", "options"),
    [
        ("a.png", SQUARES, {}),
        ("a.jpg", SQUARES, {}),
        ("a.JPEG", SQUARES, {}),
        ("a.webp", SQUARES, {}),
        ("a.bmp", SQUARES, {}),
        ("a.gif", SQUARES.quantize(), {}),
        ("a.png", SQUARES.convert("L"), {}),
        ("a.jpg", SQUARES, {"exif": TURNED}),
    ],
)
def test_what_every_browser_shows_stands_in_the_field_itself(tmp_path, name, picture, options):
    picture.save(tmp_path / name, **options)
    assert preview(str(tmp_path / name)) == str(tmp_path / name)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "picture", "options"),
    [
        ("a.tiff", SQUARES, {}),
        ("a.avif", SQUARES, {}),
        ("cmyk.jpg", SQUARES.convert("CMYK"), {}),
        ("deep.png", DEEP, {}),
        ("deep.tif", DEEP, {}),
        ("clear.png", CLEAR, {}),
        ("moves.gif", SQUARES, OTHER),
        ("moves.webp", SQUARES, OTHER),
        ("moves.png", SQUARES, OTHER),
        ("turned.png", SQUARES, {"exif": TURNED}),
        ("a.bin", SQUARES, {"format": "PNG"}),
        ("a.tif", SQUARES, {"format": "PNG"}),
    ],
)
def test_what_browsers_show_otherwise_or_not_at_all_gets_a_preview(
    tmp_path, name, picture, options
):
    path = tmp_path / name
    picture.save(path, **options)
    shown = preview(str(path))
    assert shown != str(path)
    with Image.open(shown) as seen:
        assert (seen.format, seen.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(seen), np.asarray(load_image(path)))
    assert pictured(shown) == str(path)
    assert chosen_picture(shown, None, is_drawing=False, roots=[tmp_path]) == str(path)


def test_a_heic_of_a_telephone_gets_one_too(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "IMG_1.HEIC"
    heif.from_pillow(SQUARES).save(path)
    shown = preview(str(path))
    with Image.open(shown) as seen:
        assert seen.size == SQUARES.size


def test_a_preview_is_no_larger_than_a_screen(tmp_path):
    Image.new("RGB", (2 * LONGEST, LONGEST), "red").save(tmp_path / "wide.tiff")
    with Image.open(preview(str(tmp_path / "wide.tiff"))) as seen:
        assert seen.size == (LONGEST, LONGEST // 2)


def test_only_a_preview_of_a_file_that_is_there_stands_for_it(tmp_path):
    alone = tmp_path / "a.tiff.preview.png"
    SQUARES.save(alone)
    assert pictured(str(alone)) == str(alone)
    assert pictured(str(tmp_path / "a.png")) == str(tmp_path / "a.png")


@pytest.mark.parametrize("name", [name for name, one in PICTURES.items() if one.refused])
def test_no_preview_is_made_of_what_the_loader_refuses(tmp_path, name):
    path = tmp_path / "upload.png"
    path.write_bytes(PICTURES[name].make())
    with pytest.raises(InputError) as refused:
        preview(str(path))
    assert str(refused.value) == PICTURES[name].refused
    assert list(tmp_path.iterdir()) == [path]
