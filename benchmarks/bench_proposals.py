"""Proposals: time, and how well they cover the objects of annotated photographs.

``--images FOLDER --annotations PATH`` takes any photographs with COCO JSON (a file), VOC XML or YOLO text (a
folder). Without annotations, only time and the number of boxes are shown; without images, the photographs of
scikit-image are used.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import detutils
from benchmarks import other_pictures
from benchmarks.harness import Report, in_words, one_thread
from benchmarks.proposal_makers import OURS, Maker, makers

Array = npt.NDArray[Any]
BUDGETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, None)
ENOUGH = 2250  # about as many as OpenCV's fast mode gives
LEVELS = np.arange(50, 100, 5) / 100
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
SHIPPED = ("astronaut", "chelsea", "coffee", "rocket")


class Outcome(NamedTuple):
    """What one maker did: boxes and seconds for each image."""

    boxes: list[Array]
    seconds: list[float]


# ---- photographs -------------------------------------------------------------------------------------------


def annotations(images: Path, path: Path) -> detutils.Dataset:
    """The data set at a path, by what is found there."""
    if path.is_file():
        return detutils.read_coco(path) if path.suffix.lower() == ".json" else detutils.read_voc(path)
    if (path / "Annotations").is_dir() or any(path.glob("*.xml")):
        return detutils.read_voc(path)
    return detutils.read_yolo(path, images)


def picture_file(images: Path, name: str) -> Path:
    """The file of an annotated image, whose name may be relative to the folder or to its parent."""
    choices = [images / name, images.parent / name, images / Path(name).name]
    for choice in choices:
        if choice.is_file():
            return choice
    raise FileNotFoundError(f"{images} holds no {name}")


def photographs(
    report: Report, few: int | None = 8
) -> tuple[list[tuple[str, Any]], list[detutils.AnnotatedImage] | None]:
    """(name, file or array) of each photograph, and what is on them, if known; only so ``few`` for a quick look."""
    limit = report.options.limit or (few if report.quick else None)
    if report.options.images is None:
        from skimage import data

        return [(name, getattr(data, name)()) for name in SHIPPED][:limit], None
    folder = Path(report.options.images)
    if report.options.annotations is None:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
        return [(file.name, file) for file in files[:limit]], None
    records = annotations(folder, Path(report.options.annotations)).images[:limit]
    return [(record.name, picture_file(folder, record.name)) for record in records], records


def rgb(source: Any) -> Array:
    """A photograph as (H, W, 3) uint8."""
    image = detutils.read_image(source) if isinstance(source, Path) else np.asarray(source)
    image = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image
    return np.ascontiguousarray(np.dstack([image] * 3) if image.ndim == 2 else image[..., :3])


# ---- measuring ---------------------------------------------------------------------------------------------


def turns(report: Report, pictures: Sequence[tuple[str, Any]], contenders: dict[str, Maker]) -> dict[str, Outcome]:
    """Run every maker on every image, in an order that turns; one that fails is reported and left out."""
    outcomes = {name: Outcome([], []) for name in contenders}
    warm = rgb(pictures[0][1])[:64, :64].copy()
    for name, maker in list(contenders.items()):
        try:
            maker(warm)
        except Exception as error:
            report.say(f"{name} fails on a 64 x 64 image and is left out: {type(error).__name__}: {error}")
            del contenders[name], outcomes[name]
    one_thread()
    for turn, (picture, source) in enumerate(pictures):
        image = rgb(source)
        names = list(contenders)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            try:
                boxes = contenders[name](image)
            except Exception as error:
                report.say(f"{name} fails on {picture} and is left out: {type(error).__name__}: {error}")
                del contenders[name], outcomes[name]
                continue
            outcomes[name].seconds.append(time.perf_counter() - start)
            outcomes[name].boxes.append(boxes)
    return outcomes


def times(outcomes: dict[str, Outcome]) -> Iterator[tuple[str, float, float, float]]:
    """Median seconds of each maker; median and 10th percentile of its ratio to ours, image by image."""
    ours = np.array(outcomes[OURS].seconds)
    for name, outcome in outcomes.items():
        ratio = np.array(outcome.seconds) / ours
        low = float(np.percentile(ratio, 10))
        yield name, float(np.median(outcome.seconds)), float(np.median(ratio)), low


def run(report: Report) -> None:
    """The tables, and with ``--plots`` the pictures."""
    pictures, truth = photographs(report)
    if not pictures:
        report.say("No photographs were found.")
        return
    report.heading(f"Proposals on {len(pictures)} photographs" + ("" if truth else " without annotations"))
    contenders = makers(slow=not report.quick)
    first = rgb(pictures[0][1])
    again = [contenders[OURS](first) for _ in range(2)]
    report.say(
        "Equality: detutils gives the same boxes in the same order twice."
        if np.array_equal(*again)
        else "NOT EQUAL: detutils gave two answers for one image."
    )
    report.say()
    outcomes = turns(report, pictures, contenders)
    report.table(("method", "boxes an image", "median time", f"time / {OURS}: median", "10th percentile"))
    for name, median, ratio, low in times(outcomes):
        count = np.mean([len(boxes) for boxes in outcomes[name].boxes])
        report.row(name, f"{count:.0f}", in_words(median), f"{ratio:.2f}x", f"{low:.2f}x")
        report.rows.append(
            {
                "family": "proposals",
                "case": name,
                "seconds": median,
                "ratio": ratio,
                "ratio_p10": low,
                "boxes": float(count),
            }
        )
    if truth is not None:
        quality(report, outcomes, truth)
    other_pictures.table(report)


def quality(report: Report, outcomes: dict[str, Outcome], truth: list[detutils.AnnotatedImage]) -> None:
    """How well the objects are covered, by all boxes and by the first ones."""
    report.say()
    report.say("AR: mean recall over IoU .50:.05:.95. R: recall. @: a budget of boxes an image.")
    report.say()
    report.table(("method", "boxes", "R .5", "R .7", "AR", "MABO", "R .5 @100", "@500", "@1000", "AR @100", "@1000"))
    results = {}
    found = {name: outcome.boxes for name, outcome in outcomes.items()}
    if max(len(boxes) for boxes in found[OURS]) > ENOUGH:
        found[f"{OURS}, first {ENOUGH}"] = [boxes[:ENOUGH] for boxes in found[OURS]]
    for name, boxes in found.items():
        result = detutils.proposal_recall(boxes, truth, iou_thresholds=LEVELS, budgets=BUDGETS)
        mabo = detutils.average_best_overlap(boxes, truth).mabo
        results[name] = result
        at = {budget: row for row, budget in enumerate(BUDGETS)}
        recall, average = result.recall, result.average_recall
        cells = [recall[-1, 0], recall[-1, 4], average[-1], mabo]
        cells += [recall[at[budget], 0] for budget in (100, 500, 1000)]
        cells += [average[at[budget]] for budget in (100, 1000)]
        report.row(name, f"{result.boxes[-1]:.0f}", *(f"{cell:.3f}" for cell in cells))
        report.rows.append(
            {
                "family": "proposals",
                "case": name,
                "mabo": mabo,
                "budgets": [None if np.isinf(budget) else int(budget) for budget in result.budgets],
                "boxes": result.boxes.tolist(),
                "recall": recall.tolist(),
                "average_recall": average.tolist(),
            }
        )
    if report.options.plots:
        draw(Path(report.options.plots), results)
        report.say()
        report.say("The curves are in proposals.png.")


def draw(folder: Path, results: dict[str, detutils.ProposalRecall]) -> None:
    """Recall against the number of boxes, average recall against the same, recall against IoU."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(15, 4.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for name, result in results.items():
        if name.endswith(str(ENOUGH)):  # the first part of a curve that is drawn already
            continue
        style = {"linewidth": 2.2 if name.startswith("detutils") else 1.2, "label": name}
        left.plot(result.boxes, result.recall[:, 0], **style)
        middle.plot(result.boxes, result.average_recall, **style)
        right.plot(result.iou_thresholds, result.recall[-1], **style)
    left.set(xlabel="boxes an image", ylabel="recall at IoU 0.5", xscale="log", ylim=(0, 1))
    middle.set(xlabel="boxes an image", ylabel="average recall, IoU 0.5 to 0.95", xscale="log", ylim=(0, 0.8))
    right.set(xlabel="IoU", ylabel="recall, all boxes", xlim=(0.5, 0.95), ylim=(0, 1))
    for ax in (left, middle, right):
        ax.grid(visible=True, alpha=0.3)
    left.legend(loc="upper left")
    figure.savefig(folder / "proposals.png", dpi=110)
