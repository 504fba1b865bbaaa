"""One camera against two and three, and against one with depth: angle errors on the simulated takes.

The takes of one set from several views show the same movement, so the views of one set make a rig; where the cameras stand
to each other follows from the truth, or from the person (`kinecue.perception.view_calibration`). Depth images are rendered
at the size of the colour image, with the errors of active stereo.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import takes
from angle_errors import BOTTOM, Reader, difference
from fitting import person_of
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from takes import Take, TakeKey
from threadpoolctl import threadpool_limits

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.perception.body_fitter import BodyFitter, FitterSettings
from kinecue.perception.depth_image import DepthImage, DepthSensor
from kinecue.perception.depth_image import measure as measure_depth
from kinecue.perception.fusion import FusionSettings, ViewFusion
from kinecue.perception.landmarks2d import Landmarks2D, View
from kinecue.perception.view_calibration import ViewCalibrationError, calibrate_views
from kinecue.perception.view_clock import ClockError, clock_offset

FloatArray = NDArray[np.float64]

VIEWS = ("front", "45", "90")
SINGLE: tuple[tuple[str, ...], ...] = (("front",), ("45",), ("90",))
PAIRS: tuple[tuple[str, ...], ...] = (("front", "45"), ("front", "90"), ("45", "90"), ("front", "45", "90"))
JOINTS = ("knee_flexion", "hip_flexion", "trunk_lean", "shoulder_flexion", "elbow_flexion")
_NEVER_S = 1e9
_Z90 = 1.6449


@dataclass(frozen=True)
class SetKey:
    """A set that was taken from all views."""

    exercise: str
    athlete: str
    fault: str = ""
    tempo: float = 1.0

    def take(self, view: str) -> TakeKey:
        """Of one view."""
        return TakeKey(self.exercise, self.athlete, view, self.fault, self.tempo)

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.exercise}{', ' + self.fault if self.fault else ''} ({self.athlete})"


def default_sets() -> list[SetKey]:
    """Every set of the athletes not used for tuning of which all views are there; else of the others."""
    found = [
        SetKey(k.exercise, k.athlete, k.fault, k.tempo)
        for k in takes.judging_keys()
        if k.exercise != takes.STANDING and k.view == VIEWS[0]
    ]
    ready = [s for s in found if all(takes.path_of(s.take(v)).exists() for v in VIEWS)]
    if ready:
        return ready
    tuning = [
        SetKey(k.exercise, k.athlete, k.fault, k.tempo)
        for k in takes.tuning_keys()
        if k.exercise != takes.STANDING and k.view == VIEWS[0]
    ]
    return [s for s in tuning if all(takes.path_of(s.take(v)).exists() for v in VIEWS)]


def placed(first: Take, other: Take) -> CameraModel:
    """The other take's camera in the base frame of the first, from the truth of both."""
    count = min(len(first.true_positions), len(other.true_positions))
    a = first.true_positions[:count].reshape(-1, 3)
    b = other.true_positions[:count].reshape(-1, 3)
    ca, cb = a.mean(0), b.mean(0)
    h = (b - cb)[:, :2].T @ (a - ca)[:, :2]
    yaw = math.atan2(h[0, 1] - h[1, 0], h[0, 0] + h[1, 1])
    c, s = math.cos(yaw), math.sin(yaw)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    shift = ca - turn @ cb
    worst = float(np.abs(b @ turn.T + shift - a).max())
    if worst > 1e-3:
        raise ValueError(f"the takes do not show the same set: {worst:.3f} m apart")
    return replace(other.camera_model, x=float(shift[0]), y=float(shift[1]), yaw=yaw)


def _fitter(key: SetKey, camera: CameraModel, calibrated: bool = True) -> BodyFitter:
    person = person_of(key.athlete) if calibrated else None
    running = BodyFitter(camera, settings=FitterSettings(person=person, standing_s=_NEVER_S))
    running.set_posture(key.exercise)
    return running


