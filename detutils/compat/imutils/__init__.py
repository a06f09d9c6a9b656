"""imutils' suppression: ``from detutils.compat.imutils.object_detection import non_max_suppression``.

Only the import line changes. Answers are equal; what differs, and why:

=================== ============================ =============================== ====================================
original            there                        here                            why
=================== ============================ =============================== ====================================
equal scores        in any order                 the higher index first          the original's sort is not stable
dtypes              float32 and unsigned         float64                         the area of a uint8 box wraps at 256
                    integers are counted in
bad rows            NaN and negative sides take  ValueError                      a silent wrong answer
                    part
lists               AttributeError               as an array of them
=================== ============================ =============================== ====================================
"""

from detutils.compat.imutils import object_detection as object_detection
from detutils.compat.imutils.object_detection import non_max_suppression as non_max_suppression
