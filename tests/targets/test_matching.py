"""Matching and sampling against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import detutils
from detutils.targets._kernels.matching import LANES, PAGE
from tests import cases
from tests.naive import coding, matching as naive, overlaps

BOX = np.array([[0.0, 0.0, 10.0, 10.0]])


def boxes_of(n: int, seed: int) -> np.ndarray:
    """Whole-pixel boxes with many ties, or boxes anywhere, in turns; some of either without area."""
    return cases.whole_boxes(n, seed, side=40) if seed % 2 else cases.random_boxes(n, seed, spread=200.0)


def plain(array: np.ndarray | None) -> list[Any] | None:
    return None if array is None else array.tolist()


def check_match(boxes: np.ndarray, objects: np.ndarray, *thresholds: Any, **options: Any) -> None:
    matches = cases.unchanged(
        detutils.match_boxes, boxes, objects, **options, **dict(zip(("high", "low"), thresholds))
    )
    options["crowd"] = plain(options.get("crowd"))
    options["ignore"] = plain(options.get("ignore", np.empty((0, 4))))
    expected = naive.match_boxes(boxes.tolist(), objects.tolist(), *thresholds, **options)
    for ours, theirs in zip(matches, expected, strict=True):
        assert ours.tolist() == theirs
    assert [array.dtype for array in matches] == [np.int64, np.float64, np.int64]


@pytest.mark.parametrize("low_quality", [False, True])
@cases.each("seed", range(cases.size(40, 12)))
def test_matching_is_its_definition(seed: int, low_quality: bool) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(0, cases.size(3 * PAGE, 50))), int(rng.integers(0, 9))
    high = float(rng.choice([0.0, 0.3, 0.5, 0.7, 1.0]))
    check_match(
        boxes_of(n, seed), boxes_of(m, seed + 500), high,
        None if seed % 5 else high * float(rng.choice([0, 0.5, 1])),
        low_quality=low_quality, crowd=None if seed % 3 else rng.random(m) < 0.4, offset=seed // 2 % 2,
        ignore=boxes_of(int(rng.integers(0, 3)), seed + 900),
        ignore_threshold=float(rng.choice([0.0, 0.3, 0.5, 1.0])),
    )  # fmt: skip


@pytest.mark.parametrize("far", [0.0, 1e4, 1e7])
@pytest.mark.parametrize("n", [1, LANES - 1, LANES + 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 1])
def test_matching_at_the_ends_of_pages(n: int, far: float) -> None:
    boxes, objects = boxes_of(n, n) + far, boxes_of(4, 3) + far
    for offset in (0, 1):
        check_match(
            boxes, objects, 0.3, 0.1, low_quality=True, offset=offset, ignore=objects[1:3] + 5, ignore_threshold=0.3
        )


@pytest.mark.parametrize("slots", [(0,), (1, LANES - 1), (LANES,), (PAGE - 1,), (PAGE, 2 * PAGE - 1), (2 * PAGE,),
                                   (0, PAGE - 1, PAGE, 2 * PAGE), (PAGE - LANES, PAGE + LANES)])  # fmt: skip
@pytest.mark.parametrize("offset", [0, 1])
def test_the_best_boxes_of_an_object_in_every_place_of_a_page(slots: tuple[int, ...], offset: int) -> None:
    """Equally good ones in some places, one a little worse or better in another page, all others far away."""
    for last in (2 * PAGE, 2 * PAGE + LANES):
        n = last + 1
        boxes = np.tile([[1000.0, 1000.0, 1010.0, 1010.0]], (n, 1))
        boxes[list(slots)] = [0, 0, 10, 4]
        objects = np.vstack([BOX, [[2000.0, 0.0, 2001.0, 1.0]], BOX + 3])
        check_match(boxes, objects, 0.9, 0.6, low_quality=True, offset=offset)
        for worse in ([0, 0, 10, 3.5], [0, 0, 10, 4.5]):
            boxes[last // 2 + 3] = worse
            check_match(boxes, objects, 0.9, 0.6, low_quality=True, offset=offset)
        labels = detutils.match_boxes(boxes, objects[:1], 0.9, 0.6, low_quality=True, offset=offset).labels
        assert np.flatnonzero(labels == 1).tolist() == [last // 2 + 3]


@pytest.mark.parametrize("far", [0.0, 1e4, 1e7, -1e7])
@pytest.mark.parametrize("offset", [0, 1])
def test_objects_that_hardly_touch_a_page(offset: int, far: float) -> None:
    """Pages of equal boxes; objects and regions that begin or end where the page does, one step of the numbers off."""
    box = np.array([far, far, far + 8, far + 8])
    boxes = np.tile(box, (PAGE + 1, 1))
    boxes[PAGE] = box + 100
    for side in (0, 1):
        ahead, behind = box.copy(), box.copy()
        ahead[[side, side + 2]] += 8 + offset
        behind[[side, side + 2]] -= 8 + offset
        for name, start in ((side, ahead), (side + 2, behind)):
            for way in (-np.inf, np.inf):
                other = start.copy()
                other[name] = np.nextafter(other[name], way)
                check_match(boxes, other[None], 0.5, 0.0, low_quality=True, offset=offset)
                check_match(boxes, box[None], 1.0, ignore=other[None], ignore_threshold=1e-300, offset=offset)
                check_match(boxes, boxes[:0], 0.0, ignore=other[None], ignore_threshold=1e-300, offset=offset)


def test_a_grid_of_anchors_in_any_order() -> None:
    steps = cases.size(40, 12)
    anchors = detutils.grid_anchors(detutils.generate_anchors(), (steps, steps), 16)
    objects = np.array(
        [[20, 20, 150, 120], [0, 0, 15, 15], [100, 50, 400, 420], [3000, 3000, 3100, 3100]], float
    )
    matches = detutils.match_boxes(anchors, objects, 0.7, 0.3, low_quality=True, offset=1)
    table = np.array([[overlaps.pair_iou(a, b, 1) for b in objects.tolist()] for a in anchors[::7].tolist()])
    np.testing.assert_array_equal(matches.ious[::7], table.max(axis=1))
    np.testing.assert_array_equal(matches.matched[::7], table.argmax(axis=1))
    shuffle = np.random.default_rng(0).permutation(len(anchors))
    again = detutils.match_boxes(anchors[shuffle], objects, 0.7, 0.3, low_quality=True, offset=1)
    for ours, theirs in zip(again, matches, strict=True):
        np.testing.assert_array_equal(ours, theirs[shuffle])


def test_ties_go_to_the_lowest_object_and_to_every_best_box() -> None:
    twice = np.vstack([BOX, BOX])
    assert detutils.match_boxes(twice, twice).matched.tolist() == [0, 0]
    boxes = [[0, 0, 10, 4], [0, 6, 10, 10], [0, 0, 10, 3], [50, 50, 51, 51]]
    labels = detutils.match_boxes(boxes, BOX, 0.7, 0.5, low_quality=True).labels
    assert labels.tolist() == [1, 1, 0, 0]
    assert detutils.match_boxes(boxes, BOX, 0.7, 0.5).labels.tolist() == [0, 0, 0, 0]


def test_a_low_quality_box_keeps_its_own_best_object() -> None:
    objects = [[0, 0, 10, 10], [8, 0, 100, 10]]
    matches = detutils.match_boxes([[0, 0, 10, 9]], objects, 0.95, 0.3, low_quality=True)
    assert (matches.matched.tolist(), matches.labels.tolist()) == ([0], [1])


def test_an_object_that_nothing_overlaps_makes_nothing_positive() -> None:
    matches = detutils.match_boxes(BOX, [[50, 50, 60, 60]], 0.7, 0.3, low_quality=True)
    assert (matches.matched.tolist(), matches.ious.tolist(), matches.labels.tolist()) == ([0], [0.0], [0])


def test_exact_thresholds() -> None:
    half = [[0, 0, 10, 5]]  # IoU exactly 0.5
    assert detutils.match_boxes(half, BOX, 0.5).labels.tolist() == [1]
    assert detutils.match_boxes(half, BOX, np.nextafter(0.5, 1)).labels.tolist() == [0]
    assert detutils.match_boxes(half, BOX, 0.7, 0.5).labels.tolist() == [-1]
    assert detutils.match_boxes(half, BOX, 0.7, np.nextafter(0.5, 1)).labels.tolist() == [0]
    far = [[50, 50, 60, 60]]
    assert detutils.match_boxes(far, BOX, 0.0).labels.tolist() == [1]
    assert detutils.match_boxes(far, BOX, 0.5, 0.0).labels.tolist() == [-1]
    region = {"ignore": [[0, 0, 10, 5]], "ignore_threshold": 0.5}
    assert detutils.match_boxes(BOX, [], **region).labels.tolist() == [-1]
    region["ignore_threshold"] = np.nextafter(0.5, 1)
    assert detutils.match_boxes(BOX, [], **region).labels.tolist() == [0]


def test_crowds_match_nothing_and_excuse_what_lies_in_them() -> None:
    objects = [[0, 0, 100, 100], [0, 0, 10, 10]]
    boxes = [[0, 0, 10, 10], [40, 40, 50, 50], [200, 0, 210, 10]]
    matches = detutils.match_boxes(boxes, objects, crowd=[True, False])
    assert matches.matched.tolist() == [1, 1, 1]
    assert matches.labels.tolist() == [1, -1, 0]
    everywhere = detutils.match_boxes(boxes, objects, crowd=[True, True])
    assert everywhere.matched.tolist() == [-1, -1, -1]
    assert everywhere.labels.tolist() == [-1, -1, 0]


def test_objects_without_area_match_nothing() -> None:
    objects = [[5, 5, 5, 5], [0, 0, 10, 9], [3, 0, 3, 10]]
    matches = detutils.match_boxes(
        [[0, 0, 10, 10], [5, 5, 5, 5], [90, 90, 99, 99]], objects, low_quality=True
    )
    assert matches.matched.tolist() == [1, 1, 1]
    assert matches.labels.tolist() == [1, 0, 0]
    assert detutils.match_boxes([[5, 5, 5, 5]], objects, offset=1).matched.tolist() == [0]


def test_nothing_to_match() -> None:
    for empty in ([], np.empty((0, 4)), np.empty((0, 4), np.float32)):
        matches = detutils.match_boxes(empty, BOX, low_quality=True, crowd=[False], ignore=[])
        assert [array.shape for array in matches] == [(0,)] * 3
        alone = detutils.match_boxes(BOX, empty, low_quality=True)
        assert (alone.matched.tolist(), alone.ious.tolist(), alone.labels.tolist()) == ([-1], [0.0], [0])


def test_long_work_goes_on_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes, objects = boxes_of(cases.size(5 * PAGE, PAGE + 5), 1), boxes_of(5, 2)
    options: dict[str, Any] = {"low_quality": True, "ignore": boxes_of(2, 3)}
    whole = detutils.match_boxes(boxes, objects, 0.3, 0.1, **options)
    monkeypatch.setattr("detutils.targets.matching._PAIRS", 1)
    for ours, theirs in zip(detutils.match_boxes(boxes, objects, 0.3, 0.1, **options), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@cases.each("form", cases.GOOD_FORMS)
def test_matching_takes_any_form(form: str) -> None:
    boxes, objects = cases.whole_boxes(40, 1, side=30), cases.whole_boxes(5, 2, side=30)
    expected = detutils.match_boxes(boxes, objects, 0.3, 0.1, low_quality=True, ignore=objects[:2])
    wrap = cases.GOOD_FORMS[form]
    result = detutils.match_boxes(
        wrap(boxes), wrap(objects), 0.3, 0.1, low_quality=True, ignore=wrap(objects[:2])
    )
    for ours, theirs in zip(result, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@cases.each(("boxes", "error", "text"), cases.BAD_BOXES)
def test_matching_refuses_bad_boxes(boxes: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.match_boxes(boxes, BOX)
    with pytest.raises(error, match=text):
        detutils.match_boxes(BOX, boxes)
    if boxes is not None:
        with pytest.raises(error, match=text):
            detutils.match_boxes(BOX, BOX, ignore=boxes)


@cases.each(("threshold", "error", "text"), cases.BAD_THRESHOLDS)
def test_matching_refuses_bad_thresholds(threshold: Any, error: type[Exception], text: str) -> None:
    for name in ("high", "low", "ignore_threshold"):
        if name == "low" and threshold is None:
            continue
        with pytest.raises(error, match=f"{name}.*{text}"):
            detutils.match_boxes(BOX, BOX, **{name: threshold})


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"high": 0.3, "low": 0.5}, ValueError, "low must be at most high, got 0.5 and 0.3"),
        ({"low_quality": 1}, TypeError, "low_quality must be True or False"),
        ({"crowd": [0]}, TypeError, "crowd must be booleans"),
        ({"crowd": [True, False]}, ValueError, r"crowd must have shape \(1,\), got \(2,\)"),
        ({"offset": 2}, ValueError, "offset must be 0 or 1"),
    ],
)
def test_matching_refuses_bad_options(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.match_boxes(BOX, BOX, **options)


# ---- sampling --------------------------------------------------------------------------------


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("number", [0, 1, 7, 64, 10_000])
def test_samples_have_the_sizes_of_the_definition(number: int, fraction: float) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        labels = rng.choice([-1, 0, 1, 2], int(rng.integers(0, 200)), p=rng.dirichlet([1, 1, 1, 1]))
        sample = cases.unchanged(detutils.sample_matches, labels, number=number, positive_fraction=fraction)
        first = naive.sample_matches(
            labels.tolist(), number, fraction, choose=lambda indices, count: indices[:count]
        )
        assert [len(part) for part in sample] == [len(part) for part in first]
        assert (labels[sample.positives] > 0).all()
        assert (labels[sample.negatives] == 0).all()
        for part in sample:
            assert part.dtype == np.int64
            assert (np.diff(part) > 0).all()


def test_samples_are_repeatable_and_fair() -> None:
    labels = np.repeat([1, 0, -1], 20)
    first, again = (detutils.sample_matches(labels, 10, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.positives, again.positives)
    np.testing.assert_array_equal(first.negatives, again.negatives)
    rng = np.random.default_rng(0)
    rounds = 4000
    counts = np.zeros(60)
    for _ in range(rounds):
        for part in detutils.sample_matches(labels, 10, seed=rng):
            counts[part] += 1
    expected = rounds * 5 / 20
    chi_squared = ((counts[:40] - expected) ** 2 / (expected * 0.75)).sum()  # 38 degrees of freedom
    assert chi_squared < 70
    assert (counts[40:] == 0).all()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([0.5],), TypeError, "labels must be integers"),
        (([[1]],), ValueError, r"labels must have shape \(N,\)"),
        (([1], -1), ValueError, "number must be at least 0"),
        (([1], 2.0), TypeError, "number must be an integer"),
        (([1], 2, 1.5), ValueError, r"positive_fraction must be in \[0, 1\]"),
    ],
)
def test_sampling_refuses(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        detutils.sample_matches(*arguments)
    with pytest.raises(ValueError, match="seed must be at least 0"):
        detutils.sample_matches([1], seed=-1)
    with pytest.raises(TypeError, match="seed must be an integer"):
        detutils.sample_matches([1], seed=None)


@cases.each("seed", range(cases.size(30, 10)))
def test_proposals_are_sampled_as_defined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(0, 60)), int(rng.integers(0, 6))
    proposals, objects, labels = boxes_of(n, seed), boxes_of(m, seed + 1), rng.integers(1, 5, m)
    proposals, offset = (
        proposals if seed % 2 else proposals[(proposals[:, 2:] > proposals[:, :2]).all(axis=1)],
        seed % 2,
    )
    options: dict[str, Any] = {
        "number": 1000, "positive_fraction": 1.0, "high": 0.3, "low": [0.0, 0.1][seed % 2], "background": -7,
        "add_objects": seed % 3 > 0, "crowd": None if seed % 4 else rng.random(m) < 0.4, "offset": offset,
    }  # fmt: skip
    sample = detutils.sample_proposals(proposals, objects, labels, **options)
    options["crowd"] = plain(options["crowd"])
    boxes, names, matched, ious, indices = naive.sample_proposals(
        proposals.tolist(),
        objects.tolist(),
        labels.tolist(),
        **options,
        choose=lambda found, count: found[:count],
    )
    np.testing.assert_array_equal(sample.boxes, np.reshape(boxes, (-1, 4)))
    for ours, theirs in (
        (sample.labels, names),
        (sample.matched, matched),
        (sample.ious, ious),
        (sample.indices, indices),
    ):
        np.testing.assert_array_equal(ours, theirs)
    positive = sample.labels != -7
    assert (sample.deltas[~positive] == 0).all()
    deltas = coding.encode_boxes(
        objects[sample.matched[positive]].tolist(),
        sample.boxes[positive].tolist(),
        weights=(10, 10, 5, 5),
        offset=offset,
    )
    np.testing.assert_allclose(sample.deltas[positive], np.reshape(deltas, (-1, 4)), rtol=1e-12, atol=1e-12)
    assert [field.dtype for field in sample] == [
        np.float64,
        np.int64,
        np.float64,
        np.int64,
        np.float64,
        np.int64,
    ]


def test_a_small_sample_of_proposals_keeps_its_fraction() -> None:
    rng = np.random.default_rng(0)
    objects = np.array([[0, 0, 100, 100], [200, 200, 300, 300]], float)
    near = np.repeat(objects, 100, axis=0) + rng.uniform(-5, 5, (200, 4))
    far = cases.random_boxes(500, 1) + 1000
    proposals = np.vstack([near, far])
    sample = detutils.sample_proposals(proposals, objects, [1, 2], number=64)
    assert (sample.labels > 0).sum() == 16
    assert len(sample.labels) == 64
    assert (sample.labels[:16] > 0).all()
    assert np.unique(sample.indices).size == 64
    np.testing.assert_array_equal(sample.boxes, np.vstack([proposals, objects])[sample.indices])
    again = detutils.sample_proposals(proposals, objects, [1, 2], number=64)
    np.testing.assert_array_equal(again.indices, sample.indices)


def test_no_proposals_or_no_objects() -> None:
    none = detutils.sample_proposals([], [], np.empty(0, int))
    assert [field.shape for field in none] == [(0, 4), (0,), (0, 4), (0,), (0,), (0,)]
    background = detutils.sample_proposals(BOX, [], np.empty(0, int), background=9)
    assert (background.labels.tolist(), background.matched.tolist()) == ([9], [-1])
    own = detutils.sample_proposals([], BOX, [3])
    assert (own.labels.tolist(), own.indices.tolist(), own.deltas.tolist()) == ([3], [0], [[0, 0, 0, 0]])
    crowd = detutils.sample_proposals(BOX, BOX, [3], crowd=[True])
    assert crowd.labels.size == 0


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((BOX, BOX, [0]), {}, ValueError, r"labels\[0\] is 0, the class of the background"),
        ((BOX, BOX, [1, 2]), {}, ValueError, r"labels must have shape \(1,\)"),
        ((BOX, BOX, [1.5]), {}, TypeError, "labels must be integers"),
        ((BOX[0], BOX, [1]), {}, ValueError, r"proposals must have shape \(N, 4\)"),
        ((BOX, BOX[0], [1]), {}, ValueError, r"objects must have shape \(N, 4\)"),
        ((BOX, BOX, [1]), {"low": 0.6}, ValueError, "low must be at most high, got 0.6 and 0.5"),
        ((BOX, BOX, [1]), {"add_objects": 0}, TypeError, "add_objects must be True or False"),
        ((BOX, BOX, [1]), {"background": 0.0}, TypeError, "background must be an integer"),
        ((BOX, BOX, [1]), {"weights": (1, 1, 1)}, ValueError, "weights must be four numbers"),
        ((BOX, BOX, [1]), {"number": -1}, ValueError, "number must be at least 0"),
        ((BOX, BOX, [1]), {"crowd": [1]}, TypeError, "crowd must be booleans"),
        (([[0, 0, 9, 9], [3, 3, 3, 9]], BOX, [1]), {"high": 0.0}, ValueError, r"proposals\[1\] has no width"),
    ],
)
def test_sampling_proposals_refuses(
    arguments: Any, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        detutils.sample_proposals(*arguments, **options)


# ---- small, nasty scenes by the hundred ------------------------------------------------------------

SIDES = st.tuples(st.integers(-3, 6), st.integers(-3, 6), st.integers(0, 6), st.integers(0, 6))


@given(
    boxes=st.lists(SIDES, max_size=12), objects=st.lists(SIDES, max_size=5), offset=st.integers(0, 1),
    thresholds=st.tuples(*[st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0])] * 2), low_quality=st.booleans(),
)  # fmt: skip
def test_small_scenes_agree_with_the_definition(
    boxes: Any, objects: Any, offset: int, thresholds: tuple[float, float], low_quality: bool
) -> None:
    rows, truth = (
        np.array([[x, y, x + w, y + h] for x, y, w, h in sides], float).reshape(-1, 4)
        for sides in (boxes, objects)
    )
    check_match(rows, truth, max(thresholds), min(thresholds), low_quality=low_quality, offset=offset)
