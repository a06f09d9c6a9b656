"""``detutils train`` and ``detutils detect``: R-CNN on annotated photographs, and its model on others."""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

import detutils
from detutils.cli.terminal import Progress, check_output, image_files, say, say_skipped
from detutils.datasets.assembly import choose_classes
from detutils.datasets.listing import PictureFolders

THRESHOLDS = (0.5, 0.6, 0.7, 0.8)


def add_train(commands: Any) -> None:
    """Arguments of ``detutils train``."""
    parser = commands.add_parser(
        "train", help="train R-CNN on annotated photographs, and say what box regression is worth",
        description="Selective Search, gradients and colors, a linear classifier and a box regressor a "
        "class. A part of the images is held out and judged, without and with box regression.",
    )
    parser.add_argument(
        "annotations", type=Path, help="A file or folder of COCO, VOC, YOLO, LabelMe or CVAT annotations."
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL", help="The .npz file to write."
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="Where the images are, if not nearby.")
    parser.add_argument("--classes", nargs="+", metavar="NAME", help="Learn these classes only.")
    parser.add_argument(
        "--on-invalid", choices=("raise", "drop"), default="raise",
        help="Stop at entries that cannot be used, or leave them out. The default is raise.",
    )
    parser.add_argument(
        "--held-out", type=float, default=0.25, metavar="SHARE",
        help="Share of the images to judge on. The default is 0.25.",
    )
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="Keep features there, to go on from later."
    )
    parser.add_argument(
        "--alpha", type=float, default=10.0, help="Weight decay of the classifiers. The default is 10."
    )
    parser.add_argument("--rounds", type=int, default=2, help="Rounds of hard negatives. The default is 2.")
    parser.add_argument(
        "--memory", type=float, default=1.0, metavar="GIB", help="Memory for the normal equations. The default is 1."
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="Seeds what is held out, jitter and negatives. The default is 0."
    )
    parser.add_argument("--json", action="store_true", help="Print the result as JSON.")
    parser.set_defaults(run=run_train)


def run_train(options: argparse.Namespace) -> int:
    """Train, judge on what was held out, and keep the model."""
    check_output(options.output, (".npz",))
    if not 0.0 <= options.held_out < 1.0:
        raise ValueError(f"--held-out must be at least 0 and less than 1, got {options.held_out:g}")
    if not 0.0 < options.memory <= 2**20:
        raise ValueError(f"--memory must be above 0 and at most {2**20} GiB, got {options.memory:g}")
    dataset = read_annotations(options.annotations, options.on_invalid)
    if options.classes:
        dataset = choose_classes(dataset, options.classes)
    folder = options.images if options.images is not None else folder_of_images(options.annotations, dataset)
    order = np.random.default_rng(options.seed).permutation(len(dataset.images))
    held = sorted(order[: int(options.held_out * len(order))].tolist())
    kept = sorted(set(range(len(order))) - set(held))
    learn, judge = (dataset._replace(images=[dataset.images[i] for i in part]) for part in (kept, held))
    begin = time.perf_counter()
    bars: dict[str, Progress] = {}

    def tell(stage: str, done: int, total: int) -> None:
        bar = bars.setdefault(stage, Progress(stage, total))
        bar.move(done, "images")
        if done == total:
            bar.__exit__()

    model = detutils.train_rcnn(
        learn, folder, cache=options.cache, alpha=options.alpha, rounds=options.rounds,
        memory=max(1, int(options.memory * 2**30)), seed=options.seed, progress=tell,
    )  # fmt: skip
    model.save(options.output)
    seconds = time.perf_counter() - begin
    say(f"{model!r}, from {len(kept):,} images in {seconds:.1f} s -> {options.output}")
    rows = precisions(model, judge, folder) if held else []
    if options.json:
        print(json.dumps({"model": str(options.output), "images": len(kept), "held_out": len(held),
                          "seconds": round(seconds, 1), "mean_ap": rows}))  # fmt: skip
    elif rows:
        print(f"mAP on {len(held):,} images held out (VOC's rule):")
        print(f"{'IoU':>5} {'without box regression':>24} {'with':>8} {'gain':>8}")
        for row in rows:
            without = math.nan if row["without"] is None else row["without"]
            with_it = math.nan if row["with"] is None else row["with"]
            print(f"{row['iou']:5.1f} {without:24.3f} {with_it:8.3f} {with_it - without:+8.3f}")
    return 0


