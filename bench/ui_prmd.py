"""UI-PRMD: does D tell correct from incorrect repetitions of somebody the model has never seen?

For each of ten movements and each of six subjects, an exercise is learned from the other five subjects' correct repetitions
alone (ten each); the left-out subject's ten correct and ten incorrect ones are scored. The incorrect ones are used for
nothing else. Area under the ROC curve of D, pooled over all six left-out subjects and as the mean of each subject's own.

Joints are those of a Kinect. Its standard deviations are set here as published for the sensor: 2 cm for joints of trunk
and limbs; toes are left out (several centimetres off and noisier than any other: Xu and McGorry 2015, Applied Ergonomics
49:47; Wang et al. 2015, ICHI 380).
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from kinecue.body.body import Body
from kinecue.body.landmarks import Landmark, LandmarkState, Topology
from kinecue.exercise import available_exercises, find_exercise
from kinecue.exercise.learning.building import Names, build
from kinecue.exercise.learning.offline import score
from kinecue.exercise.learning.progress_signal import choose
from kinecue.exercise.learning.recording import Recording, Tracks
from kinecue.exercise.learning.repetition import Shown, Span, measured

FloatArray = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "ui_prmd" / "kinect_subjects_1_6.npz"
MOVEMENTS = ("deep squat", "hurdle step", "inline lunge", "side lunge", "sit to stand", "straight leg raise",
             "shoulder abduction", "shoulder extension", "shoulder rotation", "shoulder scaption")  # fmt: skip
BASELINE_MEAN = 0.833
"""Mean AUC of a random forest on the same data, subject left out, that has seen incorrect repetitions as well."""
BASELINE_ACCURACY = (0.785, 0.870, 0.785, 0.650, 0.815, 0.775, 0.770, 0.650, 0.600, 0.620)
"""Accuracy of that forest; not comparable with an AUC, shown for orientation."""
KINECT_STD_M = 0.02
_PAIRS = {
    "shoulder": "UpperArm",
    "elbow": "Forearm",
    "wrist": "Hand",
    "hip": "UpperLeg",
    "knee": "LowerLeg",
    "ankle": "Foot",
}


@dataclass(frozen=True)
class Labelled:
    """One repetition of the data."""

    movement: int
    subject: int
    correct: bool
    tracks: Tracks

    @property
    def span(self) -> Span:
        return Span(0, len(self.tracks.times) - 1)


def kinect_bodies(
    joints: FloatArray, names: list[str], fps: float, std_m: float = KINECT_STD_M
) -> tuple[list[int], list[Body]]:
    """Bodies of (T, J, 3) Kinect joints in the base frame, m; both ears are where the head is."""
    found = {
        Landmark(f"{side}_{ours}"): names.index(f"{side[0].upper()}{theirs}")
        for side in ("left", "right")
        for ours, theirs in _PAIRS.items()
    }
    found |= {Landmark.LEFT_EAR: names.index("Head"), Landmark.RIGHT_EAR: names.index("Head")}
    return make_bodies(joints[:, list(found.values())], tuple(found), fps, std_m)


def make_bodies(
    points: FloatArray, marks: tuple[Landmark, ...], fps: float, std_m: float
) -> tuple[list[int], list[Body]]:
    """Bodies of (T, N, 3) points, all equally certain."""
    topology = Topology(f"joints-{len(marks)}", marks, ())
    count = len(marks)
    covariances = np.tile(np.eye(3) * std_m**2, (count, 1, 1))
    stamps = [round(i * 1e9 / fps) for i in range(len(points))]
    bodies = [
        Body(
            id="a",
            stamp_ns=stamp,
            topology=topology,
            pixels=np.zeros((count, 2)),
            pixel_std=np.ones(count),
            positions=frame,
            covariances=covariances,
            states=np.full(count, LandmarkState.OBSERVED, dtype=np.uint8),
            confidence=1.0,
            image_size=(640, 480),
            view=math.inf,
        )
        for stamp, frame in zip(stamps, points, strict=True)
    ]
    return stamps, bodies


def load(path: Path = DATA) -> list[Labelled]:
    """All repetitions."""
    data = np.load(path)
    # camera: x right of the picture (the person's left), y up, z towards the person's back
    xyz = data["xyz_cm"].astype(float)[:, :, [2, 0, 1]] / 100.0
    names = [str(name) for name in data["joint_names"]]
    offsets, fps = data["offsets"], float(data["fps"])
    found = []
    for i, (movement, subject, episode, correct) in enumerate(data["index"]):
        stamps, bodies = kinect_bodies(xyz[offsets[i] : offsets[i + 1]], names, fps)
        recording = Recording(f"m{movement} s{subject} e{episode}", f"subject {subject}", stamps, bodies)
        found.append(Labelled(int(movement), int(subject), bool(correct), Tracks(recording)))
    return found


def shown(repetitions: list[Labelled]) -> list[Shown]:
    """Repetitions to learn from."""
    values = [measured(item.tracks, item.span) for item in repetitions]
    signal = choose(values, np.max([item.tracks.std for item in repetitions], axis=0))
    result = []
    for item, frames in zip(repetitions, values, strict=True):
        read = signal.read(frames)
        peak = int(np.argmax(signal.towards * read))
        result.append(Shown(item.tracks, item.span, frames, read, peak))
    return result


def auc(incorrect: FloatArray, correct: FloatArray) -> float:
    """Probability that an incorrect repetition has the larger D, ties counting half."""
    higher = (incorrect[:, None] > correct[None, :]).mean()
    return float(higher + 0.5 * (incorrect[:, None] == correct[None, :]).mean())


def held_out_scores(repetitions: list[Labelled]) -> tuple[FloatArray, list[str]]:
    """D of each repetition of one movement under the model learned without its subject, and what drives progress."""
    scores = np.full(len(repetitions), np.nan)
    driven = []
    for subject in sorted({item.subject for item in repetitions}):
        others = [item for item in repetitions if item.subject != subject and item.correct]
        examples = shown(others)
        signal = choose([e.values for e in examples], np.max([e.tracks.std for e in examples], axis=0))
        model = build(Names("learned", "Learned"), examples, signal)
        driven.append(f"{signal.name}/{signal.policy.value}{'' if model.sides == 'both' else '*'}")
        for i, item in enumerate(repetitions):
            if item.subject == subject:
                scores[i] = score(model, item.tracks, item.span).d
    return scores, driven


def ui_prmd_auc(path: Path = DATA, console: Console | None = None) -> dict[str, Any]:
    """AUC by movement (``movement``, by name), its mean (``mean``), each subject's own (``by_subject``), D quantiles."""
    everything = load(path)
    result: dict[str, Any] = {"movement": {}, "by_subject": {}, "good_d": {}, "threshold_5_percent": {}}
    rows = []
    for number, name in enumerate(MOVEMENTS, 1):
        chosen = [item for item in everything if item.movement == number]
        scores, driven = held_out_scores(chosen)
        correct = np.array([item.correct for item in chosen])
        subjects = np.array([item.subject for item in chosen])
        pooled = auc(scores[~correct], scores[correct])
        own = [
            auc(scores[(subjects == s) & ~correct], scores[(subjects == s) & correct])
            for s in np.unique(subjects)
        ]
        good = scores[correct]
        result["movement"][name] = round(pooled, 3)
        result["by_subject"][name] = round(float(np.mean(own)), 3)
        result["good_d"][name] = [
            round(float(q), 2) for q in np.quantile(good, (0.05, 0.25, 0.5, 0.75, 0.95))
        ]
        result["threshold_5_percent"][name] = round(float(np.quantile(good, 0.95)), 2)
        rows.append((name, pooled, float(np.mean(own)), good, max(set(driven), key=driven.count)))
    result["mean"] = round(float(np.mean(list(result["movement"].values()))), 3)
    result["mean_by_subject"] = round(float(np.mean(list(result["by_subject"].values()))), 3)
    result["baseline_mean"] = BASELINE_MEAN
    if console is not None:
        _show(rows, result, console)
    return result


