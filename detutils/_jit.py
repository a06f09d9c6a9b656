"""The one way to make a kernel: how it is compiled, where its machine code is kept, and what ``warmup`` compiles.

A kernel is a function that Python calls with canonical arrays (C-contiguous, aligned, writable, native byte order) and
that trusts them. Kernels live in folders named ``_kernels``, each beside the functions that call them; nothing else in
the package is compiled. Their files may import from one another: cached machine code is stamped with the content of
every file that went into it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import os
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from numba.core import sigutils
from numba.core.caching import FunctionCache, IndexDataCacheFile

F8 = npt.NDArray[np.float64]
F4 = npt.NDArray[np.float32]
I8 = npt.NDArray[np.int64]
I4 = npt.NDArray[np.int32]
U4 = npt.NDArray[np.uint32]
U2 = npt.NDArray[np.uint16]
U1 = npt.NDArray[np.uint8]
B1 = npt.NDArray[np.bool_]

# The default error model tests every division and keeps the loops from vectorizing (4-7x on the IoU loop).
# fastmath would delete the NaN checks; Numba's parallel loops kill processes that fork or call
# from two threads. The wrapper for callers in C is compiled for nobody.
OPTIONS: dict[str, Any] = {"nopython": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

JIT_DISABLED = bool(numba.config.DISABLE_JIT)

_Function = TypeVar("_Function", bound=Callable[..., Any])

_KERNELS: list[tuple[Any, str]] = []


class CacheWarning(RuntimeWarning):
    """The machine code of a kernel can be neither kept nor found again: every process compiles anew."""


def _warn_once(reason: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"detutils compiles its kernels anew in every process: {reason}. "
            "Set NUMBA_CACHE_DIR to a folder that only you can write to.",
            CacheWarning,
            stacklevel=3,
        )


_warned = False


class _CheckedFile(IndexDataCacheFile):  # type: ignore[misc]
    """Machine code with its SHA-256 in front, because half a file may still unpickle into code that crashes."""

    def _save_data(self, name: str, data: Any) -> None:
        payload = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(payload).digest() + payload)

    def _load_data(self, name: str) -> Any:
        with open(self._data_path(name), "rb") as file:
            content = file.read()
        digest, payload = content[:32], content[32:]
        if hashlib.sha256(payload).digest() != digest:
            raise ValueError(f"{name} is damaged")
        return numba.core.caching.pickle.loads(payload)


_IMPORT = re.compile(rb"^from (detutils[\w.]*\._kernels\.\w+|detutils\._jit) import", re.MULTILINE)


@functools.cache
def _digest_of(module: str) -> bytes:
    return hashlib.sha256(_source_of(module)).digest()


@functools.cache
def _source_of(module: str) -> bytes:
    return Path(sys.modules[module].__file__ or "").read_bytes()


def imported_files(module: str) -> list[str]:
    """The kernel files, ``_jit`` among them, that a kernel file imports."""
    return [name.decode() for name in _IMPORT.findall(_source_of(module))]


@functools.cache
def stamp(module: str) -> str:
    """What machine code from a kernel file depends on: the content of the file and of all that it imports, in turn.

    Numba's own stamp is the age and size of the one file: a helper could change elsewhere and the old code would still
    be served. The versions of Numba and NumPy count as well; the processor is part of the index already.
    """
    closure: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in closure:
            closure.add(name)
            waiting += imported_files(name)
    parts = [f"{name} {_digest_of(name).hex()}" for name in sorted(closure)]
    return hashlib.sha256("\n".join([numba.__version__, np.__version__, *parts]).encode()).hexdigest()


class _ForgivingCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache, except that no fault of the file system reaches the user's call, and stamped by ``stamp``.

    A damaged entry is compiled again and replaced; a place that cannot be written is given up with one warning.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _CheckedFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=stamp(function.__module__),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever a broken pickle may raise
            self._discard_index()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            self._discard_index()
            _warn_once(f"writing to {self._cache_path} failed ({error})")

    def _discard_index(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._cache_file._index_path)


def kernel(signature: str) -> Callable[[_Function], _Function]:
    """Compile a function on its first call, for one signature, and keep the machine code on disk.

    ``signature`` is Numba's notation of the types that Python passes, ``"int64(float64[:,::1], float64)"``. It is what
    ``warmup`` compiles; a test holds that real calls never add a second one, because several signatures of one cached
    function, compiled by several processes at once, corrupt Numba's index.
    """

    def decorate(function: _Function) -> _Function:
        dispatcher = numba.jit(**OPTIONS)(function)
        if not JIT_DISABLED:
            try:
                dispatcher._cache = _ForgivingCache(function)
            except Exception as error:  # no folder is writable, or this Numba keeps its cache another way
                _warn_once(str(error))
        else:  # as silent about infinities as machine code
            dispatcher = np.errstate(all="ignore")(function)
        _KERNELS.append((dispatcher, signature))
        if JIT_DISABLED or signature.partition("(")[0] in ("void", "int64", "float64", "boolean"):
            return dispatcher  # type: ignore[no-any-return]
        return _hearing(dispatcher)  # type: ignore[no-any-return]

    return decorate


def _hearing(dispatcher: Any) -> Any:
    """A kernel that hands over arrays: Ctrl-C during its loop surfaces while Numba wraps them, as a SystemError."""

    @functools.wraps(dispatcher.py_func)
    def call(*arguments: Any) -> Any:
        try:
            return dispatcher(*arguments)
        except SystemError as error:
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, KeyboardInterrupt):
                    raise KeyboardInterrupt from None
                cause = cause.__cause__
            raise

    return call


class Direct:
    """A kernel without Numba's look at the arguments, which costs a fifth of a microsecond of one or two.

    ``call`` trusts its caller even with the types: every array must have the dtype and the layout of the signature.
    """

    __slots__ = ("call",)

    call: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        def first(*arguments: Any) -> Any:
            self.call = _entry_point(function)
            return self.call(*arguments)

        self.call = first


def _entry_point(function: Any) -> Callable[..., Any]:
    """The compiled function behind a kernel."""
    if JIT_DISABLED:
        return function  # type: ignore[no-any-return]
    signature = next(signature for dispatcher, signature in _KERNELS if dispatcher is function)
    types = tuple(sigutils.normalize_signature(signature)[0])
    function.compile(types)
    return function.overloads[types].entry_point  # type: ignore[no-any-return]


def inlined(function: _Function) -> _Function:
    """Compile a part of kernels: called from kernels only, of this file or another, and cached inside them."""
    return numba.jit(**OPTIONS)(function)  # type: ignore[no-any-return]


def embedded(function: _Function) -> _Function:
    """``inlined`` into its callers for certain: a small part of a hot loop, which a call with arrays and tuples, passed
    field by field, would slow down."""
    return numba.jit(**OPTIONS, forceinline=True)(function)  # type: ignore[no-any-return]


def kernels() -> list[tuple[Any, str]]:
    """Every kernel of the package with its signature, in the order of the files' names."""
    package = importlib.import_module("detutils")
    for module in pkgutil.walk_packages(package.__path__, "detutils."):
        if "._kernels." in module.name:
            importlib.import_module(module.name)
    return list(_KERNELS)


def warmup(progress: Callable[[int, int, str], object] | None = None) -> int:
    """Compile every kernel now, so that no later call waits for the compiler.

    Parameters
    ----------
    progress : callable (done, total, name), optional
        Called after each kernel.

    Returns
    -------
    count : int
        How many kernels are ready. 0 if the JIT is switched off.

    Raises
    ------
    TypeError
        If ``progress`` is neither None nor callable.

    Notes
    -----
    Takes seconds a kernel family when the cache is empty and milliseconds a kernel when it is warm. The machine code is
    kept beside the package or, where that is read-only, in the user's cache folder (``NUMBA_CACHE_DIR`` overrides).

    Examples
    --------
    >>> import detutils
    >>> ready = detutils.warmup()  # doctest: +SKIP
    """
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable or None, got {type(progress).__name__}")
    if JIT_DISABLED:
        return 0
    every = kernels()
    for done, (dispatcher, signature) in enumerate(every, start=1):
        arguments, _ = sigutils.normalize_signature(signature)
        dispatcher.compile(tuple(arguments))
        if progress is not None:
            progress(done, len(every), dispatcher.__name__)
    return len(every)
