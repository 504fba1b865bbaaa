"""Loads of people who hold still, against sums by hand from the tables of de Leva (1996) and Winter's proportions.

The same person and poses as in test/loads/test_load_known_answers.py, where each sum is written out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "loads"))
import load_figure as figure

from kinecue.loads.external import External, HeldMass
from kinecue.loads.results import Dynamics, Joint, LoadPlace, LoadSide

L, R, NONE = LoadSide.LEFT, LoadSide.RIGHT, LoadSide.NONE

Case = tuple[str, figure.Pose, Sequence[External], Callable[[Dynamics], float], float]


def _extension(joint: Joint, side: LoadSide) -> Callable[[Dynamics], float]:
    return lambda found: found.joint(joint, side).extension


def _about_ahead(found: Dynamics) -> float:
    return float(found.joint(Joint.SHOULDER, L).moment[0])


CASES: tuple[Case, ...] = (
    ("level forearm: elbow", figure.CURL, (), _extension(Joint.ELBOW, R), -3.071),
    ("level forearm, 10 kg: elbow", figure.CURL, (HeldMass(10.0, side=L),), _extension(Joint.ELBOW, L), -36.291),
    ("straight arm out to the side: shoulder", figure.TABLE, (), _about_ahead, 12.001),
    ("trunk at 45 deg: L5/S1", figure.BENT, (), _extension(Joint.L5S1, NONE), 92.183),
    ("trunk at 45 deg, 20 kg in the hands: L5/S1", figure.BENT, (HeldMass(20.0),), _extension(Joint.L5S1, NONE), 148.031),
    ("trunk at 45 deg, 60 kg on the back: L5/S1", figure.BENT, (HeldMass(60.0, LoadPlace.BACK),),
     _extension(Joint.L5S1, NONE), 248.83),
    ("upright: ankle", figure.Pose(), (), _extension(Joint.ANKLE, L), 0.0),
    ("upright: left foot", figure.Pose(), (), lambda found: float(found.ground(L).force[2]), 392.266),
    ("leaning by 5 deg: ankle", figure.LEANING, (), _extension(Joint.ANKLE, L), 31.274),
    ("leaning by 5 deg: knee", figure.LEANING, (), _extension(Joint.KNEE, L), -17.536),
    ("leaning by 5 deg: hip", figure.LEANING, (), _extension(Joint.HIP, L), 6.479),
    ("squat, thighs level: ankle", figure.SQUAT, (), _extension(Joint.ANKLE, R), 25.001),
    ("squat, thighs level: knee", figure.SQUAT, (), _extension(Joint.KNEE, R), 53.815),
    ("squat, thighs level: hip", figure.SQUAT, (), _extension(Joint.HIP, R), 73.049),
)  # fmt: skip


def measure(console: Console, quick: bool = False) -> dict[str, Any]:
    """``known_answers`` [{case, expected, got}], N m (a foot: N); the same with `quick`, it takes a second."""
    rows = [
        {"case": name, "expected": expected, "got": round(got(figure.still(pose, external=external)), 3)}
        for name, pose, external, got, expected in CASES
    ]
    view = Table(title="Known answers, N m (a foot: N)")
    for column in ("case", "expected", "got"):
        view.add_column(column, justify="left" if column == "case" else "right")
    for row in rows:
        view.add_row(str(row["case"]), f"{row['expected']:.2f}", f"{row['got']:.2f}")
    console.print(view)
    return {"known_answers": rows}


if __name__ == "__main__":
    out = measure(Console(stderr=True, width=120))
    sys.stdout.write(json.dumps(out, indent=1) + "\n")
