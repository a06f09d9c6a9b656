"""The errors of a detector on the picture itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from detutils._jit import U1
from detutils._validate import as_flag, as_integer, as_items, as_names
from detutils.evaluation.errors import KINDS, RIGHT, DetectionErrors
from detutils.evaluation.inputs import gather_detections, gather_objects
from detutils.pictures.draw import draw_boxes

# Okabe and Ito's colors, which all readers can tell apart: right, then the kinds of errors.
PAINTS = ("#009e73", "#d55e00", "#e69f00", "#cc79a7", "#56b4e9", "#f0e442", "#0072b2")


def draw_errors(
    image: npt.ArrayLike,
    errors: DetectionErrors,
    index: int,
    detections: Sequence[Any],
    ground_truth: Sequence[Any],
    *,
    names: Sequence[str] | None = None,
    show_right: bool = False,
) -> U1:
    """Draw the wrong detections and the missed objects of one image, each with its kind.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like
        The picture.
    errors : DetectionErrors
        What ``detection_errors`` gave for ``detections`` and ``ground_truth``.
    index : int
        Which image.
    detections, ground_truth : sequence, one entry an image
        What ``detection_errors`` was given.
    names : sequence of str, optional
        The name of each label 0, 1, ...; by default the labels.
    show_right : bool, default False
        Whether right detections are drawn as well.

    Returns
    -------
    picture : (H, W, 3) uint8 ndarray
        A copy. Boxes are marked cls, loc, both, dupe or bkg, each in its color, with class and score; missed objects
        are marked miss, and filled.

    Raises
    ------
    TypeError
        If an argument is not of these kinds.
    ValueError
        If there is no such image, the entries do not belong together, or a label has no name.

    See Also
    --------
    detection_errors : Which errors there are.

    Notes
    -----
    O(H W) and the number of boxes. Images with the most errors: ``[(k > 0).sum() for k in errors.kinds]``.

    Examples
    --------
    >>> import detutils, numpy as np
    >>> objects, found = [([[10, 10, 60, 60]], [0])], [([[14, 18, 80, 80]], [0.9], [0])]
    >>> errors = detutils.detection_errors(found, objects)
    >>> detutils.draw_errors(np.zeros((100, 100, 3), np.uint8), errors, 0, found, objects, names=["cat"]).shape
    (100, 100, 3)
    """
    if not isinstance(errors, DetectionErrors):
        raise TypeError(f"errors must be DetectionErrors, got {type(errors).__name__}")
    images = as_items(getattr(ground_truth, "images", ground_truth), "ground_truth", "a sequence of one entry an image")
    answers = as_items(getattr(detections, "images", detections), "detections", "a sequence of one entry an image")
    if not len(images) == len(answers) == len(errors.kinds):
        raise ValueError(
            f"errors are of {len(errors.kinds)} images, detections of {len(answers)}, ground_truth of {len(images)}"
        )
    place = as_integer(index, "index", 0, len(images) - 1)
    right_too = as_flag(show_right, "show_right")
    truth, found = gather_objects([images[place]]), gather_detections([answers[place]], 1)
    kinds, missed = errors.kinds[place], errors.missed[place]
    if kinds.size != found.labels.size or missed.size != truth.labels.size:
        raise ValueError(f"errors of image {place} are of other boxes than detections[{place}], ground_truth[{place}]")
    wanted = (kinds > RIGHT) & (kinds <= len(KINDS)) | ((kinds == RIGHT) & right_too)
    titles = _titles(np.concatenate([found.labels, truth.labels]), names)
    words = ["right", *KINDS]
    labels = [
        f"{words[kinds[i]]} {titles[found.labels[i]]} {found.scores[i]:.2f}" for i in np.flatnonzero(wanted).tolist()
    ]
    lost = [f"{KINDS[-1]} {titles[label]}" for label in truth.labels[missed].tolist()]
    picture = draw_boxes(image, truth.boxes[missed], labels=lost, colors=[PAINTS[-1]] * len(lost), fill=0.25)
    paints = [PAINTS[kind] for kind in kinds[wanted].tolist()]
    return draw_boxes(picture, found.boxes[wanted], labels=labels, colors=paints)


def _titles(labels: Any, names: Sequence[str] | None) -> dict[int, str]:
    """What each label that occurs is called."""
    every = np.unique(labels).tolist()
    if names is None:
        return {label: str(label) for label in every}
    words = as_names(names, "names")
    outside = [label for label in every if not 0 <= label < len(words)]
    if outside:
        raise ValueError(f"names has {len(words)} entries, but there is the label {outside[0]}")
    return {label: words[label] for label in every}
