"""The one way to make a kernel: how it is compiled, where its machine code is kept, and what ``warmup`` compiles.

A kernel is a function that Python calls with canonical arrays (C-contiguous, aligned, writable, native byte order) and
that trusts them. Kernels live in folders named ``_kernels``, each beside the functions that call them; nothing else in
the package is compiled. Their files may import from one another: cached machine code is stamped with the content of
every file that went into it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import importlib
import importlib.util
import io
import math
import os
import pickle
import pkgutil
import re
import secrets
import stat
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from numba.core import environment as environments, sigutils, types
from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys
from numba.core.serialize import dumps
from numba.extending import intrinsic
from numba.misc.appdirs import AppDirs

from detutils._compiler import KernelCompiler, PartCompiler

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
_WHOLE: dict[str, Any] = {**OPTIONS, "pipeline_class": KernelCompiler}

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


_IMPORT = re.compile(rb"^from (detutils[\w.]*\._kernels\.\w+|detutils\._jit|detutils\._compiler) import", re.MULTILINE)


@functools.cache
def _digest_of(module: str) -> bytes:
    return hashlib.sha256(_source_of(module)).digest()


@functools.cache
def _source_of(module: str) -> bytes:
    return Path(sys.modules[module].__file__ or "").read_bytes()


def imported_files(module: str) -> list[str]:
    """The kernel files, ``_jit`` and ``_compiler`` among them, that a kernel file imports."""
    return [name.decode() for name in _IMPORT.findall(_source_of(module))]


@functools.cache
def stamp(module: str) -> str:
    """What machine code from a kernel file depends on: the content of the file and of all that it imports, in turn.

    Numba's own stamp is the age and size of the one file: a helper could change elsewhere and the old code would still
    be served. The versions of Numba and NumPy count as well; the processor is added where the code is kept.
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


class UnsafeFolder(OSError):
    """A cache folder that somebody else could have filled."""


def _check_safe(status: os.stat_result, path: Path, owners: set[int], *, sticky: bool = True) -> None:
    """Refuse what another user owns or can write to: machine code is unpickled, and whoever wrote it runs as this user.

    Root and the owner of the package's source are no strangers. Where everybody may create files but only their owner
    may replace them (the sticky bit), a folder passes, because each file in it is judged on its own. A group of one
    (as where the umask is 002) passes as well.
    """
    if not hasattr(os, "getuid"):  # Windows, where the user's own folders are closed to others
        return
    if status.st_uid not in owners:
        raise UnsafeFolder(f"{path} belongs to another user")
    writable = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_private(status))
    if writable and not (sticky and status.st_mode & stat.S_ISVTX):
        raise UnsafeFolder(f"other users can write to {path}")


