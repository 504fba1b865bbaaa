"""Node `scoring`: bodies become angles, phases, repetitions, D values and faults."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from kinecue.body import Body, KineCueError
from kinecue.exercise import ExerciseModel, Scorer, available_exercises, find_exercise
from kinecue.nodes import conversions as convert
from kinecue.nodes.base import (
    EVENT_QOS,
    LATCHED_QOS,
    OK,
    SENSOR_QOS,
    WARN,
    KineCueNode,
    RateMeter,
    run,
    stamp_to_ns,
)
from kinecue.nodes.parameters import ParameterSpec
from kinecue_msgs import msg, srv

_GRAVITY = 9.80665


class ScoringNode(KineCueNode):
    """Scores the active body of every frame. A set starts by itself with the first body, or by the service `start_set`."""

    PARAMETERS = (
        ParameterSpec(
            "exercise", "squat", "Exercise to score: name of a file in exercise_dir, without .yaml."
        ),
        ParameterSpec(
            "exercise_dir", "", "Folder of exercise files; empty = config/exercises of the package."
        ),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("scoring", **kwargs)
        self._scorer: Scorer | None = None
        self._rate = RateMeter()
        self._frame = ""
        self._announced: tuple[str, bool] | None = None
        self._load_kg = math.nan
        self._counts = {"faults": 0, "repetitions": 0, "not counted": 0}
        self._newest_ns = 0
        self._angles = self.create_lifecycle_publisher(msg.JointAngles, "joint_angles", SENSOR_QOS)
        self._form = self.create_lifecycle_publisher(msg.FormState, "form", SENSOR_QOS)
        self._faults = self.create_lifecycle_publisher(msg.FormFault, "faults", EVENT_QOS)
        self._repetitions = self.create_lifecycle_publisher(msg.Repetition, "repetitions", EVENT_QOS)
        self._set = self.create_lifecycle_publisher(msg.SetSummary, "set", LATCHED_QOS)
        self.create_subscription(msg.BodyArray, "bodies", self.guarded(self._on_bodies), SENSOR_QOS)
        self.create_subscription(msg.CableLoad, "machine/cable", self.guarded(self._on_cable), SENSOR_QOS)
        self.create_service(srv.SelectExercise, "select_exercise", self.guarded_service(self._select))
        self.create_service(srv.StartSet, "start_set", self.guarded_service(self._start))
        self.create_service(srv.EndSet, "end_set", self.guarded_service(self._end))

    def configure(self) -> None:
        self._scorer = Scorer(
            self._load(self.parameters["exercise"]), session=f"set-{self.now_ns() // 1_000_000_000}"
        )

    def activate(self) -> None:
        # a late joiner finds the exercise
        self._announce()

    def cleanup(self) -> None:
        self._scorer = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        rate = self._rate.read()
        values: dict[str, object] = {"rate [Hz]": rate, **self._counts}
        if self._scorer is not None:
            values |= {"exercise": self._scorer.model.name, "late frames dropped": self._scorer.dropped}
        if self.active and rate == 0.0:
            return WARN, "no bodies", values
        return OK, "scoring", values

    def _directory(self) -> Path | None:
        folder = self.parameters["exercise_dir"]
        return Path(folder) if folder else None

    def _load(self, name: str) -> ExerciseModel:
        return find_exercise(name, self._directory())

    def _on_bodies(self, message: msg.BodyArray) -> None:
        scorer = self._scorer
        if scorer is None:
            return
        stamp = stamp_to_ns(message.header.stamp)
        self._frame = message.header.frame_id
        body: Body | None = None
        for candidate in message.bodies:
            if candidate.active:
                body = convert.body_from_msg(candidate)
                break
        update = scorer.update(body, stamp)
        if update.form is None:
            return
        self._newest_ns = stamp
        self._rate.tick()
        if update.angles:
            angles = msg.JointAngles(header=message.header, body_id=update.form.body_id)
            angles.angles = [convert.angle_to_msg(a.name, a.side, a.unit, a.measured) for a in update.angles]
            self._angles.publish(angles)
        # faults before the form, so that whoever decides on the form has them
        for fault in update.faults:
            self._counts["faults"] += 1
            self._faults.publish(convert.fault_to_msg(fault, self._frame))
        for repetition in update.repetitions:
            self._counts["repetitions" if repetition.number else "not counted"] += 1
            self._repetitions.publish(convert.repetition_to_msg(repetition, self._frame))
        self._form.publish(convert.form_to_msg(update.form, self._frame))
        summary = scorer.summary()
        if update.repetitions or (summary.set_id, summary.active) != self._announced:
            self._announce()

    def _announce(self) -> None:
        if self._scorer is None:
            return
        summary = replace(self._scorer.summary(), load_kg=self._load_kg)
        self._announced = (summary.set_id, summary.active)
        self._set.publish(convert.set_to_msg(summary, self._frame))

    def _on_cable(self, message: msg.CableLoad) -> None:
        self._load_kg = (
            message.load / _GRAVITY if math.isfinite(message.load) and message.load > 0 else math.nan
        )

    # -- services

    def _select(
        self, request: srv.SelectExercise.Request, response: srv.SelectExercise.Response
    ) -> srv.SelectExercise.Response:
        try:
            response.available = list(available_exercises(self._directory()))
            model = self._load(request.exercise)
        except KineCueError as error:
            response.message = str(error)
            return response
        if self._scorer is None:
            response.message = "the scoring node is not configured"
            return response
        self._scorer.select_exercise(model)
        self._scorer.start_set(self._newest_ns or self.now_ns())
        self._announce()
        response.success, response.message = True, f"scoring {model.title}"
        return response

    def _start(self, request: srv.StartSet.Request, response: srv.StartSet.Response) -> srv.StartSet.Response:
        if self._scorer is None:
            response.message = "the scoring node is not configured"
            return response
        if request.load_kg > 0:
            self._load_kg = float(request.load_kg)
        response.set_id = self._scorer.start_set(self._newest_ns or self.now_ns()).set_id
        self._announce()
        response.success = True
        return response

    def end_set_now(self) -> None:
        """Ends the set, for programs that compose the node."""
        self._end(srv.EndSet.Request(), srv.EndSet.Response())

    def _end(self, request: srv.EndSet.Request, response: srv.EndSet.Response) -> srv.EndSet.Response:
        if self._scorer is None or not self._scorer.summary().active:
            response.message = "no set is under way"
            return response
        summary = self._scorer.end_set(self._newest_ns or self.now_ns())
        response.summary = convert.set_to_msg(replace(summary, load_kg=self._load_kg), self._frame)
        response.success = True
        self._announce()
        return response


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(ScoringNode, args)
