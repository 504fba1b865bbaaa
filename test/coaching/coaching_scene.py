"""A lifter for the orchestrator: frames, faults and repetitions with a clock of their own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kinecue.body.measurement import Measurement, Reason
from kinecue.coaching import (
    CoachingSettings,
    Cue,
    CueKind,
    Decision,
    Orchestrator,
    Outcome,
    PhraseBook,
    SpeechStatus,
    load_phrase_book,
)
from kinecue.exercise.results import (
    Abstention,
    Fault,
    FormState,
    Phase,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    SetSummary,
    Severity,
    Side,
)

CONFIG = Path(__file__).resolve().parents[2] / "config"
BOOK: PhraseBook = load_phrase_book(CONFIG / "phrases" / "en.yaml")
MS = 1_000_000
FRAME_NS = 40 * MS
REPETITION = (Phase.ECCENTRIC,) * 20 + (Phase.BOTTOM,) * 5 + (Phase.CONCENTRIC,) * 20
"""Phases of the frames of a repetition of 1.8 s."""

KINDS = {
    "knees_in": ("knees_out", "knees", Severity.RISK, (Phase.BOTTOM, Phase.CONCENTRIC)),
    "too_shallow": ("deeper", "hips", Severity.EFFICIENCY, (Phase.TOP, Phase.ECCENTRIC)),
    "heels_up": ("heels_down", "heels", Severity.RISK, ()),
    "asymmetry": ("even_legs", "legs", Severity.STYLE, ()),
    "short_range_top": ("curl_higher", "hands", Severity.EFFICIENCY, ()),
    "short_range_bottom": ("straighten_arms", "arms", Severity.EFFICIENCY, ()),
}


def make_fault(name: str, stamp_ns: int, phase: Phase, repetition: int = 1, /, **changes: object) -> Fault:
    """A fault that was measured well; `changes` replace its fields."""
    correction, body_part, severity, say_in = KINDS[name]
    fault = Fault(
        id=f"squat/{repetition}/{name}/{stamp_ns}",
        name=name,
        stamp_ns=stamp_ns,
        onset_ns=stamp_ns,
        body_id="a",
        exercise="squat",
        phase=phase,
        stage="",
        repetition=repetition,
        side=Side.BOTH,
        severity=severity,
        probability=0.95,
        magnitude=1.0,
        feature="some_angle",
        measured=Measurement(math.radians(20), math.radians(2)),
        limit=math.radians(10),
        unit="rad",
        correction=correction,
        body_part=body_part,
        say_in=say_in,
    )
    return replace(fault, **changes)


class Scene:
    """Plays frames into an orchestrator and, unless `mute`, a speaker that takes `cue_ns` for a cue."""

    def __init__(
        self, *, mute: bool = False, cue_ns: int = 600 * MS, book: PhraseBook = BOOK, **settings: object
    ) -> None:
        self.coach = Orchestrator(book, CoachingSettings(**settings))
        self.now = 1_000_000_000_000
        self.phase = Phase.TOP
        self.repetition = 0
        self.decisions: list[Decision] = []
        self.movements = 0
        self.watch: Callable[[], None] = lambda: None
        self.abstentions: tuple[Abstention, ...] = ()
        self._mute, self._cue_ns = mute, cue_ns
        self._playing: tuple[str, int] | None = None
        self._raised: list[str] = []
        self._left_top = self.now

    @property
    def cues(self) -> list[Cue]:
        return [decision.cue for decision in self.decisions if decision.cue]

    @property
    def texts(self) -> list[str]:
        return [cue.text for cue in self.cues]

    def kinds(self) -> list[CueKind]:
        return [cue.kind for cue in self.cues]

    def reasons(self, outcome: Outcome = Outcome.DROPPED) -> list[str]:
        return [decision.reason for decision in self.decisions if decision.outcome == outcome]

    def take(self, decisions: list[Decision]) -> None:
        """Note decisions; the speaker starts what is to be spoken."""
        self.decisions += decisions
        self.watch()
        for decision in decisions:
            if decision.cue and not self._mute:
                interrupted, self._playing = self._playing, (decision.cue.id, self.now + self._cue_ns)
                if interrupted:
                    self.take(self.coach.on_speech(interrupted[0], SpeechStatus.INTERRUPTED, self.now))

    def frame(self, phase: Phase | None = None, /, *faults: str, **changes: object) -> None:
        """One frame, with the faults raised in it."""
        self.now += FRAME_NS
        self.phase = self.phase if phase is None else phase
        if self._playing and self.now >= self._playing[1]:
            cue_id, self._playing = self._playing[0], None
            self.take(self.coach.on_speech(cue_id, SpeechStatus.FINISHED, self.now))
        for name in faults:
            self.fault(name, **changes)
        self.take(self.coach.on_form(self.form(), self.now))

    def form(self) -> FormState:
        return FormState(
            self.now, "a", "squat", self.phase, "", 0.5, 0.01, 1.0, self.repetition, 0, 0.5, Reason.NONE,
            abstentions=self.abstentions,
        )  # fmt: skip

    def fault(self, name: str, /, **changes: object) -> None:
        self._raised.append(name)
        fault = make_fault(name, self.now, self.phase, self.repetition, **changes)
        self.take(self.coach.on_fault(fault, self.now))

    def top(self, seconds: float = 1.0) -> None:
        for _ in range(round(seconds * 1e9 / FRAME_NS)):
            self.frame(Phase.TOP)

    def repeat(
        self,
        *faults: str,
        at: Phase = Phase.BOTTOM,
        status: RepetitionStatus = RepetitionStatus.VALID,
        **changes: object,
    ) -> None:
        """A repetition, with faults raised in the first frame of phase `at`, and a second at the top."""
        self.repetition += 1
        self._left_top, self._raised = self.now + FRAME_NS, []
        for index, phase in enumerate(REPETITION):
            first = phase == at and (index == 0 or REPETITION[index - 1] != at)
            self.frame(phase, *(faults if first else ()), **changes)
        self.frame(Phase.TOP)
        self.end(status)
        self.top()

    def end(self, status: RepetitionStatus = RepetitionStatus.VALID) -> None:
        """Report the movement that began last as ended."""
        self.movements += status != RepetitionStatus.SETUP
        self.take(self.coach.on_repetition(self.ended(status), self.now))

    def ended(self, status: RepetitionStatus = RepetitionStatus.VALID) -> Repetition:
        number = self.repetition if status == RepetitionStatus.VALID else 0
        nothing = Measurement.abstained(Reason.UNSUPPORTED)
        short = status == RepetitionStatus.PARTIAL
        reason = RepetitionReason.RANGE_TOO_SMALL if short else RepetitionReason.NONE
        return Repetition(
            number, status, reason, "a", "squat", self._left_top, self._left_top, self.now,
            1.0, "knee_flexion", nothing, "rad", 0.8, 0.2, 0.8, 1.0, 1.5, nothing, 0.5, 0.5, 0.5,
            faults=tuple(self._raised),
        )  # fmt: skip

    def set(self, set_id: str = "set/1", *, active: bool, counted: int = 0, **changes: object) -> None:
        summary = SetSummary(set_id, "a", "squat", active, 0, self.now, counted, **changes)
        self.take(self.coach.on_set(summary, self.now))
