"""The image loader, fed what strangers upload."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from vtw_core import InputError, load_image
from vtw_core.pictures import images
from vtw_core.pictures.images import FORMATS, HEIF, SUFFIXES, load_images

KINDS = (*FORMATS, HEIF)
images._readable()  # Pillow writes HEIC, too, once its package is registered


def save(picture, path, **options):
    picture.save(path, **options)
    return path


def png_header(width, height):
    """A PNG that claims a size and holds almost nothing."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_of_the_list_is_read(tmp_path, kind):
    path = save(Image.new("RGB", (6, 4), "red"), tmp_path / f"x.{kind.lower()}", format=kind)
    for source in (path, path.read_bytes()):
        picture = load_image(source)
        assert (picture.mode, picture.size) == ("RGB", (6, 4))
        assert np.abs(np.asarray(picture, dtype=int) - [255, 0, 0]).max() < 5


def test_names_of_the_formats_that_are_read_are_known():
    read = {*FORMATS, HEIF}
    endings = {end for end, kind in Image.registered_extensions().items() if kind in read}
    assert set(SUFFIXES) == endings


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_a_picture_of_a_telephone_stands_upright(tmp_path, kind):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    picture = Image.new("RGB", (64, 32), "red")
    picture.paste("blue", (0, 0, 32, 32))
    # As an option, pillow-heif would write it into the EXIF alone, which means nothing in HEIC.
    picture.info["exif"] = exif.tobytes()
    more = {} if kind == "HEIF" else {"exif": exif}
    upright = load_image(save(picture, tmp_path / "x", format=kind, **more))
    assert upright.size == (32, 64)
    assert upright.getpixel((16, 60))[0] > 200 > upright.getpixel((16, 4))[0]


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_their_alpha_is_laid_on_white(tmp_path, kind):
    clear = save(Image.new("RGBA", (16, 16), (0, 0, 0, 0)), tmp_path / "x", format=kind)
    assert min(load_image(clear).getpixel((8, 8))) > 250


def test_a_heic_whose_header_claims_another_size_meets_the_limits(tmp_path):
    raw = save(Image.new("RGB", (64, 64)), tmp_path / "x", format="HEIF").read_bytes()
    at = raw.index(b"ispe") + 8
    for side, words in ((60_000, "million pixels|damaged|not an image"), (1, "")):
        (tmp_path / "y").write_bytes(raw[:at] + struct.pack(">II", side, side) + raw[at + 8 :])
        if words:
            with pytest.raises(InputError, match=words):
                load_image(tmp_path / "y")
        else:
            with contextlib.suppress(InputError):
                assert load_image(tmp_path / "y").size in ((1, 1), (64, 64))


def test_a_git_lfs_pointer_is_recognised(tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 5\n"
    (tmp_path / "x.png").write_bytes(pointer)
    for source in (tmp_path / "x.png", pointer):
        with pytest.raises(InputError, match=r"Git LFS pointer.*git lfs pull"):
            load_image(source)


def test_without_its_package_a_heic_says_what_to_install(tmp_path, monkeypatch):
    path = save(Image.new("RGB", (16, 16)), tmp_path / "x.heic", format="HEIF")
    monkeypatch.setattr(images, "_readable", lambda: FORMATS)
    for source in (path, path.read_bytes()):
        with pytest.raises(InputError, match="needs the package pillow-heif; install it"):
            load_image(source)
    with pytest.raises(InputError, match="not an image"):
        load_image(b"no picture at all")


def test_a_name_does_not_decide_the_format(tmp_path):
    path = save(Image.new("RGB", (4, 4)), tmp_path / "picture.ppm", format="PPM")
    path = path.rename(tmp_path / "picture.png")
    with pytest.raises(InputError, match="not an image"):
        load_image(path)


def test_a_pil_image_passes_the_same_checks():
    assert load_image(Image.new("L", (4, 4))).mode == "RGB"
    with pytest.raises(InputError, match="pixels"):
        load_image(Image.new("1", (100, 100)), max_pixels=9_999)


def test_one_pixel_is_a_picture():
    assert load_image(Image.new("RGB", (1, 1), "blue")).getpixel((0, 0)) == (0, 0, 255)


def test_a_strip_is_refused():
    assert load_image(Image.new("RGB", (50, 1))).size == (50, 1)
    with pytest.raises(InputError, match="crop"):
        load_image(Image.new("RGB", (51, 1)))


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(12_000, 12_000))
    from PIL import ImageFile

    def never(self):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    with pytest.raises(InputError, match="25 million pixels"):
        load_image(path)


