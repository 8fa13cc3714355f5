"""One declaration of a record: what it means on disk, in JSON and for its axes."""

import dataclasses
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import pytest
import safetensors
from numpy.typing import NDArray
from saved_files import Saved
from small_records import small_run, with_random_inside

from vtw_core import load_run
from vtw_core.errors import InputError, Sentence
from vtw_core.files.axes import Axes, Count, Own
from vtw_core.files.serialization import deserialize, freeze, misfit, serialize, to_json
from vtw_core.files.storage import Format
from vtw_core.measures.arrays import FloatArray, HalfArray, IntArray


@dataclass(frozen=True, eq=False)
class Part:
    """A record in a record, with a length of its own."""

    words: Annotated[tuple[str, ...], Axes("n")]
    weights: Annotated[HalfArray, Axes("n rows")]
    note: str | None = None

    def __post_init__(self):
        freeze(self)


@dataclass(frozen=True, eq=False)
class Whole:
    """A record of every kind of field."""

    rows: Annotated[int, Count("rows")]
    name: str
    share: float
    is_new: bool
    kind: Literal["long", "short"]
    size: tuple[int, int]
    curves: Annotated[tuple[tuple[float, ...], ...], Axes("2 rows+1")]
    ragged: Annotated[tuple[tuple[int, ...], ...], Axes("rows")]
    facts: Mapping[str, Any]
    texts: dict[int, str]
    columns: Mapping[Literal["a", "b"], Annotated[FloatArray, Axes("rows")]]
    parts: tuple[Annotated[Part, Own("n")], ...]
    maps: tuple[IntArray, ...] = ()
    mask: Annotated[NDArray[np.bool_], Axes("rows")] | None = None
    further: Annotated[FloatArray, Axes("rows rows", or_empty=True)] = field(
        default_factory=lambda: np.zeros((0, 0))
    )

    def __post_init__(self):
        freeze(self)


def whole(**changes):
    fields = {
        "rows": 2, "name": "x \u2603 \ud800", "share": 0.1 + 0.2, "is_new": True, "kind": "short",
        "size": (3, 4), "curves": ((1e-300, 2.0, -0.0), (3.0, 4.0, 5.0)), "ragged": ((1,), (2, -3)),
        "facts": {"a": [1, None, {"b": 2.5}]}, "texts": {7: "seven", 12: "twelve"},
        "columns": {"a": np.array([1.5, np.nan]), "b": np.array([np.inf, 0])},
        "parts": (Part(("one", "two", "3"), np.ones((3, 2)) / 3), Part((), np.ones((0, 2)), "!")),
        "maps": (np.array([[1, -2]]), np.array([3])), "mask": np.array([True, False]),
    }  # fmt: skip
    return Whole(**fields | changes)


FORM = Format(
    name="vtw-test", version=2, kind=Whole, what=Sentence("a test"), writer="this test",
    again=Sentence("again"), smaller=Sentence("less"), older=lambda raw, name: None,
    most_header=10_000, most_array_bytes=10_000, most_values=1000,
)  # fmt: skip


