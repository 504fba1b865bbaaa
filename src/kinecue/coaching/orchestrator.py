"""What to say, and when. Pure: every call gets the time, and the same calls give the same cues.

A fault waits until the lifter can act on it, the most dangerous first, and is dropped when that moment does
not come in time. Danger does not wait. `kinecue.coaching.memory` holds the rules of a set (one correction per
repetition, one theme, no nagging); here are the rules of time.
"""

from __future__ import annotations

from dataclasses import replace

from kinecue.coaching.cue import INTERRUPTING, Cue, CueKind, Decision, Outcome, SpeechStatus
from kinecue.coaching.effort_news import EffortCall, EffortNews
from kinecue.coaching.facts import CueFact, fact_from, why_unusable
from kinecue.coaching.memory import FaultMemory, SetMemory
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.settings import CoachingSettings
from kinecue.coaching.summary import summary_text
from kinecue.coaching.waiting import Waiting
from kinecue.coaching.wording import Wording
from kinecue.exercise.results import (
    Fault,
    FormState,
    Phase,
    Repetition,
    RepetitionStatus,
    SetSummary,
    Severity,
)

_SPEAKING_PHASES = frozenset(
    {Phase.TOP, Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE}
)
_ABOUT_THE_MACHINE = frozenset({"check_exercise"})
"""Corrections that are said to somebody who is not in position: who does another exercise never is in that of this one."""
LONGEST_REQUEST = 200
"""Characters of a sentence said by request."""


