"""The page of ``detutils evaluate --report``: numbers, curves, matrix, errors and pictures in one HTML file."""

from __future__ import annotations

import base64
import html
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import detutils
from detutils._files import replace_file
from detutils.evaluation.precision_recall import PAINTS

PAGE = "report.html"
MOST_CURVES = 12
MOST_CLASSES = 30  # of the matrix
MOST_POINTS = 400  # of a curve: more than its picture has columns
KINDS = {
    "cls": "right place, wrong class",
    "loc": "right class, poor place",
    "both": "wrong class and poor place",
    "dupe": "a second detection of one object",
    "bkg": "nothing is there",
    "miss": "no detection is about this object",
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1, h2 { font-weight: 600 } h2 { margin-top: 2.5rem } pre { background: #f5f5f5; padding: 1rem; overflow-x: auto }
table { border-collapse: collapse } td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left } .wide { overflow-x: auto } svg { max-width: 100%; height: auto }
figure { margin: 1.5rem 0 } img { max-width: 100% } figcaption, .note { color: #555 } .empty { color: #999 }
"""


class Answers(NamedTuple):
    """What the page is about."""

    title: str
    numbers: str
    class_ap: dict[str, float]
    found: Sequence[detutils.Detections]
    dataset: detutils.Dataset
    titles: list[str]
    iou: float


def write_report(folder: Path, answers: Answers, pictures: Path | None, most: int) -> Path:
    """Write the page into the folder, which is made; it needs no other file and no network."""
    folder.mkdir(parents=True, exist_ok=True)
    errors = detutils.detection_errors(answers.found, answers.dataset, iou_threshold=answers.iou,
                                       background_threshold=min(0.1, answers.iou))  # fmt: skip
    best = detutils.best_threshold(answers.found, answers.dataset, iou_threshold=answers.iou)
    floor = best.threshold if math.isfinite(best.threshold) else 0.0
    objects = sum(int(missed.size) for missed in errors.missed)
    parts = [
        f"<h1>{html.escape(answers.title)}</h1>",
        f"<p>{len(answers.dataset.images):,} images, {objects:,} objects, "
        f"{sum(int(kinds.size) for kinds in errors.kinds):,} detections.</p>",
        "" if objects else "<p><strong>There are no objects: there is nothing to measure.</strong></p>",
        f"<h2>Numbers</h2><pre>{html.escape(answers.numbers)}</pre>",
        _table(["class", "AP"], [[name, _number(ap)] for name, ap in answers.class_ap.items()]),
        *_precision_recall(answers),
        *_confidence(best, answers),
        *_matrix(answers, max(floor, 0.0)),
        *_errors(errors, answers.iou),
        *_worst(errors, answers, pictures, most),
    ]
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(answers.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>\n'
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )
    path = folder / PAGE
    replace_file(path, lambda target: target.write(page.encode("utf-8", "replace")))
    return path


def _precision_recall(answers: Answers) -> list[str]:
    voc = detutils.evaluate_voc(answers.found, answers.dataset, iou_threshold=answers.iou)
    rows = sorted(zip(voc.ap.tolist(), voc.labels.tolist(), voc.curves, strict=True), key=lambda row: (row[0], row[1]))
    there = [row for row in rows if not math.isnan(row[0])]
    if not there:
        return []
    lines = {
        f"{answers.titles[label]} ({ap:.3f})": (curve.recall, curve.precision)
        for ap, label, curve in there[:MOST_CURVES]
    }
    few = len(there) > MOST_CURVES
    note = f"<p class=note>The {MOST_CURVES} classes of lowest AP of {len(there)}.</p>" if few else ""
    return [f"<h2>Precision and recall at IoU {answers.iou:g}</h2>", note, _plot(lines, "recall", "precision")]


def _confidence(best: detutils.BestThreshold, answers: Answers) -> list[str]:
    curve = best.curve
    if not curve.thresholds.size or math.isnan(best.f1):
        return []
    lines = {
        "F1": (curve.thresholds, curve.f1),
        "precision": (curve.thresholds, curve.precision),
        "recall": (curve.thresholds, curve.recall),
    }
    columns = best.class_threshold, best.class_f1, best.class_precision, best.class_recall
    rows = [
        [answers.titles[label], *map(_number, values)]
        for label, *values in zip(best.labels.tolist(), *(column.tolist() for column in columns), strict=True)
    ]
    return [
        "<h2>F1 over confidence</h2>",
        f"<p>Best for all classes: scores above {best.threshold:.4g} give an F1 of {best.f1:.3f}.</p>"
        if best.f1 > 0.0
        else "<p>No detection is right.</p>",
        _plot(lines, "confidence", "", mark=best.threshold),
        _table(["class", "best threshold", "F1", "precision", "recall"], rows),
    ]


def _matrix(answers: Answers, floor: float) -> list[str]:
    result = detutils.confusion_matrix(
        answers.found, answers.dataset, iou_threshold=answers.iou, score_threshold=floor, n_classes=len(answers.titles)
    )
    matrix, names = result.matrix, [answers.titles[label] for label in result.labels.tolist()]
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
    chosen = np.sort(np.argsort(-wrong[:-1], kind="stable")[:MOST_CLASSES])
    places = [*chosen.tolist(), len(names)]
    header = ["object \\ detection", *(names[place] for place in places[:-1]), "missed"]
    rows = []
    for place in places:
        total = max(int(matrix[place].sum()), 1)
        cells = [(str(count) if count else "", count / total) for count in matrix[place, places].tolist()]
        rows.append([names[place] if place < len(names) else "nothing there", *cells])
    few = f" The {MOST_CLASSES} classes with most confusions." if len(names) > MOST_CLASSES else ""
    return [
        "<h2>Confusion matrix</h2>",
        f"<p class=note>Rows are objects, columns what was detected; IoU of at least {answers.iou:g}, "
        f"scores above {floor:.4g}.{few}</p>",
        _table(header, rows),
    ]


def _errors(errors: detutils.DetectionErrors, iou: float) -> list[str]:
    rows = [
        [kind, meaning, str(count), _number(getattr(errors, kind))]
        for (kind, meaning), count in zip(KINDS.items(), errors.counts.tolist(), strict=True)
    ]
    rows += [
        ["false positives", "all wrong detections", str(int(errors.counts[:5].sum())), _number(errors.false_positives)],
        ["false negatives", "all missed objects", str(sum(int(m.sum()) for m in errors.missed)),
         _number(errors.false_negatives)],
    ]  # fmt: skip
    return [
        "<h2>Errors</h2>",
        f"<p class=note>After TIDE (Bolya et al. 2020), at IoU {iou:g}: dAP is how much the AP of {_number(errors.ap)} "
        "would rise if the errors of one kind were mended.</p>",
        _table(["kind", "", "count", "dAP"], rows),
    ]


def _worst(errors: detutils.DetectionErrors, answers: Answers, pictures: Path | None, most: int) -> list[str]:
    """The images with most errors; those of a wrong detection count by its score, so that sure ones lead."""
    weights = np.array(
        [
            float(one.scores[(kinds > 0) & (kinds <= 5)].clip(0.0, 1.0).sum()) + int(missed.sum())
            for one, kinds, missed in zip(answers.found, errors.kinds, errors.missed, strict=True)
        ]
    )
    worst = [i for i in np.argsort(-weights, kind="stable").tolist() if weights[i] > 0.0][:most]
    if not worst:
        return []
    figures = []
    for i in worst:
        image, kinds = answers.dataset.images[i], errors.kinds[i]
        name = html.escape(image.name or f"image {image.image_id}")
        wrong = int(((kinds > 0) & (kinds <= 5)).sum())
        text = f"{name}: {wrong} wrong, {int(errors.missed[i].sum())} missed"
        if pictures is None:
            figures.append(f"<li>{text}</li>")
            continue
        try:
            drawn = detutils.draw_errors(
                detutils.read_image(_inside(pictures, image.name)), errors, i, answers.found, answers.dataset,
                names=answers.titles,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            figures.append(f"<figure><figcaption>{text}; {html.escape(str(error))}</figcaption></figure>")
            continue
        figures.append(f'<figure><img src="{_data_uri(drawn)}" alt="{name}"><figcaption>{text}</figcaption></figure>')
    listed = "".join(figures)
    return ["<h2>Worst images</h2>", f"<ol>{listed}</ol>" if pictures is None else listed]


def _inside(folder: Path, name: str) -> Path:
    """The file of that name in the folder; a name from a stranger's file must not lead out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{name} is outside of {folder}")
    return path


def _data_uri(picture: Any) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        detutils.write_image(path, picture, quality=85)
        return f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _number(value: float) -> str:
    return "no objects" if math.isnan(value) or value == -1.0 else f"{value:.3f}"


def _table(header: list[str], rows: list[list[Any]]) -> str:
    """Cells are texts, or pairs of a text and the share of color behind it."""

    def cell(value: Any) -> str:
        text, share = value if isinstance(value, tuple) else (value, 0.0)
        style = f' style="background: rgba(0, 114, 178, {0.65 * share:.3f})"' if share else ""
        return f"<td{style}>{html.escape(text)}</td>"

    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = "\n".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<div class=wide><table><tr>{head}</tr>\n{body}</table></div>"


def _plot(lines: dict[str, Any], across: str, up: str, mark: float | None = None) -> str:
    """Curves as SVG; y from 0 to 1, x from 0 to 1 or over what there is."""
    every = np.concatenate([xs for xs, _ in lines.values()])
    low, high = min(0.0, float(every.min(initial=0.0))), max(1.0, float(every.max(initial=0.0)))
    left, top, width, height = 50, 15, 560, 320

    def place(x: float, y: float) -> str:
        return f"{left + width * (x - low) / (high - low):.1f},{top + height * (1 - y):.1f}"

    parts = ['<svg viewBox="0 0 860 385" width="860" role="img" font-size="13" fill="#333">']
    for k in range(6):
        x, y = left + width * k / 5, top + height * k / 5
        parts.append(f'<path d="M{left},{y:.1f}h{width}M{x:.1f},{top}v{height}" stroke="#ddd"/>')
        value = f"{low + (high - low) * k / 5:.3g}"
        parts.append(f'<text x="{x:.1f}" y="{top + height + 18}" text-anchor="middle">{value}</text>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{1 - k / 5:.1f}</text>')
    for k, (name, (xs, ys)) in enumerate(lines.items()):
        step = max(len(xs) // MOST_POINTS, 1)
        rows = [*range(0, len(xs), step), *([len(xs) - 1] if len(xs) else [])]
        points = " ".join(place(float(xs[i]), float(ys[i])) for i in rows if math.isfinite(ys[i]))
        paint, dash = PAINTS[k % len(PAINTS)], ' stroke-dasharray="6 3"' if k >= len(PAINTS) else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{paint}" stroke-width="2"{dash}/>')
        y = top + 12 + 20 * k
        parts.append(f'<path d="M{left + width + 15},{y - 4}h20" stroke="{paint}" stroke-width="2"{dash}/>')
        parts.append(f'<text x="{left + width + 42}" y="{y}">{html.escape(name)}</text>')
    if mark is not None and math.isfinite(mark):
        parts.append(f'<polyline points="{place(mark, 0)} {place(mark, 1)}" stroke="#777" stroke-dasharray="4 4"/>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 38}" text-anchor="middle">{across}</text>')
    parts.append(f'<text x="14" y="{top + height / 2}" text-anchor="middle" '
                 f'transform="rotate(-90 14 {top + height / 2})">{up}</text></svg>')  # fmt: skip
    return "".join(parts)
