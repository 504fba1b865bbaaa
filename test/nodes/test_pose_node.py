"""Node `pose`: pictures in, bodies out; with the smallest network and few frames."""

from __future__ import annotations

import math
import shutil
import time

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import overrides, values
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image

from kinecue.body import BLAZEPOSE_33, Landmark
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.images import from_bgr
from kinecue.nodes.pose import PoseNode
from kinecue.perception.frames import Frame
from kinecue.perception.grabber import LatestFrame
from kinecue_msgs import msg, srv

pytestmark = pytest.mark.usefixtures("models")
START_NS = 7_000_000_000
FRAME_NS = 33_333_333


@pytest.fixture(scope="module")
def clip(sample_squat):
    """Ten frames of somebody who stands, and the truth."""
    path, truth = sample_squat
    capture = cv2.VideoCapture(str(path))
    frames = [capture.read()[1] for _ in range(10)]
    capture.release()
    return frames, truth


def image(picture, number: int = 0, encoding: str = "bgr8") -> Image:
    message = from_bgr(picture)
    message.encoding = encoding
    message.header = parts.header(START_NS + number * FRAME_NS, "camera_optical_frame")
    return message


class Pictures:
    """Sends pictures one by one and hears bodies."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.heard = bench.listen(msg.BodyArray, "bodies")
        self.send = bench.talk(Image, "image_raw")
        bench.connected("bodies")

    def one(self, message: Image) -> msg.BodyArray:
        before = len(self.heard)
        self.send(message)
        self.bench.wait(lambda: len(self.heard) > before, "bodies")
        return self.heard[-1]


def info(truth, **fields) -> CameraInfo:
    """The camera of the clip."""
    camera = truth.camera
    k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    given = {
        "width": camera.width,
        "height": camera.height,
        "distortion_model": "plumb_bob",
        "d": [0.0] * 5,
        "k": k,
    }
    return CameraInfo(**{**given, **fields})


def mount(truth) -> dict:
    return {"camera_height": truth.camera.mount_height, "camera_tilt_deg": math.degrees(truth.camera.tilt)}


class TestBodies:
    def test_of_a_clip_are_where_the_truth_is(self, bench, clip):
        frames, truth = clip
        bench.started("pose", model="lite", **mount(truth))
        send_info = bench.talk(CameraInfo, "camera_info")
        send_info(info(truth))
        bench.spin(0.1)
        pictures = Pictures(bench)
        for number, frame in enumerate(frames):
            array = pictures.one(image(frame, number))
            assert stamp_to_ns(array.header.stamp) == START_NS + number * FRAME_NS
            assert array.header.frame_id == "machine_base_link"
            assert array.processing_ms > 0
        assert len(array.bodies) == 1
        body = convert.body_from_msg(array.bodies[0])
        assert array.bodies[0].active
        assert body.stamp_ns == START_NS + 9 * FRAME_NS
        assert body.camera_calibrated
        assert body.topology is BLAZEPOSE_33
        for landmark in (Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE, Landmark.LEFT_SHOULDER, Landmark.RIGHT_HIP):
            seen = truth.pixels[9, BLAZEPOSE_33.index(landmark)]
            assert np.hypot(*(body.pixel(landmark) - seen)) < 25
            there = truth.positions[9, BLAZEPOSE_33.index(landmark)]
            assert np.linalg.norm(body.position(landmark) - there) < 0.35

    def test_keep_their_identity(self, bench, clip):
        bench.started("pose", model="lite")
        pictures = Pictures(bench)
        ids = {pictures.one(image(frame, n)).bodies[0].id for n, frame in enumerate(clip[0][:4])}
        assert len(ids) == 1
        assert ids.pop().isalpha()

    def test_nobody_is_an_empty_array(self, bench):
        bench.started("pose", model="lite")
        array = Pictures(bench).one(image(np.full((240, 320, 3), 90, np.uint8)))
        assert list(array.bodies) == []
        assert stamp_to_ns(array.header.stamp) == START_NS

    def test_come_from_a_mailbox_without_an_image_topic(self, bench, clip):
        mailbox = LatestFrame()
        node = bench.add(PoseNode(mailbox, parameter_overrides=overrides(model="lite")))
        assert node.start()
        heard = bench.listen(msg.BodyArray, "bodies")
        bench.connected("bodies")
        mailbox.put(Frame(clip[0][0], 123_456_789, 4, "camera"))
        array = bench.wait(lambda: heard and heard[-1])
        assert stamp_to_ns(array.header.stamp) == 123_456_789
        assert array.frame_index == 4
        assert "/image_raw" not in dict(bench.peer.get_topic_names_and_types())
        bench.wait(lambda: node.idle)

    def test_newest_picture_wins(self, bench, clip):
        mailbox = LatestFrame()
        node = bench.add(PoseNode(mailbox, parameter_overrides=overrides(model="lite")))
        for number, frame in enumerate(clip[0]):
            mailbox.put(Frame(frame, START_NS + number, number, "camera"))
        heard = bench.listen(msg.BodyArray, "bodies")
        bench.connected("bodies")
        assert node.start()
        bench.wait(lambda: heard)
        bench.wait(lambda: node.idle)
        bench.spin(0.1)
        assert [array.frame_index for array in heard] == [9]

    def test_of_a_changed_size_of_picture_go_on(self, bench, clip):
        bench.started("pose", model="lite")
        pictures = Pictures(bench)
        pictures.one(image(clip[0][0], 0))
        small = cv2.resize(clip[0][1], None, fx=0.5, fy=0.5)
        array = pictures.one(image(small, 1))
        assert (array.bodies[0].image_width, array.bodies[0].image_height) == small.shape[1::-1]


class TestCamera:
    def test_is_estimated_and_said_to_be(self, bench, clip):
        heard = bench.diagnostics()
        bench.started("pose", model="lite")
        pictures = Pictures(bench)
        assert not pictures.one(image(clip[0][0])).bodies[0].camera_calibrated
        status = heard.wait("pose", DiagnosticStatus.OK, "intrinsics are estimated")
        assert values(status)["intrinsics"] == "estimated"
        assert values(status)["mount"] == "estimated"

    @pytest.mark.parametrize(
        "fields",
        [
            {"k": [math.nan] * 9},
            {"k": [math.inf, 0.0, 1.0, 0.0, 500.0, 1.0, 0.0, 0.0, 1.0]},
            {"k": [500.0, 0.0, 320.0, 0.0, 0.0, 240.0, 0.0, 0.0, 1.0]},
            {"k": [-500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]},
            {"d": [math.nan] * 5},
            {"d": [0.1] * 6, "distortion_model": "thin_prism"},
        ],
        ids=str,
    )
    def test_intrinsics_that_cannot_be_used_are_told_and_the_good_ones_stay(self, bench, clip, fields):
        frames, truth = clip
        bench.started("pose", model="lite")
        send_info = bench.talk(CameraInfo, "camera_info")
        heard = bench.diagnostics()
        send_info(info(truth))
        send_info(info(truth, **fields))
        heard.wait("pose", DiagnosticStatus.WARN, "CameraInfo", "allowed")
        assert Pictures(bench).one(image(frames[0])).bodies[0].camera_calibrated

    def test_info_of_another_size_is_not_used(self, bench, clip):
        frames, truth = clip
        bench.started("pose", model="lite")
        bench.talk(CameraInfo, "camera_info")(info(truth, width=100, height=100))
        bench.spin(0.1)
        assert not Pictures(bench).one(image(frames[0])).bodies[0].camera_calibrated


class TestBadPictures:
    def test_each_is_told_and_the_next_good_one_seen(self, bench, clip):
        frames, _ = clip
        heard = bench.diagnostics()
        bench.started("pose", model="lite")
        pictures = Pictures(bench)

        def spoiled(**fields) -> Image:
            message = image(frames[0])
            for name, value in fields.items():
                setattr(message, name, value)
            return message

        for message, words in (
            (spoiled(data=b"\0" * 100), ("100 bytes", "not a")),
            (spoiled(encoding="nonsense"), ("encoding 'nonsense'",)),
            (spoiled(width=0, height=0), ("not a 0x0",)),
            (spoiled(step=1), ("step 1",)),
            (Image(), ("encoding ''",)),
        ):
            pictures.send(message)
            heard.wait("pose", DiagnosticStatus.WARN, *words)
        assert len(pictures.one(image(frames[0], 1)).bodies) == 1

    @pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 500), (500, 1)], ids=str)
    def test_tiny_ones_do_no_harm(self, bench, clip, size):
        bench.started("pose", model="lite")
        pictures = Pictures(bench)
        assert not pictures.one(image(np.zeros((*size, 3), np.uint8))).bodies
        assert len(pictures.one(image(clip[0][0], 1)).bodies) == 1

    def test_stamps_that_go_back_or_stand_still_do_no_harm(self, bench, clip):
        bench.started("pose", model="lite")
        pictures = Pictures(bench)
        for number in (5, 5, 2, 0, 6, 10**6, 7):
            array = pictures.one(image(clip[0][0], number))
            assert stamp_to_ns(array.header.stamp) == START_NS + number * FRAME_NS
            assert len(array.bodies) == 1
            for landmark in array.bodies[0].landmarks:
                if landmark.state == msg.Landmark.STATE_OBSERVED:
                    assert math.isfinite(landmark.position.x + landmark.u)


class TestModels:
    @pytest.fixture
    def folder(self, tmp_path, models, monkeypatch):
        """A data folder of its own with the networks of the real one."""
        (tmp_path / "models").mkdir()
        for name in ("pose_detection", "pose_landmark_lite"):
            shutil.copy(models.location(name), tmp_path / "models" / f"{name}.onnx")
        monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
        return tmp_path / "models"

    @pytest.mark.parametrize("name", ["pose_detection", "pose_landmark_lite"])
    @pytest.mark.parametrize("damage", ["missing", "changed", "cut off"])
    def test_that_is_wrong_is_told_and_can_be_repaired(self, bench, folder, name, damage):
        file = folder / f"{name}.onnx"
        good = file.read_bytes()
        if damage == "missing":
            file.unlink()
        else:
            file.write_bytes(b"x" + good[1:] if damage == "changed" else good[: len(good) // 2])
        heard = bench.diagnostics()
        node = bench.node("pose", model="lite")
        assert not node.start()
        expected = "does not exist" if damage == "missing" else "expected"
        heard.wait("pose", DiagnosticStatus.ERROR, str(file), expected, "kinecue models fetch")
        assert bench.state("pose") == "unconfigured"
        file.write_bytes(good)
        assert node.start()
        heard.wait("pose", DiagnosticStatus.WARN, "no frames")

    def test_another_one_can_be_chosen_after_cleaning_up(self, bench, folder):
        node = bench.node("pose", model="heavy")
        assert not node.start()
        assert node.set_parameters([Parameter("model", value="lite")])[0].successful
        assert node.start()

    def test_provider_that_is_not_there_is_told_with_those_there_are(self, bench):
        heard = bench.diagnostics()
        assert not bench.node("pose", model="lite", provider="abacus").start()
        heard.wait("pose", DiagnosticStatus.ERROR, "abacus", "allowed: auto", "cpu")


class TestCalibrate:
    def ask(self, bench):
        return bench.call(srv.Calibrate, "calibrate", srv.Calibrate.Request())

    def test_measures_the_lifter_again(self, bench, clip):
        bench.started("pose", model="lite")
        pictures = Pictures(bench)
        pictures.one(image(clip[0][0]))
        answer = self.ask(bench)
        assert answer.success
        assert "stand still" in answer.message
        assert not pictures.one(image(clip[0][1], 1)).bodies[0].calibrated

    def test_of_a_node_that_is_not_active_says_so(self, bench):
        bench.node("pose", model="lite")
        answer = self.ask(bench)
        assert not answer.success
        assert "not active" in answer.message


def test_rate_and_latency_are_told(bench, clip):
    heard = bench.diagnostics()
    bench.started("pose", model="lite")
    pictures = Pictures(bench)
    until = time.monotonic() + 1.0
    number = 0
    while time.monotonic() < until:
        pictures.one(image(clip[0][number % 10], number))
        number += 1
    bench.wait(
        lambda: any(float(values(s)["rate [Hz]"]) > 1 for s in heard.of("pose") if "rate [Hz]" in values(s))
    )
    told = values(heard.of("pose")[-1])
    assert float(told["processing median [ms]"]) <= float(told["processing worst [ms]"])
    assert told["people"] == "1"
    assert told["provider"]
