"""Measures the simulated gym: speed, contacts, and what BlazePose makes of it.

Every exercise by every athlete from three sides, in several processes. Prints tables, writes
bench_output/simulation.json, and with ``--table FILE`` the table of raw angle errors as reStructuredText or Markdown.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from threadpoolctl import threadpool_limits

from kinecue.body import angles
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.perception.blazepose import BlazePose
from kinecue.perception.models import ModelStore
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.gear.equipment import Place
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import SetPlan
from kinecue.simulation.picture.actors import Actor, Stage
from kinecue.simulation.picture.appearance import dress
from kinecue.simulation.picture.cameras import CAMERAS, NANOSECONDS, Shot
from kinecue.simulation.picture.framing import whole_body_distance
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.picture.renderer import Renderer
from kinecue.simulation.picture.scene import Scene
from kinecue.simulation.picture.solids import Mesh
from kinecue.simulation.picture.visibility import BodyVolume, Visibility, visibility
from kinecue.simulation.rotations import yaw

FloatArray = NDArray[np.float64]

OUTPUT = Path(__file__).resolve().parents[1] / "bench_output"
VIEWS = {"front": 0.0, "45": 45.0, "90": 90.0}
FRAMES = 12
"""Pictures of each exercise, athlete and view, spread over a repetition."""
SPOT = 3.2
MAIN = [
    BLAZEPOSE_33.landmarks.index(Landmark(f"{side}_{name}"))
    for side in ("left", "right")
    for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
FOUND = 0.12
"""Median distance of the main joints over the diagonal of the body in the picture, at which it is that person."""
HIDDEN_JOINTS = 1
"""Main joints that things or the frame may hide in a picture that counts as unoccluded."""


def joint_angles(positions: FloatArray) -> dict[str, FloatArray]:
    """Angles by the definitions of the scoring, rad; (N,) each, of (N, 33, 3) landmarks in axes with z up."""
    at = {landmark: positions[:, i] for i, landmark in enumerate(BLAZEPOSE_33.landmarks)}
    left_hip, right_hip = at[Landmark.LEFT_HIP], at[Landmark.RIGHT_HIP]
    mid_hip = (left_hip + right_hip) / 2.0
    mid_shoulder = (at[Landmark.LEFT_SHOULDER] + at[Landmark.RIGHT_SHOULDER]) / 2.0
    left, forward = angles.body_axes(left_hip, right_hip)
    trunk = mid_shoulder - mid_hip
    result = {"trunk_lean": angles.trunk_lean(mid_hip, mid_shoulder, forward)}
    for side in ("left", "right"):
        hip, knee, ankle, shoulder, elbow, wrist = (
            at[Landmark(f"{side}_{n}")] for n in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        )
        result[f"knee_flexion_{side}"] = angles.flexion(hip, knee, ankle)
        result[f"hip_flexion_{side}"] = angles.sagittal_flexion(trunk, knee - hip, left)
        result[f"elbow_flexion_{side}"] = angles.flexion(shoulder, elbow, wrist)
        result[f"shoulder_flexion_{side}"] = angles.sagittal_flexion(trunk, elbow - shoulder, left)
    return result


def difference(measured: FloatArray, true: FloatArray) -> FloatArray:
    """Measured minus true angle, the shorter way round, rad."""
    result: FloatArray = (measured - true + math.pi) % (2.0 * math.pi) - math.pi
    return result


@dataclass
class Take:
    """What was measured of one exercise by one athlete from one view.

    Attributes:
        found, pictures: of the unoccluded pictures.
        occluded: pictures that things or the frame hide too much of.
        measured, true: (33, 3) each, the network's world landmarks and the truth where the athlete was found, axes
            with z up, m.
    """

    exercise: str
    preset: str
    view: str
    found: int = 0
    pictures: int = 0
    occluded: int = 0
    measured: list[FloatArray] = field(default_factory=list)
    true: list[FloatArray] = field(default_factory=list)

    def errors(self) -> dict[str, FloatArray]:
        """(N,) measured minus true angle by joint, rad."""
        if not self.true:
            return {}
        a, b = joint_angles(np.stack(self.measured)), joint_angles(np.stack(self.true))
        return {joint: difference(a[joint], b[joint]) for joint in a}


def _one_core() -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)


class Studio:
    """Renders and looks; one for each process."""

    def __init__(self) -> None:
        _one_core()
        self.camera = CAMERAS["webcam"]
        self.renderer = Renderer(self.camera, Scene(seed=1, spot=(SPOT, 0.0)))
        self.network = BlazePose(ModelStore())

    def takes(self, exercise: str, preset: str) -> list[Take]:
        """All views of one exercise by one athlete."""
        athlete = Athlete(preset)
        performance = Performance(
            athlete, EXERCISES[exercise], SetPlan(1, still_s=0.5, after_s=0.3, seed=len(preset))
        )
        first = performance.timeline.repetitions[0]
        times = np.linspace(first.start_s - 0.3, first.end_s, FRAMES)
        figure = performance.figure(times)
        outfits = list(OUTFITS.values())
        outfit = outfits[sum(map(ord, exercise + preset)) % len(outfits)]
        mesh = dress(athlete, outfit)
        volume = BodyVolume.of(athlete, mesh)
        reach = np.stack(list(figure.points.values()), 1).reshape(-1, 3)
        reach = np.concatenate([reach, reach + [0.0, 0.0, 0.12], reach - [0.0, 0.0, 0.04]])
        equipment = performance.technique.equipment
        result = []
        for view, degrees in VIEWS.items():
            angle = math.radians(degrees)
            place = Place(
                yaw(math.pi - angle), np.array([whole_body_distance(reach, self.camera, angle), 0.0, 0.0])
            )
            furniture = equipment.furniture().moved(place.rotation, place.translation)
            take = Take(exercise, preset, view)
            self.network.reset()
            for n in range(len(figure)):
                transforms = athlete.transforms(
                    figure.pose(athlete, n).moved(place.rotation, place.translation)
                )
                props = Mesh.join([furniture, equipment.props(transforms, place)])
                self._look(take, n, athlete, volume, Actor(mesh, transforms), props)
            result.append(take)
        return result

    def _look(
        self, take: Take, n: int, athlete: Athlete, volume: BodyVolume, actor: Actor, props: Mesh
    ) -> None:
        landmarks = athlete.landmarks(actor.transforms)
        positions = np.stack([landmarks[k] for k in BLAZEPOSE_33.landmarks])
        stage = Stage((actor,), props)
        stamp = n * NANOSECONDS // 10
        image = self.renderer.shoot(lambda _: stage, Shot(n, n / 10.0, 0.0, stamp, n / 10.0, False))
        seen = visibility(self.camera, volume, actor.transforms, positions, props=props)
        people = self.network.estimate(image, stamp)
        hidden = np.isin(seen[MAIN], (Visibility.OCCLUDED, Visibility.OUT_OF_FRAME)).sum()
        if hidden > HIDDEN_JOINTS:
            take.occluded += 1
            return
        take.pictures += 1
        pixels = self.camera.project(positions)
        size = float(np.linalg.norm(np.ptp(pixels, axis=0)))
        for person in people:
            if np.median(np.linalg.norm(person.pixels - pixels, axis=1)[MAIN]) < FOUND * size:
                take.found += 1
                take.measured.append(person.world @ self.camera.model.rotation)
                take.true.append(positions)
                return


_studio: Studio | None = None


def _work(job: tuple[str, str]) -> tuple[list[Take], str, float]:
    global _studio
    if _studio is None:
        _studio = Studio()
    return _studio.takes(*job), job[0], contact_error_mm(*job)


def look(
    jobs: list[tuple[str, str]], processes: int, console: Console
) -> tuple[list[Take], dict[str, float]]:
    """All takes of all jobs, and the contact error by exercise, mm."""
    takes: list[Take] = []
    contacts: dict[str, float] = {}
    with Progress(console=console) as bar, multiprocessing.get_context("spawn").Pool(processes) as pool:
        task = bar.add_task("pictures", total=len(jobs))
        for result, exercise, error in pool.imap_unordered(_work, jobs):
            takes += result
            contacts[exercise] = max(contacts.get(exercise, 0.0), error)
            bar.advance(task)
    return takes, dict(sorted(contacts.items()))


def contact_error_mm(exercise: str, preset: str) -> float:
    """Largest movement of a point while it holds on to something, in a varied set of two with walking in and out."""
    plan = SetPlan(2, still_s=0.5, variation=1.5, approach="walk", seed=3)
    performance = Performance(Athlete(preset), EXERCISES[exercise], plan)
    worst = 0.0
    for track in performance.contacts(np.arange(0.0, performance.duration_s, 0.05)):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], track.holds, [False]]).astype(int)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            moved = np.linalg.norm(track.positions[start:end] - track.positions[start], axis=1)
            worst = max(worst, 1000.0 * float(moved.max()))
    return worst


def render_fps_1core(seconds: float = 4.0) -> dict[str, float]:
    """Pictures per second of CPU time of one core, 640x480: body, picture, truth-worthy joints, by what is on."""
    _one_core()
    athlete = Athlete("average_man")
    performance = Performance(athlete, EXERCISES["squat"], SetPlan(2, still_s=0.5))
    mesh = dress(athlete, next(iter(OUTFITS.values())))
    camera = CAMERAS["webcam"]
    place = Place(yaw(math.pi - 0.6), np.array([SPOT, 0.0, 0.0]))
    renderer = Renderer(camera, Scene(seed=1, spot=(SPOT, 0.0)))
    count = int(seconds * 30)

    def stages(times: FloatArray) -> list[Stage]:
        figure = performance.figure(times)
        result = []
        for n in range(len(times)):
            pose = figure.pose(athlete, n).moved(place.rotation, place.translation)
            result.append(Stage((Actor(mesh, athlete.transforms(pose)),)))
        return result

    times = np.arange(count) / 30.0
    renderer.draw(stages(times[:1])[0])
    fps = {}
    for name, exposure in (("sharp", 0.0), ("with motion blur", 0.008)):
        start = time.process_time()
        all_stages = stages(times)
        for n, stage in enumerate(all_stages):
            following = all_stages[min(n + 1, count - 1)]
            shot = Shot(n, n / 30.0, exposure, n * NANOSECONDS // 30, n / 30.0, False)
            renderer.shoot(lambda t, a=stage, b=following, m=n / 30.0: a if t <= m else b, shot)
        fps[name] = count / (time.process_time() - start)
    return fps


def summary(
    takes: list[Take],
) -> tuple[dict[str, dict[str, float | None]], dict[str, dict[str, dict[str, Any]]]]:
    """Detection rate by exercise and view, and error by exercise, view and joint, degrees."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    errors: dict[tuple[str, str, str], list[FloatArray]] = defaultdict(list)
    for take in takes:
        counts[take.exercise, take.view][0] += take.found
        counts[take.exercise, take.view][1] += take.pictures
        for joint, values in take.errors().items():
            errors[take.exercise, take.view, joint].append(values)
    rates: dict[str, dict[str, float | None]] = defaultdict(dict)
    for (exercise, view), (found, pictures) in sorted(counts.items()):
        rates[exercise][view] = round(found / pictures, 4) if pictures else None
    table: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for (exercise, view, joint), parts in sorted(errors.items()):
        values = np.degrees(np.concatenate(parts))
        table[exercise][view][joint] = {
            "mae": round(float(np.abs(values).mean()), 1),
            "bias": round(float(values.mean()), 1),
        }
    return {k: dict(v) for k, v in rates.items()}, {
        k: {v: dict(j) for v, j in t.items()} for k, t in table.items()
    }


