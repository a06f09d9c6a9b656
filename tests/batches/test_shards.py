"""Results in shards: whole files, journals, a manifest; whatever interrupts a run, the next goes on where it was."""

from __future__ import annotations

import errno
import functools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import namedtuple
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils import read_shards, write_shards
from detutils.batches import shards as module
from tests.cli.processes import environment

Point = namedtuple("Point", "x y")
NAMES = [f"photo {k}.png" for k in range(23)]


def squares(path: Path) -> dict[str, Any]:
    """A value of every kind; every seventh file fails."""
    number = int(path.stem.split()[1])
    if number % 7 == 3:
        raise ValueError("a bad one")
    return {"number": number, "rows": np.full((number % 3, 2), number / 3), "text": f"é {number}"}


def logged(path: Path, log: str, pause: float = 0.0) -> Any:
    """``squares``, and a line in a file for each call."""
    with open(log, "a") as file:
        file.write(f"{path.name}\n")
    time.sleep(pause)
    return squares(path)


def stuck(path: Path, log: str, mark: str) -> Any:
    """``logged`` until so many are done; then it ends the process."""
    if Path(log).exists() and Path(log).read_text().count("\n") >= int(mark):
        raise KeyboardInterrupt
    return logged(path, log)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write(folder: Path, function: Any = squares, names: Any = NAMES, **options: Any) -> detutils.Shards:
    return write_shards(function, names, folder, read=False, **{"shard_size": 5, **options})


def test_records_in_shards(tmp_path: Path) -> None:
    done = write(tmp_path / "deep" / "out")
    folder = tmp_path / "deep" / "out"
    assert done == (folder, 23, 3, 0, [folder / f"shard-0000{k}.jsonl" for k in range(5)])
    assert sorted(content(folder)) == ["manifest.json", *(file.name for file in done.files)]
    records = [json.loads(line) for file in done.files for line in file.read_text().splitlines()]
    assert records == list(read_shards(folder))
    assert [record["path"] for record in records] == NAMES
    for number, record in enumerate(records):
        if number % 7 == 3:
            assert record == {"path": NAMES[number], "error": f"{NAMES[number]}: a bad one"}
        else:
            rows = [[number / 3] * 2] * (number % 3)
            assert record == {"path": NAMES[number], "number": number, "rows": rows, "text": f"é {number}"}
    with ThreadPoolExecutor(3) as pool:
        write(tmp_path / "threads", executor=pool, chunk=2)
    write(tmp_path / "processes", workers=2)
    assert content(folder) == content(tmp_path / "threads") == content(tmp_path / "processes")


def test_nothing_at_all(tmp_path: Path) -> None:
    assert write(tmp_path / "out", names=[]) == (tmp_path / "out", 0, 0, 0, [])
    assert list(read_shards(tmp_path / "out")) == []


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (np.float32(0.5), {"value": 0.5}),
        (np.arange(3), {"value": [0, 1, 2]}),
        (None, {"value": None}),
        (Path("a/b"), {"value": "a/b"}),
        ({"a": (1, {2: np.int64(3)})}, {"a": [1, {"2": 3}]}),
        (Point(1, [np.bool_(True)]), {"x": 1, "y": [True]}),
        (detutils.Detections([[0, 0, 2, 2]], [0.5], [1]), {"boxes": [[0, 0, 2, 2]], "scores": [0.5], "labels": [1]}),
    ],
)
def test_values_become_plain(tmp_path: Path, value: Any, fields: dict[str, Any]) -> None:
    write(tmp_path / "out", lambda path: value, ["a.png"])
    assert list(read_shards(tmp_path / "out")) == [{"path": "a.png", **fields}]


