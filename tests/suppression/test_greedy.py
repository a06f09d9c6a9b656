"""NMS equals its definition, order included, however the numbers come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from detutils import batched_nms, explain_nms, nms
from detutils.suppression import explain, greedy, plan
from tests.cases import (
    BAD_BOXES,
    BAD_LABELS,
    BAD_OFFSETS,
    BAD_SCORES,
    BAD_THRESHOLDS,
    GOOD_FORMS,
    each,
    random_boxes,
    size,
    unchanged,
    whole_boxes,
    whole_scores,
)
from tests.suppression import definition as naive

TWO = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.0]])
THRESHOLDS = [0.0, 0.3, 0.5, 0.7, 1.0]


class Way:
    """``nms``, ``batched_nms`` and ``explain_nms`` by one way at every size."""

    def __init__(self, name: str) -> None:
        self.plan = plan.only(name)

    def rule(
        self, iou_threshold=0.5, *, score_threshold=None, max_output=None, offset=0, on_invalid="raise", metric="iou",
        max_candidates=None,
    ):  # fmt: skip
        return plan.as_rule(
            iou_threshold, score_threshold, max_output, offset, on_invalid, metric, max_candidates
        )

    def nms(self, boxes, scores, *threshold, **options):
        return greedy.suppress(boxes, scores, self.rule(*threshold, **options), self.plan)

    def batched_nms(self, boxes, scores, labels, *threshold, **options):
        return greedy.suppress_by_label(boxes, scores, labels, self.rule(*threshold, **options), self.plan)

    def explain_nms(self, boxes, scores, *threshold, labels=None, **options):
        rule = plan.Rule(*self.rule(*threshold, **options))
        return explain.suppress_and_explain(boxes, scores, labels, rule, self.plan)


@pytest.fixture(params=["select", "list", "grid", "sweep"])
def way(request: pytest.FixtureRequest) -> Way:
    return Way(request.param)


def lists(boxes: np.ndarray, scores: np.ndarray) -> tuple[list[list[float]], list[float]]:
    return boxes.astype(np.float64).tolist(), scores.astype(np.float64).tolist()


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_the_definition(way: Way, dtype: type, threshold: float, offset: int) -> None:
    for seed, n in enumerate([0, 1, 2, 3, 10, 17, 33, size(150, 40), size(400, 50)]):
        rng = np.random.default_rng(seed)
        boxes = random_boxes(n, seed).astype(dtype)
        scores = rng.choice([rng.random(n), rng.integers(-2, 3, n) / 2]).astype(dtype)
        found = unchanged(way.nms, boxes, scores, iou_threshold=threshold, offset=offset)
        assert found.dtype == np.int64
        assert found.tolist() == naive.nms(*lists(boxes, scores), threshold, offset=offset), f"seed {seed}"


@pytest.mark.parametrize("metric", ["ios", "ioa"])
@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_the_definition_by_other_metrics(way: Way, dtype: type, offset: int, metric: str) -> None:
    for seed, n in enumerate([0, 1, 2, 10, 33, size(100, 30), size(180, 40)]):
        rng = np.random.default_rng(seed)
        boxes = random_boxes(n, seed).astype(dtype)
        scores = rng.choice([rng.random(n), rng.integers(-2, 3, n) / 2]).astype(dtype)
        labels = rng.integers(0, 3, n)
        for threshold in THRESHOLDS:
            rule = {"offset": offset, "metric": metric}
            options = {"iou_threshold": threshold, **rule}
            found = unchanged(way.nms, boxes, scores, **options)
            assert found.tolist() == naive.nms(*lists(boxes, scores), **options), f"seed {seed}"
            found = unchanged(way.batched_nms, boxes, scores, labels, **options)
            wanted = naive.batched_nms(*lists(boxes, scores), labels.tolist(), **options)
            assert found.tolist() == wanted, f"seed {seed}"
            if way.plan.way != "sweep":
                reasons = way.explain_nms(boxes, scores, labels=labels, **options)
                wanted = naive.explain_nms(*lists(boxes, scores), threshold, labels=labels.tolist(), **rule)
                assert tuple(part.tolist() for part in reasons) == wanted, f"seed {seed}"


def test_what_the_metrics_are_of(way: Way) -> None:
    """A box within another is covered wholly: by ios whichever is better, by ioa if it is the weaker."""
    boxes = np.array([[0, 0, 10, 10], [2, 2, 6, 6], [3, 3, 3, 9]], float)
    for scores, ios, ioa in (([3, 2, 1], [0, 2], [0, 2]), ([2, 3, 1], [1, 2], [1, 0, 2])):
        assert len(way.nms(boxes, scores, 0.5)) == 3
        assert way.nms(boxes, scores, 0.99, metric="ios").tolist() == ios
        assert way.nms(boxes, scores, 0.99, metric="ioa").tolist() == ioa
        assert len(way.nms(boxes, scores, 1.0, metric="ios")) == 3  # covered wholly is not more than that
        assert len(way.nms(boxes, scores, 1.0, metric="ioa")) == 3
    assert way.nms(boxes, [2, 3, 1], 0.15, metric="ioa").tolist() == [1, 2]  # 16 of 100
    assert way.nms(boxes, [2, 3, 1], 0.16, metric="ioa").tolist() == [1, 0, 2]


@pytest.mark.parametrize("most", [0, 1, 7, 39, 40, 41])
def test_the_best_candidates_only(way: Way, most: int) -> None:
    boxes, labels = random_boxes(40, 5, spread=30), np.arange(40) % 3
    scores = np.round(np.linspace(0, 1, 40), 1)[::-1].copy()
    for floor in (None, 0.3):
        for metric in naive.METRICS:
            options = {"max_candidates": most, "score_threshold": floor, "metric": metric}
            wanted = naive.nms(*lists(boxes, scores), 0.3, **options)
            assert way.nms(boxes, scores, 0.3, **options).tolist() == wanted
            wanted = naive.batched_nms(*lists(boxes, scores), labels.tolist(), 0.3, **options)
            assert way.batched_nms(boxes, scores, labels, 0.3, **options).tolist() == wanted
            if way.plan.way != "sweep":
                found = way.explain_nms(boxes, scores, 0.3, labels=labels, **options)
                wanted = naive.explain_nms(*lists(boxes, scores), 0.3, labels=labels.tolist(), **options)
                assert tuple(part.tolist() for part in found) == wanted
    bad = boxes.copy()
    bad[39, 2] = np.nan
    with pytest.raises(ValueError, match=r"boxes\[39\] is not finite"):  # judged, though it may not take part
        way.nms(bad, scores, max_candidates=most)
    dropped = way.nms(bad, scores, 0.3, max_candidates=most, on_invalid="drop")
    assert dropped.tolist() == naive.nms(*lists(boxes[:39], scores[:39]), 0.3, max_candidates=most)


@pytest.mark.parametrize("falling", [True, False])
def test_a_chain_of_any_length(way: Way, falling: bool) -> None:
    n = size(700, 120)  # each suppresses the next unless the one before suppresses it; the sweep gives up on 700
    left = 4.0 * np.arange(n)
    boxes = np.stack([left, 0 * left, left + 10, 0 * left + 10], axis=1)
    scores = np.arange(n)[:: -1 if falling else 1] / n
    kept = np.arange(n)[::2] if falling else np.arange(n)[::-2]
    assert way.nms(boxes, scores, 0.4).tolist() == kept.tolist()


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classes_are_compared(way: Way, dtype: type, threshold: float) -> None:
    for seed, n in enumerate([0, 1, 5, size(300, 60)]):
        rng = np.random.default_rng(seed)
        boxes, scores = (
            random_boxes(n, seed, spread=50).astype(dtype),
            np.round(rng.random(n), 1).astype(dtype),
        )
        for labels in (rng.integers(-3, 4, n), rng.choice([-(2**63), 0, 2**63 - 1], n), np.zeros(n, np.int8)):
            found = unchanged(way.batched_nms, boxes, scores, labels, iou_threshold=threshold)
            wanted = naive.batched_nms(*lists(boxes, scores), labels.tolist(), threshold)
            assert found.tolist() == wanted, f"seed {seed}"


def test_one_class_is_nms_and_all_classes_are_a_sort() -> None:
    boxes, scores = random_boxes(60, 3), whole_scores(60, 3)
    np.testing.assert_array_equal(batched_nms(boxes, scores, np.full(60, 7)), nms(boxes, scores))
    np.testing.assert_array_equal(
        batched_nms(boxes, scores, np.arange(60)), np.argsort(-scores, kind="stable")
    )


@pytest.mark.parametrize("scale", [1e-30, 1e-9, 1e9, 1e18, 1e140])
def test_any_scale(way: Way, scale: float) -> None:
    boxes, scores = random_boxes(size(200, 40), 1), whole_scores(size(200, 40), 1)
    for threshold in (0.0, 0.4, 0.7):
        assert way.nms(boxes * scale, scores, threshold).tolist() == naive.nms(
            *lists(boxes * scale, scores), threshold
        )
    if scale < 1e30:
        small = (boxes * scale).astype(np.float32)
        assert way.nms(small, scores, 0.5).tolist() == naive.nms(*lists(small, scores), 0.5)


@pytest.mark.parametrize("shift", [-1e5, 0.1, 1e5, 1e12])
def test_far_from_the_origin(way: Way, shift: float) -> None:
    boxes, scores = random_boxes(size(200, 40), 2) + shift, whole_scores(size(200, 40), 2)
    for offset in (0, 1):
        wanted = naive.nms(*lists(boxes, scores), 0.5, offset=offset)
        assert way.nms(boxes, scores, offset=offset).tolist() == wanted


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("column", range(4))
def test_one_coordinate_that_float32_cannot_hold(way: Way, column: int, offset: int) -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10.0]])
    boxes[1, column] = 4 - 1e-9 if column < 2 else 6 + 1e-9  # IoU 0.6000000001; 0.60000002 or more in float32
    boxes[:, 2:] -= offset
    assert way.nms(boxes, [2, 1], 0.60000001, offset=offset).tolist() == [0, 1]
    assert way.nms(boxes, [2, 1], 0.6, offset=offset).tolist() == [0]


def test_huge_and_tiny_together(way: Way) -> None:
    tiny = [[0, 0, 1e-30, 1e-30], [0, 0, 1e-30, 0.9e-30], [-1e-40, 0, 1, 1], [0, 0, 1, 1]]
    boxes = np.array([[-1e150, -1e150, 1e150, 1e150], [-1e150, -1e150, 1e150, 0.9e150], *tiny, *tiny])
    scores = np.arange(len(boxes))
    for threshold in (0.0, 0.5, 0.95):
        assert way.nms(boxes, scores, threshold).tolist() == naive.nms(*lists(boxes, scores), threshold)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equality_keeps(way: Way, dtype: type) -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 6]], dtype)  # IoU 0.6, which float32 rounds up
    scores = np.array([2, 1], dtype)
    assert way.nms(boxes, scores, 0.6).tolist() == [0, 1]
    assert way.nms(boxes, scores, np.nextafter(0.6, 0)).tolist() == [0]
    assert way.nms(boxes, scores, 1.0).tolist() == [0, 1]
    assert way.nms(boxes, scores, 0.0).tolist() == [0]


def test_ties_go_to_the_lower_index(way: Way) -> None:
    boxes = np.tile([0.0, 0.0, 5.0, 5.0], (40, 1))
    assert way.nms(boxes, np.ones(40)).tolist() == [0]
    assert way.nms(boxes, np.ones(40), 1.0).tolist() == list(range(40))
    zeros = np.where(np.arange(40) % 2, 0.0, -0.0)
    assert way.nms(boxes, zeros, 1.0).tolist() == list(range(40))
    assert way.nms(boxes.astype(np.float32), zeros.astype(np.float32), 1.0).tolist() == list(range(40))


def test_boxes_without_area_neither_suppress_nor_are_suppressed(way: Way) -> None:
    boxes = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 2, 2], [0, 1, 2, 1]], float)
    assert way.nms(boxes, [4, 3, 2, 1], 0.0).tolist() == [0, 1, 2, 3]
    assert way.nms(boxes, [4, 3, 2, 1], 0.2, offset=1).tolist() == [0, 2]  # as pixels they have area


def test_scores_that_float32_cannot_tell_apart(way: Way) -> None:
    scores = 0.5 + np.random.default_rng(0).permutation(50) * 1e-12
    assert way.nms(random_boxes(50, 0), scores, 1.0).tolist() == np.argsort(-scores).tolist()


def test_scores_beyond_float32(way: Way) -> None:
    boxes = random_boxes(12, 0)
    scores = np.array([1e300, -1e300, 1e-310, 0.0, -1e-310, 1.7e308, -1.7e308, 2e300, -0.0, 1e-50, 3e38, 4e38])
    assert way.nms(boxes, scores, 1.0).tolist() == sorted(range(12), key=lambda i: -scores[i])
    assert way.nms(boxes, scores, 1.0, score_threshold=1e300).tolist() == [5, 7]


def test_arrays_that_do_not_lie_as_kernels_read_them(way: Way) -> None:
    """Their type says nothing of it: the kernels for fewer boxes look for themselves."""
    boxes, scores, labels = random_boxes(40, 6).astype(np.float32), whole_scores(40, 6).astype(np.float32), [0, 1] * 20
    wanted, by_label = way.nms(boxes, scores), way.batched_nms(boxes, scores, labels)

    def off_by_a_byte(array: np.ndarray) -> np.ndarray:
        room = np.zeros(array.nbytes + 1, np.uint8)[1:]
        room[:] = array.reshape(-1).view(np.uint8)
        return room.view(array.dtype).reshape(array.shape)

    wide = np.zeros((40, 6), np.float32)
    wide[:, 1:5] = boxes
    for form in (off_by_a_byte(boxes), wide[:, 1:5], np.asfortranarray(boxes), np.repeat(boxes, 2, axis=0)[::2]):
        for values in (scores, off_by_a_byte(scores), np.repeat(scores, 3)[::3], scores[::-1].copy()[::-1]):
            np.testing.assert_array_equal(way.nms(form, values), wanted)
            np.testing.assert_array_equal(way.batched_nms(form, values, labels), by_label)
    for shape in ((40, 3), (20, 8), (160, 1), (39, 4)):
        with pytest.raises(ValueError, match=r"(boxes|scores) must have shape"):
            way.nms(np.zeros(shape, np.float32), scores)


def test_score_threshold_and_max_output(way: Way) -> None:
    boxes, scores = random_boxes(60, 5), np.round(np.linspace(0, 1, 60), 1)
    for floor in (-1, 0, 0.5, 1.0):
        for most in (None, 0, 1, 7, 100):
            options = {"score_threshold": floor, "max_output": most}
            wanted = naive.nms(*lists(boxes, scores), 0.4, **options)
            assert way.nms(boxes, scores, 0.4, **options).tolist() == wanted
            labels = np.arange(60) % 3
            wanted = naive.batched_nms(*lists(boxes, scores), labels.tolist(), 0.4, **options)
            assert way.batched_nms(boxes, scores, labels, 0.4, **options).tolist() == wanted



def test_result_is_independent_and_covers_the_rest() -> None:
    boxes, scores = random_boxes(size(2000, 80), 9), np.random.default_rng(9).random(size(2000, 80))
    keep = nms(boxes, scores, 0.3)
    np.testing.assert_array_equal(nms(boxes[keep], scores[keep], 0.3), np.arange(len(keep)))  # idempotent
    found = explain_nms(boxes, scores, 0.3)
    dropped = found.suppressed_by >= 0
    assert np.isin(found.suppressed_by[dropped], keep).all()
    assert (found.iou[dropped] > 0.3).all()
    assert (scores[found.suppressed_by[dropped]] >= scores[dropped]).all()
    assert dropped.sum() + len(keep) == len(boxes)


def test_permuting_the_input_permutes_the_result() -> None:
    n = size(500, 60)
    boxes, scores = random_boxes(n, 4), np.random.default_rng(4).permutation(n)
    order = np.random.default_rng(5).permutation(n)
    np.testing.assert_array_equal(order[nms(boxes[order], scores[order])], nms(boxes, scores))


@given(
    st.lists(
        st.tuples(*[st.integers(0, 6)] * 4, st.integers(0, 3), st.integers(0, 2)),
        max_size=12,
    ),
    st.sampled_from([0.0, 1 / 3, 0.5, 0.6, 2 / 3, 1.0]),
    st.sampled_from([0, 1]),
    st.sampled_from([np.float32, np.float64]),
)
def test_small_whole_boxes(rows: list[tuple[int, ...]], threshold: float, offset: int, dtype: type) -> None:
    table = np.array(rows, dtype).reshape(-1, 6)
    corners = table[:, :4]
    boxes = np.hstack(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])]
    )
    scores, labels = table[:, 4].copy(), table[:, 5].astype(np.int64)
    assert nms(boxes, scores, threshold, offset=offset).tolist() == naive.nms(
        *lists(boxes, scores), threshold, offset=offset
    )
    assert batched_nms(boxes, scores, labels, threshold, offset=offset).tolist() == naive.batched_nms(
        *lists(boxes, scores), labels.tolist(), threshold, offset=offset
    )


@each("form", GOOD_FORMS)
@pytest.mark.parametrize("n", [0, 30])
def test_every_guise(way: Way, form: str, n: int) -> None:
    boxes, scores, labels = whole_boxes(n, 1), whole_scores(n, 1), np.arange(n) % 3
    wrap = GOOD_FORMS[form]
    np.testing.assert_array_equal(way.nms(wrap(boxes), wrap(scores), 0.2), way.nms(boxes, scores, 0.2))
    wanted = way.batched_nms(boxes, scores, labels, 0.2)
    floats = ("float16", "float32", "swapped float32", "longdouble", "big-endian")
    whole = GOOD_FORMS["int16"] if form in floats else wrap
    np.testing.assert_array_equal(way.batched_nms(wrap(boxes), wrap(scores), whole(labels), 0.2), wanted)
    np.testing.assert_array_equal(way.explain_nms(wrap(boxes), wrap(scores), 0.2).keep, way.nms(boxes, scores, 0.2))


def test_mixed_dtypes(way: Way) -> None:
    boxes, scores = random_boxes(40, 1), np.random.default_rng(1).random(40)
    short = boxes.astype(np.float32)
    np.testing.assert_array_equal(way.nms(short, scores), way.nms(short.astype(np.float64), scores))
    np.testing.assert_array_equal(
        way.nms(boxes, scores.astype(np.float32)), way.nms(boxes, scores.astype(np.float32).astype(float))
    )


@each(("boxes", "error", "pattern"), BAD_BOXES)
def test_bad_boxes(way: Way, boxes: object, error: type[Exception], pattern: str) -> None:
    count = len(boxes) if isinstance(boxes, (np.ndarray, list)) else 2
    for call in (way.nms, lambda b, s: way.batched_nms(b, s, [0] * count), explain_nms):
        with pytest.raises(error, match=pattern):
            call(boxes, np.ones(count))


@each(("scores", "error", "pattern"), BAD_SCORES)
def test_bad_scores(way: Way, scores: object, error: type[Exception], pattern: str) -> None:
    for call in (way.nms, lambda b, s: way.batched_nms(b, s, [0, 1]), explain_nms):
        with pytest.raises(error, match=pattern):
            call(TWO, scores)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_bad_row_is_named(way: Way, dtype: type) -> None:
    boxes, scores = np.tile(TWO, (400, 1)).astype(dtype), np.ones(800, dtype)
    boxes[701, 1] = np.nan
    boxes[333, 2] = -5
    with pytest.raises(ValueError, match=r"boxes\[333\] has x2 < x1"):
        way.nms(boxes, scores)
    scores[600] = -np.inf
    with pytest.raises(ValueError, match=r"scores\[600\] is not finite: -inf"):
        way.nms(np.tile(TWO, (400, 1)).astype(dtype), scores)


@each(("labels", "error", "pattern"), BAD_LABELS)
def test_bad_labels(labels: object, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        batched_nms(TWO, [1, 2], labels)


@each(("threshold", "error", "pattern"), BAD_THRESHOLDS)
def test_bad_thresholds(threshold: object, error: type[Exception], pattern: str) -> None:
    for call in (lambda t: nms(TWO, [1, 2], t), lambda t: batched_nms(TWO, [1, 2], [0, 0], t),
                 lambda t: explain_nms(TWO, [1, 2], t)):  # fmt: skip
        with pytest.raises(error, match=f"iou_threshold.*{pattern}"):
            call(threshold)


@each(("offset", "error", "pattern"), BAD_OFFSETS)
def test_bad_offsets(offset: object, error: type[Exception], pattern: str) -> None:
    for call in (nms, explain_nms):
        with pytest.raises(error, match=pattern):
            call(TWO, [1, 2], offset=offset)


def test_bad_options() -> None:
    with pytest.raises(ValueError, match="max_output must be at least 0"):
        nms(TWO, [1, 2], max_output=-1)
    with pytest.raises(TypeError, match="max_output must be an integer"):
        nms(TWO, [1, 2], max_output=1.0)
    for call in (nms, explain_nms, lambda b, s, **option: batched_nms(b, s, [0, 0], **option)):
        with pytest.raises(ValueError, match="max_candidates must be at least 0"):
            call(TWO, [1, 2], max_candidates=-1)
        with pytest.raises(ValueError, match="metric must be one of 'iou', 'ios', 'ioa', got 'giou'"):
            call(TWO, [1, 2], metric="giou")
        with pytest.raises(TypeError, match="metric must be a string, got NoneType"):
            call(TWO, [1, 2], metric=None)
    with pytest.raises(ValueError, match="score_threshold must be finite"):
        nms(TWO, [1, 2], score_threshold=float("nan"))
    with pytest.raises(ValueError, match="on_invalid must be one of 'raise', 'drop'"):
        nms(TWO, [1, 2], on_invalid="ignore")
    for value in (None, np.array(["raise"]), np.arange(3), np.ma.masked, 0):
        for call in (nms, explain_nms, lambda b, s, **option: batched_nms(b, s, [0, 0], **option)):
            with pytest.raises(TypeError, match="on_invalid must be a string"):
                call(TWO, [1, 2], on_invalid=value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_drop_leaves_out_bad_rows_only(dtype: type) -> None:
    boxes, scores = random_boxes(30, 2).astype(dtype), whole_scores(30, 2).astype(dtype)
    labels = np.arange(30) % 2
    bad = boxes.copy()
    bad[4, 0], bad[9, 3], bad[11] = np.nan, np.inf, [5, 5, 4, 4]
    worse = scores.copy()
    worse[20] = np.nan
    good = np.setdiff1d(np.arange(30), [4, 9, 11, 20])
    found = unchanged(nms, bad, worse, on_invalid="drop")
    np.testing.assert_array_equal(found, good[nms(boxes[good], scores[good])])
    found = unchanged(batched_nms, bad, worse, labels, on_invalid="drop")
    np.testing.assert_array_equal(found, good[batched_nms(boxes[good], scores[good], labels[good])])
    assert nms(np.full((3, 4), np.nan), np.ones(3), on_invalid="drop").tolist() == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_up_to_the_score_threshold_are_not_judged(way: Way, dtype: type) -> None:
    n = 40
    boxes, scores, labels = random_boxes(n, 7).astype(dtype), whole_scores(n, 7).astype(dtype), np.arange(n) % 2
    floor = float(np.sort(scores)[n // 2])
    wanted = nms(boxes, scores, 0.3, score_threshold=floor)
    by_label = batched_nms(boxes, scores, labels, 0.3, score_threshold=floor)
    junk = boxes.copy()
    low = np.flatnonzero(scores <= floor)
    junk[low] = np.array([[np.nan, 0, 1, 1], [5, 5, 4, 4], [0, 0, np.inf, 1], [-np.inf, np.nan, 3, -4]])[low % 4]
    for offset in (0, 1):
        wanted = nms(boxes, scores, 0.3, score_threshold=floor, offset=offset)
        found = unchanged(way.nms, junk, scores, iou_threshold=0.3, score_threshold=floor, offset=offset)
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(way.batched_nms(junk, scores, labels, 0.3, score_threshold=floor), by_label)
    if way.plan.way != "sweep":
        found = way.explain_nms(junk, scores, 0.3, labels=labels, score_threshold=floor)
        np.testing.assert_array_equal(found.keep, by_label)
        assert (found.suppressed_by[low] == -1).all()
    with pytest.raises(ValueError, match=r"boxes\[\d+\]"):
        way.nms(junk, scores, 0.3)
    with pytest.raises(ValueError, match=r"boxes\[\d+\]"):
        way.nms(junk, scores, 0.3, score_threshold=floor - 1)
    bad, high = np.vstack([junk, [[3, 3, 2, 4]]]).astype(dtype), np.append(scores, floor + 1).astype(dtype)
    assert np.any(scores[low] == floor)
    with pytest.raises(ValueError, match=rf"boxes\[{n}\]"):  # the first that is judged
        way.nms(bad, high, 0.3, score_threshold=floor)
    scores[low[0]] = np.nan  # a score must be a number, or nobody knows whether the row takes part
    junk[low[0]] = 0
    with pytest.raises(ValueError, match=rf"scores\[{low[0]}\] is not finite: nan"):
        way.nms(junk, scores, 0.3, score_threshold=floor)


def test_slices_of_one_array_of_detections() -> None:
    n = size(300, 40)
    for dtype in (np.float32, np.float64):
        table = np.zeros((n, 6), dtype)
        table[:, :4], table[:, 4], table[:, 5] = random_boxes(n, 8), whole_scores(n, 8), np.arange(n) % 3
        boxes, scores, labels = table[:, :4].copy(), table[:, 4].copy(), np.arange(n) % 3
        for some in (n, 7):
            part = table[:some]
            np.testing.assert_array_equal(nms(part[:, :4], part[:, 4]), nms(boxes[:some], scores[:some]))
            np.testing.assert_array_equal(
                batched_nms(part[:, :4], part[:, 4], labels[:some]),
                batched_nms(boxes[:some], scores[:some], labels[:some]),
            )
        backward = nms(boxes[::-1].copy(), scores[::-1].copy())
        np.testing.assert_array_equal(nms(table[::-1, :4], table[::-1, 4]), backward)
        table[n // 2, 2] = np.nan
        with pytest.raises(ValueError, match=rf"boxes\[{n // 2}\] is not finite"):
            nms(table[:, :4], table[:, 4])
