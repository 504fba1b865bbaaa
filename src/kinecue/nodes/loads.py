"""Node `loads`: joint moments, forces on spine and knees, and the few loads that are a danger."""

from __future__ import annotations

import math
import time
from collections import OrderedDict

from visualization_msgs.msg import MarkerArray

from kinecue.body import KineCueError, Reason
from kinecue.body.person import Person, load_person
from kinecue.exercise.results import FormState, Phase
from kinecue.loads.cables import CableTensions
from kinecue.loads.figures import L5S1_COMPRESSION
from kinecue.loads.limits import Experience, experience_of
from kinecue.loads.person import mass_of
from kinecue.loads.results import LoadSide
from kinecue.loads.segments import LoadPerson
from kinecue.loads.tracker import LoadTracker, LoadUpdate, Movement
from kinecue.machine.samples import CableFlag, CableSide
from kinecue.nodes import conversions as convert
from kinecue.nodes import load_conversions as loads
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
from kinecue.nodes.message_parts import enumerated, header
from kinecue.nodes.parameters import ParameterSpec
from kinecue_msgs import msg

_MOVING = frozenset({Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE})
_UPWARDS = frozenset({Phase.CONCENTRIC})
_UNUSABLE = CableFlag.SATURATED | CableFlag.FAULT | CableFlag.IMPLAUSIBLE | CableFlag.FROZEN
_CABLES = {CableSide.NONE: LoadSide.BOTH, CableSide.LEFT: LoadSide.LEFT, CableSide.RIGHT: LoadSide.RIGHT}
_KEPT = 60
_ALARM_NS = 2_000_000_000
_NO_FORM_NS = 1_000_000_000
"""Without a form for so long, nobody scores: the exercise is not known."""


