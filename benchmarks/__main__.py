"""``python -m benchmarks [names] [--quick] [--plots FOLDER] [--markdown FILE] [--json FILE]``."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys

# One thread each, whatever the peers would like; set before any of them is loaded.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_variable] = "1"


def families() -> list[str]:
    """The names that can be asked for."""
    import benchmarks

    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name.removeprefix("bench_") for name in names if name.startswith("bench_"))


def main(arguments: list[str] | None = None) -> int:
    """Run the families asked for (all of them by default) and print their tables."""
    known = families()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time detutils beside its peers.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which of: {', '.join(known)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds: a look, not a measurement")
    parser.add_argument("--plots", metavar="FOLDER", help="also draw pictures there (needs matplotlib)")
    parser.add_argument("--markdown", metavar="FILE", help="also write the tables there")
    parser.add_argument("--json", metavar="FILE", help="also write every median there")
    parser.add_argument("--images", metavar="FOLDER", help="photographs for the proposals family")
    parser.add_argument("--annotations", metavar="PATH", help="their boxes: COCO JSON, or a VOC or YOLO folder")
    parser.add_argument("--limit", type=int, metavar="N", help="use only the first N photographs")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")

    from benchmarks.harness import Report, machine

    report = Report(options)
    report.say(machine())
    for name in options.names or known:
        importlib.import_module(f"benchmarks.bench_{name}").run(report)
    report.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
