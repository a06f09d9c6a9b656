"""How the weights of the ranking are made: samples, trees, and the curve from gains to chances."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import detutils
from benchmarks import bench_fit_ranking as fitting, network_fit
from benchmarks.__main__ import main as benchmarks_main
from detutils.proposals import ranking
from detutils.proposals._kernels import cues as kernels
from detutils.proposals._kernels.contrasts import CONTRASTS, describe_contrasts
from detutils.proposals._kernels.network import add_outputs
from detutils.proposals.cues import CUES
from detutils.proposals.ranking import expected


@pytest.mark.parametrize("seed", range(5))
def test_chances_never_fall_and_are_those_of_the_boxes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gains = np.exp(rng.normal(-5, 2, 20_000))
    truth = np.clip(0.5 + 0.1 * np.log(gains), 0.02, 0.9)
    knots = fitting.calibrate(gains, rng.random(len(gains)) < truth)
    assert knots.shape[1] <= fitting.CHANCES
    assert (np.diff(knots[0]) > 0).all()
    assert (np.diff(knots[1]) >= 0).all()
    assert knots[1].min() > 0
    told = np.interp(np.log(gains), *knots)
    assert np.abs(told - truth).mean() < 0.02


def test_chances_where_the_best_gains_are_never_right() -> None:
    """The closest curve that never falls is the mean everywhere."""
    gains = np.arange(1.0, 1001.0)
    knots = fitting.calibrate(gains, gains <= 500)
    assert knots.shape == (2, 1)
    assert knots[1, 0] == 500.5 / 1001


def test_a_sample_has_every_box_that_covers_an_object() -> None:
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 80, (2000, 2))
    boxes = np.hstack([corner, corner + 20]).astype(np.int32)
    objects = np.array([[30.0, 30.0, 50.0, 50.0], [200.0, 200.0, 220.0, 220.0]])
    numbers = np.arange(2000.0)[:, None].astype(np.float32)
    image = fitting.Image(boxes, np.arange(2000), numbers, np.ones(2000), (100, 100))
    some = fitting.sample(image, objects, rng)
    shift = np.abs(corner - 30)
    inner = np.maximum(20 - shift, 0).prod(axis=1)
    overlaps = inner / (800 - inner)
    chosen = some.cues[:, 0].astype(int)
    assert set(np.flatnonzero(overlaps > 0.5)) == set(chosen[some.rows])
    assert (some.objects == 0).all()
    np.testing.assert_allclose(some.covers, (2 * overlaps[chosen[some.rows]] - 1) ** 2)
    np.testing.assert_allclose(some.ways, np.tile((30 - corner[chosen[some.rows]]) / 20, 2))
    assert (some.counts == np.where(overlaps[chosen] > 0.5, 1, 16)).all()
    assert abs(some.counts.sum() - 2000) < 500


def test_cues_of_a_mirrored_picture() -> None:
    """Means and contrasts of mirrored maps, directions turned around, are those of the maps in other columns."""
    rng = np.random.default_rng(3)
    maps = rng.integers(0, 200, (kernels.CHANNELS, 16, 24)).astype(np.uint32)
    flipped = maps[:, :, ::-1].copy()
    flipped[4:10] = flipped[9:3:-1].copy()
    boxes = np.array([[0, 0, 24, 16], [4, 4, 12, 12], [8, 0, 24, 8], [0, 8, 4, 16]], np.int32)
    turned = np.ascontiguousarray(boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [24, 0, 24, 0])
    found = []
    for channels, some in ((maps, boxes), (flipped, turned.astype(np.int32))):
        integral = np.zeros((17, 25, kernels.CHANNELS), np.uint32)
        integral[1:, 1:] = np.moveaxis(channels.cumsum(1).cumsum(2), 0, 2)
        columns = np.random.default_rng(5).random((len(boxes), CUES)).astype(np.float32)
        place = CUES - CONTRASTS - kernels.APPEARANCE
        kernels.describe_cells(some, integral, 1, np.float32(1), columns, place)
        describe_contrasts(columns, place, CUES - CONTRASTS)
        found.append(columns)
    places = fitting.mirror()
    np.testing.assert_allclose(found[0][:, places], found[1], rtol=1e-4, atol=1e-4)
    assert (found[0] != found[1]).mean() > 0.5
    np.testing.assert_array_equal(places[places], np.arange(CUES))


def test_trees_find_where_objects_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in forty candidates, those with a third cue over 1.5, covers an object; the sum is the number of objects."""
    pytest.importorskip("lightgbm")
    monkeypatch.setattr(fitting, "TREES", 40)
    monkeypatch.setattr(network_fit, "EPOCHS", 4)
    monkeypatch.setattr(network_fit, "BATCH", 2)
    monkeypatch.setitem(fitting.OPTIONS, "feature_fraction", 1.0)
    monkeypatch.setitem(fitting.WAY_OPTIONS, "feature_fraction", 1.0)
    rng, samples = np.random.default_rng(0), []
    for _ in range(10):
        features = rng.normal(size=(2000, CUES)).astype(np.float32)
        rows = np.flatnonzero(features[:, 2] > 1.5)
        ways = np.where(features[rows, 3:4] > 0, [0.25, 0.0, -0.25, 0.5], [-0.25, 0.5, 0.25, 0.0])
        objects = np.arange(len(rows)) % 20
        samples.append(fitting.Sample(features, np.ones(2000), rows, objects, np.full(len(rows), 0.5), ways))
    model = fitting.fit(samples)
    every = np.concatenate([s.cues for s in samples])
    _, told = expected(model, every)
    # What a cue that has no sides tells of left and right must be symmetric.
    above, below = told[every[:, 3] > 0.3].mean(axis=0), told[every[:, 3] < -0.3].mean(axis=0)
    np.testing.assert_allclose(above, [0.25, 0.0, -0.25, 0.5], atol=0.05)
    np.testing.assert_allclose(below, [-0.25, 0.5, 0.25, 0.0], atol=0.05)
    found = np.concatenate([expected(model, s.cues)[0] for s in samples])
    good = np.concatenate([s.cues[:, 2] > 1.5 for s in samples])
    assert np.quantile(found[good], 0.1) > 3 * np.quantile(found[~good], 0.9)
    places = fitting.mirror()
    flipped = [expected(model, np.ascontiguousarray(s.cues[:, places]))[0] for s in samples]
    np.testing.assert_allclose(found.sum() + np.sum(flipped), 2 * 200, rtol=1e-6)


