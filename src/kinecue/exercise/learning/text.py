"""A learned exercise as the text of an exercise file, for a coach to read and go on with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import yaml

from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FEATURES
from kinecue.exercise.learning.recording import columns
from kinecue.exercise.learning.repetition import Shown, read
from kinecue.exercise.model import ExerciseModel

_JOINTS = ("knee_flexion", "hip_flexion", "trunk_lean", "shoulder_elevation", "elbow_flexion")
_LINE = 110
_MANY = 1000


def to_yaml(model: ExerciseModel, shown: Sequence[Shown] = ()) -> str:
    """The exercise file; `shown`, if given, adds the usual joint angles as comments from which faults can be written."""
    data = model.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    data["format"] = model.format
    lines = [
        "# Learned from demonstration with `kinecue learn`; a coach may edit it, see docs/exercise-files.md."
    ]
    for key, value in data.items():
        if key in ("features", "excursions"):
            lines += ["", f"{key}:"] + [line for block in value for line in _block(block)]
        elif key == "sources":
            lines += [""] + _dumped({key: value})
        else:
            lines += _dumped({key: value})
    return "\n".join([*lines, *_suggestions(shown)]) + "\n"


def _dumped(value: Any) -> list[str]:
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=_MANY)
    return text.rstrip("\n").split("\n")


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True, width=_MANY * 10, default_flow_style=True
    )
    return text.strip().removesuffix("...").strip()


def _block(block: dict[str, Any]) -> list[str]:
    """One list entry; courses on lines of their own."""
    plain = {key: value for key, value in block.items() if key != "ideal" or not isinstance(value, dict)}
    if len(plain) == len(block):
        return [f"  - {_flow(block)}"]
    lines = [f"  - {key}: {_flow(value)}" if i == 0 else f"    {key}: {_flow(value)}"
             for i, (key, value) in enumerate(plain.items())]  # fmt: skip
    lines.append("    ideal:")
    for phase, knots in block["ideal"].items():
        lines.append(f"      {phase}:")
        lines += [f"        - {_flow(knot)}" for knot in knots]
    return lines


def _suggestions(shown: Sequence[Shown]) -> list[str]:
    """What joints did at the turning point, and how a fault would be written from it."""
    if not shown:
        return []
    known = set(columns())
    lines = [
        "",
        "# Faults are the coach's to write. What was shown, degrees, at the turning point (mean, spread):",
    ]
    example = ""
    for name in _JOINTS:
        if not any(name == column for column, _ in known):
            continue
        values = np.array([read(item.values, name, SidePolicy.MEAN)[item.peak] for item in shown])
        if not np.isfinite(values).all():
            continue
        mean, spread = math.degrees(float(values.mean())), math.degrees(float(values.std()))
        lines.append(f"#   {name}: {mean:.0f} +- {spread:.0f}")
        progress = shown[0].signal[shown[0].peak]
        if not example and FEATURES[name].unit == "rad" and math.isclose(values[0], progress, abs_tol=1e-6):
            rises = progress > shown[0].signal[0]
            example = f"{name}, unit: deg, " + (
                f"outside: below, limit: {mean - 20.0:.0f}"
                if rises
                else f"outside: above, limit: {mean + 20.0:.0f}"
            )
    if example:
        lines.append("# For example too little range, judged at the end of each repetition:")
        lines.append("#   faults:")
        lines.append("#     too_short: {title: Go further, feature: " + example + ",")
        lines.append(
            "#       tolerance: 10, judge: end, severity: efficiency, correction: further, body_part: body,"
        )
        lines.append("#       source: The coach}")
    return lines
