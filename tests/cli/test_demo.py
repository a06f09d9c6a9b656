"""``detutils demo``: its stages, and that nothing is compiled while its clock runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import detutils
from detutils.cli import main
from tests.cases import JIT
from tests.cli.processes import environment, run


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
