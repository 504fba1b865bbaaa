"""Node `scoring`: bodies become angles, phases, repetitions, D values and faults."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from kinecue.body import Body, KineCueError
from kinecue.body.person import Person, load_person, save_person
from kinecue.exercise import (
    AutoScorer,
    ExerciseModel,
    Scorer,
    ScoreUpdate,
    available_exercises,
    find_exercise,
)
from kinecue.exercise import results as r
from kinecue.exercise.session_teacher import SessionTeacher
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes import score_conversions as scores
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
_AUTO = ("", "auto")
"""Instead of an exercise: recognise it."""


class ScoringNode(KineCueNode):
    """Scores the active body of every frame. A set starts by itself with the first body, or by the service `start_set`."""

    PARAMETERS = (
        ParameterSpec(
            "exercise",
            "squat",
            "Exercise to score: name of a file in exercise_dir, without .yaml; empty or auto = recognise it.",
        ),
        ParameterSpec(
            "exercise_dir", "", "Folder of exercise files; empty = config/exercises of the package."
        ),
        ParameterSpec(
            "person",
            "",
            "Id of a stored person whose ideal counts; empty = by the lengths of a calibrated body.",
        ),
        ParameterSpec("adapt", True, "Whether good repetitions move the stored person's own ideal, slowly."),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("scoring", **kwargs)
        self._scorer: Scorer | AutoScorer | None = None
        self._session = "set"
        self._recognised: r.Recognised | None = None
        self._person: Person | None = None
        self._teacher: SessionTeacher | None = None
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
        self._recognition = self.create_lifecycle_publisher(
            msg.ExerciseRecognition, "recognition", LATCHED_QOS
        )
        self.create_subscription(msg.BodyArray, "bodies", self.guarded(self._on_bodies), SENSOR_QOS)
        self.create_subscription(msg.CableLoad, "machine/cable", self.guarded(self._on_cable), SENSOR_QOS)
        self.create_service(srv.SelectExercise, "select_exercise", self.guarded_service(self._select))
        self.create_service(srv.StartSet, "start_set", self.guarded_service(self._start))
        self.create_service(srv.EndSet, "end_set", self.guarded_service(self._end))

    def configure(self) -> None:
        self._session = f"set-{self.now_ns() // 1_000_000_000}"
        name = self.parameters["exercise"]
        self._person = load_person(self.parameters["person"]) if self.parameters["person"] else None
        self._teacher = None
        if self._person is not None and self.parameters["adapt"]:
            moment = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._teacher = SessionTeacher(self._person, moment, self._load)
        self._scorer = self._auto() if name in _AUTO else self._scorer_of(self._load(name))

    def activate(self) -> None:
        # a late joiner finds the exercise
        self._announce()

    def cleanup(self) -> None:
        self._teach()
        self._scorer = self._teacher = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        rate = self._rate.read()
        values: dict[str, object] = {"rate [Hz]": rate, **self._counts}
        if self._scorer is not None:
            model = self._scorer.model
            values |= {
                "exercise": "not recognised yet" if model is None else model.name,
                "late frames dropped": self._scorer.dropped,
            }
        if self.active and rate == 0.0:
            return WARN, "no bodies", values
        return OK, "scoring", values

    def _directory(self) -> Path | None:
        folder = self.parameters["exercise_dir"]
        return Path(folder) if folder else None

    def _load(self, name: str) -> ExerciseModel:
        return find_exercise(name, self._directory())

    def _auto(self) -> AutoScorer:
        """Among all files of the folder; one that is wrong is an error, as when it is selected."""
        folder = self._directory()
        models = tuple(self._load(name) for name in available_exercises(folder))
        return AutoScorer(models, session=self._session, person=self._person)

    def _scorer_of(self, model: ExerciseModel) -> Scorer:
        return Scorer(model, session=self._session, person=self._person)

    def _teach(self) -> None:
        """Store what the session taught the person's ideals so far."""
        if self._teacher is None or self._person is None:
            return
        try:
            # the file may have changed since: only what was learned is ours
            stored = load_person(self._person.id)
            taught = self._teacher.taught(stored)
            if taught is not stored:
                save_person(taught)
        except KineCueError as error:
            self.report_error(error)

    def _tell_recognition(self) -> None:
        """Publish what is known of the exercise when it has changed."""
        if isinstance(self._scorer, AutoScorer) and self._scorer.recognised != self._recognised:
            self._recognised = self._scorer.recognised
            self._recognition.publish(scores.recognition_to_msg(self._recognised, self._frame))

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
        if self._teacher is not None:
            self._teacher.watch(update)
        self._tell_recognition()
        if update.angles:
            angles = msg.JointAngles(header=message.header, body_id=update.form.body_id)
            angles.angles = [parts.angle_to_msg(a.name, a.side, a.unit, a.measured) for a in update.angles]
            self._angles.publish(angles)
        # faults before the form, so that whoever decides on the form has them
        self._tell_found(update)
        self._form.publish(scores.form_to_msg(update.form, self._frame))
        summary = scorer.summary()
        if update.repetitions or (summary.set_id, summary.active) != self._announced:
            self._announce()

    def _tell_found(self, update: ScoreUpdate) -> None:
        for fault in update.faults:
            self._counts["faults"] += 1
            self._faults.publish(scores.fault_to_msg(fault, self._frame))
        for repetition in update.repetitions:
            self._counts["repetitions" if repetition.number else "not counted"] += 1
            self._repetitions.publish(scores.repetition_to_msg(repetition, self._frame))

    def _announce(self) -> None:
        if self._scorer is None:
            return
        summary = replace(self._scorer.summary(), load_kg=self._load_kg)
        self._announced = (summary.set_id, summary.active)
        self._set.publish(scores.set_to_msg(summary, self._frame))

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
            if request.exercise == "auto":
                return self._recognise_from_now(response)
            model = self._load(request.exercise)
        except KineCueError as error:
            response.message = str(error)
            return response
        if self._scorer is None:
            response.message = "the scoring node is not configured"
            return response
        if isinstance(self._scorer, AutoScorer):
            self._scorer = self._scorer_of(model)
        else:
            self._scorer.select_exercise(model)
        self._scorer.start_set(self._newest_ns or self.now_ns())
        self._announce()
        response.success, response.message = True, f"scoring {model.title}"
        return response

    def _recognise_from_now(self, response: srv.SelectExercise.Response) -> srv.SelectExercise.Response:
        if self._scorer is None:
            response.message = "the scoring node is not configured"
            return response
        self._scorer, self._recognised = self._auto(), None
        self._announce()
        response.success, response.message = True, "recognising the exercise"
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
        self._teach()
        self._tell_recognition()
        self._tell_found(self._scorer.flush())
        response.summary = scores.set_to_msg(replace(summary, load_kg=self._load_kg), self._frame)
        response.success = True
        self._announce()
        return response


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(ScoringNode, args)