def _is_private(status: os.stat_result) -> bool:
    """Whether the group is that of one user only; root's is taken for one of several."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    return bool(user.pw_uid) and user.pw_gid == group.gr_gid and set(group.gr_mem) <= {user.pw_name}


@functools.cache
def _places(folder: Path) -> list[tuple[Path, ...]]:
    """Where machine code of the kernel files in a folder is kept: the first place that can be written to, and the
    folders on the way there that must be safe.
    """
    inside = f"{folder.name}_{hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]}"
    if numba.config.CACHE_DIR:
        base = Path(numba.config.CACHE_DIR).absolute()
        return [(base / inside, base)]
    users = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
    return [(folder / "__pycache__",), (users / inside, users)]


class _Cache:
    """The machine code of one kernel in one file: SHA-256 of the key and of the code, then the code.

    The key is what the code depends on: kernel, signature, sources, versions, processor. A file that is damaged, stale
    or of another kernel differs from the hash in the same way: the kernel is compiled and the file is replaced. No
    fault of the file system reaches the user's call.
    """

    def __init__(self, function: Callable[..., Any], signature: str) -> None:
        self.source = Path(function.__code__.co_filename).absolute()
        self.owners = {0, os.getuid(), self.source.stat().st_uid} if hasattr(os, "getuid") else set()
        self.name = f"{self.source.stem}.{function.__qualname__}-{sys.implementation.cache_tag}"
        self.key = f"{function.__module__}.{self.name} {signature} {stamp(function.__module__)}"
        self.cache_path = str(_places(self.source.parent)[0][0])
        self.asked: set[tuple[Any, ...]] = set()  # types of arguments that code was wanted for: one kind, says a test

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        self.asked.add(sigutils.normalize_signature(sig)[0])
        try:
            code = self.read(target_context)
            if code is None:
                return None
            _prepare(target_context)
            return CompileResult._rebuild(target_context, *_Unpickler(io.BytesIO(code)).load())
        except Exception:  # whatever another Numba's pickle may raise
            return None

    def read(self, target_context: Any) -> bytes | None:
        """The code as it is kept, if it is whole and safe."""
        name, key = self._identity(target_context)
        for folder, *above in _places(self.source.parent):
            try:
                if not folder.exists():
                    continue
                for path in (folder, *above):
                    _check_safe(path.stat(), path, self.owners)
                with open(folder / name, "rb") as file:
                    _check_safe(os.fstat(file.fileno()), folder / name, self.owners, sticky=False)
                    content = file.read()
            except UnsafeFolder as error:
                _warn_once(str(error))
            except OSError:  # there is no such file
                continue
            else:
                if hashlib.sha256(key + content[32:]).digest() == content[:32]:
                    return content[32:]
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        if data.library.has_dynamic_globals:  # an address of this process, of no use in another
            return
        name, key = self._identity(data.target_context)
        fault: Exception | None = None
        for folder, *above in _places(self.source.parent):
            unfinished = folder / f"{name}.{secrets.token_hex(8)}"
            try:
                for path in (*above, folder):  # others may read, as where root bakes a cache into an image
                    path.mkdir(mode=0o755, parents=True, exist_ok=True)
                    _check_safe(path.stat(), path, self.owners)
                code = dumps(data._reduce())
                with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o644), "wb") as file:
                    file.write(hashlib.sha256(key + code).digest() + code)
                os.replace(unfinished, folder / name)
                return
            except UnsafeFolder as error:  # nor is it kept elsewhere: a person should look at this
                _warn_once(str(error))
                return
            except Exception as error:
                fault = fault or error
                with contextlib.suppress(OSError):
                    unfinished.unlink()
        _warn_once(f"writing to {self.cache_path} failed ({fault})")

    def _identity(self, target_context: Any) -> tuple[str, bytes]:
        """The file's name, which holds the processor, so that machines that share a folder do not take turns."""
        processor = repr(target_context.codegen().magic_tuple())
        digest = hashlib.sha256(processor.encode()).hexdigest()[:12]
        return f"{self.name}-{digest}.nbk", f"{self.key} {processor}".encode()

    def enable(self) -> None:
        """Part of what Numba asks of a cache."""

    def disable(self) -> None:
        """Part of what Numba asks of a cache."""

    def flush(self) -> None:
        """Part of what Numba asks of a cache: before a kernel is compiled again."""


_BINARY = getattr(os, "O_BINARY", 0)


class _Unpickler(pickle.Unpickler):
    """Leaves modules of Numba's that only its compiler needs unloaded: SciPy's linear algebra comes with them.

    Machine code refers to the environments of all functions that went into it, each a module's globals and some
    constants. Only code that works on Python objects looks at the globals, which kernels never do.
    """

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        return _environment if found is _REBUILD_ENVIRONMENT else found


_REBUILD_ENVIRONMENT = getattr(environments, "_rebuild_env", object())


def _environment(module: str, constants: Any, name: str) -> Any:
    known = environments.Environment._memo
    if not module.startswith("numba.") or module in sys.modules or name in known:
        return _REBUILD_ENVIRONMENT(module, constants, name)  # type: ignore[operator]
    environment = environments.Environment({"__name__": module})
    environment.consts[:] = constants
    environment.env_name = name
    known[name] = environment
    return environment


def _prepare(target_context: Any) -> None:
    """Make Numba ready for machine code that is finished: a tenth of what it loads to compile (SciPy, among others)."""
    try:
        rtsys.initialize(target_context)
    except Exception:  # this Numba has its runtime elsewhere
        target_context.refresh()


