"""Serialize records as JSON and arrays and read them back; the schema is the annotations of their
fields.

A record is a dataclass of numbers, text, None, choices (`Literal`), tuples, mappings, arrays and
further records. Arrays, and nested tuples of numbers with a name for every axis (`Axes`), can be
stored outside of the JSON, each under the path of its field, such as "inside.attention.mass".

A field that is None or empty by default may be missing, so that a later version can add one.
"""

import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import (
    Any,
    Literal,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)  # fmt: skip

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import InputError, Sentence
from vtw_core.files.axes import Axes, Count, Lengths, Own, shape_of, wrong_shape
from vtw_core.measures.arrays import frozen

R = TypeVar("R")
Tensors = dict[str, NDArray[Any]]
_WHOLE = Sentence("the result")
_NUMBERS: dict[Any, type[np.generic]] = {float: np.float64, int: np.int64, bool: np.bool_}


def serialize(record: Any, most_bytes: int) -> tuple[Any, Tensors]:
    """A record as JSON, and the arrays that are stored outside of it.

    Raises:
        OverflowError: the arrays take more than `most_bytes`.
    """
    stored = _Stored(most_bytes)
    return _form(type(record)).write(record, "", stored), stored.tensors


def to_json(record: Any) -> Any:
    """A record as JSON alone, arrays as lists; of an empty one, all axes but the first are lost."""
    return _form(type(record)).write(record, "", None)


def deserialize(kind: type[R], document: Any, tensors: Tensors | None = None) -> R:
    """The record of a class from what `serialize` or `to_json` made; empties `tensors`.

    Raises:
        InputError: a value is not what its field says; or what the class itself raises.
    """
    left = {} if tensors is None else tensors
    record: R = _form(kind).read(document, "", left)
    if left:
        raise InputError("its arrays are not those that this version saves.")
    return record


def freeze(record: Any) -> None:
    """Make the arrays of a new record read-only copies of the types that its fields say."""
    for field in _fields(type(record)):
        form, value = _inmost(field.form), getattr(record, field.name)
        if isinstance(form, _Tensor) and not form.depth and value is not None:
            object.__setattr__(record, field.name, frozen(value, form.dtype))


def misfit(record: Any) -> Sentence | None:
    """Which axes do not have the lengths that others set, as a sentence; None if all do."""
    return next(_form(type(record)).misfits(record, "", Lengths()), None)


def arrays_of(record: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """The path and the array of every array field, however deep."""
    yield from serialize(record, 2**63)[1].items()


class _Stored:
    """The arrays that were stored outside of the JSON so far."""

    def __init__(self, most_bytes: int) -> None:
        self.tensors: Tensors = {}
        self._left = most_bytes

    def put(self, path: str, array: NDArray[Any]) -> None:
        self._left -= array.nbytes
        if self._left < 0:
            raise OverflowError
        self.tensors[path] = array


class _Form(Protocol):
    """How values of one annotation are written, read, and checked for their axes."""

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any: ...

    def read(self, data: Any, path: str, tensors: Tensors) -> Any: ...

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]: ...


class _Plain:
    """What is in JSON as it is, and has no axes."""

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any:
        return value

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        return data

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]:
        return iter(())


@dataclass(frozen=True)
class _Scalar(_Plain):
    kind: type

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        check_scalar(path, data, self.kind)
        return self.kind(data)


@dataclass(frozen=True)
class _Choice(_Plain):
    among: tuple[Any, ...]

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        if not isinstance(data, str) or data not in self.among:
            raise InputError(
                "{name} should be one of {choices}.", name=path, choices=", ".join(self.among)
            )
        return data


@dataclass(frozen=True)
class _Maybe:
    inner: _Form

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any:
        return None if value is None else self.inner.write(value, path, stored)

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        is_none = data is None and path not in tensors
        return None if is_none else self.inner.read(data, path, tensors)

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]:
        if value is not None:
            yield from self.inner.misfits(value, path, lengths)


@dataclass(frozen=True)
class _Listed:
    """A tuple of any length."""

    inner: _Form

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any:
        return [self.inner.write(one, _at(path, n), stored) for n, one in enumerate(value)]

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        check_scalar(path, data, list)
        return tuple(self.inner.read(one, _at(path, n), tensors) for n, one in enumerate(data))

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]:
        for number, one in enumerate(value):
            yield from self.inner.misfits(one, _at(path, number), lengths)


