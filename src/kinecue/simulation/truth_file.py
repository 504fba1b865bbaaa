"""The truth beside a clip as JSON: written from the gym, read back by tests, benchmarks and the demo.

Positions are in the base frame of the clip's own camera, so that each clip stands on its own.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.simulation.gym import Gym, Taken
from kinecue.simulation.picture.cameras import SyntheticCamera, calibration
from kinecue.simulation.picture.visibility import Visibility
from kinecue.simulation.truth import JOINTS

FloatArray = NDArray[np.float64]

FORMAT = "kinecue_truth"
VERSION = 2


class ClipError(KineCueError):
    """A clip or its truth cannot be written or read."""


@dataclass(frozen=True)
class PlannedRepetitionTruth:
    """One repetition as planned, s since the clip's start.

    Attributes:
        number: from 1.
        start_s, bottom_s, end_s: leaves the start position, is at the turning point, is back.
        valid: a full one.
        kind: ``full``, ``partial`` or ``failed``.
        side: who leads: ``left``, ``right`` or ``both``.
    """

    number: int
    start_s: float
    bottom_s: float
    end_s: float
    valid: bool
    kind: str = "full"
    side: str = "both"


@dataclass(frozen=True)
class FaultTruth:
    """One planted fault in one repetition; see `kinecue.simulation.movement.performance.FaultEvent`."""

    name: str
    repetition: int
    magnitude: float
    unit: str
    onset_s: float
    side: str = "both"


@dataclass(frozen=True)
class ContactTruth:
    """What a contact exerts on the body in a frame: (3,) position, m, and (3,) force, N."""

    point: str
    on: str
    position: FloatArray
    force: FloatArray


@dataclass(frozen=True)
class ClipTruth:
    """The truth file of a clip, N frames. Positions in the base frame of its camera.

    Attributes:
        name, exercise, fps: of the clip.
        camera: through which it is seen.
        view: yaw of the athlete against the camera, rad.
        stature, mass: of the athlete, m and kg.
        segment_lengths: m, by the names of `kinecue.body.anthropometry.SegmentLengths`.
        cables: side of each of the C cables of the machine; empty if the exercise has none.
        pulleys: (C, 3) where they leave the machine, m.
        repetitions, faults: what was planned.
        times_s: (N,) middle of the exposure.
        stamps_ns: (N,) as the camera's driver gives them.
        dropped: (N,) lost frames; the clip shows the picture before it again.
        phases, stages: N names.
        repetition: (N,) number under way or just finished.
        progress: (N,) 0 to 1.
        active_faults: N dictionaries, present magnitude by name, of the larger side.
        positions: (N, 33, 3) landmarks in the order of `BLAZEPOSE_33`, m.
        joints: (N, J, 3) joint centres of `kinecue.simulation.truth.JOINTS`, m.
        pixels: (N, 33, 2) their projections; NaN behind the camera.
        visibility: (N, 33) of `kinecue.simulation.picture.visibility.Visibility`.
        angles: (N,) by name, rad.
        measures: (N,) by name, m or without unit.
        handles: (N, C, 3) ends of the cables, m.
        cable_m, cable_speed, tension: (N, C) length m, m/s, N.
        centre_of_mass: (N, 3) m.
        contacts: N tuples.
        missing_force: (N, 3) what the contacts cannot account for, N.
    """

    name: str
    exercise: str
    fps: float
    camera: CameraModel
    view: float
    stature: float
    mass: float
    segment_lengths: dict[str, float]
    cables: tuple[str, ...]
    pulleys: FloatArray
    repetitions: tuple[PlannedRepetitionTruth, ...]
    faults: tuple[FaultTruth, ...]
    times_s: FloatArray
    stamps_ns: NDArray[np.int64]
    dropped: NDArray[np.bool_]
    phases: tuple[str, ...]
    stages: tuple[str, ...]
    repetition: NDArray[np.int64]
    progress: FloatArray
    active_faults: tuple[dict[str, float], ...]
    positions: FloatArray
    joints: FloatArray
    pixels: FloatArray
    visibility: NDArray[np.int64]
    angles: dict[str, FloatArray]
    measures: dict[str, FloatArray]
    handles: FloatArray
    cable_m: FloatArray
    cable_speed: FloatArray
    tension: FloatArray
    centre_of_mass: FloatArray
    contacts: tuple[tuple[ContactTruth, ...], ...]
    missing_force: FloatArray

    @staticmethod
    def load(path: Path) -> ClipTruth:
        """Read a truth file, JSON or (by its ending) MCAP.

        Raises:
            ClipError: the file is missing, damaged or of another format.
        """
        try:
            data = _document(path)
            if data.get("format") != FORMAT or data.get("version") != VERSION:
                raise ClipError(
                    f"{path}: format must be {FORMAT} version {VERSION}, "
                    f"got {data.get('format')!r} version {data.get('version')!r}"
                )
            return _parsed(data)
        except FileNotFoundError as error:
            raise ClipError(f"{path}: no such truth file") from error
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ClipError(f"{path}: not a valid truth file ({type(error).__name__}: {error})") from error


def _document(path: Path) -> dict[str, Any]:
    if path.suffix == ".mcap":
        from kinecue.simulation.truth_mcap import read_document

        return read_document(path)
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _parsed(data: dict[str, Any]) -> ClipTruth:
    frames = data["frames"]
    cables = data["machine"]["cables"]

    def column(name: str, *shape: int) -> FloatArray:
        return np.array([f[name] for f in frames], dtype=np.float64).reshape(len(frames), *shape)

    def named(name: str) -> dict[str, FloatArray]:
        return {key: np.array([f[name][key] for f in frames], dtype=np.float64) for key in frames[0][name]}

    count = len(cables)
    points = [(c["point"], c["on"]) for c in data["contact_points"]]
    return ClipTruth(
        name=data["name"],
        exercise=data["exercise"],
        fps=data["fps"],
        camera=CameraModel(**{**data["camera"], "distortion": tuple(data["camera"]["distortion"])}),
        view=data["view_rad"],
        stature=data["athlete"]["stature_m"],
        mass=data["athlete"]["mass_kg"],
        segment_lengths=data["athlete"]["segment_lengths_m"],
        cables=tuple(c["side"] for c in cables),
        pulleys=np.array([c["pulley_m"] for c in cables], dtype=np.float64).reshape(count, 3),
        repetitions=tuple(PlannedRepetitionTruth(**r) for r in data["repetitions"]),
        faults=tuple(FaultTruth(**f) for f in data["faults"]),
        times_s=column("time_s"),
        stamps_ns=np.array([f["stamp_ns"] for f in frames], dtype=np.int64),
        dropped=np.array([bool(f.get("dropped", False)) for f in frames], dtype=bool),
        phases=tuple(f["phase"] for f in frames),
        stages=tuple(f["stage"] for f in frames),
        repetition=np.array([f["repetition"] for f in frames], dtype=np.int64),
        progress=column("progress"),
        active_faults=tuple(f["faults"] for f in frames),
        positions=column("positions_m", 33, 3),
        joints=column("joints_m", len(data["joints"]), 3),
        pixels=column("pixels", 33, 2),
        visibility=np.array([[int(c) for c in f["visibility"]] for f in frames], dtype=np.int64),
        angles=named("angles_rad"),
        measures=named("measures"),
        handles=column("handles_m", count, 3),
        cable_m=column("cable_m", count),
        cable_speed=column("cable_speed_m_s", count),
        tension=column("tension_n", count),
        centre_of_mass=column("centre_of_mass_m", 3),
        contacts=tuple(tuple(_contact(points, row) for row in f["contacts"]) for f in frames),
        missing_force=column("missing_force_n", 3),
    )


def _contact(points: list[tuple[str, str]], row: list[float]) -> ContactTruth:
    point, on = points[int(row[0])]
    return ContactTruth(point, on, np.array(row[1:4], dtype=np.float64), np.array(row[4:7], dtype=np.float64))


# -- writing


def header(gym: Gym, camera: SyntheticCamera, key: str) -> dict[str, Any]:
    """Everything about a clip but its frames, ready for JSON."""
    p = gym.programme
    shape = gym.athlete.shape
    return {
        "format": FORMAT,
        "version": VERSION,
        "key": key,
        "name": p.name,
        "exercise": p.exercise,
        "fps": camera.sensor.rate,
        "frame_id": "machine_base_link",
        "units": "metres, radians, newtons, seconds; x ahead of the camera, y left, z up, origin under it on the floor",
        "camera": dataclasses.asdict(camera.model),
        "calibration": calibration([camera])["cameras"][0],
        "cameras": [c.name for c in p.cameras],
        "view_rad": p.view_of(camera),
        "seed": p.plan.seed,
        "athlete": {
            "name": shape.name,
            "sex": gym.athlete.sex,
            "stature_m": gym.athlete.stature,
            "mass_kg": round(gym.athlete.mass, 3),
            "segment_lengths_m": dataclasses.asdict(gym.athlete.lengths),
            "segments": {
                s.name: {"mass_kg": round(s.mass, 4), "volume_m3": round(s.volume, 7)}
                for s in gym.athlete.segments.values()
            },
        },
        "machine": {
            "attachment": type(gym.equipment).__name__,
            "load_kg": p.machine.load_kg if gym.equipment.cables else None,
            "cables": [
                {"side": cable.side, "pulley_m": _rounded(camera.to_base(pulley), 5)}
                for cable, pulley in zip(gym.equipment.cables, gym.pulleys, strict=True)
            ],
        },
        "landmarks": [landmark.value for landmark in BLAZEPOSE_33.landmarks],
        "joints": list(JOINTS),
        "visibility": {str(int(v)): v.name.lower() for v in Visibility},
        "contact_points": [],
        "plan": {
            "still_s": p.plan.still_s,
            "variation": p.plan.variation,
            "fatigue": p.plan.fatigue,
            "approach": p.plan.approach,
        },
        "repetitions": [
            {
                "number": r.number,
                "start_s": round(r.start_s, 4),
                "bottom_s": round((r.turn_s + r.back_s) / 2.0, 4),
                "end_s": round(r.end_s, 4),
                "valid": r.kind == "full",
                "kind": r.kind,
                "side": r.side,
            }
            for r in gym.performance.timeline.repetitions
        ],
        "faults": [
            {
                "name": e.name,
                "repetition": e.repetition,
                "magnitude": round(e.magnitude, 5),
                "unit": e.unit,
                "onset_s": round(e.onset_s, 4),
                "side": e.side,
            }
            for e in gym.performance.fault_events()
        ],
    }


class FrameWriter:
    """Turns frames into what is written, in the base frame of a camera."""

    def __init__(self, camera: SyntheticCamera) -> None:
        self._camera = camera
        self.contact_points: list[tuple[str, str]] = []
        """Point and what it is on of every contact so far; frames refer to it by number."""

    def frame(self, taken: Taken) -> dict[str, Any]:
        """One frame, ready for JSON."""
        truth, camera = taken.truth, self._camera
        turn = camera.rotation
        state = truth.state
        forces = truth.forces
        row: dict[str, Any] = {
            "time_s": round(truth.time_s, 6),
            "stamp_ns": taken.shot.stamp_ns,
            "phase": state.phase,
            "stage": state.stage,
            "repetition": state.repetition,
            "kind": state.kind,
            "side": state.side,
            "progress": round(state.progress, 5),
            "faults": {name: round(m, 5) for name, m in state.magnitudes.items()},
        }
        uneven = {
            name: [round(v, 5) for v in both] for name, both in state.faults.items() if both[0] != both[1]
        }
        if uneven:
            row["faults_left_right"] = uneven
        if taken.shot.dropped:
            row["dropped"] = True
        row |= {
            "positions_m": _rounded(camera.to_base(truth.positions), 5),
            "joints_m": _rounded(camera.to_base(truth.joints), 5),
            "pixels": _finite(taken.seen.pixels, 2),
            "visibility": "".join(str(int(v)) for v in taken.seen.visibility),
            "angles_rad": {name: round(a, 5) + 0.0 for name, a in truth.angles.items()},
            "measures": {name: round(a, 5) + 0.0 for name, a in truth.measures.items()},
            "handles_m": _rounded(camera.to_base(truth.handles), 5),
            "cable_m": _rounded(truth.cable_m, 5),
            "cable_speed_m_s": _rounded(truth.cable_speed, 5),
            "tension_n": _rounded(truth.tension, 3),
            "centre_of_mass_m": _rounded(camera.to_base(truth.centre_of_mass), 5),
            "contacts": [
                [
                    self._number(c.point, c.on),
                    *_rounded(camera.to_base(c.position), 4),
                    *_rounded(turn @ c.force, 2),
                ]
                for c in forces.contacts
            ],
            "missing_force_n": _rounded(turn @ forces.missing_force, 2),
            "missing_moment_nm": _rounded(turn @ forces.missing_moment, 2),
        }
        return row

    def _number(self, point: str, on: str) -> int:
        if (point, on) not in self.contact_points:
            self.contact_points.append((point, on))
        return self.contact_points.index((point, on))

    @property
    def contact_table(self) -> list[dict[str, str]]:
        """What frames' contacts refer to."""
        return [{"point": point, "on": on} for point, on in self.contact_points]


def _rounded(values: FloatArray, digits: int) -> Any:
    # adding zero turns minus zero into zero
    return (np.round(values, digits) + 0.0).tolist()


def _finite(values: FloatArray, digits: int) -> Any:
    """JSON has no NaN: null stands for it."""
    return [[v if math.isfinite(v) else None for v in row] for row in _rounded(values, digits)]
