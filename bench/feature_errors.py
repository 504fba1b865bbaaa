"""Every feature of the fitted body against the truth of simulated takes, by view: error, claimed deviation, coverage.

    PYTHONPATH=src:bench python bench/feature_errors.py --write

prints the figures, keeps them in bench_output/feature_errors.json and writes `docs/features.md` from them and from the
registered features; `--document` writes it again from the figures that were kept. Only tuning takes are looked at.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import takes
from fitting import bodies
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from takes import Take, TakeKey
from threadpoolctl import threadpool_limits

from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.exercise.features import FEATURES, SOURCES, Feature, FeatureComputer

FloatArray = NDArray[np.float64]
RESULT = takes.OUTPUT / "feature_errors.json"
KEPT = takes.OUTPUT / "feature_errors"
FLOOR = ("turkish_get_up", "plank", "push_up")
"""Exercises of lying bodies, which the network sees much worse; they have columns of their own."""
GROUPS = tuple((group, view) for group in ("upright", "floor") for view in takes.VIEWS)
STILL_S = 0.5
"""The athlete stands in the start position for at least this long before the first repetition."""


@dataclass(frozen=True)
class Figures:
    """Of one feature in one view over all takes.

    Attributes:
        count: values.
        rms, bias: of the error, SI.
        std: root mean square of the claimed standard deviations, SI.
        covered: share of errors within two of them.
        abstained: share of frames without a value.
    """

    count: int
    rms: float
    bias: float
    std: float
    covered: float
    abstained: float


@dataclass(frozen=True)
class Read:
    """A take, T frames, C columns: what was measured and what is true, NaN where abstained."""

    value: FloatArray
    std: FloatArray
    true: FloatArray


COMPUTER = FeatureComputer(tuple(FEATURES))
FLOORS = np.array([item.floor for item, _ in COMPUTER.columns])
ROWS = [BLAZEPOSE_33.index(Landmark(name)) for name in COMPUTER.landmarks]


def read(key: TakeKey, take: Take) -> Read:
    """Measures a take; the start position is learned from its first half second, as the scorer does."""
    found = bodies(key, take, "calibrated")
    seconds = (take.stamps_ns - take.stamps_ns[0]) * 1e-9
    still = np.flatnonzero(seconds < STILL_S)
    points = [COMPUTER.measure(found[i]).points for i in still if found[i] is not None]
    start = np.mean(points, axis=0) if points else None
    true_start = take.true_positions[still][:, ROWS].mean(0)
    value = np.full((len(found), len(COMPUTER.columns)), np.nan)
    std = value.copy()
    for i, body in enumerate(found):
        if body is None:
            continue
        frame = COMPUTER.measure(body, start)
        for c, (item, side) in enumerate(COMPUTER.columns):
            measured = frame[(item.name, side)]
            if measured.usable:
                value[i, c], std[i, c] = measured.value, measured.std
    return Read(value, std, COMPUTER.positions(take.true_positions[:, ROWS], true_start))


def read_or_kept(key: TakeKey, again: bool) -> Read:
    """As it was read before, unless `again` or there are other features; `floor` counts as it is now."""
    path = KEPT / f"{key.name}.npz"
    columns = np.array([f"{item.name} {side}" for item, side in COMPUTER.columns])
    if path.exists() and not again:
        with np.load(path, allow_pickle=False) as archive:
            if np.array_equal(archive["columns"], columns):
                spread = np.sqrt(archive["std"] ** 2 - archive["floors"] ** 2 + FLOORS**2)
                return Read(archive["value"], spread, archive["true"])
    result = read(key, takes.load(takes.path_of(key)))
    KEPT.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path, value=result.value, std=result.std, true=result.true, columns=columns, floors=FLOORS
    )
    return result


def figures(reads: list[Read], name: str) -> Figures:
    """Of a feature, both sides together."""
    columns = [c for c, (item, _) in enumerate(COMPUTER.columns) if item.name == name]
    error = np.concatenate([(r.value - r.true)[:, columns].ravel() for r in reads])
    std = np.concatenate([r.std[:, columns].ravel() for r in reads])
    if FEATURES[name].unit == "rad":
        error = (error + math.pi) % (2.0 * math.pi) - math.pi
    known = np.isfinite(error)
    if not known.any():
        return Figures(0, math.nan, math.nan, math.nan, math.nan, 1.0)
    e, s = error[known], std[known]
    return Figures(
        len(e),
        float(np.sqrt((e * e).mean())),
        float(e.mean()),
        float(np.sqrt((s * s).mean())),
        float((np.abs(e) < 2.0 * s).mean()),
        float(1.0 - known.mean()),
    )


def wanted(exercises: list[str]) -> list[TakeKey]:
    """Tuning takes that are there, of these exercises or of all."""
    keys = [k for k in takes.tuning_keys() if k.exercise != takes.STANDING and takes.path_of(k).exists()]
    return [k for k in keys if not exercises or k.exercise in exercises]


def run(console: Console, exercises: list[str], again: bool) -> dict[str, dict[str, Figures]]:
    """By feature and by group and view, such as ``upright 45``."""
    reads: dict[str, list[Read]] = defaultdict(list)
    for key in track(wanted(exercises), "takes", console=console):
        group = "floor" if key.exercise in FLOOR else "upright"
        reads[f"{group} {key.view}"].append(read_or_kept(key, again))
    names = [name for name, item in FEATURES.items() if item.function is not None]
    groups = [f"{group} {view}" for group, view in GROUPS if reads[f"{group} {view}"]]
    return {name: {group: figures(reads[group], name) for group in groups} for name in names}


def scale(name: str) -> tuple[float, str]:
    """From SI to what people read."""
    unit = FEATURES[name].unit
    return {"rad": (180.0 / math.pi, "deg"), "m": (100.0, "cm")}.get(unit, (1.0, unit))


def show(console: Console, result: dict[str, dict[str, Figures]]) -> None:
    """The table."""
    groups = next(iter(result.values()))
    table = Table("feature", "unit", *(f"{group}: rms / std / within 2 std / abstained" for group in groups))
    for name, views in result.items():
        factor, unit = scale(name)
        table.add_row(
            name,
            unit,
            *(
                f"{f.rms * factor:.3g} / {f.std * factor:.3g} / {f.covered:.0%} / {f.abstained:.0%}"
                for f in views.values()
            ),
        )
    console.print(table)


DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "features.md"
HEAD = """# Features

