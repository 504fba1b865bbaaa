"""The structured fact behind a cue: what was measured against what, and which way to correct it.

A fact holds keys of our own files and numbers, nothing else. It is all that a language model ever gets to
see: no image, no name of a person, no free text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from enum import Enum

from kinecue.body.measurement import Reason
from kinecue.exercise.results import Fault, Phase, Severity, Side

_KEY = re.compile(r"[A-Za-z0-9_.\-]{1,80}")
_LARGEST = 1e6
FORCE_UNITS = ("N", "N m")
"""Of loads on the body."""
_UNIT = re.compile(r"[a-z0-9/]{1,6}|" + "|".join(FORCE_UNITS))


class Change(Enum):
    """Which way the measured feature has to go."""

    MORE = "more"
    LESS = "less"


class Trend(Enum):
    """The fault against the last time that it was raised in this set."""

    NEW = "new"
    SAME = "same"
    WORSE = "worse"
    BETTER = "better"


@dataclass(frozen=True)
class CueFact:
    """One measured fault.

    Attributes:
        exercise, fault, correction, body_part, feature: keys from the exercise file.
        phase, side, repetition: where it happened.
        measured, std, limit: what was measured against what, in `unit`.
        unit: ``rad``, ``m``, ``1``, ``s``, ``m/s``, ``N`` or ``N m``.
        change: which way the feature has to go to get inside the limit.
        severity: how much it matters.
        magnitude: how far outside, in tolerances.
        trend: against the last time in this set.
    """

    exercise: str
    fault: str
    correction: str
    body_part: str
    feature: str
    phase: Phase
    side: Side
    repetition: int
    measured: float
    std: float
    limit: float
    unit: str
    change: Change
    severity: Severity
    magnitude: float
    trend: Trend = Trend.NEW

    @property
    def numbers(self) -> frozenset[int]:
        """The whole numbers, in units that a person uses, that a sentence about this fact may name."""
        return frozenset(abs(shown(value, self.unit)[0]) for value in (self.measured, self.limit))

    def as_dict(self) -> dict[str, str | int]:
        """What a language model gets; angles in degrees, lengths in centimetres, for a person to read."""
        measured, unit = shown(self.measured, self.unit)
        return {
            "exercise": self.exercise,
            "fault": self.fault,
            "correction": self.correction,
            "body_part": self.body_part,
            "side": self.side.name.lower(),
            "phase": self.phase.name.lower(),
            "repetition": self.repetition,
            "feature": self.feature,
            "measured": measured,
            "limit": shown(self.limit, self.unit)[0],
            "unit": unit,
            "change": self.change.value,
            "trend": self.trend.value,
        }


@dataclass(frozen=True)
class SummaryFacts:
    """What was measured in a finished set: all that its summary, or an answer about it, may rest on.

    Attributes:
        set_id, exercise: keys of our own.
        counted, not_counted: repetitions that were valid, and movements that were not.
        clean: every fault could be judged, none was raised, and every movement counted.
        theme: the worst fault, then the most frequent, that was not put right within the set; None if there is none.
        theme_count: how often it was raised; 0 without one.
        improved: corrections that were said and worked, in the order in which their faults came.
        stopped: the lifter was told to stop.
        machine_fault: because of the machine.
        load_advice: ``heavier``, ``lighter``, ``keep`` or ``stop``, of what measured the load; empty = none.
        load_kg: of this set; NaN = not known.
        suggested_kg: for the next set; NaN = no figure.
    """

    set_id: str
    exercise: str
    counted: int
    not_counted: int = 0
    clean: bool = False
    theme: CueFact | None = None
    theme_count: int = 0
    improved: tuple[str, ...] = ()
    stopped: bool = False
    machine_fault: bool = False
    load_advice: str = ""
    load_kg: float = math.nan
    suggested_kg: float = math.nan

    @property
    def numbers(self) -> frozenset[int]:
        """The whole numbers that a sentence about this set may name; a load only if it is one."""
        numbers = {self.counted, self.not_counted}
        if self.theme is not None:
            numbers |= {self.theme_count}
        return frozenset(
            numbers | {round(kg) for kg in (self.load_kg, self.suggested_kg) if is_whole_load(kg)}
        )

    @property
    def progress(self) -> str:
        """Key of the correction that is praised: the last one that worked and is not the theme as well; empty if none."""
        theme = "" if self.theme is None else self.theme.correction
        return next((key for key in reversed(self.improved) if key != theme), "")

    @property
    def corrections(self) -> tuple[str, ...]:
        """Keys of the corrections that a sentence about this set may name."""
        next_one = () if self.theme is None or self.stopped else (self.theme.correction,)
        return tuple(dict.fromkeys((*next_one, *self.improved)))

    def as_dict(self) -> dict[str, str | int | bool | list[str]]:
        """What a language model gets: keys, counts and whole kilograms; what is not known is left out."""
        told: dict[str, str | int | bool | list[str]] = {
            "exercise": self.exercise,
            "counted": self.counted,
            "not_counted": self.not_counted,
            "clean": self.clean,
            "stopped": self.stopped,
            "improved": list(self.improved),
        }
        if self.theme is not None and not self.stopped:
            told |= {"work_on": self.theme.correction, "times": self.theme_count}
        if self.load_advice:
            told["load"] = self.load_advice
        loads = {"load_kg": self.load_kg, "suggested_kg": self.suggested_kg}
        return told | {name: round(kg) for name, kg in loads.items() if is_whole_load(kg)}

    def without_load(self) -> SummaryFacts:
        """The same without advice on the load, which is said in the words of the book alone."""
        return replace(self, load_advice="", load_kg=math.nan, suggested_kg=math.nan)


def is_whole_load(kg: float) -> bool:
    """Whether a load in kilograms can be said as a whole number; NaN cannot."""
    return 0.0 < kg < _LARGEST and abs(kg - round(kg)) < 0.01


def shown(value: float, unit: str) -> tuple[int, str]:
    """A finite value as a whole number in the unit in which a person would say it."""
    factor, name = {
        "rad": (180.0 / math.pi, "degrees"),
        "m": (100.0, "centimetres"),
        "1": (100.0, "percent"),
        "s": (1.0, "seconds"),
        "m/s": (100.0, "centimetres per second"),
        "N": (1.0, "newtons"),
        "N m": (1.0, "newton metres"),
    }.get(unit, (1.0, unit))
    return round(value * factor), name


def why_unusable(fault: Fault) -> str:
    """Why nothing may be said about `fault` (not measured, or malformed); empty if something may."""
    keys = (fault.exercise, fault.name, fault.correction, fault.body_part, fault.feature)
    enums = ((fault.phase, Phase), (fault.side, Side), (fault.severity, Severity))
    well_formed = (
        all(isinstance(key, str) and _KEY.fullmatch(key) for key in keys)
        and isinstance(fault.id, str)
        and bool(_KEY.fullmatch(fault.id.replace("/", "_")))
        and isinstance(fault.unit, str)
        and bool(_UNIT.fullmatch(fault.unit))
        and all(isinstance(value, kind) for value, kind in enums)
        and all(isinstance(phase, Phase) for phase in fault.say_in)
    )
    if not well_formed:
        return "malformed: a key, unit or enumeration"
    if not fault.measured.usable:
        return f"nothing measured ({Reason(fault.measured.reason).name.lower()})"
    if not (abs(fault.measured.value) < _LARGEST and abs(fault.limit) < _LARGEST):
        return "no limit to measure against, or a number out of every range"
    return ""


def fact_from(fault: Fault, trend: Trend = Trend.NEW, side: Side | None = None) -> CueFact:
    """The fact of a fault for which `why_unusable` says nothing; `side` replaces the fault's own."""
    return CueFact(
        exercise=fault.exercise,
        fault=fault.name,
        correction=fault.correction,
        body_part=fault.body_part,
        feature=fault.feature,
        phase=fault.phase,
        side=fault.side if side is None else side,
        repetition=fault.repetition,
        measured=float(fault.measured.value),
        std=float(fault.measured.std),
        limit=float(fault.limit),
        unit=fault.unit,
        change=Change.LESS if fault.measured.value > fault.limit else Change.MORE,
        severity=fault.severity,
        magnitude=float(fault.magnitude) if math.isfinite(fault.magnitude) else 0.0,
        trend=trend,
    )