def precisions(model: detutils.RCNN, judge: detutils.Dataset, folder: Path) -> list[dict[str, float | None]]:
    """mAP at several IoUs, as proposed and as moved."""
    found: dict[bool, list[detutils.Detections]] = {False: [], True: []}
    places = PictureFolders([folder])
    with Progress("judging", len(judge.images)) as bar:
        for i, record in enumerate(judge.images, start=1):
            image = detutils.read_image(places.find(record.name))
            boxes = model.propose(image)
            features = model.describe(image, boxes)
            for regress, detections in found.items():
                detections.append(model.detect_features(features, boxes, image.shape[:2], regress=regress))
            bar.move(i, record.name)
    rows: list[dict[str, float | None]] = []
    for iou in THRESHOLDS:
        both = (detutils.evaluate_voc(found[moved], judge, iou_threshold=iou) for moved in (False, True))
        without, with_it = (None if math.isnan(result.mean_ap) else result.mean_ap for result in both)
        rows.append({"iou": iou, "without": without, "with": with_it})
    return rows


def read_annotations(path: Path, on_invalid: Any = "raise", **options: Any) -> detutils.Dataset:
    """A data set in whatever format, with a line that says which it was taken for and what was left out."""
    dataset = detutils.read_dataset(path, on_invalid=on_invalid, **options)
    say(f"{path}: read as {options.get('format') or detutils.dataset_format(path)}, {len(dataset.images):,} images")
    say_skipped(dataset.skipped)
    return dataset


def folder_of_images(annotations: Path, dataset: detutils.Dataset) -> Path:
    """Where the first image lies: beside the annotations or in the usual folders."""
    if not dataset.images:
        raise ValueError(f"{annotations} has no images")
    name = dataset.images[0].name
    above = annotations if annotations.is_dir() else annotations.parent
    places = [base / room for base in (above, above.parent) for room in ("", "images", "JPEGImages")]
    for place in places:
        if (place / name).is_file():
            return place
    near = [place for place in places if place.is_dir() and place != above.parent]  # where anything may lie
    try:
        found = PictureFolders(near).find(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}: say where with --images") from None
    return next(place for place in reversed(near) if place in found.parents)


def add_detect(commands: Any) -> None:
    """Arguments of ``detutils detect``."""
    parser = commands.add_parser(
        "detect", help="find objects in image files with a model of detutils train",
        description="Find objects and draw them. A file that fails is reported and the rest goes on; the "
        "exit code is then 1.",
    )
    parser.add_argument("model", type=Path, help="What detutils train wrote.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="Image files, or folders of them.")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="Draw the detections there.")
    parser.add_argument(
        "--threshold", type=float, default=-0.5, help="Least score. The default is -0.5; background has about -1."
    )
    parser.add_argument("--no-regression", action="store_true", help="Leave boxes as they are proposed.")
    parser.add_argument("--json", action="store_true", help="Print a JSON object for each image.")
    parser.set_defaults(run=run_detect)


def run_detect(options: argparse.Namespace) -> int:
    """Print what is found in each image; returns 1 if a file failed."""
    model = detutils.RCNN.load(options.model)
    files = image_files(options.images)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
    failed, taken = 0, {path.resolve() for path in files}
    with Progress("detect", len(files)) as bar:
        for i, path in enumerate(files, start=1):
            try:
                image = detutils.read_image(path)
                found = model.detect(
                    image, score_threshold=options.threshold, regress=not options.no_regression
                )
            except (OSError, ValueError, MemoryError) as error:
                failed += 1
                bar.say(f"failed: {error}")
                continue
            names = [model.class_names[label] for label in found.labels]
            if options.output is not None:
                picture = detutils.draw_boxes(image, found.boxes, labels=names, scores=found.scores)
                detutils.write_image(free_name(options.output, path.stem, taken), picture)
            report(path, found, names, as_json=options.json)
            bar.move(i, path)
    return 1 if failed else 0


def free_name(folder: Path, stem: str, taken: set[Path]) -> Path:
    """A PNG file in the folder, numbered where the name is that of another picture or of a photograph."""
    path, number = folder / f"{stem}.png", 1
    while path.resolve() in taken:
        number += 1
        path = folder / f"{stem}_{number}.png"
    taken.add(path.resolve())
    return path


def report(path: Path, found: detutils.Detections, names: list[str], *, as_json: bool) -> None:
    """The detections of one image on standard output."""
    if as_json:
        print(json.dumps({"path": str(path), "boxes": found.boxes.tolist(), "scores": found.scores.tolist(),
                          "labels": names}), flush=True)  # fmt: skip
        return
    print(f"{path}: {len(names)}", flush=True)
    for box, score, name in zip(found.boxes.round(1).tolist(), found.scores.tolist(), names, strict=True):
        print(f"  {name:<16} {score:6.2f}  {box}")
