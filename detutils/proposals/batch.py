"""Many image files at once: one report a file, in the order given, and no file stops the others."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detutils._jit import U1
from detutils.batches.images import as_batch
from detutils.batches.pool import in_order
from detutils.pictures.files import read_image
from detutils.proposals.strategies import Proposals, selective_search


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
    reported as failed, the others are not lost. What an ``executor`` of yours loses is given to it once more, and then
    reported as failed.

    Workers are started by spawning, which imports the main script again: guard it with ``if __name__ ==
    "__main__":``. They end when the iterator does, is closed, or is interrupted. Cost: that of
    ``selective_search`` for each image, divided by the workers, and about a second to start them.

    See Also
    --------
    map_images : Any function of an image.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> detutils.write_image("plain.png", np.zeros((40, 60), np.uint8))
    >>> for report in detutils.propose_images(["plain.png", "missing.png"], max_boxes=10):
    ...     print(report.path, report.image_size, report.error is None)
    plain.png (40, 60) True
    missing.png None False
    """
    files, workers = as_batch(paths, workers, executor, progress)
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