@dataclass(frozen=True)
class _Fixed:
    """A tuple of a fixed number of values."""

    inner: tuple[_Form, ...]

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any:
        parts = enumerate(zip(self.inner, value, strict=True))
        return [form.write(one, _at(path, n), stored) for n, (form, one) in parts]

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        check_scalar(path, data, list)
        if len(data) != len(self.inner):
            raise InputError("{name} should hold {count} values.", name=path, count=len(self.inner))
        parts = enumerate(zip(self.inner, data, strict=True))
        return tuple(form.read(one, _at(path, n), tensors) for n, (form, one) in parts)

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]:
        for number, (form, one) in enumerate(zip(self.inner, value, strict=True)):
            yield from form.misfits(one, _at(path, number), lengths)


@dataclass(frozen=True)
class _Keyed:
    """A mapping; whole numbers are written as text, as JSON has it."""

    key: _Form
    inner: _Form
    has_numbers: bool

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any:
        return {
            str(key): self.inner.write(one, _at(path, key), stored) for key, one in value.items()
        }

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        check_scalar(path, data, dict)
        return {
            self.key.read(self._number(path, key) if self.has_numbers else key, path, tensors):
            self.inner.read(one, _at(path, key), tensors)
            for key, one in data.items()
        }  # fmt: skip

    def _number(self, path: str, key: str) -> int:
        # int() also takes spaces, signs and underscores.
        if not (key.isascii() and key.isdecimal() and len(key) <= 18):
            raise InputError("{name} should hold {kind}.", name=path, kind="int")
        return int(key)

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]:
        for key, one in value.items():
            yield from self.inner.misfits(one, _at(path, key), lengths)


@dataclass(frozen=True)
class _Tensor:
    """An array, or nested tuples of numbers whose every axis has a name.

    In JSON it is a list, or nothing (None in a list or mapping) where it is stored outside.
    """

    dtype: type[np.generic]
    depth: int = 0  # of the tuples; an array has none

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any:
        array = np.asarray(value, self.dtype)
        if stored is None:
            return array.tolist()
        stored.put(path, array)
        return None

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        array = self._stored(path, tensors) if data is None else self._inline(data, path)
        if not self.depth:
            return array
        if array.ndim != self.depth:
            raise InputError("{name} should be a table of numbers.", name=path)
        return _tupled(array.tolist())

    def _stored(self, path: str, tensors: Tensors) -> NDArray[Any]:
        array = tensors.pop(path, None)
        if array is None or array.dtype != self.dtype:
            raise InputError(
                "{name} should be an array of {kind}.", name=path, kind=np.dtype(self.dtype).name
            )
        return array

    def _inline(self, data: Any, path: str) -> NDArray[Any]:
        """Checked before numpy sees it, which would also take "1.5" for a number, and give each
        text of a list as much memory as the longest one needs."""
        check_scalar(path, data, list)
        kind = {"f": float, "i": int, "b": bool}[np.dtype(self.dtype).kind]
        pending = [data]
        while pending:
            for value in pending.pop():
                if isinstance(value, list):
                    pending.append(value)
                else:
                    check_scalar(path, value, kind)
        try:
            return np.array(data, self.dtype)
        except (ValueError, OverflowError) as error:
            raise InputError("{name} should be a table of numbers.", name=path) from error

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]:
        return iter(())


@dataclass(frozen=True)
class _Field:
    name: str
    form: Any
    default: Any


@dataclass(frozen=True)
class _Record:
    kind: type[Any]

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any:
        written = {}
        for field in _fields(self.kind):
            at = _at(path, field.name)
            data = field.form.write(getattr(value, field.name), at, stored)
            if stored is None or at not in stored.tensors:
                written[field.name] = data
        return written

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        check_scalar(path or _WHOLE, data, dict)
        known = {field.name for field in _fields(self.kind)}
        values = {}
        for field in _fields(self.kind):
            at = _at(path, field.name)
            if field.name in data:
                values[field.name] = field.form.read(data[field.name], at, tensors)
            elif at in tensors:
                values[field.name] = field.form.read(None, at, tensors)
            elif field.default not in (None, ()):
                raise InputError("{name} is missing.", name=at)
        if not known.issuperset(data):
            raise InputError(
                "{name} has fields that this version does not know.", name=path or _WHOLE
            )
        return self.kind(**values)

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]:
        for field in _fields(self.kind):
            held = getattr(value, field.name)
            yield from field.form.misfits(held, _at(path, field.name), lengths)