@pytest.mark.parametrize(
    ("value", "text"),
    [(object(), "a.png: what the function returned cannot be written: Object of type object"),
     ({"path": 3}, "a field 'path'"), ({"error": ""}, "a field 'error'"), (1j, "complex")],
)  # fmt: skip
def test_a_value_that_cannot_be_written_fails_alone(tmp_path: Path, value: Any, text: str) -> None:
    done = write(tmp_path / "out", lambda path: value if path.name == "a.png" else 1, ["a.png", "b.png"])
    assert done.failed == 1
    bad, good = read_shards(tmp_path / "out")
    assert text in bad["error"]
    assert good == {"path": "b.png", "value": 1}


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """Interrupted after every number of images, it does the others only, and the files are the same."""
    write(tmp_path / "whole", functools.partial(logged, log=str(tmp_path / "whole.log")))
    wanted = content(tmp_path / "whole")
    wanted["manifest.json"] = wanted["manifest.json"].replace(b".logged", b".stuck")
    for stop in range(0, 24, 3):
        log, folder = tmp_path / f"{stop}.log", tmp_path / f"{stop}"
        log.touch()
        if stop < 23:
            with pytest.raises(KeyboardInterrupt):
                write(folder, functools.partial(stuck, log=str(log), mark=str(stop)))
            with pytest.raises(ValueError, match="resume goes on with it; for another run choose another folder"):
                write(folder, functools.partial(stuck, log=str(log), mark="99"))
            with pytest.raises(ValueError, match=rf"is not complete: {5 - stop // 5} of 5 shards are missing"):
                read_shards(folder)
        calls: list[tuple[int, int, Path]] = []
        done = write(
            folder, functools.partial(stuck, log=str(log), mark="99"), resume=True,
            progress=lambda *call, calls=calls: calls.append(call),
        )  # fmt: skip
        assert (done.images, done.failed, done.kept) == (23, 3, stop)
        assert [call[:2] for call in calls] == [(k, 23) for k in range(stop + 1, 24)]
        assert sorted(log.read_text().split("\n")[:-1]) == sorted(NAMES), "some were done twice"
        assert content(folder) == wanted


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_killed_at_random(tmp_path: Path) -> None:
    """Three kills without warning; only what was being worked on is done again."""
    names = [f"photo {k}.png" for k in range(120)]
    script = (
        "import functools, sys\n"
        "from detutils import write_shards\n"
        "from tests.batches.test_shards import logged\n"
        "if __name__ == '__main__':\n"
        "    folder, log, workers = sys.argv[1:]\n"
        "    names = [f'photo {k}.png' for k in range(120)]\n"
        "    work = functools.partial(logged, log=log, pause=0.02)\n"
        "    print('ready', flush=True)\n"
        "    write_shards(work, names, folder, read=False, shard_size=9, resume=True, workers=int(workers))\n"
    )
    (tmp_path / "script.py").write_text(script)
    workers, rng = 2, random.Random(0)
    folder, log = tmp_path / "out", tmp_path / "log"
    kills, seconds = 0, 60.0
    while kills < 3:
        before = log.read_text().count("\n") if log.exists() else 0
        command = [sys.executable, str(tmp_path / "script.py"), str(folder), str(log), str(workers)]
        with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE) as process:
            some = before + rng.randint(2, 30)
            end = time.monotonic() + seconds
            while (not log.exists() or log.read_text().count("\n") < some) and time.monotonic() < end:
                time.sleep(0.01 * rng.random())
            process.send_signal(signal.SIGKILL)
        kills += 1
    assert (folder / "manifest.json").exists()
    work = functools.partial(logged, log=str(log), pause=0.0)
    done = write_shards(work, names, folder, read=False, shard_size=9, resume=True)
    assert done.images == 120
    assert 0 < done.kept < 120
    whole = write_shards(
        functools.partial(logged, log=str(tmp_path / "other.log")), names, tmp_path / "whole", read=False, shard_size=9
    )
    assert whole.failed == done.failed
    assert content(folder) == content(tmp_path / "whole")
    calls = log.read_text().split("\n")[:-1]
    assert set(calls) == set(names)
    # at each kill a worker is at one image, and hands over another; the pool may have had begun one more
    assert len(calls) - 120 <= 3 * 4 * workers


TORN = (
    b"4", b"4 ", b'4 {"path": "photo', b'4 {"path": "photo 4.png", "value": 1}', b'99 {"path": "photo 4.png"}\n',
    b'4 {"path": "photo 1.png"}\n', b"\0\0\0\n",
)  # fmt: skip


@pytest.mark.parametrize("tail", TORN)
def test_a_torn_journal(tmp_path: Path, tail: bytes) -> None:
    """What stands behind the last whole line of a journal is cut off."""
    write(tmp_path / "whole")
    log = tmp_path / "log"
    log.touch()
    function = functools.partial(stuck, log=str(log), mark="3")
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out", function)
    with open(tmp_path / "out" / "shard-00000.journal", "ab") as file:
        file.write(tail)
    done = write(tmp_path / "out", functools.partial(stuck, log=str(log), mark="99"), resume=True)
    assert done.kept == 3
    assert list(read_shards(tmp_path / "out")) == list(read_shards(tmp_path / "whole"))


