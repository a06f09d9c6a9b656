"""``detutils propose --shards``: interrupted and taken up again, alone and on a cluster; what goes wrong in a line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import detutils
from detutils.cli import main
from tests.cli.processes import environment, run
from tests.proposals.test_batch import photographs

FEW = ["--mode", "single", "--min-size", "4", "--shard-size", "3"]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_shards_hold_what_a_file_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(path) for path in photographs(tmp_path, 4)] + [str(tmp_path / "missing.png")]
    assert main(["propose", *names, "-o", str(tmp_path / "out.jsonl"), *FEW]) == 1
    for format, workers in (("jsonl", "1"), ("jsonl", "2"), ("parquet", "1")):
        if format == "parquet":
            pytest.importorskip("pyarrow")
        folder = tmp_path / f"{format}{workers}"
        capsys.readouterr()
        arguments = [*names, "--shards", str(folder), "--shard-format", format, "--workers", workers, *FEW]
        assert main(["propose", *arguments, "--json"]) == 1
        captured = capsys.readouterr()
        summary = json.loads(captured.out)
        assert {**summary, "seconds": 0} == {
            "images": 5, "failed": 1, "kept": 0, "seconds": 0, "output": str(folder)
        }  # fmt: skip
        assert captured.err.count("failed: ") == 1
        wanted = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert list(detutils.read_shards(folder)) == wanted
        assert main(["propose", *arguments, "--resume"]) == 1
        assert capsys.readouterr().err.startswith("4 images, 1 failed, 5 of them in earlier runs in ")


def test_a_picture_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = photographs(tmp_path, 2)
    pictures = tmp_path / "pictures"
    (pictures / "0 bløcks_proposals.png").mkdir(parents=True)
    (pictures / f".{'0a' * 8}.part").write_bytes(b"half a picture")
    os.utime(pictures / f".{'0a' * 8}.part", (1e9, 1e9))
    (pictures / ".mine.part").write_bytes(b"")
    arguments = [*map(str, paths), "--shards", str(tmp_path / "out"), "--draw", str(pictures), *FEW]
    assert main(["propose", *arguments]) == 1
    assert "failed: " in capsys.readouterr().err
    bad, good = detutils.read_shards(tmp_path / "out")
    assert "0 bløcks_proposals.png" in bad["error"]
    assert len(bad["boxes"]) > 0
    assert "error" not in good
    assert sorted(os.listdir(pictures)) == [".mine.part", "0 bløcks_proposals.png", "1 bløcks_proposals.png"]
    assert main(["propose", *arguments, "--resume", "--draw-boxes", "3"]) == 2
    assert "its draw_boxes is 20, this one's is 3" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_interrupted_and_taken_up(tmp_path: Path, name: str) -> None:
    """Whatever was cut short, boxes and pictures are those of an uninterrupted run."""
    sent = signal.Signals[name]
    folder = tmp_path / "photos"
    folder.mkdir()
    photographs(folder, 40)
    arguments = [str(folder), "--shards", "out", "--draw", "pictures", "--resume", *FEW]
    command = [sys.executable, "-m", "detutils", "propose", *arguments, "--workers", "2"]

    def heed() -> None:
        """Tests that run in a shell's background hand on that interrupts are ignored."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True, preexec_fn=heed
    ) as process:
        end = time.monotonic() + 120
        while time.monotonic() < end and not list(tmp_path.glob("out/shard-00002*")):
            time.sleep(0.01)
        process.send_signal(sent)
        _, said = process.communicate()
    if sent == signal.SIGINT:
        assert "what is done is kept in out; --resume goes on with it" in said
        assert process.returncode == 130
    whole = tmp_path / "whole"
    whole.mkdir()
    for place in (tmp_path, whole) if sent == signal.SIGKILL else (tmp_path,):
        done = run("propose", *arguments, "--json", cwd=place)
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        assert summary["images"] == 40
        assert (6 <= summary["kept"] < 40) if place == tmp_path else summary["kept"] == 0
    if sent == signal.SIGKILL:
        assert content(tmp_path / "out") == content(whole / "out")
        assert content(tmp_path / "pictures") == content(whole / "pictures")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["-o", "out.json", "--resume"], "--resume goes on with a run in shards: give --shards FOLDER"),
        (["--shards", "out", "--shard-size", "0"], "--shard-size must be at least 1"),
        (["--shards", "file"], "no folder of shards can be made"),
        (["--shards", "file/out"], "no folder of shards can be made"),
        (["--shards", "out", "--workers", "0"], "workers must be at least 1"),
        (["--shards", "out", "--mode", "quick"], "mode must be one of"),
        (["--shards", "out", "--scheduler", "here:1", "--workers", "2"], "with --scheduler the cluster's workers do"),
        (["--shards", "old"], "old holds a run already: resume goes on with it"),
        (["--shards", "old", "--resume", "--seed", "1"], "old holds another run: its seed is 0, this one's is 1"),
        (["--shards", "torn", "--resume"], "shard-00000.jsonl is damaged"),
    ],
)
def test_bad_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    photographs(tmp_path, 1)
    Path("file").write_bytes(b"")
    few = ["--mode", "single", "--min-size", "4"]
    for folder in ("old", "torn"):
        assert main(["propose", "0 bløcks.png", "--shards", folder, *few]) == 0
    shard = Path("torn/shard-00000.jsonl")
    shard.write_bytes(shard.read_bytes()[:50])
    before = content(Path("old")), content(Path("torn"))
    capsys.readouterr()
    assert main(["propose", "0 bløcks.png", *few, *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("detutils propose: error: ")
    assert text in captured.err
    assert captured.err.count("\n") == 1
    assert (content(Path("old")), content(Path("torn"))) == before
    assert not Path("out").exists()


# ---- on a cluster ------------------------------------------------------------------------------------------

def test_without_dask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    path = str(photographs(tmp_path, 1)[0])
    assert main(["propose", path, "--shards", str(tmp_path / "out"), "--scheduler", "tcp://127.0.0.1:1", *FEW]) == 2
    assert "--scheduler needs Dask" in (said := capsys.readouterr().err)
    assert "pip install 'detutils[dask]'" in said
    assert said.count("\n") == 1


class Cluster:
    """A scheduler and workers, each a process on the loopback address; they are ended by their ids."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.folder = folder
        file = folder / "scheduler.json"
        self.scheduler = self.start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)
        )
        self.address = _until(lambda: json.loads(file.read_text())["address"])
        self.workers = [self.worker() for _ in range(workers)]

    def start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=environment(), stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start(
            "dask_worker", self.address, "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard",
            "--local-directory", str(self.folder),
        )  # fmt: skip

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def _until(answer: Any, seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while True:
        try:
            if found := answer():
                return found
        except (OSError, ValueError):
            pass
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="needs the extra dask")
    (tmp_path / "cluster").mkdir()
    made = Cluster(tmp_path / "cluster", 2)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_worker_of_a_cluster_dies(tmp_path: Path, cluster: Cluster) -> None:
    """One of two workers is killed in the middle; then the scheduler; boxes and pictures are those of one machine."""
    folder = tmp_path / "photos"
    folder.mkdir()
    photographs(folder, 60)
    (folder / "text.png").write_text("no image")
    arguments = ["propose", "photos", "--shards", "out", "--draw", "pictures", *FEW, "--resume"]
    command = [sys.executable, "-m", "detutils", *arguments, "--scheduler", cluster.address]
    settings = environment(DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="2s")
    with subprocess.Popen(command, cwd=tmp_path, env=settings, stderr=subprocess.PIPE, text=True) as process:
        _until(lambda: list(tmp_path.glob("out/shard-00001*")) or process.poll() is not None)
        cluster.workers[0].kill()
        _until(lambda: list(tmp_path.glob("out/shard-00005*")) or process.poll() is not None)
        cluster.scheduler.kill()
        _, said = process.communicate(timeout=120)
    assert process.returncode == 2, said
    lines = [line for line in said.splitlines() if not line.startswith(("propose: ", "failed: "))]
    assert len(lines) == 1, said
    (error,) = lines
    assert "of 61 images are done and kept in out: a run with resume goes on" in error

    other = tmp_path / "other"
    other.mkdir()
    again = Cluster(other, 1)
    try:
        done = run(*arguments, "--json", "--scheduler", again.address, cwd=tmp_path)
    finally:
        again.close()
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["images"], summary["failed"]) == (61, 1)
    assert 12 <= summary["kept"] < 61  # four shards, and what the journal of the fifth says
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "photos").symlink_to(folder)
    assert run(*arguments, cwd=whole).returncode == 1
    mine, wanted = content(tmp_path / "out"), content(whole / "out")
    last = "shard-00020.jsonl"  # that of the file that failed: a worker names it by its full path
    assert mine.pop(last).replace(f"{tmp_path}/".encode(), b"") == wanted.pop(last)
    assert mine == wanted
    assert content(tmp_path / "pictures") == content(whole / "pictures")


@pytest.mark.slow
def test_any_function_on_a_cluster(tmp_path: Path, cluster: Cluster) -> None:
    distributed = pytest.importorskip("distributed")
    paths = photographs(tmp_path, 6)
    with distributed.Client(cluster.address, set_as_default=False) as client:
        executor = client.get_executor()
        found = list(detutils.map_images(brightness, [*paths, tmp_path / "no.png"], executor=executor, chunk=2))
        again = list(detutils.map_images(brightness, paths, executor=executor))
        with pytest.raises(TypeError, match="executor"):
            detutils.map_images(brightness, paths, executor=client)
        client.close()
        left = list(detutils.map_images(brightness, paths, executor=executor))
    assert [result.value for result in found[:6]] == [float(detutils.read_image(path).mean()) for path in paths]
    assert "no.png" in (found[6].error or "")
    assert again == found[:6]
    assert all("the executor takes no more work" in (result.error or "") for result in left)


def brightness(image: Any) -> float:
    return float(image.mean())


@pytest.mark.slow
def test_a_scheduler_that_cannot_be_reached(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    path = str(photographs(tmp_path, 1)[0])
    code = (
        "import sys\n"
        "from detutils.cli import cluster, main\n"
        "cluster.PATIENCE = 1\n"
        "for address in ('tcp://127.0.0.1:1', 'nowhere.invalid:8786', 'abc://x', ''):\n"
        "    print(main([*sys.argv[1:], '--scheduler', address]), address)\n"
    )
    command = [sys.executable, "-c", code, "propose", path, "--shards", "out", *FEW]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    ended, said = done.stdout.splitlines(), done.stderr.splitlines()
    assert len(ended) == len(said) == 4
    for (status, _, address), line in zip((end.partition(" ") for end in ended), said, strict=True):
        assert status == "2"
        assert f"no Dask scheduler answers at {address}" in line
        assert "`dask scheduler`" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_scheduler_without_workers(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    path = str(photographs(tmp_path, 1)[0])
    alone = Cluster(tmp_path, 0)
    code = (
        "import sys; from detutils.cli import cluster, main; cluster.PATIENCE = 2; sys.exit(main(sys.argv[1:]))"
    )
    try:
        command = [sys.executable, "-c", code, "propose", path, "--shards", "out", "--scheduler", alone.address, *FEW]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        alone.close()
    assert done.returncode == 2
    assert f"the scheduler at {alone.address} has no workers: start some with `dask worker" in done.stderr
    assert done.stderr.count("\n") == 1
