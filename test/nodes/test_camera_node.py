"""Node `camera`: sources, stamps, the newest frame, a camera that is unplugged, and pictures that stay inside."""

from __future__ import annotations

import itertools
import threading
import time

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import NODES, values, write_pictures
from perception_fakes import FakeLiveSource
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image

from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.camera import CameraNode
from kinecue.nodes.images import to_bgr
from kinecue.perception.grabber import GrabberState, LatestFrame

CALIBRATION = """\
image_width: 64
image_height: 48
camera_name: test
camera_matrix: {rows: 3, cols: 3, data: [60.0, 0.0, 31.5, 0.0, 61.0, 23.5, 0.0, 0.0, 1.0]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.05, 0.001, 0.002, 0.0]}
"""


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures")


def folder(path, **more):
    return {"source": "folder", "path": str(path), "rate": 50.0, **more}


class TestPictures:
    def test_are_published_with_stamps_of_the_folder_s_rate(self, bench, pictures):
        heard = bench.listen(Image, "image_raw")
        node = bench.node("camera", **folder(pictures, loop=True, publish_image=True))
        assert node.start()
        bench.wait(lambda: len(heard) >= 8)
        stamps = [stamp_to_ns(message.header.stamp) for message in heard]
        assert all((later - first) % 20_000_000 == 0 for first, later in itertools.pairwise(stamps))
        assert all(later > first for first, later in itertools.pairwise(stamps))
        assert {message.header.frame_id for message in heard} == {"camera_optical_frame"}
        levels = {int(to_bgr(message)[0, 0, 0]) for message in heard}
        assert levels == {0, 40, 80}

    def test_no_image_topic_unless_asked_for(self, bench, pictures):
        bench.started("camera", **folder(pictures, loop=True))
        bench.connected("camera_info")
        bench.spin(0.3)
        kinds = dict(bench.peer.get_topic_names_and_types())
        assert "/image_raw" not in kinds
        assert ["sensor_msgs/msg/Image"] not in kinds.values()

    def test_image_topic_comes_and_goes_with_the_parameter(self, bench, pictures):
        node = bench.started("camera", **folder(pictures, loop=True))
        node.trigger_deactivate()
        node.trigger_cleanup()
        assert node.set_parameters([Parameter("publish_image", value=True)])[0].successful
        assert node.start()
        bench.connected("image_raw")
        node.trigger_deactivate()
        node.trigger_cleanup()
        bench.wait(lambda: bench.peer.count_publishers("image_raw") == 0)

    def test_go_to_a_consumer_in_the_process_by_reference(self, bench, pictures):
        mailbox, seen = LatestFrame(), []
        node = bench.add(
            CameraNode(
                (mailbox,),
                seen.append,
                parameter_overrides=[
                    Parameter(k, value=v) for k, v in folder(pictures, loop=True, rate=20.0).items()
                ],
            )
        )
        assert node.start()
        taken = bench.wait(lambda: mailbox.take(0.0))
        same = bench.wait(lambda: next((f for f in seen if f.stamp_ns == taken.stamp_ns), None))
        assert same.image is taken.image
        assert not taken.image.flags.writeable

    def test_the_newest_wins(self, bench, pictures):
        mailbox = LatestFrame()
        node = bench.add(
            CameraNode(
                (mailbox,),
                parameter_overrides=[Parameter(k, value=v) for k, v in folder(pictures, loop=True).items()],
            )
        )
        assert node.start()
        bench.wait(lambda: node.grabber.statistics().frames >= 10)
        frame = mailbox.take(0.0)
        assert frame is not None
        assert frame.index >= 9
        assert mailbox.take(0.0) is None
        assert mailbox.dropped >= 9

    def test_wait_for_the_consumer_when_lossless(self, bench, tmp_path):
        path = write_pictures(tmp_path / "many", count=6)
        mailbox = LatestFrame()
        given = folder(path, real_time=False, lossless=True)
        node = bench.add(
            CameraNode((mailbox,), parameter_overrides=[Parameter(k, value=v) for k, v in given.items()])
        )
        assert node.start()
        indices = []
        while (frame := mailbox.take(1.0)) is not None:
            indices.append(frame.index)
            time.sleep(0.01)
        assert indices == list(range(6))

    def test_end_of_a_recording_is_told(self, bench, pictures):
        heard = bench.diagnostics()
        node = bench.started("camera", **folder(pictures, real_time=False))
        bench.wait(lambda: node.grabber.statistics().state is GrabberState.ENDED)
        status = heard.wait("camera", DiagnosticStatus.OK, "ended")
        assert values(status)["frames"] == "3"

    def test_start_again_after_the_end(self, bench, pictures):
        heard = bench.listen(Image, "image_raw")
        node = bench.started("camera", **folder(pictures, publish_image=True))
        bench.wait(lambda: node.grabber.statistics().state is GrabberState.ENDED)
        bench.spin(0.1)
        first = len(heard)
        node.trigger_deactivate()
        assert node.trigger_activate()
        bench.wait(lambda: len(heard) > first)


