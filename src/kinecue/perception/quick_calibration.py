"""Stand still for two seconds: what is collected meanwhile, what to tell the lifter, and what comes out of it.

`QuickCalibration` is fed with the landmarks of every frame and answers at once; the sum is done by `finish`, which takes
some tenths of a second and belongs off the frame loop.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import LENGTH_NAMES, STATURE_MEAN, STATURE_STD, SegmentLengths, population
from kinecue.body.camera import CameraModel
from kinecue.body.person import MeasuredMount, Person, check_id
from kinecue.body.person_record import PersonError
from kinecue.perception.body_vertical import mixed, roll_of
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.stance import (
    STILL_POINTS,
    Problem,
    eye_to_heel,
    points_of,
    stance_problems,
    usable,
    view_of,
)

FloatArray = NDArray[np.float64]

_STILL_WINDOW_NS = 300_000_000
_STILL = 0.015
"""Share of the height in the picture by which most joints may be off their median of the last 0.3 s (2.5 cm)."""
_DRIFT = 0.025
"""The same against what has been collected: somebody who sways further has moved."""
_FORGIVEN_S = 0.4
"""Bad frames in a row that are left out without starting again."""
_LONGEST_STEP_S = 0.2
_GAP_S = 0.5
_ROUNDING_S = 0.005
"""Stamps of a 30 Hz camera do not add up to whole seconds."""
_FEWEST = 10
_TOO_SHORT = "stand still until the calibration is over"
_BLOCKS = 3
_AGREE = 0.06
"""Blocks of frames that differ by more than this share of a length did not see the same thing."""
_IMPLAUSIBLE = 4.5
"""Standard deviations from the population beyond which a length is a mistake."""

_KNOWN_HEIGHT_STD, _KNOWN_TILT_STD = 0.015, math.radians(0.4)
"""Of a mount that was measured with tape and level."""
_FREE_HEIGHT_STD = 0.08, 0.20
_FREE_TILT_STD = math.radians(2.0), math.radians(3.2)
"""Of one found from a standing person seen from the front and from the side. Root mean square errors over simulated
standings of 7 athletes before mounts of 0 to 12 degrees: 0.07 m and 1.3 degrees from the front, 0.07 and 2.0 at 45 degrees,
0.20 and 3.0 from the side. Knowing the stature hardly helps."""


class State(Enum):
    """Where a calibration is."""

    WAITING = "waiting"
    """Something is wrong; the instruction says what."""
    COLLECTING = "collecting"
    """The person stands still; `Progress.share` grows."""
    READY = "ready"
    """Enough was seen: call `finish`."""
    FAILED = "failed"
    """Patience is over; `finish` says why."""


@dataclass(frozen=True)
class Progress:
    """The answer to a frame.

    Attributes:
        state: see `State`.
        share: of the time to stand still that is done, 0 to 1.
        instruction: for the lifter; empty when there is nothing to say.
        problems: all that is wrong, first to mend first.
    """

    state: State
    share: float
    instruction: str
    problems: tuple[Problem, ...] = ()


class Measured(Protocol):
    """What a measuring function must tell; `kinecue.perception.standing.Standing` does."""

    @property
    def camera(self) -> CameraModel:
        """With the mount as it was found."""

    @property
    def lengths(self) -> SegmentLengths:
        """In metres."""

    @property
    def lengths_std(self) -> FloatArray:
        """(7,) relative, in the order of `LENGTH_NAMES`."""

    @property
    def stature(self) -> float:
        """In metres."""

    @property
    def stature_std(self) -> float:
        """In metres."""

    @property
    def left(self) -> FloatArray:
        """(3,) horizontal unit vector to the person's left, base frame."""

    @property
    def joints(self) -> FloatArray:
        """(..., 3) joint centres, base frame, m."""


Measure = Callable[[CameraModel, FloatArray, FloatArray, FloatArray, "float | None"], Measured]
"""Camera, (N, 2) undistorted pixels, (N, 3) world landmarks, (N,) visibility, stature if known."""


