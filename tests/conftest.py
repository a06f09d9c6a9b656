"""Makes ``tests`` and ``benchmarks`` importable beside an installed detutils, and fixes Hypothesis' randomness."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # at the end, so that an installed detutils is found before the checkout's

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Judge the kernels' signatures after every other test has called them."""
    items.sort(key=lambda item: item.name == "test_one_signature_a_kernel")
