"""Converts the TFLite networks of the BlazePose family (float, fp16 weights, sparse weights) to ONNX.

The input and rank-4 outputs keep TFLite's NHWC layout, the graph in between is NCHW as ONNX wants it. Weights
that half precision holds exactly are stored so and cast when the file is loaded: half the size, the same
numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.onnx_file import OnnxGraph, OnnxNode, OnnxValue, serialize
from kinecue.perception.errors import ConversionError
from kinecue.perception.tflite_file import TfliteGraph, TfliteOperator, read_tflite

_SAME, _VALID = 0, 1
"""schema.fbs, enum Padding."""
_NO_ACTIVATION, _RELU, _RELU6 = 0, 1, 3
"""schema.fbs, enum ActivationFunctionType."""
_FLOAT32 = 1
"""TensorProto.FLOAT, for Cast."""
_NHWC_TO_NCHW, _NCHW_TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
_HALF_PRECISION_FROM = 64
"""Constants with fewer elements are kept as they are: a Cast costs more than it saves."""


def convert_tflite(data: bytes) -> bytes:
    """The bytes of a TFLite file to the bytes of the equivalent ONNX file, reproducibly.

    Raises:
        ConversionError: an operator, activation or layout is not supported; the text names it.
    """
    return serialize(convert_graph(read_tflite(data)))


def convert_graph(source: TfliteGraph) -> OnnxGraph:
    """A TFLite graph to the equivalent ONNX graph; raises as :func:`convert_tflite` does."""
    return _Converter(source).convert()


class _Converter:
    def __init__(self, source: TfliteGraph) -> None:
        self._source = source
        self._tensors = source.tensors
        self._constants = {i: t.data for i, t in enumerate(source.tensors) if t.data is not None}
        self._graph = OnnxGraph("tflite")
        self._absorbed_pads: dict[int, tuple[int, list[int]]] = {}
        self._handlers: dict[str, Callable[[TfliteOperator], None]] = {
            "ADD": self._add,
            "CONCATENATION": self._concatenation,
            "CONV_2D": self._convolution,
            "DENSIFY": self._densify,
            "DEPTHWISE_CONV_2D": self._convolution,
            "DEPTH_TO_SPACE": self._depth_to_space,
            "DEQUANTIZE": self._dequantize,
            "LOGISTIC": self._logistic,
            "MAX_POOL_2D": self._max_pool,
            "PAD": self._pad,
            "RESHAPE": self._reshape,
            "RESIZE_BILINEAR": self._resize,
        }

    def convert(self) -> OnnxGraph:
        missing = sorted({op.name for op in self._source.operators} - set(self._handlers))
        if missing:
            raise ConversionError(
                f"operator {', '.join(missing)} is not supported; "
                f"supported: {', '.join(sorted(self._handlers))}"
            )
        for index in self._source.inputs:
            tensor = self._tensors[index]
            if len(tensor.shape) != 4:
                raise ConversionError(
                    f"input {tensor.name}: expected 4 dimensions (NHWC), got {tensor.shape}"
                )
            self._graph.inputs.append(OnnxValue(tensor.name, tensor.shape))
            self._emit("Transpose", (tensor.name,), index, perm=_NHWC_TO_NCHW)
        for operator in self._source.operators:
            self._handlers[operator.name](operator)
        for index in self._source.outputs:
            tensor = self._tensors[index]
            self._graph.outputs.append(OnnxValue(tensor.name, tensor.shape))
            node = (
                OnnxNode("Transpose", (_name(index),), (tensor.name,), {"perm": _NCHW_TO_NHWC})
                if len(tensor.shape) == 4
                else OnnxNode("Identity", (_name(index),), (tensor.name,))
            )
            self._graph.nodes.append(node)
        return self._graph

    # what the handlers build with

    def _emit(
        self, operator: str, inputs: tuple[str, ...], output: int, activation: int = 0, **attributes: Any
    ) -> None:
        """Append a node that yields tensor `output`, with the activation TFLite fuses into it."""
        result = _name(output)
        raw = result if activation == _NO_ACTIVATION else f"{result}_linear"
        self._graph.nodes.append(OnnxNode(operator, inputs, (raw,), attributes))
        if activation == _RELU:
            self._graph.nodes.append(OnnxNode("Relu", (raw,), (result,)))
        elif activation == _RELU6:
            limits = (self._constant("zero", np.float32(0)), self._constant("six", np.float32(6)))
            self._graph.nodes.append(OnnxNode("Clip", (raw, *limits), (result,)))
        elif activation != _NO_ACTIVATION:
            raise ConversionError(f"{operator} {result}: fused activation {activation} is not supported")

    def _constant(self, name: str, value: Any) -> str:
        if name in self._graph.constants or f"{name}_half" in self._graph.constants:
            return name
        array = np.array(value, order="C")
        if array.dtype == np.float32 and array.size >= _HALF_PRECISION_FROM:
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if np.array_equal(half.astype(np.float32), array):
                self._graph.constants[f"{name}_half"] = half
                self._graph.nodes.append(OnnxNode("Cast", (f"{name}_half",), (name,), {"to": _FLOAT32}))
                return name
        self._graph.constants[name] = array
        return name

    def _constant_of(self, operator: TfliteOperator, position: int) -> NDArray[Any]:
        try:
            return self._constants[operator.inputs[position]]
        except KeyError:
            raise ConversionError(f"{operator.name}: input {position} must be a constant") from None

    def _shape(self, index: int) -> tuple[int, ...]:
        return self._tensors[index].shape

    def _window_pads(
        self, operator: TfliteOperator, kernel: tuple[int, int], dilation: tuple[int, int]
    ) -> list[int]:
        """Pads (top, left, bottom, right) of a convolution or pooling."""
        options = operator.options
        if options["Padding"] == _VALID:
            return [0, 0, 0, 0]
        size, stride = self._shape(operator.inputs[0])[1:3], (options["StrideH"], options["StrideW"])
        axes = zip(size, kernel, stride, dilation, strict=True)
        (top, bottom), (left, right) = (_same_pads(*axis) for axis in axes)
        return [top, left, bottom, right]

    # one handler per TFLite operator

    def _dequantize(self, operator: TfliteOperator) -> None:
        self._constants[operator.outputs[0]] = self._constant_of(operator, 0).astype(np.float32)

    def _densify(self, operator: TfliteOperator) -> None:
        self._constants[operator.outputs[0]] = self._constant_of(operator, 0)  # made dense when it was read

    def _pad(self, operator: TfliteOperator) -> None:
        pads = self._constant_of(operator, 1)  # rows N H W C, columns before and after
        source, output = operator.inputs[0], operator.outputs[0]
        consumers = [op for op in self._source.operators if output in op.inputs]
        spatial = not pads[0].any() and not pads[3].any()
        if spatial and all(
            op.name.endswith("CONV_2D") and op.options["Padding"] == _VALID for op in consumers
        ):
            self._absorbed_pads[output] = (
                source,
                [int(p) for p in (pads[1, 0], pads[2, 0], pads[1, 1], pads[2, 1])],
            )
            return
        nchw = pads[[0, 3, 1, 2]].T.reshape(-1).astype(np.int64)
        zero = self._constant("zero", np.float32(0))
        self._emit("Pad", (_name(source), self._constant(f"pads_{output}", nchw), zero), output)

    def _convolution(self, operator: TfliteOperator) -> None:
        options, weights = operator.options, self._constant_of(operator, 1)
        source, output = operator.inputs[0], operator.outputs[0]
        channels = self._shape(source)[3]
        kernel = (weights.shape[1], weights.shape[2])
        dilation = (options["DilationHFactor"], options["DilationWFactor"])
        if source in self._absorbed_pads:
            source, pads = self._absorbed_pads[source]
        else:
            pads = self._window_pads(operator, kernel, dilation)
        if operator.name == "DEPTHWISE_CONV_2D":  # weights 1 H W (C * multiplier)
            group, weights = channels, weights.transpose(3, 0, 1, 2)
        else:  # weights O H W I
            group, weights = channels // weights.shape[3], weights.transpose(0, 3, 1, 2)
        inputs = [_name(source), self._constant(f"weights_{output}", weights)]
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
            inputs.append(self._constant(f"bias_{output}", self._constant_of(operator, 2)))
        self._emit(
            "Conv",
            tuple(inputs),
            output,
            options["FusedActivationFunction"],
            kernel_shape=kernel,
            strides=(options["StrideH"], options["StrideW"]),
            dilations=dilation,
            pads=pads,
            group=group,
        )

    def _add(self, operator: TfliteOperator) -> None:
        inputs = []
        for index in operator.inputs:
            if index in self._constants:
                value = self._constants[index]
                nchw = value.transpose(_NHWC_TO_NCHW) if value.ndim == 4 else value.reshape(-1, 1, 1)
                inputs.append(self._constant(f"constant_{index}", nchw))
            else:
                inputs.append(_name(index))
        self._emit("Add", tuple(inputs), operator.outputs[0], operator.options["FusedActivationFunction"])

    def _resize(self, operator: TfliteOperator) -> None:
        options, output = operator.options, operator.outputs[0]
        size, before = self._constant_of(operator, 1), self._shape(operator.inputs[0])
        mode = "asymmetric"
        if options["HalfPixelCenters"]:
            mode = "half_pixel"
        elif options["AlignCorners"]:
            mode = "align_corners"
        scales = np.array([1, 1, size[0] / before[1], size[1] / before[2]], np.float32)
        inputs = (_name(operator.inputs[0]), "", self._constant(f"scales_{output}", scales))
        self._emit("Resize", inputs, output, mode="linear", coordinate_transformation_mode=mode)

    def _max_pool(self, operator: TfliteOperator) -> None:
        options = operator.options
        kernel = (options["FilterHeight"], options["FilterWidth"])
        self._emit(
            "MaxPool",
            (_name(operator.inputs[0]),),
            operator.outputs[0],
            options["FusedActivationFunction"],
            kernel_shape=kernel,
            strides=(options["StrideH"], options["StrideW"]),
            pads=self._window_pads(operator, kernel, (1, 1)),
        )

    def _depth_to_space(self, operator: TfliteOperator) -> None:
        block = operator.options["BlockSize"]
        self._emit(
            "DepthToSpace", (_name(operator.inputs[0]),), operator.outputs[0], blocksize=block, mode="DCR"
        )

    def _logistic(self, operator: TfliteOperator) -> None:
        self._emit("Sigmoid", (_name(operator.inputs[0]),), operator.outputs[0])

    def _reshape(self, operator: TfliteOperator) -> None:
        source, output = operator.inputs[0], operator.outputs[0]
        shape = self._shape(output)
        if len(shape) == 4:
            raise ConversionError(f"RESHAPE to four dimensions {shape} is not supported")
        name = _name(source)
        if len(self._shape(source)) == 4:
            self._graph.nodes.append(
                OnnxNode("Transpose", (name,), (f"{name}_nhwc",), {"perm": _NCHW_TO_NHWC})
            )
            name = f"{name}_nhwc"
        self._emit("Reshape", (name, self._constant(f"shape_{output}", np.array(shape, np.int64))), output)

    def _concatenation(self, operator: TfliteOperator) -> None:
        output, axis = operator.outputs[0], operator.options["Axis"]
        if len(self._shape(output)) == 4:
            axis = _NHWC_TO_NCHW.index(axis % 4)
        activation = operator.options["FusedActivationFunction"]
        self._emit("Concat", tuple(_name(i) for i in operator.inputs), output, activation, axis=axis)


def _name(index: int) -> str:
    return f"tensor_{index}"


def _same_pads(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """TensorFlow's SAME: the odd pixel goes to the end."""
    extent = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2