class Orchestrator:
    """Turns what scoring says into cues, one at a time.

    All times are integer nanoseconds. `now_ns` is the caller's clock and must be that of the frames' stamps,
    so that the age of a fault is known. Within one frame, faults are best given before the form state: when
    that (or a `tick`) comes, one of them is chosen. `tick` should be called some twenty times a second.

    No method raises because of what a message holds; what cannot be used is dropped with the reason.
    """

    def __init__(self, phrasebook: PhraseBook, settings: CoachingSettings | None = None) -> None:
        self._book = phrasebook
        self._settings = settings or CoachingSettings()
        self._wording = Wording(phrasebook)
        self._memory = SetMemory(self._settings)
        self._waiting: list[Waiting] = []
        self._speaking: Cue | None = None
        self._silence_until_ns = 0
        self._now_ns = 0
        self._form: FormState | None = None
        self._form_now_ns = 0
        self._set_id = ""
        self._summarised = ""
        self._cues = 0

    def on_form(self, form: FormState, now_ns: int) -> list[Decision]:
        """A frame was scored. Older frames than the newest are ignored, unless time began anew."""
        decisions = self._advance(now_ns)
        newest = self._form
        if newest is not None and form.stamp_ns < newest.stamp_ns:
            if newest.stamp_ns - form.stamp_ns <= _ns(self._settings.max_fault_age_s):
                return decisions
            decisions += self._new_set("the frames began anew")
        elif newest is not None and form.exercise != newest.exercise:
            decisions += self._new_set("another exercise was selected")
        self._form, self._form_now_ns = form, now_ns
        self._memory.frame(form)
        return decisions + self._release()

    def on_fault(self, fault: Fault, now_ns: int) -> list[Decision]:
        """A fault was raised. Danger is answered here; all else when its moment comes."""
        decisions = self._advance(now_ns)
        problem = self._why_unsayable(fault)
        if problem:
            return [*decisions, self._decision(Outcome.DROPPED, str(fault.id), problem, fault.stamp_ns)]
        fact = fact_from(fault)
        movement = self._memory.movement_of(fault)
        fact = replace(fact, trend=self._memory.raised(fault, fact.magnitude))
        if fault.severity == Severity.DANGER:
            return decisions + self._on_danger(fault, fact, movement)
        problem = self._memory.why_silent(fault.name, movement)
        if problem:
            return [*decisions, self._decision(Outcome.DROPPED, fault.id, problem, fault.stamp_ns)]
        expires_ns = self._now_ns + _ns(self._settings.hold_s)
        decisions += self._wait(Waiting.for_fault(CueKind.CORRECTION, fault, fact, movement, expires_ns))
        when = " or ".join(phase.name.lower() for phase in fault.say_in) or "the next frame"
        return [*decisions, self._decision(Outcome.HELD, fault.id, f"waits for {when}", fault.stamp_ns)]

    def on_repetition(self, repetition: Repetition, now_ns: int) -> list[Decision]:
        """A movement ended, counted or not."""
        decisions = self._advance(now_ns)
        if repetition.status == RepetitionStatus.SETUP:
            return decisions
        fixed = self._memory.finished(repetition)
        sound = repetition.status == RepetitionStatus.VALID and not self._is_late(repetition.end_ns)
        if sound and not self._memory.stopped:
            if self._settings.praise:
                decisions += self._praise([known for known in fixed if not known.praised], repetition)
            if self._settings.counting:
                decisions += self._count(repetition)
        return decisions + self._release()

    def on_set(self, summary: SetSummary, now_ns: int) -> list[Decision]:
        """A set is under way or over. Its summary is said once."""
        decisions = self._advance(now_ns)
        if not summary.set_id or summary.set_id == self._summarised:
            return decisions
        if summary.active:
            if self._set_id and summary.set_id != self._set_id:
                decisions += self._new_set("a new set began")
            self._set_id = summary.set_id
            return decisions + self._release()
        known = self._memory.faults if self._set_id in ("", summary.set_id) else {}
        stopped = self._memory.stopped
        decisions += self._new_set("the set is over")
        self._summarised = summary.set_id
        if self._settings.summary:
            said, screen, problem = summary_text(self._wording, summary, known, stopped)
            if problem:
                decisions.append(self._decision(Outcome.DROPPED, f"summary/{summary.set_id}", problem))
            else:
                subject = f"summary/{summary.set_id}"
                self._waiting.append(
                    self._announcement(CueKind.SUMMARY, subject, said, screen, "the set is over")
                )
        return decisions + self._release()

    def on_effort(self, news: EffortNews, now_ns: int) -> list[Decision]:
        """How hard it is; said once a set, "rack it" at once and "last one" between two repetitions."""
        decisions = self._advance(now_ns)
        if news.call == EffortCall.NONE:
            return decisions + self._release()
        problem = self._why_no_effort(news)
        words = news.words(self._book)
        if problem or words is None:
            problem = problem or f"the {self._book.language} phrase book has no words for it"
            return [*decisions, self._decision(Outcome.DROPPED, news.subject, problem, news.stamp_ns)]
        urgent = news.call == EffortCall.RACK_IT
        hold_s = self._settings.danger_repeat_s if urgent else self._settings.praise_hold_s
        text = self._wording.order(words)
        waiting = news.waiting(text, words.screen, self._now_ns + _ns(hold_s))
        if urgent and not self._is_warning():
            return decisions + self._speak(waiting)
        self._waiting.append(waiting)
        when = "another warning" if urgent else "the end of the repetition"
        held = self._decision(Outcome.HELD, news.subject, f"waits for {when}", news.stamp_ns)
        return [*decisions, held, *self._release()]

    def on_speech(self, cue_id: str, status: SpeechStatus | int, now_ns: int) -> list[Decision]:
        """The speaker reports on a cue; a cue that was not heard to its end counts as not said."""
        decisions = self._advance(now_ns)
        if status in (SpeechStatus.INTERRUPTED, SpeechStatus.EXPIRED, SpeechStatus.FAILED):
            self._memory.unsaid(cue_id)
            if status != SpeechStatus.INTERRUPTED:
                reason = f"the speaker reports {SpeechStatus(status).name.lower()}"
                decisions.append(self._decision(Outcome.DROPPED, cue_id, reason))
        elif status != SpeechStatus.FINISHED:
            return decisions
        if self._speaking is not None and self._speaking.id == cue_id:
            self._fall_silent(now_ns)
        return decisions + self._release()

    def say(self, text: str, now_ns: int, interrupt: bool = False) -> list[Decision]:
        """A sentence by request of an integrator, not about a fault.

        It waits for silence; or interrupts what is being said, unless that is a warning.
        """
        decisions = self._advance(now_ns)
        subject = f"request/{self._cues + 1}"
        if not 0 < len(text.strip()) <= LONGEST_REQUEST:
            problem = f"a request has 1 to {LONGEST_REQUEST} characters"
            return [*decisions, self._decision(Outcome.DROPPED, subject, problem)]
        request = self._announcement(CueKind.SYSTEM, subject, text, text, "by request")
        if interrupt and not self._is_warning():
            return decisions + self._speak(request, INTERRUPTING)
        self._waiting.append(request)
        return decisions + self._release()

    def tick(self, now_ns: int) -> list[Decision]:
        """Time passed; to be called often, so that nothing depends on a message that does not come."""
        return self._advance(now_ns) + self._release()

    def _why_unsayable(self, fault: Fault) -> str:
        problem = why_unusable(fault)
        if problem:
            return problem
        if not self._settings.min_probability <= fault.probability <= 1.0:
            return f"probability {fault.probability:.2f}, needs {self._settings.min_probability:.2f} to 1"
        if self._is_late(fault.stamp_ns):
            return f"late: its frame is not within {self._settings.max_fault_age_s} s of now"
        if fault.correction not in self._book.corrections:
            return f"the {self._book.language} phrase book has no correction {fault.correction}"
        newer = self._form is None or fault.stamp_ns > self._form.stamp_ns
        phase = fault.phase if newer else self._phase()
        return (
            ""
            if phase in _speaking(fault.correction)
            else f"nothing is said in phase {Phase(phase).name.lower()}"
        )

    def _why_no_effort(self, news: EffortNews) -> str:
        if not self._settings.min_probability <= news.probability <= 1.0:
            return f"probability {news.probability:.2f}, needs {self._settings.min_probability:.2f} to 1"
        if self._is_late(news.stamp_ns):
            return f"late: it is not within {self._settings.max_fault_age_s} s of now"
        problem = news.why_silent(self._form.exercise if self._form else "", self._memory, self._waiting)
        if problem:
            return problem
        phase = self._phase()
        return "" if phase in _SPEAKING_PHASES else f"nothing is said in phase {Phase(phase).name.lower()}"

    def _on_danger(self, fault: Fault, fact: CueFact, movement: int) -> list[Decision]:
        known = self._memory.faults[fault.name]
        repeat_ns = _ns(self._settings.danger_repeat_s)
        if known.warned_ns is not None and self._now_ns - known.warned_ns < repeat_ns:
            return [self._decision(Outcome.DROPPED, fault.id, "warned a moment ago", fault.stamp_ns)]
        waiting = Waiting.for_fault(CueKind.DANGER, fault, fact, movement, self._now_ns + repeat_ns)
        if self._is_warning():
            decisions = self._wait(waiting)
            return [*decisions, self._decision(Outcome.HELD, fault.id, "waits for another warning")]
        return self._speak(waiting)

    def _praise(self, fixed: list[FaultMemory], repetition: Repetition) -> list[Decision]:
        if not fixed:
            return []
        known = fixed[0]
        known.praised = True
        return self._wait(
            Waiting.for_repetition(
                CueKind.PRAISE,
                f"praise/{known.name}",
                f"{known.name} was corrected",
                repetition,
                self._now_ns + _ns(self._settings.praise_hold_s),
                fact=fact_from(known.last_fault),
            )
        )

    def _count(self, repetition: Repetition) -> list[Decision]:
        n = repetition.number
        if not 1 <= n <= len(self._book.numbers):
            return []
        expires_ns = self._now_ns + _ns(self._settings.count_hold_s)
        reason, words = f"repetition {n} is valid", self._book.number(n)
        return self._wait(
            Waiting.for_repetition(CueKind.COUNT, f"count/{n}", reason, repetition, expires_ns, words)
        )

    def _announcement(self, kind: CueKind, subject: str, text: str, screen: str, reason: str) -> Waiting:
        expires_ns = self._now_ns + _ns(self._settings.summary_hold_s)
        return Waiting.announcement(kind, subject, self._form, expires_ns, reason, text, screen)

    def _wait(self, waiting: Waiting) -> list[Decision]:
        """Queue it. The same fault of the same movement is one cue; one of an older movement is replaced."""
        for index, other in enumerate(self._waiting):
            if not other.same_fault(waiting):
                continue
            if other.movement == waiting.movement:
                self._waiting[index] = other.merged(waiting)
                return []
            self._waiting[index] = waiting
            return [self._decision(Outcome.DROPPED, other.subject, "raised again", other.stamp_ns)]
        self._waiting.append(waiting)
        return []

    def _release(self) -> list[Decision]:
        """Say what may be said now, at most one thing."""
        decisions: list[Decision] = []
        worse_waits = False
        for waiting in sorted(self._waiting, key=lambda one: one.order):
            is_correction = waiting.kind == CueKind.CORRECTION
            problem = self._why_overruled(waiting)
            if problem:
                self._waiting.remove(waiting)
                decisions.append(self._decision(Outcome.DROPPED, waiting.subject, problem, waiting.stamp_ns))
                continue
            # A lesser fault would take the one correction of this repetition from a worse one that waits.
            overruled = is_correction and (worse_waits or bool(self._why_off_theme(waiting)))
            worse_waits |= is_correction and not overruled
            if not overruled and self._may_speak(waiting):
                self._waiting.remove(waiting)
                decisions += self._speak(waiting)
        return decisions

    def _why_overruled(self, waiting: Waiting) -> str:
        if waiting.kind != CueKind.CORRECTION:
            return ""
        if waiting.fact is None:
            return "the lifter was told to stop" if self._memory.stopped else ""
        problem = self._memory.why_silent(waiting.fact.fault, waiting.movement)
        if not problem and self._phase() in (waiting.phases or _SPEAKING_PHASES):
            problem = self._why_off_theme(waiting)
        return problem

    def _why_off_theme(self, waiting: Waiting) -> str:
        fact = waiting.fact
        return self._memory.why_off_theme(fact.fault, fact.severity) if fact else ""

    def _may_speak(self, waiting: Waiting) -> bool:
        if self._speaking is not None:
            return False
        if waiting.kind != CueKind.DANGER and self._now_ns < self._silence_until_ns:
            return False
        if waiting.kind in (CueKind.SUMMARY, CueKind.SYSTEM):
            return True
        phase = self._phase()
        speaking = _speaking(waiting.fact.correction) if waiting.fact else _SPEAKING_PHASES
        return phase in speaking and (not waiting.phases or phase in waiting.phases)

    def _speak(self, waiting: Waiting, priority: int | None = None) -> list[Decision]:
        self._cues += 1
        cue_id = f"cue/{self._cues}"
        text, screen, problem = waiting.text, waiting.screen_text, ""
        stop = self._must_stop(waiting)
        if stop:
            text, screen = self._wording.stop(), self._book.stop.screen
        elif waiting.fact is not None:
            worded = self._wording.praise if waiting.kind == CueKind.PRAISE else self._wording.correction
            text, problem = worded(waiting.fact)
            screen = self._wording.screen(waiting.fact)
        if problem:
            return [self._decision(Outcome.DROPPED, waiting.subject, problem, waiting.stamp_ns)]
        fact = waiting.fact
        cue = Cue(
            id=cue_id,
            kind=waiting.kind,
            priority=waiting.priority if priority is None else priority,
            text=text,
            screen_text=screen,
            language=self._book.language,
            body_id=waiting.body_id,
            exercise=waiting.exercise,
            repetition=waiting.repetition,
            body_part=fact.body_part if fact and not stop else "",
            correction=fact.correction if fact and not stop else "",
            fault_ids=waiting.fault_ids,
            fault_stamp_ns=waiting.stamp_ns if waiting.fault_ids else 0,
            trigger_stamp_ns=max(waiting.stamp_ns, self._form.stamp_ns if self._form else 0),
            created_ns=self._now_ns,
            expires_ns=self._now_ns + _ns(self._start_within_s(waiting.kind)),
            reason=waiting.reason,
            fact=fact,
        )
        self._speaking = cue
        if waiting.effort:
            self._memory.efforts[waiting.effort] = cue_id
            self._memory.stopped |= waiting.effort == EffortCall.RACK_IT
        if fact is not None and waiting.kind in (CueKind.CORRECTION, CueKind.DANGER):
            is_theme = waiting.kind == CueKind.CORRECTION
            self._memory.said(
                fact.fault, waiting.movement, cue_id, cue.trigger_stamp_ns, self._phase(), is_theme=is_theme
            )
            if not is_theme:
                known = self._memory.faults[fact.fault]
                known.warnings, known.warned_ns = known.warnings + 1, self._now_ns
                self._memory.stopped |= stop
        return [self._decision(Outcome.SPOKEN, waiting.subject, waiting.reason, cue.trigger_stamp_ns, cue)]

    def _start_within_s(self, kind: CueKind) -> float:
        # What was not known before the set has to be synthesised first.
        unprepared = kind in (CueKind.SUMMARY, CueKind.SYSTEM)
        return self._settings.summary_hold_s if unprepared else self._settings.start_within_s

    def _is_warning(self) -> bool:
        """Whether a danger is being spoken of: nothing interrupts that."""
        return self._speaking is not None and self._speaking.kind == CueKind.DANGER

    def _must_stop(self, waiting: Waiting) -> bool:
        """Whether a warning is not enough, or would contradict what was just said."""
        if waiting.kind != CueKind.DANGER or waiting.fact is None:
            return False
        warned_enough = self._memory.faults[waiting.fact.fault].warnings >= self._settings.danger_stop_after
        contradicts = self._memory.contradicted(waiting.fact.correction, waiting.movement)
        return self._memory.stopped or warned_enough or contradicts

    def _advance(self, now_ns: int) -> list[Decision]:
        """Let time pass: late things are dropped, and a cue whose end was never reported is over."""
        if now_ns < self._now_ns:
            decisions = self._new_set("the clock went back")
            self._speaking, self._form, self._silence_until_ns = None, None, 0
            self._now_ns = now_ns
            return decisions
        self._now_ns = now_ns
        if self._speaking is not None:
            over_ns = self._speaking.created_ns + _ns(self._settings.longest_cue_s)
            if now_ns >= over_ns:
                self._fall_silent(over_ns)
        late = [waiting for waiting in self._waiting if now_ns > waiting.expires_ns]
        self._waiting = [waiting for waiting in self._waiting if now_ns <= waiting.expires_ns]
        reason = "late: its moment did not come in time"
        return [self._decision(Outcome.DROPPED, one.subject, reason, one.stamp_ns) for one in late]

    def _fall_silent(self, since_ns: int) -> None:
        # A counted number is so short that a correction need not wait after it.
        if self._speaking is not None and self._speaking.kind != CueKind.COUNT:
            self._silence_until_ns = since_ns + _ns(self._settings.gap_s)
        self._speaking = None

    def _new_set(self, reason: str) -> list[Decision]:
        gone = [one for one in self._waiting if one.kind not in (CueKind.SUMMARY, CueKind.SYSTEM)]
        self._waiting = [one for one in self._waiting if one not in gone]
        self._memory = SetMemory(self._settings)
        self._set_id = ""
        return [self._decision(Outcome.DROPPED, one.subject, reason, one.stamp_ns) for one in gone]

    def _phase(self) -> Phase:
        """The phase now; unknown when the last form state is too old to tell."""
        if self._form is None or self._now_ns - self._form_now_ns > _ns(self._settings.max_fault_age_s):
            return Phase.UNKNOWN
        return self._form.phase

    def _is_late(self, stamp_ns: int) -> bool:
        """Whether a frame is not of now: too old, or from a clock that is not the caller's."""
        return abs(self._now_ns - stamp_ns) > _ns(self._settings.max_fault_age_s)

    def _decision(
        self, outcome: Outcome, subject: str, reason: str, stamp_ns: int = 0, cue: Cue | None = None
    ) -> Decision:
        stamp_ns = stamp_ns or (self._form.stamp_ns if self._form else 0)
        return Decision(outcome, subject, reason, stamp_ns, self._now_ns, cue)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _speaking(correction: str) -> frozenset[Phase]:
    """Phases in which a correction may be said."""
    return _SPEAKING_PHASES | {Phase.SETUP} if correction in _ABOUT_THE_MACHINE else _SPEAKING_PHASES
