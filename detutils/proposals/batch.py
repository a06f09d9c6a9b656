"""Many image files at once: one report a file, in the order given, and no file stops the others."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import secrets
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from detutils._jit import U1
from detutils._validate import as_items, as_path, as_workers
from detutils.pictures.files import read_image
from detutils.proposals.strategies import Proposals, selective_search

AHEAD = 16  # files a worker that are handed out or wait for the one to be reported next, which bounds the memory
STILLBORN = 3  # pools in a row whose first worker ended before its work began, after which no more is tried

_Result = TypeVar("_Result")


class ImageProposals(NamedTuple):
    """What became of one image file.

    Parameters
    ----------
    path : Path
        The file.
    image_size : (height, width) or None
        Of the picture; None if the file failed.
    proposals : Proposals or None
        Its boxes and priorities; None if the file failed.
    error : str or None
        Why the file failed; None if all is well.

    Returns
    -------
    report : ImageProposals
        A plain tuple.

    Raises
    ------
    TypeError
        If a field is missing.

    Examples
    --------
    >>> from detutils import propose_images
    >>> report, = propose_images(["nowhere.jpg"])
    >>> report.proposals is None, report.error
    (True, "[Errno 2] No such file or directory: 'nowhere.jpg'")
    """

    path: Path
    image_size: tuple[int, int] | None
    proposals: Proposals | None
    error: str | None


def propose_images(
    paths: Sequence[str | os.PathLike[str]],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int, int, Path], object] | None = None,
    **options: Any,
) -> Iterator[ImageProposals]:
    """Run ``selective_search`` over image files, several at once, and report on each in the order given.

    Parameters
    ----------
    paths : sequence of str or path
        The image files.
    workers : int, default 1
        Processes. 1 works in this process, -1 starts one for each core. The results are the same for any
        number.
    executor : concurrent.futures.Executor, optional
        Takes the work in place of processes of our own: a pool that you keep, loky's, or that of a cluster,
        whose machines see the files under the same paths. It is not shut down. ``workers`` then says how many
        files it works on at a time, if these are more than this machine has cores.
    progress : callable (done, total, path), optional
        Called in this process whenever a file is done.
    **options
        What ``selective_search`` takes by keyword: ``mode``, ``seed``, ``min_size``, ``max_boxes`` ...; its
        own ``workers`` excepted.

    Returns
    -------
    reports : iterator of ImageProposals
        One for each path. Files that cannot be read or are too large for the memory are reported with their
        error. No more than 16 files a worker are handed out or wait in memory.

    Raises
    ------
    TypeError, ValueError
        At once, if an argument or option breaks the contract.
    RuntimeError
        If no worker can be started.

    Notes
    -----
    When a worker process dies, because the system kills it say, the processes are started anew and the files
    that were being worked on are tried once more, one at a time: the file that ends its process again is
    reported as failed, the others are not lost. What an ``executor`` of yours gives up is reported as failed.

    Workers are started by spawning, which imports the main script again: guard it with ``if __name__ ==
    "__main__":``. They end when the iterator does, is closed, or is interrupted. Cost: that of
    ``selective_search`` for each image, divided by the workers, and about a second to start them.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> detutils.write_image("plain.png", np.zeros((40, 60), np.uint8))
    >>> for report in detutils.propose_images(["plain.png", "missing.png"], max_boxes=10):
    ...     print(report.path, report.image_size, report.error is None)
    plain.png (40, 60) True
    missing.png None False
    """
    if not hasattr(paths, "__len__"):  # an iterator, whose end nobody knows
        raise TypeError(f"paths must be a sequence of paths, got {type(paths).__name__}")
    names = as_items(paths, "paths", "a sequence of paths")
    files = [as_path(path, f"paths[{i}]") for i, path in enumerate(names)]
    workers = as_workers(workers)
    if executor is not None and not isinstance(executor, Executor):
        raise TypeError(f"executor must be a concurrent.futures.Executor or None, got {type(executor).__name__}")
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable or None, got {type(progress).__name__}")
    check_options(options)
    propose = functools.partial(_propose, options=options)
    return in_order(propose, files, _lost, workers=workers, executor=executor, progress=progress)


def check_options(options: dict[str, Any]) -> None:
    """Refuse false options of ``selective_search`` now, and compile before several workers do so side by side."""
    selective_search(np.zeros((8, 8, 3), np.uint8), **options)


def propose_file(path: Path, options: dict[str, Any]) -> tuple[ImageProposals, U1 | None]:
    """The report on one file, and its picture; None if the file failed."""
    try:
        image = read_image(path)
        found = selective_search(image, **options)
    except Exception as error:  # whatever is wrong with this file must not stop the next
        text = str(error) or type(error).__name__
        return _lost(path, text), None
    return ImageProposals(path, (image.shape[0], image.shape[1]), found, None), image


def _propose(path: Path, options: dict[str, Any]) -> ImageProposals:
    return propose_file(path, options)[0]


def _lost(path: Path, text: str) -> ImageProposals:
    return ImageProposals(path, None, None, text if str(path) in text else f"{path}: {text}")


# ---- any function over any items, several at once ----------------------------------------------------------

def in_order(
    function: Callable[[Any], _Result],
    items: Sequence[Any],
    lost: Callable[[Any, str], _Result],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int, int, Any], object] | None = None,
) -> Iterator[_Result]:
    """``function(item)`` for each item, in order; ``lost(item, why)`` stands for what no worker could answer.

    ``function`` answers with an error as a result of its own rather than raise it. In other processes it, the items and
    the results are pickled.
    """
    if executor is not None:
        window = AHEAD * max(workers, os.cpu_count() or 1)
        return _several(function, items, lost, _Borrowed(executor), window, progress)
    count = min(workers, len(items))
    if count < 2:
        return _one_by_one(function, items, progress)
    return _several(function, items, lost, _Processes(count), AHEAD * count, progress)


def _one_by_one(
    function: Callable[[Any], _Result], items: Sequence[Any], progress: Callable[[int, int, Any], object] | None
) -> Iterator[_Result]:
    for done, item in enumerate(items, start=1):
        result = function(item)
        if progress is not None:
            progress(done, len(items), item)
        yield result


def _several(
    function: Callable[[Any], _Result],
    items: Sequence[Any],
    lost: Callable[[Any, str], _Result],
    team: _Borrowed | _Processes,
    window: int,
    progress: Callable[[int, int, Any], object] | None,
) -> Iterator[_Result]:
    """At any time an item is finished, running, in ``again`` or ``suspects``, or still to come (from ``given`` on); so
    there is something to wait for until the awaited one is finished.
    """
    given = done = 0
    again: deque[int] = deque()  # handed out when the processes died, but not begun
    suspects: deque[int] = deque()  # begun when they died: tried once more, each alone, to see which is to blame
    running: dict[Future[Any], int] = {}
    finished: dict[int, _Result] = {}

    def finish(index: int, result: _Result) -> None:
        nonlocal done
        finished[index], done = result, done + 1
        if progress is not None:
            progress(done, len(items), items[index])

    try:
        for awaited in range(len(items)):
            while awaited not in finished:
                suspect = suspects.popleft() if suspects else None
                if suspect is not None:
                    running[team.submit(function, items[suspect])] = suspect
                while suspect is None and (again or given < min(len(items), awaited + window)):
                    index = again.popleft() if again else given
                    given = max(given, index + 1)
                    running[team.submit(function, items[index])] = index
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                if any(map(team.died, ended)):
                    ended, _ = wait(running)  # the others died with it
                unanswered = []
                for future in sorted(ended, key=running.__getitem__):
                    index = running.pop(future)
                    if team.died(future):
                        unanswered.append(index)
                        continue
                    try:
                        result = team.result(future)
                    except Exception as error:  # of the executor: a function answers with its own errors
                        result = lost(items[index], str(error) or type(error).__name__)
                    finish(index, result)
                if unanswered:
                    begun, code = team.bury()
                    if begun and suspect is not None:
                        finish(suspect, lost(items[suspect], f"its worker process ended with exit code {code}"))
                    elif suspect is not None:
                        suspects.appendleft(suspect)
                    else:
                        suspects.extend(unanswered[:begun])
                        again.extendleft(reversed(unanswered[begun:]))
            yield finished.pop(awaited)
    finally:
        for future in running:
            future.cancel()
        team.close(now=bool(running))


class _Borrowed:
    """An executor of the user's: what it gives up is an error of the item, and it is never shut down."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        try:
            return self.executor.submit(function, item)
        except Exception as error:  # it is shut down or broken: the items that are left are reported so
            return _failure(RuntimeError(f"the executor takes no more work: {error}"))

    def result(self, future: Future[Any]) -> Any:
        return future.result()

    def died(self, future: Future[Any]) -> bool:
        return False

    def bury(self) -> tuple[int, int]:
        raise NotImplementedError  # nothing of it ever died

    def close(self, *, now: bool) -> None:
        pass


