"""Node `scoring`: bodies become angles, phases, repetitions, D values and faults."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from kinecue.body import Body, KineCueError
from kinecue.body.person import Person, load_person, save_person
from kinecue.exercise import (
    AutoScorer,
    ExerciseModel,
    Scorer,
    available_exercises,
    find_exercise,
)
from kinecue.exercise import results as r
from kinecue.exercise.session_teacher import SessionTeacher
from kinecue.machine.samples import CableSide
from kinecue.nodes import conversions as convert
from kinecue.nodes import machine_conversions as machine
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
from kinecue.nodes.polled_topic import PolledTopic
from kinecue.training.clock import ClockEstimate
from kinecue.training.fusion import FusionUpdate, RepetitionFusion
from kinecue_msgs import msg, srv

_GRAVITY = 9.80665
_TICK_S = 0.05
"""How often it is looked whether the machine has to be listened to where no frames come."""
_LISTEN_NS = 100_000_000
"""How often the machine is listened to: a repetition needs some tenths of a second to be over anyway, and listening after
each frame cost a quarter of the frames on two cores."""
_FOREIGN_NS = 5_000_000_000
"""Frames that are so far from this node's clock are a replay, by a clock of its own."""
_CLOSE_NS = 3_900_000
_CLOCK_EVERY_NS = 1_000_000_000
_AUTO = ("", "auto")
"""Instead of an exercise: recognise it."""


