"""Pictures of odd sizes, 1 x n, n x 1, tiny and strips, in every family: as many visual tokens as
the model makes, every patch at one place, and a run that can be drawn."""

import numpy as np
import pytest
import torch
from conftest import PROMPT
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny_models import FAMILIES, random_picture

from vtw_core import InputError, VisualTokenWithdrawal
from vtw_core.analysis.sinks import on_grid, where_it_looks
from vtw_core.pictures.images import MAX_ASPECT

# The tiny Mistral 3's pictures have at most so many pixels a side; of a narrower strip nothing is
# left. The real one's 1540 hold any strip that is taken at all.
MISTRAL_SIDE = 32


@st.composite
def odd_sizes(draw):
    """(width, height) as pictures may have at most, small ones and narrow ones more often."""
    short = draw(st.integers(1, 40))
    long = draw(st.integers(short, min(short * MAX_ASPECT, 400)))
    return (short, long) if draw(st.booleans()) else (long, short)


def layout_of(vlm, size):
    """The layout of a picture; its law is checked, and that the model makes as many features."""
    inputs = vlm.inputs(random_picture(*size), PROMPT)
    layout = vlm.layout(inputs)
    with torch.inference_mode():
        found = vlm.adapter.encode_image(vlm.model, inputs).pooler_output
    pictures = [found] if isinstance(found, torch.Tensor) else found
    assert sum(one.shape[:-1].numel() for one in pictures) == len(layout.visual)
    for map_ in layout.token_maps:
        assert map_.size
        assert (map_ >= 0).all()
    places = layout.patches[layout.patches[:, 1] >= 0]
    assert len(np.unique(places, axis=0)) == len(places) == sum(r * c for r, c in layout.grids)
    return layout


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_layout_fits_a_picture_of_any_size(tiny_models, family):
    vlm = tiny_models(family)

    @settings(max_examples=15, deadline=None, derandomize=True, database=None)
    @example((1, 1)).via("the smallest")
    @example((1, 50)).via("the narrowest")
    @example((50, 1)).via("the flattest")
    @example((7, 200)).via("a strip")
    @example((28, 28)).via("one merged patch of Mistral 3")
    @given(odd_sizes())
    def fits(size):
        if family == "mistral3" and max(size) > MISTRAL_SIDE * min(size):
            with pytest.raises(InputError, match="cannot take a picture of"):
                layout_of(vlm, size)
        else:
            layout_of(vlm, size)

    fits()


@pytest.mark.parametrize("family", ["llava_next", "llava_onevision"])
@pytest.mark.parametrize("size", [(1, 50), (2, 50), (3, 90), (7, 200)])
def test_a_strip_without_a_patch_in_its_tiles_has_their_newlines_at_no_place(
    tiny_models, family, size
):
    layout = layout_of(tiny_models(family), size)
    (side, _), *tiles = layout.grids
    assert tiles == []
    newlines = layout.patches[:, 1] < 0
    assert newlines.sum() == len(layout.visual) - side * side > 1
    assert newlines[side * side :].all()


@pytest.mark.parametrize(
    ("size", "grid"), [((1, 1), (2, 2)), ((8, 8), (2, 2)), ((3, 8), (2, 1)), ((8, 2), (1, 2)),
                       ((9, 9), (2, 2)), ((9, 8), (1, 2)), ((17, 8), (1, 3))],
)  # fmt: skip
def test_a_picture_of_one_merged_patch_is_enlarged_for_mistral_3(tiny_models, size, grid):
    assert layout_of(tiny_models("mistral3"), size).grids == (grid,)


def test_what_is_enlarged_shows_the_same_pixels(tiny_models):
    vlm = tiny_models("mistral3")
    small = random_picture(4, 4)
    large = small.resize((12, 12), 0)
    assert torch.equal(
        vlm.inputs(small, PROMPT)["pixel_values"], vlm.inputs(large, PROMPT)["pixel_values"]
    )


def test_a_tiny_picture_beside_another_has_the_grid_that_it_has_alone(tiny_models):
    vlm = tiny_models("mistral3")
    pictures = [random_picture(5, 5), random_picture(32, 16)]
    assert vlm.layout(vlm.inputs(pictures, PROMPT)).grids == ((2, 2), (2, 4))


@pytest.mark.parametrize(
    ("family", "size"),
    [("mistral3", (1, 1)), ("mistral3", (8, 8)), ("llava_next", (1, 50)), ("llava_next", (50, 1)),
     ("llava_onevision", (2, 50))],
)  # fmt: skip
def test_an_odd_picture_is_explored_and_drawn_as_any_other(tiny_models, family, size):
    vlm = tiny_models(family)
    picture = random_picture(*size)
    run = vlm.explore(picture, PROMPT, max_new_tokens=2, inside=True)
    for k in range(vlm.layers + 1):
        alone = vlm.generate(picture, PROMPT, VisualTokenWithdrawal(k), max_new_tokens=2)
        assert list(alone.token_ids) == list(run.answer_ids[k])
    whole = vlm.generate(picture, PROMPT, max_new_tokens=2)
    last = vlm.generate(picture, PROMPT, VisualTokenWithdrawal(vlm.layers), max_new_tokens=2)
    assert np.array_equal(whole.logits, last.logits)
    for grid, shape in enumerate(run.inside.grids):
        drawn = on_grid(where_it_looks(run.inside, 0), run.inside, grid)
        assert drawn.shape[-2:] == shape
        assert np.isfinite(drawn).all()
