"""How good boxes are: VOC and COCO average precision, and the recall of proposals."""