@dataclass(frozen=True)
class _Marked:
    """A value whose annotation constrains lengths."""

    inner: _Form
    axes: Axes | None
    count: Count | None
    own: Own | None

    def write(self, value: Any, path: str, stored: _Stored | None) -> Any:
        return self.inner.write(value, path, stored)

    def read(self, data: Any, path: str, tensors: Tensors) -> Any:
        return self.inner.read(data, path, tensors)

    def misfits(self, value: Any, path: str, lengths: Lengths) -> Iterator[Sentence]:
        if self.own is not None:
            lengths = Lengths(lengths, self.own.names)
        if self.count is not None:
            lengths.learn(self.count.name, value)
        if self.axes is not None:
            shape = shape_of(value, len(self.axes.each))
            if shape is None or not lengths.fit(self.axes, shape):
                yield wrong_shape(path, self.axes, lengths.expected(self.axes), shape)
        yield from self.inner.misfits(value, path, lengths)


def check_scalar(name: str, value: Any, kind: type) -> None:
    """Raise InputError unless a value of JSON is of a kind; a whole number is a float too."""
    kinds = (int, float) if kind is float else (kind,)
    # bool is an int to isinstance, but True is no count.
    if not isinstance(value, kinds) or (kind is not bool and isinstance(value, bool)):
        raise InputError("{name} should hold {kind}.", name=name, kind=kind.__name__)
    if isinstance(value, int | float) and abs(value) >= (
        2**63 if kind is int else sys.float_info.max
    ):
        raise InputError("{name} holds a number out of range.", name=name)


def _at(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _tupled(values: Any) -> Any:
    return tuple(map(_tupled, values)) if isinstance(values, list) else values


def _inmost(form: _Form) -> _Form:
    return _inmost(form.inner) if isinstance(form, _Marked | _Maybe) else form


def _fields(kind: Any) -> tuple[_Field, ...]:
    return _cached_fields(kind)


@cache
def _cached_fields(kind: Any) -> tuple[_Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_Field(one.name, _form(hints[one.name]), one.default) for one in fields(kind))


def _form(hint: Any) -> _Form:
    """How values of an annotation are written and read.

    Raises:
        TypeError: the annotation is none that a record can have.
    """
    return _cached_form(hint)


@cache
def _cached_form(hint: Any) -> _Form:
    marks = getattr(hint, "__metadata__", ())
    bare = get_args(hint)[0] if marks else hint
    axes, count, own = _mark(marks, Axes), _mark(marks, Count), _mark(marks, Own)
    dtype = _mark(marks, np.dtype)
    if dtype is not None:
        form: _Form = _Tensor(dtype.type)
    else:
        form = _nested_numbers(bare, axes) or _bare_form(bare)
    return _Marked(form, axes, count, own) if axes or count or own else form


def _mark(marks: Sequence[Any], kind: type[R]) -> R | None:
    return next((one for one in marks if isinstance(one, kind)), None)


def _bare_form(hint: Any) -> _Form:
    origin, inside = get_origin(hint), get_args(hint)
    if hint is Any:
        return _Plain()
    if hint in (str, int, float, bool):
        return _Scalar(hint)
    if origin is Literal:
        return _Choice(inside)
    if origin is np.ndarray:
        return _Tensor(get_args(inside[1])[0])
    if origin in (Union, types.UnionType) and len(inside) == 2 and type(None) in inside:
        return _Maybe(_form(next(one for one in inside if one is not type(None))))
    if origin is tuple and inside[1:] != (...,):
        return _Fixed(tuple(_form(one) for one in inside))
    if origin in (tuple, Sequence):
        return _Listed(_form(inside[0]))
    if origin in (dict, Mapping):
        return _Keyed(_form(inside[0]), _form(inside[1]), inside[0] is int)
    if is_dataclass(hint) and isinstance(hint, type):
        return _Record(hint)
    raise TypeError(f"{hint} is no annotation of a record's field")


def _nested_numbers(hint: Any, axes: Axes | None) -> _Tensor | None:
    """Tuples in tuples of numbers, with a name for every axis."""
    depth = 0
    while get_origin(hint) is tuple and get_args(hint)[1:] == (...,):
        hint, depth = get_args(hint)[0], depth + 1
    named = axes is not None and depth == len(axes.each) and hint in _NUMBERS
    return _Tensor(_NUMBERS[hint], depth) if named else None