What exercise files can refer to. This page is made from the registered features by `bench/feature_errors.py`; to add one,
write a small function of a `Pose` in `src/kinecue/exercise/features/` and run it again.

- **Axes** follow the ISB (Wu et al. 2002, 2005) as far as joint centres alone define them. Flexion is positive, straight
  is 0. *Left positive*: the sign changes in the mirror image. Sided features have a value for each side with the same sign
  on both.
- **Forward and left** are horizontal and those of the pelvis. Hands are the wrists' joint centres; a grip is about 8 cm
  further. Heights count from the ankles, because a camera that nobody has measured in does not know the floor.
- **Nothing wraps or flips** where a body goes: angles of the arm jump at -120 degrees, not overhead; what is undefined in
  some position (a knee's turn in a straight leg, the sagittal angle of an arm that points aside) gets a standard deviation
  to match there and is abstained from.
- **Uncertainty** is propagated from the joint covariance of the body with the exact gradient, and `floor` is added: what no
  landmark knows. A value more uncertain than 25 degrees, 10 cm or 0.35 is abstained from. Errors are mostly bias, so nothing
  is ever averaged down.
- **Relative** features count from the start position and are not known before it was seen.
- **Errors** below are root mean squares over {takes} simulated sets of all exercises ({athletes}), one
  calibrated camera from the front, 45 degrees and the side, rendered and seen by the network; in brackets the standard
  deviation that was claimed and how many errors lie within two of them. Lying bodies (get-up, plank, push-up; seen from 45
  degrees) have a column of their own. They are errors of a simulation with clean pictures: a lower bound for a gym.

"""
SECTIONS = {
    "legs": "Legs and feet",
    "trunk": "Trunk and head",
    "arms": "Shoulders, elbows, wrists",
    "hands": "Hands and what they hold",
    "balance": "Balance",
    "directions": "Directions of segments",
    "tempo": "Tempo of a movement",
}
"""Headings of the modules."""


def kind_of(name: str) -> str:
    """Sides, sign and reference."""
    item = FEATURES[name]
    words = ["sided"] if item.sided else ["left positive"] if item.mirrored else []
    words += ["relative"] if item.relative else []
    words += ["of a whole movement (`judge: end`)"] if item.of_movement else []
    return ", ".join(words)


def cell(name: str, figures: Figures | None) -> str:
    """Error, claim and coverage."""
    if figures is None:
        return ""
    if not figures.count or figures.abstained > 0.95:
        return "abstained"
    factor, _ = scale(name)
    missing = f", {figures.abstained:.0%} abstained" if figures.abstained > 0.05 else ""
    return f"{figures.rms * factor:.2g} ({figures.std * factor:.2g}, {figures.covered:.0%}{missing})"


def document(result: dict[str, dict[str, Figures]], count: int) -> str:
    """The page."""
    text = HEAD.format(takes=count, athletes=", ".join(name.replace("_", " ") for name in takes.TUNING))
    for module in SOURCES:
        section = module.__name__.rsplit(".", 1)[-1]
        own = [name for name, item in FEATURES.items() if module_of(item) == section]
        text += f"## {SECTIONS.get(section, section)}\n\n"
        text += (
            "| feature | unit | what it is | best seen from | front | 45 degrees | side | on the floor |\n"
        )
        text += "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        for name in own:
            item, views = FEATURES[name], result.get(name, {})
            kind = kind_of(name)
            what = item.definition + (f" *{kind[0].upper()}{kind[1:]}.*" if kind else "")
            shown = [*(f"upright {view}" for view in takes.VIEWS), "floor 45"]
            cells = " | ".join(cell(name, views.get(group)) for group in shown)
            text += f"| `{name}` | {scale(name)[1]} | {what} | {item.views} | {cells} |\n"
        text += "\n"
    return text


def module_of(item: Feature) -> str:
    """Name of the module that defines a feature."""
    if item.of_movement:
        return "tempo"
    return "trunk" if item.function is None else item.function.__module__.rsplit(".", 1)[-1]


def kept() -> tuple[dict[str, dict[str, Figures]], int]:
    """Figures of the last run and over how many takes."""
    data = json.loads(RESULT.read_text(encoding="utf-8"))
    figures = {n: {v: Figures(**f) for v, f in views.items()} for n, views in data["figures"].items()}
    return figures, int(data["takes"])


def main() -> None:
    """Measures, prints and keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exercise", action="append", default=[], help="only these")
    parser.add_argument("--again", action="store_true", help="measure takes that were measured before")
    parser.add_argument("--write", action="store_true", help="keep the figures and write docs/features.md")
    parser.add_argument(
        "--document", action="store_true", help="only write docs/features.md from what was kept"
    )
    options = parser.parse_args()
    console = Console(width=240)
    if not options.document:
        with threadpool_limits(1):
            result = run(console, options.exercise, options.again)
        show(console, result)
        if options.write:
            RESULT.parent.mkdir(exist_ok=True)
            data = {name: {view: asdict(f) for view, f in views.items()} for name, views in result.items()}
            whole = {"takes": len(wanted(options.exercise)), "figures": data}
            RESULT.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    if options.write or options.document:
        DOCUMENT.write_text(document(*kept()), encoding="utf-8")


if __name__ == "__main__":
    main()
