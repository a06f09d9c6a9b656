"""``detutils evaluate``."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import detutils
from detutils.cli.report import Answers, write_report
from detutils.cli.results import read_results
from detutils.cli.terminal import check_output, say

STATS = (
    "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
    "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip


def add_evaluate(commands: Any) -> None:
    """Arguments of ``detutils evaluate``."""
    parser = commands.add_parser("evaluate", help="average precision of detections, by COCO's rules or VOC's")
    parser.add_argument("annotations", help="COCO JSON with images, annotations and categories.")
    parser.add_argument(
        "results", nargs="+", metavar="results",
        help="COCO results JSON: image_id, category_id, bbox, score; several files, or folders of them, count as one. "
        "Or a folder of shards whose records have boxes, scores and labels.",
    )
    parser.add_argument(
        "--rules",
        choices=("coco", "voc2007", "voc2010"),
        default="coco",
        help="COCO's twelve numbers, or VOC's AP over 11 points (2007) or as an area (2010). The default is coco.",
    )
    parser.add_argument(
        "--iou", type=float, default=0.5, help="IoU of a hit by VOC's rules and in the report. The default is 0.5."
    )
    parser.add_argument(
        "--on-invalid",
        choices=("raise", "drop"),
        default="raise",
        help="Stop at entries that cannot be used, or leave them out and say how many. The default is raise.",
    )
    parser.add_argument("--report", metavar="FOLDER", type=Path, help="Write report.html, one self-contained page.")
    parser.add_argument(
        "--images", metavar="FOLDER", type=Path, help="Where the pictures are; the report shows the worst."
    )
    parser.add_argument("--worst", type=int, default=12, metavar="N", help="Pictures in the report. The default is 12.")
    parser.add_argument("--json", action="store_true", help="Print a JSON object.")
    parser.add_argument("--plot", metavar="PICTURE", help="Draw precision against recall (matplotlib).")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(options: argparse.Namespace) -> int:
    """Print the numbers, and class by class the AP."""
    if options.plot:
        check_output(Path(options.plot), (".png", ".svg", ".pdf"))
    if options.images and not options.images.is_dir():
        raise NotADirectoryError(f"{options.images} is not a folder")
    dataset = detutils.read_coco(options.annotations, on_invalid=options.on_invalid)
    found = read_results(options.results, dataset, options.on_invalid)
    for skipped in (dataset.skipped, found.skipped):
        if skipped:
            path, place, reason = skipped[0]
            say(f"{path}: {len(skipped)} skipped, the first {place}: {reason}")
    numbers: dict[str, float]
    if options.rules == "coco":
        coco = detutils.evaluate_coco(found, dataset)
        labels, precisions, text = coco.labels, coco.class_ap, coco.summary()
        numbers = {name: float(getattr(coco, name)) for name in STATS}
    else:
        voc = _voc(options, found, dataset)
        labels, precisions, text = voc.labels, voc.ap, f"mean AP {voc.mean_ap:.3f} at IoU {options.iou:g}"
        if math.isnan(voc.mean_ap):
            text += "\nthere are no objects: there is nothing to measure"
        numbers = {"mean_ap": voc.mean_ap}
    titles = class_titles(dataset)
    classes = {titles[c]: ap for c, ap in zip(labels.tolist(), precisions.tolist(), strict=True)}
    if options.json:
        print(json.dumps({**_without_nan(numbers), "classes": _without_nan(classes)}))
    else:
        print(text)
        print()
        for name, ap in classes.items():
            print(f"{name:<24} {'no objects' if math.isnan(ap) or ap < 0 else f'{ap:.3f}'}")
    if options.plot:
        _plot(options, found, dataset)
    if options.report:
        first, *others = (Path(path).name for path in options.results)
        more = f" and {len(others)} more" if others else ""
        title = f"{first}{more} on {Path(options.annotations).name}"
        answers = Answers(title, text, classes, found, dataset, titles, options.iou)
        say(f"wrote {write_report(options.report, answers, options.images, max(options.worst, 0))}")
    return 0


def class_titles(dataset: detutils.Dataset) -> list[str]:
    """The names of the classes, each with its id where another class has the same name."""
    names = dataset.class_names
    return [
        f"{name} ({number})" if names.count(name) > 1 else name
        for name, number in zip(names, dataset.class_ids, strict=True)
    ]


def _voc(options: argparse.Namespace, found: Sequence[detutils.Detections], dataset: detutils.Dataset) -> Any:
    method: Any = "11-point" if options.rules == "voc2007" else "area"
    return detutils.evaluate_voc(found, dataset, iou_threshold=options.iou, method=method)


def _plot(options: argparse.Namespace, found: Sequence[detutils.Detections], dataset: detutils.Dataset) -> None:
    voc = _voc(options, found, dataset)
    titles = class_titles(dataset)
    names = [titles[label] for label in voc.labels.tolist()]
    ax = detutils.plot_precision_recall(voc.curves, names=names if len(names) <= 20 else None)
    ax.set_title(f"Precision and recall at IoU {options.iou:g}")
    ax.figure.savefig(options.plot, dpi=120)
    say(f"wrote {options.plot}")


def _without_nan(numbers: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in numbers.items()}
