"""``detutils convert``: a data set in another format, and what that format does not hold."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import detutils
from detutils.cli.terminal import say, say_skipped
from detutils.datasets.guess import READERS
from detutils.datasets.listing import PictureFolders
from detutils.datasets.text_files import picture_size

WRITTEN = ("coco", "voc", "yolo", "dota")
FLAGS = ("difficult", "truncated")


def add_convert(commands: Any) -> None:
    """Arguments of ``detutils convert``."""
    parser = commands.add_parser(
        "convert", help="a data set in another format: COCO, VOC, YOLO, DOTA",
        description="Read a data set of COCO, VOC, YOLO, LabelMe, CVAT or DOTA and write it as one of the first three "
        "or the last. What is written appears whole or not at all; what the format does not hold is said.",
    )
    parser.add_argument("source", type=Path, metavar="SRC", help="A file or a folder.")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DST",
                        help="A new folder; a .json file for COCO.")  # fmt: skip
    parser.add_argument("--to", choices=WRITTEN, required=True, help="The format to write.")
    parser.add_argument("--format", choices=tuple(READERS), help="The format of SRC, where its files do not say it.")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="The pictures, for sizes that SRC does not say.")
    parser.add_argument("--classes", nargs="+", metavar="NAME", help="Only these classes. The default is all.")
    parser.add_argument(
        "--on-invalid", choices=("raise", "drop"), default="raise",
        help="Stop at entries that cannot be used, or leave them out. The default is raise.",
    )
    parser.add_argument("--pixels", choices=("inclusive", "continuous"),
                        help="What xmax and ymax of VOC are, in SRC and DST. The default is inclusive.")  # fmt: skip
    parser.add_argument("--outlines", action="store_true", help="Write polygons into YOLO's files.")
    parser.add_argument("--json", action="store_true", help="Print the summary as JSON.")
    parser.set_defaults(run=run_convert)


def run_convert(options: argparse.Namespace) -> int:
    """Read, write, and say how much."""
    kind = options.format or detutils.dataset_format(options.source)
    more = {"pixels": options.pixels} if options.pixels and kind == "voc" else {}
    dataset = detutils.read_dataset(
        options.source, format=options.format, classes=options.classes, on_invalid=options.on_invalid, **more
    )
    say_skipped(dataset.skipped)
    if options.images is not None:
        dataset = with_sizes(dataset, options.images)
    said = {"voc": {"pixels": options.pixels or "inclusive"}, "yolo": {"outlines": options.outlines}}
    lost = getattr(detutils, f"write_{options.to}")(options.output, dataset, **said.get(options.to, {}))
    if lost is None:  # COCO's, which holds all but two flags
        flags = {name: sum(int(getattr(image, name).sum()) for image in dataset.images) for name in FLAGS}
        lost = [f"{count} x {name}" for name, count in flags.items() if count]
    summary = {
        "from": kind,
        "to": options.to,
        "images": len(dataset.images),
        "objects": sum(len(image.boxes) for image in dataset.images),
        "classes": len(dataset.class_names),
        "skipped": len(dataset.skipped),
        "lost": list(lost),
        "output": str(options.output),
    }
    if options.json:
        print(json.dumps(summary))
    else:
        print(f"{kind} -> {options.to}: {summary['images']:,} images, {summary['objects']:,} objects, "
              f"{summary['classes']:,} classes, {summary['skipped']:,} skipped -> {options.output}")  # fmt: skip
        for loss in lost:
            say(f"{options.to} does not hold {loss}")
    return 0


def with_sizes(dataset: detutils.Dataset, folder: Path) -> detutils.Dataset:
    """The data set with the sizes that it does not say, from the headers of its pictures."""
    places = PictureFolders([folder])
    images = [
        image if image.image_size is not None else image._replace(image_size=picture_size(places.find(image.name)))
        for image in dataset.images
    ]
    return detutils.Dataset(images, dataset.class_names, dataset.class_ids, dataset.skipped)
