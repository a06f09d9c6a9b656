"""What stands beside the package: one version, workflows that call what exists, placeholders in one place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import detutils

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github").rglob("*.yml"))

pytestmark = pytest.mark.skipif(not (ROOT / "CITATION.cff").exists(), reason="the checkout is not here")


def project() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_one_version() -> None:
    citation = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.M)
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert citation is not None
    assert newest is not None
    assert {citation[1], newest[1], project()["project"]["version"]} == {detutils.__version__}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_forms_and_workflows_are_yaml(path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content
    for job in content.get("jobs", {}).values():
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            for word in re.findall(r"(?:^|\s)(\.?[\w.]+/[\w./]+)", step.get("run", "")):
                assert "_build" in word or (ROOT / word).exists(), word


def test_python_of_the_workflows_is_that_of_the_metadata() -> None:
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]
    tried = jobs["tests"]["strategy"]["matrix"]["python"]
    said = [
        word.rsplit(" ", 1)[1]
        for word in project()["project"]["classifiers"]  # type: ignore[attr-defined]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", word)
    ]
    assert tried == said
    oldest = [step["run"] for step in jobs["oldest"]["steps"] if "numpy==" in step.get("run", "")]
    for least in ("numpy>=2.0", "numba>=0.61", "scikit-image>=0.24"):
        assert least in project()["project"]["dependencies"]
        assert least.replace(">=", "==") + ".*" in oldest[0]


def test_placeholders_stand_in_one_place() -> None:
    kinds = {".py", ".pyi", ".md", ".toml", ".cff", ".yml", ".yaml"}
    skipped = {".venv", ".git", "build", "dist"}
    named = [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*")
        if path.suffix in kinds and not skipped & set(path.parts) and path != Path(__file__).resolve()
        if "example.org/detutils" in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert named == ["pyproject.toml"]