def fitted(
    key: SetKey,
    loaded: dict[str, Take],
    views: Sequence[str],
    cameras: dict[str, CameraModel] | None = None,
    calibrated: bool = True,
    landmarks: dict[str, list[Landmarks2D | None]] | None = None,
) -> list[Body | None]:
    """Bodies at the frames of the first view, all views taken at the same moments."""
    first = loaded[views[0]]
    seen = {v: (landmarks or {}).get(v) or loaded[v].landmarks() for v in views}
    models = cameras or {v: placed(first, loaded[v]) for v in views[1:]}
    running = _fitter(key, first.camera_model, calibrated)
    result: list[Body | None] = []
    for i, frame in enumerate(seen[views[0]]):
        if frame is None:
            result.append(None)
            continue
        further = []
        for view in views[1:]:
            other = seen[view][i] if i < len(seen[view]) else None
            if other is not None:
                further.append(View(models[view], other))
        result.append(running.update(frame, further))
    return result


def unsynchronised(key: SetKey, loaded: dict[str, Take], views: Sequence[str]) -> list[Body | None]:
    """The same through `ViewFusion`: each camera gives every other frame, the further ones those between.

    So views are 33 ms apart at 15 frames/s, twice as hard as two free-running cameras of 30 frames/s at their worst.
    """
    first = loaded[views[0]]
    cameras = {v: placed(first, loaded[v]) if v != views[0] else first.camera_model for v in views}

    def make(camera: CameraModel, number: int) -> BodyFitter:
        return _fitter(key, camera)

    fusion = ViewFusion(cameras, make, FusionSettings(longest_wait_s=0.04))
    events = []
    for k, view in enumerate(views):
        for i, frame in enumerate(loaded[view].landmarks()):
            if i % 2 == k % 2 and frame is not None:
                events.append((frame.stamp_ns, view, frame))
    place = {int(stamp): i for i, stamp in enumerate(first.stamps_ns)}
    result: list[Body | None] = [None] * len(first.stamps_ns)
    for stamp, view, frame in sorted(events, key=lambda e: (e[0], e[1])):
        for fused in fusion.add(view, [frame], stamp, stamp * 1e-9):
            if fused.bodies and fused.stamp_ns in place:
                result[place[fused.stamp_ns]] = fused.bodies[0]
    return result


def with_depth(key: SetKey, view: str, loaded: dict[str, Take]) -> list[Landmarks2D | None]:
    """A take's landmarks with what a depth camera measures there; rendered once and kept."""
    take = loaded[view]
    path = takes.OUTPUT / "depth" / f"{key.take(view).name}.npz"
    if not path.exists():
        _render(key, view, take, path)
    with np.load(path) as archive:
        depth, std = archive["depth"], archive["std"]
    return [
        None if frame is None else replace(frame, measured_depth=depth[i], measured_depth_std=std[i])
        for i, frame in enumerate(take.landmarks())
    ]


def _render(key: SetKey, view: str, take: Take, path: Path) -> None:
    from kinecue.simulation.gym import Gym
    from kinecue.simulation.picture.depth_picture import DepthErrors, as_measured, depth_picture

    gym = Gym(takes.programme(key.take(view)))
    camera, errors, sensor = gym.cameras[0], DepthErrors(), DepthSensor()
    n = len(take.true_positions[0])
    depth, std = np.full((2, len(take.stamps_ns), n), np.nan)
    shots = {shot.stamp_ns: shot for shot in gym.shots(camera)}
    for i, frame in enumerate(take.landmarks()):
        if frame is None:
            continue
        time = shots[frame.stamp_ns].time_s
        truth = gym.truth(time)
        exact = depth_picture(camera, gym.stage(time, truth.transforms, truth.gear), gym.scene.light)
        image = DepthImage(frame.stamp_ns, as_measured(exact, errors, i))
        found = measure_depth(image, frame, camera.lens.width, camera.lens.height, sensor)
        depth[i], std[i] = found.measured_depth, found.measured_depth_std
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, depth=depth, std=std)


