"""Proposals for many image files at once: worker processes, one report a file, none stops the others."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detutils._validate import as_items, as_path, as_workers
from detutils.pictures.files import read_image
from detutils.proposals.strategies import Proposals, selective_search

AHEAD = 16  # files a worker may be ahead of the one that is awaited, which bounds the memory


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
    progress : callable (done, total, path), optional
        Called in this process whenever a file is done.
    **options
        What ``selective_search`` takes by keyword: ``mode``, ``seed``, ``min_size``, ``max_boxes`` ...; its
        own ``workers`` excepted.

    Returns
    -------
    reports : iterator of ImageProposals
        One for each path. Files that cannot be read or are too large for the memory are reported with their
        error; a worker that the system kills costs one file. No more than 16 results a worker wait in memory.

    Raises
    ------
    TypeError, ValueError
        At once, if an argument or option breaks the contract.
    RuntimeError
        If no worker can be started.

    Notes
    -----
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
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable or None, got {type(progress).__name__}")
    # Refuses false options now, and compiles before several workers would do so side by side.
    selective_search(np.zeros((8, 8, 3), np.uint8), **options)
    if workers == 1 or len(files) < 2:
        return _in_this_process(files, options, progress)
    return _in_processes(files, options, min(workers, len(files)), progress)


def _propose(path: Path, options: dict[str, Any]) -> ImageProposals:
    try:
        image = read_image(path)
        found = selective_search(image, **options)
    except Exception as error:  # whatever is wrong with this file must not stop the next
        return ImageProposals(path, None, None, _text(path, error))
    return ImageProposals(path, (image.shape[0], image.shape[1]), found, None)


def _text(path: Path, error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if str(path) in text else f"{path}: {text}"


def _in_this_process(files: list[Path], options: dict[str, Any], progress: Any) -> Iterator[ImageProposals]:
    for done, file in enumerate(files, start=1):
        report = _propose(file, options)
        if progress is not None:
            progress(done, len(files), file)
        yield report


# ---- worker processes --------------------------------------------------------------------------------------

def _serve(connection: Connection, options: dict[str, Any]) -> None:
    """The life of a worker: say that it is there, then answer each path with a report."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides
    connection.send(None)
    while True:
        try:
            path = connection.recv()
        except EOFError:
            return
        connection.send(_propose(path, options))


class _Worker:
    def __init__(self, options: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, options), daemon=True)
        self.process.start()
        theirs.close()
        self.index = -1  # of the file it works on
        self.ready = False

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join()
        self.process.close()


def _in_processes(
    files: list[Path], options: dict[str, Any], count: int, progress: Any
) -> Iterator[ImageProposals]:
    team: dict[Connection, _Worker] = {}
    finished: dict[int, ImageProposals] = {}
    given = done = stillborn = 0  # files handed out, files finished, workers that died before they began

    def hire() -> None:
        worker = _Worker(options)
        team[worker.connection] = worker

    try:
        for _ in range(count):
            hire()
        for awaited in range(len(files)):
            while awaited not in finished:
                for connection in wait(list(team)):
                    worker = team[connection]  # type: ignore[index]
                    try:
                        message = worker.connection.recv()
                    except (EOFError, OSError):
                        del team[worker.connection]
                        worker.process.join()
                        code = worker.process.exitcode or 0
                        worker.end()
                        stillborn += not worker.ready
                        if not worker.ready and (code >= 0 or stillborn > 3 * count):  # below 0: a signal
                            raise RuntimeError(
                                f"a worker process ended with exit code {code} before its work began; "
                                'guard the main script with if __name__ == "__main__":'
                            ) from None
                        hire()
                        if worker.index < 0:
                            continue
                        file = files[worker.index]
                        message = ImageProposals(
                            file, None, None, f"{file}: its worker process ended with exit code {code}"
                        )
                    worker.ready = True
                    if message is not None:
                        finished[worker.index], worker.index = message, -1
                        done += 1
                        if progress is not None:
                            progress(done, len(files), message.path)
                for worker in team.values():
                    if worker.ready and worker.index < 0 and given < min(len(files), awaited + AHEAD * count):
                        worker.index = given
                        with contextlib.suppress(OSError):  # a death is noticed by the next wait
                            worker.connection.send(files[given])
                        given += 1
            yield finished.pop(awaited)
    finally:
        for worker in team.values():
            worker.end()
