"""What Pillow and tifffile say of files while they read them, kept from the terminal."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

_LOGGERS = ("tifffile", "PIL.TiffImagePlugin")
_lock = threading.Lock()
_silent = 0  # threads that are reading
_before = contextlib.ExitStack()


def _drop(record: logging.LogRecord) -> bool:
    return False


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """No warnings and no log of the decoders while any thread is inside: a fault of a file becomes an error here.

    The filters of ``warnings`` belong to the whole process: the first thread that enters changes them, and the
    last that leaves restores them.
    """
    if getattr(sys.flags, "context_aware_warnings", False):  # each thread has filters of its own
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
        return
    global _silent
    with _lock:
        _silent += 1
        if _silent == 1:
            _before.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            for name in _LOGGERS:
                logging.getLogger(name).addFilter(_drop)
    try:
        yield
    finally:
        with _lock:
            _silent -= 1
            if _silent == 0:
                _before.close()
                for name in _LOGGERS:
                    logging.getLogger(name).removeFilter(_drop)
