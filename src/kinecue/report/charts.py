"""The drawings of a report: the course of the set, D of each repetition, and features against their ideal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.exercise import FeatureDeviation, Repetition, RepetitionStatus, Side
from kinecue.exercise.blocks import Outside
from kinecue.report.analysis import Analysis, FrameRecord
from kinecue.report.svg import Drawing, Scale
from kinecue.report.words import number, plain, seconds, shown, status, unit_word, why
from kinecue.report.words import side as side_word

FloatArray = NDArray[np.float64]

COLOURS = 8
"""Number of classes c0, c1, ... of the page."""
_WIDTH = 960.0
_LEFT, _RIGHT = 54.0, 14.0
_MOST_POINTS = 2400
_STEPS = 41
"""Points of the course of a phase."""
_STYLE = {RepetitionStatus.VALID: "valid", RepetitionStatus.PARTIAL: "partial"}
_SETUP_SHOWN_S = 0.5
_D_HIGH = 1.6


def course_chart(analysis: Analysis) -> str:
    """What drives the exercise over time, repetitions marked; D over time for exercises without such a feature."""
    drawing = Drawing(_WIDTH, 300.0, f"Course of the set: {analysis.model.title}")
    x = Scale(0.0, max(analysis.duration, 0.1), _LEFT, _WIDTH - _RIGHT)
    frames = analysis.frames[:: max(len(analysis.frames) // _MOST_POINTS, 1)]
    progress = analysis.model.progress
    top, bottom = 34.0, 262.0
    if progress is not None:
        unit = analysis.repetitions[0].unit if analysis.repetitions else "rad"
        values = [shown(frame.drive, unit) for frame in frames]
        marks = [("start", progress.si(progress.start)), ("needed to count", progress.si(progress.minimal))]
        marks.append(("full", progress.si(progress.full)))
        lines = [(name, shown(value, unit)) for name, value in marks]
        title = f"{plain(progress.feature)}, {unit_word(unit)}"
    else:
        values = [frame.form.d for frame in frames]
        lines, title = [("one tolerance", 1.0)], "D"
    known = [v for v in values if math.isfinite(v)] + [v for _, v in lines]
    low, high = min(known, default=0.0), max(known, default=1.0)
    pad = 0.06 * (high - low or 1.0)
    y = Scale(low - pad, high + pad, bottom, top)
    _axes(drawing, x, y, "s")
    drawing.text(_LEFT, 14.0, title, "title")
    for rep in analysis.repetitions:
        _mark(drawing, analysis, rep, x, top, bottom)
    for name, value in lines:
        drawing.line(_LEFT, y(value), _WIDTH - _RIGHT, y(value), "guide")
        drawing.text(_WIDTH - _RIGHT - 4, y(value) - 4, name, "small", "end")
    drawing.curve(
        [(x(analysis.seconds(f.form.stamp_ns)), y(v)) for f, v in zip(frames, values, strict=True)], "course"
    )
    for fault in analysis.faults:
        at = analysis.seconds(fault.onset_ns)
        rule = analysis.model.faults.get(fault.name)
        drawing.dot(x(at), top - 8.0, 4.0, "fault", f"{rule.title if rule else fault.name}, {seconds(at)}")
    return drawing.render()


def _mark(drawing: Drawing, analysis: Analysis, rep: Repetition, x: Scale, top: float, bottom: float) -> None:
    start, end = analysis.seconds(rep.start_ns), analysis.seconds(rep.end_ns)
    if rep.status is RepetitionStatus.SETUP and end - start < _SETUP_SHOWN_S:
        return
    reason = why(rep.reason)
    title = f"{status(rep)}{f' ({reason})' if reason else ''}, {seconds(start)} to {seconds(end)}"
    if rep.number:
        title = f"repetition {rep.number}: {title}, D {number(rep.d, '1')}"
    style = _STYLE.get(rep.status, "other")
    drawing.rectangle(x(start), top, max(x(end) - x(start), 2.0), bottom - top, f"rep {style}", title, 3.0)
    if rep.number:
        drawing.text(0.5 * (x(start) + x(end)), bottom - 6.0, str(rep.number), "number", "middle")


def _axes(drawing: Drawing, x: Scale, y: Scale, unit: str) -> None:
    for value in y.ticks(5):
        drawing.line(x.first, y(value), x.last, y(value), "grid")
        drawing.text(x.first - 6, y(value) + 4, f"{value:g}", "small", "end")
    for value in x.ticks(10):
        drawing.text(
            x(value), y.first + 17, f"{value:g}{f' {unit}' if value == 0 else ''}", "small", "middle"
        )
    drawing.line(x.first, y.first, x.last, y.first, "axis")


def feature_keys(analysis: Analysis) -> list[tuple[str, Side]]:
    """Scored features in the order of the exercise file: their colours."""
    keys = ((item.name, item.side) for frame in analysis.frames for item in frame.form.deviations)
    return list(dict.fromkeys(keys))


def feature_names(analysis: Analysis) -> list[str]:
    """Scored features without their sides: one colour each."""
    return list(dict.fromkeys(name for name, _ in feature_keys(analysis)))


def feature_label(key: tuple[str, Side]) -> str:
    """Words for a feature and its side."""
    aside = side_word(key[1])
    return f"{plain(key[0])}{f', {aside}' if aside else ''}"


def d_chart(analysis: Analysis) -> str:
    """D of each counted repetition, parted by what caused it; empty if nothing was counted."""
    counted = [rep for rep in analysis.repetitions if rep.number and math.isfinite(rep.d)]
    if not counted:
        return ""
    names = feature_names(analysis)
    drawing = Drawing(_WIDTH, 250.0, "D of each repetition")
    high = max(_D_HIGH, *(1.15 * rep.d for rep in counted))
    top, bottom = 30.0, 214.0
    y = Scale(0.0, high, bottom, top)
    x = Scale(0.0, float(len(counted)), _LEFT, _WIDTH - _RIGHT)
    for value in y.ticks(4):
        drawing.line(_LEFT, y(value), _WIDTH - _RIGHT, y(value), "grid")
        drawing.text(_LEFT - 6, y(value) + 4, f"{value:g}", "small", "end")
    drawing.text(_LEFT, 14.0, "D: 0 ideal, 1 one tolerance off", "title")
    drawing.line(_LEFT, y(1.0), _WIDTH - _RIGHT, y(1.0), "guide")
    room = x(1.0) - x(0.0)
    width = min(0.62 * room, 54.0)
    every = max(math.ceil(len(counted) / 40), 1)
    for i, rep in enumerate(counted):
        left = x(i + 0.5) - 0.5 * width
        shares = _shares(analysis, rep)
        base = 0.0
        for key, share in shares:
            part = rep.d * share
            colour = names.index(key[0]) % COLOURS
            title = f"repetition {rep.number}: {feature_label(key)}, {100 * share:.0f} % of D {rep.d:.2f}"
            drawing.rectangle(left, y(base + part), width, y(base) - y(base + part), f"bar c{colour}", title)
            base += part
        if base < rep.d:
            drawing.rectangle(
                left, y(rep.d), width, y(base) - y(rep.d), "bar rest", f"repetition {rep.number}"
            )
        if every == 1:
            drawing.text(x(i + 0.5), y(rep.d) - 5, f"{rep.d:.2f}", "small", "middle")
        if i % every == 0:
            drawing.text(x(i + 0.5), bottom + 17, str(rep.number), "small", "middle")
    drawing.line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, "axis")
    drawing.text(_WIDTH - _RIGHT, bottom + 33, "repetition", "small", "end")
    return drawing.render()


def _shares(analysis: Analysis, rep: Repetition) -> list[tuple[tuple[str, Side], float]]:
    """Features with their part of D^2 over a repetition, in the order of the file."""
    keys = feature_keys(analysis)
    found = {(share.name, share.side): share.share for share in rep.shares}
    return [(key, found[key]) for key in keys if found.get(key, 0.0) > 0.0]


@dataclass(frozen=True)
class Courses:
    """A feature over the repetitions, R of them at S places from start (0) over the turning point (1) back (2).

    Attributes:
        key: feature and side.
        unit: SI.
        values: (R, S) SI; NaN where it is not known.
        numbers: of the repetitions.
        ideal, tolerance: (S,) SI; NaN where there is none.
        mean_share: of D^2 over all repetitions.
    """

    key: tuple[str, Side]
    unit: str
    values: FloatArray
    numbers: tuple[int, ...]
    ideal: FloatArray
    tolerance: FloatArray
    mean_share: float


def courses(analysis: Analysis) -> list[Courses]:
    """Each scored feature over the counted repetitions, those that cost most first."""
    counted = [rep for rep in analysis.repetitions if rep.number]
    stamps = np.array([frame.form.stamp_ns for frame in analysis.frames], np.int64)
    result = []
    places = np.linspace(0.0, 2.0, 2 * _STEPS - 1)
    for key in feature_keys(analysis):
        values, ideals, tolerances, shares = [], [], [], []
        unit = ""
        for rep in counted:
            first, last = np.searchsorted(stamps, [rep.start_ns, rep.end_ns + 1])
            rows = [
                (_place(rep, frame.form.stamp_ns), item)
                for frame in analysis.frames[first:last]
                if (item := _item(frame, key))
            ]
            unit = rows[0][1].unit if rows else unit
            values.append(_resampled([(p, i.measured.value) for p, i in rows], places))
            ideals.append(_resampled([(p, i.ideal) for p, i in rows], places))
            tolerances.append(_resampled([(p, i.tolerance) for p, i in rows], places))
            shares += [i.share for _, i in rows if math.isfinite(i.share)]
        if values and np.isfinite(values).any():
            result.append(
                Courses(
                    key,
                    unit,
                    np.array(values),
                    tuple(rep.number for rep in counted),
                    _mean(np.array(ideals)),
                    _mean(np.array(tolerances)),
                    float(np.mean(shares)) if shares else 0.0,
                )
            )
    result.sort(key=lambda c: -c.mean_share)
    return result


def _item(frame: FrameRecord, key: tuple[str, Side]) -> FeatureDeviation | None:
    return next((item for item in frame.form.deviations if (item.name, item.side) == key), None)


def _place(rep: Repetition, stamp_ns: int) -> float:
    """0 at the start, 1 at the turning point, 2 at the end."""
    if stamp_ns <= rep.bottom_ns:
        return (stamp_ns - rep.start_ns) / max(rep.bottom_ns - rep.start_ns, 1)
    return 1.0 + (stamp_ns - rep.bottom_ns) / max(rep.end_ns - rep.bottom_ns, 1)


def _resampled(rows: Sequence[tuple[float, float]], places: FloatArray) -> FloatArray:
    known = [(p, v) for p, v in rows if math.isfinite(v)]
    if len(known) < 2:
        return np.full(len(places), np.nan)
    at, values = (np.array(column) for column in zip(*known, strict=True))
    result: FloatArray = np.interp(places, at, values)
    # nothing is drawn where nothing was measured
    gap = np.array([np.abs(at - place).min() for place in places])
    result[gap > 0.15] = np.nan
    return result


def _mean(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0.0).sum(0)
    result: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


def feature_chart(course: Courses, colour: int, counts: Outside, outward: str, homeward: str) -> str:
    """A feature over the phase: a line for each repetition on the ideal band, open where a deviation does not count."""
    drawing = Drawing(470.0, 250.0, feature_label(course.key))
    values = np.vectorize(lambda v: shown(v, course.unit))(course.values)
    ideal = np.vectorize(lambda v: shown(v, course.unit))(course.ideal)
    width = np.vectorize(lambda v: shown(v, course.unit))(course.tolerance)
    every = np.concatenate([values.ravel(), (ideal - width).ravel(), (ideal + width).ravel()])
    every = every[np.isfinite(every)]
    low, high = float(every.min()), float(every.max())
    pad = 0.07 * (high - low or 1.0)
    left, right, top, bottom = 46.0, 456.0, 34.0, 212.0
    x, y = Scale(0.0, 2.0, left, right), Scale(low - pad, high + pad, bottom, top)
    for value in y.ticks(5):
        drawing.line(left, y(value), right, y(value), "grid")
        drawing.text(left - 6, y(value) + 4, f"{value:g}", "small", "end")
    places = np.linspace(0.0, 2.0, values.shape[1])
    xs = [x(p) for p in places]
    below = ideal - width if counts is not Outside.ABOVE else np.where(np.isfinite(ideal), y.low, np.nan)
    above = ideal + width if counts is not Outside.BELOW else np.where(np.isfinite(ideal), y.high, np.nan)
    drawing.band(
        xs,
        [y(v) for v in below],
        [y(v) for v in above],
        "ideal",
        "one tolerance about the ideal for this person",
    )
    drawing.curve(list(zip(xs, (y(v) for v in ideal), strict=True)), "ideal-line")
    for row, name in zip(values, course.numbers, strict=True):
        drawing.curve(
            list(zip(xs, (y(v) for v in row), strict=True)), f"rep-line s{colour}", f"repetition {name}"
        )
    drawing.line(x(1.0), top, x(1.0), bottom, "guide")
    drawing.line(left, bottom, right, bottom, "axis")
    drawing.text(left, 14.0, f"{feature_label(course.key)}, {unit_word(course.unit)}", "title")
    drawing.text(right, 14.0, f"{100 * course.mean_share:.0f} % of D", "small", "end")
    drawing.text(0.5 * (x(0.0) + x(1.0)), bottom + 17, outward, "small", "middle")
    drawing.text(0.5 * (x(1.0) + x(2.0)), bottom + 17, homeward, "small", "middle")
    return drawing.render()