def figures(found: Sequence[Body | None], take: Take, reader: Reader) -> dict[str, Any]:
    """[joint] of mean absolute error, the same at the turning point, coverage of the 90 % intervals, and abstained."""
    value, std, _ = reader.read(found)
    error = np.degrees(difference(value, reader.true(take)))
    std = np.degrees(std)
    # a set that begins standing is known from then on; frames without a body (dropped views) do not count
    there = np.array([b is not None for b in found])
    bottom = take.progress >= BOTTOM
    result: dict[str, Any] = {}
    for joint in sorted({j for j, _ in reader.columns}):
        columns = [i for i, (j, _) in enumerate(reader.columns) if j == joint]
        e, s = error[there][:, columns], std[there][:, columns]
        known = np.isfinite(e)
        turning = known & bottom[there][:, None]
        result[joint] = {
            "mae": _mean(np.abs(e[known])),
            "bias": _mean(e[known]),
            "bottom_mae": _mean(np.abs(e[turning])),
            "coverage90": _mean((np.abs(e[known]) <= _Z90 * s[known]).astype(float), 3),
            "std": _mean(s[known]),
            "abstained": round(float(1.0 - known.mean()), 3) if known.size else None,
        }
    return result


def _mean(values: FloatArray, digits: int = 2) -> float | None:
    return round(float(values.mean()), digits) if values.size else None


def own_rig(loaded: dict[str, Take], views: Sequence[str]) -> tuple[dict[str, CameraModel], dict[str, Any]]:
    """Cameras placed by the person who trains in front of them, mounts known; and how far that is off."""
    cameras = {v: loaded[v].camera_model for v in views}
    seen = {v: [frame for frame in loaded[v].landmarks() if frame is not None] for v in views}
    rig = calibrate_views(cameras, seen)
    off: dict[str, Any] = {}
    for view in views[1:]:
        true, found, std = placed(loaded[views[0]], loaded[view]), rig.cameras[view], rig.std[view]
        off[view] = {
            "place_cm": round(100 * math.hypot(found.x - true.x, found.y - true.y), 1),
            "place_std_cm": round(100 * math.hypot(std.x, std.y), 1),
            "yaw_deg": round(math.degrees(math.remainder(found.yaw - true.yaw, 2 * math.pi)), 2),
            "yaw_std_deg": round(math.degrees(std.yaw), 2),
        }
    return {v: rig.cameras[v] for v in views[1:]}, off


def clocks(loaded: dict[str, Take], view: str, offset_s: float = 0.123) -> dict[str, Any]:
    """A clock set wrong by `offset_s`, found again."""
    first = [f for f in loaded[VIEWS[0]].landmarks() if f is not None][::2]
    other = [
        replace(f, stamp_ns=f.stamp_ns + round(offset_s * 1e9))
        for f in loaded[view].landmarks()
        if f is not None
    ][1::2]
    try:
        found = clock_offset(first, other, 0.35)
    except ClockError as error:
        return {"refused": str(error)}
    return {
        "error_ms": round(1e3 * (found.offset_s - offset_s), 1),
        "std_ms": round(1e3 * found.std_s, 1),
        "correlation": round(found.correlation, 3),
    }


