"""What training keeps on disk: found again, made again where anything has changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detutils.rcnn.feature_cache import FeatureCache, key_of
from tests.rcnn.world import CALLS, colors, trained, world


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    images, dataset = world(5, seed=7)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "features" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(images, dataset, cache=tmp_path, progress=stop)
    CALLS.clear()
    model = trained(images, dataset, cache=tmp_path)
    assert CALLS.count("colors") == 2
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
    assert CALLS.count("colors") == 1
    moved = dataset.images[2]._replace(boxes=dataset.images[2].boxes + 1.0)
    CALLS.clear()
    trained(images, dataset._replace(images=[*dataset.images[:2], moved]), cache=tmp_path)
    assert CALLS.count("colors") == 1
    CALLS.clear()
    trained(images, dataset, cache=tmp_path, features=lambda image, boxes: colors(image, boxes))
    assert CALLS.count("colors") == 3


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
    assert CALLS.count("colors") == 4


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
