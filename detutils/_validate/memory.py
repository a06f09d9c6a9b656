"""What cannot fit into memory is refused before it is allocated."""

from __future__ import annotations

import os

ALWAYS_FITS = 1 << 28  # bytes that are allocated without asking how many are free
ENDLESS = 1 << 62

# The files of a container's limit and use, and what its use may be shrunk by: Linux's control groups 2 and 1.
_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)


def check_memory(size: int, what: str) -> None:
    """Refuse at once what cannot fit, instead of letting the system kill the process later."""
    if size < ALWAYS_FITS:
        return
    room = min(_available_memory(), _room_in_container())
    if size > room:
        raise MemoryError(f"{what} needs {size / 2**30:.1f} GiB and {room / 2**30:.1f} GiB are available")


def _available_memory() -> int:
    try:
        return _field("/proc/meminfo", "MemAvailable:") * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return ENDLESS


def _room_in_container() -> int:
    """What is left of the memory that this process's container may use, which the machine's own count hides."""
    for limit, use, details in _LIMITS:
        try:
            most, used = _number(limit), _number(use)  # "max" is no number: there is no limit
            return max(0, most - used + _field(details, "inactive_file"))
        except (OSError, ValueError):
            continue
    return ENDLESS


def _number(path: str) -> int:
    with open(path, encoding="ascii") as file:
        return int(file.read())


def _field(path: str, name: str) -> int:
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[:1] == [name]:
                return int(words[1])
    raise ValueError(f"{path} has no {name}")
