"""What docs/deploy.md promises: slim installs, forks, threads, read-only file systems, the example of a service."""

from __future__ import annotations

import io
import json
import os
import re
import runpy
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils
from detutils import _jit
from tests.processes import python

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
DEPLOY = ROOT / "examples" / "deploy"
needs_jit = pytest.mark.skipif(_jit.JIT_DISABLED, reason="no kernel is compiled")

# ---- numpy and numba alone ---------------------------------------------------------------------------------

SLIM = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        known = ("numpy", "numba", "llvmlite", "detutils", "__main__", *sys.stdlib_module_names)
        if name.split(".")[0] not in known:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""

# Runs the example of every public name; prints what could not be imported for those that fail.
EVERY_EXAMPLE = SLIM + """
import doctest, json, re
import detutils
failed = {}
for name in detutils.__all__:
    thing = getattr(detutils, name)
    if name == "__version__" or not isinstance(thing.__doc__, str):
        continue
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for example in doctest.DocTestFinder().find(thing, name, module=sys.modules.get(thing.__module__)):
        runner.run(example, out=said.append)
    if runner.summarize(verbose=False).failed:
        failed[name] = re.findall(r"^ *(?:ImportError|ModuleNotFoundError): (.*)", "".join(said), re.M)
print(json.dumps(failed))
"""


@pytest.mark.slow
@needs_jit
def test_what_runs_with_numpy_and_numba_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every public name's example, but those that the page lists; each of these says which install mends it."""
    monkeypatch.chdir(tmp_path)
    failed = json.loads(python(EVERY_EXAMPLE, PYTHONPATH=ROOT)[0].splitlines()[-1])
    table = PAGE.split("## Slim installs")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `pip install ([\w\[\]']+)` \| (.*) \|$", table, re.M)
    listed = {name: install for install, names in rows for name in re.findall(r"`(\w+)`", names)}
    assert failed.keys() == listed.keys()
    for name, errors in failed.items():
        cures = [error for error in errors if "pip install" in error]
        # map_images, write_shards and propose_images report it as the error of each image instead
        assert cures or name in ("map_images", "write_shards", "propose_images"), (name, errors)
        for cure in cures:
            assert f"pip install {listed[name]}" in cure.replace("'", ""), cure


def test_paths_alone_need_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = SLIM + (
        "import detutils\n"
        "print([one.value for one in detutils.map_images(str, ['a.png'], read=False)])\n"
        "print(detutils.write_shards(str, ['a.png'], 'out', read=False).failed)\n"
    )
    assert python(code, PYTHONPATH=ROOT)[0] == "['a.png']\n0\n"


# ---- forks and threads -------------------------------------------------------------------------------------

CALLS = """
import os, sys, threading, warnings
import numpy as np
import detutils

warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
rng = np.random.default_rng(0)
corners = rng.uniform(0, 400, (500, 2))
boxes = np.hstack([corners, corners + rng.uniform(5, 60, (500, 2))])
scores, labels = rng.uniform(size=500), rng.integers(0, 3, 500)

def answers():
    kept = detutils.nms(boxes, scores, 0.5), detutils.batched_nms(boxes, scores, labels, 0.5)
    return [*map(bytes, kept), bytes(detutils.box_iou(boxes[:40], boxes))]
"""

FORKS = CALLS + """
detutils.warmup("nms", "box_iou")
wanted = answers()

def child():
    several = []
    threads = [threading.Thread(target=lambda: several.append(answers())) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return answers() == wanted and several == [wanted] * 3

idle = threading.Event()
threading.Thread(target=idle.wait, daemon=True).start()  # a server has threads when it forks
for _ in range(4):
    if (pid := os.fork()) == 0:
        os._exit(0 if child() else 1)
    assert os.waitpid(pid, 0)[1] == 0, "a forked process answered otherwise"

import multiprocessing
with multiprocessing.get_context("fork").Pool(3) as pool:
    assert [pool.apply_async(answers).get(60) for _ in range(9)] == [wanted] * 9
assert answers() == wanted
print("all the same")
"""


@needs_jit
@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_processes_that_fork_after_the_warm_up() -> None:
    assert python(FORKS, PYTHONPATH=ROOT)[0] == "all the same\n"


@pytest.mark.slow
@needs_jit
def test_threads_that_make_the_first_call_together(tmp_path: Path) -> None:
    """With nothing compiled, and again with machine code on disk: eight threads meet in the same first call."""
    code = CALLS.replace("kept = ", "return [bytes(detutils.clip_boxes_to_image(boxes, (300, 300)))]\n    kept = ") + (
        "gate, found = threading.Barrier(8), []\n"
        "def first():\n"
        "    gate.wait()\n"
        "    found.append(answers())\n"
        "threads = [threading.Thread(target=first) for _ in range(8)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "assert found == [answers()] * 8\n"
        "assert found[0] == [bytes(boxes.clip(0, 300))]\n"
        "print('all the same')\n"
    )
    for _ in range(2):
        assert python(code, PYTHONPATH=ROOT, NUMBA_CACHE_DIR=tmp_path) == ("all the same\n", "")


