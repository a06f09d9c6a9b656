"""The ``detutils`` command.

Exit codes: 0 all done, 1 some files of a batch failed, 2 wrong usage or input, 130 interrupted, 141 nobody reads the
output any more.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code. Ctrl-C ends it with one word, also while modules are imported."""
    try:
        from detutils.cli.commands import run

        return run(arguments)
    except KeyboardInterrupt:
        pass
    except (ImportError, SystemError) as error:  # what an interrupt in the middle of an import may turn into
        from detutils.cli.terminal import was_interrupted

        if not was_interrupted(error):
            raise
    print("interrupted", file=sys.stderr, flush=True)
    return 130
