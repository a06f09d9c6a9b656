"""Scripts run as people run them, one after the other in one process, which loads libraries and kernels once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PATIENCE = 300  # seconds for a script

RUNNER = """
import contextlib, io, json, os, runpy, sys, traceback
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what a script's own children print
for line in sys.stdin:
    folder, *sys.argv = json.loads(line)
    os.chdir(folder)
    sys.path[0] = os.path.dirname(sys.argv[0])
    status, printed, errors = 0, io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
            status = 1
    print(json.dumps([status, printed.getvalue(), errors.getvalue()]), file=answers, flush=True)
"""


class Ran(NamedTuple):
    """How a script ended, and what it said."""

    status: int | str
    printed: str
    errors: str


class Scripts:
    """The process that runs them: kernels are compiled, whatever this process does, and warnings are errors."""

    def __init__(self, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
        kept["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", RUNNER], env={**kept, **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, path: Path, folder: Path, *arguments: str) -> Ran:
        """Run a script in a folder."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([str(folder), str(path), *arguments]), file=self.process.stdin, flush=True)
        clock = threading.Timer(PATIENCE, self.process.kill)
        clock.start()
        answer = self.process.stdout.readline()
        clock.cancel()
        assert answer, f"{path} ended the process: {self.process.wait()}"
        return Ran(*json.loads(answer))


@contextmanager
def scripts(**environment: str) -> Iterator[Scripts]:
    """A process that runs scripts, ended at the end."""
    runner = Scripts(**environment)
    with runner.process:
        try:
            yield runner
        finally:
            runner.process.kill()
