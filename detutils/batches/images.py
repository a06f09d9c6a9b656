"""Any function of an image, over many image files: one report a file, in the order given."""

from __future__ import annotations

import functools
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

from detutils._validate import as_flag, as_integer, as_items, as_path, as_workers
from detutils.batches.pool import in_order
from detutils.pictures.files import read_image


class ImageResult(NamedTuple):
    """What a function made of one image file.

    Attributes
    ----------
    path : Path
        The file.
    value : object
        What the function returned; None if the file failed.
    error : str or None
        Why the file failed; None if all is well.

    Examples
    --------
    >>> from detutils import map_images
    >>> result, = map_images(len, ["nowhere.jpg"])
    >>> result.value is None, result.error
    (True, "[Errno 2] No such file or directory: 'nowhere.jpg'")
    """

    path: Path
    value: Any
    error: str | None


def map_images(
    function: Callable[[Any], Any],
    paths: Sequence[str | os.PathLike[str]],
    *,
    read: bool = True,
    workers: int = 1,
    executor: Executor | None = None,
    chunk: int = 1,
    progress: Callable[[int, int, Path], object] | None = None,
) -> Iterator[ImageResult]:
    """Call a function on each of many images, several at once, and report on each in the order given.

    Parameters
    ----------
    function : callable (image)
        Takes what ``read_image`` gives, an (H, W, 3) array of RGB, say, or the path if ``read`` is false. For other
        processes it must stand at the top of a module, or be a ``functools.partial`` of such a function; what it
        returns must be picklable.
    paths : sequence of str or path
        The image files.
    read : bool, default True
        False: the function gets the path, and reads the file itself.
    workers : int, default 1
        Processes. 1 works in this process, -1 starts one for each core. The results are the same for any number.
    executor : concurrent.futures.Executor, optional
        Takes the work in place of processes of our own: threads, a pool that you keep, loky's, or that of a cluster
        (``Client(...).get_executor()`` of Dask), whose machines see the files under the same paths. It is not shut
        down. ``workers`` then says how many images it works on at a time, if these are more than this machine has
        cores.
    chunk : int, default 1
        Images handed out together, where a call takes less than some milliseconds.
    progress : callable (done, total, path), optional
        Called in this process whenever an image is done.

    Returns
    -------
    results : iterator of ImageResult
        One for each path, in order. What the function raises, and files that cannot be read, are reported as errors.
        No more than 16 chunks a worker are handed out or wait in memory.

    Raises
    ------
    TypeError, ValueError
        At once, if an argument breaks the contract, or the function cannot be sent to other processes.
    RuntimeError
        If no worker can be started.

    See Also
    --------
    write_shards : The results in files, where an interrupted run goes on.
    propose_images : Selective Search.

    Notes
    -----
    When a worker process dies, because the system kills it say, the processes are started anew and the images that were
    being worked on are tried once more, one at a time: the one that ends its process again is reported as failed, the
    others are not lost. What an ``executor`` of yours loses, or cancels, is given to it once more, and then reported as
    failed; a cluster's scheduler has its own retries besides.

    Workers are started by spawning, which imports the main script again: guard it with ``if __name__ ==
    "__main__":``. They end when the iterator does, is closed, or is interrupted. Cost: that of the function, divided
    by the workers, about a second to start them, and under a millisecond a chunk.

    References
    ----------
    PEP 3148, the executors of ``concurrent.futures``.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> detutils.write_image("plain.png", np.full((4, 6), 9, np.uint8))
    >>> for path, value, error in detutils.map_images(np.mean, ["plain.png", "missing.png"]):
    ...     print(path, value, error is None)
    plain.png 9.0 True
    missing.png None False
    """
    files, workers = as_batch(paths, workers, executor, progress)
    check_function(function, workers if executor is None else 1)
    answer = functools.partial(answered, function=function, read=as_flag(read, "read"))
    chunk = as_integer(chunk, "chunk", 1)
    return in_order(answer, files, lost, workers=workers, executor=executor, chunk=chunk, progress=progress)


def as_batch(paths: Any, workers: Any, executor: Any, progress: Any) -> tuple[list[Path], int]:
    """The files and the number of workers; what is no sequence of paths, executor or callback is refused."""
    if not hasattr(paths, "__len__"):  # an iterator, whose end nobody knows
        raise TypeError(f"paths must be a sequence of paths, got {type(paths).__name__}")
    names = as_items(paths, "paths", "a sequence of paths")
    files = [as_path(path, f"paths[{i}]") for i, path in enumerate(names)]
    workers = as_workers(workers)
    if executor is not None and not isinstance(executor, Executor):
        raise TypeError(f"executor must be a concurrent.futures.Executor or None, got {type(executor).__name__}")
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable or None, got {type(progress).__name__}")
    return files, workers


def check_function(function: Any, workers: int) -> None:
    """Refuse what cannot be called, or not in another process where there are several."""
    if not callable(function):
        raise TypeError(f"function must be callable, got {type(function).__name__}")
    if workers > 1:
        try:
            pickle.dumps(function)
        except Exception as error:  # pickle raises what it likes
            raise TypeError(
                f"function cannot be sent to other processes ({error}): define it at the top of a module"
            ) from error


def answered(path: Path, function: Callable[[Any], Any], read: bool) -> ImageResult:
    """What the function makes of one file; whatever it raises must not stop the next."""
    try:
        return ImageResult(path, function(read_image(path) if read else path), None)
    except (Exception, SystemExit) as error:
        return lost(path, str(error) or type(error).__name__)


def lost(path: Path, why: str) -> ImageResult:
    """The report on a file that failed."""
    return ImageResult(path, None, why if str(path) in why else f"{path}: {why}")
