"""Node `pose`: pictures become bodies."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import replace

from sensor_msgs.msg import CameraInfo, Image

from kinecue.body import CameraModel
from kinecue.body.lens import Distortion
from kinecue.body.paths import data_dir
from kinecue.body.person import MeasuredMount, Person, load_person
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import OK, SENSOR_QOS, WARN, KineCueNode, RateMeter, run, stamp_to_ns
from kinecue.nodes.body_shape import BodyShapePublisher
from kinecue.nodes.images import to_bgr
from kinecue.nodes.parameters import ParameterSpec
from kinecue.nodes.people import PeoplePublisher
from kinecue.nodes.person_calibration import PersonCalibration
from kinecue.nodes.transforms import TransformPublisher
from kinecue.perception.adapters import open_pose_network
from kinecue.perception.blazepose import VARIANTS, PoseNetwork
from kinecue.perception.body_fitter import FitterSettings
from kinecue.perception.depth_image import DepthHistory, DepthSensor
from kinecue.perception.estimator import BodyEstimator
from kinecue.perception.frames import Frame
from kinecue.perception.grabber import LatestFrame
from kinecue.perception.lifter import AUTOMATIC, ChoiceSettings, LifterError
from kinecue.perception.models import ModelStore
from kinecue.perception.zones import FORMS, Zone
from kinecue_msgs import msg, srv

_IDLE_S = 0.2


class PoseNode(KineCueNode):
    """Takes the newest frame, by reference where the camera is in the same process, and publishes the bodies in it.

    Args:
        frames: mailbox that a camera in the same process fills; None = subscribe to image_raw.
    """

    PARAMETERS = (
        ParameterSpec(
            "model",
            "full",
            f"BlazePose network ({', '.join(VARIANTS)}) or PATH.yaml[#NAME], a manifest of a network of your own.",
        ),
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
        ParameterSpec("exercise", "", "Exercise until the scoring node tells another; empty = standing."),
        ParameterSpec("person", "", "Id of a stored person to fit with; empty = measured anew."),
        ParameterSpec(
            "max_people",
            2,
            "People followed at once; each costs one run of the network a frame, 1 never looks for others.",
            low=1,
            high=10,
        ),
        ParameterSpec("lifter_zone", "", f"Where the lifter is, in the base frame or the picture: {FORMS}."),
        ParameterSpec(
            "lifter_gone_s",
            3.0,
            "A lifter who is not seen stays the lifter for so long [s].",
            low=0.0,
            high=600.0,
        ),
        ParameterSpec(
            "lifter_selected_gone_s",
            10.0,
            "The same for one selected by hand; then the choice is automatic again [s].",
            low=0.0,
            high=600.0,
        ),
        ParameterSpec(
            "publish_people",
            True,
            "Publish TF and REP-155 topics; false for the views of a fusion node, which does it for all.",
        ),
        ParameterSpec("depth", False, "Use depth/image_raw, registered to image_raw: 16UC1 mm or 32FC1 m."),
        ParameterSpec(
            "depth_longest_ms",
            20.0,
            "Depth images farther from the picture in time are not used.",
            low=0.0,
            high=100.0,
        ),
        ParameterSpec(
            "depth_noise", 0.0025, "Standard deviation of depth over its square [1/m].", low=0.0, high=0.1
        ),
    )

    def __init__(self, frames: LatestFrame | None = None, **kwargs: object) -> None:
        super().__init__("pose", **kwargs)
        self._own_mailbox = frames is None
        self._frames = frames if frames is not None else LatestFrame()
        self._estimator: BodyEstimator | None = None
        self._network: PoseNetwork | None = None
        self._info: CameraInfo | None = None
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._stop = threading.Event()
        self._busy = threading.Event()
        self._meter = RateMeter()
        self._latency_ms: deque[float] = deque(maxlen=1000)
        self._people = 0
        self._published_camera: CameraModel | None = None
        self._mount: MeasuredMount | None = None
        self._depths = DepthHistory()
        self._depth_used = self._depth_missed = 0
        self._bodies = self.create_lifecycle_publisher(msg.BodyArray, "bodies", SENSOR_QOS)
        self._landmarks = self.create_lifecycle_publisher(msg.LandmarkArray, "landmarks", SENSOR_QOS)
        if self._own_mailbox:
            self.create_subscription(Image, "image_raw", self.guarded(self._on_image), SENSOR_QOS)
        if self.parameters["depth"]:
            self.create_subscription(Image, "depth/image_raw", self.guarded(self._on_depth), SENSOR_QOS)
        self.create_subscription(CameraInfo, "camera_info", self.guarded(self._on_info), SENSOR_QOS)
        self.create_subscription(msg.FormState, "form", self.guarded(self._on_form), SENSOR_QOS)
        self._people_measures = PersonCalibration(self, self._measured, self.report_error)
        self._shape = BodyShapePublisher(self, self.parameters["base_frame"], self.report_error)
        self.create_service(srv.Calibrate, "calibrate", self.guarded_service(self._calibrate))
        self.create_service(srv.SelectLifter, "select_lifter", self.guarded_service(self._select_lifter))
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
        person = load_person(parameters["person"]) if parameters["person"] else None
        self._mount = person.mount if person else None
        if person is not None:
            self._shape.begin(person, stored=True)
        self._depths = DepthHistory(nearest_s=parameters["depth_longest_ms"] / 1e3)
        choice = ChoiceSettings(
            zone=Zone.parse(parameters["lifter_zone"]),
            gone_s=parameters["lifter_gone_s"],
            chosen_gone_s=parameters["lifter_selected_gone_s"],
        )
        self._network = open_pose_network(
            store,
            parameters["model"],
            parameters["provider"],
            parameters["threads"],
            parameters["max_people"],
        )
        settings = FitterSettings(person=person, posture=parameters["exercise"] or "standing")
        self._estimator = BodyEstimator(self._network, self._camera, settings, choice)
        self.get_logger().info(f"{parameters['model']} on {self._network.provider}")

    def activate(self) -> None:
        self._stop.clear()
        self._worker = threading.Thread(target=self._work, name="kinecue-pose", daemon=True)
        self._worker.start()

    def deactivate(self) -> None:
        self._stop.set()
        if self._worker is not None:
            self._worker.join(5.0)
        self._worker = None
        self._shape.cancel()

    def cleanup(self) -> None:
        self._estimator = self._network = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        rate = self._meter.read()
        latency = sorted(self._latency_ms)
        camera = self._estimator.camera if self._estimator else None
        lifter = self._estimator.lifter if self._estimator else None
        values: dict[str, object] = {
            "rate [Hz]": rate,
            "processing median [ms]": latency[len(latency) // 2] if latency else math.nan,
            "processing worst [ms]": latency[-1] if latency else math.nan,
            "frames overwritten": self._frames.dropped,
            "people": self._people,
            "lifter": lifter.lifter or "" if lifter else "",
            "lifter selected": "by hand" if lifter and lifter.chosen else "automatically",
            "frames with depth": self._depth_used,
            "frames without depth": self._depth_missed,
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

    def _camera(self, width: int, height_px: int) -> CameraModel:
        p = self.parameters
        known = p["camera_height"] > 0
        height, tilt, roll = p["camera_height"] if known else 1.0, math.radians(p["camera_tilt_deg"]), 0.0
        if not known and self._mount is not None:
            # measured with a person: better than a guess, and still one
            height, tilt, roll = self._mount.height, self._mount.tilt, self._mount.roll
        guess = CameraModel.estimate(
            width, height_px, math.radians(p["horizontal_fov_deg"]), height, tilt, mount_estimated=not known
        )
        guess = replace(guess, roll=roll)
        info = self._info
        if info is None or info.k[0] <= 0 or (info.width, info.height) != (width, height_px):
            return guess
        lens = Distortion.of(info.distortion_model, info.d)
        return replace(
            guess,
            fx=info.k[0],
            fy=info.k[4],
            cx=info.k[2],
            cy=info.k[5],
            distortion=lens.coefficients,
            distortion_model=lens.model,
            intrinsics_estimated=False,
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

    def _on_form(self, message: msg.FormState) -> None:
        """The scoring node says which exercise is on."""
        estimator = self._estimator
        if estimator is not None and message.exercise:
            with self._lock:
                estimator.set_posture(message.exercise)

    def _on_depth(self, message: Image) -> None:
        image = convert.depth_from_msg(message)
        camera = self._estimator.camera if self._estimator else None
        if camera is not None:
            # told once here, rather than failing with every picture
            image.scale(camera.width, camera.height)
            self._depths.put(image)

    def _on_image(self, message: Image) -> None:
        self._frames.put(Frame(to_bgr(message), stamp_to_ns(message.header.stamp), 0, "image_raw"))

    def _calibrate(
        self, request: srv.Calibrate.Request, response: srv.Calibrate.Response
    ) -> srv.Calibrate.Response:
        estimator = self._estimator
        if estimator is None or not self.active or estimator.camera is None:
            response.message = "the pose node is not active, or has seen no picture yet"
            return response
        response.success, response.message = self._people_measures.begin(request, estimator.camera)
        return response

    def _measured(self, person: Person, camera: CameraModel | None, stored: bool) -> None:
        """A person was measured or loaded, with the camera as it was found."""
        estimator = self._estimator
        if estimator is None:
            return
        with self._lock:
            if person.mount is not None and self.parameters["camera_height"] <= 0:
                self._mount = person.mount
                estimator.set_camera(self._camera)
            estimator.set_person(person)
        self._shape.begin(person, stored)

    def _select_lifter(
        self, request: srv.SelectLifter.Request, response: srv.SelectLifter.Response
    ) -> srv.SelectLifter.Response:
        estimator = self._estimator
        if estimator is None or not self.active:
            response.message = "the pose node is not active"
            return response
        with self._lock:
            choice = estimator.lifter
            try:
                choice.select(request.id)
                response.success = True
                response.message = (
                    "chosen automatically" if request.id in ("", AUTOMATIC) else f"{request.id} is the lifter"
                )
            except LifterError as error:
                response.message = str(error)
            response.lifter = choice.lifter or ""
            response.available = choice.known
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
        depth = self._depths.at(frame.stamp_ns) if self.parameters["depth"] else None
        self._depth_used += depth is not None
        self._depth_missed += depth is None
        sensor = DepthSensor(quadratic=self.parameters["depth_noise"]) if depth is not None else None
        with self._lock:
            if self._network is not None:
                self._network.want_mask(self._shape.wants_mask)
            bodies = estimator.process(frame.image, frame.stamp_ns, depth, sensor)
            active, people = estimator.active, estimator.people
            lifter, camera = estimator.lifter_landmarks, estimator.lifter_camera
        message = msg.BodyArray(header=parts.header(frame.stamp_ns, self.parameters["base_frame"]))
        message.frame_index = frame.index
        message.bodies = [
            convert.body_to_msg(body, message.header.frame_id, active=body.id == active) for body in bodies
        ]
        elapsed = (time.monotonic() - begun) * 1e3
        message.processing_ms = elapsed
        self._bodies.publish(message)
        # whoever fuses views needs what was seen, not what was made of it
        if estimator.camera is not None and self._landmarks.get_subscription_count() > 0:
            self._landmarks.publish(
                convert.landmarks_to_msg(
                    people,
                    estimator.camera,
                    frame.stamp_ns,
                    message.header.frame_id,
                    lifter.identity if lifter else None,
                )
            )
        self._people_measures.update(lifter, frame.stamp_ns)
        self._shape.update(
            lifter, next((body for body in bodies if body.id == active), None), camera, frame.stamp_ns
        )
        self._latency_ms.append(elapsed)
        self._people = len(bodies)
        self._meter.tick()
        if not self.parameters["publish_people"]:
            return
        if estimator.camera is not None and estimator.camera is not self._published_camera:
            self._published_camera = estimator.camera
            self._transforms.camera(estimator.camera, frame.stamp_ns)
        self._transforms.bodies(bodies)
        self._rep155.publish(bodies, frame.stamp_ns)


def _check_info(message: CameraInfo) -> None:
    """Raises MessageError for intrinsics that cannot be used; those known before stay in use."""
    fx, fy = message.k[0], message.k[4]
    if not (fx > 0 and fy > 0 and all(math.isfinite(value) for value in (*message.k, *message.d))):
        raise parts.MessageError(
            f"CameraInfo.k and d are {list(message.k)} and {list(message.d)}, allowed: finite, fx and fy over 0"
        )
    try:
        Distortion.of(message.distortion_model, message.d)
    except ValueError as error:
        raise parts.MessageError(f"CameraInfo.{error}") from error


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(PoseNode, args)
