"""Random lifters, speakers, models and messages: what the orchestrator must never do."""

from __future__ import annotations

import math
from typing import Any

from coaching_scene import BOOK, FRAME_NS, KINDS, MS, Scene, make_fault
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kinecue.body.measurement import Measurement, Reason
from kinecue.coaching import (
    CoachingSettings,
    Cue,
    CueKind,
    Decision,
    EffortCall,
    EffortNews,
    Guard,
    LoadCall,
    LoadNews,
    Orchestrator,
    Outcome,
    SpeechStatus,
    Talk,
    Words,
)
from kinecue.coaching.wording import WordedPhrase
from kinecue.exercise.results import Abstention, Phase, RepetitionStatus, Severity, Side

GAP_NS, HOLD_NS, AGE_NS = 1_000 * MS, 2_000 * MS, 1_500 * MS
SILENT = (Phase.UNKNOWN, Phase.SETUP, Phase.REST)
MOVING = (Phase.TOP, Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE)
GUARD = Guard(BOOK)
SETTINGS: dict[str, Any] = {
    "hold_s": HOLD_NS / 1e9,
    "gap_s": GAP_NS / 1e9,
    "max_fault_age_s": AGE_NS / 1e9,
    "counting": True,
    "encouragement": True,
    "encourage_after": 1,
    "summary": True,
    "opposites": (("curl_higher", "straighten_arms"), ("deeper", "heels_down"), ("knees_out", "even_legs")),
}
OPPOSITES = CoachingSettings(**SETTINGS)
MODEL_TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["Three repetitions.", "Lift your heels.", "Push your knees out now", "Keep both heels flat", "one"]
    ),
)
NUMBERS = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0.5, 1.0))


class Recorder:
    """An orchestrator that keeps what it was told, so that it can be told again."""

    def __init__(self, coach: Orchestrator) -> None:
        self._coach = coach
        self.told: list[tuple[str, tuple[Any, ...], Any]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._coach, name)

        def call(*args: Any) -> Any:
            answer = method(*args)
            self.told.append((name, args, answer))
            return answer

        return call

    def prefer_talk(self, talk: Talk) -> None:
        """What holds from now on."""
        self._coach.prefer(talk=talk)
        self.told.append(("prefer", (talk,), None))

    def again(self) -> list[Any]:
        """What a fresh one answers to the same."""
        coach = Orchestrator(BOOK, CoachingSettings(**SETTINGS))
        return [
            coach.prefer(talk=args[0]) if name == "prefer" else getattr(coach, name)(*args)
            for name, args, _ in self.told
        ]


