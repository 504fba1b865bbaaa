"""A recorded set coached again: what scoring said then, an orchestrator of now, and a clock of the replay's own.

Nothing here waits: the replay steps from event to event, ticks the orchestrator in between as the node does, and plays
its cues to a speaker of which only the durations are known. The same set, settings and durations give the same
transcript.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kinecue.coaching.cue import Cue, Decision, SpeechStatus
from kinecue.coaching.effort_news import EffortNews
from kinecue.coaching.machine_news import LoadNews
from kinecue.coaching.orchestrator import Orchestrator
from kinecue.coaching.recorded import Recorded, RecordedSet
from kinecue.exercise.results import Fault, FormState, Repetition, SetSummary

_S = 1_000_000_000
TICK_NS = 50_000_000
"""As often as the orchestrator node ticks."""
SECONDS_PER_LETTER, SECONDS_PER_PHRASE = 0.063, 0.22
"""Fitted to the cues of the English book as piper's voice and flite say them (bench/coaching_sets.py --durations)."""
AFTER_S = 12.0
"""How long after the last event the coach may still speak: a summary waits for silence and takes its time."""

Duration = Callable[[str], float]
"""Seconds that a sentence takes to say."""


def estimated_duration(text: str) -> float:
    """Seconds that a sentence takes, of its letters alone; good to a fifth for a cue of the book."""
    return SECONDS_PER_PHRASE + SECONDS_PER_LETTER * sum(char.isalnum() for char in text)


@dataclass
class Utterance:
    """A cue as it was heard; times in ns, 0 = did not happen."""

    cue: Cue
    started_ns: int = 0
    ended_ns: int = 0
    status: SpeechStatus = SpeechStatus.QUEUED


class ReplaySpeaker:
    """What the speech node does with cues, in the clock of the replay: one at a time, a warning interrupts, late is late.

    Args:
        duration_s: of a sentence.
        latency_s: from the cue to its first sample.
        pause_s: of silence between two utterances in a row.
    """

    def __init__(
        self, duration_s: Duration = estimated_duration, latency_s: float = 0.03, pause_s: float = 0.5
    ) -> None:
        self._duration_s, self._latency_ns, self._pause_ns = duration_s, _ns(latency_s), _ns(pause_s)
        self._current: Utterance | None = None
        self._waiting: list[Utterance] = []
        self._free_ns = 0
        self.utterances: list[Utterance] = []

    def take(self, cue: Cue) -> None:
        """A cue to be said; what interrupts goes first."""
        utterance = Utterance(cue)
        self.utterances.append(utterance)
        if cue.interrupts:
            self._waiting.insert(0, utterance)
        else:
            self._waiting.append(utterance)

    @property
    def next_ns(self) -> int | None:
        """When something will become of a cue; None if there is none."""
        times = [] if self._current is None else [self._current.ended_ns]
        if self._waiting:
            times.append(self._turn_ns(self._waiting[0]))
        return min(times, default=None)

    def step(self) -> tuple[int, list[tuple[str, SpeechStatus]]]:
        """What happens at `next_ns`: the time, and what became of which cues. Only while `next_ns` is not None."""
        now = self.next_ns
        if now is None:
            raise ValueError("nothing is said or waits")
        current = self._current
        if current is not None and current.ended_ns <= now:
            return now, [self._end(current, SpeechStatus.FINISHED, now)]
        first = self._waiting.pop(0)
        if now > first.cue.expires_ns:
            first.status = SpeechStatus.EXPIRED
            return now, [(first.cue.id, SpeechStatus.EXPIRED)]
        news = [] if current is None else [self._end(current, SpeechStatus.INTERRUPTED, now)]
        first.started_ns, first.status = now, SpeechStatus.STARTED
        first.ended_ns = now + max(_ns(self._duration_s(first.cue.text)), 1)
        self._current = first
        return now, [*news, (first.cue.id, SpeechStatus.STARTED)]

    def _turn_ns(self, first: Utterance) -> int:
        asked = first.cue.created_ns + self._latency_ns
        if first.cue.interrupts:
            if self._current is None or self._current.cue.priority <= first.cue.priority:
                return asked
            return max(asked, self._current.ended_ns)
        busy = self._free_ns if self._current is None else self._current.ended_ns + self._pause_ns
        return max(asked, busy)

    def _end(self, current: Utterance, status: SpeechStatus, now: int) -> tuple[str, SpeechStatus]:
        current.status, current.ended_ns = status, now
        self._free_ns = now + self._pause_ns
        self._current = None
        return current.cue.id, status


class Replay:
    """Plays what was recorded into an orchestrator. Step by step, so that somebody who listens may answer to a cue.

    Args:
        coach: fresh; everything that it decides is kept in `decisions`.
        speaker: says its cues.
    """

    def __init__(self, coach: Orchestrator, speaker: ReplaySpeaker | None = None) -> None:
        self.coach = coach
        self.speaker = speaker or ReplaySpeaker()
        self.decisions: list[Decision] = []
        self._now_ns: int | None = None

    @property
    def now_ns(self) -> int:
        """Of the replay; 0 before the first event."""
        return self._now_ns or 0

    def play(self, recorded: Recorded) -> None:
        """Let time pass until something happened, and tell the coach."""
        self.advance(recorded.at_ns)
        what, now = recorded.what, self.now_ns
        if isinstance(what, FormState):
            self._take(self.coach.on_form(what, now))
        elif isinstance(what, Fault):
            self._take(self.coach.on_fault(what, now))
        elif isinstance(what, Repetition):
            self._take(self.coach.on_repetition(what, now))
        elif isinstance(what, SetSummary):
            self._take(self.coach.on_set(what, now))
        elif isinstance(what, EffortNews):
            self._take(self.coach.on_effort(what, now))
        elif isinstance(what, LoadNews):
            self._take(self.coach.on_load_advice(what, now))
        else:
            self._take(self.coach.on_machine(what.fault, now))

    def advance(self, until_ns: int) -> None:
        """Let time pass: the speaker speaks, the coach is ticked. An earlier time than now changes nothing."""
        if self._now_ns is None:
            self._now_ns = until_ns
            return
        while self._now_ns < until_ns:
            tick = min(self._now_ns + TICK_NS, until_ns)
            spoken = self.speaker.next_ns
            if spoken is not None and spoken <= tick:
                at, news = self.speaker.step()
                self._now_ns = max(at, self._now_ns)
                for cue_id, status in news:
                    self._take(self.coach.on_speech(cue_id, status, self._now_ns))
                continue
            self._now_ns = tick
            self._take(self.coach.tick(tick))

    def finish(self, after_s: float = AFTER_S) -> None:
        """Let the coach say what it still has to say."""
        until = self.now_ns + _ns(after_s)
        while self.now_ns < until:
            self.advance(min(self.now_ns + TICK_NS, until))

    def _take(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            self.decisions.append(decision)
            if decision.cue is not None:
                self.speaker.take(decision.cue)


def replay(recorded: RecordedSet, coach: Orchestrator, speaker: ReplaySpeaker | None = None) -> Replay:
    """The whole set, and what the coach says after it."""
    played = Replay(coach, speaker)
    for event in recorded.events:
        played.play(event)
    played.finish()
    return played


def _ns(seconds: float) -> int:
    return round(seconds * _S) if math.isfinite(seconds) else 0
