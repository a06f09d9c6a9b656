"""Image files in and out: whole pictures, RGB order, the depth of the file, or an error that names the path.

Pillow and tifffile, which come with scikit-image, do the decoding, and OpenCV that of 16-bit PNGs, which Pillow
cuts to 8 bits. Everything else works where OpenCV cannot be imported.
"""

from __future__ import annotations

import math
import os
import re
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from detutils._files import read_file, replace_file
from detutils._validate import as_image, as_integer, as_path, check_memory
from detutils.pictures.png import PNG_MAGIC, Damaged, decode_png_of_16_bits, encode_png_of_16_bits, png_chunks

Image = npt.NDArray[Any]

TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # neither a stuffed byte, a restart, nor padding
JPEG_START_OF_SCAN, JPEG_END = 0xDA, 0xD9

# Pillow's name of each format that is written, and the depths and channels that it holds.
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
# The extensions of the formats that Pillow reads by itself: PostScript and Windows metafiles would run programs.
PICTURE_EXTENSIONS = (
    ".apng", ".avif", ".avifs", ".blp", ".bmp", ".bw", ".cur", ".dcx", ".dds", ".dib", ".flc", ".fli", ".ftc", ".ftu",
    ".gbr", ".gif", ".icb", ".icns", ".ico", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf",
    ".jpg", ".jpx", ".mpo", ".msp", ".pbm", ".pcd", ".pcx", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".pxr",
    ".qoi", ".ras", ".rgb", ".rgba", ".sgi", ".tga", ".tif", ".tiff", ".vda", ".vst", ".webp", ".xbm", ".xpm",
)  # fmt: skip
WITH_ALPHA = ("PNG", "WEBP", "TIFF")
WITH_16_BITS = ("PNG", "TIFF")


def read_image(path: str | os.PathLike[str]) -> Image:
    """Read a picture as it is in the file: RGB order, 8 or 16 bits, alpha kept, gray kept, turned upright.

    Parameters
    ----------
    path : str or path
        The file. Whatever Pillow reads (JPEG, PNG, WebP, TIFF, BMP, GIF, ...); the content decides, not the
        extension.

    Returns
    -------
    image : (H, W), (H, W, 3) or (H, W, 4) ndarray of uint8, uint16 or float32
        Gray pictures have two axes, others R, G, B and, where the file has transparency, A. Files of 16 bits
        a channel give uint16, TIFF files of floats in 0..1 give float32, all others uint8. Of several frames,
        the first.

    Raises
    ------
    OSError
        If the file is missing, is a folder, a device or a pipe, or must not be read. The text holds the path.
    ValueError
        If the file is empty, truncated, damaged or no image, or has more than twice as many pixels as
        ``PIL.Image.MAX_IMAGE_PIXELS``, 179 million unless you raise it. The text holds the path.
    TypeError
        If ``path`` is neither a str nor a path.
    MemoryError
        If the picture does not fit in memory.
    ImportError
        If the file is a PNG of 16 bits a channel and OpenCV cannot be imported; the text says what mends it.

    Notes
    -----
    The EXIF orientation that cameras write is applied, so boxes fit what a viewer shows; ``cv2.imread`` does
    the same with its default flag and ``skimage.io.imread`` does not. Color profiles are ignored. A JPEG or
    PNG that ends early is refused even where a decoder would fill the rest with gray. Cost: that of decoding,
    O(H W).

    References
    ----------
    ISO/IEC 10918-1, annex B (JPEG markers); ISO/IEC 15948 (PNG), sections 5 and 9; CIPA DC-008 (EXIF), tag
    274.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> detutils.write_image("gray.png", np.full((2, 3), 7, np.uint8))
    >>> detutils.read_image("gray.png")
    array([[7, 7, 7],
           [7, 7, 7]], dtype=uint8)
    """
    file = as_path(path)
    data = read_file(file)
    if not data:
        raise ValueError(f"{file} is empty")
    try:
        return np.require(_decode(data), requirements=["C_CONTIGUOUS", "ALIGNED", "WRITEABLE", "OWNDATA"])
    except MemoryError as error:
        raise MemoryError(f"{file}: {error}") from None
    except ImportError:
        raise
    except Damaged as error:
        raise ValueError(f"{file} {error}") from None
    except Exception as error:  # decoders raise SyntaxError, struct.error, EOFError and more on damaged files
        raise ValueError(f"{file} cannot be read as an image: {error}") from error


