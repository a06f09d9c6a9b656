"""Detections for ``detutils evaluate``: of one results file, of several that belong together, of folders of shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import detutils
from detutils._validate import as_boxes, as_labels, as_vector
from detutils.batches.shards import MANIFEST, read_shards
from detutils.cli.terminal import say
from detutils.datasets.coco_entries import Bad, Known
from detutils.datasets.entries import BadEntries
from detutils.datasets.records import AnnotatedImages, DetectionColumns, DetectionsByImage


def read_results(paths: Sequence[str], dataset: detutils.Dataset, on_invalid: Any) -> DetectionsByImage:
    """The detections of each image in the order of the data set; of an image in several files, one file after another.

    How detections are divided into files changes nothing: matching is done once, on all of an image's detections.
    """
    parts = list(_parts(paths, dataset, on_invalid))
    if len(parts) == 1:
        return parts[0]
    counts = np.array([np.diff(part.columns.starts) for part in parts])
    several = int((np.count_nonzero(counts, axis=0) > 1).sum())
    if several:
        say(f"{several:,} images have detections in several files: all of them count")
    owners = np.concatenate([np.repeat(np.arange(len(dataset.images)), count) for count in counts])
    order = np.argsort(owners, kind="stable")
    boxes, scores, labels, sizes = (np.concatenate([part.columns[k] for part in parts])[order] for k in range(4))
    starts = np.searchsorted(owners[order], np.arange(len(dataset.images) + 1))
    skipped = [one for part in parts for one in part.skipped]
    return DetectionsByImage(DetectionColumns(boxes, scores, labels, sizes, starts), skipped)


def _parts(paths: Sequence[str], dataset: detutils.Dataset, on_invalid: Any) -> Iterator[DetectionsByImage]:
    for path in map(Path, paths):
        files = [path]
        if path.is_dir():
            if (path / MANIFEST).exists():
                yield _of_shards(path, dataset, on_invalid)
                continue
            files = sorted(file for file in path.glob("*.json") if not file.name.startswith("."))
            if not files:
                raise FileNotFoundError(
                    f"{path} holds no results: neither files of COCO's JSON, nor shards with a {MANIFEST}"
                )
        for file in files:
            found: Any = detutils.read_coco_detections(file, dataset, on_invalid=on_invalid)
            yield found


def _of_shards(folder: Path, dataset: detutils.Dataset, on_invalid: Any) -> DetectionsByImage:
    """Records with ``boxes`` (x1, y1, x2, y2), ``scores`` and ``labels``, of images that are known by their path."""
    bad = BadEntries(on_invalid)
    images: Any = dataset.images
    if isinstance(images, AnnotatedImages):
        keys, names = images.ids, images.names
    else:
        keys, names = [image.image_id for image in images], [image.name or "" for image in images]
    known = Known("image", keys, names)
    rows: list[list[Any]] = [[] for _ in images]
    failed = 0
    for record in read_shards(folder):
        if "error" in record:
            failed += 1
            continue
        try:
            place = known.place_of(record["path"])
            boxes = as_boxes(np.array(record["boxes"], np.float64).reshape(-1, 4), "boxes")
            scores = as_vector(record["scores"], "scores", len(boxes))
            labels = as_labels(np.array(record["labels"], np.int64), "labels", len(boxes))
            if labels.size and not 0 <= labels.min() <= labels.max() < len(dataset.class_names):
                raise ValueError(f"labels must be 0 to {len(dataset.class_names) - 1}, the places of the classes")
            rows[place].append((boxes, scores, labels))
        except Bad as error:
            bad.add(folder, record["path"], error.args[0], "unknown image")
        except KeyError as error:
            bad.add(folder, record["path"], f"there are no {error.args[0]}", "record without detections")
        except (TypeError, ValueError) as error:
            bad.add(folder, record["path"], str(error), "record that is wrong")
    skipped = bad.finish()
    if failed:
        say(f"{folder}: {failed:,} images failed there, and have no detections")
    starts = np.concatenate([[0], np.cumsum([sum(len(part[0]) for part in parts) for parts in rows])]).astype(np.int64)
    every = [part for parts in rows for part in parts]
    nothing: Any = (np.empty((0, 4)), np.empty(0), np.empty(0, np.int64))
    boxes, scores, labels = (np.concatenate([nothing[k], *(part[k] for part in every)]) for k in range(3))
    return DetectionsByImage(DetectionColumns(boxes, scores, labels, boxes[:, 2:] - boxes[:, :2], starts), skipped)
