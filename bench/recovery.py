"""What becomes of the angles while landmarks are hidden for a while in the middle of a repetition, and after.

The landmarks of simulated takes are taken away, so that the same take without it is the measure: `legs` and `arms` stay
where they were last and drift, with low visibility, as a network guesses; `gone` has no numbers; of `body` the network
finds nothing.
"""

from __future__ import annotations

import math
import multiprocessing
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import takes
from angle_errors import Reader, difference
from fitting import bodies
from numpy.typing import NDArray
from rich.table import Table
from takes import Take, TakeKey
from threadpoolctl import threadpool_limits

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.landmarks2d import Landmarks2D

FloatArray = NDArray[np.float64]
How = Literal["guessed", "gone", "nobody"]

DURATIONS_S = (0.5, 1.0, 2.0)
_AROUND_S = 0.5
"""Stretch before that says what is usual."""
_BACK = math.radians(2.0)
"""As near to the measurement without occlusion counts as back."""
_STAYS_S = 0.2
_DRIFT = 0.04
"""Of the person's height in the picture: how far guesses are off."""
_HIDDEN_VISIBILITY = 0.08


def _rows(*parts: str) -> list[int]:
    return [i for i, mark in enumerate(BLAZEPOSE_33.landmarks) if any(part in mark.value for part in parts)]


@dataclass(frozen=True)
class Occlusion:
    """What is hidden in which exercise, and which angles suffer.

    Attributes:
        name: of the table.
        exercise: where it is done.
        rows: landmarks hidden.
        how: what the network says of them.
        joints: angles that are looked at.
    """

    name: str
    exercise: str
    rows: tuple[int, ...]
    how: How
    joints: tuple[str, ...]


_LEGS = tuple(_rows("knee", "ankle", "heel", "foot"))
_ARMS = tuple(_rows("elbow", "wrist", "pinky", "index", "thumb"))
_ARMS = tuple(row for row in _ARMS if row not in _LEGS)
OCCLUSIONS = (
    Occlusion("legs guessed", "squat", _LEGS, "guessed", ("knee_flexion", "hip_flexion")),
    Occlusion("legs gone", "squat", _LEGS, "gone", ("knee_flexion", "hip_flexion")),
    Occlusion(
        "nobody found", "squat", tuple(range(33)), "nobody", ("knee_flexion", "hip_flexion", "trunk_lean")
    ),
    Occlusion("arms guessed", "biceps_curl", _ARMS, "guessed", ("elbow_flexion",)),
)


def hide(take: Take, what: Occlusion, hidden: NDArray[np.bool_], seed: int) -> list[Landmarks2D | None]:
    """The take's landmarks with some taken away; `hidden` (T,)."""
    random = np.random.default_rng(seed)
    rows = list(what.rows)
    seen, result = take.landmarks(), []
    last: Landmarks2D | None = None
    drift = np.zeros((len(rows), 2))
    for frame, away in zip(seen, hidden.tolist(), strict=True):
        if not away or frame is None:
            last = frame or last
            result.append(frame)
            continue
        if what.how == "nobody":
            result.append(None)
            continue
        pixels, visibility = frame.pixels.copy(), frame.visibility.copy()
        world, presence = frame.world.copy(), frame.presence.copy()
        if what.how == "gone" or last is None:
            pixels[rows], world[rows], visibility[rows], presence[rows] = np.nan, np.nan, 0.0, 0.0
        else:
            height = float(np.ptp(last.pixels[:, 1]))
            # a random walk with a pull back: a few per cent of the height after half a second
            drift = 0.95 * drift + random.normal(0.0, 0.3 * _DRIFT * height, drift.shape)
            pixels[rows], world[rows] = last.pixels[rows] + drift, last.world[rows]
            visibility[rows], presence[rows] = _HIDDEN_VISIBILITY, 0.3
        result.append(replace(frame, pixels=pixels, world=world, visibility=visibility, presence=presence))
    return result


@dataclass(frozen=True)
class Recovery:
    """One occlusion of one take; degrees.

    Attributes:
        what, key, duration_s: which.
        before, during, after: mean absolute error in the half second before, while hidden, in the half second after.
        worst: largest error while hidden.
        reported: share of hidden frames whose angle is marked inferred or abstained.
        abstained: share of hidden frames without a value.
        std_grows: standard deviation in the last hidden frame over that before; NaN if abstained.
        covered: share of the values while hidden whose 90 % interval holds the truth; NaN if there are none.
        jump: largest step beyond the true motion in the five frames from the return on, degrees per frame.
        usual_step: the same in the frames before.
        back_s: until the angles stay within 2 degrees of those without occlusion.
    """

    what: Occlusion
    key: TakeKey
    duration_s: float
    before: float
    during: float
    after: float
    worst: float
    reported: float
    abstained: float
    std_grows: float
    covered: float
    jump: float
    usual_step: float
    back_s: float