def kernel(signature: str) -> Callable[[_Function], _Function]:
    """Compile a function on its first call, for one signature, and keep the machine code on disk.

    ``signature`` is Numba's notation of the types that Python passes, ``"int64(float64[:,::1], float64)"``. It is what
    ``warmup`` compiles; a test holds that real calls never add a second one, because several signatures of one cached
    function, compiled by several processes at once, corrupt Numba's index.
    """

    def decorate(function: _Function) -> _Function:
        dispatcher = numba.jit(**_WHOLE)(function)
        if not JIT_DISABLED:
            try:
                dispatcher._cache = _Cache(function, signature)
            except Exception as error:  # the source cannot be read
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

    ``call`` is the function that Numba compiled for the kernel's one signature. It converts numbers as Python does,
    but takes every array for one of the dtype, dimensions and layout of the signature. What makes it sound: callers
    pass arrays that they made themselves or whose dtype is that very object (``dtype is FLOAT64``), of the right number
    of dimensions and C-contiguous, or whose layout the kernel itself looks at; everything else is converted or refused
    before. Where Numba's inner parts have changed, ``call`` is the kernel as it is, a little slower.
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
    try:
        entry_point = function.overloads[types].entry_point
    except (AttributeError, KeyError, TypeError):  # this Numba keeps it elsewhere
        return function  # type: ignore[no-any-return]
    return entry_point if callable(entry_point) else function  # type: ignore[no-any-return]


def inlined(function: _Function) -> _Function:
    """Compile a part of kernels: called from kernels only, of this file or another, and cached inside them.

    What lets Python call it is left out: it takes a tenth of the time of the compiler.
    """
    return _part(function)


def embedded(function: _Function) -> _Function:
    """``inlined`` into its callers for certain: a small part of a hot loop, which a call with arrays and tuples, passed
    field by field, would slow down."""
    return _part(function, forceinline=True)


def borrowing(function: _Function) -> _Function:
    """``embedded``, for a part that only uses arrays that are its caller's: it makes none and hands none back.

    No references to arrays are counted: to take one out of a tuple and to let go of it costs two locked writes, which
    is more than what a short part does with it.
    """
    return _part(function, forceinline=True, _nrt=False)


def _part(function: _Function, **options: Any) -> _Function:
    if JIT_DISABLED:
        return function
    dispatcher = numba.jit(**OPTIONS, no_cpython_wrapper=True, pipeline_class=PartCompiler, **options)(function)
    dispatcher.__class__ = _part_of(type(dispatcher))  # type: ignore[arg-type]
    return dispatcher  # type: ignore[no-any-return]


@functools.cache
def _part_of(dispatcher: type) -> type:
    """A dispatcher whose calls from Python, which only tests make, compile the function once more with the way in;
    without it they would crash.
    """
    whole: dict[Any, Any] = {}

    def __call__(self: Any, *arguments: Any) -> Any:
        if self.py_func not in whole:
            whole[self.py_func] = numba.jit(**_WHOLE)(self.py_func)
        return whole[self.py_func](*arguments)

    return type("Part", (dispatcher,), {"__call__": __call__})


@intrinsic  # type: ignore[untyped-decorator]
def _fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


def _fused_in_python(a: float, b: float, c: float) -> float:
    """``math.fma`` of Python 3.13, which every Python from 3.11 on has to do here."""
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    from fractions import Fraction  # with the kernels interpreted only

    return float(Fraction(a) * Fraction(b) + Fraction(c))


# a * b + c, rounded once: one instruction of the processor, by which what a product loses is known exactly.
fma: Callable[[float, float, float], float] = _fused_in_python if JIT_DISABLED else _fused


