"""Coding of rotated boxes: its law, its definition, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest

import detutils

ANGLES = ("ccw-deg", "cw-deg", "ccw-rad", "cw-rad")


def some(rng: np.random.Generator, n: int, angle: str) -> np.ndarray:
    turn = 400.0 if angle.endswith("deg") else 7.0
    sides = np.exp(rng.uniform(-2, 4, (2, n)))
    return np.stack([*rng.uniform(-50, 90, (2, n)), *sides, rng.uniform(-turn, turn, n)], 1)


def definition(box, anchor, weights, angle):
    """Word for word: RRPN's equation 1 with weights, the turn in radians."""
    x, y, w, h, a = box
    xa, ya, wide, high, turned = anchor
    turn = a - turned if angle.endswith("rad") else math.radians(a - turned)
    turn = (turn + math.pi) % (2 * math.pi) - math.pi
    plain = ((x - xa) / wide, (y - ya) / high, math.log(w / wide), math.log(h / high), turn)
    return [factor * delta for factor, delta in zip(weights, plain, strict=True)]


@pytest.mark.parametrize("weights", [(1, 1, 1, 1, 1), (10, 10, 5, 5, 10)])
@pytest.mark.parametrize("angle", ANGLES)
def test_the_law_and_the_definition(angle: str, weights) -> None:
    rng = np.random.default_rng(1)
    boxes, anchors = some(rng, 200, angle), some(rng, 200, angle)
    options = {"weights": weights, "angle": angle}
    deltas = detutils.encode_rotated_boxes(boxes, anchors, **options)
    expected = [definition(*pair, weights, angle) for pair in zip(boxes.tolist(), anchors.tolist(), strict=True)]
    assert deltas == pytest.approx(np.array(expected), abs=1e-9)
    back = detutils.decode_rotated_boxes(deltas, anchors, clamp=None, **options)
    assert back[:, :4] == pytest.approx(boxes[:, :4], rel=1e-12, abs=1e-12)
    half = 180.0 if angle.endswith("deg") else math.pi
    turns = (back[:, 4] - boxes[:, 4]) / (2 * half)
    assert turns == pytest.approx(np.rint(turns), abs=1e-12)
    assert ((back[:, 4] >= -half) & (back[:, 4] < half)).all()
    assert np.array_equal(detutils.encode_rotated_boxes(anchors, anchors, **options), np.zeros((200, 5)))
    short = detutils.encode_rotated_boxes(boxes.astype("f4"), anchors.astype("f4"), **options)
    assert short.dtype == np.float32
    assert detutils.decode_rotated_boxes(short, anchors.astype("f4"), **options).dtype == np.float32


def test_sides_grow_no_further_than_the_clamp() -> None:
    anchor = [[0.0, 0, 2, 3, 10]]
    assert detutils.decode_rotated_boxes([[0, 0, 9, 9, 0]], anchor)[0, 2:4] == pytest.approx([125.0, 187.5])
    assert detutils.decode_rotated_boxes([[0, 0, 9, -9, 0]], anchor, clamp=None)[0, 2] == 2 * math.exp(9)


def test_bad_rows() -> None:
    box, thin = [[0.0, 0, 2, 3, 10]], [[0.0, 0, 0, 3, 10]]
    with pytest.raises(ValueError, match=r"boxes\[0\] has no width or no height and cannot be encoded"):
        detutils.encode_rotated_boxes(thin, box)
    with pytest.raises(ValueError, match=r"anchors\[0\] has no width"):
        detutils.encode_rotated_boxes(box, thin)
    with pytest.raises(ValueError, match=r"anchors\[0\] has a negative width"):
        detutils.encode_rotated_boxes(box, [[0, 0, -1, 3, 0]])
    with pytest.raises(ValueError, match="same length, got 1 and 2"):
        detutils.encode_rotated_boxes(box, box * 2)
    with pytest.raises(ValueError, match="too far from"):
        detutils.encode_rotated_boxes([[1e150, 0, 1, 1, 0]], [[0, 0, 1e-300, 1, 0]])
    with pytest.raises(ValueError, match=r"deltas\[0, 1\] is not finite"):
        detutils.decode_rotated_boxes([[0, np.nan, 0, 0, 0]], box)
    with pytest.raises(ValueError, match=r"anchors\[0\] is not finite"):
        detutils.decode_rotated_boxes([[0, 0, 0, 0, 0]], [[0, 0, 1, 1, np.inf]])
    with pytest.raises(ValueError, match=r"deltas must have shape \(1, 5\)"):
        detutils.decode_rotated_boxes([[0, 0, 0, 0]], box)
    with pytest.raises(ValueError, match=r"deltas\[0\] move anchors\[0\]"):
        detutils.decode_rotated_boxes([[0, 0, 1000, 0, 0]], box, clamp=None)
    with pytest.raises(ValueError, match="five numbers"):
        detutils.decode_rotated_boxes([[0, 0, 0, 0, 0]], box, weights=(1, 1, 1, 1))
    with pytest.raises(ValueError, match="angle must be"):
        detutils.encode_rotated_boxes(box, box, angle="degrees")
    moves = np.zeros((4, 5))
    moves[1, 2], moves[2] = np.nan, 1e308
    kept = detutils.decode_rotated_boxes(moves, [*(box * 3), [0, 0, -1, 1, 0]], on_invalid="drop", clamp=None)
    assert kept.tolist() == box


def test_nothing_gives_nothing() -> None:
    assert detutils.encode_rotated_boxes([], []).shape == (0, 5)
    assert detutils.decode_rotated_boxes(np.empty((0, 5)), []).shape == (0, 5)
