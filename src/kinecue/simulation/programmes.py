"""The sample clips, as data: who does what, seen from where, with which faults."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from kinecue.body.camera import DEFAULT_HORIZONTAL_FOV, CameraModel
from kinecue.simulation.appearance import Outfit
from kinecue.simulation.timeline import PlantedFault, SetPlan, Tempo


def _camera(height: float, tilt_deg: float) -> CameraModel:
    guess = CameraModel.estimate(640, 480, DEFAULT_HORIZONTAL_FOV)
    return CameraModel(
        guess.width, guess.height, guess.fx, guess.fy, guess.cx, guess.cy,
        mount_height=height, tilt=math.radians(tilt_deg),
    )  # fmt: skip


@dataclass(frozen=True)
class Programme:
    """A clip to be made.

    Attributes:
        name: of the files.
        exercise: a key of `kinecue.simulation.gym.MOVEMENTS`.
        sex, stature: of the athlete; stature in m.
        outfit: what the athlete wears.
        plan: the set.
        view: yaw of the athlete against the camera, rad; 0 faces it, positive shows the left side.
        distance: of the athlete from the camera along the floor, m.
        camera: through which the clip is seen.
        fps: frames per second.
        noise: standard deviation of the sensor's noise, grey levels.
    """

    name: str
    exercise: str
    sex: str
    stature: float
    outfit: Outfit
    plan: SetPlan
    view: float
    distance: float
    camera: CameraModel = field(default_factory=lambda: _camera(1.05, 3.0))
    fps: int = 30
    noise: float = 2.2


_RED = Outfit()
_TEAL = Outfit(
    skin=(120.0, 152.0, 202.0), hair=(30.0, 48.0, 84.0),
    shirt=(150.0, 122.0, 34.0), shorts=(52.0, 46.0, 46.0),
    shoes=(170.0, 168.0, 172.0), sleeve=0.0, leg=0.88, looseness=0.005, ponytail=True,
)  # fmt: skip
_BLUE = Outfit(
    skin=(82.0, 112.0, 162.0), hair=(22.0, 24.0, 28.0), shirt=(176.0, 104.0, 44.0), shorts=(58.0, 56.0, 56.0),
    stripe=(80.0, 160.0, 230.0), sleeve=0.35, leg=0.32,
)  # fmt: skip
_VIOLET = Outfit(
    skin=(152.0, 184.0, 226.0), hair=(58.0, 104.0, 150.0),
    shirt=(140.0, 66.0, 128.0), shorts=(60.0, 44.0, 40.0),
    shoes=(190.0, 188.0, 192.0), sleeve=0.0, leg=0.55, looseness=0.005, ponytail=True,
)  # fmt: skip

_SQUAT_TEMPO = Tempo(out_s=1.35, hold_s=0.15, back_s=1.15, rest_s=0.45)
_CURL_TEMPO = Tempo(out_s=1.15, hold_s=0.20, back_s=1.35, rest_s=0.40)

PROGRAMMES: dict[str, Programme] = {
    p.name: p
    for p in (
        Programme(
            "sample_squat",
            "squat",
            "male",
            1.80,
            _RED,
            SetPlan(
                8,
                _SQUAT_TEMPO,
                (
                    PlantedFault("knees_in", (3, 4), math.radians(19.0)),
                    PlantedFault("shallow", (7,), math.radians(38.0)),
                ),
                seed=11,
            ),
            math.radians(32.0),
            3.1,
        ),
        Programme(
            "clean_squat",
            "squat",
            "female",
            1.68,
            _TEAL,
            SetPlan(8, _SQUAT_TEMPO, seed=23),
            math.radians(-38.0),
            3.0,
        ),
        Programme(
            "sample_curl",
            "biceps_curl",
            "female",
            1.70,
            _VIOLET,
            SetPlan(
                8,
                _CURL_TEMPO,
                (
                    PlantedFault("elbow_drift", (3, 4), math.radians(35.0)),
                    PlantedFault("swing", (6,), math.radians(24.0)),
                ),
                seed=37,
            ),
            math.radians(52.0),
            3.0,
        ),
        Programme(
            "clean_curl",
            "biceps_curl",
            "male",
            1.84,
            _BLUE,
            SetPlan(8, _CURL_TEMPO, seed=41),
            math.radians(-50.0),
            3.1,
        ),
    )
}
