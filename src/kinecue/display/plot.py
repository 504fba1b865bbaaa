"""The angles of a set over time, with repetitions, faults and cues."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kinecue.body.errors import KineCueError
from kinecue.exercise.results import Fault, Repetition, RepetitionStatus

UNIT_LABELS = {"rad": "degrees", "m": "cm", "1": "ratio"}
_UNIT_FACTORS = {"rad": math.degrees(1.0), "m": 100.0}


@dataclass
class AngleTrace:
    """One feature over time: seconds, value in SI units and standard deviation; NaN where abstained."""

    unit: str
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    stds: list[float] = field(default_factory=list)


def plot_set(
    path: Path,
    traces: Mapping[str, AngleTrace],
    d: AngleTrace,
    repetitions: Sequence[Repetition],
    faults: Sequence[Fault],
    cues: Sequence[tuple[float, str]],
    start_ns: int,
    title: str,
) -> None:
    """Writes a PNG: one panel per unit, and D; repetitions shaded, faults and cues as vertical lines.

    Args:
        path: of the picture; replaced as a whole.
        traces: features by name.
        d: D value over time, unit "1".
        repetitions, faults: with acquisition stamps, ns.
        cues: time of the first sample (s since `start_ns`) and text.
        start_ns: time zero, ns.
        title: above the plot.

    Raises:
        KineCueError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    units = list(dict.fromkeys(trace.unit for trace in traces.values()))
    figure, axes = plt.subplots(
        len(units) + 1, 1, sharex=True, figsize=(12, 2.8 * (len(units) + 1)), squeeze=False
    )
    panels = [row[0] for row in axes]
    for panel, unit in zip(panels, units, strict=False):
        factor = _UNIT_FACTORS.get(unit, 1.0)
        for name, trace in traces.items():
            if trace.unit != unit:
                continue
            times, values = np.array(trace.times), np.array(trace.values) * factor
            line = panel.plot(times, values, linewidth=1.2, label=name.replace("_", " "))[0]
            spread = np.array(trace.stds) * factor
            panel.fill_between(
                times, values - spread, values + spread, color=line.get_color(), alpha=0.15, linewidth=0
            )
        panel.set_ylabel(UNIT_LABELS.get(unit, unit))
        if panel.get_legend_handles_labels()[0]:
            panel.legend(loc="upper left", fontsize=8, ncols=4)
    panels[-1].plot(d.times, d.values, color="black", linewidth=1.0, label="D")
    panels[-1].axhline(1.0, color="grey", linewidth=0.8, linestyle="--")
    panels[-1].set_ylabel("D (1 = one tolerance)")
    panels[-1].set_xlabel("time (s)")
    for panel in panels:
        panel.grid(alpha=0.2)
        for repetition in repetitions:
            begin, end = ((stamp - start_ns) * 1e-9 for stamp in (repetition.start_ns, repetition.end_ns))
            valid = repetition.status == RepetitionStatus.VALID
            panel.axvspan(begin, end, color="tab:green" if valid else "tab:gray", alpha=0.10)
        for fault in faults:
            panel.axvline((fault.stamp_ns - start_ns) * 1e-9, color="tab:red", linewidth=1.2)
        for when, _ in cues:
            panel.axvline(when, color="tab:blue", linewidth=1.2, linestyle=":")
    top = panels[0]
    for repetition in repetitions:
        label = str(repetition.number) if repetition.number else repetition.status.name.lower()
        middle = ((repetition.start_ns + repetition.end_ns) / 2 - start_ns) * 1e-9
        top.annotate(
            label, (middle, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=9
        )
    for fault in faults:
        when = (fault.stamp_ns - start_ns) * 1e-9
        top.annotate(
            fault.name.replace("_", " "),
            (when, 0.02),
            xycoords=("data", "axes fraction"),
            rotation=90,
            fontsize=8,
            color="tab:red",
            ha="right",
        )
    for when, text in cues:
        panels[-1].annotate(
            text,
            (when, 0.95),
            xycoords=("data", "axes fraction"),
            rotation=90,
            fontsize=8,
            color="tab:blue",
            va="top",
        )
    top.set_title(title, pad=18)
    figure.tight_layout()
    try:
        partial = path.with_name(f".{path.stem}.partial{path.suffix}")
        figure.savefig(partial, dpi=110)
        partial.replace(path)
    except OSError as error:
        raise KineCueError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        plt.close(figure)
