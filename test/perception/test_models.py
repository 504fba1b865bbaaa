"""Manifest, store and sessions: what is right is opened, what is not is named."""

from __future__ import annotations

import hashlib

import numpy as np
import onnxruntime
import pytest
import yaml

from kinecue.body.errors import ConfigError
from kinecue.onnx_file import OnnxGraph, OnnxNode, OnnxValue, serialize
from kinecue.perception.errors import ModelError, ProviderError
from kinecue.perception.manifest import load_manifest, manifest_path
from kinecue.perception.models import ModelStore
from kinecue.perception.sessions import available_providers, open_network


def doubling_network(size=4, output="doubled", channels=3):
    graph = OnnxGraph("double")
    graph.inputs.append(OnnxValue("image", (1, size, size, channels)))
    graph.outputs.append(OnnxValue(output, (1, size, size, channels)))
    graph.nodes.append(OnnxNode("Add", ("image", "image"), (output,)))
    return serialize(graph)


def manifest_content(onnx):
    """A manifest with one model whose file is `onnx`."""
    digest = {"bytes": len(onnx), "sha256": hashlib.sha256(onnx).hexdigest()}
    wheel = {"python": "3.11", "implementation": "py", "abi": "none", "platform": "any"}
    package = {
        "registry": "pypi",
        "name": "p",
        "version": "1",
        "file": "p.whl",
        "licence": "MIT",
        "wheel": wheel,
    }
    picture = {"name": "image", "shape": [1, 4, 4, 3], "layout": "NHWC", "colour": "RGB", "range": [0.0, 1.0]}
    model = {"interface": "double", "package": "p", "member": ["m"], "licence": "MIT", "default": True}
    return {
        "format": 1,
        "packages": {"p": {**package, **digest}},
        "interfaces": {"double": {"input": picture, "outputs": [{"name": "doubled", "shape": [1, 4, 4, 3]}]}},
        "models": {"doubler": {**model, "tflite": dict(digest), "onnx": dict(digest)}},
    }


@pytest.fixture
def write(tmp_path):
    def write_manifest(content):
        path = tmp_path / "manifest.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return path

    return write_manifest


@pytest.fixture
def doubler(tmp_path, write):
    """A store with one good network."""
    onnx = doubling_network()
    store = ModelStore(tmp_path / "models", load_manifest(write(manifest_content(onnx))))
    store.install("doubler", onnx)
    return store


def test_shipped_manifest_lists_the_family():
    manifest = load_manifest()
    assert set(manifest.models) == {
        "pose_detection",
        "pose_landmark_lite",
        "pose_landmark_full",
        "pose_landmark_heavy",
    }
    assert [name for name, model in manifest.models.items() if not model.default] == ["pose_landmark_heavy"]
    assert manifest.interface_of("pose_landmark_lite").topology == "blazepose_33"
    assert manifest_path().name == "manifest.yaml"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(format=2), r"manifest.yaml: format: .*got 2"),
        (lambda c: c["models"]["doubler"].pop("licence"), r"models.doubler.licence: Field required"),
        (lambda c: c["models"]["doubler"].update(sha="x"), r"models.doubler.sha: Extra inputs"),
        (
            lambda c: c["models"]["doubler"].update(package="q"),
            r"doubler.package: 'q' is unknown; allowed: p",
        ),
        (
            lambda c: c["models"]["doubler"].update(interface="q"),
            r"doubler.interface: 'q' is unknown; allowed: double",
        ),
        (
            lambda c: c["models"]["doubler"]["onnx"].update(sha256="12"),
            r"models.doubler.onnx.sha256: .*got '12'",
        ),
        (lambda c: c["models"]["doubler"]["onnx"].update(bytes=0), r"models.doubler.onnx.bytes: .*got 0"),
        (lambda c: c["packages"]["p"].update(file="../p.whl"), r"packages.p.file: .*got '../p.whl'"),
        (lambda c: c["packages"]["p"].pop("wheel"), r"wheel: must be given for registry pypi"),
        (
            lambda c: c["interfaces"]["double"].update(topology="coco"),
            r"topology: 'coco' is unknown; allowed: blaze",
        ),
        (lambda c: c["interfaces"]["double"].update(outputs=[]), r"interfaces.double.outputs: "),
    ],
)
def test_wrong_manifests_are_refused_by_file_and_field(write, change, said):
    content = manifest_content(doubling_network())
    change(content)
    with pytest.raises(ConfigError, match=said):
        load_manifest(write(content))


