"""The image loader, fed what strangers upload."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from vtw_core import InputError, load_image
from vtw_core.images import load_images


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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_of_the_list_is_read(tmp_path, kind):
    path = save(Image.new("RGB", (6, 4), "red"), tmp_path / f"x.{kind.lower()}", format=kind)
    picture = load_image(path)
    assert (picture.mode, picture.size) == ("RGB", (6, 4))
    assert np.abs(np.asarray(picture, dtype=int) - [255, 0, 0]).max() < 5


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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
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
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
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

    def test_too_many_and_too_large_together_are_refused(self):
        one = Image.new("1", (5000, 5000))
        with pytest.raises(InputError, match="There are 65 images; give at most 64"):
            load_images([one] * 65)
        with pytest.raises(InputError, match="more than 100 million pixels together"):
            load_images([one] * 5)
