"""safetensors, read within bounds: https://huggingface.co/docs/safetensors/index#format."""

import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as serialized

from vtw_core.errors import InputError
from vtw_core.files.documents import parsed

_LENGTH = struct.Struct("<Q")
_TYPES = {
    "F16": np.float16, "F32": np.float32, "F64": np.float64, "I8": np.int8, "I16": np.int16,
    "I32": np.int32, "I64": np.int64, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip


def tensor_bytes(tensors: dict[str, NDArray[Any]], metadata: dict[str, str]) -> bytes:
    """A safetensors file."""
    contiguous = {name: np.ascontiguousarray(one) for name, one in tensors.items()}
    return bytes(serialized(contiguous, metadata))


def read_tensors(
    body: bytes, name: str, most_header: int, most_values: int
) -> tuple[Any, dict[str, NDArray[Any]]]:
    """The metadata, still unchecked, and the arrays of a safetensors file, views into its bytes.

    Args:
        name: of the file, in sentences.
        most_header: bytes of the header; a longer one is not read.
        most_values: values of JSON in it.

    Raises:
        InputError: it is none, is damaged, or its header is longer.
    """
    damaged = InputError("{name} is damaged: its contents cannot be read.", name=name)
    if len(body) < _LENGTH.size:
        raise damaged
    (length,) = _LENGTH.unpack_from(body)
    if length > most_header:
        raise InputError(
            "{name} holds more than {limit} MB of data.", name=name, limit=most_header // 2**20
        )
    start = _LENGTH.size + length
    if start > len(body):
        raise damaged
    header = parsed(body[_LENGTH.size : start], name, most_values)
    if not isinstance(header, dict):
        raise damaged
    metadata = header.pop("__metadata__", {})
    data, at = memoryview(body)[start:], 0
    tensors = {}
    try:
        for key, entry in sorted(header.items(), key=lambda one: one[1]["data_offsets"]):
            tensors[key], at = _tensor(entry, data, at)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged from error
    if at != len(data):
        raise damaged
    return metadata, tensors


def _tensor(entry: dict[str, Any], data: memoryview, at: int) -> tuple[NDArray[Any], int]:
    """An array that must begin where the one before it ended, and its own end; raises KeyError,
    TypeError or ValueError if it is not as it should be."""
    dtype, shape = np.dtype(_TYPES[entry["dtype"]]), entry["shape"]
    if not all(type(one) is int and one >= 0 for one in shape):
        raise ValueError
    # In Python's own numbers, which do not overflow.
    end = at + math.prod(shape) * dtype.itemsize
    if entry["data_offsets"] != [at, end] or end > len(data):
        raise ValueError
    array = np.frombuffer(data[at:end], dtype.newbyteorder("<")).astype(dtype, copy=False)
    if dtype == np.bool_ and not np.isin(array.view(np.uint8), (0, 1)).all():
        raise ValueError
    return array.reshape(shape), end
