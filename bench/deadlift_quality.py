"""Deadlifts seen by a Kinect, ten good and ten bad: D of one against the other.

Each good one is scored by an exercise learned from the other nine; the bad ones by those learned from nine good ones too, as
the mean over the ten models, so that nobody is scored by a model that has seen them. The deadlift that KineCue ships, which
has seen none of them, is run beside it.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from ui_prmd import auc

from kinecue.cli.recorded_bodies import SourceSettings, open_source
from kinecue.exercise import available_exercises, find_exercise
from kinecue.exercise.learning.building import Names, build
from kinecue.exercise.learning.offline import score
from kinecue.exercise.learning.progress_signal import ProgressSignal, choose
from kinecue.exercise.learning.recording import Recording, Tracks
from kinecue.exercise.learning.repetition import Shown, Span, measured
from kinecue.exercise.learning.segmentation import largest, segment

FloatArray = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "kinect_deadlift"


def load(folder: Path = DATA) -> tuple[list[Tracks], list[Tracks]]:
    """Good and bad ones."""
    found: dict[str, list[Tracks]] = {"good": [], "bad": []}
    for path in sorted(folder.glob("*.csv.gz")):
        moments = list(open_source(path, SourceSettings()).bodies("", lambda done: None))
        stamps, bodies = [stamp for stamp, _ in moments], [body for _, body in moments]
        label = path.name.split("_")[0]
        found[label].append(Tracks(Recording(path.name, "lifter", stamps, bodies)))
    return found["good"], found["bad"]


def _example(track: Tracks, span: Span, signal: ProgressSignal) -> Shown:
    values = measured(track, span)
    read = signal.read(values)
    return Shown(track, span, values, read, int(np.argmax(signal.towards * read)))


def deadlift_quality(folder: Path = DATA, console: Console | None = None) -> dict[str, Any]:
    """AUC of D, bad against good: ``learned`` (leave one out) and ``shipped`` (NaN where there is no such file)."""
    good, bad = load(folder)
    signal = segment(good).signal
    spans = {track.name: largest(signal, track) for track in (*good, *bad)}
    own = np.zeros(len(good))
    others = np.zeros((len(good), len(bad)))
    for i, track in enumerate(good):
        examples = [_example(other, spans[other.name], signal) for other in good if other is not track]
        chosen = choose(
            [e.values for e in examples], np.max([e.tracks.std for e in examples], axis=0), signal.name
        )
        model = build(Names("deadlift_shown", "Deadlift"), examples, chosen)
        own[i] = score(model, track, spans[track.name]).d
        others[i] = [score(model, other, spans[other.name]).d for other in bad]
    result: dict[str, Any] = {
        "learned": auc(others.mean(axis=0), own),
        "progress": signal.name,
        "good_d": own.round(3).tolist(),
        "bad_d": others.mean(axis=0).round(3).tolist(),
        "shipped": math.nan,
    }
    if "deadlift" in available_exercises():
        shipped = find_exercise("deadlift")
        first = np.array([score(shipped, track, spans[track.name]).d for track in good])
        second = np.array([score(shipped, track, spans[track.name]).d for track in bad])
        known = np.isfinite(first).all() and np.isfinite(second).all()
        result["shipped"] = auc(second, first) if known else math.nan
        result["shipped_good_d"], result["shipped_bad_d"] = first.round(3).tolist(), second.round(3).tolist()
    if console is not None:
        table = Table(title="kinect_deadlift: D of good and bad")
        for title in ("model", "AUC", "good: median", "good: largest", "bad: median"):
            table.add_column(title)
        rows = [("learned, leave one out", result["learned"], own, others.mean(axis=0))]
        if "shipped_good_d" in result:
            rows.append(("deadlift.yaml", result["shipped"], first, second))
        for name, area, g, b in rows:
            table.add_row(
                name, f"{area:.3f}", f"{np.median(g):.2f}", f"{np.max(g):.2f}", f"{np.median(b):.2f}"
            )
        console.print(table)
    return result


def main() -> int:
    """Print the table; ``--json FILE`` writes the figures."""
    if not DATA.is_dir():
        print(f"{DATA} is not there", file=sys.stderr)
        return 2
    result = deadlift_quality(console=Console(width=120))
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(
            json.dumps(result, indent=1), encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
