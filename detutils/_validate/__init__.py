"""Every check of a user's argument and every error text, in one place.

The functions named ``as_*`` return the argument in the canonical form that kernels take (C-contiguous, aligned,
writable, native byte order) and copy only when it is not in that form already. Nothing here changes its input.
"""

from detutils._validate.arrays import (
    EXACT_INTEGERS as EXACT_INTEGERS,
    FLOAT32 as FLOAT32,
    FLOAT64 as FLOAT64,
    INT64 as INT64,
    NDARRAY as NDARRAY,
    Array as Array,
    as_array as as_array,
    as_class_names as as_class_names,
    as_flags as as_flags,
    as_floats as as_floats,
    as_indices as as_indices,
    as_labels as as_labels,
    as_marks as as_marks,
    as_matrix as as_matrix,
    as_names as as_names,
    as_out as as_out,
    as_positive as as_positive,
    as_table as as_table,
    as_vector as as_vector,
    as_votes as as_votes,
    check_apart as check_apart,
    check_table_block as check_table_block,
    count_of as count_of,
    finite_matrix as finite_matrix,
    is_ready as is_ready,
    plain_array as plain_array,
)
from detutils._validate.boxes import (
    as_box_pair as as_box_pair,
    as_boxes as as_boxes,
    as_models as as_models,
    as_sizes as as_sizes,
    check_sides as check_sides,
    is_ready_pair as is_ready_pair,
    raise_bad_box as raise_bad_box,
    raise_bad_conversion as raise_bad_conversion,
    raise_undecodable as raise_undecodable,
    raise_unencodable as raise_unencodable,
    valid_rows as valid_rows,
)
from detutils._validate.keypoints import (
    as_keypoints as as_keypoints,
    as_sigmas as as_sigmas,
    check_keypoints as check_keypoints,
    good_keypoints as good_keypoints,
)
from detutils._validate.memory import ALWAYS_FITS as ALWAYS_FITS, check_memory as check_memory
from detutils._validate.pictures import as_color as as_color, as_image as as_image, as_segments as as_segments
from detutils._validate.values import (
    OnInvalid as OnInvalid,
    as_choice as as_choice,
    as_dropping as as_dropping,
    as_flag as as_flag,
    as_grid_size as as_grid_size,
    as_grid_sizes as as_grid_sizes,
    as_image_size as as_image_size,
    as_integer as as_integer,
    as_items as as_items,
    as_items_of as as_items_of,
    as_number as as_number,
    as_offset as as_offset,
    as_path as as_path,
    as_rng as as_rng,
    as_seed as as_seed,
    as_stride as as_stride,
    as_threshold as as_threshold,
    as_weights as as_weights,
    as_workers as as_workers,
    dimensions as dimensions,
)
