"""How the benchmarks put a simulated take, or a clip, through the fit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import takes
from numpy.typing import NDArray
from takes import Take, TakeKey

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import LandmarkState
from kinecue.body.person import Person
from kinecue.perception.body_fitter import BodyFitter, FitterSettings
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.quick_calibration import QuickCalibration, Refusal
from kinecue.perception.standing import measure

FloatArray = NDArray[np.float64]

Kind = Literal["calibrated", "uncalibrated", "raw_world"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NEVER_S = 1e9
_STAND_S = 1.5
"""Of the two seconds that a standing take has."""


class BenchError(KineCueError):
    """A figure cannot be measured."""


def world_body(seen: Landmarks2D | None, camera: CameraModel) -> Body | None:
    """The network's own 3D as a body: its world landmarks turned into the base frame, nothing else."""
    if seen is None:
        return None
    n = len(seen.topology)
    return Body(
        "raw",
        seen.stamp_ns,
        seen.topology,
        seen.pixels,
        np.full(n, 1.0),
        seen.world @ camera.rotation,
        np.zeros((n, 3, 3)),
        np.full(n, int(LandmarkState.OBSERVED), np.uint8),
        seen.score,
        (camera.width, camera.height),
    )


@lru_cache(maxsize=64)
def person_of(athlete: str) -> Person:
    """An athlete, measured on the standing take seen from the front, as the quick calibration does it.

    Raises:
        BenchError: the calibration refused, or there is no such take.
    """
    path = takes.path_of(TakeKey(takes.STANDING, athlete, "front"))
    if not path.exists():
        raise BenchError(f"no take of {athlete} standing: {path}")
    take = takes.load(path)
    calibration = QuickCalibration(take.camera_model, measure, athlete, _STAND_S)
    for seen, stamp in zip(take.landmarks(), take.stamps_ns.tolist(), strict=True):
        calibration.update(seen, stamp)
    result = calibration.finish("2026-01-01T00:00:00+00:00")
    if isinstance(result, Refusal):
        raise BenchError(f"{athlete} could not be calibrated: {'; '.join(result.reasons)}")
    return result.person


def fitter(key: TakeKey, take: Take, kind: Kind, posture: bool) -> BodyFitter:
    """Ready for the first frame of a set.

    Calibrated: the athlete's lengths were measured before the set, standing before the same camera.
    """
    person = person_of(key.athlete) if kind == "calibrated" else None
    # a person who was measured before is looked at again when standing still; somebody unknown stays that
    settings = FitterSettings(person=person) if person else FitterSettings(standing_s=_NEVER_S)
    result = BodyFitter(take.camera_model, settings=settings)
    if posture:
        result.set_posture(key.exercise)
    return result


def bodies(
    key: TakeKey,
    take: Take,
    kind: Kind,
    posture: bool = True,
    landmarks: Sequence[Landmarks2D | None] | None = None,
) -> list[Body | None]:
    """The body of every frame; None where the network found nobody.

    Args:
        key, take: the set.
        kind: how it is measured.
        posture: the fitter is told which exercise is on.
        landmarks: instead of the take's own.
    """
    seen = take.landmarks() if landmarks is None else landmarks
    if kind == "raw_world":
        return [world_body(frame, take.camera_model) for frame in seen]
    running = fitter(key, take, kind, posture)
    return [None if frame is None else running.update(frame) for frame in seen]


def film_bodies(
    camera: CameraModel, landmarks: Sequence[Landmarks2D | None], exercise: str
) -> tuple[list[Body | None], list[CameraModel]]:
    """Bodies of a real clip of which only the exercise is known, and the camera as the fit has corrected it by then."""
    running = BodyFitter(camera)
    running.set_posture(exercise)
    found, cameras = [], []
    for frame in landmarks:
        found.append(None if frame is None else running.update(frame))
        cameras.append(camera if running.standing is None else running.standing.camera)
    return found, cameras
