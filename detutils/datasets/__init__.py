"""Annotated images from VOC XML, COCO JSON and YOLO text, and detections in COCO results JSON."""
