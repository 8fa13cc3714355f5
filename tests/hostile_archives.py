"""Saved runs and comparisons of earlier versions, zip archives, damaged or made up."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

OTHER = "{name} is not a {kind}; choose a file that {writer} wrote."
UNREADABLE = "{name} is damaged: its contents cannot be read."
VERSION = "{name} is of no version that this kind of file ever had; save it again."
KINDS = {
    ".vtw": {"kind": "saved run", "writer": "Run.save", "key": "run", "json": 16, "arrays": 64,
             "layers": "answers should have the shape [L+1] = [4000000001], not [4]"},
    ".vtwm": {"kind": "saved comparison of methods", "writer": "MethodComparison.save",
              "key": "comparison", "json": 8, "arrays": 48,
              "layers": "baseline.visual_tokens_per_layer should have the shape [L] = "
                        "[4000000000], not [3]"},
}  # fmt: skip


@dataclass(frozen=True)
class Archive:
    """One file: what it is, how it is made of a good one, and the sentence that refuses it.

    ``make`` takes the members of a good archive and the name of its document.
    """

    what: str
    make: Callable[[dict[str, bytes], str], bytes]
    refused: str

    def sentence(self, name: str) -> str:
        suffix = name[name.rindex(".") :]
        return self.refused.format(name=name, **KINDS[suffix])


def members(raw):
    """Name -> bytes of a good archive, the document first, and the document's name."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = archive.namelist()
        return {name: archive.read(name) for name in names}, names[0]


def packed(*entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def whole(parts):
    return packed(*parts.items())


def with_document(change):
    """The archive whose document was changed in place."""

    def make(parts, entry):
        document = json.loads(parts[entry])
        change(document)
        return whole(parts | {entry: json.dumps(document).encode()})

    return make


def with_version(version):
    return with_document(lambda document: document.update(version=version))


def with_first_number(value):
    """The archive in which one number of the JSON is a value that no run can hold."""

    def make(parts, entry):
        text = parts[entry].decode()
        at = text.index('"layers": ') + len('"layers": ')
        return whole(parts | {entry: (text[:at] + value + text[text.index(",", at) :]).encode()})

    return make


def many_entries(parts, entry):
    """A directory of 60 000 entries for one and the same member."""
    raw = packed((entry, b"{}"))
    at = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    directory = raw[at:end] * 60_000
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 60_000, 60_000, len(directory), at, 0)
    return raw[:at] + directory + last


def two_of_many_entries(parts, entry):
    """The same, whose last record says that there are two."""
    raw = many_entries(parts, entry)
    return raw[:-22] + raw[-22:-14] + struct.pack("<2H", 2, 2) + raw[-10:]


def with_zip64_record(parts, entry):
    """A last record of two entries, and before it one of the larger format that says otherwise."""
    raw = whole(parts)
    return raw[:-22] + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1) + raw[-22:]


def patched_flags(position, value):
    """Both headers of the document's member say something else at an offset."""

    def make(parts, entry):
        raw = bytearray(whole(parts))
        raw[position] = value
        raw[raw.index(b"PK\x01\x02") + position + 2] = value
        return bytes(raw)

    return make


def with_small_header(parts, entry):
    """Both headers of the document's member claim 10 bytes."""
    raw = bytearray(whole(parts))
    for at in (22, raw.index(b"PK\x01\x02") + 24):
        raw[at : at + 4] = struct.pack("<L", 10)
    return bytes(raw)


ARCHIVES = {
    "empty": Archive("an empty file", lambda parts, entry: b"", OTHER),
    "truncated": Archive("a file cut in the middle",
                         lambda parts, entry: whole(parts)[:-400], OTHER),
    "picture": Archive("another file under its name",
                       lambda parts, entry: b"\x89PNG\r\n\x1a\n" + bytes(90), OTHER),
    "pickle": Archive("a pickle under its name",
                      lambda parts, entry: b"\x80\x04cos\nsystem\n(S'true'\ntR." + bytes(60),
                      OTHER),
    "version": Archive("another format version", with_version(99),
                       VERSION),
    "version_text": Archive("a version of 1 MB", with_version("9" * 10**6),
                            VERSION),
    "json_bomb": Archive("a document that unpacks to more than it may",
                         lambda parts, entry: whole(
                             parts | {entry: b"[" + bytes(33 * 2**20).replace(b"\0", b" ")}),
                         "{name} holds more than {json} MB of data."),
    "array_bomb": Archive("arrays that unpack to more than they may",
                          lambda parts, entry: whole(parts | {"arrays.bin": bytes(97 * 2**20)}),
                          "{name} holds more than {arrays} MB of data."),
    "nesting": Archive("a document nested without end",
                       lambda parts, entry: whole(parts | {entry: b"[" * 10**6}), UNREADABLE),
    "not_text": Archive("a document that is no text",
                        lambda parts, entry: whole(parts | {entry: b"\xff\xfe\0"}), UNREADABLE),
    "nan": Archive("NaN where a count belongs", with_first_number("NaN"), UNREADABLE),
    "infinite": Archive("1e999 where a count belongs", with_first_number("1e999"),
                        "{name} cannot be used: layers should hold int."),
    "negative": Archive("a negative count", with_first_number("-1"),
                        "{name} cannot be used: This is not a coherent {key}: a count that must be "
                        "at least 1 is not."),
    "digits": Archive("a number of 5000 digits", with_first_number("9" * 5000), UNREADABLE),
    "layers": Archive("more layers than its lists are long", with_first_number("4000000000"),
                      "{name} cannot be used: This is not a coherent {key}: {layers}."),
    "lists": Archive("a document of two million empty lists",
                     lambda parts, entry: whole(
                         parts | {entry: b"[" + b"[]," * 2_000_000 + b"[]]"}), UNREADABLE),
    "strings": Archive("a document of 1 500 000 strings of two letters",
                       lambda parts, entry: whole(
                           parts | {entry: b"[" + b'"aa",' * 1_500_000 + b'"aa"]'}), UNREADABLE),
    "objects": Archive("a document of a million empty objects",
                       lambda parts, entry: whole(
                           parts | {entry: b"[" + b"{}," * 1_000_000 + b"{}]"}), UNREADABLE),
    "small_header": Archive("a member whose header claims less than it unpacks to",
                            with_small_header, UNREADABLE),
    "path": Archive("a member whose name climbs out of the archive",
                    lambda parts, entry: packed(
                        (f"../../{entry}", parts[entry]), ("arrays.bin", parts["arrays.bin"])),
                    OTHER),
    "third": Archive("a third member",
                     lambda parts, entry: whole(parts | {"/etc/cron.d/x": b""}), OTHER),
    "twice": Archive("one member twice",
                     lambda parts, entry: packed((entry, parts[entry]), (entry, parts[entry])),
                     OTHER),
    "many": Archive("a directory of 60 000 members", many_entries, OTHER),
    "two_of_many": Archive("the same, which says that they are two", two_of_many_entries, OTHER),
    "zip64": Archive("a record that says otherwise in the larger zip format", with_zip64_record,
                     OTHER),
    "comment": Archive("a comment after the archive",
                       lambda parts, entry: whole(parts) + b"PK\x05\x06 and more", OTHER),
    "encrypted": Archive("an encrypted member", patched_flags(6, 1), UNREADABLE),
    "method": Archive("an unknown way of packing", patched_flags(8, 99), UNREADABLE),
}  # fmt: skip
