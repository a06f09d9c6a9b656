"""R-CNN from end to end: proposals, features, one linear classifier and one box regressor a class."""

from __future__ import annotations

from detutils.rcnn.model import RCNN
from detutils.rcnn.training import train_rcnn

__all__ = ["RCNN", "train_rcnn"]
