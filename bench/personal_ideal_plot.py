"""The plot of docs/personal-ideal.md: lean over knee flexion, by length of the thigh and by range of the ankle.

python bench/personal_ideal_plot.py docs/images/personal-ideal.svg
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinecue.exercise.build import Build, Range
from kinecue.exercise.exercise_file import find_exercise
from kinecue.exercise.ideal import personalise

FloatArray = NDArray[np.float64]

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 320, 230, 46, 34, 70
_COLOURS = ("#2c7bb6", "#4fa3c7", "#444444", "#e08a3c", "#c8392b")
_MOST = 70.0


def course(build: Build) -> tuple[FloatArray, FloatArray]:
    """Knee flexion and lean of the squat's ideal, degrees."""
    model = personalise(find_exercise("squat"), build)
    knots = next(f for f in model.features if f.feature == "trunk_lean").ideal["any"]
    at = np.linspace(0.0, 1.0, 41)
    lean = np.interp(at, [k.at for k in knots], [k.ideal for k in knots])
    return model.movement.start + at * (model.movement.full - model.movement.start), lean


def panel(left: int, title: str, lines: list[tuple[str, str, Build]]) -> list[str]:
    """SVG of one diagram."""

    def x(knee: float) -> float:
        return left + knee / 110.0 * _WIDTH

    def y(lean: float) -> float:
        return _TOP + _HEIGHT - lean / _MOST * _HEIGHT

    parts = [f'<text x="{left}" y="{_TOP - 14}" font-weight="bold">{title}</text>']
    for lean in range(0, 71, 10):
        parts.append(
            f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y(lean):.1f}" y2="{y(lean):.1f}" stroke="#ddd"/>'
        )
        parts.append(f'<text x="{left - 6}" y="{y(lean) + 4:.1f}" text-anchor="end">{lean}</text>')
    for knee in range(0, 111, 20):
        parts.append(f'<text x="{x(knee):.1f}" y="{y(0) + 16:.1f}" text-anchor="middle">{knee}</text>')
    parts.append(
        f'<text x="{left + _WIDTH / 2}" y="{y(0) + 34:.1f}" text-anchor="middle">knee flexion, degrees</text>'
    )
    for i, (name, colour, build) in enumerate(lines):
        points = " ".join(f"{x(k):.1f},{y(v):.1f}" for k, v in zip(*course(build), strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
        parts.append(f'<text x="{left + 12}" y="{_TOP + 14 + 15 * i}" fill="{colour}">{name}</text>')
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    usual = Build.average()
    thighs = [
        (
            f"thigh {100 * (f - 1):+.0f} %" if f != 1.0 else "average",
            colour,
            replace(usual, lengths=replace(usual.lengths, thigh=f * usual.lengths.thigh)),
        )
        for f, colour in zip((0.90, 0.95, 1.0, 1.05, 1.10), _COLOURS, strict=True)
    ]
    ankles = [
        (
            f"ankle {angle:.0f} degrees",
            colour,
            replace(usual, ranges={"ankle_dorsiflexion": Range(math.radians(angle), 0.05)}),
        )
        for angle, colour in zip((40.0, 28.0, 25.0, 22.0), _COLOURS[1:], strict=True)
    ]
    second = _LEFT + _WIDTH + _GAP
    size = second + _WIDTH + 16, _TOP + _HEIGHT + 48
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" '
        f'font-family="sans-serif" font-size="12">',
        f'<rect width="{size[0]}" height="{size[1]}" fill="white"/>',
        *panel(_LEFT, "Ideal lean of the trunk, degrees, by thigh", thighs),
        *panel(second, "... and by range of the ankle", ankles),
        "</svg>",
    ]
    parser.parse_args().file.write_text("\n".join(svg) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
