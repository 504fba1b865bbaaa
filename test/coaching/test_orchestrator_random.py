"""Random lifters, speakers and messages: what the orchestrator must never do."""

from __future__ import annotations

import math

from coaching_scene import FRAME_NS, KINDS, MS, Scene, make_fault
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kinecue.body.measurement import Measurement, Reason
from kinecue.coaching import CueKind, SpeechStatus
from kinecue.exercise.results import Abstention, Phase, RepetitionStatus, Severity, Side

GAP_NS, HOLD_NS, AGE_NS = 1_000 * MS, 2_000 * MS, 1_500 * MS
SILENT = (Phase.UNKNOWN, Phase.SETUP, Phase.REST)
NUMBERS = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0.5, 1.0))


class Coached(RuleBasedStateMachine):
    """Frames, faults and events in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(
            hold_s=HOLD_NS / 1e9, gap_s=GAP_NS / 1e9, max_fault_age_s=AGE_NS / 1e9, counting=True
        )
        self.checked = 0
        self.faulty = False
        self.corrected_in = -1
        self.scene.watch = self.check_new_cues

    @rule(phase=st.sampled_from(Phase), frames=st.integers(1, 30))
    def frames(self, phase: Phase, frames: int) -> None:
        for _ in range(frames):
            self.scene.frame(phase)

    @rule(
        name=st.sampled_from(sorted(KINDS)),
        severity=st.sampled_from(Severity),
        side=st.sampled_from(Side),
        age=st.integers(0, 50),
        say_in=st.lists(st.sampled_from(Phase), max_size=3),
    )
    def good_fault(self, name: str, severity: Severity, side: Side, age: int, say_in: list[Phase]) -> None:
        self.send(name, age, severity=severity, side=side, say_in=tuple(say_in))

    @rule(
        name=st.sampled_from(sorted(KINDS)),
        probability=NUMBERS,
        magnitude=NUMBERS,
        value=NUMBERS,
        limit=NUMBERS,
        text=st.text(max_size=8),
        field=st.sampled_from(["id", "name", "correction", "body_part", "unit", "exercise"]),
        stamp_ns=st.integers(-(2**63), 2**63),
    )
    def garbage_fault(
        self,
        name: str,
        probability: float,
        magnitude: float,
        value: float,
        limit: float,
        text: str,
        field: str,
        stamp_ns: int,
    ) -> None:
        changes: dict[str, object] = {
            "probability": probability,
            "magnitude": magnitude,
            "measured": Measurement(value, 0.1),
            "limit": limit,
            field: text,
        }
        if stamp_ns % 2:
            changes["stamp_ns"] = stamp_ns
        self.send(name, 0, **changes)

    @rule(fault=st.sampled_from(sorted(KINDS)))
    def hidden_fault(self, fault: str) -> None:
        self.scene.abstentions = (Abstention(fault, Reason.OCCLUDED),)
        before = len(self.scene.cues)
        self.send(fault, 0, severity=Severity.DANGER, measured=Measurement.abstained(Reason.OCCLUDED))
        assert all(cue.fact is None or cue.fact.fault != fault for cue in self.scene.cues[before:])

    @rule(status=st.sampled_from(RepetitionStatus))
    def repetition(self, status: RepetitionStatus) -> None:
        self.scene.repetition += 1
        self.scene.end(status)

    @rule(
        faults=st.lists(st.sampled_from(["heels_up", "asymmetry", "knees_in", "too_shallow"]), max_size=2),
        at=st.sampled_from([Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC]),
        severity=st.sampled_from([Severity.STYLE, Severity.STYLE, Severity.RISK, Severity.DANGER]),
        abstain=st.booleans(),
        times=st.integers(1, 3),
    )
    def plausible_repetitions(
        self, faults: list[str], at: Phase, severity: Severity, abstain: bool, times: int
    ) -> None:
        self.faulty |= bool(faults)
        self.scene.abstentions = (Abstention("asymmetry", Reason.VIEW),) if abstain else ()
        for _ in range(times):
            self.scene.repeat(*faults, at=at, severity=severity)

    @precondition(lambda self: self.scene.cues)
    @rule(status=st.integers(-1, 7), back=st.integers(1, 3))
    def speech(self, status: int, back: int) -> None:
        cue = self.scene.cues[-min(back, len(self.scene.cues))]
        self.scene.take(self.scene.coach.on_speech(cue.id, status, self.scene.now))

    @rule(cue_id=st.text(max_size=5))
    def speech_of_an_unknown_cue(self, cue_id: str) -> None:
        self.scene.take(self.scene.coach.on_speech(cue_id, SpeechStatus.FINISHED, self.scene.now))

    @rule(milliseconds=st.integers(0, 4000))
    def wait(self, milliseconds: int) -> None:
        self.scene.now += milliseconds * MS
        self.scene.take(self.scene.coach.tick(self.scene.now))

    @rule(set_id=st.sampled_from(["", "a", "b"]), active=st.booleans(), counted=st.integers(-2, 40))
    def set(self, set_id: str, active: bool, counted: int) -> None:
        self.scene.movements += 1  # A new set, a new account of its repetitions.
        self.scene.set(set_id, active=active, counted=counted, faults={"heels_up": counted, "?": 1})

    def send(self, name: str, age: int, /, **changes: object) -> None:
        self.faulty = True
        stamp_ns = self.scene.now - age * FRAME_NS
        changes.setdefault("stamp_ns", stamp_ns)
        fault = make_fault(name, stamp_ns, self.scene.phase, self.scene.repetition, **changes)
        self.scene.take(self.scene.coach.on_fault(fault, self.scene.now))

    def check_new_cues(self) -> None:
        """Check the cues that were given out since the last call."""
        cues = self.scene.cues
        for index in range(self.checked, len(cues)):
            cue, before = cues[index], cues[:index]
            assert cue.created_ns == self.scene.now
            assert cue.expires_ns > cue.created_ns
            if cue.kind != CueKind.DANGER and before and before[-1].kind != CueKind.COUNT:
                assert cue.created_ns - before[-1].created_ns >= GAP_NS, "too close"
            if cue.kind in (CueKind.CORRECTION, CueKind.PRAISE, CueKind.COUNT):
                assert self.scene.phase not in SILENT
                assert cue.trigger_stamp_ns >= cue.created_ns - AGE_NS
            if cue.kind in (CueKind.CORRECTION, CueKind.DANGER):
                assert self.faulty
                assert cue.created_ns - cue.fault_stamp_ns <= AGE_NS + max(HOLD_NS, 3_000 * MS), "late"
                assert cue.fact is not None
                assert math.isfinite(cue.fact.measured)
            if cue.kind == CueKind.CORRECTION:
                assert self.scene.movements > self.corrected_in, "two corrections in a repetition"
                self.corrected_in = self.scene.movements
            if cue.kind == CueKind.PRAISE:
                assert self.faulty
                assert self.scene.phase == Phase.TOP
            orders = (CueKind.CORRECTION, CueKind.DANGER)
            same = [one for one in before if one.correction == cue.correction and one.kind in orders]
            if same and cue.kind in orders:
                assert same[-1].text != cue.text, "the same words again"
        self.checked = len(cues)

    @invariant()
    def decisions_have_reasons(self) -> None:
        assert all(decision.reason for decision in self.scene.decisions)


Coached.TestCase.settings = hypothesis_settings(max_examples=50, stateful_step_count=30, deadline=None)
TestCoached = Coached.TestCase


class Clean(RuleBasedStateMachine):
    """A lifter without a fault, whatever phases and repetitions come."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(summary=False)

    @rule(phase=st.sampled_from(Phase), frames=st.integers(1, 30))
    def frames(self, phase: Phase, frames: int) -> None:
        for _ in range(frames):
            self.scene.frame(phase)

    @rule(status=st.sampled_from(RepetitionStatus))
    def repetition(self, status: RepetitionStatus) -> None:
        self.scene.take(self.scene.coach.on_repetition(self.scene.ended(status), self.scene.now))

    @rule(active=st.booleans())
    def set(self, active: bool) -> None:
        self.scene.set(active=active, counted=3)

    @invariant()
    def silence(self) -> None:
        assert self.scene.decisions == []


Clean.TestCase.settings = hypothesis_settings(max_examples=20, stateful_step_count=30, deadline=None)
TestClean = Clean.TestCase