def write_image(path: str | os.PathLike[str], image: npt.ArrayLike, *, quality: int = 95) -> None:
    """Write a picture; the file appears whole or not at all.

    Parameters
    ----------
    path : str or path
        The file; its extension chooses the format: .png, .jpg, .jpeg, .webp, .tif, .tiff or .bmp. An existing
        file is replaced.
    image : (H, W), (H, W, 3) or (H, W, 4) array_like of uint8, uint16 or float in 0..1
        In RGB order. Floats are rounded to 8 bits. Only PNG and TIFF hold uint16; only PNG, TIFF and WebP
        hold alpha; WebP has no gray, which comes back as RGB.
    quality : int, default 95
        1 (small) to 100 (fine), for JPEG and WebP. Colors are not subsampled in JPEG, so thin lines stay
        sharp.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        If the extension is unknown, the format cannot hold the image, or the image breaks the contract.
    TypeError
        If an argument has the wrong type.
    OSError
        If the folder is missing or not writable, or the disk is full; an older file of this name is then
        untouched.
    ImportError
        If a PNG is to hold uint16 and OpenCV cannot be imported; the text says what mends it.

    Notes
    -----
    The data goes to a new file in the same folder, which then takes the name. Cost: that of encoding, O(H W).

    Examples
    --------
    >>> import detutils, numpy as np
    >>> detutils.write_image("red.png", np.full((4, 4, 3), [255, 0, 0], np.uint8))
    >>> detutils.read_image("red.png")[0, 0]
    array([255,   0,   0], dtype=uint8)
    """
    file = as_path(path)
    pixels = as_image(image)
    quality = as_integer(quality, "quality", 1, 100)
    kind = FORMATS.get(file.suffix.lower())
    if kind is None:
        raise ValueError(f"{file} needs an extension of {', '.join(FORMATS)}, got {file.suffix!r}")
    if pixels.ndim == 3 and pixels.shape[2] == 4 and kind not in WITH_ALPHA:
        raise ValueError(f"{file}: {kind} holds no alpha channel, PNG does (image[..., :3] drops it)")
    if pixels.dtype == np.uint16 and kind not in WITH_16_BITS:
        raise ValueError(f"{file}: {kind} holds 8 bits a channel, PNG and TIFF hold 16")
    if pixels.dtype.kind == "f":
        pixels = np.round(pixels * 255).astype(np.uint8)
    replace_file(file, lambda target: _encode(target, pixels, kind, quality))


def _pillow() -> Any:
    try:
        from PIL import Image as pillow
    except ImportError as error:
        raise ImportError(f"images are read and written by Pillow (pip install pillow): {error}") from error
    return pillow


# ---- reading -----------------------------------------------------------------------------------------------

def _decode(data: bytes) -> Image:
    pillow = _pillow()
    if data.startswith(PNG_MAGIC):
        chunks = png_chunks(data)
    elif data.startswith(b"\xff\xd8"):
        _check_jpeg_is_whole(data)
    try:
        picture = pillow.open(BytesIO(data))
    except pillow.UnidentifiedImageError:
        if data.startswith(TIFF_MAGICS):
            return _decode_tiff(data)
        raise Damaged("is not an image, or of a kind that Pillow does not know") from None
    except pillow.DecompressionBombError as error:
        raise Damaged(f"is refused by Pillow: {error} Raise PIL.Image.MAX_IMAGE_PIXELS to read it.") from None
    with picture:
        width, height = picture.size
        check_memory(width * height * 12, f"a picture of {width} x {height}")
        if picture.format == "PNG" and chunks[b"IHDR"][8] == 16:
            return _turn(decode_png_of_16_bits(data, chunks), _orientation(picture))
        deep = picture.format == "TIFF" and max(picture.tag_v2.get(258, (8,))) > 8
        if deep and picture.mode not in ("I", "F"):
            return _turn(_decode_tiff(data), _orientation(picture))
        picture.load()
        pixels = _pixels(picture)
        return _turn(pixels, _orientation(picture))


