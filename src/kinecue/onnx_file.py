"""Writes ONNX files byte for byte reproducibly, without the `onnx` package.

The manifest states the sha256 of each converted network. A file made by `onnx` depends on the versions of
`onnx` and protobuf that wrote it; this writer emits the few messages that our networks need in the
order of their field numbers, so the same graph is the same file everywhere. Field numbers: onnx/onnx.proto
(IR version 8); wire format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSET = 17
_DATA_TYPES = {
    np.dtype(np.float32): 1,
    np.dtype(np.uint8): 2,
    np.dtype(np.int8): 3,
    np.dtype(np.int32): 6,
    np.dtype(np.int64): 7,
    np.dtype(np.float16): 10,
}
"""TensorProto.DataType of the element types written here."""

FLOAT32 = _DATA_TYPES[np.dtype(np.float32)]
"""What the attribute `to` of a Cast to float32 is."""

_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_STRING, _ATTRIBUTE_INTS = 1, 2, 3, 7

Attribute = int | float | str | Sequence[int]
_Parts = list[bytes | memoryview]
"""A message in pieces: the constants of a graph are not copied before they are written."""


@dataclass(frozen=True)
class OnnxNode:
    """One operator; an empty input or output name leaves an optional one out.

    An empty domain is that of ONNX itself, ``com.microsoft`` that of onnxruntime's own operators.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    domain: str = ""


@dataclass(frozen=True)
class OnnxValue:
    """An input or output of the graph; a size that is a name is left open."""

    name: str
    shape: tuple[int | str, ...]
    dtype: type[np.generic] = np.float32


@dataclass
class OnnxGraph:
    """Nodes in order of execution, constants by name, inputs and outputs."""

    name: str
    nodes: list[OnnxNode] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    inputs: list[OnnxValue] = field(default_factory=list)
    outputs: list[OnnxValue] = field(default_factory=list)


def serialize(graph: OnnxGraph, producer: str = "kinecue") -> bytes:
    """The graph as the bytes of an ONNX file, the same for the same graph on every machine."""
    return b"".join(_model(graph, producer))


def write(graph: OnnxGraph, file: BinaryIO, producer: str = "kinecue") -> None:
    """Write what `serialize` gives to `file`, without holding the constants a second time in memory.

    Raises:
        OSError: `file` cannot be written.
    """
    for part in _model(graph, producer):
        file.write(part)


def _model(graph: OnnxGraph, producer: str) -> _Parts:
    domains = sorted({node.domain for node in graph.nodes} - {""})
    opsets = [_message(8, [_text(1, ""), _integer(2, OPSET)])]
    opsets += [_message(8, [_text(1, domain), _integer(2, 1)]) for domain in domains]
    return [
        _integer(1, IR_VERSION),
        _text(2, producer),
        *_message(7, _graph(graph)),
        *(part for opset in opsets for part in opset),
    ]


def _varint(value: int) -> bytes:
    if value < 0:
        value += 1 << 64  # negative int64 are written as their two's complement
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | _FIXED32) + struct.pack("<f", value)


def _text(number: int, value: str) -> bytes:
    payload = value.encode()
    return _varint(number << 3 | _BYTES) + _varint(len(payload)) + payload


def _message(number: int, parts: _Parts) -> _Parts:
    return [_varint(number << 3 | _BYTES) + _varint(sum(map(len, parts))), *parts]


def _messages(number: int, messages: Iterable[_Parts]) -> _Parts:
    return [part for message in messages for part in _message(number, message)]


def _graph(graph: OnnxGraph) -> _Parts:
    return [
        *_messages(1, (_node(node) for node in graph.nodes)),
        _text(2, graph.name),
        *_messages(5, (_tensor(name, array) for name, array in graph.constants.items())),
        *_messages(11, (_value(value) for value in graph.inputs)),
        *_messages(12, (_value(value) for value in graph.outputs)),
    ]


def _node(node: OnnxNode) -> _Parts:
    return [
        *(_text(1, name) for name in node.inputs),
        *(_text(2, name) for name in node.outputs),
        _text(4, node.operator),
        *_messages(5, (_attribute(name, node.attributes[name]) for name in sorted(node.attributes))),
        *([_text(7, node.domain)] if node.domain else []),
    ]


def _attribute(name: str, value: Attribute) -> _Parts:
    if isinstance(value, str):
        return [_text(1, name), _text(4, value), _integer(20, _ATTRIBUTE_STRING)]
    if isinstance(value, float):
        return [_text(1, name), _float(2, value), _integer(20, _ATTRIBUTE_FLOAT)]
    if isinstance(value, int):
        return [_text(1, name), _integer(3, value), _integer(20, _ATTRIBUTE_INT)]
    return [_text(1, name), *(_integer(8, int(item)) for item in value), _integer(20, _ATTRIBUTE_INTS)]


def _tensor(name: str, array: NDArray[Any]) -> _Parts:
    little_endian = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    content = little_endian.data.cast("B") if little_endian.size else b""
    return [
        *(_integer(1, size) for size in array.shape),
        _integer(2, _DATA_TYPES[array.dtype]),
        _text(8, name),
        *_message(9, [content]),
    ]


def _value(value: OnnxValue) -> _Parts:
    shape = _messages(1, ([_text(2, n) if isinstance(n, str) else _integer(1, n)] for n in value.shape))
    tensor = [_integer(1, _DATA_TYPES[np.dtype(value.dtype)]), *_message(2, shape)]
    return [_text(1, value.name), *_message(2, _message(1, tensor))]
