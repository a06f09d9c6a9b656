"""How good detections and proposals are: VOC, COCO, recall, curves."""
