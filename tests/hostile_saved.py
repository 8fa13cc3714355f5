"""Saved runs and comparisons that were damaged or made up; of earlier versions in
`hostile_archives`."""

import gzip
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from saved_files import Saved, packed, with_header

OTHER = "{name} is not a {kind}; choose a file that {writer} wrote."
DAMAGED = "{name} is not a {kind}, or it is damaged."
CHANGED = "{name} is damaged: its contents are not those that were saved."
UNREADABLE = "{name} is damaged: its contents cannot be read."
UNUSABLE = "{name} cannot be used: "
KINDS = {
    ".vtw": {"kind": "saved run", "writer": "Run.save", "key": "run", "version": 4, "header": 16,
             "all": 80, "again": "record the run again",
             "layers": "answers should have the shape [L+1] = [4000000001], not [4]"},
    ".vtwm": {"kind": "saved comparison of methods", "writer": "MethodComparison.save",
              "key": "comparison", "version": 2, "header": 8, "all": 56,
              "again": "compare the methods again",
              "layers": "baseline.visual_tokens_per_layer should have the shape [L] = "
                        "[4000000000], not [3]"},
}  # fmt: skip


@dataclass(frozen=True)
class Hostile:
    """One file: what it is, how it is made of a good one, and the sentence that refuses it."""

    what: str
    make: Callable[[Saved], bytes]
    refused: str

    def sentence(self, name: str) -> str:
        suffix = name[name.rindex(".") :]
        return self.refused.format(name=name, **KINDS[suffix])


def with_first_number(value):
    """A file in which one number of the JSON is a value that no result can hold."""
    return lambda good: good.raw(
        re.sub(r'"layers": \d+', f'"layers": {value}', json.dumps(good.document))
    )


def one_tensor(good, entry, data=bytes(8)):
    """A file of a single tensor, as a header declares it."""
    header = {"__metadata__": {good.name: "{}"}, "a": entry}
    return with_header(header, data, name=good.name, version=good.version)


def like(good, body, **how):
    return packed(body, good.name, good.version, **how)


SAVED = {
    "empty": Hostile("an empty file", lambda good: b"", OTHER),
    "truncated": Hostile("a file cut in the middle", lambda good: good.raw()[:-400], CHANGED),
    "bit": Hostile("one bit changed", lambda good: good.raw()[:-1] + b"\1", CHANGED),
    "picture": Hostile("another file under its name",
                       lambda good: b"\x89PNG\r\n\x1a\n" + bytes(90), OTHER),
    "gzip": Hostile("another file that is packed alike",
                    lambda good: gzip.compress(good.body()), OTHER),
    "pickle": Hostile("a pickle under its name",
                      lambda good: b"\x80\x04cos\nsystem\n(S'true'\ntR." + bytes(60), OTHER),
    "kind": Hostile("another kind of result",
                    lambda good: replace(good, name="vtw-calibration").raw(), OTHER),
    "version": Hostile("another format version", lambda good: replace(good, version=99).raw(),
                       "{name} was saved in format version 99, this program reads versions up to "
                       "{version}; {again}."),
    "version_text": Hostile("a version of a thousand digits",
                            lambda good: replace(good, version="9" * 1000).raw(), OTHER),
    "bomb": Hostile("100 MB of nothing in 100 kB", lambda good: like(good, bytes(100 * 2**20)),
                    "{name} holds more than {all} MB of data."),
    "lying_bomb": Hostile("the same, which says that it is small",
                          lambda good: like(good, bytes(100 * 2**20), length=1000), DAMAGED),
    "short": Hostile("less than it says", lambda good: like(good, good.body(), length=2 * 10**7),
                     DAMAGED),
    "trailing": Hostile("trailing data after the compressed part",
                      lambda good: like(good, good.body(), trailing=b"more"), DAMAGED),
    "nothing": Hostile("nothing packed", lambda good: like(good, b""), UNREADABLE),
    "header": Hostile("a header of 2^63 bytes", lambda good: like(good, struct.pack("<Q", 2**63)),
                      "{name} holds more than {header} MB of data."),
    "short_header": Hostile("a header longer than the file",
                            lambda good: like(good, struct.pack("<Q", 10**6) + b"{}"), UNREADABLE),
    "no_object": Hostile("a header that is a list",
                         lambda good: with_header([], name=good.name, version=good.version),
                         UNREADABLE),
    "no_document": Hostile("a header without the result",
                           lambda good: with_header({}, name=good.name, version=good.version),
                           OTHER),
    "nesting": Hostile("a document nested without end", lambda good: good.raw("[" * 10**5),
                       UNREADABLE),
    "not_text": Hostile("a document of half a character", lambda good: with_header(
                            b'{"__metadata__": {"' + good.name.encode() + b'": "\\ud800"}}',
                            name=good.name, version=good.version), UNREADABLE),
    "nan": Hostile("NaN where a count belongs", with_first_number("NaN"), UNREADABLE),
    "infinite": Hostile("1e999 where a count belongs", with_first_number("1e999"),
                        UNUSABLE + "layers should hold int."),
    "negative": Hostile("a negative count", with_first_number("-1"),
                        UNUSABLE + "This is not a coherent {key}: a count that must be at least 1 "
                        "is not."),
    "digits": Hostile("a number of 5000 digits", with_first_number("9" * 5000), UNREADABLE),
    "layers": Hostile("more layers than its lists are long", with_first_number("4000000000"),
                      UNUSABLE + "This is not a coherent {key}: {layers}."),
    "lists": Hostile("a document of two million empty lists",
                     lambda good: good.raw("[" + "[]," * 2_000_000 + "[]]"), UNREADABLE),
    "strings": Hostile("a document of a million strings of two letters",
                       lambda good: good.raw("[" + '"aa",' * 1_000_000 + '"aa"]'), UNREADABLE),
    "objects": Hostile("a document of a million empty objects",
                       lambda good: good.raw("[" + "{}," * 1_000_000 + "{}]"), UNREADABLE),
    "tensor": Hostile("one more array than there should be",
                      lambda good: good.with_tensor("a", np.zeros(3)).raw(),
                      UNUSABLE + "its arrays are not those that this version saves."),
    "hole": Hostile("an array that does not begin where it should",
                    lambda good: one_tensor(good, {
                        "dtype": "F16", "shape": [4], "data_offsets": [1, 9]}, bytes(9)),
                    UNREADABLE),
    "beyond": Hostile("an array larger than the file",
                      lambda good: one_tensor(good, {
                          "dtype": "F64", "shape": [2**40, 2**40],
                          "data_offsets": [0, 2**83]}), UNREADABLE),
    "left": Hostile("bytes that no array has",
                    lambda good: one_tensor(good, {
                        "dtype": "U8", "shape": [1], "data_offsets": [0, 1]}), UNREADABLE),
    "lying_shape": Hostile("an array of another size than its shape",
                           lambda good: one_tensor(good, {
                               "dtype": "F32", "shape": [-1, 2], "data_offsets": [0, 8]}),
                           UNREADABLE),
    "dtype": Hostile("an array of objects",
                     lambda good: one_tensor(good, {
                         "dtype": "object", "shape": [1], "data_offsets": [0, 8]}), UNREADABLE),
    "no_bool": Hostile("a truth value that is 2",
                       lambda good: one_tensor(good, {
                           "dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]}, b"\2"),
                       UNREADABLE),
    "no_tensor": Hostile("a word in place of an array",
                         lambda good: one_tensor(good, "array"), UNREADABLE),
}  # fmt: skip
