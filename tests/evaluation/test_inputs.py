"""Arrays joined at once give the columns, and the refusals, of arrays taken image by image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import detutils
from detutils.evaluation import inputs


def one(n: int, dtype: Any = np.float64, label: Any = np.int64) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(n)
    corner = rng.integers(0, 50, (n, 2)).astype(dtype)
    return np.hstack([corner, corner + 8]), rng.random(n).astype(dtype), rng.integers(0, 3, n).astype(label)


def as_dict(n: int, **more: Any) -> dict[str, Any]:
    boxes, scores, labels = one(n)
    return {"boxes": boxes, "scores": scores, "labels": labels, **more}


FLAGS = np.array([True, False, False])
SIDES = np.full((3, 2), 8.0)
IMAGES: dict[str, list[Any]] = {
    "tuples": [one(3), one(0), one(5)],
    "floats of two kinds": [one(3, np.float32), one(2)],
    "small labels": [one(3, label=np.uint8), one(2, label=np.int32)],
    "empty lists": [([], [], []), one(2)],
    "nothing": [],
    "only empty": [([], [], [])],
    "dicts": [as_dict(3), as_dict(0)],
    "flags": [as_dict(3, difficult=FLAGS, iscrowd=~FLAGS, area=np.arange(3.0), sizes=SIDES)],
    "flags by their other names": [as_dict(3, crowd=FLAGS, iscrowd=~FLAGS, areas=np.ones(3), area=np.arange(3.0))],
    "areas of some": [as_dict(3, areas=np.ones(3)), as_dict(2)],
    "flags as integers": [as_dict(3, crowd=FLAGS.astype(int))],
    "records": [detutils.Detections(*one(3)), detutils.Detections(*one(3), sizes=SIDES)],
    "all with sizes": [detutils.Detections(*one(3), sizes=SIDES)] * 2,
    "lists": [tuple(part.tolist() for part in one(3))],
    "labels as floats": [(*one(3)[:2], np.array([0.0, 1.0, 2.0]))],
    "large labels": [(*one(1)[:2], np.array([2**63], np.uint64))],
    "strided": [tuple(part[::2] for part in one(4)), tuple(np.asfortranarray(part) for part in one(2))],
    "big-endian": [tuple(part.astype(part.dtype.newbyteorder(">")) for part in one(3))],
    "NaN": [one(2), (np.full((1, 4), np.nan), np.ones(1), np.zeros(1, int))],
    "turned around": [one(2), (-one(3)[0], *one(3)[1:])],
    "score not finite": [one(2), (one(1)[0], np.array([np.inf]), one(1)[2])],
    "scores too many": [(one(2)[0], one(3)[1], one(2)[2])],
    "counts that cancel": [(one(2)[0], one(3)[1], one(2)[2]), (one(3)[0], one(2)[1], one(3)[2])],
    "labels too few": [one(2), (*one(3)[:2], one(2)[2])],
    "labels of parts": [(*one(2)[:2], np.array([0.5, 1]))],
    "flat boxes": [(np.arange(4.0), np.ones(1), np.zeros(1, int))],
    "five columns": [(np.zeros((1, 5)), np.ones(1), np.zeros(1, int))],
    "columns of scores": [(one(2)[0], np.ones((2, 1)), one(2)[2])],
    "a number": [(one(1)[0], np.float64(3), one(1)[2])],
    "0-d": [(one(1)[0], np.array(3.0), one(1)[2])],
    "masked": [(one(1)[0], np.ma.masked_array([1.0]), one(1)[2])],
    "None": [None, one(1)],
    "no labels": [{"boxes": one(1)[0], "scores": one(1)[1]}],
    "sizes of others": [as_dict(3, sizes=SIDES + 1)],
    "too few flags": [as_dict(3, crowd=FLAGS[:2])],
    "flags of 2": [as_dict(3, crowd=np.array([0, 1, 2]))],
    "negative area": [as_dict(3, areas=-np.ones(3))],
    "areas not finite": [as_dict(3, areas=np.full(3, np.nan))],
    "complex": [(one(1)[0], one(1)[1] + 1j, one(1)[2])],
    "boolean labels": [(*one(1)[:2], np.array([True]))],
}


@pytest.mark.parametrize("name", IMAGES)
def test_both_ways_are_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = IMAGES[name]
    truth = [(item[0], item[2]) if type(item) is tuple else item for item in found]

    def every() -> list[Any]:
        outcomes: list[Any] = []
        for call in (lambda: inputs.gather_detections(found, len(found)), lambda: inputs.gather_objects(truth)):
            try:
                columns = call()
            except (TypeError, ValueError) as error:
                outcomes.append((type(error), str(error)))
            else:
                outcomes.append([(c.dtype, c.shape, c.flags.c_contiguous, c.tobytes()) for c in columns])
        return outcomes

    quick = every()
    monkeypatch.setattr(inputs, "_quick_detections", lambda items: None)
    monkeypatch.setattr(inputs, "_quick_objects", lambda items: None)
    assert quick == every()


def test_the_quick_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "_part", None)
    for name in ("tuples", "floats of two kinds", "small labels", "empty lists", "dicts", "flags", "all with sizes"):
        assert inputs.gather_detections(IMAGES[name], len(IMAGES[name])).starts.size == len(IMAGES[name]) + 1
    assert inputs.gather_objects(IMAGES["flags"]).crowd.tolist() == [False, True, True]


@pytest.mark.parametrize("part", ["boxes", "scores", "labels", "sizes"])
@pytest.mark.parametrize(
    "value",
    [
        range(10**30),
        np.broadcast_to(0.0, (2**33, 4)),
        np.broadcast_to(0.0, 2**36),
        type("Odd", (), {"__len__": lambda self: 1 // 0})(),
    ],
    ids=["absurd range", "endless rows", "endless vector", "odd"],
)
def test_what_cannot_be_joined_is_refused_by_its_image(part: str, value: object) -> None:
    good = {"boxes": np.zeros((1, 4)), "scores": np.zeros(1), "labels": np.zeros(1, int), "sizes": np.zeros((1, 2))}
    objects = [(np.zeros((1, 4)), np.zeros(1, int))] * 2
    with pytest.raises((TypeError, ValueError, MemoryError), match=rf"detections\[1\] {part}"):
        detutils.evaluate_voc([good, {**good, part: value}], objects)
