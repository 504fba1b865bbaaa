"""Cuts an ONNX file down to what some of its outputs need, without the `onnx` package.

onnxruntime computes every output of a graph, asked for or not: BlazePose's segmentation costs 7 of lite's 12 ms. The file is
read on the level of its wire format (https://protobuf.dev/programming-guides/encoding/), and what stays is copied as it is.
Field numbers: onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from kinecue.perception.errors import ModelError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_OUTPUT = 1, 5, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_ATTRIBUTE = 1, 2, 5
_ATTRIBUTE_GRAPHS = (6, 11)
_TENSOR_NAME, _VALUE_NAME = 8, 1


class _Field(NamedTuple):
    """A field of a message: number, content (a view for bytes), and all its bytes with the key."""

    number: int
    content: memoryview
    raw: memoryview


def pruned(model: bytes, outputs: Collection[str]) -> bytes:
    """The bytes of an ONNX file with those of its outputs that are named, and only what they need.

    Nodes whose attributes hold graphs of their own (If, Loop) are kept together with everything before them.

    Raises:
        ModelError: not an ONNX file, or it lacks one of the outputs (those it has are named).
    """
    try:
        return b"".join(
            _message(_MODEL_GRAPH, _pruned_graph(field.content, set(outputs)))
            if field.number == _MODEL_GRAPH
            else bytes(field.raw)
            for field in _fields(memoryview(model))
        )
    except (IndexError, UnicodeDecodeError) as error:
        raise ModelError(f"not an ONNX file: {error}") from error


def _pruned_graph(graph: memoryview, outputs: set[str]) -> bytes:
    fields = list(_fields(graph))
    existing = [_name(field, _VALUE_NAME) for field in fields if field.number == _GRAPH_OUTPUT]
    if missing := outputs.difference(existing):
        raise ModelError(f"no output {', '.join(sorted(missing))}; the network has {', '.join(existing)}")
    needed, everything, dropped = set(outputs), False, set()
    for position in reversed(range(len(fields))):  # nodes come in the order of execution
        if fields[position].number != _GRAPH_NODE:
            continue
        node = list(_fields(fields[position].content))
        if not everything and needed.isdisjoint(_names(node, _NODE_OUTPUT)):
            dropped.add(position)
            continue
        needed.update(_names(node, _NODE_INPUT))
        everything = everything or _holds_graphs(node)
    kept = []
    for position, field in enumerate(fields):
        unused = (
            (field.number == _GRAPH_NODE and position in dropped)
            or (field.number == _GRAPH_OUTPUT and _name(field, _VALUE_NAME) not in outputs)
            or (
                field.number == _GRAPH_INITIALIZER
                and not everything
                and _name(field, _TENSOR_NAME) not in needed
            )
        )
        if not unused:
            kept.append(bytes(field.raw))
    return b"".join(kept)


def _holds_graphs(node: list[_Field]) -> bool:
    return any(
        inner.number in _ATTRIBUTE_GRAPHS
        for field in node
        if field.number == _NODE_ATTRIBUTE
        for inner in _fields(field.content)
    )


def _names(message: list[_Field], number: int) -> list[str]:
    return [bytes(field.content).decode() for field in message if field.number == number]


def _name(field: _Field, number: int) -> str:
    return next(iter(_names(list(_fields(field.content)), number)), "")


def _fields(message: memoryview) -> Iterator[_Field]:
    position = 0
    while position < len(message):
        start = position
        key, position = _varint(message, position)
        kind = key & 7
        if kind == _VARINT:
            content = position
            _, position = _varint(message, position)
        elif kind == _BYTES:
            length, content = _varint(message, position)
            position = content + length
        elif kind in (_FIXED32, _FIXED64):
            content, position = position, position + (4 if kind == _FIXED32 else 8)
        else:
            raise IndexError(f"wire type {kind} at byte {start}")
        if position > len(message):
            raise IndexError(f"the message ends within the field at byte {start}")
        yield _Field(key >> 3, message[content:position], message[start:position])


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _message(number: int, payload: bytes) -> bytes:
    length, size = bytearray(), len(payload)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | _BYTES]) + bytes(length) + payload
