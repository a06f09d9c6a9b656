"""Regressor, features, model and training."""

from __future__ import annotations

from typing import Any

import numpy as np

import detutils as d
from tests.hostile.goods import (
    BOXES,
    DATASET,
    FEATURES,
    IMAGE,
    LABELS,
    NONE,
    OFFSET,
    OTHERS,
    PICTURE,
    PIXELS,
    SIZE,
    A,
    Add,
    fitted_regressor,
    small_model,
)
from tests.hostile.kinds import few_numbers, flag, integer, labels, marks, names, nothing, number, numbers, path


def _regressor(**options: Any) -> Any:
    return d.BoxRegressor(**options).fit(FEATURES, BOXES, OTHERS).predict(FEATURES, BOXES)


def _features(**arguments: Any) -> Any:
    return d.train_rcnn(DATASET, [PICTURE], features=[arguments["features"]], proposals=[arguments["proposals"]])


def fill(add: Add) -> None:
    add(
        "BoxRegressor",
        _regressor,
        slow=True,
        alpha=A(10.0, number),
        min_iou=A(0.5, number),
        whiten=A(True, flag),
        trim=A(0.0, number),
        feature_norm=A(20.0, number, optional=True),
        clamp=A(4.0, number, optional=True),
        **OFFSET,
    )
    for name in ("fit", "partial_fit"):
        add(
            f"BoxRegressor.{name}",
            lambda name=name, **v: getattr(d.BoxRegressor(1.0), name)(**v),
            slow=True,
            features=A(FEATURES, numbers),
            proposals=A(BOXES, numbers, "proposal"),
            boxes=A(OTHERS, numbers),
            labels=A(LABELS[:3], labels, optional=True),
        )
    add(
        "BoxRegressor.predict",
        fitted_regressor(True).predict,
        features=A(FEATURES, numbers),
        proposals=A(BOXES, numbers),
        labels=A(LABELS, labels),
    )
    add("BoxRegressor.save", lambda path: fitted_regressor().save(path), path=A("r.npz", path))
    add("BoxRegressor.load", d.BoxRegressor.load, path=A("regressor.npz", path))
    add(
        "box_features",
        d.box_features,
        image=PIXELS,
        boxes=A(OTHERS, numbers),
        size=A(16, integer),
        cell=A(8, integer),
        context=A(1.25, number),
    )
    add("crop_boxes", d.crop_boxes, image=PIXELS, boxes=A(OTHERS, numbers), size=A(8, integer), context=A(1.25, number))
    add(
        "RCNN",
        lambda **v: d.RCNN(**v).detect_features(FEATURES, BOXES),
        class_names=A(["a", "b"], names),
        weights=A(np.arange(10.0).reshape(5, 2), numbers),
        regressor=A(None, nothing, optional=True),
        features=A(None, nothing, optional=True, called=True),
        proposals=A(None, nothing, optional=True, called=True),
    )
    add(
        "RCNN.propose",
        lambda found: small_model(proposals=lambda image: found).propose(PICTURE),
        found=A(BOXES, numbers, "proposals"),
    )
    add("RCNN.propose, image", small_model(proposals=lambda image: BOXES).propose, image=PIXELS)
    add(
        "RCNN.describe",
        lambda rows: small_model(features=lambda image, boxes: rows).describe(PICTURE, BOXES),
        rows=A(FEATURES, numbers, "features", "dtype"),
    )
    add(
        "RCNN.describe, boxes",
        small_model(features=lambda image, boxes: FEATURES).describe,
        image=PIXELS,
        boxes=A(BOXES, numbers),
    )
    limits = {
        "score_threshold": A(-1.0, number),
        "iou_threshold": A(0.5, number),
        "max_output": A(3, integer, optional=True),
        "regress": A(False, flag),
    }
    own = small_model(features=lambda image, boxes: FEATURES[: len(boxes)], proposals=lambda image: BOXES)
    add("RCNN.detect", own.detect, image=PIXELS, **limits)
    add(
        "RCNN.detect_features",
        own.detect_features,
        features=A(FEATURES, numbers),
        proposals=A(BOXES, numbers),
        image_size=A(SIZE, few_numbers, optional=True),
        **limits,
    )
    add("RCNN.save", lambda path: small_model().save(path), path=A("m.npz", path))
    add(
        "RCNN.load",
        d.RCNN.load,
        path=A("model.npz", path),
        features=A(None, nothing, optional=True, called=True),
        proposals=A(None, nothing, optional=True, called=True),
    )
    training = {
        "cache": A(None, path, optional=True),
        "alpha": A(1.0, number),
        "regressor": A(None, nothing, optional=True),
        "positive_iou": A(0.75, number),
        "negative_iou": A(0.25, number),
        "jitter": A(0, integer),
        "negatives": A(2, integer),
        "rounds": A(1, integer),
        "memory": A(2**24, integer),
        "seed": A(1, integer),
        "progress": A(None, nothing, optional=True, called=True),
    }
    given = {"features": [np.vstack([FEATURES, FEATURES[:3]])], "proposals": [np.vstack([BOXES, OTHERS])]}
    add(
        "train_rcnn",
        lambda **v: d.train_rcnn(**{"dataset": DATASET, "images": [PICTURE], **given, **v}),
        slow=True,
        **training,
        dataset=A(DATASET, nothing),
    )
    add(
        "train_rcnn, callables",
        lambda **v: d.train_rcnn(
            DATASET,
            [PICTURE],
            jitter=0,
            **{"features": lambda image, boxes: np.ones((len(boxes), 4)), "proposals": lambda image: BOXES, **v},
        ),
        slow=True,
        features=A(None, nothing, optional=True, called=True),
        proposals=A(None, nothing, optional=True, called=True, taken="[[]]"),
    )
    add(
        "train_rcnn, images",
        lambda images: d.train_rcnn(
            DATASET,
            images,
            jitter=0,
            features=lambda image, boxes: np.ones((len(boxes), 4)),
            proposals=lambda image: BOXES,
        ),
        slow=True,
        images=A([PICTURE], nothing),
    )
    add(
        "train_rcnn, features",
        _features,
        slow=True,
        features=A(given["features"][0], numbers),
        proposals=A(given["proposals"][0], numbers),
    )
    add(
        "train_rcnn, boxes",
        lambda **v: d.train_rcnn(DATASET._replace(images=[IMAGE._replace(**v)]), [PICTURE], **given),
        slow=True,
        boxes=A(OTHERS, numbers),
        labels=A(LABELS[:3], labels, "label"),
    )
    add(
        "train_rcnn, flags",
        lambda **v: d.train_rcnn(DATASET._replace(images=[IMAGE._replace(**v)]), [PICTURE], **given),
        slow=True,
        difficult=A(NONE, marks),
        crowd=A(NONE, marks),
    )