class ScoringNode(KineCueNode):
    """Scores the active body of every frame. A set starts by itself with the first body, or by the service `start_set`.

    What the machine feels is read after each frame, and by a timer where no frames come: nothing of it stands between a body
    and its form.
    """

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
        self._loads: dict[CableSide, float] = {}
        self._fusion = RepetitionFusion()
        self._frame_at = self._listened_ns = 0
        self._told_clock: ClockEstimate | None = None
        self._told_clock_ns = 0
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
        self._machine_clock = self.create_lifecycle_publisher(msg.MachineClock, "machine/clock", LATCHED_QOS)
        self._cable = PolledTopic(self, msg.CableLoad, "machine/cable")
        self._encoder = PolledTopic(self, msg.RepEncoder, "machine/encoder")
        self._hear_encoder, self._hear_cable = self.guarded(self._on_encoder), self.guarded(self._on_cable)
        self._taken: dict[tuple[str, int], int] = {}
        self._timer = None
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
        self._fusion = RepetitionFusion(self._scorer.model)
        self._told_clock = None

    def activate(self) -> None:
        # a late joiner finds the exercise
        self._announce()
        self._timer = self.create_timer(_TICK_S, self.guarded_timer(self._on_time))

    def deactivate(self) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
        self._timer = None

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
                **self._fusion.diagnose(),
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
        self._newest_ns, self._frame_at = stamp, time.monotonic_ns()
        self._rate.tick()
        if self._teacher is not None:
            self._teacher.watch(update)
        self._tell_recognition()
        if update.angles:
            angles = msg.JointAngles(header=message.header, body_id=update.form.body_id)
            angles.angles = [parts.angle_to_msg(a.name, a.side, a.unit, a.measured) for a in update.angles]
            self._angles.publish(angles)
        summary = scorer.summary()
        self._fusion.set(summary.set_id, summary.active)
        self._fusion.follow(scorer.model)
        fused = self._fusion.scored(update, body)
        # faults before the form, so that whoever decides on the form has them
        self._tell_found(fused)
        self._form.publish(scores.form_to_msg(fused.form or update.form, self._frame))
        if fused.repetitions or (summary.set_id, summary.active) != self._announced:
            self._announce()
        if not 0 <= stamp - self._listened_ns < _LISTEN_NS:
            self._listened_ns = stamp
            self._listen()

    # -- the machine

    def _on_time(self) -> None:
        if time.monotonic_ns() - self._frame_at >= round(_TICK_S * 1e9):
            self._listen()

    def _listen(self) -> None:
        """Take what the machine said since the last time, and tell what comes of it."""
        self._take_samples()
        told = self._fusion.tick(self._frame_time())
        self._tell_found(told)
        if told.repetitions:
            self._announce()
        self._tell_clock()

    def _take_samples(self) -> None:
        now, newest = self._true_time(), 0
        for message in self._encoder.take():
            stamp = stamp_to_ns(message.header.stamp)
            newest = max(newest, stamp)
            if not self._thinned("encoder", message.side, stamp):
                self._hear_encoder(message)
        if newest and self.active:
            self._fusion.arrived(newest, now)
        for message in self._cable.take():
            if not self._thinned("cable", message.side, stamp_to_ns(message.header.stamp)):
                self._hear_cable(message)

    def _thinned(self, topic: str, side: int, stamp_ns: int) -> bool:
        """A sample so soon after the one before, of a machine with 1,000 a second, tells nothing new of a hand."""
        since = stamp_ns - self._taken.get((topic, side), -_CLOSE_NS)
        if 0 < since < _CLOSE_NS:
            return True
        self._taken[topic, side] = stamp_ns
        return False

    def _on_encoder(self, message: msg.RepEncoder) -> None:
        self._fusion.encoder(machine.encoder_from_msg(message))

    def _on_cable(self, message: msg.CableLoad) -> None:
        side = machine.cable_side(message)
        if math.isfinite(message.load) and message.load > 0:
            self._loads[side] = message.load / _GRAVITY
        else:
            self._loads.pop(side, None)
        # two cables that are set alike are pulled together
        self._load_kg = sum(self._loads.values()) if self._loads else math.nan
        if self._fusion.sees_machine and not message.tension < 0.0:
            self._fusion.force(machine.cable_from_msg(message))

    def _frame_time(self) -> int:
        """By the clock of the frames, as if they came without delay: the newest one's stamp and the time since."""
        if not self._newest_ns:
            return self.now_ns()
        return self._newest_ns + time.monotonic_ns() - self._frame_at

    def _true_time(self) -> int:
        """By the clock of the frames, now."""
        now = self.now_ns()
        return now if abs(now - self._frame_time()) < _FOREIGN_NS else self._frame_time()

    def _tell_clock(self) -> None:
        clock = self._fusion.clock
        now = self._frame_time()
        if clock is None or clock == self._told_clock:
            return
        changed = self._told_clock is None or clock.state is not self._told_clock.state
        if changed or abs(now - self._told_clock_ns) >= _CLOCK_EVERY_NS:
            self._told_clock, self._told_clock_ns = clock, now
            self._machine_clock.publish(machine.clock_to_msg(clock, now))

    # -- what was found

    def _tell_found(self, update: FusionUpdate) -> None:
        for fault in update.faults:
            self._counts["faults"] += 1
            self._faults.publish(scores.fault_to_msg(fault, self._frame))
        for repetition in update.repetitions:
            self._counts["repetitions" if repetition.number else "not counted"] += 1
            self._repetitions.publish(scores.repetition_to_msg(repetition, self._frame))

    def _summary(self, summary: r.SetSummary) -> r.SetSummary:
        """With the count of both sensors, the load, and whose set it is."""
        return replace(
            self._fusion.summary(summary), load_kg=self._load_kg, person_id=self.parameters["person"]
        )

    def _announce(self) -> None:
        if self._scorer is None:
            return
        summary = self._summary(self._scorer.summary())
        self._announced = (summary.set_id, summary.active)
        self._set.publish(scores.set_to_msg(summary, self._frame))

    def _close_set(self) -> None:
        """What the scorer and the machine still have to say of the set that is over."""
        if self._scorer is not None:
            self._tell_found(self._fusion.scored(self._scorer.flush()))
        self._tell_found(self._fusion.finish())

    def _begin_set(self, summary: r.SetSummary) -> None:
        self._fusion.set(summary.set_id, summary.active)
        if self._scorer is not None:
            self._fusion.follow(self._scorer.model)
        self._announce()

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
        self._take_samples()
        if isinstance(self._scorer, AutoScorer):
            self._scorer = self._scorer_of(model)
        else:
            self._scorer.select_exercise(model)
        self._close_set()
        self._begin_set(self._scorer.start_set(self._newest_ns or self.now_ns()))
        response.success, response.message = True, f"scoring {model.title}"
        return response

    def _recognise_from_now(self, response: srv.SelectExercise.Response) -> srv.SelectExercise.Response:
        if self._scorer is None:
            response.message = "the scoring node is not configured"
            return response
        self._close_set()
        self._scorer, self._recognised = self._auto(), None
        self._fusion.follow(None)
        self._begin_set(self._scorer.summary())
        response.success, response.message = True, "recognising the exercise"
        return response

    def _start(self, request: srv.StartSet.Request, response: srv.StartSet.Response) -> srv.StartSet.Response:
        if self._scorer is None:
            response.message = "the scoring node is not configured"
            return response
        self._take_samples()
        if request.load_kg > 0:
            self._load_kg = float(request.load_kg)
        self._tell_found(self._fusion.finish())
        summary = self._scorer.start_set(self._newest_ns or self.now_ns())
        response.set_id = summary.set_id
        self._begin_set(summary)
        response.success = True
        return response

    def end_set_now(self) -> None:
        """Ends the set, for programs that compose the node."""
        self._end(srv.EndSet.Request(), srv.EndSet.Response())

    def _end(self, request: srv.EndSet.Request, response: srv.EndSet.Response) -> srv.EndSet.Response:
        if self._scorer is None or not self._scorer.summary().active:
            response.message = "no set is under way"
            return response
        self._take_samples()
        summary = self._scorer.end_set(self._newest_ns or self.now_ns())
        self._teach()
        self._tell_recognition()
        self._close_set()
        self._fusion.set(summary.set_id, summary.active)
        response.summary = scores.set_to_msg(self._summary(summary), self._frame)
        response.success = True
        self._announce()
        return response


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(ScoringNode, args)