def test_killed_between_the_last_record_and_the_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write(tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(module.formats, "write_shard", fail)
        with pytest.raises(OSError, match="No space left"):
            write(tmp_path / "out")
    done = write(tmp_path / "out", resume=True)
    assert done.kept == 5
    # and between the shard and the end of its journal
    (tmp_path / "out" / "shard-00001.journal").write_bytes(b'5 {"path": "photo 5.png", "val')
    (tmp_path / "out" / f".{'0a' * 8}.part").write_bytes(b"half a shard")
    assert write(tmp_path / "out", resume=True).kept == 23
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = open

    def full(path: Any, mode: str = "r", **options: Any) -> Any:
        if mode == "ab":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, mode, **options)

    with monkeypatch.context() as patched:
        patched.setattr(module, "open", full, raising=False)
        text = r"cannot be written \(No space left on device\); what is done is kept, a run with resume goes on: '"
        with pytest.raises(OSError, match=text):
            write(tmp_path / "out")
    assert write(tmp_path / "out", resume=True).kept == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"names": NAMES[:-1]}, "its images is 23, this one's is 22"),
        ({"names": [*NAMES[:-1], "other.png"]}, "its paths are others"),
        ({"names": NAMES[::-1]}, "its paths are others"),
        ({"shard_size": 6}, "its shard_size is 5, this one's is 6"),
        ({"format": "parquet"}, 'its format is "jsonl", this one\'s is "parquet"'),
        ({"function": str}, r"its function is \"tests.batches.test_shards.squares\", this one's is \"builtins.str\""),
        ({"settings": {"mode": "fast", "k": [1, 3]}}, r"its k is \[1, 2\], this one's is \[1, 3\]"),
        ({"settings": {"mode": "single", "k": (1, 2)}}, 'its mode is "fast", this one\'s is "single"'),
        ({"settings": None}, 'its mode is "fast", this one\'s is null'),
    ],
)
def test_a_manifest_of_another_run(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    if options.get("format") == "parquet":
        pytest.importorskip("pyarrow")
    settings = {"mode": "fast", "k": np.array([1, 2])}
    write(tmp_path / "out", settings=settings)
    before = content(tmp_path / "out")
    with pytest.raises(ValueError, match=text) as caught:
        write(tmp_path / "out", **{"resume": True, "settings": settings, **options})
    assert "run again as then, or choose another folder" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert content(tmp_path / "out") == before


def test_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "out")
    monkeypatch.setattr(module, "__version__", "99.0")
    with pytest.raises(ValueError, match=r'its detutils is "[0-9.]+", this one.s is "99.0"'):
        write(tmp_path / "out", resume=True)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": "jsonl", "shard_size": 0, "images": 3}'])
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    for call in (lambda: write(tmp_path, resume=True), lambda: read_shards(tmp_path)):
        with pytest.raises(ValueError, match=r"manifest.json is no manifest of shards: choose another folder"):
            call()
    assert (tmp_path / "manifest.json").read_text() == text


