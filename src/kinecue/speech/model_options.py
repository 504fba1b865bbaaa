"""Options for onnxruntime that travel inside a model file.

With ``ORT_LOAD_CONFIG_FROM_MODEL=1`` onnxruntime takes its session options from the model's metadata
entry ``ort_config`` (onnxruntime/core/session/inference_session_utils.h). That keeps a program which offers
no such option, as piper, to one thread: with as many threads as cores it would fight with pose estimation.
"""

from __future__ import annotations

import json

# Field numbers and the length-delimited wire type: onnx.proto, ModelProto.metadata_props and
# StringStringEntryProto; protocol buffers encoding. Concatenated messages merge, so a repeated field may be
# appended to a serialized model.
_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
_LENGTH_DELIMITED = 2


def with_threads(model: bytes, threads: int) -> bytes:
    """The serialized ONNX model with `threads` as its intra-op thread count."""
    options = json.dumps({"session_options": {"intra_op_num_threads": threads, "inter_op_num_threads": 1}})
    entry = _field(_KEY, b"ort_config") + _field(_VALUE, options.encode())
    return model + _field(_METADATA_PROPS, entry)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
