"""Image files in and out: whole pictures, RGB order, the depth of the file, or an error that names the path.

Pillow and tifffile, which come with scikit-image, do the decoding, and OpenCV that of 16-bit PNGs, which Pillow
cuts to 8 bits. Everything else works where OpenCV cannot be imported.
"""

from __future__ import annotations

import math
import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detutils._files import file_size, read_file, replace_file
from detutils._validate import as_image, as_integer, as_path, check_memory
from detutils.pictures.jpeg import check_jpeg
from detutils.pictures.png import (
    Damaged,
    check_png_is_full,
    decode_png_of_16_bits,
    encode_png_of_16_bits,
    png_chunks,
    png_rows,
)
from detutils.pictures.silence import silence

Image = npt.NDArray[Any]

# Pillow's name of each format that is read, and its usual extensions. Nothing else reaches Pillow, some of whose
# other readers start programs (PostScript) or open further files.
READABLE = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c"),
    "AVIF": (".avif",),
}
PICTURE_EXTENSIONS = tuple(extension for extensions in READABLE.values() for extension in extensions)

# How files of each format begin.
BEGINNINGS = {
    "JPEG": rb"\xff\xd8",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "WEBP": rb"RIFF....WEBP",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "BMP": rb"BM",
    "GIF": rb"GIF8[79]a",
    "PPM": rb"P[1-6][\s#]",
    "JPEG2000": rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n",
    "AVIF": rb"....ftyp(avif|avis|mif1|msf1)",
}
UNPACKED = ("BMP", "PPM", "TIFF")  # may hold pixels as they are
# A few bytes of these may stand for any number of pixels; real pictures of more than 67 million have more.
BOUNDLESS, MANY_PIXELS, MOST_PER_BYTE = ("WEBP", "JPEG2000", "AVIF"), 1 << 26, 4096
BEGINNING = 32  # bytes that tell the format
MOST_BYTES = 16  # of a pixel: four floats

# Pillow's name of each format that is written.
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
WITH_ALPHA = ("PNG", "WEBP", "TIFF")
WITH_16_BITS = ("PNG", "TIFF")
LIFT = "Set PIL.Image.MAX_IMAGE_PIXELS to None to read it."
RAISE = "Raise PIL.Image.MAX_IMAGE_PIXELS to read it."


def read_image(path: str | os.PathLike[str]) -> Image:
    """Read a picture as it is in the file: RGB order, 8 or 16 bits, alpha kept, gray kept, turned upright.

    Parameters
    ----------
    path : str or path
        The file: JPEG, PNG, WebP, TIFF, BMP, GIF, PPM (PGM, PBM), JPEG 2000 or AVIF. The content decides, not
        the extension.

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
        If the file is empty, truncated, damaged or of another format, or its header says more than twice as
        many pixels as ``PIL.Image.MAX_IMAGE_PIXELS``: 179 million unless you raise it or set it to None. The
        text holds the path.
    TypeError
        If ``path`` is neither a str nor a path.
    MemoryError
        If the picture does not fit in the memory that is free, by its header: 12 bytes a pixel, 32 with 16 bits
        or floats.
    ImportError
        If the file is a PNG of 16 bits a channel and OpenCV cannot be imported; the text says what mends it.

    Notes
    -----
    The EXIF orientation that cameras write is applied, so boxes fit what a viewer shows; ``cv2.imread`` does
    the same with its default flag and ``skimage.io.imread`` does not. Color profiles are ignored.

    Files of strangers are safe to read: size and format are checked before anything is decoded, no program is
    started, and the decoders' warnings stay silent. A JPEG or PNG that ends early, or whose middle is missing,
    is refused even where a decoder would fill the rest with gray or black; so is a JPEG whose codes are invalid.
    JPEGs that are lossless, arithmetically coded or of 12 bits are not read. Cost: that of decoding, O(H W), and
    for a JPEG once more to count its codes (about 5 ms a MB; of a progressive one 35).

    References
    ----------
    ISO/IEC 10918-1, annexes B, F and G (JPEG); ISO/IEC 15948 (PNG), sections 5 and 9; CIPA DC-008 (EXIF), tag
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
    kind = _kind(file)
    data = read_file(file)
    try:
        with silence():
            pixels = _decode(data, kind)
        return np.require(pixels, requirements=["C_CONTIGUOUS", "ALIGNED", "WRITEABLE", "OWNDATA"])
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
    data = _encoded(pixels, kind, quality)
    replace_file(file, lambda target: target.write(data))


def _pillow() -> Any:
    try:
        from PIL import Image as pillow
    except ImportError as error:
        raise ImportError(f"images are read and written by Pillow (pip install pillow): {error}") from error
    return pillow


# ---- reading -----------------------------------------------------------------------------------------------

def _kind(file: Path) -> str:
    """The format of a file, by its first bytes; what is too large for any picture is not read any further."""
    size, most = file_size(file), _pillow().MAX_IMAGE_PIXELS
    if size == 0:
        raise ValueError(f"{file} is empty")
    with open(file, "rb") as stream:
        beginning = stream.read(BEGINNING)
    kind = next((kind for kind, magic in BEGINNINGS.items() if re.match(magic, beginning, re.DOTALL)), None)
    if kind is None:
        raise ValueError(f"{file} is not an image of a kind that is read: {', '.join(READABLE)}")
    if most is not None and size > 2 * MOST_BYTES * most:
        raise ValueError(f"{file} has {size} bytes, more than any picture of {2 * most} pixels. {RAISE}")
    return kind


def _check_pixels(width: int, height: int, bytes_of_a_pixel: int) -> None:
    """Refuse a size from a header that is too large to decode; Pillow's limit holds for whatever decodes."""
    most = _pillow().MAX_IMAGE_PIXELS
    if most is not None and width * height > 2 * most:
        raise Damaged(f"has {width} x {height} pixels, more than the {2 * most} that are allowed. {RAISE}")
    check_memory(width * height * bytes_of_a_pixel, f"a picture of {width} x {height}")


