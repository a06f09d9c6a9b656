"""The command line: what it prints and writes, its exit codes, and that no user ever sees a traceback."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import detutils
from detutils.cli import main
from detutils.cli.commands import build_parser
from tests.cli.processes import run

# ---- usage -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(
    "arguments",
    [
        [], ["nonsense"], ["propose"], ["propose", "a.png"], ["propose", "a.png", "-o", "a.json", "--shards", "out"],
        ["anchors", "--ratios"], ["--no-such"],
    ],
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


@pytest.mark.parametrize("error", [OSError("disk"), MemoryError(), ValueError("no"), ImportError("no cv2")])
def test_no_traceback_for_what_users_can_mend(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(detutils, "generate_anchors", fail)
    assert main(["anchors"]) == 2
    assert capsys.readouterr().err == f"detutils anchors: error: {str(error) or 'MemoryError'}\n"
