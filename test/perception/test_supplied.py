"""Networks that users supply: from manifest and ONNX file to people, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from perception_fakes import FakeDetector, detection
from supplied_networks import (
    INTERFACES,
    constant_yolo,
    spot_heatmaps,
    spot_simcc,
    write_manifest,
)
from test_models import doubling_network

from kinecue.body.errors import ConfigError
from kinecue.body.landmarks import COCO_17, HALPE_26, TOPOLOGIES, Landmark
from kinecue.cli.models import verify
from kinecue.perception import sessions
from kinecue.perception.adapters.describing import describe
from kinecue.perception.adapters.following import OneShotPose, TopDownPose
from kinecue.perception.adapters.opening import open_pose_network, open_supplied
from kinecue.perception.adapters.person_crop import PersonCrop, visibility
from kinecue.perception.adapters.yolo_pose import Letterbox, YoloPose
from kinecue.perception.errors import ImageError, ModelError, ProviderError
from kinecue.perception.models import ModelStore
from kinecue.perception.regions import Region

FRAME_NS = 33_333_333


def dark_with_spot(x, y, width=640, height=480, sigma=6.0):
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    light = 255 * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / sigma**2)
    return np.repeat(light.astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture
def rtmpose(tmp_path):
    return open_supplied(
        write_manifest(tmp_path, "spots", "rtmpose_17_256x192", spot_simcc()), provider="cpu"
    )


@pytest.fixture
def vitpose(tmp_path):
    return open_supplied(
        write_manifest(tmp_path, "spots", "vitpose_17_256x192", spot_heatmaps()), provider="cpu"
    )


@pytest.mark.parametrize("kind", ["rtmpose", "vitpose"])
@pytest.mark.parametrize(
    "region", [Region(300, 240, 400), Region(250, 200, 300, 0.2), Region(280, 230, 260, -1.5)]
)
def test_a_spot_is_found_where_it_is(request, kind, region):
    network = request.getfixturevalue(kind)
    found, _ = network.estimate(dark_with_spot(271.4, 212.8), region, 7)
    np.testing.assert_allclose(found.pixels, np.tile([271.4, 212.8], (17, 1)), atol=1.2)
    assert found.topology is COCO_17
    assert found.stamp_ns == 7
    assert (found.visibility > 0.9).all()
    assert found.score > 0.5
    assert np.isnan(found.world).all() and np.isnan(found.depth).all()
    assert (found.spread < 40.0).all()
    assert found.mask is None


@pytest.mark.parametrize("kind", ["rtmpose", "vitpose"])
def test_a_spot_is_followed(request, kind):
    detector = FakeDetector()
    detector.people = [detection(300.0, 240.0, 120.0)]
    pose = TopDownPose(detector, request.getfixturevalue(kind))
    for k in range(6):
        at = [300.0 + 4 * k, 240.0 - 2 * k]
        (person,) = pose.estimate(dark_with_spot(*at), k * FRAME_NS)
        np.testing.assert_allclose(person.pixels[0], at, atol=1.5)
        assert person.identity == 0
    assert detector.runs == 1
    assert pose.provider == "cpu"


def test_a_dark_picture_holds_nobody(rtmpose):
    detector = FakeDetector()
    detector.people = [detection(300.0, 240.0, 120.0)]
    assert TopDownPose(detector, rtmpose).estimate(np.zeros((480, 640, 3), np.uint8), 0) == []


def person_output(people):
    """(56, 8400) with these people: (box centre x, y, width, height, score)."""
    output = np.zeros((56, 8400))
    for k, (x, y, width, height, score) in enumerate(people):
        output[:5, 100 * k] = x, y, width, height, score
        points = output[5:, 100 * k].reshape(17, 3)
        points[:, 0] = x + np.linspace(-0.4, 0.4, 17) * width
        points[:, 1] = y + np.linspace(-0.4, 0.4, 17) * height
        points[:, 2] = 0.9
    return output


def test_people_of_one_run_are_put_back_into_the_picture_and_keep_their_names(tmp_path):
    content = person_output([(200, 320, 90, 260, 0.8), (450, 330, 100, 280, 0.6), (300, 100, 50, 50, 0.2)])
    path = write_manifest(tmp_path, "yolo", "yolo11_pose", constant_yolo(content))
    pose = open_pose_network(ModelStore(tmp_path), str(path), "cpu", max_people=2)
    image = np.full((720, 1280, 3), 90, np.uint8)
    for k in range(3):
        people = pose.estimate(image, k * FRAME_NS)
        assert [person.identity for person in people] == [0, 1]
    first = people[0]
    # 1280 x 720 is shrunk by two and stands 140 px below the input's edge
    np.testing.assert_allclose(first.pixels[8], [400, 360], atol=1e-3)
    np.testing.assert_allclose(first.pixels[0], [400 - 0.4 * 180, 360 - 0.4 * 520], atol=1e-3)
    assert first.region == Region(400.0, 360.0, pytest.approx(1.25 * 520))
    np.testing.assert_allclose(first.visibility, 0.9, atol=1e-6)
    assert first.score == pytest.approx(0.5 + 0.5 * (0.8 - 0.25) / 0.75)
    assert pose.topology is COCO_17
    with pytest.raises(ImageError):
        pose.estimate(np.zeros((4, 4), np.uint8), 0)


def test_a_one_shot_network_runs_once_a_picture():
    class Counting:
        topology, provider, runs = COCO_17, "cpu", 0

        def detect(self, image, stamp_ns):
            self.runs += 1
            return []

    network = Counting()
    pose = OneShotPose(network, 3)
    assert pose.estimate(np.zeros((8, 8, 3), np.uint8), 0) == []
    assert network.runs == 1


# what is refused


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": "gone.onnx"}, r"network net of .*net\.yaml: .*gone\.onnx does not exist"),
        (
            {"onnx": {"bytes": 5, "sha256": "0" * 64}},
            r"net\.onnx is not the file it describes: expected 5 bytes",
        ),
        (
            {"interface": "rtmpose_26_256x192"},
            r"expected outputs simcc_x float\[1, 26, 384\].*found simcc_x float",
        ),
        ({"interface": "vitpose_17_256x192"}, r"expected inputs pixel_values float.*, found input float"),
        ({"interface": "blazepose_landmarks"}, r"expected inputs input_1 float\[1, 256, 256, 3\]"),
    ],
)
def test_wrong_files_are_refused_with_what_was_expected_and_found(tmp_path, changes, said):
    path = write_manifest(tmp_path, "net", "rtmpose_17_256x192", spot_simcc(), **changes)
    with pytest.raises(ModelError, match=said):
        open_supplied(path, provider="cpu")


def test_another_hash_is_refused(tmp_path):
    path = write_manifest(tmp_path, "net", "rtmpose_17_256x192", spot_simcc())
    file = tmp_path / "net.onnx"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ModelError, match=r"expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}"):
        open_supplied(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda i: i.update(topology="halpe_26"),
            "topology: halpe_26 has 26 landmarks, the outputs carry 17",
        ),
        (lambda i: i.pop("topology"), "topology: must be given; allowed: blazepose_33, halpe_26, coco_17"),
        (lambda i: i["decoding"].update(kind="magic"), "does not match any of the expected tags"),
        (lambda i: i["outputs"].pop(), r"outputs: simcc needs 2 of rank 3 .*got \[1, 17, 384\]"),
        (lambda i: i["input"].update(range=[0, 1]), "normalisation: give either range, or mean and std"),
        (
            lambda i: i["input"].update(shape=[1, 256, 192, 3]),
            r"shape: must be \[1, 3, height, width\] for layout NCHW",
        ),
        (lambda i: i["input"].update(dtype="int8"), "supplied|dtype.*got 'int8'"),
        (lambda i: i["decoding"].update(padding=0), "decoding.simcc.padding: .*got 0"),
    ],
)
def test_wrong_interfaces_are_refused_by_file_and_field(tmp_path, change, said):
    path = write_manifest(tmp_path, "net", "mine", spot_simcc())
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    interface = INTERFACES["rtmpose_17_256x192"].model_dump(mode="json", exclude_none=True)
    change(interface)
    content["interfaces"] = {"mine": interface}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"net\.yaml: .*{said}"):
        open_supplied(path)


def test_a_manifest_needs_a_network_and_a_name_where_there_are_several(tmp_path):
    empty = tmp_path / "empty.yaml"
    empty.write_text("format: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"empty\.yaml: supplied: lists no network"):
        open_supplied(empty)
    path = write_manifest(tmp_path, "one", "rtmpose_17_256x192", spot_simcc())
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["supplied"]["two"] = content["supplied"]["one"]
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ModelError, match=r"has more than one network; write .*#NAME with one of: one, two"):
        open_supplied(path)
    with pytest.raises(ModelError, match="has no network 'three'"):
        open_supplied(path, "three")
    assert open_supplied(path, "two", "cpu").topology is COCO_17


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ((("task", "detect"),), "expected task pose, found detect"),
        (
            (("task", "pose"), ("kpt_shape", "[21, 3]")),
            r"expected 17 keypoints of 3 numbers, found kpt_shape \[21, 3\]",
        ),
    ],
)
def test_what_a_yolo_says_of_itself_counts(tmp_path, metadata, said):
    onnx = constant_yolo(np.zeros((56, 8400)), metadata=metadata)
    with pytest.raises(ModelError, match=said):
        open_supplied(write_manifest(tmp_path, "yolo", "yolo11_pose", onnx), provider="cpu")


def test_a_yolo_that_says_the_right_thing_is_taken(tmp_path):
    metadata = (("task", "pose"), ("kpt_shape", "[17, 3]"))
    onnx = constant_yolo(np.zeros((56, 8400)), metadata=metadata)
    network = open_supplied(write_manifest(tmp_path, "yolo", "yolo11_pose", onnx), provider="cpu")
    assert isinstance(network, YoloPose)
    assert network.detect(np.zeros((30, 40, 3), np.uint8), 0) == []


def test_unknown_names_and_providers_are_told(tmp_path):
    with pytest.raises(
        ModelError, match="unknown pose network 'medium'; allowed: lite, full, heavy, or the path"
    ):
        open_pose_network(ModelStore(tmp_path), "medium")
    path = write_manifest(tmp_path, "net", "rtmpose_17_256x192", spot_simcc())
    with pytest.raises(ProviderError, match="unknown execution provider 'warp'"):
        open_supplied(path, provider="warp")


# parts


def test_topologies():
    assert len(HALPE_26) == 26
    assert HALPE_26.landmarks[:17] == COCO_17.landmarks
    assert HALPE_26.landmarks[20] is Landmark.LEFT_FOOT_INDEX
    assert set(TOPOLOGIES) == {"blazepose_33", "halpe_26", "coco_17"}
    for topology in TOPOLOGIES.values():
        assert len(set(topology.landmarks)) == len(topology)
        assert [topology.mirror[k] for k in topology.mirror] == list(range(len(topology)))


def test_visibility_is_a_half_where_it_counts_as_visible():
    np.testing.assert_allclose(
        visibility(np.array([-0.2, 0.0, 0.15, 0.3, 0.65, 1.0, 1.3, np.nan]), 0.3),
        [0, 0, 0.25, 0.5, 0.75, 1, 1, 0],
    )


def test_a_lying_body_gets_a_wider_crop():
    upright = PersonCrop.of_region(Region(0, 0, 100), 0.75)
    lying = PersonCrop.of_region(Region(0, 0, 100, np.pi / 2), 0.75)
    assert (upright.width, upright.height) == pytest.approx((75.0, 100.0))
    assert (lying.width, lying.height) == pytest.approx((100.0, 400 / 3))


def test_letterbox_and_back():
    letterbox = Letterbox.of(100, 50, 640, 640)
    assert letterbox == Letterbox(6.4, 6.4, 0, 160, 640, 320)
    np.testing.assert_allclose(letterbox.to_image(np.array([320.0, 320.0])), [50, 25])
    picture = letterbox.apply(np.full((50, 100, 3), 9, np.uint8), 640, 640)
    assert picture[159, 0].tolist() == [114] * 3
    assert picture[160, 0].tolist() == [9] * 3


# describing


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rtmpose_26_256x192", lambda: spot_simcc("rtmpose_26_256x192")),
        ("vitpose_17_256x192", spot_heatmaps),
        ("yolo11_pose", lambda: constant_yolo(np.zeros((56, 8400)))),
    ],
)
def test_a_described_network_can_be_opened(tmp_path, name, content):
    (tmp_path / "net.onnx").write_bytes(content())
    path = tmp_path / "net.yaml"
    path.write_text(describe(tmp_path / "net.onnx", "MIT", "a test"), encoding="utf-8")
    assert "interfaces" not in yaml.safe_load(path.read_text(encoding="utf-8"))
    assert open_supplied(path, provider="cpu").topology.name == INTERFACES[name].topology


def test_other_names_of_tensors_are_kept(tmp_path):
    renamed = spot_simcc().replace(b"simcc_x", b"output1").replace(b"simcc_y", b"output2")
    (tmp_path / "net.onnx").write_bytes(renamed)
    path = tmp_path / "net.yaml"
    path.write_text(describe(tmp_path / "net.onnx", "MIT", "a test"), encoding="utf-8")
    network = open_supplied(path, provider="cpu")
    found, _ = network.estimate(dark_with_spot(271.4, 212.8), Region(300, 240, 400), 0)
    np.testing.assert_allclose(found.pixels[3], [271.4, 212.8], atol=1.2)


def test_what_cannot_be_described_is_told(tmp_path):
    path = write_manifest(tmp_path, "net", "mine", doubling_network())
    with pytest.raises(
        ModelError, match=r"found image float\[1, 4, 4, 3\].*known: yolo11_pose: \[1, 3, 640, 640\]"
    ):
        describe(path.with_suffix(".onnx"), "MIT", "a test")
    (tmp_path / "text.onnx").write_text("no network", encoding="utf-8")
    with pytest.raises(ModelError, match=r"text\.onnx: onnxruntime cannot load this network"):
        describe(tmp_path / "text.onnx", "MIT", "a test")


def test_sizes_that_onnxruntime_cannot_tell_are_compared_at_the_first_picture(tmp_path, monkeypatch):
    class Larger:
        def run(self, outputs, feed):
            return [np.zeros((1, 26, 384), np.float32), np.zeros((1, 26, 512), np.float32)]

    monkeypatch.setattr(sessions, "start", lambda *arguments: Larger())
    network = open_supplied(
        write_manifest(tmp_path, "net", "rtmpose_17_256x192", spot_simcc()), provider="cpu"
    )
    with pytest.raises(ModelError, match=r"expected simcc_x \[1, 17, 384\], found \[1, 26, 384\]"):
        network.estimate(dark_with_spot(271.4, 212.8), Region(300, 240, 400), 0)


def test_an_open_batch_is_taken(tmp_path):
    content = spot_simcc("rtmpose_26_256x192", open_size="K")
    path = write_manifest(tmp_path, "good", "rtmpose_26_256x192", content)
    found, _ = open_supplied(path, provider="cpu").estimate(
        dark_with_spot(300, 240), Region(300, 240, 400), 0
    )
    assert found.topology is HALPE_26


def test_verify_takes_manifests(tmp_path):
    good = write_manifest(tmp_path, "good", "rtmpose_17_256x192", spot_simcc())
    bad = write_manifest(
        tmp_path, "bad", "rtmpose_17_256x192", spot_simcc(), onnx={"bytes": 1, "sha256": "0" * 64}
    )
    lines: list[str] = []
    assert verify([str(good)], lines.append, ModelStore(tmp_path))
    assert not verify(
        [str(bad), f"{good}#gone", str(tmp_path / "none.yaml")], lines.append, ModelStore(tmp_path)
    )
    assert lines[0] == f"{good}: verified"
    assert "expected 1 bytes" in lines[1]
    assert "no network 'gone'" in lines[2]
    assert "none.yaml: cannot be read" in lines[3]
