"""What R-CNN learns, from whatever it is given, and what it refuses to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils import (
    box_features,
    evaluate_voc,
    make_scenes,
    train_rcnn,
    write_image,
    write_scenes,
)
from detutils.rcnn.classifier import ImageRows, scores_of, signs_of, train_classifier
from tests.cases import JIT, size
from tests.rcnn.world import CALLS, SIDE, colors, judge, trained, windows, world


def test_it_finds_what_it_was_shown_and_regression_helps() -> None:
    model = trained(*world(size(20, 12), seed=1))
    images, dataset = world(size(12, 8), seed=2)
    assert judge(model, images, dataset, 0.5) > 0.8
    assert judge(model, images, dataset, 0.7) > judge(model, images, dataset, 0.7, regress=False) + 0.1
    boxes, scores, labels, _ = model.detect(images[0])
    assert (np.diff(scores) <= 0).all()
    assert set(labels.tolist()) <= {0, 1}  # a class that was never shown is never found
    assert (boxes >= 0).all()
    assert (boxes <= SIDE).all()
    assert (scores > -1.0).all()


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="Selective Search takes minutes as plain Python")
def test_synthetic_scenes_with_everything_by_default() -> None:
    images, dataset = make_scenes(3, seed=1, image_size=(96, 128))
    model = train_rcnn(dataset, images)
    found = [model.detect(image) for image in images]
    assert evaluate_voc(found, dataset.images).mean_ap > 0.6  # the images that it has learned from


def test_rounds_end_when_nothing_is_hard_any_more() -> None:
    images, dataset = world(4, seed=3)
    passes: list[str] = []
    few = trained(images, dataset, rounds=40, progress=lambda stage, done, total: passes.append(stage))
    count = len({stage for stage in passes if stage.startswith("classifiers")})
    assert 2 < count < 40
    np.testing.assert_array_equal(trained(images, dataset, rounds=10**9).weights, few.weights)


def test_the_classifier_equals_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 5], [50, 50, 60, 60], [70, 70, 80, 80]])
    image = ImageRows(rng.normal(size=(5, 3)), boxes, boxes[:1], np.array([1]), boxes[4:])
    signs = signs_of(image, 2, 0.7, 0.3)
    np.testing.assert_array_equal(signs, [[-1, 1], [-1, 1], [-1, 0], [-1, -1], [0, 0]])
    settings = {"alpha": 2.0, "positive_iou": 0.7, "negative_iou": 0.3, "negatives": 10, "memory": 1}
    weights = train_classifier(lambda: [image], 2, rounds=0, rng=rng, **settings)
    table = np.hstack([image.features, np.ones((5, 1))])[[0, 1, 3]]
    expected = np.linalg.solve(table.T @ table + 2.0 * np.eye(4), table.T @ [1.0, 1.0, -1.0])
    np.testing.assert_allclose(weights[:, 1], expected, rtol=1e-10)
    np.testing.assert_array_equal(weights[:, 0], [0, 0, 0, -1.0])  # nothing shows class 0
    scores = scores_of(image.features, weights)
    np.testing.assert_allclose(scores[:, 1], image.features @ expected[:3] + expected[3])


def test_hard_negatives_are_pushed_down() -> None:
    """A background row like the object, missed by the random choice, scores lower after a round."""
    boxes = np.array([[0.0, 0, 10, 10], *([50.0 + i, 50, 60 + i, 60] for i in range(40))])
    table = np.vstack([[1.0, 0.0], np.tile([0.0, 1.0], (39, 1)), [0.9, 0.1]])
    image = ImageRows(table, boxes, boxes[:1], np.array([0]), np.empty((0, 4)))
    settings = {"alpha": 0.01, "positive_iou": 0.7, "negative_iou": 0.3, "negatives": 2, "memory": 1}

    def rng() -> np.random.Generator:
        return np.random.default_rng(1)

    before, after = (
        scores_of(table, train_classifier(lambda: [image], 1, rounds=n, rng=rng(), **settings))
        for n in (0, 1)
    )
    assert before[-1, 0] > 0.5
    assert after[-1, 0] < before[-1, 0] - 0.4


@pytest.mark.parametrize("memory", [1, 1 << 24, 1 << 30])
def test_memory_changes_the_passes_and_not_the_result(memory: int) -> None:
    images, dataset = world(6, seed=3)
    model = trained(images, dataset, memory=memory)
    np.testing.assert_allclose(model.weights, trained(images, dataset).weights, rtol=0, atol=1e-9)


def test_the_seed_decides() -> None:
    images, dataset = world(6, seed=4)
    one, two, other = (trained(images, dataset, seed=seed, negatives=3, rounds=0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.weights, two.weights)
    assert not np.array_equal(one.weights, other.weights)


def test_jitter_gives_the_regressor_more_to_learn_from() -> None:
    images, dataset = world(6, seed=14)
    rows = [trained(images, dataset, jitter=n).regressor.n_samples_ for n in (0, 20)]  # type: ignore[union-attr]
    assert (rows[1][:2] > rows[0][:2] + 20).all()
    one, two, other = (trained(images, dataset, jitter=3, seed=seed).weights for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_difficult_and_crowded_objects_teach_nothing() -> None:
    images, dataset = world(6, seed=5)
    plain = trained(images, dataset, rounds=0, negatives=1000)
    for field in ("difficult", "crowd"):
        records = [record._replace(**{field: np.ones(2, bool)}) for record in dataset.images[3:]]
        marked = dataset._replace(images=[*dataset.images[:3], *records])
        assert not np.array_equal(trained(images, marked, rounds=0, negatives=1000).weights, plain.weights)
    crowded = [record._replace(crowd=np.ones(2, bool)) for record in dataset.images]
    everything = dataset._replace(images=crowded)
    with pytest.raises(ValueError, match="nothing to learn from"):
        trained(images, everything)


# ---- given features ----------------------------------------------------------------------------------------

def test_features_from_files_teach_the_same(tmp_path: Path) -> None:
    images, dataset = world(8, seed=6)
    usual = trained(images, dataset)
    proposals, features = [], []
    for i, (image, record) in enumerate(zip(images, dataset.images, strict=True)):
        proposals.append(np.vstack([record.boxes, windows(image)]))
        np.save(tmp_path / f"{i}.npy", colors(image, proposals[-1]))
        features.append(np.load(tmp_path / f"{i}.npy", mmap_mode="r"))
    model = trained(images, dataset, features=features, proposals=proposals)
    np.testing.assert_allclose(model.weights, usual.weights, rtol=1e-9, atol=1e-12)
    one = usual.detect_features(features[0], proposals[0], (SIDE, SIDE))
    two = model.detect_features(features[0], proposals[0], (SIDE, SIDE))
    np.testing.assert_allclose(one.boxes, two.boxes)
    np.testing.assert_array_equal(one.labels, two.labels)
    CALLS.clear()
    trained(images, dataset, proposals=proposals)  # proposals given, features made
    assert "windows" not in CALLS
    with pytest.raises(ValueError, match="need the proposals"):
        trained(images, dataset, features=features)
    with pytest.raises(ValueError, match=r"features\[0\] must have shape \(.*, D\)"):
        trained(images, dataset, features=[table[1:] for table in features], proposals=proposals)


def test_images_from_a_folder(tmp_path: Path) -> None:
    images, dataset = world(4, seed=12)
    for image, record in zip(images, dataset.images, strict=True):
        write_image(tmp_path / record.name, image)
    expected = trained(images, dataset).weights
    np.testing.assert_array_equal(trained(tmp_path, dataset).weights, expected)  # type: ignore[arg-type]
    paths = [tmp_path / record.name for record in dataset.images]
    np.testing.assert_array_equal(trained(paths, dataset).weights, expected)  # type: ignore[arg-type]
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:60])
    with pytest.raises((OSError, ValueError), match=r"2\.png"):
        trained(tmp_path, dataset)  # type: ignore[arg-type]
    (tmp_path / "2.png").unlink()
    with pytest.raises(OSError, match=r"2\.png"):
        trained(tmp_path, dataset)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="no folder"):
        trained(tmp_path / "nowhere", dataset)  # type: ignore[arg-type]


def test_a_data_set_of_scenes_from_a_folder(tmp_path: Path) -> None:
    from detutils import read_coco

    scenes = make_scenes(4, seed=13, image_size=(64, 80))
    dataset = read_coco(write_scenes(scenes, tmp_path))

    def few(image: Any) -> np.ndarray:
        return np.array([[0.0, 0, 30, 30], [20, 20, 70, 60]])

    def small(image: Any, boxes: np.ndarray) -> np.ndarray:
        return box_features(image, boxes, size=16, cell=8)

    model = train_rcnn(dataset, tmp_path, features=small, proposals=few)
    assert len(model.detect(scenes.images[0]).boxes) <= 100


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"alpha": 0.0}, ValueError, "alpha must be greater than 0"),
        ({"positive_iou": 1.5}, ValueError, "positive_iou"),
        ({"positive_iou": 0.2}, ValueError, "negative_iou must not exceed positive_iou"),
        ({"negatives": 0}, ValueError, "negatives must be at least 1"),
        ({"jitter": -1}, ValueError, "jitter must be at least 0"),
        ({"rounds": -1}, ValueError, "rounds"),
        ({"memory": 0}, ValueError, "memory"),
        ({"seed": -1}, ValueError, "seed"),
        ({"regressor": 3}, TypeError, "regressor must be a BoxRegressor"),
        ({"progress": 3}, TypeError, "progress must be callable"),
        ({"cache": 3}, TypeError, "cache must be"),
        ({"features": "hog"}, TypeError, "features must be a sequence"),
        ({"proposals": [np.ones((1, 4))]}, ValueError, "proposals has 1 entries for 2 images"),
        ({"proposals": lambda image: np.ones((2, 5))}, ValueError, r"proposals\(image\) must have shape"),
        ({"features": lambda image, boxes: np.ones((1, 5))}, ValueError, r"features\(image, boxes\) must"),
        ({"features": lambda image, boxes: np.full((len(boxes), 5), np.nan)}, ValueError, "is not finite"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        trained(*world(2), **options)


def test_bad_data_sets() -> None:
    images, dataset = world(2)
    with pytest.raises(TypeError, match="dataset must be a Dataset"):
        trained(images, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="images has 1 entries for 2 images"):
        trained(images[:1], dataset)
    for single in (3, np.float64(3), np.array(3)):
        with pytest.raises(TypeError, match="images must be a sequence"):
            trained(single, dataset)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no classes"):
        trained(images, dataset._replace(class_names=()))
    wrong = dataset.images[0]._replace(labels=np.array([1, 5]))
    with pytest.raises(ValueError, match=r"images\[0\] has a label outside 0\.\.0"):
        trained(images, dataset._replace(images=[wrong, dataset.images[1]], class_names=("one",)))
    with pytest.raises(ValueError, match="nothing to learn from"):
        trained([], dataset._replace(images=[]))
    with pytest.raises(ValueError, match=r"images\[1\]"):
        trained([images[0], np.zeros((3, 3, 7), np.uint8)], dataset)
    nothing = {"boxes": np.empty((0, 4)), "labels": np.empty(0, np.int64)}
    no = np.empty(0, bool)
    empty = [record._replace(**nothing, difficult=no, crowd=no) for record in dataset.images]
    with pytest.raises(ValueError, match="nothing to learn from"):
        trained(images, dataset._replace(images=empty))
    mixed = trained([*images, images[0]], dataset._replace(images=[*dataset.images, empty[0]]))
    assert len(mixed.class_names) == 3
