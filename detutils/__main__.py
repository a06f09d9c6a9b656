"""``python -m detutils``: the same as the ``detutils`` command."""

from __future__ import annotations

import sys

from detutils.cli import main

if __name__ == "__main__":  # worker processes import this file again
    sys.exit(main())
