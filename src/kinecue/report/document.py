"""An analysis as JSON; `docs/analyze.md` describes every field. What is not known is null, never NaN."""

from __future__ import annotations

import math
from typing import Any

from kinecue import __version__
from kinecue.body.measurement import Measurement
from kinecue.exercise import Fault, Repetition, RepetitionStatus
from kinecue.exercise.results import FeatureShare, PhaseScore, Recognised, RepetitionFault
from kinecue.report.analysis import Analysis

FORMAT = 1
"""Version of the document; it grows when a field changes its meaning."""


def unknown_document(file: str, kind: str, guess: Recognised, notes: tuple[str, ...]) -> dict[str, Any]:
    """Of a recording whose exercise was to be recognised and is not: nothing is scored."""
    return {
        "format": FORMAT,
        "kinecue": __version__,
        "file": file,
        "kind": kind,
        "exercise": None,
        "recognition": _recognition(guess),
        "counted": 0,
        "d": None,
        "repetitions": [],
        "faults": [],
        "abstentions": [],
        "notes": list(notes),
    }


def _recognition(guess: Recognised) -> dict[str, Any]:
    return {
        "exercise": guess.exercise or None,
        "probability": _number(guess.probability),
        "candidates": [
            {"exercise": name, "probability": _number(p)}
            for name, p in zip(guess.candidates, guess.probabilities, strict=True)
        ],
    }


def to_document(analysis: Analysis) -> dict[str, Any]:
    """The whole analysis: SI units, times in seconds since the recording's first frame."""
    summary, model = analysis.summary, analysis.model
    seen = sum(bool(frame.form.body_id) and frame.form.phase.name != "UNKNOWN" for frame in analysis.frames)
    return {
        "format": FORMAT,
        "kinecue": __version__,
        "file": analysis.file,
        "kind": analysis.kind,
        "exercise": model.name,
        "title": model.title,
        "recognition": None if analysis.guess is None else _recognition(analysis.guess),
        "person": analysis.person or None,
        "duration_s": _number(analysis.duration),
        "frames": len(analysis.frames),
        "frames_scored": seen,
        "start_stamp_ns": analysis.start_ns,
        "counted": summary.counted,
        "not_counted": {
            status.name.lower(): summary.not_counted.get(status, 0)
            for status in RepetitionStatus
            if status is not RepetitionStatus.VALID
        },
        "d": _number(summary.d),
        "repetitions": [_repetition(analysis, rep) for rep in analysis.repetitions],
        "faults": [_fault(analysis, fault) for fault in analysis.faults],
        "abstentions": [
            {
                "fault": item.fault,
                "title": model.faults[item.fault].title if item.fault in model.faults else item.fault,
                "reason": item.reason.name.lower(),
                "share": _number(item.share),
                "most_of_the_set": any(a.fault == item.fault for a in summary.abstained),
            }
            for item in analysis.unjudged
        ],
        "notes": list(analysis.notes),
    }


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None


def _measured(name: str, unit: str, measured: Measurement) -> dict[str, Any]:
    return {
        "feature": name,
        "value": _number(measured.value),
        "std": _number(measured.std),
        "unit": unit,
        "reason": measured.reason.name.lower() if measured.reason else None,
    }


def _share(share: FeatureShare) -> dict[str, Any]:
    return {
        "feature": share.name,
        "side": share.side.name.lower(),
        "share": _number(share.share),
        "deviation": _number(share.deviation),
    }


def _phase(analysis: Analysis, phase: PhaseScore) -> dict[str, Any]:
    return {
        "phase": phase.phase.name.lower(),
        "stage": phase.stage or None,
        "start_s": _number(analysis.seconds(phase.start_ns)),
        "end_s": _number(analysis.seconds(phase.end_ns)),
        "d": _number(phase.d),
        "shares": [_share(share) for share in phase.shares],
    }


def _detail(analysis: Analysis, fault: RepetitionFault) -> dict[str, Any]:
    return {
        "name": fault.name,
        "side": fault.side.name.lower(),
        "phase": fault.phase.name.lower(),
        "stage": fault.stage or None,
        "severity": fault.severity.name.lower(),
        "onset_s": _number(analysis.seconds(fault.onset_ns)),
        "duration_s": _number(fault.duration),
        "probability": _number(fault.probability),
        "magnitude": _number(fault.magnitude),
    }


def _repetition(analysis: Analysis, rep: Repetition) -> dict[str, Any]:
    return {
        "number": rep.number or None,
        "valid": rep.status is RepetitionStatus.VALID,
        "status": rep.status.name.lower(),
        "reason": rep.reason.name.lower(),
        "side": rep.side.name.lower(),
        "start_s": _number(analysis.seconds(rep.start_ns)),
        "bottom_s": _number(analysis.seconds(rep.bottom_ns)),
        "end_s": _number(analysis.seconds(rep.end_ns)),
        "range": _number(rep.range),
        "peak": _measured(rep.feature, rep.unit, rep.feature_peak),
        "tempo": {
            "eccentric_s": _number(rep.eccentric_s),
            "pause_s": _number(rep.pause_s),
            "concentric_s": _number(rep.concentric_s),
            "held_s": _number(rep.held_s),
        },
        "mean_speed": _number(rep.mean_speed),
        "peak_speed": _number(rep.peak_speed),
        "asymmetry": _measured(rep.feature, rep.unit, rep.asymmetry),
        "d": _number(rep.d),
        "d_eccentric": _number(rep.d_eccentric),
        "d_concentric": _number(rep.d_concentric),
        "phases": [_phase(analysis, phase) for phase in rep.phases],
        "shares": [_share(share) for share in rep.shares],
        "faults": list(rep.faults),
        "fault_details": [_detail(analysis, fault) for fault in rep.fault_details],
        "source": rep.source,
    }


def _fault(analysis: Analysis, fault: Fault) -> dict[str, Any]:
    rule = analysis.model.faults.get(fault.name)
    return {
        "name": fault.name,
        "title": rule.title if rule else fault.name,
        "repetition": fault.repetition,
        "time_s": _number(analysis.seconds(fault.stamp_ns)),
        "onset_s": _number(analysis.seconds(fault.onset_ns)),
        "duration_s": _number(fault.duration),
        "phase": fault.phase.name.lower(),
        "stage": fault.stage or None,
        "side": fault.side.name.lower(),
        "severity": fault.severity.name.lower(),
        "probability": _number(fault.probability),
        "magnitude": _number(fault.magnitude),
        "feature": fault.feature,
        "measured": _number(fault.measured.value),
        "std": _number(fault.measured.std),
        "limit": _number(fault.limit),
        "unit": fault.unit,
        "correction": fault.correction,
        "body_part": fault.body_part,
    }