class TestCameraInfo:
    def test_comes_with_the_first_frame_and_is_all_zero_if_not_calibrated(self, bench, pictures):
        heard = bench.listen(CameraInfo, "camera_info")
        node = bench.node("camera", **folder(pictures, loop=True, publish_image=True))
        images = bench.listen(Image, "image_raw")
        bench.connected("camera_info")
        assert node.start()
        bench.wait(lambda: heard and images)
        assert not heard[0].k.any()
        assert (heard[0].width, heard[0].height) == (64, 48)
        # of the same frames, so that the two can be synchronised
        bench.wait(lambda: len(heard) >= 5 and len(images) >= 5)
        assert {str(m.header) for m in heard} & {str(m.header) for m in images}

    def test_is_there_at_once_although_pictures_are_not_published(self, bench, pictures):
        heard = bench.listen(CameraInfo, "camera_info")
        node = bench.node("camera", **folder(pictures, loop=True, rate=2.0))
        bench.connected("camera_info")
        assert node.start()
        # the first of two frames a second carries it; it is repeated once a second
        bench.wait(lambda: heard)
        first = node.grabber.statistics().frames
        assert first <= 2

    def test_holds_the_calibration(self, bench, pictures, tmp_path):
        file = tmp_path / "camera.yaml"
        file.write_text(CALIBRATION)
        heard = bench.listen(CameraInfo, "camera_info")
        node = bench.node("camera", **folder(pictures, loop=True, calibration_file=str(file)))
        bench.connected("camera_info")
        assert node.start()
        info = bench.wait(lambda: heard and heard[0])
        assert list(info.k) == [60.0, 0.0, 31.5, 0.0, 61.0, 23.5, 0.0, 0.0, 1.0]
        assert list(info.d) == [0.1, -0.05, 0.001, 0.002, 0.0]
        assert info.distortion_model == "plumb_bob"
        assert list(info.p) == [60.0, 0.0, 31.5, 0.0, 0.0, 61.0, 23.5, 0.0, 0.0, 0.0, 1.0, 0.0]


