"""The command line: what it prints and writes, its exit codes, and that no user ever sees a traceback."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.cli import main
from detutils.cli.commands import build_parser
from detutils.cli.terminal import Progress, image_files
from tests.cases import JIT
from tests.proposals.test_batch import photographs

FEW = ["--mode", "single", "--min-size", "4"]


def environment(**changes: str) -> dict[str, str]:
    """Kernels compiled, whatever this process does, and the same detutils."""
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **changes}


def run(*arguments: str, cwd: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "detutils", *arguments]
    env = environment(**changes)
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=300)


# ---- usage -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["propose"], ["propose", "a.png"], ["anchors", "--ratios"], ["--no-such"]]
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: detutils" in capsys.readouterr().err


def test_nothing_asked_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "find a face in a photograph" in err


def test_help_texts_are_sentences() -> None:
    def arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, inner in action.choices.items():
                    yield from ((f"{name} {action.dest}", action) for _, action in arguments(inner))
            elif action.dest not in ("help", "version"):
                yield action.dest, action

    texts = dict(arguments(build_parser()))
    assert len(texts) > 20
    for name, action in texts.items():
        assert action.help, name
        assert action.help[0].isupper(), name
        assert action.help.endswith("."), name


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["propose", "-h"], ["anchors", "-h"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert "usage: detutils" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"detutils {detutils.__version__}\n"
    assert main(["version"]) == 0
    assert "numba" in capsys.readouterr().out
    assert main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["detutils"] == detutils.__version__


def test_version_says_what_mends_opencv(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert main(["version"]) == 0
    printed = capsys.readouterr().out
    assert "opencv-python-headless" in printed
    assert "libgl1" in printed


def test_the_module_runs() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"detutils {detutils.__version__}\n")


# ---- anchors and warmup ------------------------------------------------------------------------------------

def test_anchors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anchors"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["-84", "-40", "99", "55", "0.5", "8"]
    assert len(lines) == 10
    assert main(["anchors", "--json", "--ratios", "1", "--scales", "1", "2", "--base-size", "8"]) == 0
    np.testing.assert_array_equal(
        json.loads(capsys.readouterr().out), detutils.generate_anchors(8, (1,), (1, 2))
    )


def test_bad_anchors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anchors", "--base-size", "-3"]) == 2
    assert capsys.readouterr().err.startswith("detutils anchors: error: base_size")


def test_warmup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def quick(*families: str, progress: Any) -> int:
        asked.append(families)
        progress(1, 2, "first")
        progress(2, 2, "second")
        return 2

    monkeypatch.setattr(detutils, "warmup", quick)
    assert main(["warmup"]) == 0
    assert capsys.readouterr().out.startswith("2 kernels ready in ")
    assert main(["warmup", "nms", "box_iou"]) == 0
    assert asked == [(), ("nms", "box_iou")]


def test_an_unknown_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warmup", "soup"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("detutils warmup: error: families holds 'soup', neither a family")
    assert "'nms'" in error


# ---- propose -----------------------------------------------------------------------------------------------

def test_every_format_holds_the_same_boxes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = photographs(tmp_path, 2)
    names = [str(path) for path in paths]
    wanted = [detutils.selective_search(detutils.read_image(path), "single", min_size=4) for path in paths]
    for extension in ("json", "jsonl", "csv", "npz"):
        assert main(["propose", *names, "-o", str(tmp_path / f"out.{extension}"), *FEW]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("2 images, ") == 4

    records = json.loads((tmp_path / "out.json").read_text())
    assert records == [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    with open(tmp_path / "out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    arrays = np.load(tmp_path / "out.npz")
    for k, (name, found) in enumerate(zip(names, wanted, strict=True)):
        assert records[k]["path"] == arrays["paths"][k] == name
        assert (records[k]["height"], records[k]["width"]) == (45, 60) == tuple(arrays["image_sizes"][k])
        np.testing.assert_array_equal(records[k]["boxes"], found.boxes)
        np.testing.assert_array_equal(records[k]["priorities"], found.priorities)
        mine = [row for row in rows if row["path"] == name]
        assert [int(row["rank"]) for row in mine] == list(range(1, len(found.boxes) + 1))
        sides = [[float(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in mine]
        np.testing.assert_array_equal(sides, found.boxes)
        start, stop = arrays["starts"][k : k + 2]
        np.testing.assert_array_equal(arrays["boxes"][start:stop], found.boxes)
        np.testing.assert_array_equal(arrays["priorities"][start:stop], found.priorities)


def test_to_the_pipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = photographs(tmp_path, 1)[0]
    assert main(["propose", str(path), "-o", "-", "--max-boxes", "3", *FEW]) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["boxes"]) == len(record["priorities"]) == 3


@pytest.mark.parametrize("workers", ["1", "2"])
def test_one_bad_file_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: str) -> None:
    good = photographs(tmp_path, 2)
    bad = tmp_path / "half.png"
    bad.write_bytes(good[0].read_bytes()[:70])
    names = [str(good[0]), str(bad), str(tmp_path / "missing.png"), str(good[1])]
    out = tmp_path / "out.json"
    assert main(["propose", *names, "-o", str(out), "--json", "--workers", workers, *FEW]) == 1
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["images"], summary["failed"], summary["output"]) == (4, 2, str(out))
    assert f"failed: {bad} is truncated" in captured.err
    assert "missing.png" in captured.err
    records = json.loads(out.read_text())
    assert [record["path"] for record in records] == names
    assert ["error" in record for record in records] == [False, True, True, False]
    assert main(["propose", str(bad), "-o", str(tmp_path / "none.npz"), *FEW]) == 1
    assert np.load(tmp_path / "none.npz")["boxes"].shape == (0, 4)


def test_pictures_of_proposals(tmp_path: Path) -> None:
    path = photographs(tmp_path, 1)[0]
    folder = tmp_path / "new" / "pictures"
    assert main(["propose", str(path), "-o", str(tmp_path / "o.csv"), "--draw", str(folder), *FEW]) == 0
    assert detutils.read_image(folder / "0 bløcks_proposals.png").shape == (45, 60, 3)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_picture_that_cannot_be_written_fails_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    paths = photographs(tmp_path, 2)
    folder = tmp_path / "pictures"
    (folder / "0 bløcks_proposals.png").mkdir(parents=True)
    out = tmp_path / "o.jsonl"
    arguments = [*map(str, paths), "-o", str(out), "--draw", str(folder), "--workers", workers]
    assert main(["propose", *arguments, *FEW]) == 1
    assert "failed: " in capsys.readouterr().err
    assert [len(json.loads(line)["boxes"]) > 0 for line in out.read_text().splitlines()] == [True, True]
    assert (folder / "1 bløcks_proposals.png").is_file()


def test_a_folder_for_everything(tmp_path: Path) -> None:
    first = photographs(tmp_path, 2)
    (tmp_path / "more").mkdir()
    again = photographs(tmp_path / "more", 1)
    for k, out in enumerate((f"{tmp_path / 'new'}{os.sep}", str(tmp_path / "plain"))):
        assert main(["propose", *map(str, first + again), "-o", out, *FEW]) == 0
        assert sorted(entry.name for entry in Path(out).iterdir()) == [
            "0 bløcks_2_proposals.png", "0 bløcks_proposals.png", "1 bløcks_proposals.png", "proposals.json"
        ], k  # fmt: skip
        assert len(json.loads((Path(out) / "proposals.json").read_text())) == 3


def test_folders_and_patterns(tmp_path: Path) -> None:
    paths = photographs(tmp_path, 3)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "._0.png").write_bytes(b"")
    assert image_files([str(tmp_path)]) == paths
    assert image_files([str(tmp_path / "*.png")]) == paths
    (tmp_path / "LOUD.PNG").write_bytes(paths[0].read_bytes())
    assert image_files([str(tmp_path)]) == [*paths, tmp_path / "LOUD.PNG"]
    assert image_files(["missing.png", str(paths[0])]) == [Path("missing.png"), paths[0]]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no pictures"):
        image_files([str(tmp_path / "empty")])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["-o", "out.xyz"], r"out.xyz must end in .json, .jsonl, .csv, .npz"),
        (["-o", "nowhere/out.json"], "there is no folder nowhere"),
        (["-o", "file/"], "file"),
        (["-o", "out.json", "--mode", "quick"], "mode must be one of"),
        (["-o", "out.json", "--workers", "0"], "workers must be at least 1"),
        (["-o", "out.json", "--draw-boxes", "-5"], "--draw-boxes must be at least 0"),
        (["-o", "out.json", "--seed", "-1"], "seed must be at least 0"),
        (["-o", "out.json", "--max-boxes", "-1"], "max_boxes must be at least 0"),
        (["-o", "out.json", "--draw", "file"], "file"),
    ],
)
def test_bad_propose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    assert main(["propose", str(photographs(tmp_path, 1)[0]), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("detutils propose: error: ")
    assert text in captured.err
    assert captured.err.count("\n") == 1
    assert not list(tmp_path.glob("out*"))
    assert not list(tmp_path.glob(".*"))


def test_progress_in_plain_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with Progress("work", 10) as bar:
        for done in range(1, 11):
            now[0] += 0.7
            bar.move(done, f"file {done}")
        bar.say("a word")
    assert capsys.readouterr().err.splitlines() == [
        "work: 3 of 10, file 3", "work: 6 of 10, file 6", "work: 9 of 10, file 9", "a word"
    ]  # fmt: skip


def test_progress_as_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress("work") as bar:
        bar.move(1, "first", 2)
        bar.say("a word")
        bar.move(2, "second")
    assert "a word\n" in capsys.readouterr().err


# ---- demo --------------------------------------------------------------------------------------------------

@pytest.mark.skipif(not JIT, reason="a photograph takes the interpreter minutes")
def test_demo_in_this_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "-o", str(tmp_path / "demo.jpg"), "--seed", "5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [stage["stage"] for stage in told["stages"]] == [
        "photograph", "over-segmentation", "proposals", "training", "scores", "box regression", "NMS",
        "decision", "drawing",
    ]  # fmt: skip
    assert detutils.read_image(tmp_path / "demo.jpg").shape[2] == 3


def test_a_demo_that_cannot_be_written_does_not_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("demo.gif", "demo.ppm", "demo"):
        assert main(["demo", "-o", str(tmp_path / name)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "must end in .png, .jpg, .jpeg, .webp, .tif, .tiff, .bmp" in err
        assert ".gif" not in err.partition("must end")[2]


def test_demo_without_opencv_and_without_network(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text('raise ImportError("libGL.so.1: cannot open shared object file")')
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = run("demo", cwd=tmp_path, PYTHONPATH=paths, **nowhere)
    assert done.returncode == 0, done.stderr
    assert "decision           1 over 8.2" in done.stdout  # the face, and nothing else
    assert detutils.read_image(tmp_path / "detutils_demo.png").shape[0] > 1000


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_demo_compiles_before_its_clock_runs(tmp_path: Path) -> None:
    """In a fresh process with an empty cache nothing is compiled once the stages begin."""
    code = (
        "import sys\n"
        "from numba.core import event\n"
        "from detutils.cli import demo, faces, main\n"
        "late = []\n"
        "class Listener(event.Listener):\n"
        "    def on_start(self, event):\n"
        "        late.append(event.data['dispatcher'].__name__)\n"
        "    def on_end(self, event):\n"
        "        pass\n"
        "compile_first = demo.compile_first\n"
        "def first():\n"
        "    seconds = compile_first()\n"
        "    event.register('numba:compile', Listener())\n"
        "    return seconds\n"
        "demo.compile_first = first\n"
        "code = main(['demo', '--json'])\n"
        "assert not late, late\n"
        "sys.exit(code)\n"
    )
    for told in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
            env=environment(NUMBA_CACHE_DIR=str(tmp_path / "cache")),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert ("kernels in " in done.stderr) is told
        assert (json.loads(done.stdout)["compiling"] > 0) is told


def test_demo_finds_the_face() -> None:
    if not JIT:
        pytest.skip("a photograph takes the interpreter minutes")
    from detutils.cli.faces import find_faces

    found = find_faces(seed=3)
    assert len(found.boxes) == 1
    assert detutils.box_iou(found.boxes, [[180, 70, 265, 165]])[0, 0] > 0.7
    assert found.scores[0] > 8.2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-o", "demo.xyz"], "must end in .png"),
        (["-o", "nowhere/demo.png"], "there is no folder nowhere"),
        (["--seed", "-1"], "seed must be at least 0"),
    ],
)
def test_bad_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", *arguments]) == 2
    assert text in capsys.readouterr().err


# ---- signals and pipes -------------------------------------------------------------------------------------

@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupt_ends_it_quietly(tmp_path: Path, workers: str) -> None:
    names = [str(path) for path in photographs(tmp_path, 2)] * 2000
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs ignore it
        "from detutils.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "propose", *names, "-o", "-", "--workers", workers]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "interrupted"
    assert "Traceback" not in errors


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_json_lines_survive_an_interrupt(tmp_path: Path, workers: str) -> None:
    """What is in the file is whole lines; nothing else is left in the folder."""
    paths = photographs(tmp_path, 2)
    names, out = [str(path) for path in paths] * 2000, tmp_path / "out.jsonl"
    code = "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from detutils.cli import main\nif __name__ == '__main__':\n    sys.exit(main(sys.argv[1:]))\n"
    command = [sys.executable, "-c", code, "propose", *names, "-o", str(out), "--workers", workers]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path) as process:
        end = time.monotonic() + 120
        while time.monotonic() < end and not (out.exists() and out.stat().st_size > 5000):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "interrupted"
    assert "Traceback" not in errors
    lines = out.read_bytes().splitlines(keepends=True)
    assert 2 < len(lines) < len(names)
    for line, name in zip(lines, names):
        assert line.endswith(b"\n")
        assert json.loads(line)["path"] == name
    assert sorted(tmp_path.iterdir()) == sorted([*paths, out])


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("where", ["detutils.cli.commands", "numpy", "numba"])
def test_an_interrupt_during_imports(tmp_path: Path, where: str) -> None:
    """A finder sends the signal when a module is asked for, as a person might."""
    code = (
        "import importlib.abc, os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {where!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from detutils.cli import main\n"
        "sys.exit(main(['propose', 'missing.png', '-o', '-']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.skipif(os.name != "posix", reason="closes a pipe early")
def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    names = [str(path) for path in photographs(tmp_path, 2)] * 1000
    command = [sys.executable, "-m", "detutils", "propose", *names, "-o", "-"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(timeout=60) == 141
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


@pytest.mark.parametrize("error", [OSError("disk"), MemoryError(), ValueError("no"), ImportError("no cv2")])
def test_no_traceback_for_what_users_can_mend(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(detutils, "generate_anchors", fail)
    assert main(["anchors"]) == 2
    assert capsys.readouterr().err == f"detutils anchors: error: {str(error) or 'MemoryError'}\n"


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the stream")
def test_a_closed_output_is_no_crash() -> None:
    command = f"{shlex.quote(sys.executable)} -m detutils anchors >&-"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