def test_threads_at_once() -> None:
    """Arrays that all threads read, and arrays of their own."""
    rng = np.random.default_rng(3)
    shared: Any = None
    scenes = []
    for k in range(8):
        corners = rng.uniform(0, 100, (60 + k, 2))
        boxes = np.hstack([corners, corners + rng.uniform(5, 40, (60 + k, 2))]).astype(np.float32)
        shared = shared or (boxes, rng.uniform(size=len(boxes)))
        scenes += [(boxes, rng.uniform(size=len(boxes))), shared]
    wanted = [detutils.nms(*scene, 0.5).tolist() for scene in scenes]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert [kept.tolist() for kept in pool.map(lambda scene: detutils.nms(*scene, 0.5), scenes)] == wanted


# ---- a cache that is baked, a file system that is read-only --------------------------------------------------

READ_ONLY = """
import errno, os, sys
def refuse(event, arguments):
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    changes = event in ("os.mkdir", "os.rename", "os.remove", "os.chmod")
    if changes or (event == "open" and arguments[2] & writes and arguments[0] != os.devnull):
        raise OSError(errno.EROFS, "Read-only file system", str(arguments[0]))
sys.addaudithook(refuse)
import detutils
print(detutils.remove_small_boxes([[0, 0, 9, 9], [0, 0, 1, 1]], 5).tolist())
"""


@pytest.mark.slow
@needs_jit
def test_a_read_only_file_system(tmp_path: Path) -> None:
    """With a baked cache there is not even a warning; without one, one warning, and the answer."""
    kept, warned = python(READ_ONLY, PYTHONPATH=ROOT, NUMBA_CACHE_DIR=tmp_path, NUMBA_CPU_NAME="generic")
    assert kept == "[0]\n"
    assert warned.count("CacheWarning") == 1
    assert "Read-only file system" in warned
    bake = READ_ONLY.replace("sys.addaudithook(refuse)", "")
    python(bake, PYTHONPATH=ROOT, NUMBA_CACHE_DIR=tmp_path, NUMBA_CPU_NAME="generic")
    baked = sorted(path.name for path in tmp_path.rglob("*.nbk"))
    assert baked
    answer = python(READ_ONLY, PYTHONPATH=ROOT, NUMBA_CACHE_DIR=tmp_path, NUMBA_CPU_NAME="generic")
    assert answer == ("[0]\n", "")
    assert sorted(path.name for path in tmp_path.rglob("*.nbk")) == baked


def test_the_dockerfile() -> None:
    """Its variables stand before the warm-up and stay; what it warms up and copies exists."""
    lines = re.sub(r"\\\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8")).splitlines()
    steps = [shlex.split(line) for line in lines if line and not line.startswith("#")]
    variables = dict(step[1].split("=") for step in steps if step[0] == "ENV")
    assert variables == {"NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": "/opt/kernels"}
    (warm,) = [k for k, step in enumerate(steps) if step[:3] == ["RUN", "detutils", "warmup"]]
    assert all(k < warm for k, step in enumerate(steps) if step[0] == "ENV")
    assert set(steps[warm][3:]) <= {*_jit.FAMILIES, *detutils.__all__}
    for step in steps:
        if step[0] == "COPY":
            assert all((ROOT / source).exists() for source in step[1:-1])


# ---- the service -------------------------------------------------------------------------------------------

def ask(app: Any, body: bytes, length: str | None = None) -> tuple[str, Any]:
    said: list[Any] = []
    environ = {"CONTENT_LENGTH": length or str(len(body)), "wsgi.input": io.BytesIO(body)}
    answer = b"".join(app(environ, lambda *arguments: said.append(arguments)))
    assert dict(said[0][1])["Content-Length"] == str(len(answer))
    return said[0][0], json.loads(answer)


def test_the_service() -> None:
    app = runpy.run_path(str(DEPLOY / "app.py"))["app"]
    request = {"boxes": [[0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]], "scores": [0.9, 0.8, 0.95]}
    assert ask(app, json.dumps(request).encode()) == ("200 OK", {"keep": [2, 0]})
    assert ask(app, json.dumps({**request, "iou_threshold": 0.9}).encode()) == ("200 OK", {"keep": [2, 0, 1]})
    for body, text in (
        (b"{", "Expecting"), (b"{}", "boxes"), (b'{"boxes": [[0, 0, 1]], "scores": [1]}', "shape (N, 4)"),
        (b"[]", "list"),
        (b'{"boxes": [[0, 0, 1, NaN]], "scores": [1]}', "boxes"), (b"", "Expecting"),
    ):  # fmt: skip
        status, answer = ask(app, body)
        assert status == "400 Bad Request"
        assert text in answer["error"]
    for length in ("99999999", "many"):
        assert ask(app, b"", length)[0] == "400 Bad Request"


def test_the_hook_of_gunicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed = []
    monkeypatch.setattr(detutils, "warmup", lambda *families: warmed.append(families))
    settings = runpy.run_path(str(DEPLOY / "gunicorn.conf.py"))
    assert settings["preload_app"] is True
    settings["on_starting"](None)
    assert warmed == [("nms",)]
