"""Where the cameras stand, from a person who moves in front of them: no board, no tape.

The joints of one person at one moment are points that all cameras see. The networks' own 3D landmarks, turned until they
agree, give a first guess; bundle adjustment does the rest: the cameras are moved until the joints, triangulated anew each
time, fall on their pixels. Scale comes from the person's size, the cameras' known heights and the feet on the floor;
the vertical from the mount or from people standing upright.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from kinecue.body.anthropometry import ANKLE_HEIGHT, STATURE_MEAN, STATURE_STD, SegmentLengths
from kinecue.body.camera import CameraModel
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark
from kinecue.perception.fusion_frames import turn
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.rig import PoseStd, Rig
from kinecue.perception.triangulation import triangulate
from kinecue.perception.view_pairing import SHARED_JOINTS
from kinecue.perception.view_track import LandmarkTrack, TimeSettings

FloatArray = NDArray[np.float64]

_SEEN = 0.6
_FEWEST_JOINTS = 7
_FEWEST_FRAMES = 30
_MOST_FRAMES = 40
_COARSE_FRAMES = 12
_FEWEST_PLACES, _MOST_PLACES = 4, 20
"""Landmark errors are bias that lasts while a person stays as they are: frames count as often as the person stood
elsewhere (by `_PLACE_STEP`, m) or turned (by `_TURN_STEP`, rad), but at least and at most so often."""
_PLACE_STEP, _TURN_STEP = 0.3, math.radians(60.0)
_LANDMARK_STD = 0.02
"""Of one landmark, m: 4 px of a person 300 px tall; two networks put a hip 3 cm apart."""
_MOUNT_STD = (0.02, math.radians(1.0), math.radians(1.0))
"""Of a given mount's height (m), tilt and roll (rad)."""
_FLOOR_STD = 0.02
_UPRIGHT_STD = math.radians(6.0)
"""How far people lean when they stand in one way in one place, rad."""
_GOOD_COST = 1.0
"""Of a first guess, per residual: no other one is tried."""
_HEIGHTS = (0.05, 9.0)
_WORST_RESIDUAL = 2.5
"""Root mean square of the reprojection errors over their expected size."""
_WORST_STD = (0.15, math.radians(3.0))
"""A calibration less sure than this is refused: m, rad."""
_NARROWEST = math.radians(8.0)
"""Cameras that look from directions nearer than this see nothing of depth, rad."""

_TIME = TimeSettings(longest_gap_s=0.1, memory_s=1e9)
"""People walk while they calibrate: no straight line over lost frames."""
_CHAINS = (
    ("hip", "knee", "thigh"),
    ("knee", "ankle", "shank"),
    ("shoulder", "elbow", "upper_arm"),
    ("elbow", "wrist", "forearm"),
)
_PLACE = {joint: i for i, joint in enumerate(SHARED_JOINTS)}
_ANKLES = [_PLACE[Landmark.LEFT_ANKLE], _PLACE[Landmark.RIGHT_ANKLE]]
_SHOULDERS = [_PLACE[Landmark.LEFT_SHOULDER], _PLACE[Landmark.RIGHT_SHOULDER]]


class ViewCalibrationError(KineCueError):
    """The cameras cannot be calibrated from what was seen; the text says why and what to do."""


@dataclass(frozen=True)
class _Observations:
    """What all cameras saw of the joints at T moments.

    Attributes:
        pixels: (C, T, 12, 2) undistorted px; NaN unseen.
        std: (C,) px.
        world: (C, T, 12, 3) the networks' own, optical axes, m.
    """

    pixels: FloatArray
    std: FloatArray
    world: FloatArray

    def every(self, count: int) -> _Observations:
        """About `count` of the moments, evenly spread."""
        t = self.pixels.shape[1]
        rows = np.unique(np.linspace(0, t - 1, min(count, t)).round().astype(int))
        return _Observations(self.pixels[:, rows], self.std, self.world[:, rows])


