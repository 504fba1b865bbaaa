"""Conversion of small networks made by hand, run by onnxruntime, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from kinecue.onnx_file import OnnxGraph, OnnxNode, OnnxValue, serialize
from kinecue.perception.convert import convert_graph, convert_tflite
from kinecue.perception.errors import ConversionError
from kinecue.perception.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor

SAME, VALID = 0, 1
RELU6 = 3


def network(tensors, operators, inputs=(0,), outputs=None):
    outputs = outputs or (len(tensors) - 1,)
    return TfliteGraph(inputs, outputs, tuple(tensors), tuple(operators))


def tensor(name, shape, data=None):
    return TfliteTensor(name, shape, None if data is None else np.asarray(data, np.float32).reshape(shape))


def run(graph, **inputs):
    session = onnxruntime.InferenceSession(
        serialize(convert_graph(graph)), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {name: np.asarray(value, np.float32) for name, value in inputs.items()})[0]


def convolution(padding=SAME, stride=1, activation=0):
    return {
        "Padding": padding,
        "StrideH": stride,
        "StrideW": stride,
        "DilationHFactor": 1,
        "DilationWFactor": 1,
        "FusedActivationFunction": activation,
    }


def test_convolution_pads_as_tensorflow_does():
    """3 x 3 sum with stride 2 on 4 x 4 ones, SAME: one pixel of padding, and it goes to the bottom right."""
    graph = network(
        [
            tensor("x", (1, 4, 4, 1)),
            tensor("w", (1, 3, 3, 1), np.ones(9)),
            tensor("b", (1,), [0.5]),
            tensor("y", (1, 2, 2, 1)),
        ],
        [TfliteOperator("CONV_2D", (0, 1, 2), (3,), convolution(stride=2))],
    )
    result = run(graph, x=np.ones((1, 4, 4, 1)))
    np.testing.assert_allclose(result[0, :, :, 0], [[9.5, 6.5], [6.5, 4.5]])


def test_padding_is_merged_into_the_convolution_behind_it():
    pads = TfliteTensor("p", (4, 2), np.array([[0, 0], [1, 0], [1, 0], [0, 0]], np.int32))
    graph = network(
        [
            tensor("x", (1, 3, 3, 1)),
            pads,
            tensor("padded", (1, 4, 4, 1)),
            tensor("w", (1, 2, 2, 1), np.ones(4)),
            tensor("y", (1, 3, 3, 1)),
        ],
        [
            TfliteOperator("PAD", (0, 1), (2,), {}),
            TfliteOperator("CONV_2D", (2, 3), (4,), convolution(padding=VALID)),
        ],
    )
    assert "Pad" not in [node.operator for node in convert_graph(graph).nodes]
    np.testing.assert_allclose(
        run(graph, x=np.ones((1, 3, 3, 1)))[0, :, :, 0], [[1, 2, 2], [2, 4, 4], [2, 4, 4]]
    )


def test_depthwise_convolution_and_relu6():
    graph = network(
        [
            tensor("x", (1, 1, 1, 2)),
            tensor("w", (1, 1, 1, 2), [2.0, 10.0]),
            tensor("y", (1, 1, 1, 2)),
        ],
        [TfliteOperator("DEPTHWISE_CONV_2D", (0, 1), (2,), convolution(activation=RELU6))],
    )
    np.testing.assert_allclose(run(graph, x=[[[[1.5, 4.0]]]]), [[[[3.0, 6.0]]]])


def test_channels_are_padded():
    pads = TfliteTensor("p", (4, 2), np.array([[0, 0], [0, 0], [0, 0], [0, 2]], np.int32))
    graph = network(
        [tensor("x", (1, 1, 1, 2)), pads, tensor("y", (1, 1, 1, 4))],
        [TfliteOperator("PAD", (0, 1), (2,), {})],
    )
    np.testing.assert_allclose(run(graph, x=[[[[3.0, 4.0]]]]), [[[[3.0, 4.0, 0.0, 0.0]]]])


def test_bilinear_resize_with_half_pixel_centres():
    graph = network(
        [
            tensor("x", (1, 1, 2, 1)),
            TfliteTensor("size", (2,), np.array([1, 4], np.int32)),
            tensor("y", (1, 1, 4, 1)),
        ],
        [TfliteOperator("RESIZE_BILINEAR", (0, 1), (2,), {"HalfPixelCenters": 1, "AlignCorners": 0})],
    )
    np.testing.assert_allclose(run(graph, x=[[[[0.0], [4.0]]]])[0, 0, :, 0], [0.0, 1.0, 3.0, 4.0])


def test_reshape_reads_in_nhwc_order():
    graph = network(
        [
            tensor("x", (1, 1, 2, 2)),
            TfliteTensor("shape", (2,), np.array([1, 4], np.int32)),
            tensor("y", (1, 4)),
        ],
        [TfliteOperator("RESHAPE", (0, 1), (2,), {})],
    )
    np.testing.assert_allclose(run(graph, x=[[[[1, 2], [3, 4]]]]), [[1, 2, 3, 4]])


def test_depth_to_space_logistic_and_concatenation():
    graph = network(
        [
            tensor("x", (1, 1, 1, 4)),
            tensor("a", (1, 2, 2, 1)),
            tensor("b", (1, 2, 2, 1)),
            tensor("y", (1, 2, 2, 2)),
        ],
        [
            TfliteOperator("DEPTH_TO_SPACE", (0,), (1,), {"BlockSize": 2}),
            TfliteOperator("LOGISTIC", (1,), (2,), {}),
            TfliteOperator("CONCATENATION", (1, 2), (3,), {"Axis": 3, "FusedActivationFunction": 0}),
        ],
    )
    result = run(graph, x=[[[[0.0, 1.0, 2.0, 3.0]]]])
    np.testing.assert_allclose(result[0, :, :, 0], [[0, 1], [2, 3]])
    np.testing.assert_allclose(result[0, :, :, 1], 1 / (1 + np.exp(-result[0, :, :, 0])), rtol=1e-6)


def test_weights_that_half_precision_holds_are_stored_so():
    def convolved(scale):
        weights = np.arange(64).reshape(64, 1, 1, 1) * scale
        tensors = [tensor("x", (1, 1, 1, 1)), tensor("w", (64, 1, 1, 1), weights), tensor("y", (1, 1, 1, 64))]
        return network(tensors, [TfliteOperator("CONV_2D", (0, 1), (2,), convolution())])

    types = {s: {str(c.dtype) for c in convert_graph(convolved(s)).constants.values()} for s in (0.5, 0.1)}
    assert types == {0.5: {"float16"}, 0.1: {"float32"}}
    np.testing.assert_array_equal(run(convolved(0.5), x=[[[[2.0]]]])[0, 0, 0], np.arange(64))


def test_unknown_operators_are_named():
    graph = network(
        [tensor("x", (1, 1, 1, 1)), tensor("y", (1, 1, 1, 1))],
        [TfliteOperator("LSTM", (0,), (1,), {}), TfliteOperator("custom operator Magic", (0,), (1,), {})],
    )
    with pytest.raises(
        ConversionError, match="operator LSTM, custom operator Magic is not supported; supported: ADD"
    ):
        convert_graph(graph)


def test_unknown_activation_is_named():
    graph = network(
        [tensor("x", (1, 1, 1, 1)), tensor("y", (1, 1, 1, 1))],
        [TfliteOperator("ADD", (0, 0), (1,), {"FusedActivationFunction": 4})],
    )
    with pytest.raises(ConversionError, match="Add tensor_1: fused activation 4 is not supported"):
        convert_graph(graph)


def test_other_files_are_refused():
    pytest.importorskip("tflite", reason="the package tflite is needed at set-up only")
    with pytest.raises(ConversionError, match="not a TFLite file"):
        convert_tflite(b"\x08\x08onnxruntime")


def test_the_writer_encodes_long_and_negative_numbers():
    graph = OnnxGraph("axis")
    graph.inputs.append(OnnxValue("x", (300, 2)))
    graph.outputs.append(OnnxValue("y", (300, 1)))
    graph.nodes.append(OnnxNode("ReduceMax", ("x",), ("y",), {"axes": (-1,), "keepdims": 1}))
    session = onnxruntime.InferenceSession(serialize(graph), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).random((300, 2), np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], x.max(1, keepdims=True))