def _pixels(picture: Any) -> Image:
    """The pixels of a loaded Pillow image, in one of the forms that read_image promises."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if mode == "I":
        wide = np.asarray(picture)
        if wide.min() < 0 or wide.max() > 65535:
            raise Damaged("holds 32-bit integers: convert it to 16 bits")
        return wide.astype(np.uint16)
    if mode == "F":
        return _checked_floats(np.array(picture))
    if "transparency" in picture.info or mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        return np.array(picture.convert("RGBA"))
    return np.array(picture.convert("L" if mode in ("1", "L") else "RGB"))


def _checked_floats(pixels: Image) -> Image:
    if not (float(pixels.min()) >= 0.0 and float(pixels.max()) <= 1.0):
        raise Damaged("holds floats outside 0..1")
    return pixels.astype(np.float32)


def _orientation(picture: Any) -> int:
    try:
        return int(picture.getexif().get(274, 1))
    except Exception:  # broken EXIF must not hide a good picture
        return 1


def _turn(pixels: Image, orientation: int) -> Image:
    """Apply EXIF's tag 274: 2-4 flip, 5-8 also swap the axes."""
    if 5 <= orientation <= 8:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _check_jpeg_is_whole(data: bytes) -> None:
    """Walk the markers to the end-of-image marker, without which decoders fill the rest with gray."""
    position, scans = 2, 0
    while True:
        marker = JPEG_MARKER.search(data, position)
        if marker is None:
            raise Damaged("is truncated: the JPEG data ends early")
        position, code = marker.end(), data[marker.end() - 1]
        if code == JPEG_END:
            if not scans:
                raise Damaged("is damaged: a JPEG without a picture")
            return
        if code != 0xD8 and code != 0x01:  # these two have no length
            if position + 2 > len(data):
                raise Damaged("is truncated: the JPEG data ends early")
            position += int.from_bytes(data[position : position + 2], "big")
            scans += code == JPEG_START_OF_SCAN


def _decode_tiff(data: bytes) -> Image:
    """A TIFF of 16 bits or of floats, which Pillow cuts to 8 bits or does not know."""
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        page: Any = file.pages[0]
        if int(page.photometric) not in (1, 2) or page.axes not in ("YX", "YXS", "SYX"):
            raise Damaged(f"is a TIFF of {page.photometric.name}, axes {page.axes}, neither gray nor RGB")
        check_memory(page.nbytes, f"a picture of {page.shape}")
        # tifffile leaves missing parts black.
        parts = list(zip(page.dataoffsets, page.databytecounts))
        if len(parts) != math.prod(page.chunked) or any(
            size < 1 or start + size > len(data) for start, size in parts
        ):
            raise Damaged("is truncated or damaged: the TIFF's pixels do not fill the picture")
        pixels: Image = page.asarray()
        if page.axes == "SYX":
            pixels = np.moveaxis(pixels, 0, 2)
    if pixels.ndim == 3 and pixels.shape[2] == 2:
        pixels = pixels[:, :, [0, 0, 0, 1]]
    if pixels.dtype.kind == "f":
        return _checked_floats(pixels)
    colors = pixels.ndim == 2 or pixels.shape[2] in (3, 4)
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2 or not colors:
        raise Damaged(f"is a TIFF of {pixels.shape} {pixels.dtype}")
    return pixels


# ---- writing -----------------------------------------------------------------------------------------------

def _encode(target: BinaryIO, pixels: Image, kind: str, quality: int) -> None:
    if pixels.dtype == np.uint16 and kind == "PNG":
        encode_png_of_16_bits(target, pixels)
    elif pixels.dtype == np.uint16:
        import tifffile

        colors = "minisblack" if pixels.ndim == 2 else "rgb"
        tifffile.imwrite(target, pixels, photometric=colors, compression="zlib", software="")
    else:
        options: dict[str, Any] = {"format": kind}
        if kind == "JPEG":
            options |= {"quality": quality, "subsampling": 0, "optimize": True}
        elif kind == "WEBP":
            options |= {"quality": quality}
        elif kind == "TIFF":
            options |= {"compression": "tiff_adobe_deflate"}
        _pillow().fromarray(pixels).save(target, **options)
