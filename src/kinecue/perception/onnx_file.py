"""Writes ONNX files byte for byte reproducibly, without the `onnx` package.

The manifest states the sha256 of each converted network. A file made by `onnx` depends on the versions of
`onnx` and protobuf that wrote it; this writer emits the few messages that a feed-forward network needs in the
order of their field numbers, so the same graph is the same file everywhere. Field numbers: onnx/onnx.proto
(IR version 8); wire format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSET = 17
_FLOAT = 1
_DATA_TYPES = {
    np.dtype(np.float32): _FLOAT,
    np.dtype(np.int32): 6,
    np.dtype(np.int64): 7,
    np.dtype(np.float16): 10,
}
"""TensorProto.DataType of the element types written here."""

_VARINT, _BYTES = 0, 2
_ATTRIBUTE_INT, _ATTRIBUTE_STRING, _ATTRIBUTE_INTS = 2, 3, 7

Attribute = int | str | Sequence[int]


@dataclass(frozen=True)
class OnnxNode:
    """One operator of the default domain; an empty input name leaves an optional input out."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class OnnxValue:
    """A float32 input or output of the graph; a size that is a name is left open."""

    name: str
    shape: tuple[int | str, ...]


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
    return b"".join(
        [
            _integer(1, IR_VERSION),
            _text(2, producer),
            _message(7, _graph(graph)),
            _message(8, [_text(1, ""), _integer(2, OPSET)]),
        ]
    )


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


def _blob(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(payload)) + payload


def _text(number: int, value: str) -> bytes:
    return _blob(number, value.encode())


def _message(number: int, parts: Iterable[bytes]) -> bytes:
    return _blob(number, b"".join(parts))


def _graph(graph: OnnxGraph) -> list[bytes]:
    return [
        *(_message(1, _node(node)) for node in graph.nodes),
        _text(2, graph.name),
        *(_message(5, _tensor(name, array)) for name, array in graph.constants.items()),
        *(_message(11, _value(value)) for value in graph.inputs),
        *(_message(12, _value(value)) for value in graph.outputs),
    ]


def _node(node: OnnxNode) -> list[bytes]:
    return [
        *(_text(1, name) for name in node.inputs),
        *(_text(2, name) for name in node.outputs),
        _text(4, node.operator),
        *(_message(5, _attribute(name, node.attributes[name])) for name in sorted(node.attributes)),
    ]


def _attribute(name: str, value: Attribute) -> list[bytes]:
    if isinstance(value, str):
        return [_text(1, name), _text(4, value), _integer(20, _ATTRIBUTE_STRING)]
    if isinstance(value, int):
        return [_text(1, name), _integer(3, value), _integer(20, _ATTRIBUTE_INT)]
    return [_text(1, name), *(_integer(8, int(item)) for item in value), _integer(20, _ATTRIBUTE_INTS)]


def _tensor(name: str, array: NDArray[Any]) -> list[bytes]:
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return [
        *(_integer(1, size) for size in array.shape),
        _integer(2, _DATA_TYPES[array.dtype]),
        _text(8, name),
        _blob(9, little_endian.tobytes()),
    ]


def _value(value: OnnxValue) -> list[bytes]:
    shape = [_message(1, [_text(2, n) if isinstance(n, str) else _integer(1, n)]) for n in value.shape]
    tensor = [_integer(1, _FLOAT), _message(2, shape)]
    return [_text(1, value.name), _message(2, [_message(1, tensor)])]
