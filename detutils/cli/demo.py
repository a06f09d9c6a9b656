"""``detutils demo``."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import detutils
from detutils import _jit
from detutils.cli.terminal import Progress, check_output, say
from detutils.pictures.files import FORMATS

STAGES = ["detutils.proposals.strategies", "detutils.pictures.files"]  # whose kernels take longest to compile


def add_demo(commands: Any) -> None:
    """Arguments of ``detutils demo``."""
    parser = commands.add_parser(
        "demo", help="find a face in a photograph, step by step, and draw it",
        description="Selective Search, scores, box regression and NMS on a photograph that comes with "
        "scikit-image. Needs no network and no OpenCV.",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("detutils_demo.png"), metavar="PICTURE",
        help="Where to write the picture. The default is %(default)s.",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="Seeds the order of the proposals and training. The default is 0."
    )
    parser.add_argument("--json", action="store_true", help="Print the stages as JSON.")
    parser.set_defaults(run=run_demo)


def run_demo(options: argparse.Namespace) -> int:
    """Run the demo, print what each stage did, write the picture."""
    from detutils.cli.faces import find_faces

    check_output(options.output, tuple(FORMATS))
    compiling = compile_first()
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
        print(json.dumps({"picture": str(options.output), "seconds": round(seconds, 4),
                          "compiling": round(compiling, 4), "stages": stages}))  # fmt: skip
    else:
        print(f"{'picture':<18} {options.output!s:<74} {seconds:6.2f} s in all")
    return 0


# ---- the compiler, before the clock runs -------------------------------------------------------------------

def compile_first() -> float:
    """Compile what the stages call, if it is not kept from another run, and show that; the seconds it took."""
    begin = time.perf_counter()
    every = _jit.kernels(STAGES)
    cold = _jit.missing(every)
    if not cold:
        rehearse()
        return 0.0
    other = get_context("spawn").Process(target=compile_from_the_end, daemon=True)
    with contextlib.suppress(OSError):  # without a second process it takes longer
        other.start()
    with Progress("compiling, once", len(cold) + 1) as bar:
        for done, (kernel, signature) in enumerate(cold, start=1):
            _jit.compile_kernel(kernel, signature)
            bar.move(done, kernel.__name__)
        rehearse()
        bar.move(len(cold) + 1, "the rest")
    if other.pid is not None:
        other.join()
    seconds = time.perf_counter() - begin
    say(f"compiled {len(cold)} kernels in {seconds:.1f} s, which are kept for the next time")
    return seconds


def compile_from_the_end() -> None:
    """The same kernels in the opposite order, in a process of its own, until it meets the first one."""
    for kernel, signature in reversed(_jit.kernels(STAGES)):
        if not _jit.missing([(kernel, signature)]):
            return
        _jit.compile_kernel(kernel, signature)


def rehearse() -> None:
    """What the stages call beside the proposals, on next to nothing."""
    boxes = np.array([[0.0, 0.0, 8.0, 8.0]])
    detutils.nms(boxes, np.ones(1))
    detutils.nms(np.repeat(boxes, 50, axis=0), np.ones(50))
    detutils.box_iou(boxes, boxes)
    detutils.clip_boxes_to_image(boxes, (8, 8))
    detutils.draw_boxes(np.zeros((32, 32, 3), np.uint8), boxes, width=1)
