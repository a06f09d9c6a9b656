"""Signals and pipes that close: no traceback, and what is written is whole."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.processes import environment
from tests.proposals.test_batch import photographs


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_an_interrupt_ends_it_quietly(tmp_path: Path) -> None:
    names = [str(path) for path in photographs(tmp_path, 2)] * 500
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs ignore it
        "from detutils.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "propose", *names, "-o", "-"]
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


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_json_lines_survive_an_interrupt(tmp_path: Path) -> None:
    """What is in the file is whole lines; nothing else is left in the folder."""
    paths = photographs(tmp_path, 2)
    names, out = [str(path) for path in paths] * 1000, tmp_path / "out.jsonl"
    code = "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from detutils.cli import main\nif __name__ == '__main__':\n    sys.exit(main(sys.argv[1:]))\n"
    command = [sys.executable, "-c", code, "propose", *names, "-o", str(out), "--workers", "2"]
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


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="closes a pipe early")
def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    names = [str(path) for path in photographs(tmp_path, 2)] * 500
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


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the stream")
def test_a_closed_output_is_no_crash() -> None:
    command = f"{shlex.quote(sys.executable)} -m detutils anchors >&-"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
