"""Arrays in files: whole, in a regular file, or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detutils.rcnn.array_files import read_arrays, write_arrays


def test_what_was_written_is_read(tmp_path: Path) -> None:
    arrays = {"table": np.arange(6.0).reshape(2, 3), "flag": np.array(True)}
    write_arrays(tmp_path / "a.npz", "kind a", arrays)
    found = read_arrays(str(tmp_path / "a.npz"), "kind a")
    assert found.keys() == arrays.keys()
    np.testing.assert_array_equal(found["table"], arrays["table"])
    with pytest.raises(ValueError, match=r"a\.npz is not a kind b file"):
        read_arrays(tmp_path / "a.npz", "kind b")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a.npz"
    write_arrays(place, "kind a", {"x": np.zeros(2)})
    before = place.read_bytes()

    def full(*arguments: Any, **keywords: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match=r"cannot be written: No space left on device: '.*a\.npz'"):
        write_arrays(place, "kind a", {"x": np.ones(2)})
    assert place.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.npz"]


@pytest.mark.parametrize(
    ("path", "error", "pattern"),
    [
        ("", ValueError, "path is not a file name"),
        ("\0", ValueError, "path is not a file name"),
        (3, TypeError, "path must be a path or a binary file"),
        (None, TypeError, "path must be a path or a binary file"),
        (b"a.npz", TypeError, "path must be a path or a binary file"),
    ],
)
def test_bad_places(path: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        write_arrays(path, "kind a", {})
    with pytest.raises(error, match=pattern):
        read_arrays(path, "kind a")


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is a folder"):
        write_arrays(tmp_path, "kind a", {})
    with pytest.raises(OSError, match=tmp_path.name):
        read_arrays(tmp_path, "kind a")
    with pytest.raises(OSError, match="there is no folder"):
        write_arrays(tmp_path / "no" / "a.npz", "kind a", {})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe is not a regular file"):
        write_arrays(tmp_path / "pipe", "kind a", {})
    with pytest.raises(OSError, match="pipe is not a regular file"):
        read_arrays(tmp_path / "pipe", "kind a")
    assert (tmp_path / "pipe").is_fifo()