def same(one, other):
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name))
                   for f in dataclasses.fields(one))  # fmt: skip
    if isinstance(one, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return (type(one), repr(one)) == (type(other), repr(other))


def test_every_kind_of_field_comes_back_bit_for_bit(tmp_path):
    for record in (whole(), whole(mask=None, parts=(), maps=(), texts={}, ragged=((), ()))):
        assert same(FORM.read(FORM.write(record, tmp_path / "x")), record)
        document, tensors = serialize(record, 10**6)
        assert same(deserialize(Whole, json.loads(json.dumps(document)), tensors), record)


def test_what_has_numbers_and_named_axes_is_a_tensor_under_its_path(tmp_path):
    saved = Saved.of(FORM.write(whole(), tmp_path / "x").read_bytes())
    assert saved.tensors.keys() == {
        "curves", "columns.a", "columns.b", "parts.0.weights", "parts.1.weights", "maps.0",
        "maps.1", "mask", "further",
    }  # fmt: skip
    assert saved.tensors["parts.0.weights"].dtype == np.float16
    assert saved.document["ragged"] == [[1], [2, -3]]
    assert "curves" not in saved.document


def test_json_alone_holds_arrays_as_lists():
    columns = {"a": np.array([1.5, 2.0]), "b": np.array([0.0, 1.0])}
    record = whole(columns=columns, further=np.eye(2), parts=whole().parts[:1])
    document = json.loads(json.dumps(to_json(record)))
    assert document["mask"] == [True, False]
    assert same(deserialize(Whole, document), record)


def test_arrays_are_copies_of_their_types_that_cannot_be_changed():
    given = np.ones((3, 2))
    part = Part(("a", "b", "c"), given)
    given[:] = 0
    assert part.weights.dtype == np.float16
    assert part.weights.all()
    with pytest.raises(ValueError, match="read-only"):
        part.weights[0] = 2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"rows": 3}, "curves should have the shape [2, rows+1] = [2, 4], not [2, 3]"),
        ({"ragged": ((1,),)}, "ragged should have the shape [rows] = [2], not [1]"),
        ({"curves": ((1.0, 2.0, 3.0), (1.0,))},
         "curves should have the shape [2, rows+1] = [2, 3], not [ragged]"),
        ({"columns": {"a": np.zeros(3)}}, "columns.a should have the shape [rows] = [2], not [3]"),
        ({"parts": (Part(("a",), np.ones((1, 2))), Part(("a",), np.ones((2, 2))))},
         "parts.1.weights should have the shape [n, rows] = [1, 2], not [2, 2]"),
        ({"mask": np.ones(1, bool)}, "mask should have the shape [rows] = [2], not [1]"),
        ({"mask": np.ones((2, 1), bool)}, "mask should have the shape [rows] = [2], not [2, 1]"),
        ({"further": np.ones((2, 2))}, None),
        ({"further": np.ones((2, 1))},
         "further should have the shape [rows, rows] = [2, 2], not [2, 1]"),
    ],
)  # fmt: skip
def test_one_name_is_one_length_but_where_a_record_has_its_own(changes, problem):
    assert misfit(whole(**changes)) == problem


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (("name",), 3, "name should hold str."),
        (("share",), "0.1", "share should hold float."),
        (("share",), 10**400, "share holds a number out of range."),
        (("rows",), 2.0, "rows should hold int."),
        (("rows",), True, "rows should hold int."),
        (("is_new",), 1, "is_new should hold bool."),
        (("kind",), "wide", "kind should be one of long, short."),
        (("size",), [1], "size should hold 2 values."),
        (("size",), [1, "2"], "size.1 should hold int."),
        (("ragged",), {}, "ragged should hold list."),
        (("curves",), [[1.0, 2.0], [3.0]], "curves should be a table of numbers."),
        (("curves",), [1.0, 2.0], "curves should be a table of numbers."),
        (("curves",), [[1.0, "2"]], "curves should hold float."),
        (("texts",), {"1_0": "a"}, "texts should hold int."),
        (("columns",), {"c": [1.0]}, "columns should be one of a, b."),
        (("parts", 0, "note"), 3, "parts.0.note should hold str."),
        (("parts", 0), {}, "parts.0.words is missing."),
        (("parts", 0), [], "parts.0 should hold dict."),
        (("more",), 3, "the result has fields that this version does not know."),
    ],
)
def test_what_is_not_as_declared_is_one_sentence_that_names_the_field(place, value, problem):
    document, tensors = serialize(whole(), 10**6)
    *way, last = place
    here = document
    for step in way:
        here = here[step]
    here[last] = value
    if last in ("curves", "columns"):
        tensors = {path: one for path, one in tensors.items() if not path.startswith(last)}
    with pytest.raises(InputError) as refused:
        deserialize(Whole, document, tensors)
    assert str(refused.value) == problem


def test_only_what_stands_for_nothing_may_be_missing():
    for name in (one.name for one in dataclasses.fields(Whole)):
        document, tensors = serialize(whole(), 10**6)
        document.pop(name, None)
        tensors = {path: one for path, one in tensors.items() if path.split(".")[0] != name}
        if name in ("maps", "mask"):
            assert not getattr(deserialize(Whole, document, tensors), name)
        else:
            with pytest.raises(InputError, match=f"^{name} is missing"):
                deserialize(Whole, document, tensors)


def test_what_is_too_large_is_not_written(tmp_path):
    for record in (whole(maps=(np.zeros(2000, int),)), whole(name="a" * 20_000)):
        with pytest.raises(InputError, match="takes more than 0 MB, too much for one file; less"):
            FORM.write(record, tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_what_json_cannot_hold_is_not_written(tmp_path):
    with pytest.raises(InputError, match="a test cannot be saved: it holds a number that is not"):
        FORM.write(whole(share=np.nan), tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_no_annotation_is_guessed():
    @dataclass
    class Odd:
        values: set[int]

    with pytest.raises(TypeError, match="no annotation"):
        serialize(Odd({1}), 10)
    with pytest.raises(TypeError, match="names no axes"):
        Axes("L*2").each  # noqa: B018


def test_any_reader_of_safetensors_opens_an_unpacked_run(tmp_path):
    run = with_random_inside(small_run())
    unpacked = tmp_path / "run.safetensors"
    unpacked.write_bytes(gzip.decompress(run.save(tmp_path / "run.vtw").read_bytes()))
    with safetensors.safe_open(unpacked, "np") as file:
        assert json.loads(file.metadata()["vtw-run"])["prompt"] == run.prompt
        assert np.array_equal(file.get_tensor("kl_positions"), run.kl_positions)
        mass = file.get_tensor("inside.attention.mass")
    assert np.array_equal(mass, run.inside.attention.mass)


def test_a_file_without_a_field_that_came_later_still_opens(tmp_path):
    path = small_run().save(tmp_path / "run.vtw")
    saved = Saved.of(path.read_bytes())
    del saved.document["further_images"], saved.document["inside"]
    path.write_bytes(saved.raw())
    assert load_run(path).further_images == ()