@pytest.mark.parametrize("text", ["models: [", "just words", ""])
def test_files_that_are_no_manifest_are_refused(write, text):
    with pytest.raises(ConfigError, match=r"manifest\.yaml"):
        load_manifest(write(text))


def test_missing_manifest(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read"):
        load_manifest(tmp_path / "gone.yaml")


def test_good_network_runs(doubler):
    network = doubler.open("doubler")
    (result,) = network.run(np.full((1, 4, 4, 3), 1.5, np.float32), ("doubled",))
    np.testing.assert_array_equal(result, np.full((1, 4, 4, 3), 3.0))
    assert network.provider in available_providers()


def test_missing_network_says_how_to_get_it(doubler):
    doubler.location("doubler").unlink()
    with pytest.raises(
        ModelError, match=r"doubler is not installed: .*make setup.*kinecue models fetch doubler"
    ):
        doubler.path("doubler")


def test_unknown_name(doubler):
    with pytest.raises(ModelError, match="unknown model 'tripler'; allowed: doubler"):
        doubler.path("tripler")
    with pytest.raises(ModelError, match="unknown test file 'doubler'"):
        doubler.test_file("doubler")


def test_damaged_network_states_expected_and_found(doubler):
    path = doubler.location("doubler")
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    with pytest.raises(ModelError, match=f"damaged: .*expected {len(good)} bytes, found {len(good) - 1}"):
        doubler.path("doubler")
    path.write_bytes(good[:-1] + b"\xff")
    expected = hashlib.sha256(good).hexdigest()
    with pytest.raises(ModelError, match=f"expected sha256 {expected}, found [0-9a-f]{{64}}"):
        doubler.open("doubler")
    assert "damaged" in doubler.problem("doubler")


def test_wrong_content_is_never_installed(doubler):
    good = doubler.path("doubler").read_bytes()
    with pytest.raises(ModelError, match="nothing was installed"):
        doubler.install("doubler", b"something else")
    assert doubler.path("doubler").read_bytes() == good
    assert [p.name for p in doubler.folder.iterdir()] == ["doubler.onnx"]


def test_truncated_file_is_refused_by_name(tmp_path, doubler):
    path = tmp_path / "cut.onnx"
    path.write_bytes(doubling_network()[:30])
    with pytest.raises(ModelError, match=r"cut\.onnx: onnxruntime cannot load this network"):
        open_network(path, doubler.interface("doubler"))


@pytest.mark.parametrize(
    ("onnx", "said"),
    [
        (
            doubling_network(size=5),
            r"expected inputs image float\[1, 4, 4, 3\], found image float\[1, 5, 5, 3\]",
        ),
        (
            doubling_network(output="twice"),
            r"expected outputs doubled float\[1, 4, 4, 3\], found twice float",
        ),
    ],
)
def test_another_kind_of_network_is_refused(tmp_path, doubler, onnx, said):
    path = tmp_path / "other.onnx"
    path.write_bytes(onnx)
    with pytest.raises(ModelError, match=said):
        open_network(path, doubler.interface("doubler"))


def test_absent_provider_names_those_there(doubler, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(
        ProviderError, match=r"'cuda' is not part of the installed onnxruntime .*; available: cpu"
    ):
        doubler.open("doubler", provider="cuda")
    with pytest.raises(ProviderError, match="unknown execution provider 'warp'; allowed: auto, cpu"):
        doubler.open("doubler", provider="warp")


def test_provider_that_does_not_start_is_told(doubler, monkeypatch):
    """onnxruntime runs on the CPU then and says nothing."""
    built = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    real = onnxruntime.InferenceSession

    def on_cpu(path, options, providers):
        return real(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", on_cpu)
    with pytest.raises(
        ProviderError, match=r"'cuda' is part of onnxruntime but did not start .* available: cpu"
    ):
        doubler.open("doubler", provider="cuda")
    assert doubler.open("doubler").provider == "cpu"


def test_a_provider_that_sends_pictures_away_is_never_used(monkeypatch):
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["AzureExecutionProvider", "CPUExecutionProvider"]
    )
    assert available_providers() == ("cpu",)


def test_threads_must_be_positive(doubler):
    with pytest.raises(ValueError, match="threads must be 1 or more, got 0"):
        doubler.open("doubler", threads=0)
