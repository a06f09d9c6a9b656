"""``detutils warmup`` and ``detutils version``: what concerns the machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from importlib import metadata
from typing import Any

import detutils
from detutils.cli.terminal import Progress
from detutils.pictures.png import CV2_CURES


def add_warmup(commands: Any) -> None:
    """Arguments of ``detutils warmup``."""
    parser = commands.add_parser(
        "warmup", help="compile kernels now, so that no later call waits",
        description="Compile the kernels of some families, or all, and keep the machine code. Calls of these "
        "functions then start at once, in every process.",
    )
    parser.add_argument(
        "families", nargs="*", metavar="FAMILY",
        help="What will be called, such as nms, overlaps, proposals, evaluation, or the name of a public function. "
        "The default is everything, which takes a minute or two.",
    )
    parser.set_defaults(run=run_warmup)


def run_warmup(options: argparse.Namespace) -> int:
    """Fill the cache of machine code."""
    begin = time.perf_counter()
    with Progress("compile") as bar:
        count = detutils.warmup(*options.families, progress=lambda done, total, name: bar.move(done, name, total))
    print(f"{count} kernels ready in {time.perf_counter() - begin:.1f} s")
    return 0


def add_version(commands: Any) -> None:
    """Arguments of ``detutils version``."""
    parser = commands.add_parser("version", help="versions of detutils and of what it stands on")
    parser.add_argument("--json", action="store_true", help="Print a JSON object.")
    parser.set_defaults(run=run_version)


def run_version(options: argparse.Namespace) -> int:
    """Print what a report of a fault should say."""
    facts = {"detutils": detutils.__version__, "python": platform.python_version()}
    facts["machine"] = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    for name in ("numpy", "numba", "scikit-image", "pillow", "tqdm"):
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            facts[name] = "not installed"
    try:
        import cv2

        facts["opencv"] = str(cv2.__version__)
    except Exception as error:  # a missing system library, or two installs in one folder
        facts["opencv"] = f"cannot be imported ({error}); only PNGs of 16 bits need it; what mends it: {CV2_CURES}"
    if options.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            print(f"{name:<13} {value}")
    return 0