class Coached(RuleBasedStateMachine):
    """Frames, faults and events in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(**SETTINGS)
        self.coach = Recorder(self.scene.coach)
        self.scene.coach = self.coach  # type: ignore[assignment]
        self.talk = Talk.FULL
        self.orders: list[tuple[int, Cue]] = []
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

    @rule(
        call=st.sampled_from(EffortCall),
        probability=NUMBERS,
        exercise=st.sampled_from(["squat", "", "curl"]),
        age=st.integers(-50, 50),
    )
    def effort(self, call: EffortCall, probability: float, exercise: str, age: int) -> None:
        news = EffortNews(self.scene.now - age * FRAME_NS, "a", exercise, 1, call, probability, "slow")
        self.scene.take(self.coach.on_effort(news, self.scene.now))

    @rule(faults=st.lists(st.booleans(), min_size=1, max_size=8))
    def machine(self, faults: list[bool]) -> None:
        for fault in faults:
            self.scene.now += 250 * MS
            self.scene.take(self.coach.on_machine(fault, self.scene.now))

    @rule(set_id=st.sampled_from(["", "a", "b", "?"]), call=st.sampled_from([None, *LoadCall]), kg=NUMBERS)
    def load_advice(self, set_id: str, call: LoadCall | None, kg: float) -> None:
        self.scene.take(self.coach.on_load_advice(LoadNews(set_id, call, kg, kg), self.scene.now))

    @rule(
        correction=st.sampled_from(["heels_down", "knees_out", "deeper", "", "?"]),
        side=st.sampled_from(Side),
        kind=st.sampled_from(["say", "praise", "shout"]),
        text=MODEL_TEXTS,
    )
    def learn(self, correction: str, side: Side, kind: str, text: str) -> None:
        self.coach.learn((WordedPhrase(correction, side, kind, text),))

    @rule(set_id=st.sampled_from(["", "a", "b"]), text=MODEL_TEXTS)
    def words_for_summary(self, set_id: str, text: str) -> None:
        self.scene.take(self.coach.words_for_summary(set_id, text, self.scene.now))

    @rule(question=st.one_of(st.text(max_size=30), st.just("how was that?")), speak=st.booleans())
    def ask(self, question: str, speak: bool) -> None:
        answer = self.coach.ask(question, self.scene.now, speak)
        assert answer.text and answer.screen_text
        assert bool(answer.problem) == (answer.facts is None)
        self.scene.take(list(answer.decisions))

    @rule(text=st.text(max_size=250), interrupt=st.booleans())
    def say(self, text: str, interrupt: bool) -> None:
        self.scene.take(self.coach.say(text, self.scene.now, interrupt))

    @rule(talk=st.sampled_from(Talk))
    def prefer(self, talk: Talk) -> None:
        self.talk = talk
        self.coach.prefer_talk(talk)

    def teardown(self) -> None:
        """The same calls give the same answers."""
        assert self.coach.again() == [answer for _, _, answer in self.coach.told]

    def send(self, name: str, age: int, /, **changes: object) -> None:
        self.faulty = True
        stamp_ns = self.scene.now - age * FRAME_NS
        changes.setdefault("stamp_ns", stamp_ns)
        fault = make_fault(name, stamp_ns, self.scene.phase, self.scene.repetition, **changes)
        decisions = self.coach.on_fault(fault, self.scene.now)
        if self.is_good_danger(name, fault.stamp_ns, changes):
            self.check_danger(decisions, fault.id)
        self.scene.take(decisions)

    def is_good_danger(self, name: str, stamp_ns: int, changes: dict[str, object]) -> bool:
        """A danger that was measured now, in the movement, of a frame that nothing else is known of."""
        usual = {"severity", "side", "say_in", "stamp_ns"}
        fresh = 0 <= self.scene.now - stamp_ns < FRAME_NS
        return (
            changes.get("severity") == Severity.DANGER
            and set(changes) <= usual
            and fresh
            and self.scene.phase in MOVING
        )

    def check_danger(self, decisions: list[Decision], subject: str) -> None:
        """No danger is silenced: it is said, it was said a moment ago, or it waits for another warning."""
        [decided] = [one for one in decisions if one.subject == subject][-1:]
        assert decided.kind == CueKind.DANGER
        if decided.outcome == Outcome.SPOKEN:
            assert decided.cue is not None and decided.cue.interrupts
        else:
            assert decided.reason in ("warned a moment ago", "waits for another warning"), decided.reason

    def check_new_cues(self) -> None:
        """Check the cues that were given out since the last call."""
        cues = self.scene.cues
        for index in range(self.checked, len(cues)):
            cue, before = cues[index], cues[:index]
            assert cue.created_ns == self.scene.now
            assert cue.expires_ns > cue.created_ns
            follows = not cue.interrupts and cue.kind != CueKind.COUNT
            if follows and before and before[-1].kind != CueKind.COUNT:
                assert cue.created_ns - before[-1].created_ns >= GAP_NS, "too close"
            if cue.kind in (CueKind.CORRECTION, CueKind.PRAISE, CueKind.COUNT):
                assert self.scene.phase not in SILENT
                assert cue.trigger_stamp_ns >= cue.created_ns - AGE_NS
            self.check_silence(cue)
            self.check_words(cue)
            if cue.fact is not None and cue.kind != CueKind.PRAISE:
                assert self.faulty
                assert cue.created_ns - cue.fault_stamp_ns <= AGE_NS + max(HOLD_NS, 3_000 * MS), "late"
                assert math.isfinite(cue.fact.measured)
                self.check_opposites(cue)
            if cue.kind == CueKind.CORRECTION and cue.fact is not None:
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

    def check_silence(self, cue: Cue) -> None:
        """What the user does not want to hear."""
        told = cue.kind in (CueKind.DANGER, CueKind.SYSTEM)
        assert (
            told or self.talk == Talk.FULL or (self.talk, cue.kind) == (Talk.CORRECTIONS, CueKind.CORRECTION)
        )

    def check_words(self, cue: Cue) -> None:
        """Words of a model passed the guard, and none of them warns."""
        if cue.words == Words.MODEL and cue.fact is not None:
            assert cue.kind != CueKind.DANGER
            assert GUARD.problem(cue.text, cue.fact) == ""
        assert cue.words != Words.REQUEST or cue.kind == CueKind.SYSTEM

    def check_opposites(self, cue: Cue) -> None:
        """Nobody is sent there and back within one repetition; then a warning is the order to stop."""
        for movement, other in self.orders:
            if movement == self.scene.movements and cue.correction:
                assert not OPPOSITES.contradicts(cue.correction, other.correction), "opposites"
        self.orders.append((self.scene.movements, cue))

    @invariant()
    def decisions_have_reasons(self) -> None:
        assert all(decision.reason for decision in self.scene.decisions)


Coached.TestCase.settings = hypothesis_settings(max_examples=30, stateful_step_count=30, deadline=None)
TestCoached = Coached.TestCase


class Clean(RuleBasedStateMachine):
    """A lifter without a fault, whatever phases and repetitions come."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(summary=False, too_short_after=0)  # what did not count is said as well

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
