"""Node `camera`: a device, a video, a folder of pictures or the simulated gym becomes frames."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path

from rclpy.lifecycle import LifecyclePublisher
from sensor_msgs.msg import CameraInfo, Image

from kinecue.body.errors import ConfigError
from kinecue.body.paths import data_dir
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import ERROR, OK, SENSOR_QOS, WARN, KineCueNode, run
from kinecue.nodes.gym_parameters import GYM_PARAMETERS, SIMULATED, gym_programme
from kinecue.nodes.images import from_bgr
from kinecue.nodes.parameters import ParameterSpec
from kinecue.nodes.simulated_camera import SimulatedCamera, Track
from kinecue.nodes.truth_topics import TruthTopics
from kinecue.perception.calibration import Intrinsics, load_intrinsics
from kinecue.perception.camera import V4l2Camera
from kinecue.perception.frames import CaptureMode, Frame, FrameSource
from kinecue.perception.grabber import FrameGrabber, GrabberState, LatestFrame
from kinecue.perception.recordings import ImageFolder, VideoFile

_INFO_PERIOD_NS = 1_000_000_000
FrameCallback = Callable[[Frame], None]


class CameraNode(KineCueNode):
    """Captures in a thread; the newest frame wins.

    Args:
        mailboxes: filled by reference, for consumers in the same process.
        on_frame: called with every frame that the node's own thread sees, in that thread.
    """

    PARAMETERS = (
        ParameterSpec("source", "device", "What to read.", choices=("device", "video", "folder", SIMULATED)),
        ParameterSpec("device", "/dev/video0", "V4L2 device: path or number."),
        ParameterSpec("path", "", "Video file or folder of pictures."),
        ParameterSpec(
            "real_time", True, "Recordings: pictures come when they are due; false = as fast as possible."
        ),
        ParameterSpec("loop", False, "Recordings: start again at the end."),
        ParameterSpec("lossless", False, "Recordings: wait for the pose node instead of skipping pictures."),
        ParameterSpec("width", 0, "Width to ask for [px]; 0 = the device's own.", low=0, high=16384),
        ParameterSpec("height", 0, "Height to ask for [px]; 0 = the device's own.", low=0, high=16384),
        ParameterSpec(
            "rate",
            0.0,
            "Rate to ask for, or of a folder [Hz]; 0 = the device's own, 30 for a folder.",
            low=0.0,
            high=1000.0,
        ),
        ParameterSpec("fourcc", "", "Pixel format to ask for, such as MJPG; empty = the device's own."),
        ParameterSpec("exposure", 0.0, "Exposure to ask for [s]; 0 = automatic.", low=0.0, high=10.0),
        ParameterSpec(
            "calibration_file", "", "Intrinsics as camera_calibration writes them; empty = not calibrated."
        ),
        ParameterSpec("frame_id", "camera_optical_frame", "Frame of the images."),
        ParameterSpec("publish_image", False, "Publish image_raw; without it no picture leaves the process."),
        *GYM_PARAMETERS,
    )

    def __init__(
        self, mailboxes: tuple[LatestFrame, ...] = (), on_frame: FrameCallback | None = None, **kwargs: object
    ) -> None:
        super().__init__("camera", **kwargs)
        self._consumers = mailboxes
        self._on_frame = on_frame
        self._own = LatestFrame()
        self._grabber: FrameGrabber | None = None
        self._intrinsics: Intrinsics | None = None
        self._worker: threading.Thread | None = None
        self._image: LifecyclePublisher | None = None
        self._gym: SimulatedCamera | None = None
        self._truth: TruthTopics | None = None
        self._info = self.create_lifecycle_publisher(CameraInfo, "camera_info", SENSOR_QOS)

    @property
    def grabber(self) -> FrameGrabber | None:
        """The capture thread, for programs that compose the node and want to know when a recording ends."""
        return self._grabber

    def configure(self) -> None:
        path = self.parameters["calibration_file"]
        self._intrinsics = load_intrinsics(Path(path)) if path else None
        self._gym = self._truth = None
        lossless = self.parameters["lossless"] and self.parameters["source"] != "device"
        # the node's own mailbox must never hold up the consumers
        self._grabber = FrameGrabber(self._source(), (*self._consumers, self._own), lossless)
        if self.parameters["publish_image"]:
            self._image = self.create_lifecycle_publisher(Image, "image_raw", SENSOR_QOS)

    def activate(self) -> None:
        if self._grabber is None:
            return
        self._grabber.start()
        self._worker = threading.Thread(target=self._forward, name="kinecue-camera", daemon=True)
        self._worker.start()
        statistics = self._grabber.statistics()
        if statistics.state == GrabberState.RECONNECTING:
            self.get_logger().error(f"{statistics.last_error}; trying again until it is there")
        for note in statistics.notes:
            self.get_logger().warning(f"{self._grabber.source.name}: {note}")

    def deactivate(self) -> None:
        if self._grabber is not None:
            self._grabber.stop()
        if self._worker is not None:
            self._worker.join(5.0)
        self._worker = None

    def cleanup(self) -> None:
        self._grabber = None
        if self._image is not None:
            self.destroy_lifecycle_publisher(self._image)
        self._image = None
        if self._truth is not None:
            self._truth.close()
        self._gym = self._truth = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        if self._grabber is None:
            return ERROR, "no source", {}
        s = self._grabber.statistics()
        values: dict[str, object] = {
            "source": self._grabber.source.name,
            "state": s.state.value,
            "measured rate [Hz]": s.rate,
            "frames": s.frames,
            "frames overwritten": s.dropped,
            "reconnections": s.reconnections,
            "notes": "; ".join(s.notes),
            "calibrated": self._intrinsics is not None,
        }
        if s.granted is not None:
            values["granted"] = (
                f"{s.granted.width}x{s.granted.height} at {s.granted.rate:g} Hz {s.granted.fourcc}"
            )
        if s.state in (GrabberState.RECONNECTING, GrabberState.FAILED):
            return ERROR, s.last_error, values
        if s.notes:
            return WARN, "; ".join(s.notes), values
        return OK, s.state.value, values

    def _source(self) -> FrameSource:
        p = self.parameters
        rate = p["rate"] or math.nan
        if p["source"] == "device":
            mode = CaptureMode(p["width"], p["height"], rate, p["fourcc"], p["exposure"] or math.nan)
            return V4l2Camera(p["device"], mode, clock=self.now_ns)
        if p["source"] == SIMULATED:
            return self._simulated()
        if not p["path"]:
            raise ConfigError("node camera", "parameter path", f"is empty, allowed: a {p['source']} to read")
        if p["source"] == "video":
            return VideoFile(p["path"], p["real_time"], p["loop"], clock=self.now_ns)
        return ImageFolder(p["path"], p["rate"] or 30.0, p["real_time"], p["loop"], clock=self.now_ns)

    def _simulated(self) -> FrameSource:
        p = self.parameters
        gym = SimulatedCamera(
            gym_programme(p),
            p["real_time"],
            p["loop"],
            data_dir() / "simulated" if p["simulated_prerender"] else None,
            clock=self.now_ns,
            on_start=self._begin_truth,
        )
        camera = gym.programme.cameras[0]
        if self._intrinsics is None:
            model = camera.model
            values = tuple(float(v) for v in model.matrix.ravel())
            self._intrinsics = Intrinsics(
                model.width, model.height, values, model.distortion, model.distortion_model
            )
        self._gym = gym
        self._truth = TruthTopics(self, gym.programme, p["simulated_base_frame"])
        return gym

    def _begin_truth(self, start_ns: int, track: Track) -> None:
        if self._truth is not None:
            self._truth.start(start_ns, track)

    def _publish_truth(self, frame: Frame) -> None:
        if self._gym is None or self._truth is None:
            return
        taken = self._gym.taken(frame.stamp_ns)
        if taken is not None:
            self._truth.publish(frame.stamp_ns, frame.index, taken)

    def _forward(self) -> None:
        last_info = -_INFO_PERIOD_NS
        while True:
            frame = self._own.take(0.2)
            if frame is None:
                if self._own.closed:
                    return
                continue
            try:
                if self._on_frame is not None:
                    self._on_frame(frame)
                self._publish_truth(frame)
                if self._image is not None or frame.stamp_ns - last_info >= _INFO_PERIOD_NS:
                    last_info = frame.stamp_ns
                    self._info.publish(self._camera_info(frame))
                if self._image is not None and self._image.get_subscription_count():
                    message = from_bgr(frame.image)
                    message.header = parts.header(frame.stamp_ns, self.parameters["frame_id"])
                    self._image.publish(message)
            except Exception as error:
                if self.active:
                    self.report_error(error)

    def _camera_info(self, frame: Frame) -> CameraInfo:
        """All zeros in K where the camera is not calibrated, as sensor_msgs wants it."""
        width, height = frame.size
        message = CameraInfo(
            header=parts.header(frame.stamp_ns, self.parameters["frame_id"]), width=width, height=height
        )
        known = self._intrinsics
        if known is not None and (known.width, known.height) == (width, height):
            message.distortion_model, message.d = known.distortion_model, list(known.distortion)
            message.k = known.matrix
            message.r = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
            fx, _, cx, _, fy, cy = known.matrix[:6]
            message.p = (fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0)
        return message


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(CameraNode, args)
