"""Object keypoint similarity: the definition, its laws, pycocotools' numbers, and every error."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest

from detutils import oks
from detutils._validate.keypoints import COCO_SIGMAS
from tests.cases import GOOD_FORMS, each, size, unchanged
from tests.naive import poses as naive


def scene(n: int, m: int, points: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poses near objects, some of whose keypoints are not labeled, and their areas."""
    rng = np.random.default_rng(seed)
    visible = rng.integers(0, 3, (m, points, 1))
    objects = np.concatenate([rng.uniform(-50, 300, (m, points, 2)), visible], axis=2)
    near = objects[rng.integers(0, m, n)][:, :, :2] if m else rng.uniform(0, 300, (n, points, 2))
    found = np.concatenate([near + rng.normal(0, 8, near.shape), rng.random((n, points, 1))], axis=2)
    return found, objects, rng.uniform(10, 9000, m)


@pytest.mark.parametrize("points", [1, 5, 17])
def test_oks_is_the_definition(points: int) -> None:
    sigmas = np.random.default_rng(points).uniform(0.02, 0.2, points)
    for seed, (n, m) in enumerate([(0, 0), (0, 3), (3, 0), (1, 1), (size(30, 6), size(20, 5))]):
        found, objects, areas = scene(n, m, points, seed)
        values = unchanged(oks, found, objects, areas, sigmas)
        assert values.shape == (n, m)
        assert values.dtype == np.float64
        wanted = naive.oks(found.tolist(), objects.tolist(), areas.tolist(), sigmas.tolist())
        np.testing.assert_allclose(values, np.reshape(wanted, (n, m)), rtol=1e-12, atol=1e-12)


