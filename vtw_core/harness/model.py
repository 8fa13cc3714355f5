"""The model ``vtw`` of lm-evaluation-harness: its ``hf-multimodal``, run under a strategy.

Everything but the withdrawal is the harness's own (loading, chat template, batching with padding
on the left, stop sequences), so ``strategy=none`` gives what ``hf-multimodal`` gives.
"""

from typing import Any

import torch
from lm_eval.api.registry import register_model
from lm_eval.models.hf_vlms import HFMultimodalLM

from vtw_core.engine.vision_merging import encode_merged
from vtw_core.engine.withdrawal import withdraw
from vtw_core.errors import InputError, ModelError
from vtw_core.families.adapters import decoder_layers
from vtw_core.families.catalogue import SHIPPED
from vtw_core.families.layout import TokenLayout
from vtw_core.families.support import check_support
from vtw_core.loading.loading import resolve
from vtw_core.strategies.words import method_from


@register_model("vtw")
class WithdrawnLM(HFMultimodalLM):
    """A vision-language model of the harness, whose visual tokens leave as a strategy decides.

    Args (``--model_args``):
        pretrained: as for ``hf-multimodal``, or ``embedded``.
        strategy: a strategy and its options as in ``python -m vtw_core generate``, such as
            ``vtw --k 16``; with commas in it give ``--model_args`` as a JSON object.
        plain_prompts: whether prompts without the model's chat template are meant.
        Everything else: as for ``hf-multimodal``.

    Raises:
        InputError: the strategy does not fit the model, its thresholds are to be fitted, or prompts
            come without the chat template that the model has.
        ModelError: the model's family is not supported.
    """

    def __init__(
        self, pretrained: Any, strategy: str = "none", plain_prompts: bool = False, **options: Any
    ) -> None:
        method = method_from(strategy)
        if method.tokens is not None:
            raise InputError(
                "{strategy!r} fits its thresholds to each image, which the harness's own loop "
                "cannot do; give --gamma and --alpha, or use `python -m vtw_core evaluate`.",
                strategy=strategy,
            )
        super().__init__(resolve(pretrained) if pretrained in SHIPPED else pretrained, **options)
        support = check_support(self.model)
        if not support.supported:
            raise ModelError.of(support.reason)
        method.strategy.check(len(decoder_layers(self.model)))
        self._strategy = method.strategy
        has_template = bool(getattr(self.processor, "chat_template", None))
        self._can_answer = bool(plain_prompts) or not has_template

    def apply_chat_template(self, *arguments: Any, **options: Any) -> str:
        self._can_answer = True
        return str(super().apply_chat_template(*arguments, **options))

    @property
    def tokenizer_name(self) -> str:
        # Where prompts come from the harness's cache, this alone tells that they had the template.
        self._can_answer = True
        return str(super().tokenizer_name)

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        if not self._can_answer:
            raise InputError(
                "The prompts come without the model's chat template, so its answers would be far "
                "worse than they are; add --apply_chat_template, or plain_prompts=True to "
                "--model_args if that is meant."
            )
        return list(super().generate_until(requests, disable_tqdm=disable_tqdm))

    def _model_multimodal_generate(
        self, inputs: Any, max_length: int, stop: list[str], **generation_kwargs: Any
    ) -> Any:
        layouts = TokenLayout.batch_from_inputs(self.model, inputs)
        if self._strategy.vision is None:
            return self._withdrawn(inputs, layouts, max_length, stop, generation_kwargs)
        # A merged image takes a number of tokens of its own: one prompt after the other.
        context, images = inputs["input_ids"].shape[1], 0
        rows = []
        for row, layout in zip(inputs["input_ids"], layouts, strict=True):
            pixels = inputs["pixel_values"][images : images + len(layout.grids)]
            images += len(layout.grids)
            short, merged = self._merged(row[None, layout.padding :], pixels)
            length = short["input_ids"].shape[1]
            longest = length + max_length - context
            made = self._withdrawn(short, merged, longest, stop, generation_kwargs)
            rows.append(torch.cat([row, made[0, length:]]))
        return torch.nn.utils.rnn.pad_sequence(
            rows, batch_first=True, padding_value=self.tokenizer.pad_token_id
        )

    def _withdrawn(
        self, inputs: Any, layout: Any, max_length: int, stop: list[str], options: dict[str, Any]
    ) -> Any:
        with withdraw(self.model, self._strategy, layout):
            return super()._model_multimodal_generate(inputs, max_length, stop, **options)

    def _merged(self, ids: Any, pixels: Any) -> tuple[dict[str, Any], TokenLayout]:
        """What `generate` takes for a prompt whose image is merged in the encoder; its layout.

        Args:
            ids: [1, tokens], without padding.
            pixels: [images, 3, height, width].
        """
        strategy = self._strategy
        assert strategy.vision is not None
        inputs = {"input_ids": ids, "pixel_values": pixels}
        layout = TokenLayout.from_inputs(self.model, inputs)
        merged = encode_merged(self.model, inputs, layout, strategy.vision)
        stayed = torch.as_tensor(merged.stayed, device=ids.device)
        counted = torch.arange(len(stayed), device=ids.device)
        return {
            "input_ids": ids[:, stayed],
            "attention_mask": torch.ones_like(ids[:, stayed]),
            "position_ids": (stayed if strategy.positions == "keep" else counted)[None],
            "mm_encoder_outputs": {"image": merged.vision},
        }, merged.layout
