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


@pytest.mark.slow
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


@pytest.mark.slow
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
    """What the stages call is compiled before they begin, or is there already."""
    code = (
        "import sys\n"
        "from detutils import _jit\n"
        "from detutils.cli import demo, main\n"
        "def ready():\n"
        "    return {id(kernel): kernel.__name__ for kernel, _ in _jit.kernels() if kernel.overloads}\n"
        "early, compile_first = {}, demo.compile_first\n"
        "def first():\n"
        "    seconds = compile_first()\n"
        "    early.update({id(kernel): kernel.__name__ for kernel, _ in _jit.kernels(demo.STAGES)})\n"
        "    early.update(ready())\n"
        "    return seconds\n"
        "demo.compile_first = first\n"
        "code = main(['demo', '--json'])\n"
        "late = [name for key, name in ready().items() if key not in early]\n"
        "sys.exit(f'{late} are not ready' if late or not early else code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_demo_tells_what_it_compiles(tmp_path: Path) -> None:
    """In an empty cache, that is; here of few kernels, with and without the process that begins at the other end."""
    code = (
        "import sys\n"
        "from detutils import _jit\n"
        "from detutils.cli import demo\n"
        "demo.STAGES, demo.rehearse = ['detutils._kernels.checks'], lambda: None\n"
        "class Other:\n"
        "    pid = None\n"
        "    def __init__(self, target, daemon):\n"
        "        self.target = target\n"
        "    def start(self):\n"
        "        raise OSError('no more processes')\n"
        "demo.get_context = lambda way: type('Context', (), {'Process': Other})\n"
        "if sys.argv[1] == 'other':\n"
        "    demo.compile_from_the_end()\n"
        "    assert not _jit.missing(_jit.kernels(demo.STAGES))\n"
        "print(demo.compile_first() > 0)\n"
    )
    for folder, way, told in (("a", "alone", True), ("a", "alone", False), ("b", "other", False)):
        done = subprocess.run(
            [sys.executable, "-c", code, way], capture_output=True, text=True, cwd=tmp_path,
            env=environment(NUMBA_CACHE_DIR=str(tmp_path / folder)), check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, f"{told}\n"), done.stderr
        assert ("kernels in " in done.stderr) is told


@pytest.mark.slow
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