class _Processes:
    """Spawned processes, started anew when one of them dies.

    A result travels in a file and only its name through the pool's pipe: a process that is killed while it writes more
    than a pipe takes at once would leave the pool waiting for the rest for ever.
    """

    def __init__(self, count: int) -> None:
        self.count, self.stillborn = count, 0
        self.folder = tempfile.TemporaryDirectory(prefix="detutils-", ignore_cleanup_errors=True)
        self.start()

    def start(self) -> None:
        self.context = _Context()
        self.pool = ProcessPoolExecutor(self.count, mp_context=self.context, initializer=_begin)
        self.hello = self.send(os.getpid)

    def send(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        try:
            with _interrupts_held():
                return self.pool.submit(function, *arguments)
        except BrokenProcessPool as error:
            return _failure(error)

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        return self.send(_to_a_file, function, item, self.folder.name)

    def result(self, future: Future[Any]) -> Any:
        path = Path(future.result())
        result = pickle.loads(path.read_bytes())
        path.unlink()
        return result

    def died(self, future: Future[Any]) -> bool:
        return isinstance(future.exception(), BrokenProcessPool)

    def bury(self) -> tuple[int, int]:
        """Replace dead processes; how many items may have been begun, and the exit code of the process that died."""
        self.pool.shutdown()
        codes = [process.exitcode for process in self.context.processes]
        code = next((code for code in codes if code not in (None, 0, -signal.SIGTERM)), None) or -signal.SIGTERM
        begun = self.hello.exception() is None
        self.stillborn = 0 if begun else self.stillborn + 1
        if self.stillborn > STILLBORN or (not begun and code > 0):  # below 0: a signal
            raise RuntimeError(
                f"a worker process ended with exit code {code} before its work began; "
                'guard the main script with if __name__ == "__main__":'
            )
        self.start()
        return (self.count if begun else 0), code

    def close(self, *, now: bool) -> None:
        if now:
            for process in self.context.processes:
                process.terminate()
        self.pool.shutdown(cancel_futures=True)
        self.folder.cleanup()


class _Context(SpawnContext):
    """Remembers the processes that a pool starts, to end them at once and to learn how they ended."""

    def __init__(self) -> None:
        self.processes: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **options: Any) -> SpawnProcess:  # type: ignore[override]
        process = SpawnProcess(*arguments, **options)
        self.processes.append(process)
        return process


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let no Ctrl-C fall into a process that is being started: it reaches this one, which decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _failure(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


# ---- in the worker processes -------------------------------------------------------------------------------

def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one decides
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _to_a_file(function: Callable[[Any], Any], item: Any, folder: str) -> str:
    path = Path(folder, secrets.token_hex(16))
    path.write_bytes(pickle.dumps(function(item)))
    return str(path)
