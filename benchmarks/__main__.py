"""``python -m benchmarks [names] [--full] [--plots FOLDER] [--markdown FILE] [--json FILE]``.

Behind ``tune`` the names of tuned constants may stand: ``python -m benchmarks tune FIRST`` prints the table of one.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import time

# One thread each, whatever the peers would like; set before any of them is loaded.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_variable] = "1"


def families() -> list[str]:
    """The names that can be asked for."""
    import benchmarks

    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name.removeprefix("bench_") for name in names if name.startswith("bench_"))


def tuned() -> list[str]:
    """The constants whose tables can be asked for."""
    from benchmarks.bench_tune import CONSTANTS

    return sorted({name for _, name, *_ in CONSTANTS})


def main(arguments: list[str] | None = None) -> int:
    """Run the families asked for (all of them by default) and print their tables."""
    known = families()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time detutils beside its peers, those that are installed. A family takes a minute or two as it "
        "is, and about ten times that with --full.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="name",
        help=f"Any of {', '.join(known)}. The default is all. Behind tune constants may stand, as in tune FIRST.",
    )  # fmt: skip
    parser.add_argument("--full", action="store_true", help="Measure every case, in many rounds.")
    parser.add_argument("--quick", action="store_true", help="Take a look with fewer cases and rounds: the default.")
    parser.add_argument("--plots", metavar="FOLDER", help="Also draw pictures there, which needs matplotlib.")
    parser.add_argument("--markdown", metavar="FILE", help="Also write the tables there.")
    parser.add_argument("--json", metavar="FILE", help="Also write every median there.")
    parser.add_argument("--images", metavar="FOLDER", help="Photographs for the proposals family.")
    parser.add_argument(
        "--annotations", metavar="PATH", help="The boxes of the photographs: COCO JSON, or a VOC or YOLO folder."
    )
    parser.add_argument("--limit", type=int, metavar="N", help="Use only the first N photographs.")
    options = parser.parse_args(arguments)
    if options.full and options.quick:
        parser.error("--full and --quick exclude each other")
    options.quick = not options.full
    unknown = [name for name in options.names if name not in known]
    constants = tuned() if unknown and "tune" in options.names else []
    options.constants = [name for name in unknown if name in constants]
    options.names = [name for name in options.names if name in known]
    unknown = [name for name in unknown if name not in constants]
    if unknown and constants:
        parser.error(f"no constant is called {', '.join(unknown)}; there are {', '.join(constants)}")
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")

    try:
        measure(options.names or known, options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def measure(names: list[str], options: argparse.Namespace) -> None:
    """Run families one after the other; what each will do and how long it took stands on standard error."""
    from benchmarks.harness import Report, machine

    report = Report(options)
    report.say(machine())
    for name in names:
        family = importlib.import_module(f"benchmarks.bench_{name}")
        what = (family.__doc__ or name).splitlines()[0]
        how = "a minute or two; --full measures it all" if options.quick else "some ten minutes"
        print(f"{name}: {what} Takes {how}.", file=sys.stderr, flush=True)
        begin = time.perf_counter()
        family.run(report)
        print(f"{name}: took {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    report.save()


if __name__ == "__main__":
    sys.exit(main())