def calibrate_views(
    cameras: Mapping[str, CameraModel],
    seen: Mapping[str, Sequence[Landmarks2D]],
    stature: float | None = None,
    calibrated_at: str = "",
) -> Rig:
    """Finds where the cameras stand, in the base frame of the first.

    Args:
        cameras: name -> intrinsics, and mount where it is known (`mount_estimated` false: height, tilt and roll are
            believed to 2 cm and 1 degree). x, y and yaw are not used.
        seen: name -> landmarks of one and the same person in the order of their stamps (one clock). The person should
            walk about, turn and stand upright for a moment; some 10 s.
        stature: of the person, m, if known; else scale is as sure as people are alike (5 %) and the mounts tell.
        calibrated_at: ISO 8601, for the file.

    Raises:
        ViewCalibrationError: fewer than two cameras, unknown intrinsics, too little seen together, cameras that look from
            one direction, people that are not the same, or a result that is not sure enough.
    """
    names = list(cameras)
    if len(names) < 2:
        raise ViewCalibrationError("at least two cameras are needed")
    guessed = [name for name in names if cameras[name].intrinsics_estimated]
    if guessed:
        raise ViewCalibrationError(
            f"camera {guessed[0]}: its intrinsics are a guess; calibrate its lens first (camera_calibration)"
        )
    models = [cameras[name].pinhole for name in names]
    observed = _observe(names, [cameras[name] for name in names], seen)
    solver = _Solver(models, observed, stature)
    coarse = _Solver(models, observed.every(_COARSE_FRAMES), stature)
    best, cost, slopes = coarse.solve(coarse.guess(0.0), 20)
    if cost > _GOOD_COST * len(slopes):
        tries = [coarse.solve(coarse.guess(bias), 20) for bias in (-0.5, 0.5)]
        best = min([(best, cost, slopes), *tries], key=lambda found: found[1])[0]
    values, _, jacobian = solver.solve(best, 40)
    placed = solver.cameras(values)
    residual, worse = solver.check(names, placed)
    covariance = np.linalg.pinv(jacobian.T @ jacobian)
    # landmarks that fit worse than expected tell less
    deviation = worse * np.sqrt(np.maximum(np.diag(covariance), 0.0)).reshape(-1, 6)
    std: dict[str, PoseStd] = {}
    for i, name in enumerate(names):
        height, tilt, roll, x, y, yaw = (float(v) for v in deviation[i])
        std[name] = (
            PoseStd(x, y, height, yaw, tilt, roll) if i else PoseStd(0.0, 0.0, height, 0.0, tilt, roll)
        )
        place, angle = max(std[name].x, std[name].y, height), max(std[name].yaw, tilt)
        if place > _WORST_STD[0] or angle > _WORST_STD[1]:
            raise ViewCalibrationError(
                f"camera {name}: its place is only known to {100 * place:.0f} cm and {math.degrees(angle):.1f} "
                f"degrees, needed: {100 * _WORST_STD[0]:.0f} cm and {math.degrees(_WORST_STD[1]):.0f} degrees; "
                "let the person walk about more, with arms away from the body, and give stature or mount heights"
            )
    result = {
        name: replace(
            cameras[name],
            mount_height=m.mount_height,
            tilt=m.tilt,
            roll=m.roll,
            x=m.x,
            y=m.y,
            yaw=m.yaw,
            mount_estimated=False,
        )
        for name, m in zip(names, placed, strict=True)
    }
    return Rig(result, std, calibrated_at, residual)


def _observe(
    names: list[str], cameras: list[CameraModel], seen: Mapping[str, Sequence[Landmarks2D]]
) -> _Observations:
    tracks = {}
    for name in names[1:]:
        track = tracks[name] = LandmarkTrack(_TIME)
        for landmarks in seen.get(name, ()):
            track.add(landmarks)
    moments = []
    for first in seen.get(names[0], ()):
        others = [tracks[name].at(first.stamp_ns) for name in names[1:]]
        views = [first, *others]
        if sum(_joints_seen(view) >= _FEWEST_JOINTS for view in views) >= 2:
            moments.append(views)
    for i, name in enumerate(names[1:], 1):
        together = sum(min(_joints_seen(m[0]), _joints_seen(m[i])) >= _FEWEST_JOINTS for m in moments)
        if together < _FEWEST_FRAMES:
            raise ViewCalibrationError(
                f"cameras {names[0]} and {name} saw the whole person together in {together} frames, "
                f"needed: {_FEWEST_FRAMES}"
            )
    rows = np.unique(np.linspace(0, len(moments) - 1, min(_MOST_FRAMES, len(moments))).round().astype(int))
    shape = (len(names), len(rows), len(SHARED_JOINTS))
    pixels, world = np.full((*shape, 2), np.nan), np.full((*shape, 3), np.nan)
    sizes: list[list[float]] = [[] for _ in names]
    for t, row in enumerate(rows):
        for c, (camera, view) in enumerate(zip(cameras, moments[row], strict=True)):
            if view is None:
                continue
            index = view.topology.indices(*SHARED_JOINTS)
            good = np.nan_to_num(view.visibility[index]) >= _SEEN
            pixels[c, t] = np.where(good[:, None], camera.undistort(view.pixels[index]), np.nan)
            world[c, t] = view.world[index]
            a, b = pixels[c, t][good], world[c, t][good][:, :2]
            if len(a) > 2 and np.isfinite(a).all() and np.isfinite(b).all():
                spread = float(np.ptp(b, axis=0).max())
                if spread > 0.2:
                    sizes[c].append(float(np.ptp(a, axis=0).max()) / spread)
    std = np.array([_LANDMARK_STD * float(np.median(s)) if s else 4.0 for s in sizes])
    return _Observations(pixels, np.maximum(std, 1.0), world)


