"""The boxes of ``torchvision.ops`` without torchvision: the same names, argument orders, defaults and dtypes.

The line to change::

    from torchvision.ops import nms, box_iou      ->  from detutils.compat.torchvision.ops import nms, box_iou
    import torchvision.ops.boxes as box_ops       ->  import detutils.compat.torchvision.ops.boxes as box_ops
    from torchvision import ops                   ->  from detutils.compat.torchvision import ops

Tensors in, a tensor out, on the device and of the dtype that torchvision gives; arrays in, an array out, by the same
rule for dtypes; lists are read as float64. Leading dimensions are taken where torchvision takes them. Equal are all
decisions in float64, and matrices, areas and formats up to the rounding of the result's dtype. What differs::

    original                                | here                          | why
    ----------------------------------------+-------------------------------+------------------------------------------
    gradients flow through matrices         | tensors are detached          | nothing here is differentiable: keep the
                                            |                               | original inside a loss
    torch.jit.script and torch.export read  | they stop at these functions  | Numba compiles them, not torch
    the functions                           |                               |
    nms, batched_nms of float32 compare a   | float64 throughout: an IoU of | the answer for a box at exactly the
    float32 IoU with a float64 threshold:   | 0.6 stays at 0.6, and so does | threshold must not depend on the dtype;
    0.6 is suppressed at 0.6                | 0.5 at 0.5                    | ``nms(boxes.double(), ...)`` agrees
    batched_nms of up to 1,000 boxes moves  | classes are compared          | a box at -50 meets the neighbor class, and
    classes apart by shifting coordinates   |                               | large classes eat digits of small boxes;
                                            |                               | above 1,000 boxes the original agrees
    of more than 1,000 boxes batched_nms    | ties by index                 | an order that can be relied on
    leaves the order of ties open           |                               |
    remove_small_boxes rounds sides to      | sides in float64              | as for thresholds
    float32                                 |                               |
    IoU of two boxes without area is NaN    | 0                             | a matrix with NaN spoils whatever sums it
    distance_box_iou, complete_box_iou take | ``eps`` in the denominator of | in complete_box_iou's weight it moves the
    ``eps`` in every denominator            | the distance only             | result by less than ``eps``
    areas of float32 are rounded at every   | float64, rounded once         | the last digit
    step                                    |                               |
    float16, bfloat16: differences of       | read exactly, rounded once    | what the tensor holds decides
    corners are rounded to 16 bits          |                               |
    nms of integers or 16-bit floats raises | the answer of their values    |
    RuntimeError                            |                               |
    uint8 and int32 wrap around             | ValueError                    | IoU is never -1.007
    box_convert cxcywh to xywh goes through | widths and heights stay       | rounding
    corners: w comes back changed           |                               |
    rows that are not finite or have        | ValueError naming the row     | NaN ranks first there, and a negative
    x2 < x1 or y2 < y1 are computed with    |                               | width makes a negative area
    RuntimeError or IndexError for shapes;  | ValueError or TypeError that  |
    thresholds outside [0, 1], negative     | name the argument             |
    ``min_size``, empty masks               |                               |
"""

from detutils.compat.torchvision import ops as ops
from detutils.compat.torchvision.ops.boxes import (
    batched_nms as batched_nms,
    box_area as box_area,
    box_convert as box_convert,
    box_iou as box_iou,
    clip_boxes_to_image as clip_boxes_to_image,
    complete_box_iou as complete_box_iou,
    distance_box_iou as distance_box_iou,
    generalized_box_iou as generalized_box_iou,
    masks_to_boxes as masks_to_boxes,
    nms as nms,
    remove_small_boxes as remove_small_boxes,
)

__all__ = [
    "batched_nms", "box_area", "box_convert", "box_iou", "clip_boxes_to_image", "complete_box_iou", "distance_box_iou",
    "generalized_box_iou", "masks_to_boxes", "nms", "ops", "remove_small_boxes",
]  # fmt: skip