JOINTS = ("knee_flexion", "hip_flexion", "trunk_lean", "elbow_flexion", "shoulder_flexion")


def share(rate: float | None) -> str:
    """A rate for people; a view that shows no unoccluded picture has none."""
    return "all hidden" if rate is None else f"{100 * rate:.1f} %"


def paired(cell: dict[str, Any], joint: str) -> str:
    """``mae / bias`` of a joint, for limbs the left one and the right one."""
    if joint in cell:
        return f"{cell[joint]['mae']:.0f} / {cell[joint]['bias']:+.0f}"
    both = [cell[f"{joint}_{side}"] for side in ("left", "right") if f"{joint}_{side}" in cell]
    return ", ".join(f"{c['mae']:.0f} / {c['bias']:+.0f}" for c in both)


def markdown(rates: dict[str, dict[str, float | None]], errors: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The table for the documentation."""
    lines = ["| exercise | view | found | " + " | ".join(j.replace("_", " ") for j in JOINTS) + " |"]
    lines.append("| --- " * (3 + len(JOINTS)) + "|")
    for exercise, views in errors.items():
        for view, cell in views.items():
            cells = [paired(cell, joint) for joint in JOINTS]
            lines.append(
                f"| {exercise} | {view} | {share(rates[exercise][view])} | " + " | ".join(cells) + " |"
            )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exercise", action="append", choices=list(EXERCISES), help="default: all")
    parser.add_argument("--athlete", action="append", choices=list(ATHLETES), help="default: all")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)"
    )
    parser.add_argument("--table", type=Path, help="write the Markdown table of errors to this file")
    options = parser.parse_args()
    exercises, presets = options.exercise or list(EXERCISES), options.athlete or list(ATHLETES)
    console = Console()
    fps = render_fps_1core()
    console.print(
        f"rendering on one core, 640x480: {', '.join(f'{v:.1f} frames/s {k}' for k, v in fps.items())}"
    )
    takes, contacts = look([(e, p) for e in exercises for p in presets], options.jobs, console)
    console.print(f"contacts hold within {max(contacts.values()):.1f} mm")
    rates, errors = summary(takes)
    missed: dict[str, int] = defaultdict(int)
    for take in takes:
        missed[take.preset] += take.pictures - take.found
    table = Table(
        "exercise", *VIEWS, "occluded", title="BlazePose full finds the athlete, share of unoccluded pictures"
    )
    for exercise, views in rates.items():
        hidden = sum(t.occluded for t in takes if t.exercise == exercise)
        table.add_row(exercise, *(share(views[v]) for v in VIEWS), str(hidden))
    console.print(table)
    errors_table = Table(
        "exercise", "view", *JOINTS, title="BlazePose's world landmarks: mean absolute error / bias, degrees"
    )
    for exercise, by_view in errors.items():
        for view, cell in by_view.items():
            errors_table.add_row(exercise, view, *(paired(cell, joint) for joint in JOINTS))
    console.print(errors_table)
    document = {
        "render_fps_1core": round(fps["sharp"], 2),
        "render_fps_1core_motion_blur": round(fps["with motion blur"], 2),
        "detection_rate": rates,
        "pictures": sum(t.pictures for t in takes),
        "occluded_pictures": sum(t.occluded for t in takes),
        "missed_by_athlete": dict(missed),
        "contact_error_mm": round(max(contacts.values()), 4),
        "contact_error_mm_by_exercise": {k: round(v, 4) for k, v in contacts.items()},
        "raw_world_error_deg": errors,
    }
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "simulation.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    console.print(f"wrote {OUTPUT / 'simulation.json'}")
    if options.table:
        options.table.write_text(markdown(rates, errors), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
