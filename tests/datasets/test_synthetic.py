"""The scene generator: repeatable, correctly annotated, and written so that it can be read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detutils import make_scenes, read_coco, read_image, write_scenes
from tests.cases import size

SMALL = (64, 80)


def test_the_seed_decides() -> None:
    first, second, other = make_scenes(3, seed=5), make_scenes(5, seed=5), make_scenes(3, seed=6)
    for i in range(3):  # and an image does not depend on how many there are
        np.testing.assert_array_equal(first.images[i], second.images[i])
        np.testing.assert_array_equal(first.dataset.images[i].boxes, second.dataset.images[i].boxes)
        assert not np.array_equal(first.images[i], other.images[i])


@pytest.mark.parametrize("clutter", [0.0, 1.0, 3.0])
def test_scenes_are_what_they_say(clutter: float) -> None:
    images, dataset = make_scenes(size(12, 4), seed=1, image_size=SMALL, clutter=clutter)
    assert dataset.class_names == ("disk", "square", "triangle", "cross", "star")
    for image, record in zip(images, dataset.images, strict=True):
        assert image.shape == (*SMALL, 3)
        assert image.dtype == np.uint8
        assert record.image_size == SMALL
        assert 1 <= len(record.boxes) <= 4
        assert record.boxes.dtype == np.float64
        assert (record.boxes[:, :2] >= 0).all()
        assert (record.boxes[:, 2:] <= (SMALL[1], SMALL[0])).all()
        sides = record.boxes[:, 2:] - record.boxes[:, :2]
        assert (sides > 8).all()
        np.testing.assert_allclose(record.areas, sides.prod(axis=1))
        assert set(record.labels.tolist()) <= set(range(5))
    assert len({record.name for record in dataset.images}) == len(images)


def test_boxes_are_tight() -> None:
    """In a scene without clutter, an object looks unlike what is around it."""
    images, dataset = make_scenes(size(10, 3), seed=2, clutter=0.0)
    for image, record in zip(images, dataset.images, strict=True):
        for x1, y1, x2, y2 in record.boxes:
            inside = image[int(y1) + 2 : int(y2) - 1, int(x1) + 2 : int(x2) - 1].reshape(-1, 3).astype(float)
            ring = np.concatenate([
                image[max(int(y1) - 6, 0) : max(int(y1) - 2, 1), int(x1) : int(x2)].reshape(-1, 3),
                image[int(y2) + 2 : int(y2) + 6, int(x1) : int(x2)].reshape(-1, 3),
            ]).astype(float)
            if len(ring) > 20:
                assert np.abs(inside.mean(axis=0) - ring.mean(axis=0)).sum() > 10


def test_every_class_occurs() -> None:
    _, dataset = make_scenes(size(24, 24), seed=3, image_size=SMALL)
    labels = np.concatenate([record.labels for record in dataset.images])
    assert set(labels.tolist()) == set(range(5))


def test_written_scenes_can_be_read(tmp_path: Path) -> None:
    scenes = make_scenes(3, seed=4, image_size=SMALL)
    path = write_scenes(scenes, tmp_path / "new" / "folder")
    dataset = read_coco(path)
    assert dataset.class_names == scenes.dataset.class_names
    assert dataset.class_ids == scenes.dataset.class_ids
    for record, original, image in zip(dataset.images, scenes.dataset.images, scenes.images, strict=True):
        assert record.name == original.name
        np.testing.assert_allclose(record.boxes, original.boxes, atol=1e-9)
        np.testing.assert_array_equal(record.labels, original.labels)
        np.testing.assert_array_equal(read_image(Path(path).parent / record.name), image)


@pytest.mark.parametrize("scenes", [None, 3, [], ([], [])], ids=str)
def test_what_are_no_scenes(scenes: object, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="scenes must be Scenes, got"):
        write_scenes(scenes, tmp_path / "new")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_no_scenes() -> None:
    assert make_scenes(0).images == []
    assert make_scenes(0).dataset.images == []


@pytest.mark.parametrize(
    ("arguments", "error", "pattern"),
    [
        ({"count": -1}, ValueError, "count must be at least 0"),
        ({"count": 1.0}, TypeError, "count must be an integer"),
        ({"count": 1, "seed": -1}, ValueError, "seed"),
        ({"count": 1, "image_size": (63, 100)}, ValueError, "at least 64"),
        ({"count": 1, "image_size": (64.5, 100)}, TypeError, "integer"),
        ({"count": 1, "image_size": 64}, TypeError, "pair"),
        ({"count": 1, "clutter": -1.0}, ValueError, "clutter"),
        ({"count": 1, "clutter": "much"}, TypeError, "clutter"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        make_scenes(**arguments)  # type: ignore[arg-type]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    scenes = make_scenes(1, image_size=SMALL)
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(OSError):
        write_scenes(scenes, file)
    with pytest.raises(TypeError):
        write_scenes(scenes, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["../out.png", "/out.png", "a/../../out.png", "", "..", "a\0.png"])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    scenes = make_scenes(2)
    images = [scenes.dataset.images[0], scenes.dataset.images[1]._replace(name=name)]
    with pytest.raises(ValueError, match="names must not lead out of the folder"):
        write_scenes(scenes._replace(dataset=scenes.dataset._replace(images=images)), tmp_path / "scenes")
    assert list(tmp_path.iterdir()) == []  # nothing was written before the name was seen
