"""R-CNN from end to end: what it learns, what it keeps on disk, what it refuses."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils import (
    RCNN,
    AnnotatedImage,
    BoxRegressor,
    Dataset,
    box_features,
    evaluate_voc,
    make_scenes,
    train_rcnn,
    write_image,
    write_scenes,
)
from detutils.rcnn.cache import FeatureCache, key_of
from detutils.rcnn.classifier import ImageRows, scores_of, signs_of, train_classifier
from tests.cases import BAD_BOXES, BAD_IMAGES, BAD_THRESHOLDS, JIT, size

SIDE = 96
CALLS: list[str] = []


def world(count: int, seed: int = 0) -> tuple[list[np.ndarray], Dataset]:
    """Bright squares on black: class 0 is red, class 1 green; class 2 never occurs."""
    rng = np.random.default_rng(seed)
    images, records = [], []
    for i in range(count):
        image = rng.integers(0, 40, (SIDE, SIDE, 3)).astype(np.uint8)
        boxes, labels = [], []
        for column in (4, 52):
            x, y = column + int(rng.integers(0, 12)), int(rng.integers(4, 50))
            side, label = int(rng.integers(20, 30)), int(rng.integers(0, 2))
            image[y : y + side, x : x + side, label] = 220
            boxes.append([x, y, x + side, y + side])
            labels.append(label)
        no = np.zeros(2, bool)
        places = np.array(boxes, float)
        known = np.array(labels)
        records.append(AnnotatedImage(f"{i}.png", (SIDE, SIDE), places, known, no, no, no, no * 1.0, i))
        images.append(image)
    return images, Dataset(records, ("red", "green", "blue"), (1, 2, 3))


def windows(image: Any) -> np.ndarray:
    """Every window of one size on a grid, and around each bright pixel column some looser ones."""
    CALLS.append("windows")
    steps = np.arange(0, SIDE - 27, 6.0)
    corner = np.array([(x, y) for y in steps for x in steps])
    return np.hstack([corner, corner + 27.0])


def colours(image: Any, boxes: np.ndarray) -> np.ndarray:
    """Mean colour of the four quarters of the window and of the strips along its borders."""
    CALLS.append("colours")
    rows = []
    for x1, y1, x2, y2 in np.asarray(boxes).round().astype(int):
        x, y = (x1 + x2) // 2, (y1 + y2) // 2
        quarters = [(y1, y, x1, x), (y1, y, x, x2), (y, y2, x1, x), (y, y2, x, x2)]
        strips = [(y1 - 6, y1, x1, x2), (y2, y2 + 6, x1, x2), (y1, y2, x1 - 6, x1), (y1, y2, x2, x2 + 6)]
        means = []
        for a, b, c, d in quarters + strips:
            part = image[max(a, 0) : max(b, 0), max(c, 0) : max(d, 0), :2]
            means.append(part.mean(axis=(0, 1)) / 255 if part.size else np.zeros(2))
        rows.append(np.concatenate(means))
    return np.array(rows).reshape(len(boxes), 16)


def trained(images: list[np.ndarray], dataset: Dataset, **options: Any) -> RCNN:
    settings: dict[str, Any] = {"features": colours, "proposals": windows, "alpha": 0.1, "negatives": 40}
    settings |= {"regressor": BoxRegressor(0.1, min_iou=0.4), "jitter": 0}
    return train_rcnn(dataset, images, **{**settings, **options})


def judge(model: RCNN, images: list[np.ndarray], dataset: Dataset, iou: float, regress: bool = True) -> float:
    found = [model.detect(image, regress=regress) for image in images]
    return evaluate_voc(found, dataset.images, iou_threshold=iou).mean_ap


# ---- what it learns ----------------------------------------------------------------------------------------

def test_it_finds_what_it_was_shown_and_regression_helps() -> None:
    model = trained(*world(size(30, 12), seed=1))
    images, dataset = world(size(20, 8), seed=2)
    assert judge(model, images, dataset, 0.5) > 0.8
    assert judge(model, images, dataset, 0.7) > judge(model, images, dataset, 0.7, regress=False) + 0.1
    boxes, scores, labels = model.detect(images[0])[:3]
    assert (np.diff(scores) <= 0).all()
    assert set(labels.tolist()) <= {0, 1}  # a class that was never shown is never found
    assert (boxes >= 0).all()
    assert (boxes <= SIDE).all()
    assert (scores > -1.0).all()


@pytest.mark.skipif(not JIT, reason="Selective Search takes minutes as plain Python")
def test_synthetic_scenes_with_everything_by_default() -> None:
    images, dataset = make_scenes(12, seed=1, image_size=(96, 128))
    model = train_rcnn(dataset, images)
    found = [model.detect(image) for image in images]
    assert evaluate_voc(found, dataset.images).mean_ap > 0.6  # the images that it has learned from


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
        np.save(tmp_path / f"{i}.npy", colours(image, proposals[-1]))
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


# ---- the cache ---------------------------------------------------------------------------------------------

def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    images, dataset = world(5, seed=7)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "features" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(images, dataset, cache=tmp_path, progress=stop)
    CALLS.clear()
    model = trained(images, dataset, cache=tmp_path)
    assert CALLS.count("colours") == 2
    CALLS.clear()
    again = trained(images, dataset, cache=tmp_path)
    assert CALLS == []
    np.testing.assert_array_equal(model.weights, again.weights)
    np.testing.assert_array_equal(model.weights, trained(images, dataset).weights)


def test_whatever_has_changed_is_made_again(tmp_path: Path) -> None:
    images, dataset = world(3, seed=8)
    trained(images, dataset, cache=tmp_path)
    CALLS.clear()
    other = [images[0], images[1] ^ 1, images[2]]
    trained(other, dataset, cache=tmp_path)
    assert CALLS.count("colours") == 1
    moved = dataset.images[2]._replace(boxes=dataset.images[2].boxes + 1.0)
    CALLS.clear()
    trained(images, dataset._replace(images=[*dataset.images[:2], moved]), cache=tmp_path)
    assert CALLS.count("colours") == 1
    CALLS.clear()
    trained(images, dataset, cache=tmp_path, features=lambda image, boxes: colours(image, boxes))
    assert CALLS.count("colours") == 3


def test_damaged_files_of_the_cache_are_made_again(tmp_path: Path) -> None:
    images, dataset = world(4, seed=9)
    expected = trained(images, dataset, cache=tmp_path).weights
    tables, records = sorted(tmp_path.glob("*.npy")), sorted(tmp_path.glob("*.npz"))
    assert len(tables) == len(records) == 4
    content = bytearray(tables[0].read_bytes())
    content[-5] ^= 4
    tables[0].write_bytes(content)
    tables[1].write_bytes(tables[1].read_bytes()[:-100])
    records[2].write_bytes(records[2].read_bytes()[:50])
    tables[3].unlink()
    (tmp_path / "stray.npy.1-2.part").write_bytes(b"half")
    CALLS.clear()
    np.testing.assert_array_equal(trained(images, dataset, cache=tmp_path).weights, expected)
    assert CALLS.count("colours") == 4


def test_a_cache_keeps_arrays_exactly(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    table, boxes = np.random.default_rng(0).random((7, 3)).astype(np.float32), np.arange(28.0).reshape(7, 4)
    key = key_of("a", boxes)
    assert cache.find(key) is None
    cache.keep(key, np.asfortranarray(table), boxes)
    found = cache.find(key)
    assert found is not None
    np.testing.assert_array_equal(found[0], table)
    np.testing.assert_array_equal(found[1], boxes)
    assert not found[0].flags.writeable
    assert cache.find(key_of("b", boxes)) is None
    assert key_of(boxes) != key_of(boxes.reshape(4, 7)) != key_of(boxes.astype(np.float32))


# ---- files and folders -------------------------------------------------------------------------------------

def test_saved_and_loaded_it_finds_the_same(tmp_path: Path) -> None:
    images, dataset = world(6, seed=10)
    model = trained(images, dataset)
    path = tmp_path / "model.npz"
    model.save(path)
    loaded = RCNN.load(path, features=colours, proposals=windows)
    assert repr(loaded) == repr(model) == "<RCNN: 3 classes, 16 features, with box regression>"
    assert loaded.class_names == ("red", "green", "blue")
    for one, two in zip(model.detect(images[0])[:3], loaded.detect(images[0])[:3], strict=True):
        np.testing.assert_array_equal(one, two)
    with pytest.raises(ValueError, match=r"model\.npz was trained with features of its own"):
        RCNN.load(path, proposals=windows)
    with pytest.raises(ValueError, match="proposals of its own"):
        RCNN.load(path, features=colours)
    stream = io.BytesIO()
    RCNN(["a"], [[1.0], [0.0]]).save(stream)
    stream.seek(0)
    assert RCNN.load(stream).regressor is None


def test_files_that_are_no_model(tmp_path: Path) -> None:
    images, dataset = world(3, seed=11)
    path = tmp_path / "model.npz"
    trained(images, dataset).save(path)
    whole = path.read_bytes()
    with pytest.raises(OSError, match="missing"):
        RCNN.load(tmp_path / "missing.npz")
    BoxRegressor().fit([[1.0]], [[0.0, 0, 1, 1]], [[0.0, 0, 1, 1]]).save(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"other\.npz is not a detutils RCNN file"):
        RCNN.load(tmp_path / "other.npz")
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(size(60, 20)):
        content = bytearray(whole)
        content[rng.integers(0, len(whole))] ^= 1 << rng.integers(0, 8)
        path.write_bytes(bytes(content)[: len(whole) if rng.random() < 0.7 else rng.integers(0, len(whole))])
        try:
            RCNN.load(path, features=colours, proposals=windows)
        except ValueError as error:
            assert "model.npz" in str(error)  # noqa: PT017
            refused += 1
    assert refused > 10


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


# ---- detecting ---------------------------------------------------------------------------------------------

def toy() -> RCNN:
    """Two classes that score boxes by their first and second feature, unmoved."""
    return RCNN(["a", "b"], [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])


def test_thresholds_order_and_limits() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [90, 0, 120, 10]])
    features = [[0.9, -2], [0.8, 0.7], [0.5, -2], [0.1, -2]]
    found = toy().detect_features(features, boxes, score_threshold=0.1)
    np.testing.assert_array_equal(found.scores, [0.9, 0.7, 0.5])  # above 0.1, without the one that overlaps
    np.testing.assert_array_equal(found.labels, [0, 1, 0])
    np.testing.assert_array_equal(found.boxes, boxes[[0, 1, 2]])
    assert len(toy().detect_features(features, boxes, max_output=1).boxes) == 1
    assert len(toy().detect_features(features, boxes, max_output=0).boxes) == 0
    assert len(toy().detect_features(features, boxes, iou_threshold=1.0, max_output=None).boxes) == 5
    clipped = toy().detect_features(features, boxes, (100, 100), score_threshold=0.0)
    assert clipped.boxes[-1].tolist() == [90, 0, 100, 10]
    nothing = toy().detect_features(np.empty((0, 2)), [], (10, 10))
    assert [part.shape for part in nothing[:3]] == [(0, 4), (0,), (0,)]
    assert nothing.labels.dtype == np.int64


def test_a_class_that_the_regressor_does_not_know_stays() -> None:
    boxes = np.array([[0.0, 0, 10, 10]])
    regressor = BoxRegressor().fit(np.ones((1, 2)), boxes + [[0, 0, 1.0, 0]], boxes, [1])
    model = RCNN(["a", "b"], [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]], regressor)
    found = model.detect_features([[1.0, 0.0]], boxes + [[0, 0, 1.0, 0]])
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_allclose(found.boxes, [[0, 0, 11, 10], [0, 0, 10, 10]])


def test_bad_arguments_of_detection() -> None:
    model = toy()
    for bad, error, pattern in (case.values for case in BAD_BOXES):
        with pytest.raises(error, match=pattern.replace("boxes", "proposals")):
            model.detect_features(np.ones((2, 2)), bad)
    for bad, error, pattern in (case.values for case in BAD_THRESHOLDS):
        with pytest.raises(error, match=pattern):
            model.detect_features([[1.0, 1.0]], [[0.0, 0, 1, 1]], iou_threshold=bad)
    for bad, error, pattern in (case.values for case in BAD_IMAGES):
        with pytest.raises(error, match=pattern):
            model.detect(bad)
    with pytest.raises(ValueError, match=r"features must have shape \(1, 2\), got \(1, 3\)"):
        model.detect_features([[1.0, 1.0, 1.0]], [[0.0, 0, 1, 1]])
    with pytest.raises(ValueError, match=r"features\[0, 1\] is not finite"):
        model.detect_features([[1.0, np.nan]], [[0.0, 0, 1, 1]])
    with pytest.raises(ValueError, match="max_output"):
        model.detect_features([[1.0, 1.0]], [[0.0, 0, 1, 1]], max_output=-1)
    with pytest.raises(TypeError, match="regress"):
        model.detect_features([[1.0, 1.0]], [[0.0, 0, 1, 1]], regress="yes")  # type: ignore[arg-type]


def test_bad_models() -> None:
    regressor = BoxRegressor().fit([[1.0]], [[0.0, 0, 1, 1]], [[0.0, 0, 1, 1]], [0])
    for arguments, options, error, pattern in (
        ((["a"], [[1.0, 2.0], [0.0, 0.0]]), {}, ValueError, r"weights must have shape \(N, 1\)"),
        ((["a"], [[1.0]]), {}, ValueError, "a row for each feature and one more"),
        ((["a"], [[1.0], [np.nan]]), {}, ValueError, r"weights\[1, 0\] is not finite"),
        ((None, [[1.0], [0.0]]), {}, TypeError, "class_names"),
        ((["a"], [[1.0], [0.0]], "regressor"), {}, TypeError, "regressor must be a BoxRegressor"),
        ((["a"], [[1.0], [1.0], [0.0]], regressor), {}, ValueError, "for 1 features, weights for 2"),
        ((["a"], [[1.0], [0.0]], BoxRegressor()), {}, ValueError, "not fitted"),
        ((["a"], [[1.0], [0.0]]), {"features": 3}, TypeError, "features must be callable"),
        ((["a"], [[1.0], [0.0]]), {"proposals": "fast"}, TypeError, "proposals must be callable"),
    ):
        with pytest.raises(error, match=pattern):
            RCNN(*arguments, **options)  # type: ignore[arg-type]


# ---- bad training data -------------------------------------------------------------------------------------

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
    with pytest.raises(TypeError, match="images must be a sequence"):
        trained(3, dataset)  # type: ignore[arg-type]
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
