"""Does the installed transformers run decoder layers as the engine takes for granted?

Dropping visual tokens must equal masking them. A decoder of the model's own class, tiny and
random, is run both ways: over a prompt, and over two tokens after it with the KV cache that the
prompt left. `load_model` checks this before it fetches weights. It takes no part of the model
itself, so it costs the same few milliseconds for every size, precision and place of the weights.
"""

import copy
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import MODEL_MAPPING, DynamicCache
from transformers import __version__ as installed

from vtw_core.engine.withdrawal import withdraw
from vtw_core.errors import ModelError, VTWWarning
from vtw_core.every_k.full_run import additive
from vtw_core.families.adapters import adapter_for
from vtw_core.families.layout import TokenLayout
from vtw_core.hooks.layer_arguments import cache_argument, cache_of
from vtw_core.hooks.scoped import context_hooks
from vtw_core.strategies.vtw import VisualTokenWithdrawal

TESTED = ("5.23.0", "5.24.0")
"""Releases of transformers that withdrawal is known to be exact with."""

VISUAL = np.arange(2, 6)
PASSES = ((0, 9), (9, 10), (10, 11))  # first row and after the last: prompt, two tokens
TOLERANCE = 1e-4  # hidden states after the decoder's norm are of the order of 1


def check_exactness(config: Any) -> None:
    """Refuse a model where dropping visual tokens is not the same as masking them.

    Where no tiny decoder of the model's class can be built to find out, a VTWWarning says so.

    Args:
        config: of a supported model.

    Raises:
        ModelError: it is not, or such a decoder does not run; names the releases that are known
            to work.
    """
    kind = config.get_text_config(decoder=True).model_type
    try:
        tiny = TinyModel(config)
    except Exception as error:
        warnings.warn(
            f"Whether withdrawal is exact with transformers {installed} could not be checked: no "
            f"small decoder of type {kind} can be built ({_reason(error)}); compare with masking "
            "before you rely on it.",
            VTWWarning,
            stacklevel=2,
        )
        return
    try:
        apart, effect = differences(tiny)
    except Exception as error:
        raise ModelError(
            "Visual tokens cannot be withdrawn from a decoder of type {kind} with transformers "
            "{installed} ({error}); install a release that is known to work: {tested}.",
            kind=kind,
            installed=installed,
            error=_reason(error),
            tested=", ".join(TESTED),
        ) from error
    if not apart <= TOLERANCE < effect:  # NaN neither
        raise ModelError(
            "Visual tokens are not withdrawn exactly from a decoder of type {kind} with "
            "transformers {installed}: dropping them does not equal masking them; install a "
            "release that is known to work: {tested}.",
            kind=kind,
            installed=installed,
            tested=", ".join(TESTED),
        )


def _reason(error: Exception) -> str:
    """Its message, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


class TinyModel(nn.Module):
    """A tiny random decoder of a model's class, in as much of a model as `withdraw` looks at.

    Attributes:
        decoder: it.
        k: the K to check: one whole layer more than its family's smallest.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.k = adapter_for(config).k_min(config) + 1
        text = _tiny(config.get_text_config(decoder=True), layers=self.k + 2)
        # On the CPU, whatever the default is; to build it draws from the process's random numbers.
        build: Any = MODEL_MAPPING[type(text)]
        with torch.device("cpu"), torch.random.fork_rng(devices=()):
            self.decoder = build(text).float().eval()
        self.model = _Base(self.decoder)
        draw = torch.Generator("cpu").manual_seed(0)
        width = text.hidden_size
        self._rows = torch.randn(1, PASSES[-1][1], width, generator=draw, dtype=torch.float32)
        self._ids = torch.full((1, PASSES[-1][1]), -1)
        self._ids[0, torch.as_tensor(VISUAL)] = adapter_for(config).image_token_id(config)
        for weight in self.decoder.parameters():
            weight.requires_grad_(False)
            if weight.ndim > 1:  # strong enough for every token to matter to those after it
                weight.normal_(std=weight.shape[-1] ** -0.5, generator=draw)

    def get_decoder(self) -> Any:
        return self.decoder

    def get_input_embeddings(self) -> Any:
        return self.decoder.get_input_embeddings()

    def forward(self) -> list[Tensor]:
        """[passes] of hidden states [1, rows, width] after the last layer."""
        kv_cache = DynamicCache(config=self.decoder.config)
        return [
            self.model(
                input_ids=self._ids[:, start:stop],
                inputs_embeds=self._rows[:, start:stop],
                use_cache=True,
                **cache_argument(self.decoder, kv_cache),
            ).last_hidden_state
            for start, stop in PASSES
        ]


class _Base(nn.Module):
    """What is between a model and its decoder: where ids become rows."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, input_ids: Tensor, **passed: Any) -> Any:
        return self.decoder(**passed)


def _tiny(text: Any, layers: int) -> Any:
    """A decoder's config with few and small layers, each of its kinds among them."""
    tiny = copy.deepcopy(text)
    # Heads keep their size, which the parts of multimodal rope must add up to.
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    settings = {
        "hidden_size": 2 * head, "num_attention_heads": 2, "num_key_value_heads": 1,
        "intermediate_size": 32, "moe_intermediate_size": 32, "num_hidden_layers": layers,
        "vocab_size": 8, "pad_token_id": 0,
        # PaliGemma's whole model decides itself which rows see each other both ways.
        "use_bidirectional_attention": False,
    }  # fmt: skip
    for name, value in settings.items():
        if hasattr(tiny, name):
            setattr(tiny, name, value)
    kinds = list(dict.fromkeys(getattr(text, "layer_types", None) or ()))
    if kinds:
        tiny.layer_types = (kinds * layers)[:layers]
    return tiny


@torch.inference_mode()
def differences(tiny: TinyModel) -> tuple[float, float]:
    """Greatest difference of hidden states between dropping and masking; and between masking and
    leaving all as it is, without which the first would say nothing."""
    layout = TokenLayout(
        total=PASSES[0][1],
        segments=("system",) * 2 + ("visual",) * len(VISUAL) + ("question",) * 3,
        visual=VISUAL,
        grids=((1, len(VISUAL)),),
        patches=np.array([(0, 0, column) for column in range(len(VISUAL))]),
    )
    plain = _of_text(tiny(), layout)
    with context_hooks(tiny) as hooks:
        for layer in tiny.decoder.layers[tiny.k :]:
            hooks.before(layer, _blinded)
        masked = _of_text(tiny(), layout)
    with withdraw(tiny, VisualTokenWithdrawal(tiny.k), layout):
        dropped = torch.cat(tiny(), dim=1)
    return float((dropped - masked).abs().max()), float((masked - plain).abs().max())


def _of_text(passes: list[Tensor], layout: TokenLayout) -> Tensor:
    """[1, rows that are not visual, width]."""
    return torch.cat([passes[0][:, torch.as_tensor(layout.text)], *passes[1:]], dim=1)


def _blinded(args: Any, kwargs: dict[str, Any]) -> Any:
    """A layer's arguments with a mask by which only visual rows see visual columns."""
    columns = torch.arange(cache_of(kwargs).get_seq_length(0))
    hidden = args[0] if args else kwargs["hidden_states"]
    rows = columns[len(columns) - hidden.shape[1] :, None]
    is_visual = torch.zeros(PASSES[-1][1], dtype=torch.bool)
    is_visual[torch.as_tensor(VISUAL)] = True
    sees = (columns <= rows) & (is_visual[rows] | ~is_visual[columns])
    return args, {**kwargs, "attention_mask": additive(sees, hidden.dtype)[None, None]}
