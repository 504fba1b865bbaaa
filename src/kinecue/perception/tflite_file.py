"""Reads TFLite files into plain data: tensors, constants (dense) and operators with their options.

Needs the package `tflite` (the schema) at set-up only; nothing here is imported at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.perception.errors import ConversionError


@dataclass(frozen=True)
class TfliteTensor:
    """A tensor of the graph; `data` is set for constants."""

    name: str
    shape: tuple[int, ...]
    data: NDArray[Any] | None


@dataclass(frozen=True)
class TfliteOperator:
    """An operator: indices of its tensors (-1: optional input left out) and the options that are read."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int]


@dataclass(frozen=True)
class TfliteGraph:
    """The only subgraph of a file."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tensors: tuple[TfliteTensor, ...]
    operators: tuple[TfliteOperator, ...]


_ELEMENT_TYPES = {0: np.float32, 1: np.float16, 2: np.int32, 4: np.int64}
"""numpy types of the TensorType values of float networks (schema.fbs)."""
_DENSE, _SPARSE_CSR = 0, 1
_INDEX_VECTORS = {1: "Int32Vector", 2: "Uint16Vector", 3: "Uint8Vector"}

_CONVOLUTION = (
    "Padding",
    "StrideH",
    "StrideW",
    "DilationHFactor",
    "DilationWFactor",
    "FusedActivationFunction",
)
_OPTIONS = {
    "CONV_2D": ("Conv2DOptions", _CONVOLUTION),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _CONVOLUTION),
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "MAX_POOL_2D": (
        "Pool2DOptions",
        ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth", "FusedActivationFunction"),
    ),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", ("HalfPixelCenters", "AlignCorners")),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", ("BlockSize",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", "FusedActivationFunction")),
}
"""Option table and the fields read of it, per operator."""


def read_tflite(data: bytes) -> TfliteGraph:
    """Parse the bytes of a TFLite file.

    Raises:
        ConversionError: not a TFLite file, more than one subgraph, or a constant of a type or sparsity that
            float networks of the BlazePose family do not use; also if the package `tflite` is not installed.
    """
    try:
        import tflite
    except ImportError:
        raise ConversionError(
            "converting a TFLite network needs the package `tflite`: pip install tflite"
        ) from None
    if data[4:8] != b"TFL3":
        raise ConversionError(f"not a TFLite file: bytes 4 to 8 are {data[4:8]!r} instead of b'TFL3'")
    model = tflite.Model.GetRootAsModel(data, 0)
    if model.SubgraphsLength() != 1:
        raise ConversionError(f"expected one subgraph, found {model.SubgraphsLength()}")
    graph = model.Subgraphs(0)
    tensors = tuple(_tensor(tflite, model, graph.Tensors(i)) for i in range(graph.TensorsLength()))
    operators = tuple(_operator(tflite, model, graph.Operators(i)) for i in range(graph.OperatorsLength()))
    return TfliteGraph(_indices(graph.InputsAsNumpy()), _indices(graph.OutputsAsNumpy()), tensors, operators)


def _indices(array: Any) -> tuple[int, ...]:
    return tuple(int(i) for i in array)


def _tensor(tflite: Any, model: Any, tensor: Any) -> TfliteTensor:
    name = tensor.Name().decode()
    shape = _indices(tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    buffer = model.Buffers(tensor.Buffer())
    if not buffer.DataLength():
        return TfliteTensor(name, shape, None)
    if tensor.Type() not in _ELEMENT_TYPES:
        raise ConversionError(
            f"constant {name}: element type {tensor.Type()} is not supported (float networks only)"
        )
    raw = np.frombuffer(buffer.DataAsNumpy().tobytes(), _ELEMENT_TYPES[tensor.Type()])
    if tensor.Sparsity() is not None:
        return TfliteTensor(name, shape, _densify(tflite, name, tensor.Sparsity(), raw, shape))
    return TfliteTensor(name, shape, raw.reshape(shape))


def _densify(
    tflite: Any, name: str, sparsity: Any, values: NDArray[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    """A constant whose last dimension is compressed (CSR) and whose others are dense, in natural order."""
    rank = len(shape)
    dimensions = [sparsity.DimMetadata(i) for i in range(sparsity.DimMetadataLength())]
    formats = [dimension.Format() for dimension in dimensions]
    natural_order = _indices(sparsity.TraversalOrderAsNumpy()) == tuple(range(rank))
    if not natural_order or sparsity.BlockMapLength() or formats != [_DENSE] * (rank - 1) + [_SPARSE_CSR]:
        raise ConversionError(
            f"constant {name}: only sparsity in the last dimension is supported, found formats {formats}"
        )
    segments = _index_vector(tflite, dimensions[-1], "ArraySegments")
    columns = _index_vector(tflite, dimensions[-1], "ArrayIndices")
    rows = int(np.prod(shape[:-1]))
    if len(segments) != rows + 1 or segments[-1] != len(columns) or len(columns) > len(values):
        raise ConversionError(f"constant {name}: sparsity table does not fit shape {shape}")
    dense = np.zeros((rows, shape[-1]), values.dtype)
    dense[np.repeat(np.arange(rows), np.diff(segments)), columns] = values[: len(columns)]
    return dense.reshape(shape)


def _index_vector(tflite: Any, dimension: Any, field: str) -> NDArray[np.int64]:
    table = getattr(dimension, field)()
    vector = getattr(tflite, _INDEX_VECTORS[getattr(dimension, field + "Type")()])()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), dtype=np.int64)


def _operator(tflite: Any, model: Any, operator: Any) -> TfliteOperator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # files of before and after schema 3a keep the code in different fields, the other one being 0
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    names = {value: key for key, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
    name = names.get(number, f"operator {number}")
    if code.CustomCode():
        name = f"custom operator {code.CustomCode().decode()}"
    options: dict[str, int] = {}
    if name in _OPTIONS:
        table_name, fields = _OPTIONS[name]
        table, reader = operator.BuiltinOptions(), getattr(tflite, table_name)()
        if table is None:
            raise ConversionError(f"{name} without its options ({table_name})")
        reader.Init(table.Bytes, table.Pos)
        options = {field: int(getattr(reader, field)()) for field in fields}
    return TfliteOperator(
        name, _indices(operator.InputsAsNumpy()), _indices(operator.OutputsAsNumpy()), options
    )
