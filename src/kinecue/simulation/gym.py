"""A programme put on stage: the athlete in the base frame, with the truth about each frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body import angles
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.simulation.appearance import dress
from kinecue.simulation.athlete import Athlete, BoneTransforms
from kinecue.simulation.curl import Curl
from kinecue.simulation.equipment import Belt, Equipment, LowBar
from kinecue.simulation.movement import Movement, MovementState
from kinecue.simulation.programmes import Programme
from kinecue.simulation.renderer import Renderer
from kinecue.simulation.rotations import yaw
from kinecue.simulation.scene import Scene
from kinecue.simulation.squat import Squat

FloatArray = NDArray[np.float64]

MOVEMENTS: dict[str, type[Movement]] = {m.exercise: m for m in (Squat, Curl)}
_EQUIPMENT: dict[str, type[Belt] | type[LowBar]] = {"squat": Belt, "biceps_curl": LowBar}


def joint_angles(points: dict[Landmark, FloatArray]) -> dict[str, float]:
    """Angles by the definitions of `kinecue.body.angles`, rad; ``knee_separation_ratio`` has no unit."""
    left_hip, right_hip = points[Landmark.LEFT_HIP], points[Landmark.RIGHT_HIP]
    mid_hip = (left_hip + right_hip) / 2.0
    mid_shoulder = (points[Landmark.LEFT_SHOULDER] + points[Landmark.RIGHT_SHOULDER]) / 2.0
    left, forward = angles.body_axes(left_hip, right_hip)
    trunk = mid_shoulder - mid_hip
    result = {
        "trunk_lean": float(angles.trunk_lean(mid_hip, mid_shoulder, forward)),
        "trunk_lateral_lean": float(angles.trunk_lateral_lean(mid_hip, mid_shoulder, left)),
    }
    for side in ("left", "right"):
        hip, knee, ankle, shoulder, elbow, wrist = (
            points[Landmark(f"{side}_{n}")] for n in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        )
        result[f"knee_flexion_{side}"] = float(angles.flexion(hip, knee, ankle))
        result[f"elbow_flexion_{side}"] = float(angles.flexion(shoulder, elbow, wrist))
        result[f"hip_flexion_{side}"] = float(angles.sagittal_flexion(trunk, knee - hip, left))
        result[f"shoulder_flexion_{side}"] = float(angles.sagittal_flexion(trunk, elbow - shoulder, left))
    result["knee_separation_ratio"] = float(
        angles.knee_separation_ratio(
            points[Landmark.LEFT_KNEE],
            points[Landmark.RIGHT_KNEE],
            points[Landmark.LEFT_ANKLE],
            points[Landmark.RIGHT_ANKLE],
            left,
        )
    )
    return result


@dataclass(frozen=True)
class FrameTruth:
    """The truth about one moment, in the base frame.

    Attributes:
        time_s: since the clip's start.
        state: phase, repetition, faults.
        positions: (33, 3) landmarks in the order of `BLAZEPOSE_33`, m.
        pixels: (33, 2) their projections, px.
        angles: by name, rad (see `joint_angles`).
        handle: (3,) end of the machine's cable, m.
        transforms: the bones.
    """

    time_s: float
    state: MovementState
    positions: FloatArray
    pixels: FloatArray
    angles: dict[str, float]
    handle: FloatArray
    transforms: BoneTransforms


class Gym:
    """One athlete who trains in front of one camera."""

    def __init__(self, programme: Programme) -> None:
        """Put a programme on stage.

        Raises:
            KineCueError: the programme asks for something that there is not.
        """
        if programme.exercise not in MOVEMENTS:
            raise KineCueError(
                f"exercise must be one of {', '.join(sorted(MOVEMENTS))}, got {programme.exercise!r}"
            )
        self.programme = programme
        self.athlete = Athlete(programme.sex, programme.stature)
        self.movement = MOVEMENTS[programme.exercise](self.athlete, programme.plan)
        self.equipment: Equipment = _EQUIPMENT[programme.exercise](self.athlete)
        # at view 0 the athlete looks at the camera, which looks along +x
        self._rotation = yaw(math.pi - programme.view)
        self._translation = np.array([programme.distance, 0.0, 0.0])
        self.pulley: FloatArray = self._rotation @ self.equipment.pulley + self._translation

    @property
    def duration_s(self) -> float:
        """Length of the clip, s."""
        return self.movement.duration_s

    @property
    def frame_count(self) -> int:
        """Frames of the clip."""
        return round(self.duration_s * self.programme.fps)

    def truth(self, time_s: float) -> FrameTruth:
        """Everything about a moment."""
        pose = self.movement.pose(time_s).moved(self._rotation, self._translation)
        transforms = self.athlete.transforms(pose)
        points = self.athlete.landmarks(transforms)
        positions = np.stack([points[landmark] for landmark in BLAZEPOSE_33.landmarks])
        return FrameTruth(
            time_s=time_s,
            state=self.movement.state(time_s),
            positions=positions,
            pixels=self.programme.camera.project(positions),
            angles=joint_angles(points),
            handle=self.equipment.handle(transforms),
            transforms=transforms,
        )

    def renderer(self) -> Renderer:
        """A renderer of this gym; takes a second or two to paint the background."""
        furniture = self.equipment.furniture().moved(self._rotation, self._translation)
        scene = Scene(
            seed=self.programme.plan.seed,
            spot=(float(self._translation[0]), float(self._translation[1])),
            extra=(furniture,),
        )
        mesh = dress(self.athlete, self.programme.outfit)
        return Renderer(self.programme.camera, scene, mesh, self.programme.plan.seed, self.programme.noise)

    def picture(self, renderer: Renderer, truth: FrameTruth) -> NDArray[np.uint8]:
        """(H, W, 3) frame of a moment, blue, green, red."""
        props = self.equipment.props(truth.transforms, self.pulley)
        return renderer.render(truth.transforms, round(truth.time_s * self.programme.fps), props)
