"""What the file of stickers promises, and that the hand-drawn ones come from the code."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedded_model.smollm2 import doodles
from embedded_model.smollm2.families import FAMILIES, NAMES
from embedded_model.smollm2.stickers import SHIPPED_STYLES, centred, load_stickers

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "stickers"


@pytest.fixture(scope="module")
def stickers():
    return load_stickers(FOLDER / "stickers.npz")


def test_the_arrays_have_the_shapes_and_types_that_are_promised(stickers):
    count = len(stickers.sprites)
    assert tuple(stickers.names) == NAMES
    assert len(set(NAMES)) == 72
    assert all(name.isalpha() and name.islower() for name in NAMES)
    assert (stickers.sprites.shape, stickers.sprites.dtype) == ((count, 72, 72, 4), np.uint8)
    assert (stickers.thing.shape, stickers.thing.dtype) == ((count,), np.int16)
    assert (stickers.held_out.shape, stickers.held_out.dtype) == ((count,), bool)
    assert stickers.style.shape == (count,)
    assert (stickers.thing.min(), stickers.thing.max()) == (0, 71)
    assert (FOLDER / "stickers.npz").stat().st_size < 6 * 2**20


def test_every_sprite_is_drawn_centred_and_fills_its_square(stickers):
    ink = stickers.sprites[..., 3] > 8
    assert ink.mean(axis=(1, 2)).min() > 0.04
    columns, rows = ink.any(axis=1), ink.any(axis=2)
    for used in (columns, rows):
        before, after = used.argmax(axis=1), used[:, ::-1].argmax(axis=1)
        assert np.abs(before - after).max() <= 3
    assert np.maximum(columns.sum(axis=1), rows.sum(axis=1)).min() >= 60


def test_nothing_lies_under_transparent_pixels(stickers):
    assert not stickers.sprites[stickers.sprites[..., 3] == 0].any()


def test_every_thing_has_four_training_stickers_of_three_styles(stickers):
    for thing in range(len(NAMES)):
        styles = stickers.style[(stickers.thing == thing) & ~stickers.held_out]
        assert len(styles) >= 4, NAMES[thing]
        assert len(set(styles)) >= 3, NAMES[thing]


def test_two_styles_are_held_out_and_every_thing_is_in_one_of_them(stickers):
    assert set(stickers.style[stickers.held_out]) == {"twemoji", doodles.STYLE}
    assert not set(stickers.style[stickers.held_out]) & set(stickers.style[~stickers.held_out])
    assert set(stickers.thing[stickers.style == "twemoji"]) == set(range(72))
    assert set(stickers.style) == set(SHIPPED_STYLES)
    assert set(SHIPPED_STYLES) <= {family.style for family in FAMILIES} | {doodles.STYLE}


def test_no_picture_is_there_twice(stickers):
    assert len({sprite.tobytes() for sprite in stickers.sprites}) == len(stickers.sprites)


@pytest.mark.parametrize("name", ["cat", "sun", "bicycle"])
def test_doodles_are_made_by_the_code_again(stickers, name):
    rows = (stickers.style == doodles.STYLE) & (stickers.thing == NAMES.index(name))
    again = np.stack(doodles.variants(name)).astype(int)
    assert np.abs(stickers.sprites[rows].astype(int) - again).mean() < 0.5


def test_thirty_things_and_more_are_drawn_by_hand_in_three_ways(stickers):
    drawn = Counter(stickers.thing[stickers.style == doodles.STYLE].tolist())
    assert len(drawn) >= 30
    assert set(drawn.values()) == {3}
    assert {NAMES[thing] for thing in drawn} == set(doodles.DRAWINGS)


def test_a_doodle_is_of_one_colour_and_the_three_differ():
    first, second, third = doodles.variants("house")
    for doodle in (first, second, third):
        assert len(np.unique(doodle[doodle[..., 3] > 0][:, :3], axis=0)) == 1
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)


def test_every_style_is_named_in_the_notice_with_its_licence(stickers):
    notice = (FOLDER / "NOTICE.md").read_text(encoding="utf-8")
    counts = Counter(stickers.style.tolist())
    for family in FAMILIES:
        (line,) = [line for line in notice.splitlines() if f"`{family.package}`" in line]
        for promised in (family.style, family.version, family.holder, family.licence):
            assert promised in line, (family.style, promised)
        if family.style in SHIPPED_STYLES:
            assert str(counts[family.style]) in line
    assert f"{len(stickers.style)} small pictures" in notice


def test_a_picture_is_cropped_and_keeps_its_proportions():
    picture = Image.new("RGBA", (300, 200))
    picture.paste((200, 30, 40, 255), (50, 60, 150, 110))
    sprite = centred(picture)
    rows = np.flatnonzero((sprite[..., 3] > 127).any(axis=1))
    columns = np.flatnonzero((sprite[..., 3] > 127).any(axis=0))
    assert (columns[0], columns[-1]) == (0, 71)
    assert (rows[0], rows[-1]) == (18, 53)
    assert sprite[36, 36].tolist() == [200, 30, 40, 255]


def test_an_empty_picture_is_refused():
    with pytest.raises(ValueError, match="nothing is drawn"):
        centred(Image.new("RGBA", (10, 10)))
