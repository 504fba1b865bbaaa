"""What the camera saw of the lifter in the last half minute: progress, phases, and the ways of hands and trunk in metres."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.landmarks import Landmark, LandmarkState
from kinecue.exercise.results import FormState, Phase, Repetition, RepetitionStatus, RepetitionVelocity
from kinecue.training.velocity import velocity_of

FloatArray = NDArray[np.float64]

_POINTS = (
    Landmark.LEFT_WRIST,
    Landmark.RIGHT_WRIST,
    Landmark.LEFT_SHOULDER,
    Landmark.RIGHT_SHOULDER,
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_ANKLE,
)
_WRISTS, _SHOULDERS = slice(0, 2), slice(2, 4)
_MOST = 2000
_SURE_M = 0.05
"""A point that is less certain than this, one standard deviation, says nothing about speed: a repetition has some 0.4 m."""
_SCALE_MEASURED, _SCALE_ASSUMED = 0.03, 0.10
"""Relative error of the camera's metres: of a person whose segments were measured, and of an assumed stature (the standard
deviation of adults' stature is 4 % within and some 6 % over both sexes; the rest is the distance to the camera)."""
_SEEN = 0.9
"""Part of the frames in which the points have to be seen, not inferred."""
_LEAST_FRAMES = 10
_LEAST_WAY_M = 0.15
"""Less than this the error of a camera is too large a part of."""
_ARMS = ("elbow", "shoulder", "hand", "wrist")
_HINGES = ("hip", "trunk")


@dataclass(frozen=True)
class _Seen:
    stamp_ns: int
    phase: Phase
    progress: float
    std: float
    points: FloatArray
    """(P, 3) m; NaN where not sure."""
    observed: NDArray[np.bool_]
    measured: bool


@dataclass(frozen=True)
class Watched:
    """What the camera saw in a time.

    Attributes:
        frames: how many.
        out_of_position: part of them in which the lifter was not in position, or resting.
        excursion: of progress, largest less smallest; NaN if unknown.
        progress_std: typical standard deviation of progress; NaN if unknown.
        farthest_m: way of the point of the body that moved most, m; NaN unless hands and trunk were seen.
    """

    frames: int
    out_of_position: float
    excursion: float
    progress_std: float
    farthest_m: float


