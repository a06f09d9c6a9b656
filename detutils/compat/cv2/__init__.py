"""OpenCV's non-maximum suppression and Selective Search by their names: ``import detutils.compat.cv2 as cv2``.

Change ``import cv2`` to ``from detutils.compat import cv2`` in a file that calls only what is here; elsewhere import
the original beside it and write ``from detutils.compat.cv2 import dnn``. Offered are ``dnn.NMSBoxes``,
``dnn.NMSBoxesBatched``, ``dnn.softNMSBoxes``, ``dnn.NMSBoxesRotated`` (each also here, without ``dnn``), and
``ximgproc.segmentation`` with ``createSelectiveSearchSegmentation`` and its parts. OpenCV need not be installed.

Answers are equal, scores and thresholds in float32 included: a pair is suppressed where OpenCV's float32 overlap
exceeds the float32 threshold. What differs, and why:

=================== ============================ =============================== ====================================
original            there                        here                            why
=================== ============================ =============================== ====================================
errors              ``cv2.error``                TypeError, ValueError           built in, and named; ``cv2.error`` is
                                                                                 ValueError here
bad rows            NaN boxes and scores and     ValueError, where the score     a silent wrong answer; rows at or
                    negative sides take part     exceeds the threshold           below the threshold may hold anything
threshold over 1    keeps everything             ValueError                      a percentage, probably
NMSBoxesBatched     classes apart by shifts of   classes are compared            at negative coordinates classes meet:
                    all coordinates                                              a box of one removes one of another
softNMSBoxes        integer boxes; scores fall   any boxes; float64, rounded     (0, 0, 50000, 50000) has a negative
                    in float32; int32 areas      once                            area in int32
softNMSBoxes        two boxes without area count boxes without area leave each   nothing overlaps there (``NMSBoxes``
                    as identical                 other alone                     repeats the rule)
NMSBoxesRotated     a box inside another counts  its IoU is the quotient of      IoU of 10 x 10 and a 4 x 4 inside is
                    as identical; float32 areas  areas, float64                  0.16, not 1
Selective Search    ranks small regions first,   the likely objects first, the   repeatable; more recall among the
                    differently at each call     same at each call               first boxes (see the module)
=================== ============================ =============================== ====================================

Where it depends on OpenCV's version (``()`` for no boxes since 4.5.4, rows of a column before), the present one counts.
"""

from detutils.compat.cv2 import dnn as dnn, ximgproc as ximgproc
from detutils.compat.cv2.dnn import (
    NMSBoxes as NMSBoxes,
    NMSBoxesBatched as NMSBoxesBatched,
    NMSBoxesRotated as NMSBoxesRotated,
    softNMSBoxes as softNMSBoxes,
)

error = ValueError
"""What ``except cv2.error`` hears."""
