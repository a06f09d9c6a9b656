"""``python -m tests.hostile [--deep] [names of entries]``."""

from __future__ import annotations

import argparse
import collections
import itertools
import time

from tests.hostile.runs import judge_apart, judge_here
from tests.hostile.table import entries

FAULTS = ("silent wrong", "accepted invalid", "obscure", "valid refused", "crash", "hang")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description="Judge every cell of the table.")
    parser.add_argument(
        "--deep", action="store_true", help="in a process of its own, so that crashes and hangs count too"
    )
    parser.add_argument("only", nargs="*", help="names of entries, all by default")
    options = parser.parse_args()
    chosen = [index for index, entry in enumerate(entries()) if not options.only or entry.name in options.only]
    begin, counts, total = time.monotonic(), collections.Counter[str](), 0
    verdicts = judge_apart(chosen) if options.deep else judge_here(chosen)
    for name, group in itertools.groupby(verdicts, key=lambda verdict: verdict.function):
        found = list(group)
        bad = [verdict for verdict in found if verdict.fault]
        total += len(found)
        counts.update(verdict.fault for verdict in bad)
        print(f"{name}: {len(found)} cells, {len(bad)} faults", flush=True)
        for verdict in bad:
            print("   ", " | ".join(verdict[1:]), flush=True)
    text = ", ".join(f"{counts[fault]} {fault}" for fault in FAULTS)
    print(f"{total} cells in {time.monotonic() - begin:.0f} s: {text}")


if __name__ == "__main__":
    main()
