"""The benchmarks' harness: families are found, equality comes before time, ratios mean what they say."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from benchmarks import bench_tune, harness
from benchmarks.__main__ import families, main


@pytest.mark.parametrize("name", families())
def test_every_family_can_be_run(name: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.bench_{name}").run)


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["nothing"])
    assert caught.value.code == 2
    assert "no benchmark is called nothing" in capsys.readouterr().err


def test_tune_takes_names_of_constants(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    monkeypatch.setattr(bench_tune, "run", lambda report: seen.append(report.options.constants))
    assert main(["tune"]) == main(["tune", "FIRST"]) == main(["tune", "THIN", "fewest"]) == 0
    assert seen == [[], ["FIRST"], ["THIN", "fewest"]]
    for names in (["tune", "LAST"], ["FIRST"]):
        with pytest.raises(SystemExit):
            main(names)
    told = capsys.readouterr().err
    known = ", ".join(sorted({name for _, name, *_ in bench_tune.CONSTANTS}))
    assert f"no constant is called LAST; there are {known}" in told
    assert "no benchmark is called FIRST; there are " in told


@pytest.mark.parametrize(("file", "name", "values"), [row[:3] for row in bench_tune.CONSTANTS])
def test_tuned_constants_are_in_use(file: str, name: str, values: Sequence[float]) -> None:
    text = (bench_tune.PACKAGE / file).read_text(encoding="utf-8")
    middle = values[len(values) // 2]
    assert re.sub(r"[\d.]+", "", bench_tune.changed(text, name, middle)) == re.sub(r"[\d.]+", "", text)
    (written,) = re.findall(rf"^ *{name}(?:: int)? = ([\d_.]+)", text, re.MULTILINE)
    assert float(written) == middle


def test_quick_is_the_default(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen = []
    module = importlib.import_module("benchmarks.bench_anchors")
    monkeypatch.setattr(module, "run", lambda report: seen.append(report.quick))
    assert main(["anchors"]) == main(["anchors", "--quick"]) == main(["anchors", "--full"]) == 0
    assert seen == [True, True, False]
    told = capsys.readouterr().err
    assert told.count("a minute or two; --full measures it all") == 2
    assert told.count("anchors: took ") == 3
    with pytest.raises(SystemExit):
        main(["anchors", "--full", "--quick"])


@pytest.mark.skipif(os.name != "posix", reason="closes a pipe early")
def test_a_closed_pipe_ends_it_quietly() -> None:
    code = (
        "import sys, importlib\n"
        "from benchmarks.__main__ import main\n"
        "def run(report):\n"
        "    for line in range(100000):\n"
        "        report.say('a line')\n"
        "importlib.import_module('benchmarks.bench_anchors').run = run\n"
        "sys.exit(main(['anchors']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(timeout=60) == 141
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_an_interrupt_ends_it_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(report: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("benchmarks.bench_anchors"), "run", interrupted)
    assert main(["anchors"]) == 130
    assert capsys.readouterr().err.endswith("interrupted\n")


def test_a_different_result_is_never_timed(capsys: pytest.CaptureFixture[str]) -> None:
    options = argparse.Namespace(quick=True, markdown=None, json=None)
    report = harness.Report(options)

    def slow() -> int:
        time.sleep(0.02)
        return 1

    contenders = {"detutils": lambda: 1, "wrong": lambda: 2, "slow": slow}
    medians = report.compare("family", "case", contenders, equal=lambda ours, theirs: ours == theirs, seconds=0.01)
    assert set(medians) == {"detutils", "slow"}
    assert report.rows[0]["different"] == ["wrong"]
    assert report.rows[0]["ratios"]["slow"] == medians["slow"] / medians["detutils"]
    assert "different result, not timed: wrong" in capsys.readouterr().out


def test_seconds_in_words() -> None:
    words = [harness.in_words(value) for value in (2.5, 0.0123, 4.56e-6, 7e-9)]
    assert words == ["2.5 s", "12.3 ms", "4.56 us", "7 ns"]


def test_a_fresh_process_tells_its_own_peak_of_memory() -> None:
    small = harness.child("print('ready')")
    assert small.output == "ready"
    large = harness.child("block = bytearray(200_000_000)")
    assert large.peak_bytes - small.peak_bytes > 150_000_000
    assert small.peak_bytes < 150_000_000
