"""The figures of perception as Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from angle_errors import KNEES_IN, MAIN, aim
from fitting import KINDS
from reliability import EVERY, FITTED

_VIEWS = ("front", "45", "90")


def markdown(document: dict[str, Any]) -> str:
    """All tables for which there are figures."""
    parts = [
        ("Angle error", _angles(document.get("angle_error_deg"))),
        ("What it costs not to know the exercise", _without(document)),
        ("Share of the truth inside 90 % intervals", _coverage(document.get("coverage90"))),
        ("Caving knees", _caving(document.get("caving_knees"))),
        ("Jitter of a standing person, degrees", _jitter(document.get("still_jitter_deg"))),
        ("Occlusion", _recovery(document.get("recovery"))),
        ("Real film", _film(document.get("film"))),
        ("Angles from markers against OpenSim", _opencap(document)),
        ("Speed, ms per frame on one core", _speed(document)),
    ]
    return "\n".join(f"**{title}**\n\n{table}\n" for title, table in parts if table)


def _rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join('---' for _ in header)} |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _error(cell: dict[str, Any] | None) -> str:
    """``mae / bias / bottom``, and how much was abstained from."""
    if cell is None:
        return "-"
    if cell["mae"] is None:
        return "abstained"
    bottom = "" if cell["bottom"] is None else f" / {cell['bottom']:+.0f}"
    abstained = f" ({100 * cell['abstained']:.0f} % abstained)" if cell["abstained"] >= 0.05 else ""
    return f"{cell['mae']:.1f} / {cell['bias']:+.0f}{bottom}{abstained}"


def _angles(found: dict[str, Any] | None) -> str:
    rows = []
    for exercise, views in (found or {}).items():
        plain = "squat" if exercise == KNEES_IN else exercise
        for view in (v for v in _VIEWS if v in views):
            for joint in MAIN[plain]:
                cells = views[view][joint]
                name = joint.replace("_", " ")
                rows.append(
                    [exercise.replace("_", " "), view, name, f"{aim(plain, joint):.0f}"]
                    + [_error(cells.get(kind)) for kind in KINDS]
                )
    header = ("exercise", "view", "angle", "aim", *(kind.replace("_", " ") for kind in KINDS))
    return _rows(header, rows) if rows else ""


def _without(document: dict[str, Any]) -> str:
    """Mean over joints of the calibrated mean absolute error, with the posture of the exercise and without."""
    told, blind = document.get("angle_error_deg") or {}, document.get("angle_error_without_posture_deg") or {}
    rows = []
    for exercise in told:
        joints = MAIN["squat" if exercise == KNEES_IN else exercise]
        shown = []
        for view in _VIEWS:
            cells = [(found.get(exercise, {}).get(view) or {}) for found in (told, blind)]
            means = [[c[j]["calibrated"]["mae"] for j in joints if j in c] for c in cells]
            known = [[m for m in values if m is not None] for values in means]
            shown.append(" / ".join(f"{sum(m) / len(m):.1f}" if m else "-" for m in known))
        rows.append([exercise.replace("_", " "), *shown])
    return _rows(("exercise", *(f"{view}, told / not" for view in _VIEWS)), rows) if rows else ""


def _coverage(found: dict[str, Any] | None) -> str:
    rows = []
    for kind in FITTED:
        for exercise, views in (found or {}).get(kind, {}).items():
            if isinstance(views, dict) and exercise != EVERY:
                shares = [views.get(view, {}).get("all") for view in _VIEWS] + [views.get("all")]
                rows.append([kind, exercise.replace("_", " "), *(_percent(share) for share in shares)])
        if found and kind in found:
            rows.append([kind, "all", "", "", "", _percent(found[kind]["all"])])
    return _rows(("", "exercise", *_VIEWS, "all"), rows) if rows else ""


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _caving(found: list[dict[str, Any]] | None) -> str:
    rows = [
        [r["athlete"].replace("_", " "), r["view"], r["kind"].replace("_", " ")]
        + [f"{r['depth']:.0f}", f"{r['true_depth']:.0f}", f"{r['change_of_error']:+.1f}"]
        for r in found or []
    ]
    header = ("athlete", "view", "", "knee flexion read at the bottom", "true", "change against clean squats")
    return _rows(header, rows) if rows else ""


def _jitter(found: dict[str, Any] | None) -> str:
    rows = []
    for what, kinds in (found or {}).items():
        for kind, views in kinds.items():
            for view, joints in views.items():
                rows.append(
                    [
                        what,
                        kind.replace("_", " "),
                        view,
                        *(f"{joints[j]:.2f}" if j in joints else "-" for j in _JOINTS),
                    ]
                )
    return _rows(("", "", "view", *(j.replace("_", " ") for j in _JOINTS)), rows) if rows else ""


_JOINTS = ("knee_flexion", "hip_flexion", "trunk_lean", "elbow_flexion", "shoulder_flexion")


def _recovery(found: dict[str, Any] | None) -> str:
    figures = (
        "before",
        "during",
        "after",
        "reported",
        "covered",
        "std_grows",
        "jump",
        "usual_step",
        "back_s",
    )
    rows = [
        [what, f"{seconds} s", *("-" if (v := cells[f]) is None else f"{v:.2g}" for f in figures)]
        for what, durations in (found or {}).items()
        for seconds, cells in durations.items()
    ]
    return _rows(("hidden", "for", *(f.replace("_", " ") for f in figures)), rows) if rows else ""


def _film(found: dict[str, Any] | None) -> str:
    rows = []
    for clip, cells in (found or {}).items():
        jitter, lengths = cells["jitter_deg"], cells["segment_length_spread"]
        both = (
            " / ".join(f"{jitter[kind].get(joint, float('nan')):.1f}" for kind in ("fitted", "raw_world"))
            for joint in ("knee_flexion", "hip_flexion", "trunk_lean")
        )
        spread = " / ".join(f"{max(lengths[k].values(), default=0.0):.2f}" for k in ("fitted", "raw_world"))
        rows.append([clip, _percent(cells["found"]), _percent(cells["with_3d"]), *both, spread])
    header = (
        "clip",
        "found",
        "3D",
        "jitter knee, fitted / raw",
        "hip",
        "trunk",
        "length spread %, fitted / raw",
    )
    return _rows(header, rows) if rows else ""


def _opencap(document: dict[str, Any]) -> str:
    found, r = document.get("opencap_rmse_deg") or {}, document.get("opencap_r") or {}
    rows = [[j.replace("_", " "), f"{v:.1f}", f"{r[j]:.3f}" if j in r else "-"] for j, v in found.items()]
    return _rows(("angle", "RMSE, degrees", "lowest r"), rows) if rows else ""


def _speed(document: dict[str, Any]) -> str:
    found = document.get("ms_per_frame_by_network") or {}
    theirs, ratio = (
        document.get("mediapipe_ms_per_frame") or {},
        document.get("speed_ratio_to_mediapipe") or {},
    )
    rows = []
    for variant, stages in found.items():
        ours = [f"{ms:.1f}" for ms in stages.values()]
        against = [f"{x:.2f}" if (x := of.get(variant)) else "-" for of in (theirs, ratio)]
        rows.append([variant, *ours, *against])
    names = [stage.replace("_", " ") for stage in next(iter(found.values()), {})]
    return _rows(("network", *names, "MediaPipe", "ratio"), rows) if rows else ""