def test_shards_without_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "shard-00000.jsonl").write_text("mine\n")
    with pytest.raises(ValueError, match=r"holds shards without a manifest.json: choose another folder"):
        write(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no shards"):
        read_shards(tmp_path)


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_damaged_shard(tmp_path: Path, format: Any) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    write(tmp_path / "out", format=format)
    whole = content(tmp_path / "out")
    victim = tmp_path / "out" / f"shard-00002.{format}"
    good, other = victim.read_bytes(), (tmp_path / "out" / f"shard-00001.{format}").read_bytes()
    for damage in (good[: len(good) // 2], b"", good[:-3], good + good, other, good[:40] + b"\n" + good[41:]):
        victim.write_bytes(damage)
        if format == "parquet" and damage.startswith(good[:41]) and damage.endswith(good[-8:]):
            continue  # Arrow reads what its footer names
        with pytest.raises(ValueError, match=r"shard-00002.* is damaged .*: remove it, and a run with resume") as e:
            write(tmp_path / "out", format=format, resume=True)
        assert "\n" not in str(e.value)
    victim.write_bytes(good[: len(good) // 2])
    with pytest.raises(ValueError, match=r"shard-00002.* is damaged"):
        list(read_shards(tmp_path / "out"))
    victim.unlink()
    assert write(tmp_path / "out", format=format, resume=True).kept == 18
    assert content(tmp_path / "out") == whole


def test_parquet_holds_what_json_lines_hold(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "lines")
    done = write(tmp_path / "tables", format="parquet")
    assert done.files == [tmp_path / "tables" / f"shard-0000{k}.parquet" for k in range(5)]
    assert list(read_shards(tmp_path / "tables")) == list(read_shards(tmp_path / "lines"))
    table = parquet.read_table(done.files[0])
    assert table.column_names == ["path", "number", "rows", "text", "error"]
    assert str(table.schema.field("rows").type) == "list<element: list<element: double>>"
    assert write(tmp_path / "tables", format="parquet", resume=True).failed == 3


def test_parquet_has_one_kind_a_column(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="the values of 'value' are of several kinds"):
        write(tmp_path / "out", lambda path: 1 if "1" in path.name else "text", format="parquet")
    assert sorted(content(tmp_path / "out")) == ["manifest.json", "shard-00000.journal"]


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'detutils\[parquet\]'"):
        write(tmp_path / "out", format="parquet")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="locks folders")
def test_two_runs_at_once(tmp_path: Path) -> None:
    def again(path: Path) -> int:
        with pytest.raises(BlockingIOError, match="another run is writing these shards: wait for its end"):
            write(tmp_path / "out", resume=True)
        return 1

    assert write(tmp_path / "out", again, ["a.png"]).failed == 0


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name in ("file", "file/below"):
        with pytest.raises(OSError, match=r"no folder of shards can be made \(.*\), choose another: '.*file"):
            write(tmp_path / name)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found out before the work begins, also when a run goes on."""
    write(tmp_path / "out", names=NAMES[:3])
    (tmp_path / "out" / "shard-00000.jsonl").unlink()

    def closed(file: Path, *_: Any) -> None:
        raise PermissionError(errno.EACCES, "cannot be written: Permission denied", str(file))

    monkeypatch.setattr(module, "replace_file", closed)
    monkeypatch.setattr(module, "as_finished", lambda *_, **__: pytest.fail("work began"))
    for folder in ("out", "new"):
        with pytest.raises(PermissionError, match="cannot be written"):
            write(tmp_path / folder, names=NAMES[:3], resume=True)


def test_an_executor_that_goes_away(tmp_path: Path) -> None:
    """No image is written off as failed: the run stops, and goes on later."""

    class Leaving(Executor):
        def __init__(self) -> None:
            self.left = 8

        def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
            future: Future[Any] = Future()
            self.left -= 1
            if self.left < 0:
                future.cancel()
                future.set_running_or_notify_cancel()
            else:
                future.set_result(function(*arguments))
            return future

    write(tmp_path / "whole")
    with pytest.raises(ConnectionError, match=r"gave it up; 8 of 23 images are done and kept in .*: a run with resume"):
        write(tmp_path / "out", executor=Leaving())
    done = write(tmp_path / "out", resume=True)
    assert (done.kept, done.failed) == (8, 3)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


@pytest.mark.skipif(os.name != "posix", reason="names of bytes")
@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_names_that_are_no_text(tmp_path: Path, format: Any) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    names = [os.fsdecode(b"caf\xe9.png"), "tab\t'\"\n.png"]
    for resume in (False, True):
        write(tmp_path / "out", lambda path: 1, names, format=format, resume=resume)
    wanted = names if format == "jsonl" else ["caf\\udce9.png", names[1]]
    assert [record["path"] for record in read_shards(tmp_path / "out")] == wanted


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"function": None}, TypeError, "function must be callable"),
        ({"names": "a.png"}, TypeError, "paths must be a sequence"),
        ({"shard_size": 0}, ValueError, "shard_size must be at least 1"),
        ({"format": "csv"}, ValueError, "format must be one of 'jsonl', 'parquet'"),
        ({"resume": "yes"}, TypeError, "resume must be"),
        ({"settings": [1]}, TypeError, "settings must be a mapping or None, got list"),
        ({"settings": {"a": object()}}, TypeError, "settings must hold numbers, texts and lists only"),
        ({"chunk": 0}, ValueError, "chunk must be at least 1"),
        ({"workers": 0}, ValueError, "workers must be at least 1"),
        ({"executor": 1}, TypeError, "executor must be"),
    ],
)
def test_bad_arguments(tmp_path: Path, options: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        write(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    for folder in (3, None, ""):
        with pytest.raises((TypeError, ValueError), match="folder"):
            write_shards(squares, [], folder)  # type: ignore[arg-type]
        with pytest.raises((TypeError, ValueError), match="folder"):
            read_shards(folder)  # type: ignore[arg-type]
