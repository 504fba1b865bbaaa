"""What people read: names, numbers with their units, reasons."""

from __future__ import annotations

import math

from kinecue.body.measurement import Reason
from kinecue.exercise import Phase, Repetition, RepetitionReason, RepetitionStatus, Severity, Side

PHASES = {
    Phase.UNKNOWN: "not seen",
    Phase.SETUP: "getting into position",
    Phase.TOP: "start position",
    Phase.ECCENTRIC: "lowering",
    Phase.BOTTOM: "turning point",
    Phase.CONCENTRIC: "lifting",
    Phase.HOLD: "holding",
    Phase.STAGE: "stage",
    Phase.REST: "rest",
}
REASONS = {
    Reason.NONE: "",
    Reason.OCCLUDED: "hidden from the camera",
    Reason.OUT_OF_FRAME: "outside the picture",
    Reason.VIEW: "cannot be seen from this side",
    Reason.NOT_CALIBRATED: "the person has not been measured",
    Reason.NO_SENSOR: "needs a sensor that is not there",
    Reason.UNCERTAIN: "measured too coarsely to tell",
    Reason.NO_PERSON: "nobody in sight",
    Reason.STALE: "the measurement is too old",
    Reason.UNSUPPORTED: "the recording does not hold these joints",
}
SEVERITIES = {
    Severity.STYLE: "style",
    Severity.EFFICIENCY: "efficiency",
    Severity.RISK: "risk",
    Severity.DANGER: "danger",
}
_WHY = {
    "NONE": "",
    "RANGE_TOO_SMALL": "turned round too early",
    "NO_LOCKOUT": "did not come back to the start position",
    "TOO_FAST": "quicker than a person moves: a tracking error",
    "TOO_SLOW": "took too long",
    "PERSON_LOST": "the person was lost from sight",
    "NOT_IN_POSITION": "left the position",
    "UNCERTAIN": "could not be measured well enough",
    "STAGE_MISSING": "a stage was left out",
    "TOO_SHORT": "was not held for long enough",
}
_STATUS = {
    RepetitionStatus.VALID: "counted",
    RepetitionStatus.PARTIAL: "partial",
    RepetitionStatus.FAILED: "failed",
    RepetitionStatus.ABANDONED: "broken off",
    RepetitionStatus.SETUP: "getting into position",
}
_UNITS = {"rad": "°", "1": "", "m": " cm", "m/s": " m/s", "s": " s"}


def plain(name: str) -> str:
    """A key as words: ``knees_in`` is "knees in"."""
    return name.replace("_", " ")


def status(repetition: Repetition) -> str:
    """What became of a movement."""
    return _STATUS[repetition.status]


def why(reason: RepetitionReason) -> str:
    """Why a movement was not counted."""
    return _WHY.get(reason.name, plain(reason.name.lower()))


def side(value: Side) -> str:
    """``left``, ``right`` or nothing."""
    return {Side.LEFT: "left", Side.RIGHT: "right"}.get(value, "")


def shown(value: float, unit: str) -> float:
    """A number in the unit in which people read it: degrees, centimetres."""
    return math.degrees(value) if unit == "rad" else 100.0 * value if unit == "m" else value


def number(value: float, unit: str, digits: int | None = None) -> str:
    """With its unit; a dash for nothing."""
    if not math.isfinite(value):
        return "-"
    places = digits if digits is not None else (2 if unit in ("1", "m/s") else 0 if unit == "rad" else 1)
    return f"{shown(value, unit):.{places}f}{_UNITS.get(unit, ' ' + unit)}"


def unit_word(unit: str) -> str:
    """The unit in which people read it."""
    return {"rad": "degrees", "m": "cm", "1": "ratio"}.get(unit, unit)


def seconds(value: float) -> str:
    """A time as people write it."""
    if not math.isfinite(value):
        return "-"
    minutes, rest = divmod(value, 60.0)
    return f"{int(minutes)}:{rest:04.1f}" if minutes else f"{rest:.1f} s"