def test_the_numbers_of_pycocotools() -> None:
    coco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    n, m = size(20, 5), size(15, 4)
    found, objects, areas = scene(n, m, 17, 3)
    objects[0, :, 2] = [1, *[0] * 16]
    objects[:, 3, 2] = 2  # each has one that is labeled
    boxes = np.random.default_rng(0).uniform(0, 90, (m, 4))
    entries = [
        {"id": j + 1, "image_id": 1, "category_id": 1, "bbox": boxes[j].tolist(), "area": float(areas[j]), "iscrowd": 0,
         "keypoints": objects[j].ravel().tolist(), "num_keypoints": int((objects[j, :, 2] > 0).sum())}
        for j in range(m)
    ]  # fmt: skip
    results = [
        {"image_id": 1, "category_id": 1, "keypoints": found[i].ravel().tolist(), "score": float(n - i)}
        for i in range(n)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": entries, "info": {}}
        truth.createIndex()
        judge = cocoeval.COCOeval(truth, truth.loadRes(results), "keypoints")
        judge.params.imgIds, judge.params.catIds = [1], [1]
        judge._prepare()
        wanted = judge.computeOks(1, 1)
    np.testing.assert_allclose(oks(found, objects, areas), wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(judge.params.kpt_oks_sigmas, COCO_SIGMAS, rtol=1e-15)


def test_laws() -> None:
    found, objects, areas = scene(6, 6, 5, 1)
    sigmas = np.full(5, 0.05)
    values = oks(found, objects, areas, sigmas)
    assert ((values >= 0.0) & (values <= 1.0)).all()
    itself = oks(objects, objects, areas, sigmas).diagonal()
    assert itself.tolist() == [float((thing[:, 2] > 0).any()) for thing in objects]
    order = np.array([3, 1, 0, 2, 4])  # of the keypoints
    mixed = oks(found[:, order], objects[:, order], areas, sigmas)
    np.testing.assert_allclose(mixed, values, rtol=1e-12)
    scaled = oks(found * [4, 4, 1], objects * [4, 4, 1], areas * 16, sigmas)
    np.testing.assert_allclose(scaled, values, rtol=1e-12)
    assert (oks(found, objects, areas, sigmas * 2) >= values).all()


def test_what_is_not_labeled_lies_anywhere() -> None:
    found, objects, areas = scene(4, 3, 5, 2)
    objects[:, 1, 2], objects[0, :, 2] = 0, -1
    strange = objects.copy()
    strange[:, 1, :2] = [[np.nan, 1e200]] * 3
    sigmas = np.full(5, 0.1)
    values = oks(found, strange, areas, sigmas)
    assert values.tolist() == oks(found, objects, areas, sigmas).tolist()
    assert values[:, 0].tolist() == [0.0] * 4
    plain = oks(found[:, :, :2], objects[1:, :, :2], areas[1:], sigmas)  # without a visibility all are labeled
    objects[:, :, 2] = 1
    assert plain.tolist() == oks(found, objects, areas, sigmas)[:, 1:].tolist()


def test_extremes() -> None:
    found = np.array([[[1e150, -1e150]], [[3.0, 4.0]]])
    objects = np.array([[[-1e150, 1e150]], [[3.0, 4.0]], [[0.0, 0.0]]])
    for area in (0.0, 25.0, 1e150):
        for sigma in (1e-100, 0.5, 1e100):
            values = oks(found, objects, [area] * 3, [sigma])
            assert ((values >= 0.0) & (values <= 1.0)).all()
            assert values[1, 1] == 1.0
    assert oks(found, objects, [25.0] * 3, [0.5])[1, 2] == pytest.approx(np.exp(-0.5), rel=1e-12)
    assert oks(found, objects, [0.0] * 3, [0.5])[1, 2] == 0.0


def test_nothing_to_compare() -> None:
    things = np.zeros((2, 17, 3))
    assert oks([], things, [1, 1]).shape == (0, 2)
    assert oks(things, [], []).shape == (2, 0)
    assert oks([], [], []).shape == (0, 0)
    assert oks([], [], [], [0.1, 0.1]).shape == (0, 0)
    assert oks(np.zeros((2, 0, 2)), np.zeros((1, 0, 2)), [1.0]).tolist() == [[0.0], [0.0]]


@each("form", GOOD_FORMS)
def test_every_form_of_poses(form: str) -> None:
    found, objects = (np.random.default_rng(k).integers(1, 30, (2, 4, 3)).astype(np.float64) for k in (0, 1))
    wrap = GOOD_FORMS[form]
    values = oks(wrap(found), wrap(objects), [400, 900], [0.2] * 4)
    assert values.tolist() == oks(found, objects, [400, 900], [0.2] * 4).tolist()


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"keypoints": np.zeros((2, 4))}, ValueError, r"shape \(N, P, 2\) or \(N, P, 3\), got \(2, 4\)"),
        ({"keypoints": np.zeros((2, 5, 4))}, ValueError, "keypoints must have shape"),
        ({"objects": np.zeros((1, 4, 3))}, ValueError, r"objects must have shape \(N, 5, 2\) or \(N, 5, 3\)"),
        ({"keypoints": [[[0, np.nan]] * 5]}, ValueError, r"keypoints\[0, 0\] is not finite or beyond .*: \[0, nan\]"),
        ({"objects": [[[0, 0, 1]] * 4 + [[1e200, 0, 1]]]}, ValueError, r"objects\[0, 4\] is not finite or beyond"),
        ({"objects": [[[0, 0, np.nan]] * 5]}, ValueError, r"objects\[0, 0\] is not finite"),
        ({"areas": [1, 2]}, ValueError, r"areas must have shape \(1,\), got \(2,\)"),
        ({"areas": [-1]}, ValueError, r"areas\[0\] must be in \[0, 1e\+150\], got -1"),
        ({"areas": [np.nan]}, ValueError, r"areas\[0\] is not finite"),
        ({"sigmas": None}, ValueError, "sigmas must be given for 5 keypoints: only COCO's 17 are known"),
        ({"sigmas": [0.1]}, ValueError, r"sigmas must have shape \(5,\), got \(1,\)"),
        ({"sigmas": [0.1] * 4 + [0]}, ValueError, r"sigmas\[4\] must be in \[1e-100, 1e\+100\], got 0"),
        ({"keypoints": [["a"]]}, TypeError, "keypoints must hold real numbers"),
    ],
)  # fmt: skip
def test_errors(changed: dict[str, Any], error: type[Exception], text: str) -> None:
    good: dict[str, Any] = {
        "keypoints": np.zeros((2, 5, 2)), "objects": np.zeros((1, 5, 3)), "areas": [1.0], "sigmas": [0.1] * 5
    }  # fmt: skip
    with pytest.raises(error, match=text):
        oks(**{**good, **changed})


def test_a_matrix_beyond_the_memory_is_refused() -> None:
    many = np.broadcast_to(np.zeros((1, 1, 2)), (3_000_000, 1, 2))
    with pytest.raises(MemoryError, match=r"a \(3000000, 3000000\) matrix of similarities needs"):
        oks(many, many, np.ones(3_000_000), [0.1])
