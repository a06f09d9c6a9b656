"""Fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys


def python(code: str, *arguments: str, **environment: object) -> tuple[str, str]:
    """What a fresh process prints, and its warnings."""
    changed = {name: str(value) for name, value in environment.items()}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **changed})
    return done.stdout, done.stderr
