"""``detutils anchors``."""

from __future__ import annotations

import argparse
import json
from typing import Any

import detutils


def add_anchors(commands: Any) -> None:
    """Arguments of ``detutils anchors``."""
    parser = commands.add_parser("anchors", help="print the base anchors of a region proposal network")
    parser.add_argument("--base-size", type=float, default=16, help="Side of the window. The default is 16.")
    parser.add_argument(
        "--ratios", type=float, nargs="+", default=[0.5, 1, 2], help="Height / width. The defaults are 0.5 1 2."
    )
    parser.add_argument(
        "--scales", type=float, nargs="+", default=[8, 16, 32],
        help="Multiples of the window. The defaults are 8 16 32.",
    )
    parser.add_argument("--json", action="store_true", help="Print a JSON list.")
    parser.set_defaults(run=run_anchors)


def run_anchors(options: argparse.Namespace) -> int:
    """Print the table that generate_anchors returns."""
    anchors = detutils.generate_anchors(options.base_size, options.ratios, options.scales)
    if options.json:
        print(json.dumps(anchors.tolist()))
        return 0
    print(f"{'x1':>8} {'y1':>8} {'x2':>8} {'y2':>8}    ratio  scale")
    kinds = [(ratio, scale) for ratio in options.ratios for scale in options.scales]
    for box, (ratio, scale) in zip(anchors.tolist(), kinds):
        print(" ".join(f"{value:8g}" for value in box), f"{ratio:8g} {scale:6g}")
    return 0
