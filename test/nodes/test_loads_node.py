"""Node `loads`: bodies, form, set and machine in; joint loads, arrows and the few dangers out."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import scenes
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Point
from joint_athlete import Posture, Recorder
from node_bench import PATIENCE_S, values
from visualization_msgs.msg import Marker, MarkerArray

from kinecue.body import Reason, Validity
from kinecue.body.paths import share_dir
from kinecue.coaching import Orchestrator, Outcome, load_phrase_book
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes import score_conversions as scores
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, ns_to_stamp, stamp_to_ns
from kinecue_msgs import msg

FPS = 30.0
START_NS = 5_000_000_000
FRAME = "machine_base_link"
BENT = Posture(knee=60.0, lean=60.0, shoulder=30.0)
"""A hinge with straight arms; the hands are 10 cm ahead of the ankles."""
FAR = replace(BENT, shoulder=46.0)
"""The arms 16 degrees further forward: the bar 24 cm ahead."""


def frames(posture, seconds=1.6, start_ns=START_NS, **recorder):
    made = Recorder(**{"white": 0.0005, "std": 0.008, "view": math.pi / 2, **recorder})
    return [made.body(posture, start_ns + round(i * 1e9 / FPS)) for i in range(round(seconds * FPS))]


def live(lifter, posture):
    """Bodies that are stamped now, until loads come back: for what depends on when messages are received."""
    made = Recorder(white=0.0005, std=0.008, view=math.pi / 2)
    until = time.monotonic() + PATIENCE_S
    while len(lifter.loads) < 4 and time.monotonic() < until:
        yield made.body(posture, lifter.node.now_ns())


class Lifter:
    """Sends bodies and what scoring would say of them, and keeps all that comes back."""

    def __init__(self, bench, node, exercise="deadlift") -> None:
        self.bench, self.node, self.exercise = bench, node, exercise
        self.loads = bench.listen(msg.JointLoads, "joint_loads")
        self.faults = bench.listen(msg.FormFault, "faults", EVENT_QOS)
        self.markers = bench.listen(MarkerArray, "loads/markers", 10)
        self.send = bench.talk(msg.BodyArray, "bodies")
        self.form = bench.talk(msg.FormState, "form")
        self.set = bench.talk(msg.SetSummary, "set", LATCHED_QOS)
        for topic in ("joint_loads", "faults", "loads/markers"):
            bench.connected(topic)

    def begin(self, load_kg=math.nan, **fields) -> None:
        summary = scenes.summary(START_NS, exercise=self.exercise, load_kg=load_kg, **fields)
        self.set(summary)
        self.bench.wait(lambda: self.node._set_id == summary.set_id, "the set")
        self.bench.spin(0.02)

    def play(self, people, phase=msg.FormState.PHASE_CONCENTRIC, scored=True, **form) -> None:
        for body in people:
            self.one(body, phase, scored, **form)
        self.bench.spin(0.2)

    def one(self, body, phase=msg.FormState.PHASE_CONCENTRIC, scored=True, **form) -> None:
        message = msg.BodyArray(header=parts.header(body.stamp_ns, FRAME))
        message.bodies = [convert.body_to_msg(body, FRAME)]
        self.send(message)
        if scored:
            state = {"body_id": "a", "exercise": self.exercise, "repetition": 1, "progress": 0.1, **form}
            self.form(scenes.form(body.stamp_ns, phase, **state))
        self.bench.spin(0.004)

    def figure(self, name, side=0) -> msg.Load:
        return next(f for f in self.loads[-1].loads if f.name == name and f.side == side)


@pytest.fixture
def lifter(bench):
    return Lifter(bench, bench.started("loads", mass=80.0, experience="new"))


class TestFigures:
    def test_of_a_known_load(self, lifter):
        lifter.begin(load_kg=100.0)
        lifter.play(frames(BENT))
        loads = lifter.loads[-1]
        assert loads.header.frame_id == FRAME
        assert loads.exercise == "deadlift"
        assert (loads.load_source, loads.load_kg) == ("set", 100.0)
        assert loads.mass == pytest.approx(80.0)
        spine = lifter.figure("l5s1_compression")
        assert spine.unit == "N"
        assert spine.low < spine.value < spine.high
        assert 2_000 < spine.value < 8_000
        assert spine.limit == 3400.0
        joint = next(j for j in loads.joints if j.joint == "l5s1")
        assert joint.extension > 50.0
        # one muscle of 5.7 cm carries it
        assert spine.value > joint.extension / 0.06
        weights = [f for f in loads.external if f.kind == "weight"]
        assert sum(f.force.z for f in weights) == pytest.approx(-981.0, rel=0.1)

    def test_is_of_a_frame_that_was_sent(self, lifter):
        lifter.begin(load_kg=60.0)
        people = frames(BENT)
        lifter.play(people)
        sent = {body.stamp_ns for body in people}
        assert {stamp_to_ns(m.header.stamp) for m in lifter.loads} <= sent

    def test_drops_frames_to_its_rate(self, lifter, bench):
        lifter.begin(load_kg=60.0)
        lifter.play(frames(BENT, 3.0))
        gaps = np.diff([stamp_to_ns(m.header.stamp) for m in lifter.loads]) * 1e-9
        assert gaps.min() > 0.05
        assert np.median(gaps) == pytest.approx(1.0 / 15.0, rel=0.05)

    def test_more_load_more_of_everything(self, bench, lifter):
        values = []
        for number, load in enumerate((40.0, 80.0)):
            lifter.begin(load_kg=load, set_id=f"set-{number}")
            lifter.play(frames(BENT, start_ns=START_NS + number * 10_000_000_000))
            values.append(lifter.figure("l5s1_compression").value)
        assert values[1] > values[0] + 40.0 * 9.81


class TestAbstains:
    def test_without_a_load(self, lifter):
        lifter.begin()
        lifter.play(frames(BENT))
        spine = lifter.figure("l5s1_compression")
        assert math.isnan(spine.value)
        assert spine.validity == int(Validity.ABSTAINED)
        assert spine.reason == int(Reason.NO_LOAD)
        assert math.isnan(lifter.loads[-1].load_kg)

    def test_in_an_exercise_that_nobody_told(self, lifter):
        lifter.begin(load_kg=60.0)
        lifter.play(frames(BENT), scored=False)
        assert lifter.figure("l5s1_compression").reason == int(Reason.NO_LOAD)

    def test_legs_of_somebody_who_sits(self, bench):
        node = bench.started("loads", mass=80.0, load_kg=0.0)
        lifter = Lifter(bench, node, "sit_to_stand")
        lifter.begin()
        lifter.play(frames(Posture(lean=20.0)))
        assert lifter.loads[-1].load_source == "set"
        assert math.isfinite(lifter.figure("l5s1_compression").value)
        for side in (1, 2):
            assert lifter.figure("knee_compression", side).reason == int(Reason.UNSUPPORTED)

    def test_cable_of_unknown_time(self, bench):
        """The tension changes, and nobody knows which belongs to the image."""
        node = bench.started("loads", mass=80.0)
        lifter = Lifter(bench, node, "cable_row")
        lifter.begin()
        cable = bench.talk(msg.CableLoad, "machine/cable")
        for i, body in enumerate(live(lifter, Posture())):
            tension = 300.0 + 120.0 * math.sin(0.6 * i)
            cable(msg.CableLoad(header=parts.header(i * 33_000_000), tension=tension, pulley=Point(x=1.0)))
            bench.spin(0.025)
            lifter.one(body)
        assert lifter.loads[-1].load_source == "cable"
        assert lifter.figure("l5s1_compression").reason == int(Reason.UNCERTAIN)


class TestCable:
    def test_pulls_towards_its_pulley(self, bench):
        node = bench.started("loads", mass=80.0)
        lifter = Lifter(bench, node, "biceps_curl")
        lifter.begin()
        cable = bench.talk(msg.CableLoad, "machine/cable")
        pulley = Point(x=3.0, y=0.0, z=0.1)
        for body in live(lifter, Posture(elbow=(60.0, 60.0))):
            cable(msg.CableLoad(header=parts.header(body.stamp_ns), tension=200.0, pulley=pulley))
            bench.spin(0.025)
            lifter.one(body)
        bench.spin(0.2)
        loads = lifter.loads[-1]
        assert loads.load_source == "cable"
        assert loads.load_kg == pytest.approx(200.0 / 9.80665, rel=1e-3)
        pulls = [f for f in loads.external if f.kind == "cable"]
        total = sum(math.hypot(f.force.x, f.force.y, f.force.z) for f in pulls)
        assert total == pytest.approx(200.0, rel=0.05)
        assert all(f.force.z < 0.0 for f in pulls)


class TestDanger:
    def fault(self, lifter):
        lifter.begin(load_kg=150.0)
        lifter.play(frames(FAR, 2.5))
        lifter.bench.wait(lambda: lifter.faults, "a danger")
        return lifter.faults[0]

    def test_a_bar_far_ahead_under_a_heavy_load(self, lifter):
        fault = self.fault(lifter)
        assert fault.name == "load_far_from_body"
        assert fault.severity == msg.FormFault.SEVERITY_DANGER
        assert (fault.correction, fault.body_part) == ("load_closer", "hands")
        assert fault.measured.unit == "N"
        assert fault.measured.name == "l5s1_compression"
        assert fault.measured.value > fault.limit
        assert fault.probability >= 0.95
        assert len(lifter.faults) == 1

    def test_the_coach_says_it(self, lifter):
        fault = scores.fault_from_msg(self.fault(lifter))
        coach = Orchestrator(load_phrase_book(share_dir() / "config" / "phrases" / "en.yaml"))
        now = fault.stamp_ns + 400_000_000
        coach.on_form(scores.form_from_msg(scenes.form(now, exercise="deadlift", body_id="a")), now)
        (spoken,) = [d for d in coach.on_fault(fault, now) if d.outcome == Outcome.SPOKEN]
        assert spoken.cue is not None
        assert "hands" in spoken.cue.text
        assert spoken.cue.priority >= 100

    def test_none_where_the_bar_belongs(self, lifter):
        lifter.begin(load_kg=150.0)
        lifter.play(frames(BENT, 2.5))
        assert lifter.loads
        assert not lifter.faults

    def test_none_where_nobody_wants_them(self, bench):
        node = bench.started("loads", mass=80.0, experience="new", dangers=False)
        lifter = Lifter(bench, node)
        lifter.begin(load_kg=150.0)
        lifter.play(frames(FAR, 2.5))
        assert lifter.loads
        assert not lifter.faults


class TestMarkers:
    def test_arrows_arcs_and_text(self, lifter):
        lifter.begin(load_kg=80.0)
        lifter.play(frames(BENT))
        markers = lifter.markers[-1].markers
        kinds = {m.ns: m.type for m in markers}
        assert kinds["loads/weight"] == Marker.ARROW
        assert kinds["loads/moments"] == Marker.LINE_STRIP
        assert kinds["loads/text"] == Marker.TEXT_VIEW_FACING
        text = next(m.text for m in markers if m.ns == "loads/text")
        assert text.startswith("L5/S1 ")
        assert "kN" in text
        weights = [m for m in markers if m.ns == "loads/weight"]
        assert all(m.points[1].z < m.points[0].z for m in weights)
        assert len({(m.ns, m.id) for m in markers}) == len(markers)
        assert all(m.lifetime.nanosec for m in markers)


class TestHostile:
    def test_survives_nonsense(self, bench, lifter):
        told = bench.diagnostics()
        clock = bench.talk(msg.MachineClock, "machine/clock", LATCHED_QOS)
        cable = bench.talk(msg.CableLoad, "machine/cable")
        clock(msg.MachineClock(side=77, state=9, offset=math.nan))
        cable(msg.CableLoad(side=99))
        cable(msg.CableLoad(tension=-5.0, header=parts.header(0)))
        lifter.set(scenes.summary(START_NS, load_kg=-3.0, person_id="nobody_like_that"))
        lifter.send(msg.BodyArray(bodies=[msg.Body(topology="octopus", active=True)]))
        lifter.form(msg.FormState(phase=99))
        told.wait("loads", DiagnosticStatus.WARN, "errors")
        lifter.begin(load_kg=60.0)
        lifter.play(frames(BENT))
        assert lifter.figure("l5s1_compression").value > 1000.0

    def test_stamps_that_go_back(self, lifter):
        lifter.begin(load_kg=60.0)
        people = frames(BENT)
        lifter.play(people)
        count = len(lifter.loads)
        lifter.play(people[:10])
        lifter.play(frames(BENT, start_ns=START_NS + 60_000_000_000))
        assert len(lifter.loads) > count

    def test_diagnostics_tell_what_it_knows(self, bench, lifter):
        told = bench.diagnostics()
        lifter.begin(load_kg=60.0)
        lifter.play(frames(BENT))

        def knowing():
            known = (s for s in told.of("loads") if s.level == DiagnosticStatus.OK and "load" in values(s))
            return next(known, None)

        status = bench.wait(knowing, "a status with the load")
        assert "load" in status.message
        assert values(status)["load"] == "set, 60.0 kg"
        assert float(values(status)["body mass [kg]"]) == pytest.approx(80.0)


def test_person_of_the_set(bench, tmp_path, monkeypatch):
    """Mass and sex come from the stored person that was chosen for the set."""
    from kinecue.body.anthropometry import SegmentLengths
    from kinecue.body.person import Person, save_person

    monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
    lengths = SegmentLengths.from_stature(1.65)
    stds = SegmentLengths(*[0.01] * 7)
    save_person(Person("ana", 1.65, lengths, stds, "2026-01-01T10:00:00+00:00", mass=58.0, sex="female"))
    node = bench.started("loads")
    lifter = Lifter(bench, node)
    lifter.begin(load_kg=40.0, person_id="ana")
    lifter.play(frames(BENT))
    assert lifter.loads[-1].mass == pytest.approx(58.0)
    assert lifter.loads[-1].mass_std == pytest.approx(1.5)


def test_clock_is_heard(bench):
    """A tension that changes is used once the clock is known."""
    node = bench.started("loads", mass=80.0)
    lifter = Lifter(bench, node, "biceps_curl")
    lifter.begin()
    cable = bench.talk(msg.CableLoad, "machine/cable")
    clock = bench.talk(msg.MachineClock, "machine/clock", LATCHED_QOS)
    clock(msg.MachineClock(state=msg.MachineClock.STATE_KNOWN, offset=-40.0, offset_std=0.01))
    for i, body in enumerate(live(lifter, Posture(elbow=(60.0, 60.0)))):
        at = ns_to_stamp(body.stamp_ns + 40_000_000_000)
        sample = msg.CableLoad(tension=100.0 + 4.0 * i, pulley=Point(x=3.0, y=0.0, z=0.1))
        sample.header.stamp = at
        cable(sample)
        bench.spin(0.025)
        lifter.one(body)
    bench.spin(0.2)
    assert lifter.loads[-1].load_source == "cable"
    assert math.isfinite(lifter.loads[-1].load_kg)