@dataclass(frozen=True)
class Calibration:
    """What came out.

    Attributes:
        person: to store and to fit with.
        mount: of the camera, with what is not known of it.
        camera: the one given, with the mount that was found where none was known.
        view: the person's yaw against the camera, rad.
        left: (3,) horizontal unit vector to the person's left, base frame.
        frames: that went into it.
        remarks: for the engineer: what could not be observed, what does not fit together.
    """

    person: Person
    mount: MeasuredMount
    camera: CameraModel
    view: float
    left: FloatArray
    frames: int
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why nothing came out, for the lifter and the engineer.

    Attributes:
        reasons: the most important first; at least one.
    """

    reasons: tuple[str, ...]


class QuickCalibration:
    """Watches somebody until they have stood still long enough. Deterministic.

    Args:
        camera: intrinsics and mount; an estimated mount is measured too.
        measure: turns collected landmarks into lengths (`kinecue.perception.standing.measure`).
        person_id: under which the person will be stored.
        duration_s: of standing still, 0.5 to 30 s.
        stature: m, if the person told it.
        wanted_view: yaw that is asked for, rad; None takes any but the back.
        patience_s: after which it fails.

    Raises:
        PersonError: the id or the stature is not allowed.
        ValueError: a time is not allowed.
    """

    def __init__(
        self,
        camera: CameraModel,
        measure: Measure,
        person_id: str,
        duration_s: float = 2.0,
        stature: float | None = None,
        wanted_view: float | None = None,
        patience_s: float = 30.0,
    ) -> None:
        check_id(person_id)
        if not 0.5 <= duration_s <= 30.0:
            raise ValueError(f"QuickCalibration: duration_s is {duration_s}, allowed: 0.5 to 30 s")
        if not duration_s < patience_s <= 600.0:
            raise ValueError(
                f"QuickCalibration: patience_s is {patience_s}, allowed: over duration_s, to 600 s"
            )
        if stature is not None and not 1.2 <= stature <= 2.3:
            raise PersonError(f"stature is {stature}, allowed: 1.2 to 2.3 m")
        self._camera = camera
        self._measure = measure
        self._id = person_id
        self._duration_s = duration_s
        self._stature = stature
        self._wanted_view = wanted_view
        self._patience_s = patience_s
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._wrong_s: defaultdict[Problem, float] = defaultdict(float)
        self._answer = Progress(State.WAITING, 0.0, Problem.NO_PERSON.value, (Problem.NO_PERSON,))
        self._restart()

    def _restart(self) -> None:
        self._good: list[Landmarks2D] = []
        self._good_s = 0.0
        self._bad_s = 0.0
        self._recent: deque[tuple[int, FloatArray]] = deque()

    @property
    def progress(self) -> Progress:
        """The answer to the newest frame."""
        return self._answer

    def update(self, landmarks: Landmarks2D | None, stamp_ns: int) -> Progress:
        """Takes one more frame; None where nobody was found. Frames that are not newer change nothing."""
        if self._answer.state in (State.READY, State.FAILED):
            return self._answer
        if self._last_ns is not None and stamp_ns <= self._last_ns:
            return self._answer
        step_s = 0.0 if self._last_ns is None else (stamp_ns - self._last_ns) * 1e-9
        self._last_ns = stamp_ns
        self._first_ns = stamp_ns if self._first_ns is None else self._first_ns
        if step_s > _GAP_S or (landmarks is not None and self._is_other(landmarks)):
            self._restart()
        problems = self._problems(landmarks, stamp_ns)
        if problems or landmarks is None:
            self._bad_s += step_s
            self._wrong_s[problems[0]] += step_s
            if self._bad_s > _FORGIVEN_S:
                self._good, self._good_s = [], 0.0
        else:
            if self._good:
                self._good_s += min(step_s, _LONGEST_STEP_S)
            self._bad_s = 0.0
            self._good.append(landmarks)
        self._answer = self._judge(problems, (stamp_ns - self._first_ns) * 1e-9)
        return self._answer

    def _is_other(self, landmarks: Landmarks2D) -> bool:
        known = self._good[-1] if self._good else None
        return known is not None and (
            known.identity != landmarks.identity or known.topology.name != landmarks.topology.name
        )

    def _problems(self, landmarks: Landmarks2D | None, stamp_ns: int) -> tuple[Problem, ...]:
        if landmarks is None:
            return (Problem.NO_PERSON,)
        if not usable(landmarks):
            return (Problem.CANNOT_TELL,)
        wrong = stance_problems(landmarks, self._camera.width, self._camera.height, self._wanted_view)
        pixels, visibility = points_of(landmarks)
        rows = landmarks.topology.indices(*STILL_POINTS)
        now = np.where(visibility[rows, None] > 0.3, pixels[rows], np.nan)
        while self._recent and stamp_ns - self._recent[0][0] > _STILL_WINDOW_NS:
            self._recent.popleft()
        tall = max(eye_to_heel(pixels, landmarks.topology), 1.0)
        moving = False
        if self._recent:
            moving = _shift(now, np.stack([p for _, p in self._recent])) > max(_STILL, 1.5 / tall) * tall
        self._recent.append((stamp_ns, now))
        if not wrong and not moving and self._good:
            kept = np.stack(
                [points_of(frame)[0][rows] for frame in self._good[:: max(1, len(self._good) // 9)]]
            )
            moving = _shift(now, kept) > max(_DRIFT, 2.5 / tall) * tall
        return (*wrong, Problem.MOVING) if moving else wrong

    def _judge(self, problems: tuple[Problem, ...], waited_s: float) -> Progress:
        share = min(self._good_s / self._duration_s, 1.0)
        if self._good_s >= self._duration_s - _ROUNDING_S and len(self._good) >= _FEWEST:
            return Progress(State.READY, 1.0, "thank you")
        if waited_s > self._patience_s:
            return Progress(State.FAILED, share, "the calibration is given up", problems)
        if problems and not self._good:
            return Progress(State.WAITING, 0.0, problems[0].value, problems)
        return Progress(
            State.COLLECTING, share, problems[0].value if problems else "stay like that", problems
        )

    def finish(self, calibrated_at: str | None = None) -> Calibration | Refusal:
        """Measures what was collected. Calls the measuring function four times.

        Args:
            calibrated_at: ISO 8601; now if None.
        """
        if self._answer.state is not State.READY:
            worst = sorted(self._wrong_s.items(), key=lambda item: -item[1])[:3]
            return Refusal(tuple(problem.value for problem, _ in worst) or (_TOO_SHORT,))
        whole = self._measured(self._good)
        if isinstance(whole, Refusal):
            return whole
        lengths = whole.lengths.as_array()
        parts = [
            self._measured([self._good[i] for i in rows])
            for rows in np.array_split(np.arange(len(self._good)), _BLOCKS)
        ]
        relative = np.array(
            [part.lengths.as_array() / lengths - 1.0 for part in parts if not isinstance(part, Refusal)]
        )
        if len(relative) < _BLOCKS:
            return next(part for part in parts if isinstance(part, Refusal))
        spread = np.sqrt((relative**2).mean(0))
        if float(spread.max()) > _AGREE:
            widest = LENGTH_NAMES[int(spread.argmax())]
            return Refusal(
                (f"{Problem.MOVING.value}: the {widest} was measured {spread.max():.0%} differently",)
            )
        # the spread is what this standing does; most of the error comes again in every frame and is the measure's to state
        std = lengths * np.sqrt(np.asarray(whole.lengths_std, dtype=np.float64) ** 2 + spread**2)
        mount, remarks, view = self._mount(whole)
        try:
            person = Person(
                self._id,
                whole.stature,
                whole.lengths,
                SegmentLengths.from_array(std),
                calibrated_at or datetime.now(timezone.utc).isoformat(timespec="seconds"),
                stature_std=float(whole.stature_std),
                mount=mount,
            )
        except PersonError as error:
            return Refusal((str(error),))
        if not self._camera.mount_estimated and self._stature is None:
            remarks = (*remarks, *_unlikely(whole))
        camera = replace(
            whole.camera, distortion=self._camera.distortion, distortion_model=self._camera.distortion_model
        )
        return Calibration(person, mount, camera, view, whole.left, len(self._good), remarks)

    def _measured(self, frames: list[Landmarks2D]) -> Measured | Refusal:
        pixels = self._camera.undistort(_median([points_of(frame)[0] for frame in frames]))
        visibility = _median([points_of(frame)[1] for frame in frames])
        try:
            found = self._measure(
                self._camera, pixels, _median([frame.world for frame in frames]), visibility, self._stature
            )
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            return Refusal((f"the landmarks of this standing cannot be measured: {error}",))
        values = [*found.lengths.as_array(), found.stature, found.camera.mount_height, found.camera.tilt]
        if not np.isfinite(values).all() or not np.isfinite(found.lengths_std).all():
            return Refusal(("the landmarks of this standing cannot be measured: no lengths came out",))
        known = population()
        shares = found.lengths.as_array() / known.lengths.as_array()
        limit = _IMPLAUSIBLE * known.std.as_array() / known.lengths.as_array()
        wrong = [
            f"a {name} of {getattr(found.lengths, name):.2f} m is nobody's: check the camera's height, tilt and lens"
            for name, share, most in zip(LENGTH_NAMES, shares, limit, strict=True)
            if not abs(share - 1.0) < most
        ]
        return Refusal(tuple(wrong)) if wrong else found

    def _mount(self, whole: Measured) -> tuple[MeasuredMount, tuple[str, ...], float]:
        camera, given = whole.camera, self._camera
        world = _median([frame.world for frame in self._good])
        view = view_of(world, self._good[-1].topology)
        pixels = given.undistort(_median([points_of(frame)[0] for frame in self._good]))
        roll, roll_std = roll_of(camera, pixels, self._good[-1].topology, whole.joints, whole.left, view)
        remarks = []
        if given.mount_estimated:
            mount = MeasuredMount(
                camera.mount_height,
                camera.tilt,
                given.roll + roll,
                mixed(*_FREE_HEIGHT_STD, view),
                mixed(*_FREE_TILT_STD, view),
                roll_std,
            )
            if self._stature is None:
                remarks.append(
                    "the mount is not known and neither is the stature: all lengths scale with a stature that is assumed; "
                    "only their proportions are measured"
                )
        else:
            mount = MeasuredMount(
                given.mount_height,
                given.tilt,
                given.roll,
                _KNOWN_HEIGHT_STD,
                _KNOWN_TILT_STD,
                _KNOWN_TILT_STD,
            )
            if abs(roll) > 3.0 * roll_std:
                remarks.append(
                    f"the body's vertical says that the camera is rolled by {math.degrees(given.roll + roll):.1f} degrees, "
                    f"the mount {math.degrees(given.roll):.1f}"
                )
        if abs(view) > math.radians(60.0):
            remarks.append(
                "seen from the side the widths of pelvis and shoulders stay those of the population"
            )
        return mount, tuple(remarks), view


def _unlikely(found: Measured) -> tuple[str, ...]:
    if abs(found.stature - STATURE_MEAN) < 2.8 * STATURE_STD:
        return ()
    return (f"a stature of {found.stature:.2f} m is rare: check the camera's height and tilt",)


def _median(values: list[FloatArray]) -> FloatArray:
    """Median over frames without those that lack a landmark; NaN where all do."""
    stacked = np.stack(values)
    known = np.isfinite(stacked).any(0)
    filled = np.where(known[None], stacked, 0.0)
    result: FloatArray = np.where(known, np.nanmedian(filled, axis=0), np.nan)
    return result


def _shift(now: FloatArray, before: FloatArray) -> float:
    """How far most points are from their median, px; 0 where nothing can be compared."""
    apart = np.sqrt(((now - _median(list(before))) ** 2).sum(-1))
    known = apart[np.isfinite(apart)]
    return float(np.quantile(known, 0.8)) if known.size else 0.0