def _joints_seen(view: Landmarks2D | None) -> int:
    if view is None:
        return 0
    index = [view.topology.index(j) for j in SHARED_JOINTS]
    return int(
        ((np.nan_to_num(view.visibility[index]) >= _SEEN) & np.isfinite(view.pixels[index]).all(1)).sum()
    )


class _Solver:
    """Bundle adjustment over the cameras; six values each: height, tilt, roll, x, y, yaw (the first one's place is 0)."""

    def __init__(self, models: list[CameraModel], observed: _Observations, stature: float | None) -> None:
        self._models, self._seen = models, observed
        self._lengths = SegmentLengths.from_stature(stature or STATURE_MEAN)
        self._length_std = 0.02 if stature else STATURE_STD / STATURE_MEAN
        self._sigma = observed.std / np.array([m.fx for m in models])
        frames = observed.pixels.shape[1]
        self._places = float(np.clip(_places(models[0], observed), _FEWEST_PLACES, _MOST_PLACES))
        self._thin = math.sqrt(min(self._places / max(frames, 1), 1.0))

    def cameras(self, values: FloatArray) -> list[CameraModel]:
        result = []
        for i, (model, v) in enumerate(zip(self._models, values.reshape(-1, 6), strict=True)):
            height, tilt, roll, x, y, yaw = (float(a) for a in v)
            x, y, yaw = (x, y, math.remainder(yaw, 2 * math.pi)) if i else (0.0, 0.0, 0.0)
            result.append(
                replace(
                    model,
                    mount_height=float(np.clip(height, *_HEIGHTS)),
                    tilt=tilt,
                    roll=roll,
                    x=x,
                    y=y,
                    yaw=yaw,
                )
            )
        return result

    def guess(self, bias: float) -> FloatArray:
        """Turned as the networks' own landmarks agree, plus `bias` (rad); placed so that the person is in one place."""
        values = np.zeros((len(self._models), 6))
        bases, roots = [], []
        for c, model in enumerate(self._models):
            known = not model.mount_estimated
            tilt, roll, height = (model.tilt, model.roll, model.mount_height) if known else (0.0, 0.0, 1.2)
            values[c, :3] = height, tilt, roll
            upright = replace(model, mount_height=height, tilt=tilt, roll=roll, x=0.0, y=0.0, yaw=0.0)
            bases.append(self._seen.world[c] @ upright.rotation)
            roots.append(_roots(upright, self._seen.pixels[c], self._seen.world[c]) @ upright.rotation)
        for c in range(1, len(self._models)):
            both = np.isfinite(bases[0]).all(-1) & np.isfinite(bases[c]).all(-1)
            a, b = _centred(bases[0], both), _centred(bases[c], both)
            yaw = math.atan2(
                float((b[:, 0] * a[:, 1] - b[:, 1] * a[:, 0]).sum()),
                float((b[:, :2] * a[:, :2]).sum()),
            )
            yaw += bias
            place = roots[0] - roots[c] @ turn(yaw).T
            good = np.isfinite(place).all(1)
            if good.any():
                values[c, 3:5] = np.median(place[good], axis=0)[:2]
            values[c, 5] = yaw
        return values.ravel()

    def _full(self, free: FloatArray) -> FloatArray:
        """All six values of each camera from those that are free: the first one's place is the origin."""
        return np.concatenate([free[:3], np.zeros(3), free[3:]])

    def solve(self, start: FloatArray, evaluations: int) -> tuple[FloatArray, float, FloatArray]:
        kept = np.r_[0:3, 6 : len(start)]
        found = least_squares(
            lambda free: self._residuals(self._full(free)),
            start[kept],
            loss="soft_l1",
            f_scale=2.0,
            x_scale=np.tile([0.1, 0.05, 0.05, 0.3, 0.3, 0.1], len(self._models))[kept],
            max_nfev=evaluations,
            ftol=1e-5,
            xtol=1e-5,
        )
        jacobian = np.zeros((len(found.fun), len(start)))
        jacobian[:, kept] = found.jac
        return self._full(found.x), float(found.cost), jacobian

    def _fast_points(self, cameras: list[CameraModel]) -> FloatArray:
        """(T, 12, 3) where the rays come closest, each ray with its camera's one weight; anywhere if there are not two."""
        c, t, j, _ = self._seen.pixels.shape
        rays = np.stack([m.rays(p) for m, p in zip(cameras, self._seen.pixels, strict=True)]).reshape(
            c, t * j, 3
        )
        weight = np.where(np.isfinite(rays).all(-1), self._sigma[:, None] ** -2.0, 0.0)
        weight /= weight.max()
        rays = np.nan_to_num(rays)
        centres = np.stack([m.centre for m in cameras])
        matrix = weight.sum(0)[:, None, None] * np.eye(3) - np.einsum("cn,cni,cnj->nij", weight, rays, rays)
        along = (rays * centres[:, None]).sum(-1)
        right = np.einsum("cn,ci->ni", weight, centres) - np.einsum("cn,cni->ni", weight * along, rays)
        result: FloatArray = np.linalg.solve(matrix + 1e-9 * np.eye(3), right[..., None])[..., 0]
        return np.where(((weight > 0).sum(0) >= 2)[:, None], result, np.nan).reshape(t, j, 3)

    def points(self, cameras: list[CameraModel]) -> FloatArray:
        """(T, 12, 3) joints, m."""
        c, t, j, _ = self._seen.pixels.shape
        flat = self._seen.pixels.reshape(c, t * j, 2)
        std = [np.full(t * j, s) for s in self._seen.std]
        points, _ = triangulate(cameras, list(flat), std)
        return points.reshape(t, j, 3)

    def _residuals(self, values: FloatArray) -> FloatArray:
        cameras = self.cameras(values)
        points = self._fast_points(cameras)
        parts = []
        for c, camera in enumerate(cameras):
            error = (camera.project(points) - self._seen.pixels[c]) / self._seen.std[c] * self._thin
            # a joint behind the camera says so as much as an outlier
            missed = np.isfinite(self._seen.pixels[c]) & np.isfinite(points[..., :2]) & ~np.isfinite(error)
            error = np.where(missed, 6.0 * self._thin, np.nan_to_num(error))
            parts.append(np.clip(error, -40.0, 40.0).ravel())
        parts.append(self._body(points))
        v = values.reshape(-1, 6)
        for c, model in enumerate(self._models):
            wanted = np.array([model.mount_height, model.tilt, model.roll])
            std = np.array(_MOUNT_STD)
            if model.mount_estimated:
                wanted, std = np.array([1.3, 0.1, 0.0]), np.array([1.0, 0.35, 0.1])
            parts.append((v[c, :3] - wanted) / std)
        return np.concatenate(parts)

    def _body(self, points: FloatArray) -> FloatArray:
        """Size, floor and vertical, in standard deviations."""
        size = _log_scale(points, self._lengths) / self._length_std
        feet = np.array([_median(points[:, a, 2]) for a in _ANKLES])
        floor = np.nan_to_num((feet - ANKLE_HEIGHT) / _FLOOR_STD)
        body = points[:, _SHOULDERS].mean(1) - points[:, _ANKLES].mean(1)
        length = np.linalg.norm(body, axis=1)
        upright = np.zeros(2)
        good = np.isfinite(length)
        if good.any():
            tall = good & (np.nan_to_num(length) >= np.quantile(length[good], 0.8))
            lean = (body[tall, :2] / length[tall, None]).mean(0)
            upright = lean / _UPRIGHT_STD * math.sqrt(self._places)
        return np.concatenate([[size], np.clip(floor, -30, 30), np.clip(upright, -30, 30)])

    def check(self, names: list[str], cameras: list[CameraModel]) -> tuple[float, float]:
        """Root mean square reprojection error, px, and over the expected one, 1 or more.

        Raises:
            ViewCalibrationError: the result cannot be right.
        """
        points = self.points(cameras)
        total, count, worst = 0.0, 0, 1.0
        for c, (name, camera) in enumerate(zip(names, cameras, strict=True)):
            error = np.linalg.norm(camera.project(points) - self._seen.pixels[c], axis=-1)
            seen = np.isfinite(self._seen.pixels[c]).all(-1)
            good = np.isfinite(error)
            typical = (
                float(np.sqrt(np.median(error[good] ** 2))) / self._seen.std[c] if good.any() else math.inf
            )
            if good.sum() < 0.5 * seen.sum() or typical > _WORST_RESIDUAL:
                raise ViewCalibrationError(
                    f"camera {name}: the joints do not fit together (typical error {typical:.1f} times the expected "
                    "one): is it the same person at the same time, and are the lenses calibrated?"
                )
            worst = max(worst, typical)
            total += float((error[good] ** 2).sum())
            count += int(good.sum())
        middle = np.nanmedian(points.reshape(-1, 3), axis=0)
        first = middle - cameras[0].centre
        for name, camera in zip(names[1:], cameras[1:], strict=True):
            other = middle - camera.centre
            cosine = float(first @ other) / float(np.linalg.norm(first) * np.linalg.norm(other))
            angle = math.acos(float(np.clip(cosine, -1.0, 1.0)))
            if min(angle, math.pi - angle) < _NARROWEST:
                raise ViewCalibrationError(
                    f"cameras {names[0]} and {name} look along one line (they differ by {math.degrees(angle):.0f} "
                    f"degrees), needed: {math.degrees(_NARROWEST):.0f} degrees or more"
                )
        return math.sqrt(total / max(count, 1)), worst


