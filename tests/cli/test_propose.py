"""``detutils propose``: every format, bad files, pictures, progress."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import detutils
from detutils.cli import main
from detutils.cli.terminal import Progress, image_files
from tests.proposals.test_batch import photographs

FEW = ["--mode", "single", "--min-size", "4"]


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


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
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


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
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
