"""What cannot fit into memory is refused before it is allocated."""

from __future__ import annotations

import os

ALWAYS_FITS = 1 << 28  # bytes that are allocated without asking how many are free


def check_memory(size: int, what: str) -> None:
    """Refuse at once what cannot fit, instead of letting the system kill the process later."""
    if size < ALWAYS_FITS:
        return
    room = _available_memory()
    if size > room:
        raise MemoryError(f"{what} needs {size / 2**30:.1f} GiB and {room / 2**30:.1f} GiB are available")


def _available_memory() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 62
