"""An analysis as CSV: a row per repetition, or a row per frame. SI units; what is not known is empty."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from kinecue.exercise import RepetitionStatus
from kinecue.report.analysis import Analysis

REPETITION_COLUMNS = (
    "number",
    "valid",
    "status",
    "reason",
    "side",
    "start_s",
    "bottom_s",
    "end_s",
    "range",
    "feature",
    "peak",
    "peak_std",
    "unit",
    "eccentric_s",
    "pause_s",
    "concentric_s",
    "held_s",
    "mean_speed",
    "peak_speed",
    "asymmetry",
    "d",
    "d_eccentric",
    "d_concentric",
    "faults",
)


def _cell(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def write_repetitions(analysis: Analysis, path: Path) -> None:
    """A row per movement, counted or not; faults are joined by semicolons."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(REPETITION_COLUMNS)
        for rep in analysis.repetitions:
            writer.writerow(
                (
                    rep.number or "",
                    int(rep.status is RepetitionStatus.VALID),
                    rep.status.name.lower(),
                    rep.reason.name.lower(),
                    rep.side.name.lower(),
                    *(_cell(analysis.seconds(stamp)) for stamp in (rep.start_ns, rep.bottom_ns, rep.end_ns)),
                    _cell(rep.range),
                    rep.feature,
                    _cell(rep.feature_peak.value),
                    _cell(rep.feature_peak.std),
                    rep.unit,
                    *(_cell(v) for v in (rep.eccentric_s, rep.pause_s, rep.concentric_s, rep.held_s)),
                    *(_cell(v) for v in (rep.mean_speed, rep.peak_speed, rep.asymmetry.value)),
                    *(_cell(v) for v in (rep.d, rep.d_eccentric, rep.d_concentric)),
                    ";".join(rep.faults),
                )
            )


def write_frames(analysis: Analysis, path: Path) -> None:
    """A row per frame: phase, progress, D, and of each scored feature the value, its deviation and the ideal."""
    names = list(
        dict.fromkeys((item.name, item.side) for frame in analysis.frames for item in frame.form.deviations)
    )
    head = [
        "time_s",
        "phase",
        "stage",
        "repetition",
        "counted",
        "progress",
        "progress_std",
        "speed",
        "drive",
        "d",
    ]
    for name, side in names:
        key = f"{name}_{side.name.lower()}" if side.name in ("LEFT", "RIGHT") else name
        head += [key, f"{key}_std", f"{key}_ideal", f"{key}_tolerance"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for frame in analysis.frames:
            form = frame.form
            row = [
                _cell(analysis.seconds(form.stamp_ns)),
                form.phase.name.lower(),
                form.stage,
                str(form.repetition),
                str(form.counted),
                *(_cell(v) for v in (form.progress, form.progress_std, form.speed, frame.drive, form.d)),
            ]
            found = {(item.name, item.side): item for item in form.deviations}
            for column in names:
                item = found.get(column)
                values = (
                    (math.nan,) * 4
                    if item is None
                    else (item.measured.value, item.measured.std, item.ideal, item.tolerance)
                )
                row += [_cell(v) for v in values]
            writer.writerow(row)
