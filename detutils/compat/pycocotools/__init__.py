"""pycocotools' ``COCO`` and ``COCOeval`` for boxes, over the evaluation of detutils.

The line to change, or none after ``install()``::

    from detutils.compat.pycocotools.coco import COCO           # from pycocotools.coco import COCO
    from detutils.compat.pycocotools.cocoeval import COCOeval   # from pycocotools.cocoeval import COCOeval
    from detutils.compat.pycocotools import mask                # from pycocotools import mask

Equal to the last digit: ``stats``, ``eval["precision"]``, ``["recall"]`` and ``["scores"]``, ``evalImgs``, ``ious``,
every ``params`` (any number of thresholds, levels of recall, ranges of areas and limits, in any order), and what is
printed, to the letter except for the times. A subclass may do ``_prepare``, ``computeIoU`` or ``evaluateImg`` in its
own way, or set ``evalImgs`` and ``ious`` itself; ``COCO`` and ``COCOeval`` work with those of pycocotools.

What differs::

    original                                    here                              why
    ------------------------------------------  --------------------------------  --------------------------------------
    iouType "segm" and "keypoints", run         NotImplementedError that names    not covered; ``iouType`` is "segm" by
    lengths, annToMask, showAnns, download,     pycocotools, from ``evaluate``    default there and here, so say "bbox"
    results that are masks or captions          on, not when it is constructed
    an object whose id is 0 is never found, a   they are like any others; then    there 0 stands for "no match" as well:
    detection whose id is 0 or less leaves its  ``evalImgs`` have "dtFound" too   one object of id 0, found exactly, has
    object free                                                                   AP 0 there and 1 here, which is right
    loadRes([]): IndexError                     results without detections        nothing found is an answer: AP 0
    annotations without "area" or "iscrowd":    the box's area, no crowd          as in ``read_coco``
    KeyError
    NaN and infinite numbers, strings for       ValueError or TypeError with      there a NaN score sorts last and a NaN
    numbers, a member that is missing           the entry's index                 box is compared silently
    loadRes changes the dictionaries that it    they are copied when someone      inputs stay; ``anns`` of the result
    is given, evaluate sets "ignore" and        reads ``anns`` or ``dataset``;    have all that the original adds
    "_ignore" of annotations                    ``_prepare`` sets "ignore"
    loadAnns(numpy.int64(3)): None              a list of one                     an id is an id
    getCatIds(catNms="person") also finds       only "person"                     there a name is searched in the string
    "son"
    mask.iou reads beyond a short iscrowd       ValueError                        that is memory of others
    Exception("Please run accumulate() first")  ValueError of the same text       ValueError is an Exception
    str(evaluation) prints, then TypeError      prints, is ""

``evalImgs``, ``ious`` and the dictionaries of files are made when they are read, so that code that only wants the
numbers does not pay for them.
"""

from __future__ import annotations

import sys
from types import ModuleType, TracebackType

from detutils.compat.pycocotools import coco as coco, cocoeval as cocoeval, mask as mask

NAMES = ("pycocotools", "pycocotools.coco", "pycocotools.cocoeval", "pycocotools.mask")

_before: dict[str, ModuleType] | None = None  # what stood in their place, while this is installed


class Installed:
    """What ``install`` gives: a context manager that calls ``uninstall`` at its end, if it was the one that installed.

    Parameters
    ----------
    new : bool
        Whether it was.

    Examples
    --------
    >>> with install() as installed:
    ...     installed.new
    True
    """

    def __init__(self, new: bool) -> None:
        self.new = new

    def __enter__(self) -> Installed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.new:
            uninstall()


def install() -> Installed:
    """Put these modules in the place of pycocotools, for code that cannot be edited.

    Returns
    -------
    installed : Installed
        For a ``with`` statement, at whose end ``uninstall`` is called; may be ignored.

    Raises
    ------
    Nothing.

    See Also
    --------
    uninstall : The way back.

    Notes
    -----
    From now on ``import pycocotools``, ``pycocotools.coco``, ``pycocotools.cocoeval`` and ``pycocotools.mask`` give the
    modules of this package, whether pycocotools is installed, was imported before, or neither. What code has imported
    by name before (``from pycocotools.coco import COCO``) it keeps: call ``install`` before the modules are imported
    that use it. A second call does nothing.

    Examples
    --------
    >>> with install():
    ...     from pycocotools.cocoeval import COCOeval
    >>> COCOeval.__module__
    'detutils.compat.pycocotools.cocoeval'
    """
    global _before
    if _before is not None:
        return Installed(False)
    _before = _taken_out()
    sys.modules.update(zip(NAMES, (sys.modules[__name__], coco, cocoeval, mask), strict=True))
    return Installed(True)


def uninstall() -> None:
    """Put back what ``install`` found.

    Returns
    -------
    None

    Raises
    ------
    Nothing.

    Notes
    -----
    Exactly the modules that were there before stand there again; if there were none, the next import looks for the real
    one. Without an ``install`` it does nothing. Code keeps the names that it has imported meanwhile.

    Examples
    --------
    >>> import sys
    >>> before = sys.modules.get("pycocotools")
    >>> _ = install()
    >>> uninstall()
    >>> sys.modules.get("pycocotools") is before
    True
    """
    global _before
    if _before is None:
        return
    _taken_out()
    sys.modules.update(_before)
    _before = None


def _taken_out() -> dict[str, ModuleType]:
    """Take all modules of pycocotools out of the imported ones, and return them."""
    names = [name for name in sys.modules if name == NAMES[0] or name.startswith("pycocotools.")]
    return {name: sys.modules.pop(name) for name in names}
