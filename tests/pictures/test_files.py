"""Files in and out: whole pictures in RGB and full depth, or an error with the path."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from detutils import read_image, write_image
from tests.cases import BAD_IMAGES, GOOD_FORMS, each, unchanged
from tests.naive import png as naive_png


def picture(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, shape, dtype, endpoint=True)


def smooth(height: int = 40, width: int = 60) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 4, y * 6, 255 - x * 2], axis=2).clip(0, 255).astype(np.uint8)


def pillow_bytes(pixels: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, kind, **options)
    return file.getvalue()


def read_bytes(folder: Path, data: bytes) -> np.ndarray:
    path = folder / "picture"  # the content decides, not the extension
    path.write_bytes(data)
    return read_image(path)


SHAPES = [(7, 5), (7, 5, 3), (7, 5, 4), (1, 1), (1, 1, 3), (1, 9, 3), (9, 1, 4), (20, 33, 3)]


# ---- round trips -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("extension", [".png", ".tif", ".TIFF"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES)
def test_lossless_formats_keep_everything(tmp_path: Path, shape: Any, dtype: Any, extension: str) -> None:
    image = picture(shape, dtype)
    path = tmp_path / f"picture{extension}"
    assert unchanged(lambda pixels: write_image(path, pixels), image) is None
    again = read_image(path)
    assert again.dtype == dtype
    np.testing.assert_array_equal(again, image)
    assert again.flags.c_contiguous
    assert again.flags.writeable
    assert again.flags.owndata


def test_bmp_and_lossy_formats(tmp_path: Path) -> None:
    image = smooth()
    write_image(tmp_path / "a.bmp", image)
    np.testing.assert_array_equal(read_image(tmp_path / "a.bmp"), image)
    for name in ("a.jpg", "a.jpeg", "a.webp"):
        write_image(tmp_path / name, image)
        again = read_image(tmp_path / name).astype(int)
        assert again.shape == image.shape
        assert np.abs(again - image).mean() < 4  # RGB in the order in which it went in
    write_image(tmp_path / "gray.jpg", image[:, :, 0])
    assert read_image(tmp_path / "gray.jpg").shape == image.shape[:2]
    alpha = np.dstack([image, picture(image.shape[:2])])
    write_image(tmp_path / "alpha.webp", alpha)
    assert read_image(tmp_path / "alpha.webp").shape == alpha.shape


def test_quality_shrinks_jpegs(tmp_path: Path) -> None:
    image = picture((64, 64, 3))
    sizes = []
    for quality in (5, 50, 100):
        write_image(tmp_path / "a.jpg", image, quality=quality)
        sizes.append((tmp_path / "a.jpg").stat().st_size)
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 3


def test_floats_are_rounded_to_8_bits(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.array([[0.0, 0.5, 1.0, 0.001, 0.002]]))
    assert read_image(tmp_path / "a.png").tolist() == [[0, 128, 255, 0, 1]]


@pytest.mark.parametrize("form", ["Fortran", "strided", "reversed", "read-only", "unaligned"])
def test_any_layout_can_be_written(tmp_path: Path, form: str) -> None:
    image = picture((6, 8, 3), np.uint16)
    write_image(tmp_path / "a.png", GOOD_FORMS[form](image))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)


def test_big_endian_pixels(tmp_path: Path) -> None:
    image = picture((6, 8, 3), np.uint16)
    write_image(tmp_path / "a.png", image.astype(">u2"))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)


# ---- what files hold ---------------------------------------------------------------------------------------

def test_palettes_transparency_and_bits(tmp_path: Path) -> None:
    image = Image.fromarray(smooth())
    assert read_bytes(tmp_path, pillow_bytes(image.convert("P"), "PNG")).shape == (40, 60, 3)
    assert read_bytes(tmp_path, pillow_bytes(image.convert("P"), "PNG", transparency=0)).shape == (40, 60, 4)
    assert read_bytes(tmp_path, pillow_bytes(image.convert("P"), "GIF")).shape == (40, 60, 3)
    bits = read_bytes(tmp_path, pillow_bytes(image.convert("1"), "PNG"))
    assert bits.shape == (40, 60)
    assert set(np.unique(bits)) == {0, 255}
    gray_alpha = read_bytes(tmp_path, pillow_bytes(image.convert("LA"), "PNG"))
    assert gray_alpha.shape == (40, 60, 4)
    np.testing.assert_array_equal(gray_alpha[..., 0], gray_alpha[..., 2])
    cmyk = read_bytes(tmp_path, pillow_bytes(image.convert("CMYK"), "JPEG"))
    assert cmyk.shape == (40, 60, 3)
    key = read_bytes(tmp_path, pillow_bytes(image, "PNG", transparency=tuple(smooth()[0, 0].tolist())))
    assert key.shape == (40, 60, 4)
    assert key[0, 0, 3] == 0
    assert key[20, 30, 3] == 255


def test_first_frame_of_several(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((8, 9, 3), value, np.uint8)) for value in (10, 200)]
    data = pillow_bytes(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert (read_bytes(tmp_path, data) == 10).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "PNG of 16 bits"])
def test_exif_orientation(tmp_path: Path, orientation: int, kind: str) -> None:
    upright = np.zeros((8, 24), np.uint8)
    upright[:, :16], upright[:4, :8] = 100, 250
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    if kind == "PNG of 16 bits":
        write_image(tmp_path / "a.png", stored.astype(np.uint16) * 256)
        data = (tmp_path / "a.png").read_bytes()
        body = exif.tobytes()[6:] if exif.tobytes().startswith(b"Exif\0\0") else exif.tobytes()
        chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
        again = read_bytes(tmp_path, data[:33] + chunk + data[33:]) / 256
    else:
        again = read_bytes(tmp_path, pillow_bytes(np.ascontiguousarray(stored), kind, exif=exif))
    assert again.shape == upright.shape
    assert np.abs(again.astype(int) - upright).max() < 8


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_hides_no_picture(tmp_path: Path) -> None:
    data = pillow_bytes(smooth(), "JPEG", exif=b"Exif\0\0" + b"II*\0" + b"\xff" * 40)
    assert read_bytes(tmp_path, data).shape == (40, 60, 3)


def test_tiffs_of_floats(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    floats = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)
    for image in (floats, floats[..., 0]):
        tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb" if image.ndim == 3 else "minisblack")
        again = read_image(tmp_path / "a.tif")
        assert again.dtype == np.float32
        np.testing.assert_array_equal(again, image)
    tifffile.imwrite(tmp_path / "a.tif", floats * 300, photometric="rgb")
    with pytest.raises(ValueError, match=r"a\.tif holds floats outside 0\.\.1"):
        read_image(tmp_path / "a.tif")
    planes = np.moveaxis(floats, 2, 0)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), floats)
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4), -5, np.int32))
    with pytest.raises(ValueError, match=r"a\.tif"):
        read_image(tmp_path / "a.tif")


# ---- PNGs of 16 bits ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("color", [0, 2, 4, 6])
@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 9), (8, 8), (13, 17)])
def test_pngs_of_16_bits_by_other_writers(tmp_path: Path, color: int, interlaced: int, size: Any) -> None:
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    image = picture((*size, channels), np.uint16, seed=color)
    again = read_bytes(tmp_path, naive_png.encode(image.tolist(), color, interlaced))
    wanted = {1: image[..., 0], 2: image[..., [0, 0, 0, -1]], 3: image, 4: image}[channels]
    np.testing.assert_array_equal(again, wanted)


def test_transparent_color_of_16_bits(tmp_path: Path) -> None:
    image = picture((4, 5, 3), np.uint16)
    key = struct.pack(">HHH", *image[1, 2].tolist())
    again = read_bytes(tmp_path, naive_png.encode(image.tolist(), 2, 0, transparent=key))
    np.testing.assert_array_equal(again[..., :3], image)
    assert again[1, 2, 3] == 0
    assert (again[..., 3] == 0).sum() == 1


def test_opencv_reads_what_we_write_and_we_read_what_it_writes(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", exc_type=ImportError)
    for shape in [(9, 7), (9, 7, 3), (9, 7, 4)]:
        for dtype in (np.uint8, np.uint16):
            image = picture(shape, dtype)
            bgr = image if image.ndim == 2 else image[..., [2, 1, 0, 3][: shape[2]]]
            write_image(tmp_path / "ours.png", image)
            np.testing.assert_array_equal(cv2.imread(str(tmp_path / "ours.png"), cv2.IMREAD_UNCHANGED), bgr)
            cv2.imwrite(str(tmp_path / "theirs.png"), bgr)
            np.testing.assert_array_equal(read_image(tmp_path / "theirs.png"), image)


# ---- names and writing -------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["ünï çødé 图片.png", "with space.png", "quote's.PNG", ".hidden.png"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    image = picture((3, 4, 3))
    write_image(str(tmp_path / name), image)
    np.testing.assert_array_equal(read_image(tmp_path / name), image)


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    write_image(path, np.full((3, 3), 9, np.uint8))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match=r"cannot be written: No space left on device: '.*a\.png'") as caught:
        write_image(path, np.zeros((3, 3), np.uint8))
    assert caught.value.errno == 28
    assert caught.value.filename == str(path)
    monkeypatch.undo()
    assert (read_image(path) == 9).all()
    assert os.listdir(tmp_path) == ["a.png"]


def test_writing_replaces_a_file_and_keeps_the_usual_rights(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    for value in (1, 2):
        write_image(tmp_path / "a.png", np.full((2, 2), value, np.uint8))
    assert (read_image(tmp_path / "a.png") == 2).all()
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "error", "text"),
    [
        ("a", (2, 2), np.uint8, ValueError, r"needs an extension of \.png, .* got ''"),
        ("a.xyz", (2, 2), np.uint8, ValueError, r"got '\.xyz'"),
        ("a.jpg", (2, 2, 4), np.uint8, ValueError, "JPEG holds no alpha"),
        ("a.bmp", (2, 2, 4), np.uint8, ValueError, "BMP holds no alpha"),
        ("a.jpg", (2, 2), np.uint16, ValueError, "JPEG holds 8 bits"),
        ("a.webp", (2, 2, 3), np.uint16, ValueError, "WEBP holds 8 bits"),
        ("nowhere/a.png", (2, 2), np.uint8, FileNotFoundError, "there is no folder"),
        ("folder.png", (2, 2), np.uint8, IsADirectoryError, "is a folder"),
    ],
)
def test_what_cannot_be_written(
    tmp_path: Path, name: str, shape: Any, dtype: Any, error: type[Exception], text: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(error, match=text) as caught:
        write_image(tmp_path / name, np.zeros(shape, dtype))
    assert str(tmp_path / name) in str(caught.value)
    assert os.listdir(tmp_path) == ["folder.png"]


@each(("image", "error", "text"), BAD_IMAGES)
def test_bad_images(tmp_path: Path, image: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        write_image(tmp_path / "a.png", image)


@pytest.mark.parametrize("quality", [0, 101, 5.0, True, None])
def test_bad_quality(tmp_path: Path, quality: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="quality"):
        write_image(tmp_path / "a.jpg", np.zeros((2, 2), np.uint8), quality=quality)


def test_only_pngs_of_16_bits_need_opencv(tmp_path: Path) -> None:
    write_image(tmp_path / "deep.png", np.arange(24, dtype=np.uint16).reshape(2, 4, 3))
    code = (
        "import sys; sys.modules['cv2'] = None\n"
        "import numpy as np, detutils\n"
        "image = np.arange(24, dtype=np.uint16).reshape(2, 4, 3) * 1000\n"
        "for attempt in (lambda: detutils.read_image('deep.png'), lambda: detutils.write_image('a.png', image)):\n"
        "    try:\n"
        "        attempt()\n"
        "        sys.exit('no error')\n"
        "    except ImportError as error:\n"
        "        assert 'opencv-python-headless' in str(error) and 'libgl1' in str(error)\n"
        "detutils.write_image('a.tif', image)\n"
        "assert (detutils.read_image('a.tif') == image).all()\n"
        "black = np.zeros((60, 80, 3), np.uint8)\n"
        "picture = detutils.draw_boxes(black, [[5, 20, 40, 50]], labels=['a'], scores=[1])\n"
        "detutils.write_image('a.jpg', picture)\n"
        "assert detutils.read_image('a.jpg').shape == (60, 80, 3)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device here")
def test_a_device_that_never_ends_is_refused() -> None:
    with pytest.raises(OSError, match="/dev/zero is not a regular file"):
        read_image("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_replaced_by_a_picture(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match=r"pipe\.png is not a regular file"):
        write_image(pipe, smooth())
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe.png"]


def test_a_disk_that_fails_half_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "a.png", smooth())

    def fail(self: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OSError, match=r"Input/output error: '.*a\.png'"):
        read_image(tmp_path / "a.png")


def test_long_doubles_beyond_float64_are_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^image of floats must lie in 0\.\.1"):
        write_image(tmp_path / "a.png", np.full((4, 4), np.longdouble("1e4000")))