@pytest.mark.parametrize("side", [60_000, 2**31 - 1])
def test_absurd_sizes_are_refused_in_the_same_words(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    with pytest.raises(InputError):
        load_image(path)


def test_a_file_over_the_byte_limit_is_refused(tmp_path):
    path = save(Image.new("RGB", (20, 20)), tmp_path / "x.bmp")
    with pytest.raises(InputError, match="larger than"):
        load_image(path, max_bytes=1000)


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_refused(tmp_path, kind):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    buffer = io.BytesIO()
    noise.save(buffer, kind)
    path = tmp_path / "cut"
    for part in (0.0, 0.01, 0.5):
        path.write_bytes(buffer.getvalue()[: int(part * len(buffer.getvalue()))])
        with pytest.raises(InputError):
            load_image(path)


def test_damaged_bytes_never_raise_anything_but_an_input_error(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged"
    for kind in KINDS:
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(buffer, kind)
        for _ in range(40):
            raw = bytearray(buffer.getvalue())
            for index in rng.integers(0, len(raw), 6):
                raw[index] = rng.integers(0, 256)
            path.write_bytes(bytes(raw))
            with contextlib.suppress(InputError):
                assert load_image(path).mode == "RGB"


@pytest.mark.parametrize("source", [None, 3, b"x", ["a.png"]])
def test_what_is_no_path_is_refused(source):
    with pytest.raises(InputError):
        load_image(source)


@pytest.mark.parametrize("name", ["", "nowhere.png", "a\0b.png", "x" * 5000, "http://x.org/a.png"])
def test_a_path_that_leads_nowhere_is_refused(name):
    with pytest.raises(InputError):
        load_image(name)


def test_a_folder_and_a_text_file_are_refused(tmp_path):
    with pytest.raises(InputError):
        load_image(tmp_path)
    (tmp_path / "a.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    with pytest.raises(InputError, match="not an image"):
        load_image(tmp_path / "a.png")


def test_exif_orientation_is_applied(tmp_path):
    picture = Image.new("RGB", (6, 4), "white")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    path = save(picture, tmp_path / "x.jpg", exif=exif)
    assert load_image(path).size == (4, 6)


def test_only_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    path = save(frames[0], tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    assert load_image(path).getpixel((0, 0)) == (255, 0, 0)


def test_alpha_is_laid_on_white(tmp_path):
    clear = save(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), tmp_path / "clear.png")
    assert load_image(clear).getpixel((0, 0)) == (255, 255, 255)
    half = save(Image.new("RGBA", (4, 4), (0, 0, 0, 128)), tmp_path / "half.png")
    assert load_image(half).getpixel((0, 0)) == pytest.approx((127, 127, 127), abs=1)
    grey = save(Image.new("LA", (4, 4), (0, 0)), tmp_path / "grey.png")
    assert load_image(grey).getpixel((0, 0)) == (255, 255, 255)


def test_a_palette_with_a_transparent_colour_is_laid_on_white(tmp_path):
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    path = save(picture, tmp_path / "x.png", transparency=0)
    assert load_image(path).getpixel((0, 0)) == (255, 255, 255)


def test_cmyk_becomes_rgb(tmp_path):
    path = save(Image.new("CMYK", (4, 4), (0, 0, 0, 0)), tmp_path / "x.jpg")
    assert load_image(path).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.array([[0, 32896], [65535, 257]], dtype=np.uint16)
    path = save(Image.fromarray(values), tmp_path / "x.png")
    assert np.asarray(load_image(path))[..., 0].tolist() == [[0, 128], [255, 1]]


def test_float_grey_is_scaled(tmp_path):
    path = save(Image.fromarray(np.array([[0.0, 1.0]], np.float32)), tmp_path / "x.tiff")
    assert np.asarray(load_image(path))[0, :, 0].tolist() == [0, 255]


class TestSeveral:
    def test_a_sequence_of_pictures_is_read_in_its_order(self, tmp_path):
        path = save(Image.new("RGB", (4, 4), "red"), tmp_path / "x.png")
        blue = Image.new("RGB", (4, 4), "blue")
        for given in ([path, blue, path.read_bytes()], (path, blue, path.read_bytes())):
            found = [picture.getpixel((0, 0)) for picture in load_images(given)]
            assert found == [(255, 0, 0), (0, 0, 255), (255, 0, 0)]

    @pytest.mark.parametrize("nothing", [[], ()])
    def test_none_at_all_is_refused(self, nothing):
        with pytest.raises(InputError, match="give at least one"):
            load_images(nothing)

    def test_the_one_that_cannot_be_read_is_named(self):
        with pytest.raises(InputError, match=r"^Image 2 of 2: There is no image file gone\.png"):
            load_images([Image.new("RGB", (4, 4)), "gone.png"])

    def test_too_many_and_too_large_together_are_refused(self, monkeypatch):
        one = Image.new("1", (5000, 5000))
        monkeypatch.setattr(images, "load_image", lambda picture: picture)
        with pytest.raises(InputError, match="There are 65 images; give at most 64"):
            load_images([one] * 65)
        with pytest.raises(InputError, match="more than 100 million pixels together"):
            load_images([one] * 5)


def grey_of(values, path, **options):
    """What becomes of a row of grey values in a file."""
    save(Image.fromarray(values), path, **options)
    return np.asarray(load_image(path))[0, :, 0].tolist()


class TestDeepGrey:
    """`vtw_core.pictures.high_bit_depth`, on values that can be scaled by hand."""

    @pytest.mark.parametrize("suffix", ["png", "tiff"])
    @pytest.mark.parametrize(
        ("top", "most"),
        [(255, 255), (200, 255), (256, 1023), (4000, 4095), (4095, 4095), (4096, 16383),
         (16384, 65535), (65535, 65535)],
    )  # fmt: skip
    def test_the_smallest_depth_that_holds_all_values_is_white(self, tmp_path, suffix, top, most):
        values = np.array([[0, top // 2, top]], np.uint16)
        expected = [0, round(top // 2 / most * 255), round(top / most * 255)]
        assert grey_of(values, tmp_path / f"x.{suffix}") == expected

    def test_a_picture_in_memory_is_scaled_alike(self):
        picture = Image.fromarray(np.array([[0, 2048, 4095]], np.uint16))
        assert np.asarray(load_image(picture))[0, :, 0].tolist() == [0, 128, 255]

    def test_the_depth_that_a_png_names_counts_if_it_holds_the_values(self, tmp_path):
        def png(values, bits):
            out = io.BytesIO()
            Image.fromarray(np.array([values], np.uint16)).save(out, "PNG")
            raw = out.getvalue()
            chunk = b"sBIT" + bytes([bits])
            size, sum_ = struct.pack(">I", 1), struct.pack(">I", zlib.crc32(chunk))
            path = tmp_path / "x.png"
            path.write_bytes(raw[:33] + size + chunk + sum_ + raw[33:])
            return np.asarray(load_image(path))[0, :, 0].tolist()

        assert png([0, 500, 1000], 12) == [0, 31, 62]
        assert png([0, 500, 1000], 10) == [0, 125, 249]
        # By the standard, samples of 12 bits are scaled up to 16: then they do not fit in 12.
        assert png([0, 32768, 65520], 12) == [0, 128, 255]

    def test_the_depth_that_a_tiff_names_counts(self, tmp_path):
        # Two samples of 12 bits in three bytes: 0x0ff and 0x3ff.
        directory = [(256, 4, 2), (257, 4, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1),
                     (273, 4, 8), (277, 3, 1), (278, 4, 1), (279, 4, 3)]  # fmt: skip
        tags = b"".join(struct.pack("<HHII", *tag[:2], 1, tag[2]) for tag in directory)
        header = b"II*\0" + struct.pack("<I", 12) + b"\x0f\xf3\xff\0"
        path = tmp_path / "x.tiff"
        path.write_bytes(header + struct.pack("<H", len(directory)) + tags + bytes(4))
        assert np.asarray(load_image(path))[0, :, 0].tolist() == [16, 64]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0.0, 0.25, 1.0], [0, 64, 255]),
            ([0.0, 51.0, 255.0], [0, 51, 255]),
            ([-1.0, 0.0, 1.0], [0, 128, 255]),
            ([-0.5, 0.0, 0.5], [0, 128, 255]),
            ([280.0, 290.0, 300.0], [0, 128, 255]),
            ([0.0, 2048.0, 4096.0], [0, 128, 255]),
            ([-3e38, 0.0, 3e38], [0, 128, 255]),
            ([300.0, 300.0, 300.0], [0, 0, 0]),
            ([np.nan, -2.0, 2.0], [0, 0, 255]),
            ([-np.inf, 0.5, np.inf], [0, 128, 255]),
            ([np.nan, np.nan, np.nan], [0, 0, 0]),
        ],
    )
    def test_floats_outside_of_their_usual_ranges_span_from_least_to_greatest(
        self, tmp_path, values, expected
    ):
        assert grey_of(np.array([values], np.float32), tmp_path / "x.tiff") == expected

    @pytest.mark.parametrize(
        ("values", "expected"),
        [([-1024, 0, 1024], [0, 128, 255]), ([0, 2048, 4095], [0, 128, 255]),
         ([0, 100_000, 200_000], [0, 128, 255])],
    )  # fmt: skip
    def test_whole_numbers_of_32_bits(self, tmp_path, values, expected):
        assert grey_of(np.array([values], np.int32), tmp_path / "x.tiff") == expected


def deep_colour_png(values, *chunks):
    """A PNG of 16-bit colours, or with transparency, made by hand: Pillow writes none."""
    rows, cols, channels = values.shape

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", cols, rows, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    data = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def deep_colour_tiff(values, order="<", pack=None):
    """A TIFF of 16-bit colours, packed or not."""
    rows, cols, _ = values.shape
    data = (pack or bytes)(values.astype(f"{order}u2").tobytes())
    data += bytes(len(data) % 2)
    bits, at = 8 + len(data), 8 + len(data) + 6
    directory = [(256, 4, 1, cols), (257, 4, 1, rows), (258, 3, 3, bits),
                 (259, 3, 1, 8 if pack else 1), (262, 3, 1, 2), (273, 4, 1, 8),
                 (277, 3, 1, 3), (278, 4, 1, rows), (279, 4, 1, len(data))]  # fmt: skip

    def packed(tag):
        if tag[1] == 3 and tag[2] == 1:
            return struct.pack(f"{order}HHIHxx", *tag)
        return struct.pack(f"{order}HHII", *tag)

    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", at)
    tags = b"".join(map(packed, directory))
    more = struct.pack(f"{order}HHH", 16, 16, 16) + struct.pack(f"{order}H", len(directory))
    return head + data + more + tags + bytes(4)


class TestDeepColour:
    TWELVE = np.array([[[0, 2048, 4095], [1024, 17, 3000]]] * 3)

    @pytest.mark.parametrize(
        "make",
        [
            deep_colour_png,
            deep_colour_tiff,
            lambda values: deep_colour_tiff(values, ">"),
            lambda values: deep_colour_tiff(values, "<", zlib.compress),
            lambda values: deep_colour_tiff(values, ">", zlib.compress),
        ],
    )
    @pytest.mark.parametrize("most", [1023, 4095, 16383, 65535])
    def test_colours_are_scaled_by_the_depth_they_have(self, tmp_path, make, most):
        values = np.round(self.TWELVE / 4095 * most)
        expected = values / most * 255
        (tmp_path / "x").write_bytes(make(values.astype(np.uint16)))
        for source in (tmp_path / "x", make(values.astype(np.uint16))):
            found = np.asarray(load_image(source)).astype(float)
            # Of all 16 bits Pillow keeps the upper 8, without rounding.
            assert np.abs(found - expected).max() <= (1.0 if most == 65535 else 0.5)

    def test_transparency_is_laid_on_white_and_orientation_is_applied(self):
        exif = Image.Exif()
        exif[0x0112] = 6  # turn by 90 degrees
        clear = np.zeros((1, 2, 1), int)
        values = np.concatenate([self.TWELVE[:1], 65535 - clear], axis=2)
        values[0, 1, 3] = 0
        raw = deep_colour_png(values, (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
        picture = load_image(raw)
        assert picture.size == (1, 2)
        assert picture.getpixel((0, 0)) == (0, 128, 255)
        assert picture.getpixel((0, 1)) == (255, 255, 255)

    def test_the_depth_that_a_png_names_counts(self):
        values = self.TWELVE // 8
        assert load_image(deep_colour_png(values)).getpixel((0, 0)) == (0, 64, 127)
        named = deep_colour_png(values, (b"sBIT", bytes([12, 12, 12])))
        assert load_image(named).getpixel((0, 0)) == (0, 16, 32)

    def test_a_black_picture_stays_black(self):
        assert load_image(deep_colour_png(self.TWELVE * 0)).getcolors() == [(6, (0, 0, 0))]
