"""The model ``vtw`` of lm-evaluation-harness: its ``hf-multimodal``, run under a strategy.

Everything but the withdrawal is the harness's own (loading, chat template, batching with padding
on the left, stop sequences), so ``strategy=none`` gives what ``hf-multimodal`` gives.
"""

from typing import Any

from lm_eval.api.registry import register_model
from lm_eval.models.hf_vlms import HFMultimodalLM

from vtw_core.errors import InputError, ModelError
from vtw_core.layout import TokenLayout
from vtw_core.models.adapters import decoder_layers
from vtw_core.models.loading import EMBEDDED, resolve
from vtw_core.models.support import check_support
from vtw_core.strategies.base import begins_in_the_encoder
from vtw_core.strategy_options import method_from
from vtw_core.withdrawal import withdraw


@register_model("vtw")
class WithdrawnLM(HFMultimodalLM):
    """A vision-language model of the harness, whose visual tokens leave as a strategy says.

    Args (``--model_args``):
        pretrained: as for ``hf-multimodal``, or ``embedded``.
        strategy: a strategy and its options as in ``python -m vtw_core generate``, such as
            ``vtw --k 16``; with commas in it give ``--model_args`` as a JSON object.
        Everything else: as for ``hf-multimodal``.

    Raises:
        InputError: the strategy does not fit the model, or cannot be run in batches.
        ModelError: the model's family is not supported.
    """

    def __init__(self, pretrained: Any, strategy: str = "none", **options: Any) -> None:
        method = method_from(strategy)
        if method.tokens is not None or begins_in_the_encoder(method.strategy):
            raise InputError(
                f"{strategy!r} cannot be run in batches: thresholds that are fitted to each image "
                "(--tokens) and MustDrop's vision stage need one prompt at a time; give --gamma "
                "and --alpha with --stages bc, or use `python -m vtw_core evaluate`."
            )
        super().__init__(resolve(EMBEDDED) if pretrained == EMBEDDED else pretrained, **options)
        support = check_support(self.model)
        if not support.supported:
            raise ModelError(support.reason)
        method.strategy.check(len(decoder_layers(self.model)))
        self._strategy = method.strategy

    def _model_multimodal_generate(
        self, inputs: Any, max_length: int, stop: list[str], **generation_kwargs: Any
    ) -> Any:
        layouts = TokenLayout.batch_from_inputs(self.model, inputs)
        with withdraw(self.model, self._strategy, layouts):
            return super()._model_multimodal_generate(inputs, max_length, stop, **generation_kwargs)
