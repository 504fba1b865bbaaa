"""The JSON of ``kinecue analyze`` as a set that can be coached again.

It has no frames: where the lifter was is put together from the phases of the repetitions, and of faults that could not be
judged only the share is known. What the exercise file says of a fault is taken from the file of now.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

from kinecue.body.measurement import Measurement, Reason
from kinecue.coaching.recorded import DELAY_NS, Event, Recorded, RecordedSet
from kinecue.exercise import ExerciseModel, find_exercise
from kinecue.exercise import results as r
from kinecue.recordings import RecordingError

_FRAME_S = 0.05
_BODY = "a"
_BEFORE_S = 1.0
"""How long somebody is taken to stand ready before a repetition that follows a rest."""
_Enum = TypeVar("_Enum", bound=IntEnum)


def is_analysis(data: dict[str, Any]) -> bool:
    """Whether it is such a document."""
    return isinstance(data.get("format"), int) and "repetitions" in data and "kinecue" in data


def analysed_set(data: dict[str, Any], path: Path, exercise_dir: Path | None = None) -> RecordedSet:
    """The set of a document.

    Args:
        data: the document.
        path: of it, for errors.
        exercise_dir: folder of exercise files; None = the package's.

    Raises:
        KineCueError: nothing was scored, a field is missing or wrong, or the exercise has no file.
    """
    exercise = data.get("exercise")
    if not isinstance(exercise, str) or not exercise:
        raise RecordingError(path, "exercise", "is null: the exercise was not recognised, nothing was scored")
    model = find_exercise(exercise, exercise_dir)
    try:
        repetitions = [_repetition(row, exercise, path) for row in data["repetitions"]]
        faults = [_fault(row, model, path, i) for i, row in enumerate(data["faults"])]
        hidden = {row["fault"]: (row["share"] or 0.0, row["reason"]) for row in data.get("abstentions", ())}
        end = _ns(data.get("duration_s") or 0.0)
        counted, status = int(data["counted"]), data.get("not_counted", {})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(path, "", f"is no analysis of a set: {type(error).__name__}: {error}") from error
    forms = _forms(repetitions, hidden, exercise, end, path)
    last = max([end, *(rep.end_ns for rep in repetitions), *(fault.stamp_ns for fault in faults)])
    summary = r.SetSummary(
        "set",
        _BODY,
        exercise,
        False,
        0,
        last,
        counted,
        {kind: int(status.get(kind.name.lower(), 0)) for kind in r.RepetitionStatus if kind.value},
        faults={name: sum(f.name == name for f in faults) for name in dict.fromkeys(f.name for f in faults)},
        abstained=tuple(
            r.Abstention(row["fault"], _named(Reason, row["reason"], path))
            for row in data.get("abstentions", ())
            if row.get("most_of_the_set")
        ),
    )
    told: list[tuple[int, int, Event]] = [(fault.stamp_ns, 0, fault) for fault in faults]
    told += [(rep.end_ns, 1, rep) for rep in repetitions]
    told += [(form.stamp_ns, 2, form) for form in forms]
    told.sort(key=lambda event: event[:2])
    events = [Recorded(at + DELAY_NS, what) for at, _, what in told]
    return RecordedSet(
        str(data.get("file") or path.name),
        exercise,
        0,
        (*events, Recorded(last + DELAY_NS, summary)),
        ("from an analysis: the frames between are put together from the phases",),
    )


def _repetition(row: dict[str, Any], exercise: str, path: Path) -> r.Repetition:
    tempo = row["tempo"]
    return r.Repetition(
        number=row["number"] or 0,
        status=_named(r.RepetitionStatus, row["status"], path),
        reason=_named(r.RepetitionReason, row["reason"], path),
        body_id=_BODY,
        exercise=exercise,
        start_ns=_ns(row["start_s"]),
        bottom_ns=_ns(row["bottom_s"] if row["bottom_s"] is not None else row["end_s"]),
        end_ns=_ns(row["end_s"]),
        range=_float(row["range"]),
        feature=row["peak"]["feature"],
        feature_peak=_measured(row["peak"]["value"], row["peak"]["std"]),
        unit=row["peak"]["unit"],
        eccentric_s=_float(tempo["eccentric_s"]),
        pause_s=_float(tempo["pause_s"]),
        concentric_s=_float(tempo["concentric_s"]),
        mean_speed=_float(row["mean_speed"]),
        peak_speed=_float(row["peak_speed"]),
        asymmetry=_measured(row["asymmetry"]["value"], row["asymmetry"]["std"]),
        d=_float(row["d"]),
        d_eccentric=_float(row["d_eccentric"]),
        d_concentric=_float(row["d_concentric"]),
        faults=tuple(row["faults"]),
        source=row["source"],
        side=_named(r.Side, row["side"], path),
        held_s=_float(tempo["held_s"]),
        phases=tuple(
            r.PhaseScore(
                _named(r.Phase, item["phase"], path),
                item["stage"] or "",
                _ns(item["start_s"]),
                _ns(item["end_s"]),
                _float(item["d"]),
            )
            for item in row["phases"]
        ),
    )


def _fault(row: dict[str, Any], model: ExerciseModel, path: Path, index: int) -> r.Fault:
    rule = model.faults.get(row["name"])
    return r.Fault(
        id=f"{model.name}/{row['repetition']}/{row['name']}/{index}",
        name=row["name"],
        stamp_ns=_ns(row["time_s"]),
        onset_ns=_ns(row["onset_s"] if row["onset_s"] is not None else row["time_s"]),
        body_id=_BODY,
        exercise=model.name,
        phase=_named(r.Phase, row["phase"], path),
        stage=row["stage"] or "",
        repetition=row["repetition"],
        side=_named(r.Side, row["side"], path),
        severity=_named(r.Severity, row["severity"], path),
        probability=_float(row["probability"]),
        magnitude=_float(row["magnitude"]),
        feature=row["feature"],
        measured=_measured(row["measured"], row["std"]),
        limit=_float(row["limit"]),
        unit=row["unit"],
        correction=row["correction"],
        body_part=row["body_part"],
        say_in=tuple(rule.say_in) if rule is not None else (),
        duration=_float(row["duration_s"]),
    )


def _forms(
    repetitions: list[r.Repetition],
    hidden: dict[str, tuple[float, str]],
    exercise: str,
    end_ns: int,
    path: Path,
) -> Iterable[r.FormState]:
    """A frame every `_FRAME_S`: in a repetition as its phases say, at the top between them.

    A fault that could not be judged in a share of the frames is abstained from in that share of every repetition.
    """
    last = max([end_ns, *(rep.end_ns for rep in repetitions)])
    step = _ns(_FRAME_S)
    counted = 0
    done = sorted(repetitions, key=lambda rep: rep.start_ns)
    number = 0
    for index, stamp in enumerate(range(0, last + 1, step)):
        while done and done[0].end_ns < stamp:
            counted = max(counted, done.pop(0).number)
        phase, stage = r.Phase.TOP, ""
        if done and done[0].start_ns <= stamp:
            number = max(number, counted + 1)
            phase, stage = _phase_at(done[0], stamp)
        elif not done or (stamp < done[0].start_ns - _ns(_BEFORE_S) and counted == 0):
            phase = r.Phase.REST if counted else r.Phase.SETUP
            if counted and stamp <= last - step:
                phase = r.Phase.TOP
        # spread evenly: the k-th frame of ten for a share of k tenths
        abstained = tuple(
            r.Abstention(name, _named(Reason, reason, path))
            for name, (share, reason) in hidden.items()
            if (index + 1) * share // 1 > index * share // 1
        )
        yield r.FormState(
            stamp, _BODY, exercise, phase, stage, math.nan, math.nan, math.nan, number, counted, math.nan,
            Reason.UNSUPPORTED, abstentions=abstained,
        )  # fmt: skip


def _phase_at(repetition: r.Repetition, stamp_ns: int) -> tuple[r.Phase, str]:
    for item in repetition.phases:
        if item.start_ns <= stamp_ns <= item.end_ns:
            return item.phase, item.stage
    return r.Phase.ECCENTRIC if stamp_ns < repetition.bottom_ns else r.Phase.CONCENTRIC, ""


def _named(kind: type[_Enum], name: str | None, path: Path) -> _Enum:
    try:
        return kind[(name or "none").upper()]
    except KeyError as error:
        allowed = ", ".join(member.name.lower() for member in kind)
        raise RecordingError(path, kind.__name__.lower(), f"is {name!r}, allowed: {allowed}") from error


def _measured(value: float | None, std: float | None) -> Measurement:
    if value is None:
        return Measurement.abstained(Reason.UNCERTAIN)
    return Measurement(float(value), _float(std))


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
