"""Networks cut down to some of their outputs give the same numbers."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from kinecue.onnx_file import OnnxGraph, OnnxNode, OnnxValue, serialize
from kinecue.perception.errors import ModelError
from kinecue.perception.manifest import Interface
from kinecue.perception.onnx_prune import pruned
from kinecue.perception.sessions import open_network

SHAPE = (1, 4, 4, 3)


def two_headed():
    """x * 2 (+ 1 for `near`; its root for `far`), each with a constant of its own."""
    graph = OnnxGraph("two")
    graph.inputs.append(OnnxValue("x", SHAPE))
    graph.outputs += [OnnxValue("near", SHAPE), OnnxValue("far", SHAPE)]
    graph.constants = {"two": np.float32(2), "one": np.float32(1), "huge": np.arange(48, dtype=np.float32)}
    graph.constants["huge"] = graph.constants["huge"].reshape(SHAPE)
    graph.nodes += [
        OnnxNode("Mul", ("x", "two"), ("doubled",)),
        OnnxNode("Add", ("doubled", "one"), ("near",)),
        OnnxNode("Add", ("doubled", "huge"), ("sum",)),
        OnnxNode("Sqrt", ("sum",), ("far",)),
    ]
    return serialize(graph)


def session(model):
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def test_only_what_an_output_needs_stays():
    whole, part = two_headed(), pruned(two_headed(), ["near"])
    assert len(part) < len(whole) - 48 * 4
    assert [output.name for output in session(part).get_outputs()] == ["near"]
    for name in (b"huge", b"Sqrt", b"far"):
        assert name in whole
        assert name not in part
    x = np.random.default_rng(0).random(SHAPE, np.float32)
    np.testing.assert_array_equal(
        session(part).run(None, {"x": x})[0], session(whole).run(["near"], {"x": x})[0]
    )


def test_all_outputs_leave_the_file_as_it_is():
    assert pruned(two_headed(), ["far", "near"]) == two_headed()


def test_missing_outputs_are_named():
    with pytest.raises(ModelError, match="no output depth; the network has near, far"):
        pruned(two_headed(), ["near", "depth"])


@pytest.mark.parametrize("cut", [1, 7, 40, 150])
def test_truncated_files_are_refused(cut):
    with pytest.raises(ModelError, match="not an ONNX file"):
        pruned(two_headed()[:-cut], ["near"])


def test_optional_outputs_are_there_when_they_are_asked_for(tmp_path):
    path = tmp_path / "two.onnx"
    path.write_bytes(two_headed())
    interface = Interface.model_validate(
        {
            "input": {"name": "x", "shape": SHAPE, "layout": "NHWC", "colour": "RGB", "range": (0.0, 1.0)},
            "outputs": [
                {"name": "near", "shape": SHAPE},
                {"name": "far", "shape": SHAPE, "optional": True},
            ],
        }
    )
    network = open_network(path, interface, "cpu")
    x = np.random.default_rng(0).random(SHAPE, np.float32)
    near, far = session(two_headed()).run(["near", "far"], {"x": x})
    np.testing.assert_array_equal(network.run(x, ("near",))[0], near)
    np.testing.assert_array_equal(network.run(x, ("far", "near"))[0], far)
    np.testing.assert_array_equal(network.run(x, ("near",))[0], near)


@pytest.mark.parametrize("variant", ["lite", "full"])
def test_landmarks_without_the_mask_are_those_with_it(store, woman, variant):
    from kinecue.perception.landmark_network import LandmarkNetwork
    from kinecue.perception.regions import Region

    network = LandmarkNetwork(store.open(f"pose_landmark_{variant}", "cpu"))
    region = Region(90.0, 100.0, 220.0, 0.1)
    plain, _ = network.estimate(woman, region, 0)
    masked, _ = network.estimate(woman, region, 0, want_mask=True)
    again, _ = network.estimate(woman, region, 0)
    for name in ("pixels", "visibility", "world", "depth", "presence"):
        np.testing.assert_array_equal(getattr(masked, name), getattr(plain, name))
        np.testing.assert_array_equal(getattr(again, name), getattr(plain, name))
    assert plain.mask is None and again.mask is None
    assert masked.mask is not None
    probability = masked.mask.probability
    assert probability.shape == (256, 256)
    assert probability.dtype == np.float32
    assert 0.03 < (probability > 0.5).mean() < 0.6
    assert masked.mask.region == region
    # her hips are she, the corners of the region are not
    hips = region.from_image(masked.pixels[[23, 24]]) * 256
    columns, rows = hips.mean(0).astype(int)
    assert probability[rows, columns] > 0.9
    assert probability[[0, 0, -1, -1], [0, -1, 0, -1]].max() < 0.5
