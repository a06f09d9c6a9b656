"""``detutils demo``."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import detutils
from detutils.cli.terminal import check_output
from detutils.pictures.files import FORMATS


def add_demo(commands: Any) -> None:
    """Arguments of ``detutils demo``."""
    parser = commands.add_parser(
        "demo", help="find a face in a photograph, step by step, and draw it",
        description="Selective Search, scores, box regression and NMS on a photograph that comes with "
        "scikit-image. Needs no network and no OpenCV.",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("detutils_demo.png"), metavar="PICTURE",
        help="where to write the picture (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the proposals' order and of training")
    parser.add_argument("--json", action="store_true", help="print the stages as JSON")
    parser.set_defaults(run=run_demo)


def run_demo(options: argparse.Namespace) -> int:
    """Run the demo, print what each stage did, write the picture."""
    from detutils.cli.faces import find_faces

    check_output(options.output, tuple(FORMATS))
    begin = time.perf_counter()
    stages = []

    def report(name: str, text: str, seconds: float) -> None:
        stages.append({"stage": name, "result": text, "seconds": round(seconds, 4)})
        if not options.json:
            print(f"{name:<18} {text:<74} {seconds:6.2f} s", flush=True)

    sheet = find_faces(seed=options.seed, report=report).picture
    detutils.write_image(options.output, sheet)
    seconds = time.perf_counter() - begin
    if options.json:
        print(json.dumps({"picture": str(options.output), "seconds": round(seconds, 4), "stages": stages}))
    else:
        print(f"{'picture':<18} {options.output!s:<74} {seconds:6.2f} s in all")
    return 0
