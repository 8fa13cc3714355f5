"""Pictures that strangers upload, and what happens to each."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, PngImagePlugin
from pillow_heif import register_heif_opener

from vtw_core.pictures.images import NAMES

register_heif_opener()  # so that Pillow also writes HEIC

SIDE = 48
SQUARES = Image.fromarray(
    np.random.default_rng(3).integers(0, 256, (8, 8, 3), dtype=np.uint8)
).resize((SIDE, SIDE), Image.Resampling.NEAREST)

MANY_PIXELS = "The image has more than 25 million pixels; use a smaller one."
NO_IMAGE = f"This is not an image that can be read; use one of {NAMES}."
DAMAGED = "The image file is truncated or damaged; save it again or use another one."
NARROW = "The image is more than 50 times as long as wide; crop it first."
FAR_TOO_LARGE = "The image file is larger than 20 MB; use a smaller one."


@dataclass(frozen=True)
class Picture:
    """One file: what it is, its name, its bytes; the sentence that refuses it, or the size that it
    is read in."""

    what: str
    name: str
    make: Callable[[], bytes]
    refused: str = ""
    size: tuple[int, int] = (SIDE, SIDE)

    @property
    def happens(self) -> str:
        return self.refused or "It is read, {} × {} pixels.".format(*self.size)


def saved(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(kind, data):
    whole = kind + data
    return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))


def png_of(side, data=b""):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def real_png_bomb():
    """All its pixels are there: 36 million of them, black."""
    packer, row = zlib.compressobj(9), b"\0" * (1 + 6_000 * 3)
    data = b"".join(packer.compress(row * 100) for _ in range(60)) + packer.flush()
    header = struct.pack(">IIBBBBB", 6_000, 6_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def claiming(kind, side):
    """A small picture whose header claims another size."""
    raw = bytearray(saved(Image.new("RGB", (251, 251), "red"), kind, **LOSSLESS.get(kind, {})))
    if kind == "WEBP":  # 14 bits each of width - 1 and height - 1 behind the mark 0x2f
        at = raw.index(b"VP8L") + 9
        raw[at : at + 4] = struct.pack("<I", (side - 1) | ((side - 1) << 14))
        return bytes(raw)
    code = {"GIF": "<H", "JPEG": ">H", "TIFF": "<H", "BMP": "<I"}[kind]
    small, large = (struct.pack(code, number) for number in (251, side))
    if kind == "BMP":
        raw[18:26] = large * 2
        return bytes(raw)
    return bytes(raw).replace(small, large)


def claiming_box(kind):
    """A small AVIF or HEIC whose box of its size claims another one."""
    raw = saved(SQUARES, kind)
    at = raw.index(b"ispe") + 8
    return raw[:at] + struct.pack(">II", 16_000, 16_000) + raw[at + 8 :]


LOSSLESS = {"WEBP": {"lossless": True}}


def with_chunk(kind, data):
    """The squares with one more chunk after the header of a PNG."""
    raw = saved(SQUARES, "PNG")
    return raw[:33] + chunk(kind, data) + raw[33:]


def tiff_with_tags(count):
    """The squares after a directory of many tags that mean nothing."""
    tags = b"".join(struct.pack("<HHII", 40_000 + n % 25_000, 4, 1, n) for n in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + tags + struct.pack("<I", 0)


def jpeg_with_segments(count):
    raw = saved(SQUARES, "JPEG", quality=95)
    return raw[:2] + (b"\xff\xe5" + struct.pack(">H", 65_535) + bytes(65_533)) * count + raw[2:]


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.new("RGB", (60, 40), "red"), "JPEG", exif=exif)


def animated(kind):
    frames = [Image.new("RGB", (SIDE, SIDE), (n, 0, 0)) for n in range(40)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


def polyglot_zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("run.json", json.dumps({}))
    return saved(SQUARES, "PNG") + out.getvalue()


def with_text(words):
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", words)
    return saved(SQUARES, "PNG", pnginfo=info)


def of_mode(mode, kind, **options):
    return saved(Image.new(mode, (SIDE, SIDE)), kind, **options)


_SVG = (
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><image href='/etc/passwd'/></svg>"
)
_HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)

PICTURES = {
    "png_bomb": Picture("a PNG of 6 000 × 6 000 pixels, packed into 105 kB", "bomb.png",
                        real_png_bomb, MANY_PIXELS),
    "png_claim": Picture("a PNG whose header claims 2 147 483 647 pixels each way", "claim.png",
                         lambda: png_of(2**31 - 1), MANY_PIXELS),
    **{
        f"{kind.lower()}_bomb": Picture(
            f"a small {kind} whose header claims {side} × {side} pixels", f"bomb.{kind.lower()}",
            lambda kind=kind, side=side: claiming(kind, side), MANY_PIXELS,
        )
        for kind, side in (("GIF", 65_535), ("WEBP", 16_383), ("TIFF", 65_535), ("JPEG", 65_500),
                           ("BMP", 60_000))
    },
    "large": Picture("a file of 21 MB", "large.bmp",
                     lambda: saved(SQUARES, "BMP") + bytes(21_000_000), FAR_TOO_LARGE),
    "empty": Picture("an empty file", "empty.png", lambda: b"", NO_IMAGE),
    "truncated": Picture("a PNG cut in the middle", "cut.png",
                         lambda: saved(SQUARES, "PNG")[:150], DAMAGED),
    "truncated_jpeg": Picture("a JPEG cut in the middle", "cut.jpg",
                              lambda: saved(SQUARES, "JPEG")[:700], DAMAGED),
    "renamed": Picture("a PPM that is called .png", "ppm.png", lambda: saved(SQUARES, "PPM"),
                       NO_IMAGE),
    "renamed_png": Picture("a PNG that is called .html", "page.html",
                           lambda: saved(SQUARES, "PNG")),
    "polyglot_zip": Picture("a PNG with a zip archive after it", "both.png", polyglot_zip),
    "polyglot_page": Picture("a page that starts like a GIF", "page.gif",
                             lambda: b"GIF89a/*<script>alert(1)</script>*/=1;", NO_IMAGE),
    "svg": Picture("an SVG", "drawing.svg", lambda: _SVG, NO_IMAGE),
    "svg_as_png": Picture("an SVG that is called .png", "drawing.png", lambda: _SVG, NO_IMAGE),
    "heic": Picture("a HEIC", "photo.heic", lambda: saved(SQUARES, "HEIF")),
    "heic_head": Picture("the head of a HEIC, and nothing after it", "head.heic", lambda: _HEIC,
                         NO_IMAGE),
    "heic_bomb": Picture("a HEIC whose header claims 16 000 × 16 000 pixels", "bomb.heic",
                         lambda: claiming_box("HEIF"), DAMAGED),
    "truncated_heic": Picture("a HEIC cut in the middle", "cut.heic",
                              lambda: saved(SQUARES, "HEIF")[:-60], DAMAGED),
    "avif": Picture("an AVIF", "photo.avif", lambda: saved(SQUARES, "AVIF")),
    "avif_bomb": Picture("an AVIF whose header claims 16 000 × 16 000 pixels", "bomb.avif",
                         lambda: claiming_box("AVIF"), MANY_PIXELS),
    "truncated_avif": Picture("an AVIF cut in the middle", "cut.avif",
                              lambda: saved(SQUARES, "AVIF")[:-60], DAMAGED),
    "animated_avif": Picture("40 frames in an AVIF: the first", "film.avif",
                             lambda: animated("AVIF")),
    "eps": Picture("an EPS, which some readers hand to Ghostscript", "page.eps",
                   lambda: saved(SQUARES, "EPS"), NO_IMAGE),
    "one_pixel": Picture("1 × 1 pixel", "dot.png", lambda: saved(Image.new("RGB", (1, 1)), "PNG"),
                         size=(1, 1)),
    "strip": Picture("1 × 20 000 pixels", "strip.png",
                     lambda: saved(Image.new("RGB", (1, 20_000)), "PNG"), NARROW),
    "deep": Picture("16-bit grey", "deep.png", lambda: of_mode("I;16", "PNG")),
    "float": Picture("floating-point grey", "float.tiff", lambda: of_mode("F", "TIFF")),
    "cmyk": Picture("CMYK", "cmyk.jpg", lambda: of_mode("CMYK", "JPEG")),
    "palette": Picture("a palette", "palette.gif", lambda: of_mode("P", "GIF")),
    "alpha": Picture("transparency, laid on white", "alpha.png", lambda: of_mode("RGBA", "PNG")),
    "animated_gif": Picture("40 frames in a GIF: the first", "film.gif", lambda: animated("GIF")),
    "animated_webp": Picture("40 frames in a WebP: the first", "film.webp",
                             lambda: animated("WEBP")),
    "animated_png": Picture("40 frames in a PNG: the first", "film.png", lambda: animated("PNG")),
    "turned": Picture("EXIF says that it is turned: 60 × 40 pixels are shown upright", "turned.jpg",
                      turned, size=(40, 60)),
    "text_bomb": Picture("30 MB of text, packed into a PNG's metadata", "text.png",
                         lambda: with_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(3 * 10**7))),
                         DAMAGED),
    "profile_bomb": Picture("30 MB of colour profile, packed into a PNG's metadata", "icc.png",
                            lambda: with_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(3 * 10**7))),
                            DAMAGED),
    "exif_megabytes": Picture("5 MB of EXIF", "exif.png",
                              lambda: with_chunk(b"eXIf", b"II*\0" + bytes(5_000_000))),
    "long_text": Picture("900 kB of text in its metadata", "words.png",
                         lambda: with_text("x" * 900_000)),
    "many_segments": Picture("6 MB of application segments in a JPEG", "segments.jpg",
                             lambda: jpeg_with_segments(100)),
    "many_tags": Picture("a TIFF of 60 000 tags and no picture", "tags.tiff",
                         lambda: tiff_with_tags(60_000), DAMAGED),
    "name_is_html": Picture("a file name with HTML in it", "<img src=x onerror=alert(1)>.png",
                            lambda: saved(SQUARES, "PNG")),
    "name_climbs": Picture("a file name that climbs out of its folder", "../../../climbed.png",
                           lambda: saved(SQUARES, "PNG")),
}  # fmt: skip