def measure(
    sets: Sequence[SetKey] | None = None, depth: bool = True, console: Console | None = None
) -> dict[str, Any]:
    """All figures: ``angle_error_deg`` [set][way][joint], ``mean_deg`` [way][joint], ``rig``, ``clock``."""
    chosen = list(default_sets() if sets is None else sets)
    reader = Reader(JOINTS)
    result: dict[str, Any] = {"angle_error_deg": {}, "rig": {}, "clock": {}}
    with threadpool_limits(1):
        for key in chosen:
            if console:
                console.print(key.name)
            loaded = {v: takes.load(takes.path_of(key.take(v))) for v in VIEWS}
            ways: dict[str, Any] = {}
            for views in (*SINGLE, *PAIRS):
                ways["+".join(views)] = figures(fitted(key, loaded, views), loaded[views[0]], reader)
            pair = ("front", "45")
            ways["front+45, 33 ms apart"] = figures(
                unsynchronised(key, loaded, pair), loaded["front"], reader
            )
            try:
                cameras, off = own_rig(loaded, pair)
                result["rig"][key.name] = off
                ways["front+45, placed by the person"] = figures(
                    fitted(key, loaded, pair, cameras), loaded["front"], reader
                )
            except ViewCalibrationError as error:
                result["rig"][key.name] = {"refused": str(error)}
            result["clock"][key.name] = {v: clocks(loaded, v) for v in VIEWS[1:]}
            if depth:
                for view in ("front", "45"):
                    deep = {view: with_depth(key, view, loaded)}
                    ways[f"{view}+depth"] = figures(
                        fitted(key, loaded, (view,), landmarks=deep), loaded[view], reader
                    )
            result["angle_error_deg"][key.name] = ways
    result["mean_deg"] = summary(result["angle_error_deg"])
    return result


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """[way][joint] of means over the sets."""
    result: dict[str, Any] = {}
    for way in dict.fromkeys(way for ways in found.values() for way in ways):
        for joint in JOINTS:
            cells = [ways[way][joint] for ways in found.values() if way in ways]
            row = {}
            for name in ("mae", "bottom_mae", "coverage90", "abstained"):
                values = [c[name] for c in cells if c[name] is not None]
                row[name] = round(float(np.mean(values)), 3) if values else None
            row["sets"] = len(cells)
            result.setdefault(way, {})[joint] = row
    return result


def table(mean: dict[str, Any], title: str) -> Table:
    """Mean absolute error, at the turning point, and coverage."""
    made = Table(title=title)
    made.add_column("cameras")
    made.add_column("sets", justify="right")
    for joint in JOINTS:
        made.add_column(joint.replace("_", " "), justify="right")
    for way, joints in mean.items():
        cells = [
            "-"
            if c["mae"] is None
            else f"{c['mae']:.1f} / {c['bottom_mae'] or math.nan:.1f} ({100 * c['coverage90']:.0f} %)"
            for c in (joints[j] for j in JOINTS)
        ]
        made.add_row(way, str(joints[JOINTS[0]]["sets"]), *cells)
    return made


def main() -> None:
    """Prints a table and writes ``bench_output/views.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exercise", action="append", help="only these")
    parser.add_argument("--tuning", action="store_true", help="sets that constants were tuned on")
    parser.add_argument("--no-depth", action="store_true", help="render no depth images")
    arguments = parser.parse_args()
    sets = default_sets()
    if arguments.tuning:
        keys = [k for k in takes.tuning_keys() if k.exercise != takes.STANDING and k.view == VIEWS[0]]
        sets = [SetKey(k.exercise, k.athlete, k.fault, k.tempo) for k in keys]
        sets = [s for s in sets if all(takes.path_of(s.take(v)).exists() for v in VIEWS)]
    if arguments.exercise:
        sets = [s for s in sets if s.exercise in arguments.exercise]
    console = Console()
    if not sets:
        console.print("[red]no set was taken from all views; make them with bench/takes.py")
        raise SystemExit(1)
    result = measure(sets, not arguments.no_depth, console)
    for name, ways in result["angle_error_deg"].items():
        console.print(
            table(summary({name: ways}), f"{name}: degrees, mean / turning point (covered by 90 %)")
        )
    console.print(table(result["mean_deg"], "all sets: degrees, mean / turning point (covered by 90 %)"))
    console.print_json(json.dumps({"rig": result["rig"], "clock": result["clock"]}))
    path = takes.OUTPUT / "views.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1), encoding="utf-8")
    part.replace(path)
    console.print(f"written: {path}")


if __name__ == "__main__":
    main()
