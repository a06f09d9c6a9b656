"""py-faster-rcnn's functions: the definitions of its layers, its ties and quirks, and what it must refuse."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils.compat import faster_rcnn as adapter
from tests.cases import size, unchanged
from tests.compat.refusals import hostile, refuses
from tests.naive import faster_rcnn as naive
from tests.naive.suppression import iou
from tests.naive.voc import evaluate_voc

CASES = 10_000 if os.environ.get("DETUTILS_DEEP") else size(300, 40)
GOOD = [[0.0, 0.0, 9.0, 9.0, 0.5], [2.0, 1.0, 12.0, 9.0, 0.75]]


def boxes_of(rng: np.random.Generator, n: int, whole: bool) -> np.ndarray:
    side = float(rng.choice([12, 40, 300]))
    low = rng.uniform(0, side, (n, 2))
    rows = np.hstack([low, low + rng.uniform(0, side / 2, (n, 2))])
    return np.floor(rows) if whole else rows


def detections(rng: np.random.Generator, n: int) -> np.ndarray:
    """Whole or fractional boxes, scores with or without ties, sometimes a column too many."""
    scores = rng.uniform(0, 1, n) if rng.random() < 0.5 else rng.integers(0, 4, n) / 4
    table = np.column_stack([boxes_of(rng, n, rng.random() < 0.6), scores, rng.integers(0, 3, n)])
    return table if rng.random() < 0.2 else np.ascontiguousarray(table[:, :5])


# ---- suppression -----------------------------------------------------------------------------------------------------

def test_suppression_is_the_definition() -> None:
    rng = np.random.default_rng(3)
    for case in range(CASES):
        dets = detections(rng, int(rng.integers(0, size(40, 12))))
        thresh = float(rng.choice([0.0, 0.25, 0.3, 0.5, 0.6, 0.7, 0.9, 1.0]))
        order = dets[:, 4].argsort()[::-1].tolist()  # ties as the original ranks them
        found = unchanged(adapter.py_cpu_nms, dets, thresh=thresh)
        assert found == naive.py_cpu_nms(dets.tolist(), thresh, order), case
        assert adapter.nms(dets, thresh) == found
        short = dets.astype(np.float32)
        if (short == dets).all():
            wanted = naive.cpu_nms(short.tolist(), thresh, short[:, 4].argsort()[::-1].tolist())
            assert adapter.cpu_nms(short, thresh) == adapter.nms(short, thresh, force_cpu=True) == wanted, case
        assert all(type(row) is int for row in found)


def test_the_threshold_keeps_or_drops() -> None:
    half = [[0, 0, 9, 9, 0.8], [0, 0, 9, 4, 0.9]]
    assert adapter.py_cpu_nms(half, 0.5) == [1, 0]
    assert adapter.cpu_nms(half, 0.5) == [1]
    # 7 / 10: float32 rounds it down, so that the compiled original keeps it; 6 / 10 is rounded up and goes
    for share, kept in ((7, [0, 1]), (6, [0])):
        rows = [[0, 0, 9, 0, 0.9], [0, 0, share - 1, 0, 0.8]]
        assert adapter.cpu_nms(rows, share / 10) == kept
        assert adapter.py_cpu_nms(rows, share / 10) == [0, 1]
    apart = [[0, 0, 9, 9, 0.8], [50, 0, 59, 9, 0.9]]
    assert adapter.cpu_nms(apart, 0.0) == [1]
    assert adapter.py_cpu_nms(apart, 0.0) == [1, 0]
    assert adapter.cpu_nms(GOOD, 1.0) == [1, 0]
    assert adapter.cpu_nms([GOOD[0], GOOD[0]], 1.0) == [1]


def test_many_tied_detections() -> None:
    rng = np.random.default_rng(5)
    n = size(900, 80)
    dets = np.column_stack([boxes_of(rng, n, True), rng.integers(0, 3, n) / 2])
    order = dets[:, 4].argsort()[::-1].tolist()
    assert adapter.py_cpu_nms(dets, 0.4) == naive.py_cpu_nms(dets.tolist(), 0.4, order)


@pytest.mark.parametrize("function", [adapter.nms, adapter.py_cpu_nms, adapter.cpu_nms])
def test_no_detections(function: Any) -> None:
    for none in ([], np.empty((0, 5)), np.empty((0, 7), np.float32)):
        assert function(none, 0.5) == []


# ---- boxes -----------------------------------------------------------------------------------------------------------

def test_anchors_to_the_digit() -> None:
    wanted = [
        [-84, -40, 99, 55], [-176, -88, 191, 103], [-360, -184, 375, 199],
        [-56, -56, 71, 71], [-120, -120, 135, 135], [-248, -248, 263, 263],
        [-36, -80, 51, 95], [-80, -168, 95, 183], [-168, -344, 183, 359],
    ]  # fmt: skip
    assert adapter.generate_anchors().tolist() == wanted
    assert adapter.generate_anchors(base_size=16, ratios=[0.5, 1, 2], scales=2 ** np.arange(3, 6)).tolist() == wanted
    assert adapter.generate_anchors(9, [0.5], [1]).tolist() == [[-2.0, 1.5, 10.0, 6.5]]


def test_boxes_are_the_definition() -> None:
    rng = np.random.default_rng(7)
    for case in range(CASES // 5):
        n, m, classes = (int(rng.integers(0, 9)) for _ in range(3))
        first, second = boxes_of(rng, n, case % 2 == 0), boxes_of(rng, n, case % 3 == 0)
        others = np.column_stack([boxes_of(rng, m, case % 2 == 0), np.ones(m)])  # objects with their class
        overlaps = unchanged(adapter.bbox_overlaps, first, others)
        assert overlaps.dtype == np.float64
        assert overlaps.tolist() == [[iou(a, b, 1) for b in others.tolist()] for a in first.tolist()]
        targets = unchanged(adapter.bbox_transform, first, second)
        wanted = np.reshape(naive.bbox_transform(first.tolist(), second.tolist()), (n, 4))
        np.testing.assert_allclose(targets, wanted, rtol=1e-13, atol=1e-14)
        deltas = rng.normal(0, 0.5, (n, 4 * classes))
        moved = unchanged(adapter.bbox_transform_inv, first, deltas)
        assert moved.shape == deltas.shape
        wanted = np.reshape(naive.bbox_transform_inv(first.tolist(), deltas.tolist()), deltas.shape)
        np.testing.assert_allclose(moved, wanted, rtol=1e-12, atol=1e-10)
        clipped = adapter.clip_boxes(moved.copy(), (20, 30, 3))
        assert clipped.tolist() == naive.clip_boxes(moved.tolist(), (20, 30, 3))


def test_dtypes_follow_the_original() -> None:
    rows = np.array(GOOD, np.float32)[:, :4]
    assert adapter.bbox_transform(rows, rows).dtype == np.float32
    assert adapter.bbox_transform(rows, rows.astype(np.float64)).dtype == np.float64
    assert adapter.bbox_overlaps(rows, rows).dtype == np.float64
    deltas = np.zeros((2, 8), np.float32)
    assert adapter.bbox_transform_inv(rows.astype(np.float64) + 1e-12, deltas).dtype == np.float32
    moved = adapter.bbox_transform_inv(rows, deltas.astype(np.float64))
    assert moved.dtype == np.float64
    assert moved.tolist() == [[0, 0, 10, 10] * 2, [2, 1, 13, 10] * 2]  # one pixel late
    assert adapter.bbox_transform_inv(np.empty((0, 4)), np.empty((0, 84), np.float32)).shape == (0, 84)


def test_large_deltas_are_refused_in_either_dtype() -> None:
    rows = np.array(GOOD)[:, :4]
    deltas = np.zeros((2, 4))
    deltas[1, 2] = 88.0
    assert np.isfinite(adapter.bbox_transform_inv(rows, deltas)).all()
    with pytest.raises(ValueError, match=r"deltas\[1\] moves boxes\[1\] out of the range of float32"):
        adapter.bbox_transform_inv(rows, deltas.astype(np.float32))
    deltas[1, 2] = 800.0
    with pytest.raises(ValueError, match=r"deltas\[1\]"):
        adapter.bbox_transform_inv(rows, deltas)


def test_clipping_writes_into_its_argument() -> None:
    for dtype in (np.float64, np.float32, np.int64):
        rows = np.array([[-5, 10, 700, 500, 3, 4, 5, 6]], dtype)
        assert adapter.clip_boxes(rows, (480, 640, 3)) is rows
        assert rows.tolist() == [[0, 10, 639, 479, 3, 4, 5, 6]]
    wide = np.array([[-5.0, 10, 700, 500, 7]])
    adapter.clip_boxes(wide[:, :4], np.array([480.0, 640.0, 1.6]))
    assert wide.tolist() == [[0, 10, 639, 479, 7]]
    rows.flags.writeable = False
    with pytest.raises(ValueError, match="boxes must be writable"):
        adapter.clip_boxes(rows, (480, 640))
    with pytest.raises(TypeError, match="boxes must be an array"):
        adapter.clip_boxes([[0, 0, 1, 1]], (480, 640))
    with pytest.raises(ValueError, match=r"boxes must have shape \(N, 4\) or \(N, 4 C\)"):
        adapter.clip_boxes(np.ones((2, 5)), (480, 640))
    with pytest.raises(ValueError, match="im_shape"):
        adapter.clip_boxes(np.ones((2, 4)), (0, 640))


# ---- proposals -------------------------------------------------------------------------------------------------------

def test_proposals_are_the_definition() -> None:
    rng = np.random.default_rng(9)
    for case in range(CASES // 10):
        height, width, scales = int(rng.integers(1, 5)), int(rng.integers(1, 5)), [1, 4][: case % 2 + 1]
        a = 3 * len(scales)
        scores, deltas = rng.uniform(0, 1, (1, 2 * a, height, width)), rng.normal(0, 0.3, (1, 4 * a, height, width))
        info = [float(rng.integers(30, 90)), float(rng.integers(30, 90)), float(rng.choice([1.0, 1.6]))]
        before, after, least = int(rng.choice([-1, 3, 10, 6000])), int(rng.choice([0, 2, 300])), float(case % 3 * 8)
        rows = [
            [corner + 16 * (x if k % 2 == 0 else y) for k, corner in enumerate(anchor)]
            for y in range(height)
            for x in range(width)
            for anchor in adapter.generate_anchors(scales=scales).tolist()
        ]
        wanted = naive.proposals(
            scores[0, a:].transpose(1, 2, 0).ravel().tolist(),
            deltas[0].transpose(1, 2, 0).reshape(-1, 4).tolist(),
            rows, info, before, after, 0.5, least,
        )  # fmt: skip
        found = unchanged(
            adapter.proposal_layer, scores, deltas, np.array([info]), cfg_key="TRAIN", _feat_stride=[16],
            anchor_scales=scales, pre_nms_topN=before, post_nms_topN=after, nms_thresh=0.5, min_size=least,
        )  # fmt: skip
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, np.reshape(wanted, (-1, 5)), rtol=1e-6, atol=1e-6)
        short = adapter.proposal_layer(
            scores.astype(np.float32), deltas.astype(np.float32), info, "TRAIN", 16, scales,
            pre_nms_topN=before, post_nms_topN=after, nms_thresh=0.5, min_size=least,
        )  # fmt: skip
        np.testing.assert_allclose(short, found, rtol=1e-5, atol=1e-4)


def test_growth_has_no_limit() -> None:
    """exp(4.5) is 90 times, where other systems stop at 62.5."""
    scores, deltas = np.zeros((1, 6, 1, 1)), np.zeros((1, 12, 1, 1))
    scores[0, 4], deltas[0, 6] = 1.0, 4.5  # the square one, dw
    found = adapter.proposal_layer(scores, deltas, [5000, 5000, 1], "TEST", 16, [1], post_nms_topN=1)
    np.testing.assert_allclose(found, [[0, 0, 0, 8 + 8 * math.exp(4.5), 16]], rtol=1e-6)


def test_phases_have_their_numbers() -> None:
    rng = np.random.default_rng(1)
    side = 46  # 6348 anchors, wide apart: few suppress each other
    scores, deltas = rng.uniform(size=(1, 6, side, side)), np.full((1, 12, side, side), -0.5)
    info = (16 * side, 16 * side, 0.05)
    for phase, most in (("TEST", 300), ("TRAIN", 2000)):
        assert len(adapter.proposal_layer(scores, deltas, info, phase, 16, [1])) == most
    few = adapter.proposal_layer(scores, deltas, info, "TEST", 16, [1], post_nms_topN=0, nms_thresh=1.0)
    assert len(few) == 6000
    with pytest.raises(ValueError, match="cfg_key"):
        adapter.proposal_layer(scores, deltas, info, "VALID")
    with pytest.raises(ValueError, match=r"rpn_cls_prob_reshape must have shape \(1, 18, H, W\), got \(1, 6, 46, 46\)"):
        adapter.proposal_layer(scores, deltas, info, "TEST")
    with pytest.raises(ValueError, match=r"rpn_bbox_pred must have shape \(1, 12, 46, 46\)"):
        adapter.proposal_layer(scores, deltas[:, :, 1:], info, "TEST", 16, [1])
    with pytest.raises(ValueError, match="nms_thresh"):
        adapter.proposal_layer(scores, deltas, info, "TEST", 16, [1], nms_thresh=2.0)
    with pytest.raises(TypeError, match="post_nms_topN"):
        adapter.proposal_layer(scores, deltas, info, "TEST", 16, [1], post_nms_topN=0.5)


# ---- VOC -------------------------------------------------------------------------------------------------------------

def annotation(rows: list[list[int]], names: list[str], difficult: list[int]) -> str:
    text = "<annotation>"
    for box, name, flag in zip(rows, names, difficult, strict=True):
        corners = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box))
        text += f"<object><name>{name}</name><pose>Left</pose><truncated>1</truncated>"
        text += f"<difficult>{flag}</difficult><bndbox>{corners}</bndbox></object>"
    return text + "</annotation>"


def files(folder: Path, rng: np.random.Generator) -> tuple[tuple[str, str, str], list[Any], list[Any]]:
    """A small data set, and the same as lists for the definition."""
    found, truth, lines = [], [], []
    for image in range(int(rng.integers(1, 4))):
        rows = boxes_of(rng, int(rng.integers(0, 4)), True).astype(int) + 1
        names = rng.choice(["cat", "dog"], len(rows)).tolist()
        flags = rng.integers(0, 2, len(rows)).tolist()
        (folder / f"im{image}.xml").write_text(annotation(rows.tolist(), names, flags))
        cats = [i for i, name in enumerate(names) if name == "cat"]
        truth.append(
            {
                "boxes": rows[cats].tolist(),
                "labels": [0] * len(cats),
                "difficult": [bool(flags[i]) for i in cats],
            }
        )
        own: tuple[list[Any], ...] = ([], [], [])
        for row in np.repeat(rows, 2, axis=0):
            box = (row + rng.integers(-2, 3, 4)).astype(float)
            box[2:] = np.maximum(box[2:], box[:2])
            score = round(float(rng.uniform()), 6)
            for part, value in zip(own, (box.tolist(), score, 0), strict=True):
                part.append(value)
            lines.append(f"im{image} {score} {' '.join(map(str, box))}")
        found.append(own)
    (folder / "set.txt").write_text("".join(f"im{i}\n" for i in range(len(found))))
    (folder / "det_cat.txt").write_text("\n".join(lines))
    return (f"{folder}/det_{{}}.txt", f"{folder}/{{}}.xml", f"{folder}/set.txt"), found, truth


def test_voc_eval_is_the_definition(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    for case in range(max(CASES // 10, 10)):
        paths, found, truth = files(tmp_path, rng)
        old, thresh = case % 2 == 0, float(rng.choice([0.3, 0.5, 0.7]))
        rec, prec, ap = adapter.voc_eval(*paths, "cat", str(tmp_path / "cache"), thresh, old)
        count = sum(not flag for image in truth for flag in image["difficult"])
        assert len(rec) == len(prec) == sum(len(own[0]) for own in found)
        if count == 0:
            assert math.isnan(ap)
            assert np.isnan(rec).all()
            continue
        wanted = evaluate_voc(found, truth, thresh, "11-point" if old else "area", ">", 1)
        assert ap == pytest.approx(wanted[0], abs=1e-12)
        if len(rec):
            assert adapter.voc_ap(rec, prec, old) == pytest.approx(ap, abs=1e-12)
    assert not (tmp_path / "cache").exists()


def test_a_cache_is_never_read(tmp_path: Path) -> None:
    """The original would unpickle this file, and with it run whatever it says."""
    paths, _, _ = files(tmp_path, np.random.default_rng(2))
    marker = tmp_path / "it ran"
    (tmp_path / "annots.pkl").write_bytes(f"cposix\nsystem\n(Vtouch '{marker}'\ntR.".encode())
    adapter.voc_eval(*paths, "cat", str(tmp_path))
    assert not marker.exists()


def test_voc_files_with_faults(tmp_path: Path) -> None:
    paths, _, _ = files(tmp_path, np.random.default_rng(4))
    results = tmp_path / "det_cat.txt"
    for text, pattern in (
        ("nowhere 0.5 1 2 3 4", "line 1: image 'nowhere' is not in the list"),
        ("im0 0.5 1 2 3", "line 1: must hold an image, a score and four coordinates"),
        ("im0 0.5 1 2 3 nan", "line 1: must hold an image, a score and four coordinates"),
        ("\nim0 0.5 1 2 3 x", "line 2: must hold an image and numbers"),
    ):
        results.write_text(text)
        with pytest.raises(ValueError, match=pattern):
            adapter.voc_eval(*paths, "cat", None)
    results.write_text("")
    (tmp_path / "set.txt").write_text("im0\nim0\n")
    with pytest.raises(ValueError, match="lists an image twice"):
        adapter.voc_eval(*paths, "cat", None)
    with pytest.raises(OSError, match="missing"):
        adapter.voc_eval(*paths[:2], tmp_path / "missing", "cat", None)
    with pytest.raises(TypeError, match="classname"):
        adapter.voc_eval(*paths, 3, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ovthresh"):
        adapter.voc_eval(*paths, "cat", None, 1.5)


def test_a_class_without_detections(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(annotation([[1, 1, 9, 9]], ["cat"], [0]))
    (tmp_path / "set.txt").write_text("a\n")
    (tmp_path / "cat.txt").write_text("")
    rec, prec, ap = adapter.voc_eval(f"{tmp_path}/{{}}.txt", f"{tmp_path}/{{}}.xml", tmp_path / "set.txt", "cat", "")
    assert (len(rec), len(prec), ap) == (0, 0, 0.0)


def test_half_an_object_is_not_found(tmp_path: Path) -> None:
    """The overlap must be greater than the threshold; of tied scores one goes first, whichever."""
    (tmp_path / "a.xml").write_text(annotation([[1, 1, 10, 10]], ["cat"], [0]))
    (tmp_path / "set.txt").write_text("a\n")
    (tmp_path / "cat.txt").write_text("a 0.9 1 1 10 5\na 0.8 1 1 10 6\na 0.8 1 1 10 6")
    paths = f"{tmp_path}/{{}}.txt", f"{tmp_path}/{{}}.xml", tmp_path / "set.txt"
    rec, prec, ap = adapter.voc_eval(*paths, "cat", "")
    assert rec.tolist() == [0.0, 1.0, 1.0]
    assert prec.tolist() == [0.0, 0.5, 1 / 3]
    assert ap == 0.5


def test_parse_rec(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(annotation([[1, 2, 3, 4]], ["cat"], [1]))
    wanted = {"name": "cat", "pose": "Left", "truncated": 1, "difficult": 1, "bbox": [1, 2, 3, 4]}
    assert adapter.parse_rec(str(file)) == [wanted]
    file.write_text(file.read_text().replace("<xmin>1<", "<xmin>1.5<").replace("<difficult>1</difficult>", ""))
    assert adapter.parse_rec(file) == [{**wanted, "difficult": 0, "bbox": [1.5, 2, 3, 4]}]
    file.write_text("<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>")
    with pytest.raises(ValueError, match="document type"):
        adapter.parse_rec(file)


@pytest.mark.parametrize(("recall", "precision", "old", "wanted"), [
    ([], [], False, 0.0),
    ([0.5, 0.5, 1.0], [1.0, 0.5, 0.6], False, 0.8),
    ([0.3, 1.0], [1.0, 0.5], True, (3 * 1.0 + 8 * 0.5) / 11),  # 3 / 10 does not reach the fourth level
])  # fmt: skip
def test_voc_ap(recall: list[float], precision: list[float], old: bool, wanted: float) -> None:
    assert adapter.voc_ap(recall, precision, old) == pytest.approx(wanted, abs=1e-15)
    assert adapter.voc_ap(np.array(recall), np.array(precision), use_07_metric=old) == pytest.approx(wanted)


# ---- tensors, and what is refused ------------------------------------------------------------------------------------

def test_tensors_go_in() -> None:
    torch = pytest.importorskip("torch")
    table = torch.tensor(GOOD, requires_grad=True)
    assert adapter.nms(table, 0.3) == adapter.nms(np.array(GOOD), 0.3)
    assert adapter.bbox_overlaps(table, table).shape == (2, 2)
    rows = torch.tensor([[-5.0, 10, 700, 500]])
    assert adapter.clip_boxes(rows, (480, 640)) is rows
    assert rows.tolist() == [[0, 10, 639, 479]]


@pytest.mark.parametrize("function", [adapter.nms, adapter.py_cpu_nms, adapter.cpu_nms])
def test_bad_detections_are_refused(function: Any) -> None:
    values = hostile(GOOD)
    values["x2 before x1"] = [*GOOD, [9.0, 0.0, 1.0, 1.0, 0.5]]
    values["a score that is no number"] = [*GOOD, [0.0, 0.0, 1.0, 1.0, np.nan]]
    values["four columns"] = np.ones((2, 4))
    values["tied, and one infinite"] = [*GOOD, *GOOD, [0.0, 0.0, np.inf, 1.0, 0.5]]
    refuses(function, {"dets": GOOD, "thresh": 0.5}, "dets", values)
    values = {"NaN": math.nan, "text": "0.5", "None": None, "over": 1.5, "under": -0.1, "array": [0.5, 0.5]}
    refuses(function, {"dets": GOOD, "thresh": 0.5}, "thresh", values)


def test_the_row_is_the_callers() -> None:
    rows = [[0.0, 0, 1, 1, 0.5], [0.0, 0, 1, 1, 0.5], [5.0, 0, 1, 1, 0.9]]
    with pytest.raises(ValueError, match=r"dets\[2\]"):
        adapter.nms(rows, 0.5)
    with pytest.raises(ValueError, match=r"the fifth column of dets\[1\] is not finite"):
        adapter.nms([[0.0, 0, 1, 1, 0.5], [0.0, 0, 1, 1, np.inf]], 0.5)


@pytest.mark.parametrize(("function", "arguments"), [
    (adapter.bbox_overlaps, ("boxes", "query_boxes")),
    (adapter.bbox_transform, ("ex_rois", "gt_rois")),
    (adapter.bbox_transform_inv, ("boxes", "deltas")),
])  # fmt: skip
def test_bad_boxes_are_refused(function: Any, arguments: tuple[str, str]) -> None:
    good = [row[:4] for row in GOOD]
    for name in arguments:
        values = hostile(good)
        if name == "deltas":
            values = {what: value for what, value in values.items() if what != "far out"}
        refuses(function, dict.fromkeys(arguments, good), name, values)


def test_bad_outputs_of_a_network_are_refused() -> None:
    good = {
        "rpn_cls_prob_reshape": np.ones((1, 18, 1, 2)), "rpn_bbox_pred": np.zeros((1, 36, 1, 2)),
        "im_info": [[100.0, 100.0, 1.0]], "cfg_key": "TEST",
    }  # fmt: skip
    for name in ("rpn_cls_prob_reshape", "rpn_bbox_pred", "im_info"):
        values = {"None": None, "text": "x", "complex": np.ones((1, 18, 1, 2), complex), "empty": [], "flat": [1, 1]}
        refuses(adapter.proposal_layer, good, name, values)
    bad = good["rpn_bbox_pred"].copy()
    bad[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="deltas"):
        adapter.proposal_layer(**{**good, "rpn_bbox_pred": bad})
