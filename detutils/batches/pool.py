"""A function over many items, several at once: in processes of our own or by any executor.

The function answers with its errors as results of its own rather than raise them: what a future raises is a fault of
the executor, which lost the item. In other processes the function, the items and the results are pickled.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import secrets
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, TypeVar

AHEAD = 16  # tasks a worker that are handed out or wait for the one to be reported next, which bounds the memory
STILLBORN = 3  # pools in a row whose first worker ended before its work began, after which no more is tried

_Result = TypeVar("_Result")
_Progress = Callable[[int, int, Any], object] | None


class ExecutorGone(ConnectionError):
    """The executor takes no more work, or gives up what it took: nothing more will be answered."""


def in_order(
    function: Callable[[Any], _Result],
    items: Sequence[Any],
    lost: Callable[[Any, str], _Result],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    chunk: int = 1,
    progress: _Progress = None,
) -> Iterator[_Result]:
    """``function(item)`` for each item, in order; ``lost(item, why)`` stands for what no worker could answer."""
    waiting: dict[int, _Result] = {}
    awaited = 0
    answers = as_finished(
        function, items, lost, workers=workers, executor=executor, chunk=chunk, progress=progress
    )  # fmt: skip
    with contextlib.closing(answers):  # type: ignore[type-var]  # ends the workers when this iterator is closed
        for index, result in answers:
            waiting[index] = result
            while awaited in waiting:
                yield waiting.pop(awaited)
                awaited += 1


def as_finished(
    function: Callable[[Any], _Result],
    items: Sequence[Any],
    lost: Callable[[Any, str], _Result],
    *,
    workers: int = 1,
    executor: Executor | None = None,
    chunk: int = 1,
    progress: _Progress = None,
    stops: bool = False,
) -> Iterator[tuple[int, _Result]]:
    """``index, function(items[index])`` as they come. An executor that is gone loses all items that are left or, if it
    ``stops``, raises ExecutorGone.
    """
    if executor is not None:
        window = AHEAD * chunk * max(workers, os.cpu_count() or 1)
        return _several(function, items, lost, _Borrowed(executor), chunk, window, progress, stops)
    count = min(workers, -(-len(items) // chunk))
    if count < 2:
        return _one_by_one(function, items, progress)
    return _several(function, items, lost, _Processes(count), chunk, AHEAD * chunk * count, progress, stops)


def _one_by_one(
    function: Callable[[Any], _Result], items: Sequence[Any], progress: _Progress
) -> Iterator[tuple[int, _Result]]:
    for index, item in enumerate(items):
        result = function(item)
        if progress is not None:
            progress(index + 1, len(items), item)
        yield index, result


def _several(
    function: Callable[[Any], _Result],
    items: Sequence[Any],
    lost: Callable[[Any, str], _Result],
    team: _Borrowed | _Processes,
    chunk: int,
    window: int,
    progress: _Progress,
    stops: bool,
) -> Iterator[tuple[int, _Result]]:
    """At any time an item is finished, running, in ``again`` or ``suspects``, or still to come (from ``given`` on); so
    there is something to wait for until all are finished.
    """
    given = done = first = 0  # first: the lowest that is not finished; what is handed out lies within a window of it
    beyond: set[int] = set()  # finished before it
    again: deque[tuple[int, ...]] = deque()  # handed out when the processes died, but not begun; or lost once
    suspects: deque[int] = deque()  # begun when they died: tried once more, each alone, to see which is to blame
    retried: set[int] = set()
    running: dict[Future[Any], tuple[int, ...]] = {}
    # Not ``concurrent.futures.wait``, which takes the lock of every future: an interrupt in between would leave some of
    # them locked for ever, and the thread that ends the processes waiting for them.
    over: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def hand_out(task: tuple[int, ...]) -> None:
        future = team.submit(function, [items[index] for index in task])
        running[future] = task
        with _interrupts_held():
            future.add_done_callback(over.put)

    try:
        while done < len(items):
            suspect = suspects.popleft() if suspects else None
            if suspect is not None:
                hand_out((suspect,))
            while suspect is None and (again or given < min(len(items), first + window)):
                task = again.popleft() if again else tuple(range(given, min(given + chunk, len(items))))
                given = max(given, task[-1] + 1)
                hand_out(task)
            ended = [over.get()]
            while not over.empty() or (len(ended) < len(running) and any(map(team.died, ended))):
                ended.append(over.get())  # where one died the others died with it
            finished: list[tuple[int, _Result]] = []
            unanswered = []
            for future in sorted(ended, key=running.__getitem__):
                task = running.pop(future)
                if team.died(future):
                    unanswered.append(task)
                    continue
                try:
                    finished += zip(task, team.result(future), strict=True)
                except Exception as error:  # of the executor: a function answers with its own errors
                    gone = isinstance(error, (CancelledError, ExecutorGone))
                    if isinstance(error, ExecutorGone) or (len(task) == 1 and task[0] in retried):
                        if gone and stops:
                            raise ExecutorGone(_why(error)) from error
                        finished += [(index, lost(items[index], _why(error))) for index in task]
                    else:  # each alone
                        retried.update(task)
                        again.extend((index,) for index in task)
            if unanswered and isinstance(team, _Processes):
                begun, code = team.bury()
                if begun and suspect is not None:
                    why = f"its worker process ended with exit code {code}"
                    finished.append((suspect, lost(items[suspect], why)))
                elif suspect is not None:
                    suspects.appendleft(suspect)
                else:
                    suspects.extend(index for task in unanswered[:begun] for index in task)
                    again.extendleft(reversed(unanswered[begun:]))
            for index, result in finished:
                done += 1
                beyond.add(index)
                while first in beyond:
                    beyond.discard(first)
                    first += 1
                if progress is not None:
                    progress(done, len(items), items[index])
                yield index, result
    finally:
        for future in running:
            future.cancel()
        team.close(now=bool(running))


def _why(error: Exception) -> str:
    if isinstance(error, CancelledError):
        return "its task was cancelled: the executor, or the cluster's scheduler, gave it up"
    return str(error) or type(error).__name__


def _each(function: Callable[[Any], Any], items: list[Any], _: str = "") -> list[Any]:
    """A task. Its last argument makes it another one than all before it: Dask would answer a second try, and an equal
    item of another run, with what it still holds of the first.
    """
    return [function(item) for item in items]


class _Borrowed:
    """An executor of the user's: what it loses twice is an error of the item, and it is never shut down."""

    def __init__(self, executor: Executor) -> None:
        self.executor, self.run, self.count = executor, secrets.token_hex(8), 0

    def submit(self, function: Callable[[Any], Any], items: list[Any]) -> Future[Any]:
        self.count += 1
        try:
            return self.executor.submit(_each, function, items, f"{self.run}-{self.count}")
        except Exception as error:  # it is shut down or broken: the items that are left are reported so
            return _failure(ExecutorGone(f"the executor takes no more work: {error}"))

    def result(self, future: Future[Any]) -> list[Any]:
        return future.result()  # type: ignore[no-any-return]

    def died(self, future: Future[Any]) -> bool:
        return False

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

    def submit(self, function: Callable[[Any], Any], items: list[Any]) -> Future[Any]:
        return self.send(_to_a_file, function, items, self.folder.name)

    def result(self, future: Future[Any]) -> list[Any]:
        path = Path(future.result())
        results: list[Any] = pickle.loads(path.read_bytes())
        path.unlink()
        return results

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


def _to_a_file(function: Callable[[Any], Any], items: list[Any], folder: str) -> str:
    path = Path(folder, secrets.token_hex(16))
    path.write_bytes(pickle.dumps(_each(function, items)))
    return str(path)