def _decode(data: bytes, kind: str) -> Image:
    pillow = _pillow()
    chunks: dict[bytes, bytes] = {}
    if kind == "PNG":
        chunks = png_chunks(data)
        png_rows(chunks)
    elif kind == "JPEG":
        check_jpeg(data)
    try:
        picture = pillow.open(BytesIO(data), formats=[kind])
    except pillow.UnidentifiedImageError:
        if kind == "TIFF":
            return _decode_tiff(data)
        raise Damaged(f"is damaged: it begins like {kind}, and Pillow cannot make out its header") from None
    except pillow.DecompressionBombError as error:
        raise Damaged(f"is refused by Pillow: {error} {RAISE}") from None
    with picture:
        width, height = picture.size
        deep = kind == "TIFF" and max(picture.tag_v2.get(258, (8,))) > 8
        of_16_bits = kind == "PNG" and chunks[b"IHDR"][8] == 16
        _check_pixels(width, height, 32 if deep or of_16_bits else 12)
        if of_16_bits:
            return _turn(decode_png_of_16_bits(data, chunks), _orientation(picture))
        if deep and picture.mode not in ("I", "F"):
            return _turn(_decode_tiff(data), _orientation(picture))
        if kind in BOUNDLESS and MANY_PIXELS < width * height > MOST_PER_BYTE * len(data):
            if pillow.MAX_IMAGE_PIXELS is not None:
                raise Damaged(f"has {width} x {height} pixels in {len(data)} bytes. {LIFT}")
        if kind in UNPACKED:
            _check_raw(picture, len(data))
        picture.load()
        if kind == "PNG" and (picture.info.get("interlace") or not _last_row_is_set(picture)):
            check_png_is_full(chunks)
        return _turn(_pixels(picture), _orientation(picture))


def _check_raw(picture: Any, size: int) -> None:
    """Refuse pixels without compression that are more than the file has bytes for, before memory is taken."""
    width, height = picture.size
    bits = 1 if len(picture.getbands()) == 1 else 15  # at least
    if picture.tile and all(tile[0] == "raw" for tile in picture.tile) and width * height * bits > 8 * size:
        raise Damaged(f"is damaged: its header says {width} x {height} pixels, more than {size} bytes can hold")


def _last_row_is_set(picture: Any) -> bool:
    """Whether the last row of a PNG came from the file: Pillow leaves missing rows at 0."""
    width, height = picture.size
    return bool(np.asarray(picture.crop((0, height - 1, width, height))).any())


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
    plain = "L" if mode in ("1", "L") else "RGB"
    return np.array(picture if mode == plain else picture.convert(plain))  # convert would copy


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


def _decode_tiff(data: bytes) -> Image:
    """A TIFF of 16 bits or of floats, which Pillow cuts to 8 bits or does not know."""
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        page: Any = file.pages[0]
        if int(page.photometric) not in (1, 2) or page.axes not in ("YX", "YXS", "SYX"):
            raise Damaged(f"is a TIFF of {page.photometric.name}, axes {page.axes}, neither gray nor RGB")
        if page.samplesperpixel > 4 or page.imagedepth > 1:
            raise Damaged(f"is a TIFF of {page.samplesperpixel} samples a pixel, {page.imagedepth} deep")
        width, height = page.imagewidth, page.imagelength
        _check_pixels(width, height, 3 * max(1, page.nbytes // max(1, width * height)))
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

def _encoded(pixels: Image, kind: str, quality: int) -> bytes:
    """The content of a file."""
    target = BytesIO()
    if pixels.dtype == np.uint16 and kind == "PNG":
        encode_png_of_16_bits(target, pixels)
    elif pixels.dtype == np.uint16:
        import tifffile

        colors = "minisblack" if pixels.ndim == 2 else "rgb"
        tifffile.imwrite(target, pixels, photometric=colors, compression="zlib", software="")
    elif kind == "JPEG":
        return _encoded_jpeg(pixels, quality)
    else:
        options: dict[str, Any] = {"format": kind}
        if kind == "WEBP":
            options |= {"quality": quality}
        elif kind == "TIFF":
            options |= {"compression": "tiff_adobe_deflate"}
        _pillow().fromarray(pixels).save(target, **options)
    return target.getvalue()


def _encoded_jpeg(pixels: Image, quality: int) -> bytes:
    picture, target = _pillow().fromarray(pixels), BytesIO()
    options = {"format": "JPEG", "quality": quality, "subsampling": 0}
    try:
        picture.save(target, **options, optimize=True)
    except OSError:  # optimized data must fit into one buffer, and those of noise are larger than Pillow's
        target = BytesIO()
        picture.save(target, **options)
    return target.getvalue()
