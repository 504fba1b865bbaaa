"""The service calibrate and the topic calibration_status: a person is measured while the pose node goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from kinecue.body import CameraModel, KineCueError
from kinecue.body.person import Person, load_person, save_person
from kinecue.nodes import message_parts as parts
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.quick_calibration import QuickCalibration, Refusal, State
from kinecue.perception.standing import measure
from kinecue_msgs import msg, srv

Status = msg.CalibrationStatus
_NOBODY = "guest"


class PersonCalibration:
    """Measures one person at a time.

    Args:
        node: whose topic it is.
        measured: called, from another thread, with the person, the camera as it was found, and whether there is a file
            of the person.
        report: takes errors of the thread that measures.
    """

    def __init__(
        self,
        node: Node,
        measured: Callable[[Person, CameraModel | None, bool], None],
        report: Callable[[Exception], None],
    ) -> None:
        self._node = node
        self._measured = measured
        self._report = report
        self._lock = threading.Lock()
        self._running: QuickCalibration | None = None
        self._id = ""
        self._told: tuple[int, int, str] | None = None
        self._status = node.create_publisher(
            Status, "calibration_status", QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        )

    def begin(self, request: srv.Calibrate.Request, camera: CameraModel) -> tuple[bool, str]:
        """Starts measuring, or loads; whether that worked, and words about it."""
        try:
            if request.load:
                person = load_person(request.person_id)
                self._measured(person, None, True)
                self._tell(Status.STATE_DONE, 1.0, "", ["loaded"], 0, request.person_id)
                return True, f"{person.id}: {person.stature:.2f} m, measured {person.calibrated_at}"
            running = QuickCalibration(
                camera,
                measure,
                request.person_id or _NOBODY,
                request.duration_s or 2.0,
                request.stature_m or None,
            )
        except (KineCueError, ValueError) as error:
            return False, str(error)
        with self._lock:
            self._running, self._id, self._told = running, request.person_id, None
        return (
            True,
            "measuring: stand still, facing or sideways to the camera, arms slightly away from the body",
        )

    def update(self, landmarks: Landmarks2D | None, stamp_ns: int) -> None:
        """What the network says of the lifter in one more frame; None if they are not in sight."""
        with self._lock:
            running = self._running
        if running is None:
            return
        progress = running.update(landmarks, stamp_ns)
        if progress.state in (State.READY, State.FAILED):
            with self._lock:
                self._running = None
            # measuring takes a second; pictures do not wait for it
            threading.Thread(
                target=self._finish_guarded, args=(running, stamp_ns), name="kinecue-calibration", daemon=True
            ).start()
            return
        state = Status.STATE_COLLECTING if progress.state is State.COLLECTING else Status.STATE_WAITING
        step = (state, int(progress.share * 10.0), progress.instruction)
        if step != self._told:
            self._told = step
            self._tell(state, progress.share, progress.instruction, [], stamp_ns, self._id)

    def _finish_guarded(self, running: QuickCalibration, stamp_ns: int) -> None:
        try:
            self._finish(running, stamp_ns)
        except Exception as error:
            # whoever waits for the end hears of it
            self._report(error)
            self._tell(Status.STATE_FAILED, 0.0, "", [str(error)], stamp_ns, self._id)

    def _finish(self, running: QuickCalibration, stamp_ns: int) -> None:
        result = running.finish()
        if isinstance(result, Refusal):
            self._tell(Status.STATE_FAILED, 0.0, "", list(result.reasons), stamp_ns, self._id)
            return
        remarks = list(result.remarks)
        stored = False
        try:
            if self._id:
                save_person(result.person)
                stored = True
        except (KineCueError, OSError) as error:
            remarks.append(f"not stored: {error}")
        self._measured(result.person, result.camera, stored)
        self._tell(Status.STATE_DONE, 1.0, "", remarks, stamp_ns, self._id)

    def _tell(
        self, state: int, progress: float, instruction: str, remarks: list[str], stamp_ns: int, person_id: str
    ) -> None:
        self._status.publish(
            Status(
                header=parts.header(stamp_ns, ""),
                person_id=person_id,
                state=state,
                progress=progress,
                instruction=instruction,
                remarks=remarks,
            )
        )
