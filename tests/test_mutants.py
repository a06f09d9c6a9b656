"""The list of mutants is whole: every fault still has its place, and every file of kernels has faults."""

from __future__ import annotations

from tests.mutants import MUTANTS, ROOT
from tests.test_house import KERNEL_FILES


def test_every_mutant_has_its_place() -> None:
    assert len(set(MUTANTS)) == len(MUTANTS) >= 60
    for mutant in MUTANTS:
        text = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert text.count(mutant.old) == 1, f"{mutant.file}: {mutant.old}"
        assert mutant.old != mutant.new
        assert all((ROOT / place.partition("::")[0]).exists() for place in mutant.tests.split())


def test_every_kernel_file_has_mutants() -> None:
    mutated = {ROOT / mutant.file for mutant in MUTANTS}
    assert {path for path in KERNEL_FILES if path.name != "limits.py"} <= mutated
