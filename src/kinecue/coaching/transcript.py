"""What was said in a set, when and why, for a person to read: of a replay, line by line, or as data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kinecue.coaching.cue import CueKind, Decision, Outcome, SpeechStatus
from kinecue.coaching.effort_news import EffortCall, EffortNews
from kinecue.coaching.facts import FORCE_UNITS, CueFact, shown
from kinecue.coaching.machine_news import LoadNews
from kinecue.coaching.recorded import Event, RecordedSet
from kinecue.coaching.replay import Replay, Utterance
from kinecue.exercise.results import Fault, Repetition, RepetitionStatus, SetSummary

_S = 1e-9
_HEARD = (SpeechStatus.FINISHED, SpeechStatus.STARTED, SpeechStatus.INTERRUPTED)


@dataclass(frozen=True)
class Line:
    """One thing that happened.

    Attributes:
        time_s: since the first frame of the set; of a cue, when its first sample sounded.
        event: ``repetition``, ``fault``, ``effort``, ``load``, ``set``, ``said``, ``not said`` (a cue that the speaker
            dropped), ``held`` or ``dropped``.
        subject: fault id, cue id, or what else it is about.
        words: spoken text, or what happened in words.
        reason: why; empty where nothing was decided.
        details: the same as data.
    """

    time_s: float
    event: str
    subject: str
    words: str
    reason: str
    details: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "time_s": round(self.time_s, 3),
            "event": self.event,
            "subject": self.subject,
            "words": self.words,
            "reason": self.reason,
            **self.details,
        }


@dataclass(frozen=True)
class Transcript:
    """A coached set.

    Attributes:
        source, exercise, language, duration_s: of the set.
        notes: what a person should know of it.
        lines: in the order of time.
    """

    source: str
    exercise: str
    language: str
    duration_s: float
    notes: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def said(self) -> tuple[Line, ...]:
        """What was heard."""
        return tuple(line for line in self.lines if line.event == "said")

    def as_dict(self) -> dict[str, Any]:
        """For JSON: SI units, times in seconds since the first frame."""
        return {
            "source": self.source,
            "exercise": self.exercise,
            "language": self.language,
            "duration_s": round(self.duration_s, 3),
            "notes": list(self.notes),
            "lines": [line.as_dict() for line in self.lines],
        }

    def text(self, everything: bool = False) -> str:
        """To be read; with `everything` also what was held and dropped, with the reasons."""
        rows = [line for line in self.lines if everything or line.event not in ("held", "dropped")]
        return "\n".join(line_text(line) for line in rows) + ("\n" if rows else "")


def line_text(line: Line) -> str:
    """One line of a transcript, for a person."""
    minutes, seconds = divmod(abs(line.time_s), 60.0)
    clock = f"{'-' if line.time_s < 0.0 else ''}{minutes:.0f}:{seconds:04.1f}"
    if line.event == "said":
        cut = " -- cut off" if line.details["status"] == "interrupted" else ""
        kind = line.details["kind"]
        why = line.reason if line.reason.startswith(f"{kind}:") else f"{kind}: {line.reason}"
        return f"{clock}  COACH  “{line.words}”{cut}   [{why}]"
    if line.event == "not said":
        return f"{clock}         (not heard: “{line.words}”, {line.reason})"
    if line.event in ("held", "dropped"):
        return f"{clock}           {line.event}: {line.subject}: {line.reason}"
    return f"{clock}         {line.words}"


def transcript(recorded: RecordedSet, played: Replay, language: str) -> Transcript:
    """What became of a set that was replayed."""

    def seconds(ns: int) -> float:
        return (ns - recorded.start_ns) * _S

    lines = [
        line
        for event in recorded.events
        if (line := _happened(event.what, seconds(event.at_ns), seconds)) is not None
    ]
    lines += [_cue_line(utterance, seconds) for utterance in played.speaker.utterances]
    lines += _decision_lines(played.decisions, seconds)
    order = {"repetition": 0, "fault": 1, "effort": 1, "set": 2, "held": 3, "dropped": 3}
    lines.sort(key=lambda line: (line.time_s, order.get(line.event, 4)))
    return Transcript(
        recorded.source, recorded.exercise, language, recorded.duration_s, recorded.notes, tuple(lines)
    )


def _happened(what: Event, time_s: float, seconds: Callable[[int], float]) -> Line | None:
    if isinstance(what, Repetition):
        return _repetition(what, time_s, seconds)
    if isinstance(what, Fault):
        return _fault(what, time_s)
    if isinstance(what, SetSummary):
        if what.active:
            return None
        words = f"set over, {what.counted} counted"
        return Line(time_s, "set", what.set_id, words, "", {"counted": what.counted})
    if isinstance(what, LoadNews):
        call = what.call.name.lower() if what.call is not None else "none"
        return Line(time_s, "load", f"load/{what.set_id}", f"advice on the load: {call}", "", {"call": call})
    if not isinstance(what, EffortNews) or what.call == EffortCall.NONE:
        return None
    call = what.call.name.lower()
    return Line(time_s, "effort", what.subject, f"effort calls for: {call}", what.reason, {"call": call})


def _repetition(what: Repetition, time_s: float, seconds: Callable[[int], float]) -> Line | None:
    if what.status == RepetitionStatus.SETUP:
        return None
    valid = what.status == RepetitionStatus.VALID
    faults = f", with {', '.join(what.faults)}" if what.faults else ""
    words = (
        f"repetition {what.number}{faults}" if valid else f"not counted: {what.status.name.lower()}{faults}"
    )
    details = {
        "number": what.number,
        "status": what.status.name.lower(),
        "start_s": round(seconds(what.start_ns), 3),
        "end_s": round(seconds(what.end_ns), 3),
        "d": round(what.d, 3) if math.isfinite(what.d) else None,
        "faults": list(what.faults),
    }
    return Line(time_s, "repetition", f"repetition/{what.number}", words, "", details)


def _fault(what: Fault, time_s: float) -> Line:
    details: dict[str, Any] = {
        "name": what.name,
        "severity": what.severity.name.lower(),
        "side": what.side.name.lower(),
        "phase": what.phase.name.lower(),
        "repetition": what.repetition,
        "probability": round(what.probability, 3),
        "correction": what.correction,
    }
    measured = ""
    if what.measured.usable and math.isfinite(what.limit):
        value, unit = shown(what.measured.value, what.unit)
        if unit != what.unit or unit in FORCE_UNITS:  # one that a person would say
            measured = f", {what.feature} {value} against {shown(what.limit, what.unit)[0]} {unit}"
        details |= {
            "feature": what.feature,
            "measured": what.measured.value,
            "limit": what.limit,
            "unit": what.unit,
        }
    words = f"seen: {what.name} ({what.severity.name.lower()}, {what.phase.name.lower()}{measured})"
    return Line(time_s, "fault", what.id, words, "", details)


def _cue_line(utterance: Utterance, seconds: Callable[[int], float]) -> Line:
    cue, heard = utterance.cue, utterance.status in _HEARD
    at = utterance.started_ns if heard else cue.created_ns
    details: dict[str, Any] = {
        "kind": CueKind(cue.kind).name.lower(),
        "priority": cue.priority,
        "screen": cue.screen_text,
        "repetition": cue.repetition,
        "body_part": cue.body_part,
        "correction": cue.correction,
        "status": utterance.status.name.lower(),
        "decided_s": round(seconds(cue.created_ns), 3),
        "ended_s": round(seconds(utterance.ended_ns), 3) if heard else None,
        "after_fault_s": round((at - cue.fault_stamp_ns) * _S, 3) if cue.fault_stamp_ns else None,
        "fault_ids": list(cue.fault_ids),
        "fact": _fact(cue.fact),
    }
    reason = cue.reason if heard else utterance.status.name.lower()
    return Line(seconds(at), "said" if heard else "not said", cue.id, cue.text, reason, details)


def _fact(fact: CueFact | None) -> dict[str, Any] | None:
    return None if fact is None else fact.as_dict()


def _decision_lines(decisions: Iterable[Decision], seconds: Callable[[int], float]) -> list[Line]:
    return [
        Line(seconds(one.now_ns), one.outcome.name.lower(), one.subject, "", one.reason, {})
        for one in decisions
        if one.outcome != Outcome.SPOKEN
    ]