class BodyTrace:
    """Remembers frames."""

    def __init__(self) -> None:
        self._frames: deque[_Seen] = deque(maxlen=_MOST)

    def clear(self) -> None:
        """Somebody else, or another time."""
        self._frames.clear()

    def add(self, form: FormState, body: Body | None) -> None:
        """A frame."""
        if self._frames and form.stamp_ns <= self._frames[-1].stamp_ns:
            self._frames.clear()
        points = np.full((len(_POINTS), 3), math.nan)
        observed = np.zeros(len(_POINTS), bool)
        if body is not None:
            rows = [body.topology.index(mark) for mark in _POINTS]
            variance = np.trace(body.covariances[rows], axis1=1, axis2=2)
            sure = (body.states[rows] != LandmarkState.LOST) & (variance < 3.0 * _SURE_M**2)
            points[sure] = body.positions[rows][sure]
            observed = sure & (body.states[rows] == LandmarkState.OBSERVED)
        self._frames.append(
            _Seen(
                form.stamp_ns,
                form.phase,
                form.progress,
                form.progress_std,
                points,
                observed,
                body is not None and body.calibrated,
            )
        )

    def _between(self, start_ns: int, end_ns: int) -> list[_Seen]:
        found: list[_Seen] = []
        for frame in reversed(self._frames):
            if frame.stamp_ns < start_ns:
                break
            if frame.stamp_ns <= end_ns:
                found.append(frame)
        return found[::-1]

    def watched(self, start_ns: int, end_ns: int) -> Watched:
        """What was seen between two camera times."""
        frames = self._between(start_ns, end_ns)
        if not frames:
            return Watched(0, math.nan, math.nan, math.nan, math.nan)
        away = sum(frame.phase in (Phase.SETUP, Phase.REST) for frame in frames) / len(frames)
        known = [(frame.progress, frame.std) for frame in frames if math.isfinite(frame.progress)]
        excursion = std = math.nan
        if known:
            values = [progress for progress, _ in known]
            excursion, std = max(values) - min(values), float(np.median([s for _, s in known]))
        return Watched(len(frames), away, excursion, std, self._farthest(frames))

    @staticmethod
    def _farthest(frames: list[_Seen]) -> float:
        paths = np.stack([frame.points for frame in frames])
        seen = np.isfinite(paths[..., 0]).sum(0)
        enough = seen >= max(5, len(frames) // 2)
        if not enough[_WRISTS].all() or not enough[2:6].any():
            return math.nan
        chosen = paths[:, enough]
        spread = np.nanpercentile(chosen, 95, axis=0) - np.nanpercentile(chosen, 5, axis=0)
        return float(np.linalg.norm(spread, axis=-1).max())

    def velocity(self, repetition: Repetition) -> RepetitionVelocity | None:
        """How fast the load went, from the lifter's own body.

        Where elbows or shoulders drive the exercise it goes along the way of the hands, or, if they stay where they are
        (pull-up), as the shoulders go up; in a hinge as the hands go up, which hold a bar before the thighs or on the back;
        else, where the legs work, as the shoulders go up. None where that was not seen well enough.
        """
        if repetition.status is not RepetitionStatus.VALID or not repetition.feature:
            return None
        margin = 200_000_000
        frames = self._between(repetition.start_ns - margin, repetition.end_ns + margin)
        lift = concentric(repetition)
        if len(frames) < _LEAST_FRAMES or lift is None:
            return None
        arms = repetition.feature.startswith(_ARMS)
        part = _WRISTS if arms or repetition.feature.startswith(_HINGES) else _SHOULDERS
        paths, observed = _middle(frames, part)
        if arms and observed.any() and np.ptp(paths[observed], axis=0).max() < _LEAST_WAY_M:
            arms = False
            paths, observed = _middle(frames, _SHOULDERS)
        if observed.mean() < _SEEN:
            return None
        times = np.array([(frame.stamp_ns - frames[0].stamp_ns) * 1e-9 for frame in frames])
        positions = _along(paths, observed) if arms else paths[:, 2]
        begin, end = ((at - frames[0].stamp_ns) * 1e-9 for at in lift)
        window = slice(int(np.searchsorted(times, begin)), int(np.searchsorted(times, end, side="right")))
        if window.stop - window.start < 4:
            return None
        scale = _SCALE_MEASURED if all(frame.measured for frame in frames) else _SCALE_ASSUMED
        found = velocity_of(times, positions, window, scale_std=scale, source="camera")
        return None if found is None or found.range < _LEAST_WAY_M else found


def _middle(frames: list[_Seen], part: slice) -> tuple[FloatArray, NDArray[np.bool_]]:
    """(N, 3) between left and right, m, and (N,) whether both were seen."""
    paths: FloatArray = np.stack([frame.points[part] for frame in frames]).mean(1)
    return paths, np.array([frame.observed[part].all() for frame in frames])


def _along(paths: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """(N,) of (N, 3) positions the part along their main direction, m."""
    middle = paths[known].mean(0)
    direction = np.linalg.svd(paths[known] - middle, full_matrices=False)[2][0]
    along: FloatArray = (paths - middle) @ direction
    return along


def concentric(repetition: Repetition) -> tuple[int, int] | None:
    """Camera times between which the load was lifted; None if that was not seen."""
    spans = [phase for phase in repetition.phases if phase.phase is Phase.CONCENTRIC]
    if not spans:
        return None
    return min(span.start_ns for span in spans), max(span.end_ns for span in spans)