def measure(key: TakeKey, what: Occlusion) -> list[Recovery]:
    """All durations; those that do not fit into the take are left out."""
    take = takes.load(takes.path_of(key))
    reader = Reader(what.joints)
    clean = reader.read(bodies(key, take, "calibrated"))[0]
    true = reader.true(take)
    seconds = (take.stamps_ns - take.stamps_ns[0]) * 1e-9
    first = take.repetition == 1
    middle = seconds[first & (take.progress >= take.progress[first].max() - 1e-6)].mean()
    result = []
    for duration in DURATIONS_S:
        hidden = np.abs(seconds - middle) < 0.5 * duration
        start, end = int(np.flatnonzero(hidden)[0]), int(np.flatnonzero(hidden)[-1]) + 1
        if seconds[start] < 2 * _AROUND_S or seconds[-1] - seconds[end - 1] < 2 * _AROUND_S:
            continue
        seen = hide(take, what, hidden, key.seed)
        value, std, inferred = reader.read(bodies(key, take, "calibrated", landmarks=seen))
        result.append(_judge(key, what, duration, (start, end), seconds, value, std, inferred, true, clean))
    return result


def _judge(
    key: TakeKey,
    what: Occlusion,
    duration: float,
    hidden: tuple[int, int],
    seconds: FloatArray,
    value: FloatArray,
    std: FloatArray,
    inferred: NDArray[np.bool_],
    true: FloatArray,
    clean: FloatArray,
) -> Recovery:
    start, end = hidden
    error = np.degrees(difference(value, true))
    steps = np.abs(np.diff(error, axis=0))
    count = round(_AROUND_S / float(np.median(np.diff(seconds))))
    before, during, after = slice(start - count, start), slice(start, end), slice(end, end + count)
    known = np.isfinite(error[during])
    with np.errstate(invalid="ignore"):
        covered = np.abs(error[during]) <= 1.645 * np.degrees(std[during])
        off = np.abs(difference(value, clean)) > _BACK
    stays = round(_STAYS_S * count / _AROUND_S)
    apart = (off | ~np.isfinite(value)).any(1)
    back = next((i for i in range(end, len(apart)) if not apart[i : i + stays].any()), len(apart) - 1)
    return Recovery(
        what,
        key,
        duration,
        _mean(np.abs(error[before])),
        _mean(np.abs(error[during])),
        _mean(np.abs(error[after])),
        _largest(np.abs(error[during])),
        float((inferred[during] | ~known).mean()),
        float((~known).mean()),
        _mean(std[end - 1] / std[start - 1]),
        float(covered[known].mean()) if known.any() else math.nan,
        # the step into the first frame after the occlusion has index end - 1
        _largest(steps[end - 1 : end + 4]),
        _largest(steps[before]),
        float(seconds[back] - seconds[end]),
    )


def _mean(values: FloatArray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan


def _largest(values: FloatArray) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else math.nan


_FIGURES = (
    "before", "during", "after", "worst", "reported", "abstained", "std_grows", "covered", "jump", "usual_step", "back_s",
)  # fmt: skip


def summary(found: Iterable[Recovery]) -> dict[str, dict[str, dict[str, float | None]]]:
    """[occlusion][duration] means over people and views of every figure; ``back_s_worst`` and ``jump_worst`` too."""
    groups: dict[tuple[str, str], list[Recovery]] = defaultdict(list)
    for item in found:
        groups[item.what.name, f"{item.duration_s:g}"].append(item)
    result: dict[str, dict[str, dict[str, float | None]]] = {}
    for (name, duration), items in groups.items():
        cells: dict[str, float | None] = {"takes": len(items)}
        for figure in _FIGURES:
            cells[figure] = _rounded(_mean(np.array([getattr(item, figure) for item in items])))
        for figure in ("jump", "back_s"):
            cells[f"{figure}_worst"] = _rounded(_largest(np.array([getattr(item, figure) for item in items])))
        result.setdefault(name, {})[duration] = cells
    return result


def _rounded(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None


def table(found: dict[str, dict[str, dict[str, float | None]]]) -> Table:
    """A line for each occlusion and duration."""
    result = Table(
        title="occlusion in the middle of a repetition, calibrated; degrees, means over people and views"
    )
    columns = ("takes", *_FIGURES, "jump_worst", "back_s_worst")
    for name in ("hidden", "s", *columns):
        result.add_column(name.replace("_", " "))
    for name, durations in found.items():
        for duration, cells in durations.items():
            shown = ["-" if (v := cells[c]) is None else f"{v:.4g}" for c in columns]
            result.add_row(name, duration, *shown)
    return result


def _work(job: tuple[TakeKey, Occlusion]) -> list[Recovery]:
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        return measure(*job)


def measure_all(of: Sequence[TakeKey], jobs: int, most: int | None = None) -> list[Recovery]:
    """All occlusions on all takes, or on the first few of each."""
    work = [(key, what) for what in OCCLUSIONS for key in keys(of, what)[:most]]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        return [item for found in pool.imap(_work, work) for item in found]


def keys(of: Sequence[TakeKey], what: Occlusion) -> list[TakeKey]:
    """The takes that it is done on."""
    return [key for key in of if key.exercise == what.exercise and not key.fault]
