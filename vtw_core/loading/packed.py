"""Weights that are shipped packed: base matrices in 4 bits, what was trained added to them.

A packed folder has the configs, processor and tokenizer of an ordinary checkpoint; in the place of
``model.safetensors`` stand `FILES`. Each parameter is in one of four forms:

* ``NAME``: as it is.
* ``NAME.codes`` uint8 [rows, columns / 2] and ``NAME.scales``: GGUF's Q4_1. Blocks of 32 weights
  of a row; a weight is scale * code + minimum. The low half of a block's byte i is weight i, the
  high half weight 16 + i.
* ``NAME.values`` int8 [rows, columns] and ``NAME.scales``: GGUF's Q8_0, a weight is scale * value.
* ``NAME.down``, ``NAME.up`` beside one of the forms above, each again values and scales: twice the
  product up^T down [rows, columns] is added.

Scales are float16, stored as their bytes [2, ...], first all low bytes, then all high ones, which
compress better. Files that end in ``.gz`` are compressed.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vtw_core.errors import ModelError

FILES = (
    "base-1.safetensors",
    "base-2.safetensors",
    "scales.safetensors.gz",
    "embedding.safetensors.gz",
    "trained.safetensors",
)
BLOCK = 32
_FLOAT32 = 4


def is_packed(folder: Path) -> bool:
    """Whether a folder holds packed weights."""
    return (folder / FILES[0]).is_file()


def float_bytes(shape: Any) -> int:
    """Bytes that a model's weights come to when they are unpacked."""
    return _FLOAT32 * sum(int(weight.numel()) for weight in shape.parameters())


def _read(file: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load, load_file

    try:
        if file.suffix == ".gz":
            return load(gzip.decompress(file.read_bytes()))
        return load_file(file)
    except FileNotFoundError as error:
        raise ModelError(
            "The packed weights in {folder} lack {file}; fetch the whole folder again.",
            folder=file.parent,
            file=file.name,
        ) from error
    except (OSError, EOFError, SafetensorError) as error:
        raise ModelError(
            "{file} in {folder} is damaged; fetch the whole folder again.",
            file=file.name,
            folder=file.parent,
        ) from error


def _scales(stored: Any) -> Any:
    """float32 of the bytes [2, ...] of float16."""
    import torch

    return stored.movedim(0, -1).contiguous().view(torch.float16).squeeze(-1).float()


def _from_codes(codes: Any, scales: Any) -> Any:
    """float32 [rows, columns]; scales: [2, rows, columns / BLOCK], scale and minimum."""
    import torch

    rows, half = codes.shape
    blocks = codes.view(rows, -1, BLOCK // 2)
    weights = torch.empty(rows, blocks.shape[1], BLOCK)
    weights[..., : BLOCK // 2] = blocks & 15
    weights[..., BLOCK // 2 :] = blocks >> 4
    weights.mul_(scales[0, ..., None]).add_(scales[1, ..., None])
    return weights.view(rows, 2 * half)


def _from_values(values: Any, scales: Any) -> Any:
    """float32 of the shape of ``values``; one scale for each `BLOCK` of them in a row."""
    blocks = values.float().view(-1, BLOCK)
    return blocks.mul_(scales.reshape(-1, 1)).view(values.shape)


def unpacked(folder: Path, *, with_additions: bool = True) -> Iterator[tuple[str, Any]]:
    """Name and float32 tensor of each parameter, one after the other.

    Args:
        with_additions: whether what was trained is added to the base.

    Raises:
        ModelError: a file is missing or damaged.
    """
    stored: dict[str, Any] = {}
    for file in FILES:
        stored |= _read(folder / file)
    for name in [key for key in stored if _is_parameter(key)]:
        yield _whole(name, stored, with_additions)


_ENDINGS = (".codes", ".values", ".scales")


def _is_parameter(key: str) -> bool:
    """Whether a key stands for a parameter, and is not a part of one."""
    if key.endswith(".scales"):
        return False
    return not key.removesuffix(".values").endswith((".up", ".down"))


def _whole(key: str, stored: dict[str, Any], with_additions: bool) -> tuple[str, Any]:
    name = key
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    weight = _part(name, stored)
    if with_additions and f"{name}.up.values" in stored:
        up, down = (_part(f"{name}.{part}", stored) for part in ("up", "down"))
        weight.addmm_(up.T, down, alpha=2.0)
    return name, weight


def _part(name: str, stored: dict[str, Any]) -> Any:
    if f"{name}.codes" in stored:
        return _from_codes(stored.pop(f"{name}.codes"), _scales(stored.pop(f"{name}.scales")))
    if f"{name}.values" in stored:
        return _from_values(stored.pop(f"{name}.values"), _scales(stored.pop(f"{name}.scales")))
    return stored.pop(name).float()
