"""Self-occlusion reasoned from the solids against the truth of the simulated takes.

    python -m bench.self_occlusion [--set tuning|judging]

Landmarks at their true positions, solids from segment lengths alone. The truth calls a landmark hidden by its own body or
visible; what furniture hides or lies out of the frame is left out. Prints a table and writes
``bench_output/self_occlusion.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.takes import OUTPUT, judging_keys, load, path_of, tuning_keys
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.volume.occlusion import self_occlusion
from kinecue.body.volume.solids import BodySolids
from kinecue.simulation.athletes.athlete import Athlete

_JOINTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_EVERY = 4


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=("tuning", "judging"), default="judging")
    options = parser.parse_args()
    keys = judging_keys() if options.set == "judging" else tuning_keys()
    main_rows = [
        i for i, landmark in enumerate(BLAZEPOSE_33.landmarks) if any(j in landmark.value for j in _JOINTS)
    ]
    counts: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.zeros(4))
    takes = 0
    for key in keys:
        if not path_of(key).exists():
            continue
        takes += 1
        take = load(path_of(key))
        solids = BodySolids.from_lengths(Athlete(key.athlete).lengths)
        for points, truth in list(zip(take.true_positions, take.true_visibility, strict=True))[::_EVERY]:
            said = self_occlusion(solids, points, take.camera_model.centre).excess > 0.0
            for name, rows in (("joints", main_rows), ("all", list(range(len(BLAZEPOSE_33))))):
                ok, hidden, found = truth[rows] <= 1, truth[rows] == 1, said[rows]
                tally = [
                    (found & hidden & ok).sum(),
                    (found & ~hidden & ok).sum(),
                    (~found & hidden & ok).sum(),
                    (~found & ~hidden & ok).sum(),
                ]
                for group in (key.view, key.exercise, "every"):
                    counts[name, group] += tally
    console = Console()
    table = Table(title=f"Self-occlusion, {takes} takes of the {options.set} set")
    for column in ("", "landmarks", "hidden", "precision", "recall", "right"):
        table.add_column(column)
    result = {}
    for (name, group), (tp, fp, fn, tn) in sorted(counts.items()):
        row = {
            "hidden": (tp + fn) / (tp + fp + fn + tn),
            "precision": tp / max(tp + fp, 1.0),
            "recall": tp / max(tp + fn, 1.0),
            "right": (tp + tn) / (tp + fp + fn + tn),
        }
        result[f"{name}/{group}"] = row
        if name == "joints" or group == "every":
            table.add_row(group, name, *(f"{value:.2f}" for value in row.values()))
    console.print(table)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "self_occlusion.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
