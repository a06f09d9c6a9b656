"""The pages' code runs, block after block, and what they point to exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts import Scripts, scripts

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.fixture(scope="module")
def runner() -> Iterator[Scripts]:
    with scripts() as process:
        yield process


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=page.stem, marks=[] if page.stem == "README" else [pytest.mark.slow]) for page in PAGES],
)
def test_code_of_the_pages_runs(runner: Scripts, page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    if not blocks:
        pytest.skip("no Python on this page")
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    ran = runner.run(script, tmp_path)
    assert ran.status == 0, ran.errors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not link.startswith(("http:", "https:")):
            assert (page.parent / link).exists(), link