def test_slopes_of_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the sum of the outputs' squares, against differences, with nothing dropped."""
    monkeypatch.setattr(network_fit, "DROPPED", 0.0)
    monkeypatch.setattr(network_fit, "DROPPED_INPUTS", 0.0)
    rng = np.random.default_rng(1)
    parts = [rng.normal(size=shape) for shape in ((5, 4), (4,), (4, 3), (3,), (3,), (1,))]
    inputs = rng.normal(size=(7, 5))

    def outputs() -> np.ndarray:
        return network_fit._forward(parts, inputs, rng).deep @ parts[4] + parts[5]

    found = network_fit._backward(parts, network_fit._forward(parts, inputs, rng), 2 * outputs())
    for part, slopes in zip(parts, found, strict=True):
        for place in np.ndindex(part.shape):
            sums = []
            for step in (1e-5, -1e-5):
                was = part[place]
                part[place] += step
                sums.append((outputs() ** 2).sum())
                part[place] = was
            assert slopes[place] == pytest.approx((sums[0] - sums[1]) / 2e-5, rel=1e-3, abs=1e-5)


def test_a_network_learns_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The larger of two features, of many that say nothing; columns that are mirrored take part as one another."""
    monkeypatch.setattr(network_fit, "EPOCHS", 60)
    rng = np.random.default_rng(2)
    images = [rng.normal(size=(80, 6)).astype(np.float32) for _ in range(24)]
    goals = [np.maximum(image[:, 0], image[:, 1]) for image in images]

    def slopes(chosen: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        return (outputs - np.concatenate([goals[i] for i in chosen])) / len(outputs)

    network = network_fit.fit_network(images, np.array([1, 0, 2, 3, 5, 4]), slopes, start=0.5)
    assert all((part == part.astype(np.float16)).all() for part in network)
    fresh = rng.normal(size=(500, 6)).astype(np.float32)
    told = np.zeros(500)
    add_outputs(fresh, tuple(network), told)
    assert np.corrcoef(told, fresh[:, :2].max(axis=1))[0, 1] > 0.95


@pytest.mark.slow
def test_the_command_makes_weights_that_the_package_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a COCO file to a table and to ``ranking.npz``, with few trees: sixteen scenes of bright rectangles."""
    pytest.importorskip("lightgbm")
    for module, name, value in (
        (fitting, "TREES", 12), (fitting, "WAY_TREES", 4), (fitting, "FOLDS", 2),
        (network_fit, "EPOCHS", 3), (network_fit, "BATCH", 4),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    rng, images, annotations = np.random.default_rng(0), [], []
    for number in range(16):
        scene = rng.integers(90, 110, (96, 128, 3), dtype=np.uint8)
        for _ in range(3):
            x, y, w, h = (int(v) for v in (*rng.integers(4, 60, 2), *rng.integers(16, 32, 2)))
            scene[y : y + h, x : x + w] = rng.integers(0, 256, 3)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": 1, "bbox": [x, y, w, h],
                 "area": w * h, "iscrowd": 0}
            )  # fmt: skip
        detutils.write_image(tmp_path / f"{number}.png", scene)
        images.append({"id": number, "file_name": f"{number}.png", "width": 128, "height": 96})
    truth = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "rectangle"}]}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    monkeypatch.chdir(tmp_path)
    words = ["fit_ranking", "--images", str(tmp_path), "--annotations", str(tmp_path / "truth.json")]
    assert benchmarks_main(words) == 0
    model = ranking.read(tmp_path / "ranking.npz")
    assert len(model.trees.asked) == 12
    assert len(model.ways.asked) == 16
    cells = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| fitted, moved")).split("|")
    assert float(cells[2].split()[0]) > 0.9  # rectangles are easy
    monkeypatch.setattr(ranking, "weights", lambda: model)
    boxes, chances = detutils.selective_search(detutils.read_image(tmp_path / "0.png"))
    objects = detutils.box_convert(np.array([a["bbox"] for a in annotations[:3]], float), "xywh", "xyxy")
    best = detutils.box_iou(boxes[:20], objects)
    assert (best.max(axis=0) > 0.5).sum() >= 2
    assert (np.diff(chances) <= 0).all()