def _places(camera: CameraModel, observed: _Observations) -> int:
    """In how many different places and directions the person stood, as the first camera sees it."""
    upright = replace(camera, x=0.0, y=0.0, yaw=0.0)
    world = observed.world[0] @ upright.rotation
    roots = _roots(upright, observed.pixels[0], observed.world[0]) @ upright.rotation
    across = world[:, _SHOULDERS[0]] - world[:, _SHOULDERS[1]]
    cells = np.column_stack(
        [np.floor(roots[:, :2] / _PLACE_STEP), np.floor(np.arctan2(across[:, 1], across[:, 0]) / _TURN_STEP)]
    )
    return len(np.unique(cells[np.isfinite(cells).all(1)], axis=0))


def _median(values: FloatArray) -> float:
    good = values[np.isfinite(values)]
    return float(np.median(good)) if len(good) else math.nan


def _centred(points: FloatArray, use: NDArray[np.bool_]) -> FloatArray:
    """(N, 3) the used points, each frame's about their own middle."""
    result = []
    for frame, good in zip(points, use, strict=True):
        if int(good.sum()) >= 3:
            result.append(frame[good] - frame[good].mean(0))
    return np.concatenate(result) if result else np.zeros((0, 3))


def _roots(camera: CameraModel, pixels: FloatArray, world: FloatArray) -> FloatArray:
    """(T, 3) where the network's body stands so that it falls on its pixels, optical frame, m (linear least squares)."""
    result = np.full((len(pixels), 3), np.nan)
    slopes = (pixels - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
    for t, (s, w) in enumerate(zip(slopes, world, strict=True)):
        good = np.isfinite(s).all(1) & np.isfinite(w).all(1)
        if int(good.sum()) < 4:
            continue
        s, w = s[good], w[good]
        n = len(s)
        a = np.zeros((2 * n, 3))
        a[:n, 0] = a[n:, 1] = 1.0
        a[:n, 2], a[n:, 2] = -s[:, 0], -s[:, 1]
        b = np.concatenate([s[:, 0] * w[:, 2] - w[:, 0], s[:, 1] * w[:, 2] - w[:, 1]])
        result[t] = np.linalg.lstsq(a, b, rcond=None)[0]
    result[~(result[:, 2] > 0.3)] = np.nan
    return result


def _log_scale(points: FloatArray, lengths: SegmentLengths) -> float:
    """Logarithm of the triangulated over the expected lengths of the limbs; 0 where nothing is known."""
    measured = wanted = 0.0
    for side in ("left", "right"):
        for a, b, name in _CHAINS:
            i, j = _PLACE[Landmark(f"{side}_{a}")], _PLACE[Landmark(f"{side}_{b}")]
            length = _median(np.linalg.norm(points[:, i] - points[:, j], axis=1))
            if math.isfinite(length):
                measured += length
                wanted += getattr(lengths, name)
    return float(np.clip(math.log(measured / wanted), -3.0, 3.0)) if measured > 0 else 0.0