class LoadsNode(KineCueNode):
    """Forces on the active body, at a rate that leaves the cores to what leads to a cue."""

    HEAR_EVERY_S = 0.06
    PARAMETERS = (
        ParameterSpec(
            "rate", 15.0, "Frames per second that are used; the others are dropped [Hz].", low=5.0, high=60.0
        ),
        ParameterSpec(
            "mass", 0.0, "Body mass of the lifter [kg]; 0 = by person or shape.", low=0.0, high=400.0
        ),
        ParameterSpec(
            "person", "", "Id of a stored person whose mass and sex count; empty = that of the set, if any."
        ),
        ParameterSpec(
            "experience",
            Experience.USUAL.value,
            "How much the lifter's back is used to: moves the limit above which a poor posture is a danger.",
            choices=tuple(e.value for e in Experience),
        ),
        ParameterSpec(
            "dangers", True, "Whether dangers are published as faults, so that the coach says them."
        ),
        ParameterSpec(
            "load_kg",
            -1.0,
            "Free weight that is always used [kg], 0 = none; negative = that of the set.",
            low=-1.0,
            high=1000.0,
        ),
        ParameterSpec("metres_per_kn", 0.6, "Length of the arrows of 1,000 N [m].", low=0.05, high=5.0),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("loads", **kwargs)
        self._tracker: LoadTracker | None = None
        self._person: Person | None = None
        self._cables = CableTensions()
        self._shapes: dict[str, tuple[float, float, float]] = {}
        self._forms: OrderedDict[int, FormState] = OrderedDict()
        self._set_id, self._set_person, self._load_kg = "", "", math.nan
        self._body_id = ""
        self._last_ns = self._alarm_ns = 0
        self._rate = RateMeter()
        self._dangers, self._skipped, self._cost_ms = 0, 0, 0.0
        self._newest: LoadUpdate | None = None
        self._loads = self.create_lifecycle_publisher(msg.JointLoads, "joint_loads", SENSOR_QOS)
        self._faults = self.create_lifecycle_publisher(msg.FormFault, "faults", EVENT_QOS)
        self._markers = self.create_lifecycle_publisher(MarkerArray, "loads/markers", 10)
        # what a frame was, and what the cable pulled then, come before the frame
        self.hear_samples(msg.CableLoad, "machine/cable", self._on_cable)
        self.hear_samples(msg.FormState, "form", self._on_form)
        self.hear_samples(msg.BodyArray, "bodies", self._on_bodies)
        self.create_subscription(msg.SetSummary, "set", self.guarded(self._on_set, latched=True), LATCHED_QOS)
        self.create_subscription(
            msg.BodyShape, "body_shape", self.guarded(self._on_shape, latched=True), LATCHED_QOS
        )
        self.create_subscription(
            msg.MachineClock, "machine/clock", self.guarded(self._on_clock, latched=True), LATCHED_QOS
        )

    def configure(self) -> None:
        experience_of(self.parameters["experience"])
        self._person = load_person(self.parameters["person"]) if self.parameters["person"] else None
        self._cables = CableTensions()

    def cleanup(self) -> None:
        self._tracker = None
        self._forms.clear()

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        rate = self._rate.read()
        values: dict[str, object] = {
            "rate [Hz]": rate,
            "frames dropped": self._skipped,
            "time per frame [ms]": self._cost_ms,
            "dangers": self._dangers,
        }
        if self._tracker is not None:
            values["body mass [kg]"] = self._tracker.person.mass
            values["body mass std [kg]"] = self._tracker.person.mass_std
        newest = self._newest
        if newest is not None:
            values["load"] = f"{newest.carried.source}, {newest.carried.load_kg:.1f} kg"
        if self.active and rate == 0.0:
            return WARN, "no bodies", values
        if newest is not None:
            spine = next(f for f in newest.figures if f.name == L5S1_COMPRESSION)
            if spine.interval is None:
                # abstaining is no fault of the system
                return OK, f"no figure for the spine: {Reason(spine.reason).name.lower()}", values
        return OK, "measuring loads" if newest is not None else "waiting for movement", values

    # -- what comes in

    def _on_set(self, message: msg.SetSummary) -> None:
        self._set_id, self._load_kg = message.set_id, float(message.load_kg)
        if message.person_id != self._set_person:
            self._set_person = message.person_id
            self._tracker = None
            if not self.parameters["person"]:
                self._person = self._stored(message.person_id)

    def _stored(self, person_id: str) -> Person | None:
        if not person_id:
            return None
        try:
            return load_person(person_id)
        except KineCueError as error:
            # the loads are then those of anybody of this size
            self.report_error(error)
            return None

    def _on_shape(self, message: msg.BodyShape) -> None:
        shape = (float(message.mass), float(message.mass_std), float(message.femininity))
        if self._shapes.get(message.id) != shape:
            self._shapes[message.id] = shape
            if message.id == self._body_id:
                self._tracker = None

    def _on_cable(self, message: msg.CableLoad) -> None:
        side = _CABLES[enumerated(CableSide, message.side, "CableLoad.side")]
        flags = CableFlag(message.flags & int(~CableFlag.NONE))
        pulley = message.pulley
        self._cables.add(
            side,
            stamp_to_ns(message.header.stamp),
            self.now_ns(),
            float(message.tension),
            (pulley.x, pulley.y, pulley.z),
            usable=not flags & _UNUSABLE,
            simulated=bool(flags & CableFlag.SIMULATED),
        )

    def _on_clock(self, message: msg.MachineClock) -> None:
        side = _CABLES[enumerated(CableSide, message.side, "MachineClock.side")]
        known = message.state in (msg.MachineClock.STATE_KNOWN, msg.MachineClock.STATE_GUESSED)
        self._cables.clock(side, message.offset, message.offset_std, known)

    def _on_form(self, message: msg.FormState) -> None:
        form = scores.form_from_msg(message)
        self._forms[form.stamp_ns] = form
        while len(self._forms) > _KEPT:
            self._forms.popitem(last=False)
        if self._tracker is not None:
            self._tracker.moved(self._movement(form))

    def _movement(self, form: FormState) -> Movement:
        lean = next((d for d in form.deviations if d.name == "trunk_lean"), None)
        return Movement(
            stamp_ns=form.stamp_ns,
            exercise=form.exercise,
            set_id=self._set_id,
            repetition=form.repetition,
            moving=form.phase in _MOVING,
            upwards=form.phase in _UPWARDS,
            progress=form.progress,
            lean=lean.measured if lean is not None else None,
            ideal=lean.ideal if lean is not None else math.nan,
            tolerance=lean.tolerance if lean is not None else math.nan,
        )

    def _on_bodies(self, message: msg.BodyArray) -> None:
        stamp = stamp_to_ns(message.header.stamp)
        active = next((b for b in message.bodies if b.active), None)
        if active is None:
            return
        # a little slack, so that a 30 Hz stream at 15 Hz is halved and not thirded by jitter
        if 0 <= stamp - self._last_ns < 0.9e9 / self.parameters["rate"]:
            self._skipped += 1
            return
        self._last_ns = stamp
        begun = time.perf_counter()
        body = convert.body_from_msg(active)
        tracker = self._tracker_of(body.id, stamp)
        carried = tracker.carried(self._free_weight(), self._cables.at(stamp))
        update = tracker.update(body, carried)
        if update is not None:
            self._rate.tick()
            self._newest = update
            self._tell(update, message.header.frame_id)
        # a running mean, for the diagnostics
        self._cost_ms += 0.1 * ((time.perf_counter() - begun) * 1e3 - self._cost_ms)

    def _free_weight(self) -> float:
        given = float(self.parameters["load_kg"])
        return given if given >= 0.0 else self._load_kg

    def _tracker_of(self, body_id: str, stamp_ns: int) -> LoadTracker:
        if self._tracker is None or body_id != self._body_id:
            self._body_id = body_id
            self._tracker = LoadTracker(
                self._load_person(body_id), experience_of(self.parameters["experience"])
            )
            for form in self._forms.values():
                if form.body_id in ("", body_id):
                    self._tracker.moved(self._movement(form))
        newest = next(reversed(self._forms), None)
        if newest is not None and self._tracker.exercise and stamp_ns - newest > _NO_FORM_NS:
            self._forms.clear()
            self._tracker.moved(Movement(stamp_ns, ""))
        return self._tracker

    def _load_person(self, body_id: str) -> LoadPerson:
        shape = self._shapes.get(body_id)
        given = float(self.parameters["mass"])
        return mass_of(self._person, given if given > 0.0 else None, shape)

    # -- what goes out

    def _tell(self, update: LoadUpdate, frame_id: str) -> None:
        at = header(update.dynamics.stamp_ns, frame_id)
        self._loads.publish(loads.loads_to_msg(at, update))
        form = self._forms.get(update.dynamics.stamp_ns) or next(reversed(self._forms.values()), None)
        for danger in update.dangers:
            self._alarm_ns = danger.stamp_ns
            self._dangers += 1
            if self.parameters["dangers"] and form is not None:
                fault = loads.danger_to_fault(
                    danger, update.exercise, update.dynamics.body_id, form.phase, form.stage
                )
                self._faults.publish(scores.fault_to_msg(fault, frame_id))
        if self._markers.get_subscription_count():
            alarmed = 0 < update.dynamics.stamp_ns - self._alarm_ns + 1 < _ALARM_NS
            array = MarkerArray(
                markers=loads.load_markers(at, update, self.parameters["metres_per_kn"], alarmed)
            )
            self._markers.publish(array)


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(LoadsNode, args)
