"""Saved results deserialized and serialized again, by other means than the library's own."""

import gzip
import hashlib
import json
import re
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any

from safetensors.numpy import load, save

HEAD = re.compile(rb"(\x1f\x8b\x08\x10.{6}(vtw-[a-z-]+) (\d+) )([0-9a-f]{64})\0", re.DOTALL)


@dataclass
class Saved:
    """What a file of `Run.save` and its like holds."""

    name: str
    version: int
    document: Any
    tensors: dict[str, Any]

    @classmethod
    def of(cls, raw):
        found = HEAD.match(raw)
        body = gzip.decompress(raw)
        (length,) = struct.unpack_from("<Q", body)
        text = json.loads(body[8 : 8 + length])["__metadata__"]
        name = found[2].decode()
        return cls(name, int(found[3]), json.loads(text[name]), load(body))

    def body(self, text=None):
        text = json.dumps(self.document) if text is None else text
        return save(self.tensors, {self.name: text})

    def raw(self, text=None):
        """The file, or one with another text in place of its document."""
        return packed(self.body(text), self.name, self.version)

    def with_tensor(self, name, array):
        return replace(self, tensors=self.tensors | {name: array})


def packed(body, name="vtw-run", version=4, length=None, trailing=b""):
    """A file that unpacks to `body`.

    length: what it says that it unpacks to, if that is a lie.
    trailing: something between what is packed and the end.
    """
    packer = zlib.compressobj(wbits=-15)
    rest = packer.compress(body) + packer.flush() + trailing
    rest += struct.pack("<2L", zlib.crc32(body), len(body) if length is None else length)
    start = b"\x1f\x8b\x08\x10\0\0\0\0\0\xff" + f"{name} {version} ".encode()
    digest = hashlib.sha256(start + rest).hexdigest().encode()
    return start + digest + b"\0" + rest


def with_header(header, data=b"", **how):
    """A safetensors file of this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return packed(struct.pack("<Q", len(text)) + text + data, **how)
