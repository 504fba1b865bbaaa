"""Node `fusion`: what several cameras see of people becomes one body each."""

from __future__ import annotations

import math
import re
import threading
import time
import weakref
from collections import deque
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from rclpy.qos import QoSProfile

from kinecue.body import CameraModel
from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.paths import data_dir
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import LATCHED_QOS, OK, SENSOR_QOS, WARN, KineCueNode, RateMeter, run, stamp_to_ns
from kinecue.nodes.parameters import ParameterSpec
from kinecue.nodes.people import PeoplePublisher
from kinecue.nodes.static_frames import StaticFrames
from kinecue.nodes.transforms import TFMessage, TransformPublisher
from kinecue.perception.body_fitter import BodyFitter
from kinecue.perception.estimator import identity_name
from kinecue.perception.fusion import FusedFrame, FusionSettings, ViewFusion
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.rig import Rig, load_rig, save_rig
from kinecue.perception.view_calibration import calibrate_views
from kinecue.perception.view_clock import ClockAligner
from kinecue_msgs import msg, srv

_VIEW = re.compile(r"[A-Za-z][A-Za-z0-9_/]*")
_STATIC_QOS = QoSProfile(depth=100, reliability=LATCHED_QOS.reliability, durability=LATCHED_QOS.durability)
"""Every broadcaster latches transforms of its own."""
_POLL_S = 0.004
_LONGEST_RECORDING_S = 60.0
_DEFAULT_RECORDING_S = 15.0
_LEVEL = math.radians(2.0)
"""Base frames whose z axes differ by more than this do not share a floor."""


