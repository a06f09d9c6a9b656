"""What two boxes have in common: the one expression of intersection and of IoU, in the precision of what comes in.

A box is a tuple that begins with x1, y1, x2, y2. ``zero`` and ``one`` carry the precision: an integer literal would
make float64 of float32. Where several boxes are tested at once, all branches are choices, so that loops vectorise.
"""

from __future__ import annotations

from typing import Any

from detutils._jit import embedded


@embedded
def sides(a: Any, b: Any) -> Any:
    """Width and height of the intersection, below 0 for a gap."""
    width = (a[2] if a[2] < b[2] else b[2]) - (a[0] if a[0] > b[0] else b[0])
    height = (a[3] if a[3] < b[3] else b[3]) - (a[1] if a[1] > b[1] else b[1])
    return width, height


@embedded
def common_sides(a: Any, b: Any, offset: Any) -> Any:
    """``sides`` of boxes in inclusive pixels, or not, by their offset; where one is not above 0, there is none."""
    width, height = sides(a, b)
    return width + offset, height + offset


@embedded
def intersection(a: Any, b: Any, offset: Any, zero: Any) -> Any:
    """The area that two boxes share."""
    width, height = common_sides(a, b, offset)
    return (width if width > zero else zero) * (height if height > zero else zero)


@embedded
def iou(common: Any, area: Any, other: Any, zero: Any, one: Any) -> Any:
    """Intersection over union from the intersection and the two areas; 0 for an empty union."""
    union = (area + other) - common
    return common / (union if union > zero else one)  # a divisor that is chosen beforehand costs no branch


@embedded
def ioa(common: Any, area: Any, zero: Any, one: Any) -> Any:
    """Intersection over the area of one of the boxes; 0 where it has none."""
    return common / (area if area > zero else one)
