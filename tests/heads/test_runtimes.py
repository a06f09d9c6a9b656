"""A small network built on the spot, run by ONNX Runtime and by OpenCV: from a photograph to its detections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detutils

SIDE, CELLS, STRIDE = 64, 16, 4
CENTERS = (np.arange(CELLS) + 0.5) * STRIDE
SQUARES = np.array([[6, 10, 22, 26], [38, 18, 54, 34]])  # a bright and a dark one, on a gray photograph of 48 x 64


def photograph() -> np.ndarray:
    photo = np.full((48, 64, 3), 128, np.uint8)
    for (x1, y1, x2, y2), value in zip(SQUARES, (255, 1)):
        photo[y1:y2, x1:x2] = value
    return photo


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright and dark squares of 16 pixels, by the difference of their inside and a ring of 4 pixels around it."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    template = np.full((24, 24), -1 / 320, np.float32)
    template[4:20, 4:20] = 1 / 256
    weights = np.stack([np.stack([sign * template / 3] * 3) for sign in (40, -40)]).astype(np.float32)
    y, x = np.meshgrid(CENTERS, CENTERS, indexing="ij")
    boxes = np.stack([x.ravel(), y.ravel(), np.full(x.size, 16), np.full(x.size, 16)])[None].astype(np.float32)
    constants = {"weights": weights, "bias": np.full(2, -10, np.float32), "boxes": boxes, "shape": np.array([1, 2, -1])}
    nodes = [
        helper.make_node(
            "Conv", ["image", "weights", "bias"], ["match"], kernel_shape=[24] * 2, strides=[STRIDE] * 2, pads=[10] * 4
        ),
        helper.make_node("Sigmoid", ["match"], ["chance"]),
        helper.make_node("Reshape", ["chance", "shape"], ["scores"]),
        helper.make_node("Concat", ["boxes", "scores"], ["output"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "squares",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, [1, 6, CELLS**2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path = tmp_path_factory.mktemp("network") / "squares.onnx"
    onnx.save(model, path)
    return path


def onnx_runtime(path: Path, blob: np.ndarray) -> Any:
    session = pytest.importorskip("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: blob})[0]


def opencv(path: Path, blob: np.ndarray) -> Any:
    net = pytest.importorskip("cv2").dnn.readNetFromONNX(str(path))
    net.setInput(blob)
    return net.forward()


@pytest.mark.parametrize("run", [onnx_runtime, opencv])
def test_from_a_photograph_to_its_detections(network: Path, run: Callable[[Path, np.ndarray], Any]) -> None:
    photo = photograph()
    picture, letterbox = detutils.letterbox(photo, SIDE, fill=128)
    blob = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / 255
    output = run(network, blob)
    assert output.shape == (1, 6, CELLS**2)
    found = detutils.detections_from_yolo(output, letterbox=letterbox, score_threshold=0.5, iou_threshold=0.3)
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_allclose(found.boxes, SQUARES, atol=1e-9)
    assert found.scores.min() > 0.999
    every = detutils.detections_from_yolo(output, score_threshold=0.5, iou_threshold=1.0)
    assert len(every) > 2, "neighboring cells see the squares too"
