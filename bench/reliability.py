"""Whether stated uncertainties are true: how often the truth lies in the intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from angle_errors import Angles
from fitting import KINDS
from numpy.typing import NDArray
from rich.table import Table
from scipy.stats import norm

LEVELS = (0.5, 0.8, 0.9, 0.95)
EVERY = "every exercise"
WANTED = (0.85, 0.95)
"""Share of the truth in 90 % intervals."""
FITTED = tuple(kind for kind in KINDS if kind != "raw_world")


def inside(item: Angles, level: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(T, C) whether the truth is in the interval of that level, and whether there is one."""
    known = np.isfinite(item.error)
    with np.errstate(invalid="ignore"):
        return np.abs(item.error) <= norm.ppf(0.5 + level / 2.0) * item.std, known


def coverage(measured: Iterable[Angles], level: float = 0.9) -> dict[str, Any]:
    """Share of the truth inside the intervals: [kind][exercise][view][joint], `EVERY` for the exercise, ``all`` for sums."""
    counts: dict[tuple[str, ...], list[int]] = {}
    for item in measured:
        if item.kind not in FITTED:
            continue
        hit, known = inside(item, level)
        for i, (joint, _) in enumerate(item.columns):
            good, every = int((hit & known)[:, i].sum()), int(known[:, i].sum())
            where = (item.kind, item.label, item.key.view, joint)
            pooled = (item.kind, EVERY, item.key.view, joint)
            sums: tuple[tuple[str, ...], ...] = ((), where[:1], where[:2], where[:3], where, pooled)
            for place in sums:
                count = counts.setdefault(place, [0, 0])
                count[0] += good
                count[1] += every
    result: dict[str, Any] = {}
    for place, (good, every) in counts.items():
        share = round(good / every, 4) if every else None
        _put(result, place if len(place) == 4 else (*place, "all"), share)
    return result


def _put(tree: dict[str, Any], place: tuple[str, ...], value: float | None) -> None:
    *folders, name = place
    for folder in folders:
        tree = tree.setdefault(folder, {})
    tree[name] = value


def reliability(measured: Iterable[Angles]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Share inside by kind, whether the landmarks were seen (``valid``, ``inferred``) and stated level."""
    counts: dict[tuple[str, str, float], list[int]] = {}
    for item in measured:
        if item.kind not in FITTED:
            continue
        for level in LEVELS:
            hit, known = inside(item, level)
            for state, chosen in (("valid", known & ~item.inferred), ("inferred", known & item.inferred)):
                count = counts.setdefault((item.kind, state, level), [0, 0])
                count[0] += int((hit & chosen).sum())
                count[1] += int(chosen.sum())
    result: dict[str, dict[str, dict[str, float | None]]] = {}
    for (kind, state, level), (good, every) in counts.items():
        result.setdefault(kind, {}).setdefault(state, {})[f"{100 * level:.0f}"] = (
            round(good / every, 4) if every else None
        )
    return result


def tables(found: dict[str, Any], levels: dict[str, dict[str, dict[str, float | None]]]) -> list[Table]:
    """90 % coverage by exercise and view, and the reliability table."""
    views = ("front", "45", "90")
    first = Table(title="share of the truth inside 90 % intervals; 85 to 95 % are wanted")
    for name in ("kind", "exercise", *views, "all"):
        first.add_column(name)
    for kind in FITTED:
        for exercise, cells in found.get(kind, {}).items():
            if exercise in ("all", EVERY) or not isinstance(cells, dict):
                continue
            shares = [cells.get(view, {}).get("all") for view in views]
            first.add_row(kind, exercise, *(_percent(share) for share in (*shares, cells["all"])))
        first.add_section()
    second = Table(title="reliability: share inside the stated interval")
    for name in ("kind", "landmarks", *(f"{100 * level:.0f} %" for level in LEVELS)):
        second.add_column(name)
    for kind_name, states in levels.items():
        for state, by_level in states.items():
            second.add_row(kind_name, state, *(_percent(share, False) for share in by_level.values()))
    return [first, second]


def _percent(share: float | None, judged: bool = True) -> str:
    if share is None:
        return "-"
    shown = f"{100 * share:.1f} %"
    return shown if not judged or WANTED[0] <= share <= WANTED[1] else f"[red]{shown}[/red]"
