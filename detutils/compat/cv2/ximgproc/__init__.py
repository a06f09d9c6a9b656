"""``cv2.ximgproc``, of which only ``segmentation`` is offered."""

from detutils.compat.cv2.ximgproc import segmentation as segmentation