WRITTEN = {"deep squat": "squat", "side lunge": "side_lunge", "sit to stand": "sit_to_stand",
           "shoulder abduction": "shoulder_abduction"}  # fmt: skip
"""Movements of the data for which KineCue ships a file, written by hand."""


def written_auc(path: Path = DATA) -> dict[str, float]:
    """AUC of D of the exercise files that KineCue ships, by movement; they are learned from nobody."""
    everything, result = load(path), {}
    for name, exercise in WRITTEN.items():
        if exercise not in available_exercises():
            continue
        model = find_exercise(exercise)
        chosen = [item for item in everything if MOVEMENTS[item.movement - 1] == name]
        scores = np.array([score(model, item.tracks, item.span).d for item in chosen])
        correct = np.array([item.correct for item in chosen])
        known = np.isfinite(scores)
        result[name] = round(auc(scores[~correct & known], scores[correct & known]), 3)
    return result


def good_d_quantiles(path: Path = DATA) -> dict[str, list[float]]:
    """Quantiles 5, 25, 50, 75 and 95 % of D of correct repetitions of left-out subjects, by movement."""
    found: dict[str, list[float]] = ui_prmd_auc(path)["good_d"]
    return found


def _show(
    rows: list[tuple[str, float, float, FloatArray, str]], result: dict[str, Any], console: Console
) -> None:
    table = Table(title="UI-PRMD, subject left out, learned from others' correct repetitions")
    for title in ("movement", "AUC", "own AUC", "good D 50 %", "95 %", "forest's accuracy", "progress"):
        table.add_column(title, justify="left" if title in ("movement", "progress") else "right")
    for i, (name, pooled, own, good, driven) in enumerate(rows):
        middle, high = np.quantile(good, (0.5, 0.95))
        table.add_row(
            name,
            f"{pooled:.3f}",
            f"{own:.3f}",
            f"{middle:.2f}",
            f"{high:.2f}",
            f"{BASELINE_ACCURACY[i]:.3f}",
            driven,
        )
    table.add_row("mean", f"{result['mean']:.3f}", f"{result['mean_by_subject']:.3f}", "", "", "", "")
    console.print(table)
    console.print(f"Random forest that has seen incorrect repetitions too: mean AUC {BASELINE_MEAN:.3f}")


def main() -> int:
    """Print the table; ``--json FILE`` writes the figures, ``--written`` adds the files that are shipped."""
    if not DATA.exists():
        print(f"{DATA} is not there", file=sys.stderr)
        return 2
    result = ui_prmd_auc(console=Console(width=140))
    if "--written" in sys.argv:
        result["written"] = written_auc()
        print("files that are shipped:", result["written"])
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(
            json.dumps(result, indent=1), encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