class TestLiveCamera:
    @pytest.fixture
    def camera(self, monkeypatch):
        source = FakeLiveSource()
        monkeypatch.setattr(CameraNode, "_source", lambda self: source)
        yield source
        source.plugged = False
        source.allowed.release(100)

    def give(self, source: FakeLiveSource, count: int) -> None:
        for _ in range(count):
            source.allowed.release()

    def test_unplugged_and_back_again_without_a_restart(self, bench, camera):
        heard = bench.diagnostics()
        node = bench.started("camera")
        self.give(camera, 3)
        bench.wait(lambda: node.grabber.statistics().frames == 3)
        camera.plugged = False
        self.give(camera, 1)
        heard.wait("camera", DiagnosticStatus.ERROR, "fake camera does not exist")
        camera.plugged = True
        bench.wait(lambda: node.grabber.statistics().state is GrabberState.RUNNING)
        self.give(camera, 2)
        bench.wait(lambda: node.grabber.statistics().frames == 5)
        status = heard.wait("camera", DiagnosticStatus.WARN)
        assert values(status)["reconnections"] == "1"
        assert bench.state("camera") == "active"

    def test_not_there_at_the_start_is_no_failure(self, bench, camera):
        camera.plugged = False
        heard = bench.diagnostics()
        node = bench.started("camera")
        heard.wait("camera", DiagnosticStatus.ERROR, "fake camera does not exist")
        camera.plugged = True
        self.give(camera, 1)
        bench.wait(lambda: node.grabber.statistics().frames == 1)

    def test_what_was_asked_for_and_not_granted_is_told(self, bench, camera):
        heard = bench.diagnostics()
        bench.started("camera")
        self.give(camera, 1)
        status = heard.wait("camera", DiagnosticStatus.WARN, "requested 200 fps and got 60")
        assert "60 Hz" in values(status)["granted"]

    def test_measured_rate_and_drops_are_told(self, bench, camera):
        heard = bench.diagnostics()
        bench.started("camera")
        feeder = threading.Thread(
            target=lambda: [(self.give(camera, 1), time.sleep(0.02)) for _ in range(90)]
        )
        feeder.start()
        bench.wait(lambda: any(float(values(s).get("measured rate [Hz]", 0)) > 5 for s in heard.of("camera")))
        feeder.join()
        assert {"frames", "frames overwritten", "state"} <= set(values(heard.of("camera")[-1]))


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"source": "video", "path": ""}, ("parameter path", "empty")),
            ({"source": "video", "path": "/none/clip.mp4"}, ("/none/clip.mp4", "no such file")),
            ({"source": "folder", "path": "/none"}, ("/none", "no such folder")),
            ({"source": "folder", "path": "."}, ("no pictures",)),
            ({"calibration_file": "/none/camera.yaml"}, ("/none/camera.yaml",)),
            ({"fourcc": "MJPEG"}, ("four letters", "MJPEG")),
        ],
        ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
    )
    def test_is_told_and_the_node_lives(self, bench, tmp_path, monkeypatch, given, words):
        monkeypatch.chdir(tmp_path)
        heard = bench.diagnostics()
        node = bench.node("camera", **given)
        assert not node.start()
        heard.wait("camera", DiagnosticStatus.ERROR, *words)
        assert bench.state("camera") in ("unconfigured", "inactive")

    def test_device_that_is_not_there_is_named(self, bench):
        heard = bench.diagnostics()
        bench.started("camera", device="/dev/video_none")
        heard.wait("camera", DiagnosticStatus.ERROR, "/dev/video_none", "does not exist")

    def test_damaged_video_is_told_and_can_be_repaired(self, bench, tmp_path):
        clip = tmp_path / "clip.mp4"
        clip.write_bytes(b"\0" * 5000)
        heard = bench.diagnostics()
        node = bench.node("camera", source="video", path=str(clip))
        assert not node.start()
        heard.wait("camera", DiagnosticStatus.ERROR, "clip.mp4", "damaged")
        writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"mp4v"), 30.0, (64, 48))
        for level in range(20):
            writer.write(np.full((48, 64, 3), 10 * level, np.uint8))
        writer.release()
        assert node.trigger_activate()
        bench.wait(lambda: node.grabber.statistics().frames > 0)
        heard.wait("camera", DiagnosticStatus.OK)

    def test_path_can_be_changed_after_cleaning_up(self, bench, pictures):
        node = bench.node("camera", **folder("/none"))
        assert not node.start()
        node.trigger_cleanup()
        assert node.set_parameters([Parameter("path", value=str(pictures))])[0].successful
        assert node.start()

    def test_failing_consumer_does_not_end_the_camera(self, bench, pictures):
        def consume(frame):
            raise RuntimeError("cannot draw")

        heard = bench.diagnostics()
        given = folder(pictures, loop=True)
        node = bench.add(
            NODES["camera"](
                (), consume, parameter_overrides=[Parameter(k, value=v) for k, v in given.items()]
            )
        )
        assert node.start()
        heard.wait("camera", DiagnosticStatus.WARN, "cannot draw")
        before = node.grabber.statistics().frames
        bench.wait(lambda: node.grabber.statistics().frames > before)