class FusionNode(KineCueNode):
    """Takes the landmarks of each view's pose node and publishes the bodies of all together.

    Where the cameras stand comes from the file `rig_file` (written by the service `calibrate_views`, or by hand), else from
    /tf_static between the views' base frames.
    """

    PARAMETERS = (
        ParameterSpec(
            "views",
            "front,side",
            "Namespaces of the pose nodes, separated by commas; the first one's base frame and clock are used.",
        ),
        ParameterSpec("rig_file", "", "Where the cameras stand (docs/cameras.md); empty = from /tf_static."),
        ParameterSpec(
            "base_frame", "machine_base_link", "Frame of the bodies: floor under the first camera."
        ),
        ParameterSpec(
            "longest_wait_ms",
            20.0,
            "How long a picture waits for those of the other views.",
            low=0.0,
            high=200.0,
        ),
        ParameterSpec(
            "stale_ms", 500.0, "A view not heard of for so long is left out.", low=50.0, high=10000.0
        ),
        ParameterSpec(
            "align_clocks", True, "Find and take off constant differences between the cameras' clocks."
        ),
        ParameterSpec(
            "stature", 0.0, "Of the person who calibrates the views [m]; 0 = not known.", low=0.0, high=2.5
        ),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("fusion", **kwargs)
        self._views: tuple[str, ...] = ()
        self._heard: list[object] = []
        self._frames = StaticFrames()
        self._reset()
        self._bodies = self.create_lifecycle_publisher(msg.BodyArray, "bodies", SENSOR_QOS)
        self.create_subscription(msg.SetSummary, "set", self.guarded(self._on_set, latched=True), LATCHED_QOS)
        if TFMessage is not None:
            self.create_subscription(TFMessage, "/tf_static", self._frames.hear, _STATIC_QOS)
        self.create_service(srv.Calibrate, "calibrate", self.guarded_service(self._calibrate))
        self.create_service(srv.Calibrate, "calibrate_views", self.guarded_service(self._calibrate_views))
        self._transforms = TransformPublisher(self, self.parameters["base_frame"])
        self._rep155 = PeoplePublisher(self)
        self._timer = self.create_timer(_POLL_S, self.guarded_timer(self._poll))

    def _reset(self) -> None:
        self._rig: Rig | None = None
        self._problems: dict[str, str] = {}
        self._geometry: dict[str, tuple[CameraModel, str]] = {}
        self._cameras: dict[str, CameraModel] = {}
        self._fusion: ViewFusion | None = None
        self._clocks: ClockAligner | None = None
        self._fitters: weakref.WeakSet[BodyFitter] = weakref.WeakSet()
        self._active: dict[str, int] = {}
        self._exercise = ""
        self._recording: dict[str, list[Landmarks2D]] | None = None
        self._recorded_until = 0.0
        self._worker: threading.Thread | None = None
        self._outcome: tuple[Rig | None, str] | None = None
        self._told = ""
        self._meter = RateMeter()
        self._waited_ms: deque[float] = deque(maxlen=300)
        self._fit_ms: deque[float] = deque(maxlen=300)
        self._fused = [0, 0]
        self._people = 0

    # -- lifecycle

    def configure(self) -> None:
        self._reset()
        self._transforms.base_frame = self.parameters["base_frame"]
        names = tuple(name.strip().strip("/") for name in self.parameters["views"].split(",") if name.strip())
        bad = [name for name in names if not _VIEW.fullmatch(name)]
        if bad or len(names) < 2 or len(set(names)) < len(names):
            raise ConfigError(
                f"node {self.get_fully_qualified_name()}",
                "parameter views",
                f"is {self.parameters['views']!r}, allowed: two or more different namespaces, separated by commas",
            )
        self._views = names
        path = self._rig_path()
        if self.parameters["rig_file"] and path.exists():
            self._use(load_rig(path), str(path))
        self._clocks = ClockAligner(names, self.parameters["align_clocks"])
        self._heard = [
            self.create_subscription(
                msg.LandmarkArray,
                f"{name}/landmarks",
                self.guarded(lambda message, name=name: self._on_landmarks(name, message)),
                SENSOR_QOS,
            )
            for name in names
        ]

    def activate(self) -> None:
        self._build()

    def deactivate(self) -> None:
        self._fusion = None
        if self._worker is not None:
            self._worker.join(30.0)
        self._worker = self._recording = None

    def cleanup(self) -> None:
        for subscription in self._heard:
            self.destroy_subscription(subscription)
        self._heard = []

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        rate, now = self._meter.read(), time.monotonic()
        values: dict[str, object] = {
            "rate [Hz]": rate,
            "people": self._people,
            "from two views or more [%]": 100.0 * self._fused[1] / max(self._fused[0], 1),
            "waited worst [ms]": max(self._waited_ms, default=math.nan),
            "fit median [ms]": float(np.median(self._fit_ms)) if self._fit_ms else math.nan,
            "rig": self.parameters["rig_file"] or "/tf_static",
        }
        words = [f"{name}: {text}" for name, text in self._problems.items()]
        status = self._fusion.status(now) if self._fusion else {}
        for name, view in status.items():
            values[f"{name}: live"] = view.live
            values[f"{name}: frames"] = view.frames
            values[f"{name}: frames out of order"] = view.late
            values[f"{name}: bodies it had a part in"] = view.used
            if not view.live:
                words.append(f"view {name} is silent")
        for name, clock in (self._clocks.states if self._clocks else {}).items():
            values[f"{name}: clock ahead [ms]"] = 1e3 * clock.offset_s
            values[f"{name}: clock std [ms]"] = 1e3 * clock.std_s
            if clock.problem:
                values[f"{name}: clock"] = clock.problem
        if self._recording is not None:
            words.append("recording for the calibration of the views")
        if self._told:
            values["calibration"] = self._told
        if not self.active:
            return OK, "not active", values
        silent = [name for name in self._views if name not in self._geometry]
        words += [
            f"view {name} was never heard: {self.resolve_topic_name(f'{name}/landmarks')}" for name in silent
        ]
        return (WARN, "; ".join(words), values) if words else (OK, "running", values)

    # -- where the cameras stand

    def _rig_path(self) -> Path:
        given = self.parameters["rig_file"]
        return Path(given).expanduser() if given else data_dir() / "rig.yaml"

    def _use(self, rig: Rig, source: str) -> None:
        missing = [name for name in self._views if name not in rig.cameras]
        if missing:
            raise ConfigError(
                source, f"cameras.{missing[0]}", f"is missing, allowed: all of {', '.join(self._views)}"
            )
        first = next(iter(rig.cameras))
        if first != self._views[0]:
            raise ConfigError(
                source, "cameras", f"begins with {first}, allowed: {self._views[0]} (the first of views)"
            )
        self._rig = rig

    def _place(self) -> dict[str, CameraModel]:
        """Cameras whose place is known, in the base frame of the first; what is wrong with the others is told."""
        self._problems = {}
        found: dict[str, CameraModel] = {}
        for name in self._views:
            heard = self._geometry.get(name)
            if heard is None:
                continue
            camera, frame = heard
            try:
                found[name] = (
                    self._from_rig(name, camera) if self._rig else self._from_tf(name, camera, frame)
                )
            except KineCueError as error:
                self._problems[f"view {name}"] = str(error)
        # without the first camera nobody knows where the others are
        return found if self._views and self._views[0] in found else {}

    def _from_rig(self, name: str, camera: CameraModel) -> CameraModel:
        known = self._rig.cameras[name] if self._rig else camera
        if (known.width, known.height) != (camera.width, camera.height):
            raise KineCueError(
                f"its images are {camera.width}x{camera.height}, calibrated were {known.width}x{known.height}"
            )
        if not camera.intrinsics_estimated and abs(known.fx / camera.fx - 1.0) > 0.02:
            raise KineCueError(f"its focal length is {camera.fx:.0f} px, calibrated was {known.fx:.0f} px")
        return known

    def _from_tf(self, name: str, camera: CameraModel, frame: str) -> CameraModel:
        if camera.mount_estimated:
            raise KineCueError(
                "its mount is not known: set camera_height of its pose node, or a rig_file here"
            )
        if name == self._views[0]:
            return camera
        target = self._geometry[self._views[0]][1] if self._views[0] in self._geometry else ""
        matrix = self._frames.between(target, frame)
        if matrix is None or target == frame:
            raise KineCueError(
                f"no static transform from {target or 'the first view'} to its base frame {frame!r}, and no rig_file"
            )
        if math.acos(float(np.clip(matrix[2, 2], -1.0, 1.0))) > _LEVEL or abs(matrix[2, 3]) > 0.05:
            raise KineCueError(f"its base frame {frame!r} is not on the floor of {target!r}, z up")
        yaw = math.atan2(matrix[1, 0], matrix[0, 0])
        return replace(camera, x=float(matrix[0, 3]), y=float(matrix[1, 3]), yaw=yaw)

    def _build(self) -> None:
        """Begins anew when what is known of the cameras has changed."""
        cameras = self._place()
        if cameras == self._cameras and (self._fusion is not None or not cameras):
            return
        self._cameras = cameras
        self._fusion = None
        if not cameras:
            return
        p = self.parameters
        settings = FusionSettings(longest_wait_s=p["longest_wait_ms"] / 1e3, stale_s=p["stale_ms"] / 1e3)
        self._fusion = ViewFusion(cameras, self._fitter, settings)
        for name, camera in cameras.items():
            self._transforms.camera(camera, self.now_ns(), prefix=name.replace("/", "_") + "_camera")
        self.get_logger().info(f"fusing {', '.join(cameras)}")

    def _fitter(self, camera: CameraModel, number: int) -> BodyFitter:
        fitter = BodyFitter(camera, identity_name(number))
        if self._exercise:
            fitter.set_posture(self._exercise)
        self._fitters.add(fitter)
        return fitter

    # -- messages

    def _on_landmarks(self, view: str, message: msg.LandmarkArray) -> None:
        camera, frame = convert.camera_from_msg(message.camera), message.header.frame_id.lstrip("/")
        people = convert.landmarks_from_msg(message)
        if self._geometry.get(view) != (camera, frame) or (view not in self._cameras and not self._rig):
            self._geometry[view] = (camera, frame)
            self._build()
        for item in message.people:
            if item.active:
                self._active[view] = int(item.identity)
        now, stamp = time.monotonic(), stamp_to_ns(message.header.stamp)
        if self._clocks is not None:
            stamp = self._clocks.common(view, stamp, now, people[0] if people else None)
        self._record(view, people, stamp, now)
        if self._fusion is not None and view in self._cameras:
            begun = time.perf_counter()
            frames = self._fusion.add(view, people, stamp, now)
            self._publish(frames, begun)

    def _poll(self) -> None:
        if self._recording is not None and time.monotonic() >= self._recorded_until:
            self._begin_calibration()
        if self._outcome is not None:
            self._end_calibration()
        if self._fusion is not None and self._fusion.waiting:
            begun = time.perf_counter()
            self._publish(self._fusion.poll(time.monotonic()), begun)

    def _publish(self, frames: list[FusedFrame], begun: float) -> None:
        for frame in frames:
            message = msg.BodyArray(header=parts.header(frame.stamp_ns, self.parameters["base_frame"]))
            lifter = self._lifter(frame)
            message.bodies = [
                convert.body_to_msg(body, message.header.frame_id, active=i == lifter)
                for i, body in enumerate(frame.bodies)
            ]
            elapsed = (time.perf_counter() - begun) * 1e3
            message.processing_ms = elapsed + 1e3 * frame.waited_s
            self._bodies.publish(message)
            bodies = list(frame.bodies)
            self._transforms.bodies(bodies)
            self._rep155.publish(bodies, frame.stamp_ns)
            self._meter.tick()
            self._people = len(bodies)
            self._waited_ms.append(1e3 * frame.waited_s)
            self._fit_ms.append(elapsed)
            self._fused[0] += len(bodies)
            self._fused[1] += sum(len(views) > 1 for views in frame.views)

    def _lifter(self, frame: FusedFrame) -> int:
        """The body that the first view with an opinion takes for the lifter; else the one known longest."""
        for view in self._views:
            identity = self._active.get(view)
            for i, members in enumerate(frame.members):
                if identity is not None and members.get(view) == identity:
                    return i
        return 0

    def _on_set(self, message: msg.SetSummary) -> None:
        if message.exercise and message.exercise != self._exercise:
            self._exercise = message.exercise
            for fitter in self._fitters:
                fitter.set_posture(self._exercise)

    # -- calibration

    def _calibrate(
        self, request: srv.Calibrate.Request, response: srv.Calibrate.Response
    ) -> srv.Calibrate.Response:
        if self._fusion is None:
            response.message = "the fusion node is not active, or does not know where the cameras stand"
            return response
        self._fusion.recalibrate()
        response.success = True
        response.message = "measuring: stand still, arms slightly away from the body"
        return response

    def _calibrate_views(
        self, request: srv.Calibrate.Request, response: srv.Calibrate.Response
    ) -> srv.Calibrate.Response:
        duration = request.duration_s or _DEFAULT_RECORDING_S
        if not self.active:
            response.message = "the fusion node is not active"
        elif not 3.0 <= duration <= _LONGEST_RECORDING_S:
            response.message = (
                f"duration_s is {duration:g}, allowed: 3 to {_LONGEST_RECORDING_S:g}, 0 = the default"
            )
        elif self._recording is not None or self._worker is not None:
            response.message = "a calibration is under way"
        else:
            self._recording = {name: [] for name in self._views}
            self._recorded_until = time.monotonic() + duration
            self._told = "recording"
            response.success = True
            response.message = (
                f"recording for {duration:g} s: one person alone, seen whole by all cameras, walks about, turns and "
                f"stands upright; the result stands in the diagnostics and in {self._rig_path()}"
            )
        return response

    def _record(self, view: str, people: list[Landmarks2D], stamp_ns: int, now_s: float) -> None:
        if self._recording is None or now_s >= self._recorded_until or not people:
            return
        known = self._recording[view]
        if not known or stamp_ns > known[-1].stamp_ns:
            known.append(replace(people[0], stamp_ns=stamp_ns))

    def _begin_calibration(self) -> None:
        seen, self._recording = self._recording or {}, None
        cameras = {name: self._geometry[name][0] for name in self._views if name in self._geometry}
        missing = [name for name in self._views if name not in cameras]
        if missing:
            self._told = f"view {missing[0]} was never heard"
            self.get_logger().error(f"views not calibrated: {self._told}")
            return
        stature, path = self.parameters["stature"] or None, self._rig_path()

        def work() -> None:
            try:
                rig = calibrate_views(
                    cameras, seen, stature, datetime.now(timezone.utc).isoformat(timespec="seconds")
                )
                save_rig(rig, path)
            except KineCueError as error:
                self._outcome = (None, str(error))
            except Exception as error:
                self._outcome = (None, f"{type(error).__name__}: {error}")
            else:
                self._outcome = (rig, f"written to {path}, residual {rig.residual_px:.1f} px")

        self._told = "calculating"
        self._worker = threading.Thread(target=work, name="kinecue-calibrate-views", daemon=True)
        self._worker.start()

    def _end_calibration(self) -> None:
        outcome, self._outcome, self._worker = self._outcome, None, None
        if outcome is None:
            return
        rig, self._told = outcome
        if rig is None:
            self.get_logger().error(f"views not calibrated: {self._told}")
            return
        self.get_logger().info(f"views calibrated: {self._told}")
        self._use(rig, str(self._rig_path()))
        self._build()


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(FusionNode, args)
