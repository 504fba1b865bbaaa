"""Node `pose`: pictures become bodies."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

from sensor_msgs.msg import CameraInfo, Image

from kinecue.body import CameraModel
from kinecue.body.paths import data_dir
from kinecue.nodes import conversions as convert
from kinecue.nodes.base import OK, SENSOR_QOS, WARN, KineCueNode, RateMeter, run, stamp_to_ns
from kinecue.nodes.images import to_bgr
from kinecue.nodes.parameters import ParameterSpec
from kinecue.nodes.people import PeoplePublisher
from kinecue.nodes.transforms import TransformPublisher
from kinecue.perception.blazepose import VARIANTS, BlazePose
from kinecue.perception.estimator import BodyEstimator
from kinecue.perception.frames import Frame
from kinecue.perception.grabber import LatestFrame
from kinecue.perception.models import ModelStore
from kinecue_msgs import msg, srv

_IDLE_S = 0.2


class PoseNode(KineCueNode):
    """Takes the newest frame, by reference where the camera is in the same process, and publishes the bodies in it.

    Args:
        frames: mailbox that a camera in the same process fills; None = subscribe to image_raw.
    """

    PARAMETERS = (
        ParameterSpec("model", "full", "BlazePose landmark network.", choices=tuple(VARIANTS)),
        ParameterSpec(
            "provider", "auto", "onnxruntime execution provider: auto, or a name such as cpu or cuda."
        ),
        ParameterSpec(
            "threads", 1, "Threads of the network; 1 is fastest on a busy machine.", low=1, high=64
        ),
        ParameterSpec(
            "base_frame", "machine_base_link", "Frame of the bodies: floor under the camera, x ahead."
        ),
        ParameterSpec("camera_height", 0.0, "Camera over the floor [m]; 0 = not known.", low=0.0, high=10.0),
        ParameterSpec(
            "camera_tilt_deg", 0.0, "Camera tilt, positive looks down [degrees].", low=-60.0, high=60.0
        ),
        ParameterSpec(
            "horizontal_fov_deg",
            62.0,
            "Field of view along the longer side, used without camera_info.",
            low=20.0,
            high=150.0,
        ),
    )

    def __init__(self, frames: LatestFrame | None = None, **kwargs: object) -> None:
        super().__init__("pose", **kwargs)
        self._own_mailbox = frames is None
        self._frames = frames if frames is not None else LatestFrame()
        self._estimator: BodyEstimator | None = None
        self._network: BlazePose | None = None
        self._info: CameraInfo | None = None
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._stop = threading.Event()
        self._busy = threading.Event()
        self._meter = RateMeter()
        self._latency_ms: deque[float] = deque(maxlen=1000)
        self._people = 0
        self._published_camera: CameraModel | None = None
        self._bodies = self.create_lifecycle_publisher(msg.BodyArray, "bodies", SENSOR_QOS)
        if self._own_mailbox:
            self.create_subscription(Image, "image_raw", self.guarded(self._on_image), SENSOR_QOS)
        self.create_subscription(CameraInfo, "camera_info", self.guarded(self._on_info), SENSOR_QOS)
        self.create_service(srv.Calibrate, "calibrate", self.guarded_service(self._calibrate))
        self._transforms = TransformPublisher(self, self.parameters["base_frame"])
        self._rep155 = PeoplePublisher(self)

    @property
    def idle(self) -> bool:
        """Nothing is being worked on and nothing waits."""
        return not self._busy.is_set() and not self._frames.pending

    @property
    def processing_ms(self) -> list[float]:
        """Time from taking each of the last frames to publishing its bodies, ms."""
        return list(self._latency_ms)

    def configure(self) -> None:
        store = ModelStore(data_dir() / "models")
        parameters = self.parameters
        self._transforms.base_frame = parameters["base_frame"]
        self._published_camera = None
        self._network = BlazePose(store, parameters["model"], parameters["provider"], parameters["threads"])
        self._estimator = BodyEstimator(self._network, self._camera)
        self.get_logger().info(f"BlazePose {parameters['model']} on {self._network.provider}")

    def activate(self) -> None:
        self._stop.clear()
        self._worker = threading.Thread(target=self._work, name="kinecue-pose", daemon=True)
        self._worker.start()

    def deactivate(self) -> None:
        self._stop.set()
        if self._worker is not None:
            self._worker.join(5.0)
        self._worker = None

    def cleanup(self) -> None:
        self._estimator = self._network = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        rate = self._meter.read()
        latency = sorted(self._latency_ms)
        camera = self._estimator.camera if self._estimator else None
        values: dict[str, object] = {
            "rate [Hz]": rate,
            "processing median [ms]": latency[len(latency) // 2] if latency else math.nan,
            "processing worst [ms]": latency[-1] if latency else math.nan,
            "frames overwritten": self._frames.dropped,
            "people": self._people,
            "model": self.parameters["model"],
            "provider": self._network.provider if self._network else "",
            "intrinsics": "estimated" if camera is None or camera.intrinsics_estimated else "calibrated",
            "mount": "estimated" if camera is None or camera.mount_estimated else "given",
        }
        if self.active and rate == 0.0:
            return WARN, "no frames", values
        if camera is not None and camera.intrinsics_estimated:
            return OK, "running; camera intrinsics are estimated", values
        return OK, "running", values

    def _camera(self, width: int, height: int) -> CameraModel:
        p = self.parameters
        known = p["camera_height"] > 0
        guess = CameraModel.estimate(
            width,
            height,
            math.radians(p["horizontal_fov_deg"]),
            p["camera_height"] if known else 1.0,
            math.radians(p["camera_tilt_deg"]),
            mount_estimated=not known,
        )
        info = self._info
        if info is None or info.k[0] <= 0 or (info.width, info.height) != (width, height):
            return guess
        distortion = (
            tuple(info.d[:5]) if info.distortion_model == "plumb_bob" and len(info.d) >= 5 else (0.0,) * 5
        )
        return CameraModel(
            width,
            height,
            info.k[0],
            info.k[4],
            info.k[2],
            info.k[5],
            distortion,
            guess.mount_height,
            guess.tilt,
            mount_estimated=not known,
        )

    def _on_info(self, message: CameraInfo) -> None:
        known = self._info
        same = known is not None and (known.width, known.height, *known.k, *known.d) == (
            message.width,
            message.height,
            *message.k,
            *message.d,
        )
        if same:
            return
        if message.k[0] != 0:
            _check_info(message)
        self._info = message
        if self._estimator is not None and message.k[0] > 0:
            with self._lock:
                self._estimator.set_camera(self._camera)

    def _on_image(self, message: Image) -> None:
        self._frames.put(Frame(to_bgr(message), stamp_to_ns(message.header.stamp), 0, "image_raw"))

    def _calibrate(
        self, request: srv.Calibrate.Request, response: srv.Calibrate.Response
    ) -> srv.Calibrate.Response:
        if self._estimator is None or not self.active:
            response.message = "the pose node is not active"
            return response
        with self._lock:
            self._estimator.recalibrate()
        response.success = True
        response.message = (
            "measuring: stand still, facing or sideways to the camera, arms slightly away from the body"
        )
        return response

    def _work(self) -> None:
        while not self._stop.is_set():
            frame = self._frames.take(_IDLE_S)
            if frame is None:
                # a closed mailbox answers at once
                self._stop.wait(0.02 if self._frames.closed else 0.0)
                continue
            self._busy.set()
            try:
                self._process(frame)
            except Exception as error:
                if not self._stop.is_set():
                    self.report_error(error)
            finally:
                self._busy.clear()

    def _process(self, frame: Frame) -> None:
        estimator = self._estimator
        if estimator is None:
            return
        begun = time.monotonic()
        with self._lock:
            bodies = estimator.process(frame.image, frame.stamp_ns)
        message = msg.BodyArray(header=convert.header(frame.stamp_ns, self.parameters["base_frame"]))
        message.frame_index = frame.index
        message.bodies = [
            convert.body_to_msg(body, message.header.frame_id, active=i == 0) for i, body in enumerate(bodies)
        ]
        elapsed = (time.monotonic() - begun) * 1e3
        message.processing_ms = elapsed
        self._bodies.publish(message)
        self._latency_ms.append(elapsed)
        self._people = len(bodies)
        self._meter.tick()
        if estimator.camera is not None and estimator.camera is not self._published_camera:
            self._published_camera = estimator.camera
            self._transforms.camera(estimator.camera, frame.stamp_ns)
        self._transforms.bodies(bodies)
        self._rep155.publish(bodies, frame.stamp_ns)


def _check_info(message: CameraInfo) -> None:
    """Raises MessageError for intrinsics that cannot be used; those known before stay in use."""
    fx, fy = message.k[0], message.k[4]
    if not (fx > 0 and fy > 0 and all(math.isfinite(value) for value in (*message.k, *message.d))):
        raise convert.MessageError(
            f"CameraInfo.k and d are {list(message.k)} and {list(message.d)}, allowed: finite, fx and fy over 0"
        )
    if any(message.d) and (message.distortion_model != "plumb_bob" or len(message.d) < 5):
        raise convert.MessageError(
            f"CameraInfo.distortion_model is {message.distortion_model!r} with {len(message.d)} coefficients, "
            "allowed: plumb_bob with 5"
        )


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(PoseNode, args)
