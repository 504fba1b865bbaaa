"""The rules of time: what waits is said when its moment comes, one thing at a time, or dropped with the reason."""

from __future__ import annotations

from dataclasses import replace

from kinecue.coaching.composing import Composer
from kinecue.coaching.cue import Cue, CueKind, Decision, Outcome
from kinecue.coaching.effort_news import EffortCall
from kinecue.coaching.memory import SetMemory
from kinecue.coaching.present import Floor, Present, ns
from kinecue.coaching.settings import CoachingSettings
from kinecue.coaching.trust import speaking_phases
from kinecue.coaching.waiting import SPEAKING_PHASES, Waiting, WaitingRoom, priority_of
from kinecue.exercise.results import Phase

_NOT_IN_DANGER = frozenset({Phase.SETUP, Phase.REST})
_OF_NO_SET = (CueKind.SUMMARY, CueKind.SYSTEM)


class Turns:
    """What waits, what is said, and what was said in this set.

    Attributes:
        settings: those that hold now.
        present: what is now.
        memory: of the set under way.
        waiting: what waits.
    """

    def __init__(self, settings: CoachingSettings, composer: Composer) -> None:
        self.settings = settings
        self.present = Present(settings)
        self.memory = SetMemory(settings)
        self.waiting = WaitingRoom()
        self._composer = composer
        self._floor = Floor()
        self._last: tuple[Cue, Waiting] | None = None

    def prefer(self, settings: CoachingSettings) -> None:
        """Other settings hold from now on."""
        self.settings = self.memory.settings = settings

    @property
    def is_warning(self) -> bool:
        """Whether a danger is being spoken of: nothing interrupts that."""
        return self._floor.is_warning(self.present.now_ns, self.settings)

    def until(self, seconds: float) -> int:
        """The time in so many seconds."""
        return self.present.now_ns + ns(seconds)

    def advance(self, now_ns: int) -> list[Decision]:
        """Let time pass: late things are dropped, and a cue whose end was never reported is over."""
        if now_ns < self.present.now_ns:
            decisions = self.new_set("the clock went back")
            self._floor.forget()
            self.present.forget()
            self.present.now_ns = now_ns
            return decisions
        self.present.now_ns = now_ns
        self._floor.advance(now_ns, self.settings)
        reason = "late: its moment did not come in time"
        return [self.decision(Outcome.DROPPED, one, reason) for one in self.waiting.late(now_ns)]

    def new_set(self, reason: str) -> list[Decision]:
        """What was said and waited in the set is forgotten."""
        self.memory = SetMemory(self.settings)
        return [self.decision(Outcome.DROPPED, one, reason) for one in self.waiting.of_set()]

    def wait(self, waiting: Waiting, reason: str) -> list[Decision]:
        """Let it wait, with the reason."""
        replaced = self.waiting.add(waiting)
        gone = [self.decision(Outcome.DROPPED, replaced, "raised again")] if replaced is not None else []
        return [*gone, self.decision(Outcome.HELD, waiting, reason)]

    def release(self) -> list[Decision]:
        """Say what may be said now, at most one thing."""
        decisions: list[Decision] = []
        worse_waits = False
        for waiting in self.waiting.by_priority:
            is_correction = waiting.kind == CueKind.CORRECTION
            problem = self._why_overruled(waiting)
            if problem:
                self.waiting.remove(waiting)
                decisions.append(self.decision(Outcome.DROPPED, waiting, problem))
                continue
            # A lesser fault would take the one correction of this repetition from a worse one that waits.
            overruled = is_correction and (worse_waits or bool(self._why_off_theme(waiting)))
            worse_waits |= is_correction and not overruled
            if not overruled and self._may_speak(waiting):
                self.waiting.remove(waiting)
                decisions += self.speak(waiting)
        return decisions

    def speak(self, waiting: Waiting, priority: int | None = None) -> list[Decision]:
        """Say it now, whatever is being said; or drop it, if there are no words for it."""
        stop = self._must_stop(waiting)
        priority = waiting.priority if priority is None else priority
        cue, problem = self._composer.compose(waiting, self.present, self.settings, stop, priority)
        if cue is None:
            return [self.decision(Outcome.DROPPED, waiting, problem)]
        self._floor.take(cue)
        self._last = (cue, waiting)
        self._remember(waiting, cue, stop)
        stamp_ns = cue.trigger_stamp_ns
        return [
            Decision(
                Outcome.SPOKEN,
                waiting.subject,
                cue.reason,
                stamp_ns,
                self.present.now_ns,
                cue,
                cue.kind,
                cue.priority,
            )
        ]

    def over(self, cue_id: str) -> None:
        """The speaker is done with a cue."""
        speaking = self._floor.speaking
        if speaking is not None and speaking.id == cue_id:
            self._floor.fall_silent(self.present.now_ns, self.settings.gap_s)

    def unheard(self, cue_id: str, how: str, *, at_all: bool) -> list[Decision]:
        """A cue was not heard to its end, and counts as not said. A warning of which nothing was heard is given once more.

        Args:
            cue_id: of the cue.
            how: what the speaker says.
            at_all: some of it was heard.
        """
        cue, waiting = self._last if self._last is not None and self._last[0].id == cue_id else (None, None)
        kind, priority = (CueKind.SYSTEM, 0) if cue is None else (cue.kind, cue.priority)
        reason = f"the speaker reports {how}: it counts as not said"
        decisions = [self.dropped(kind, cue_id, reason, priority=priority)]
        self.memory.unsaid(cue_id)
        self.over(cue_id)
        if cue is None or waiting is None or cue.kind != CueKind.DANGER or at_all or waiting.again:
            return decisions
        if waiting.fact is not None and waiting.fact.fault not in self.memory.faults:
            return decisions  # of a set that is over
        if self.present.now_ns - cue.created_ns >= ns(self.settings.danger_repeat_s) or self.is_warning:
            return decisions
        again = replace(waiting, again=True, reason=f"{waiting.reason}; again, it was not heard")
        return decisions + self.speak(again)

    def decision(self, outcome: Outcome, waiting: Waiting, reason: str) -> Decision:
        """What was decided about something that is not said now."""
        stamp_ns = waiting.stamp_ns or self.present.stamp_ns
        now_ns = self.present.now_ns
        return Decision(
            outcome, waiting.subject, reason, stamp_ns, now_ns, None, waiting.kind, waiting.priority
        )

    def dropped(
        self, kind: CueKind, subject: str, reason: str, stamp_ns: int = 0, priority: int | None = None
    ) -> Decision:
        """Something will not be said, and did not get as far as to wait."""
        stamp_ns, now_ns = stamp_ns or self.present.stamp_ns, self.present.now_ns
        priority = priority_of(kind) if priority is None else priority
        return Decision(Outcome.DROPPED, subject, reason, stamp_ns, now_ns, None, kind, priority)

    def _remember(self, waiting: Waiting, cue: Cue, stop: bool) -> None:
        memory, fact = self.memory, waiting.fact
        if waiting.kind != CueKind.COUNT:
            memory.quiet = 0
        if waiting.subject == "too_short":
            memory.said_too_short()
        if waiting.effort:
            memory.efforts[waiting.effort] = cue.id
        if stop or waiting.effort == EffortCall.RACK_IT:
            memory.said_to_stop = cue.id
        if fact is None or waiting.kind not in (CueKind.CORRECTION, CueKind.DANGER):
            return
        is_theme = waiting.kind == CueKind.CORRECTION
        memory.said(
            fact.fault, waiting.movement, cue.id, cue.trigger_stamp_ns, self.present.phase, is_theme=is_theme
        )
        if not is_theme:
            memory.warned(fact.fault, waiting.movement, cue.id, self.present.now_ns)

    def _why_overruled(self, waiting: Waiting) -> str:
        unwanted = "" if waiting.asked else self.settings.why_unwanted(waiting.kind)
        if unwanted or waiting.kind in (CueKind.DANGER, *_OF_NO_SET):
            return unwanted
        if self.memory.stopped:
            return "the lifter was told to stop"
        if waiting.kind != CueKind.CORRECTION or waiting.fact is None:
            return ""
        problem = self.memory.why_silent(waiting.fact.fault, waiting.movement)
        if not problem and self.present.phase in (waiting.phases or SPEAKING_PHASES):
            problem = self._why_off_theme(waiting)
        return problem

    def _why_off_theme(self, waiting: Waiting) -> str:
        fact = waiting.fact
        return self.memory.why_off_theme(fact.fault, fact.severity) if fact else ""

    def _may_speak(self, waiting: Waiting) -> bool:
        now_ns, phase = self.present.now_ns, self.present.phase
        if now_ns < waiting.not_before_ns or not self._floor.is_free(waiting.kind, now_ns, self.settings):
            return False
        if waiting.kind in _OF_NO_SET:
            return not waiting.phases or (phase in waiting.phases and not self.present.lifting)
        if waiting.kind == CueKind.DANGER:
            return phase not in _NOT_IN_DANGER
        if waiting.fact is not None and waiting.stamp_ns > self.present.stamp_ns:
            return False  # in which phase its own frame is, is told after it
        speaking = speaking_phases(waiting.fact.correction) if waiting.fact else SPEAKING_PHASES
        return phase in speaking and (not waiting.phases or phase in waiting.phases)

    def _must_stop(self, waiting: Waiting) -> bool:
        """Whether a warning is not enough, or would contradict what was just said."""
        if waiting.kind != CueKind.DANGER or waiting.fact is None:
            return False
        return self.memory.must_stop(waiting.fact.fault, waiting.fact.correction, waiting.movement)
