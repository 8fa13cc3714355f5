"""The arguments of a running forward pass, checked against the layouts of its prompts.

The decoder's layers see rows and no ids; these are read where they enter the model.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vtw_core.errors import InputError, ModelError
from vtw_core.families.adapters import visual_token_ids
from vtw_core.families.layout import TokenLayout
from vtw_core.hooks.scoped import ContextHooks


class ForwardArguments:
    """The arguments of the forward pass that is running."""

    def __init__(self, model: Any) -> None:
        self._visual_ids = visual_token_ids(model.config)
        self._named = list(inspect.signature(type(model).forward).parameters)[1:]  # but self
        self._embed = model.get_input_embeddings()
        self._ids: Tensor | None = None
        self._embedded: Tensor | None = None
        self._mask: Any = None
        self._pictures = False
        self._of_every_row: str | None = None  # an argument that counts on every row's logits

    def attach(self, hooks: ContextHooks, model: Any) -> None:
        """Put the hooks on the model."""
        hooks.before(model, self._before_model)
        hooks.after(model, self._after_model, after_errors=True)
        hooks.before(model.model, self._before_base)
        hooks.after(model.model, self._after_base, after_errors=True)

    def _before_model(self, args: Any, kwargs: dict[str, Any]) -> None:
        passed = {**dict(zip(self._named, args, strict=False)), **kwargs}
        named = ("labels", "logits_to_keep")
        tensors = [name for name in named if isinstance(passed.get(name), Tensor)]
        self._of_every_row = tensors[0] if tensors else None

    def _after_model(self, *call: Any) -> None:
        self._of_every_row = None

    def _before_base(self, args: Any, kwargs: dict[str, Any]) -> None:
        self._ids = args[0] if args else kwargs.get("input_ids")
        self._embedded = kwargs.get("inputs_embeds")
        self._mask = kwargs.get("attention_mask")
        encoded = kwargs.get("mm_encoder_outputs") or {}
        self._pictures = any(
            one is not None for one in (kwargs.get("pixel_values"), *encoded.values())
        )

    def _after_base(self, *call: Any) -> None:
        self._ids = self._embedded = self._mask = None

    def check_prompt(self, layouts: Sequence[TokenLayout], batch: int, rows: int) -> None:
        """Raise ModelError unless a pass over prompts is over those of the layouts.

        batch: sequences of the batch, as many of each prompt as of any other.
        rows: of the pass, at least the prompt's.
        """
        total = layouts[0].total
        is_visual = self._visual()
        if is_visual is None or is_visual.shape != (batch, rows):
            # Rows that cannot be identified can only be the prompt's own.
            if is_visual is not None or rows > total:
                raise ModelError(
                    "The pass has {rows} rows, the layout {total}, and no input_ids say what the "
                    "others are: pass input_ids, or a layout of this prompt.",
                    rows=rows,
                    total=total,
                )
            return
        ids = None if self._ids is None else np.asarray(self._ids.cpu())
        is_there = np.ones_like(is_visual)
        if isinstance(self._mask, Tensor) and self._mask.ndim == 2:
            is_there = np.asarray(self._mask.cpu() != 0)
        copies = batch // len(layouts)
        for row in range(batch):
            layout = layouts[row // copies]
            own = slice(layout.padding, total)
            is_its_own = (
                np.array_equal(np.flatnonzero(is_visual[row, :total]), layout.visual)
                and is_there[row, own].all()
                and not is_there[row, : layout.padding].any()
            )
            if is_its_own and ids is not None and layout.ids is not None:
                is_its_own = np.array_equal(ids[row, own], layout.ids[own])
            if not is_its_own:
                raise ModelError(
                    "The layout belongs to another prompt than the input_ids: take it from the "
                    "inputs that you run."
                )

    def check_after(self, total: int) -> None:
        """Raise ModelError where rows after prompts of `total` tokens cannot be followed."""
        # Without a picture such a token is one that the model chose itself, and text.
        is_visual = self._visual() if self._pictures else None
        if is_visual is not None and is_visual.any():
            raise ModelError(
                "Another image follows the prompt, and the layout does not cover it; run "
                "the whole conversation as one prompt."
            )
        mask = self._mask
        if isinstance(mask, Tensor) and mask.ndim == 2 and not bool(mask[:, total:].all()):
            raise ModelError(
                "There is padding after the prompt, in a batch whose further text has different "
                "lengths; run these prompts one at a time."
            )

    def check_rows_left(self) -> None:
        """Raise InputError where the caller counts on rows that have left the prompt."""
        if self._of_every_row is not None:
            raise InputError(
                "{name} counts every token of the prompt, and some have left: give "
                "logits_to_keep as a number, and take a loss from the logits of the answer.",
                name=self._of_every_row,
            )

    def _visual(self) -> NDArray[np.bool_] | None:
        """[batch, rows] where the pass has visual tokens; None where that is not known."""
        if self._ids is not None:
            ids = np.asarray(self._ids.cpu())
            return np.isin(ids, self._visual_ids)
        if self._embedded is None:
            return None
        with torch.no_grad():
            those = torch.tensor(self._visual_ids, device=self._embedded.device)
            placeholders = self._embed.forward(those).to(self._embedded.dtype)
            found = (self._embedded[:, :, None] == placeholders).all(-1).any(-1)
        # The image may be in the embeddings already.
        return np.asarray(found.cpu()) if bool(found.any()) else None
