"""Fits src/kinecue/perception/data/blazepose_landmarks.yaml to the tuning takes of bench/takes.py.

Where the network puts each kind of landmark against the joint centre, as a function of the direction from which it is
seen, by ridge regression over people, exercises and views; and how far they scatter about that.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import takes

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.landmark_model import FEATURES, KINDS, features, frames
from kinecue.perception.skeleton import JOINTS, NS, NY, segment_vectors

FloatArray = NDArray[np.float64]

ROWS = BLAZEPOSE_33.indices(*JOINTS)
STATURE = 1.75
RIDGE = 40.0
"""Frames' worth of belief that there is no offset."""
STEP = 3
"""Every so many frames of a take."""


def main() -> int:
    """Command line."""
    paths = [takes.path_of(key) for key in takes.tuning_keys()]
    normal = np.zeros((len(KINDS), 3 * FEATURES, 3 * FEATURES))
    right = np.zeros((len(KINDS), 3 * FEATURES))
    kept = []
    for path in paths:
        if not path.exists():
            print(f"missing: {path.name}")
            continue
        take = takes.load(path)
        camera = take.camera_model
        thigh_and_shank = float(
            np.linalg.norm(
                np.diff(take.true_positions[0][BLAZEPOSE_33.indices(*JOINTS[2:7:2])], axis=0), axis=1
            ).sum()
        )
        scale = thigh_and_shank / (
            SegmentLengths.from_stature(STATURE).thigh + SegmentLengths.from_stature(STATURE).shank
        )
        weight = 1.0 / len(take.stamps_ns)
        for i in range(0, len(take.stamps_ns), STEP):
            if not take.found[i]:
                continue
            points = take.true_positions[i][ROWS]
            y = np.zeros(NY)
            u = segment_vectors(points)
            y[3 : 3 + 3 * NS] = (u / np.linalg.norm(u, axis=1, keepdims=True)).ravel()
            axes = frames(y)
            optical = camera.to_optical(points)
            phi = features(y, axes, points, camera.centre)
            error = (take.pixels[i][ROWS] - take.true_pixels[i][ROWS]) * optical[:, 2:] / camera.fx / scale
            across = camera.rotation[:2]
            for j, joint in enumerate(JOINTS):
                kind = KINDS.index(joint.value.split("_", 1)[1])
                design = np.einsum("ca,ra,f->crf", across, axes[j], phi[j]).reshape(2, 3 * FEATURES)
                kept.append(
                    (
                        kind,
                        design,
                        error[j],
                        take.visibility[i][ROWS[j]],
                        take.true_visibility[i][ROWS[j]],
                        path.name,
                    )
                )
                if np.linalg.norm(error[j]) < 0.15:
                    importance = weight * STEP * 100 * np.clip(take.visibility[i][ROWS[j]], 0.1, 1.0)
                    normal[kind] += importance * design.T @ design
                    right[kind] += importance * design.T @ error[j]
    rows = {}
    for k, kind in enumerate(KINDS):
        x = np.linalg.solve(normal[k] + RIDGE * np.eye(3 * FEATURES), right[k]).reshape(3, FEATURES)
        residual = np.array([item[2] - item[1] @ x.ravel() for item in kept if item[0] == k])
        raw = np.array([item[2] for item in kept if item[0] == k])
        visibility = np.array([item[3] for item in kept if item[0] == k])
        seen = visibility > 0.8
        hidden = visibility < 0.4

        # a robust standard deviation of one coordinate: outliers are the fit's Huber's business
        def spread(values: FloatArray) -> float:
            return (
                float(np.sqrt(np.mean(np.clip(np.sum(values**2, 1), 0, 0.15**2)) / 2.0))
                if len(values)
                else 0.06
            )

        rows[kind] = {
            "offset": {
                axis: [round(float(v) * 100, 2) for v in x[a]]
                for a, axis in enumerate(("front", "out", "up"))
            },
            "std": round(spread(residual[seen]) * 100, 2),
            "hidden_std": round(max(spread(residual[hidden]), spread(residual[seen])) * 100, 2),
        }
        print(
            f"{kind:10s} raw {spread(raw[seen]) * 100:.1f} cm, left {rows[kind]['std']:.1f}; hidden raw "
            f"{spread(raw[hidden]) * 100:.1f}, left {rows[kind]['hidden_std']:.1f} ({hidden.mean():.2f} hidden)",
            rows[kind]["offset"],
        )
    target = Path(__file__).resolve().parents[1] / "src/kinecue/perception/data/blazepose_landmarks.yaml"
    target.parent.mkdir(exist_ok=True)
    header = (
        "# Written by tools/fit_landmarks.py. Where BlazePose (full) puts its landmarks against joint centres, cm for a\n"
        "# stature of 1.75 m: offset along the segment's axes = factors of 1, the direction to the camera (front, out,\n"
        "# up) and that of the neighbouring segment.\n"
    )
    document = {"stature": STATURE, "white_px": 0.8, "landmarks": rows}
    target.write_text(
        header + yaml.safe_dump(document, sort_keys=False, default_flow_style=None), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
