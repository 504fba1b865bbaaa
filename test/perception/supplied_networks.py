"""Tiny ONNX networks of the shapes of RTMPose, ViTPose and YOLO-pose, made with our own writer."""

from __future__ import annotations

import hashlib

import numpy as np
import yaml

from kinecue.onnx_file import OnnxGraph, OnnxNode, OnnxValue, serialize
from kinecue.perception.manifest import load_manifest

INTERFACES = load_manifest().interfaces


def _graph(name, open_size=None):
    """`open_size`: a name for the first sizes of the outputs."""
    interface = INTERFACES[name]
    graph = OnnxGraph(name)
    graph.inputs.append(OnnxValue(interface.input.name, interface.input.shape))
    for output in interface.outputs:
        shape = output.shape if open_size is None else ("N", open_size, *output.shape[2:])
        graph.outputs.append(OnnxValue(output.name, shape))
    return graph, interface


def spot_simcc(name="rtmpose_17_256x192", open_size=None):
    """All landmarks are where the picture is brightest: along x the columns' maxima, along y the rows'."""
    graph, interface = _graph(name, open_size)
    _brightness(graph, interface, keepdims=0)
    for output, axis, extent in (
        ("simcc_x", 1, interface.input.width),
        ("simcc_y", 2, interface.input.height),
    ):
        count = next(o.shape[1] for o in interface.outputs if o.name == output)
        doubled = np.zeros((extent, 2 * extent), np.float32)
        doubled[np.arange(extent), 2 * np.arange(extent)] = 1.0
        graph.constants[f"{output}_double"] = doubled
        graph.constants[f"{output}_all"] = np.ones((1, count, 1), np.float32)
        graph.nodes += [
            OnnxNode("ReduceMax", ("grey",), (f"{output}_line",), {"axes": (axis,), "keepdims": 1}),
        ]
        line = f"{output}_line"
        if axis == 2:
            graph.nodes.append(OnnxNode("Transpose", (line,), (f"{line}_t",), {"perm": (0, 2, 1)}))
            line = f"{line}_t"
        graph.nodes += [
            OnnxNode("MatMul", (line, f"{output}_double"), (f"{output}_one",)),
            OnnxNode("Mul", (f"{output}_one", f"{output}_all"), (output,)),
        ]
    return serialize(graph)


def spot_heatmaps(name="vitpose_17_256x192"):
    """Every heatmap is the picture's brightness, sampled where unbiased coordinates have the cells."""
    graph, interface = _graph(name)
    (output,) = interface.outputs
    _, count, height, width = output.shape
    graph.constants["down"] = _sampling(interface.input.height, height)
    graph.constants["across"] = _sampling(interface.input.width, width).T.copy()
    graph.constants["all"] = np.ones((1, count, 1, 1), np.float32)
    _brightness(graph, interface, keepdims=1)
    graph.nodes += [
        OnnxNode("MatMul", ("down", "grey"), ("rows",)),
        OnnxNode("MatMul", ("rows", "across"), ("cells",)),
        OnnxNode("Mul", ("cells", "all"), (output.name,)),
    ]
    return serialize(graph)


def constant_yolo(content, name="yolo11_pose", metadata=()):
    """Finds the same in every picture: `content` of the output's shape without the batch."""
    graph, interface = _graph(name)
    (output,) = interface.outputs
    graph.constants["content"] = np.asarray(content, np.float32)[None]
    graph.constants["none"] = np.zeros(1, np.float32)
    graph.nodes += [
        OnnxNode("ReduceMean", (interface.input.name,), ("mean",), {"axes": (1, 2, 3), "keepdims": 0}),
        OnnxNode("Mul", ("mean", "none"), ("zero",)),
        OnnxNode("Add", ("content", "zero"), (output.name,)),
    ]
    return serialize(graph) + b"".join(_metadata(key, value) for key, value in metadata)


def _brightness(graph, interface, keepdims):
    """Nodes for "grey": 0 for black, about 1 for white."""
    values = [(np.array(v) - interface.input.mean) / interface.input.std for v in (0.0, 255.0)]
    black, white = (float(np.mean(v)) for v in values)
    graph.constants["black"] = np.float32(black)
    graph.constants["range"] = np.float32(white - black)
    graph.nodes += [
        OnnxNode("ReduceMean", (interface.input.name,), ("mean",), {"axes": (1,), "keepdims": keepdims}),
        OnnxNode("Sub", ("mean", "black"), ("light",)),
        OnnxNode("Div", ("light", "range"), ("grey",)),
    ]


def _sampling(source, target):
    """(target, source) weights of linear interpolation, ends on ends."""
    places = np.arange(target) * (source - 1) / (target - 1)
    return np.maximum(1.0 - np.abs(places[:, None] - np.arange(source)), 0.0).astype(np.float32)


def _metadata(key, value):
    """ModelProto.metadata_props (14) with a StringStringEntryProto; all shorter than 128 bytes."""
    entry = b"".join(
        bytes([number << 3 | 2, len(text)]) + text
        for number, text in ((1, key.encode()), (2, value.encode()))
    )
    return bytes([14 << 3 | 2, len(entry)]) + entry


def write_manifest(folder, name, kind, content, **changes):
    """A user's manifest beside the network's file; `changes` overwrite parts of its entry."""
    (folder / f"{name}.onnx").write_bytes(content)
    entry = {
        "interface": kind,
        "file": f"{name}.onnx",
        "onnx": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        "licence": "Apache-2.0",
        "source": "made by a test",
        **changes,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"format": 1, "supplied": {name: entry}}), encoding="utf-8")
    return path
