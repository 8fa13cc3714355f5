"""The causal test of migration: what if the text saw another image from some layer on?

The full model's own answer is teacher-forced on another image of the same size, once. Its visual
keys and values then stand in for the true ones (`swapped`), and its own sweep shows what a wrong
image in the first layers does (`misled`). Each other image costs one run over prompt and answer and
two sweeps.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from vtw_core.engine.generation import prepare
from vtw_core.errors import InputError
from vtw_core.every_k.full_run import FullRun, finished, run_full
from vtw_core.every_k.sweep import SweepState
from vtw_core.families.layout import Positions
from vtw_core.families.loaded import LoadedModel
from vtw_core.pictures.counterfactual_images import MADE, check_counterfactuals
from vtw_core.pictures.images import load_images
from vtw_core.results.inside import Counterfactual
from vtw_core.results.sampling import Forced, Sampling


def counterfactual(
    vlm: LoadedModel,
    full: FullRun,
    pictures: Sequence[Image.Image],
    prompt: str,
    other: str | Any,
    *,
    sampling: Sampling,
    positions: Positions = "keep",
) -> Iterator["Counterfactual | None"]:
    """Make the causal test with one other image; None for every layer done, then the result.

    Args:
        full: the full model's run on the true pictures.
        pictures: the true pictures.
        prompt: the user's text.
        other: a name of `MADE`, or (name, picture); the picture is stretched to the true one's
            size, and stands in for all of them; or (name, pictures), one for each.
        sampling: how the run chose its tokens; `picks` are chosen likewise.
        positions: as in `explore`, for `misled`.

    Raises:
        InputError: the other image does not give as many visual tokens, or there is another number
            of other images.
    """
    if isinstance(other, str):
        check_counterfactuals([other])
        name, others = other, [MADE[other](picture) for picture in pictures]
    else:
        name, given = other
        loaded = load_images(given)
        if len(loaded) not in (1, len(pictures)):
            raise InputError(
                "{count} other images were given for {images}; give one, which stands in for "
                "all, or one for each.",
                count=len(loaded),
                images=len(pictures),
            )
        if len(loaded) == 1:
            loaded *= len(pictures)
        others = [mine.resize(one.size) for mine, one in zip(loaded, pictures, strict=True)]
    prepared = prepare(vlm, others, prompt)
    if not np.array_equal(prepared.input_ids.cpu(), full.prepared.input_ids.cpu()):
        raise InputError(
            "The other image does not give the prompt's visual tokens; use one of the same size."
        )
    forced = finished(run_full(vlm, prepared, len(full.ids), Forced(full.ids)))
    swapped = SweepState(vlm, full, image=forced)
    misled = SweepState(vlm, forced, positions)
    for _ in zip(swapped.layers(), misled.layers(), strict=True):
        yield None
    by_swap, by_misleading = swapped.compare(full, sampling), misled.compare(full, sampling)
    yield Counterfactual(
        name=name,
        swapped_kl=by_swap.kl,
        swapped_log_probability=by_swap.log_probability,
        swapped_picks=by_swap.picks,
        misled_kl=by_misleading.kl,
        misled_log_probability=by_misleading.log_probability,
        misled_picks=by_misleading.picks,
    )