# What ``warmup`` takes beside the names of public functions: the modules whose kernels belong together.
FAMILIES: dict[str, tuple[str, ...]] = {
    "anchors": ("targets.anchors",),
    "association": ("targets.association",),
    "boxes": ("geometry.boxes",),
    "coding": ("geometry.coding",),
    "datasets": ("datasets.coco",),
    "drawing": ("pictures.draw",),
    "evaluation": (
        "evaluation.coco", "evaluation.voc", "evaluation.recall", "evaluation.precision_recall", "evaluation.errors",
        "evaluation.confusion",
    ),
    "features": ("rcnn.features",),
    "fusion": ("suppression.fusion",),
    "heads": (
        "heads.anchors", "heads.candidates", "heads.grids", "heads.letterbox", "heads.points", "heads.priors",
        "heads.queries", "heads.yolo",
    ),
    "keypoints": ("geometry.keypoints", "suppression.poses"),
    "matching": ("targets.matching", "targets.rpn"),
    "merging": ("suppression.merging",),
    "nms": ("suppression.greedy", "suppression.explain"),
    "overlaps": ("geometry.overlaps", "geometry.aligned"),
    "proposals": ("proposals.strategies", "proposals.segmentation"),
    "rcnn": ("rcnn.training", "rcnn.model"),
    "regressor": ("rcnn.box_regressor",),
    "rotated": (
        "geometry.rotated", "geometry.rotated_coding", "geometry.rotated_overlaps", "geometry.quadrilaterals",
        "geometry.cuboids", "suppression.rotated",
    ),
}  # fmt: skip
_USED = re.compile(r"^ *from (detutils[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


def kernels(modules: Iterable[str] = ()) -> list[tuple[Any, str]]:
    """Every kernel of the package with its signature, in the order of the files' names; or only those of the kernel
    files that these modules, or others of the package that they import, import.
    """
    package = importlib.import_module("detutils")
    every = [module.name for module in pkgutil.walk_packages(package.__path__, "detutils.")]
    wanted = _reach(set(every), modules) if modules else every
    files = [name for name in every if "._kernels." in name and name in wanted]
    for name in files:
        importlib.import_module(name)
    return [kernel for name in files for kernel in _KERNELS if _home(kernel[0]) == name]


def missing(wanted: Iterable[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """Those of some kernels that are neither compiled nor kept on disk."""
    if JIT_DISABLED:
        return []
    return [
        (dispatcher, signature)
        for dispatcher, signature in wanted
        if not dispatcher.overloads
        and not (isinstance(dispatcher._cache, _Cache) and dispatcher._cache.read(dispatcher.targetctx))
    ]


def compile_kernel(dispatcher: Any, signature: str) -> None:
    """Compile a kernel, or load what is kept of it."""
    arguments, _ = sigutils.normalize_signature(signature)
    dispatcher.compile(tuple(arguments))


def _home(dispatcher: Any) -> str:
    return str(getattr(dispatcher, "py_func", dispatcher).__module__)


def _reach(known: set[str], modules: Iterable[str]) -> set[str]:
    """The modules and what they import in turn, as far as that is not the inside of kernels."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        spec = importlib.util.find_spec(name)
        if "._kernels." in name or spec is None or spec.origin is None:
            continue
        for module, names in _USED.findall(Path(spec.origin).read_text(encoding="utf-8")):
            inner = {f"{module}.{part}" for part in re.findall(r"\w+", names)} & known
            waiting += inner or {module}
    return reached


def _modules_of(family: Any) -> list[str]:
    """Where the kernels of a family or of a public function are called from."""
    if not isinstance(family, str):
        raise TypeError(f"families must be of str, got {type(family).__name__}")
    if family in FAMILIES:
        return [f"detutils.{module}" for module in FAMILIES[family]]
    home = importlib.import_module("detutils")._HOMES.get(family)
    if home is None:
        known = ", ".join(map(repr, FAMILIES))
        raise ValueError(
            f"families holds {family!r}, neither a family of kernels nor a public function; the families are {known}"
        )
    return [home]


def warmup(
    *families: str | Callable[[int, int, str], object] | None,
    progress: Callable[[int, int, str], object] | None = None,
) -> int:
    """Compile kernels now, those of some families or all, so that no later call waits for the compiler.

    Parameters
    ----------
    *families : str
        What will be called: "anchors", "association", "boxes", "coding", "drawing", "evaluation", "features", "fusion",
        "heads", "keypoints", "matching", "merging", "nms", "overlaps", "proposals", "rcnn", "regressor", "rotated", or
        the name of a public function. All kernels if none is given.
    progress : callable (done, total, name), optional
        Called after each kernel. May be given as the only positional argument as well.

    Returns
    -------
    count : int
        How many kernels are ready. 0 if the JIT is switched off.

    Raises
    ------
    TypeError
        If a family is no str, or ``progress`` is neither None nor callable.
    ValueError
        If a name is neither that of a family nor of a public function.

    Notes
    -----
    Takes seconds a family when the cache is empty and milliseconds a kernel when it is warm. The machine code is
    kept beside the package or, where that is read-only, in the user's cache folder (``NUMBA_CACHE_DIR`` overrides).

    Examples
    --------
    >>> import detutils
    >>> ready = detutils.warmup("nms", "box_iou")  # doctest: +SKIP
    """
    if len(families) == 1 and progress is None and not isinstance(families[0], str):
        progress, families = families[0], ()
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable or None, got {type(progress).__name__}")
    modules = [module for family in families for module in _modules_of(family)]
    if JIT_DISABLED:
        return 0
    wanted = kernels(modules)
    with _no_collection():
        for done, (dispatcher, signature) in enumerate(wanted, start=1):
            compile_kernel(dispatcher, signature)
            if progress is not None:
                progress(done, len(wanted), dispatcher.__name__)
    return len(wanted)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without the search for garbage, which finds little in the compiler's graphs and takes 7 % of its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
