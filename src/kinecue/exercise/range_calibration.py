"""How far ankles, hips and shoulders go: a short guided calibration, one movement after the other.

Each movement is done twice on each side (arms together), held at its end, and measured as the largest value held. What
the view does not show well enough is refused with a reason, never guessed. Deterministic; fed body after body.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from statistics import median

from kinecue.body.body import Body
from kinecue.body.measurement import Measurement, Reason
from kinecue.body.person_record import RANGE_JOINTS, JointRange
from kinecue.exercise.features import FeatureComputer, FeatureFrame
from kinecue.exercise.position import StartPosition
from kinecue.exercise.range_movements import MOVEMENTS, Guard, RangeMovement
from kinecue.exercise.results import Side
from kinecue.exercise.signal import seen_from

HOLD_S = 1.0
"""How long the end of a movement is held."""
_STEADY = math.radians(4.0)
"""A joint that is held moves no more than this."""
_COARSEST = math.radians(8.0)
"""Ranges that are less certain would not tell a stiff joint from a free one; people differ by 6 to 8 degrees (standard
deviation of the weight-bearing lunge, Bennell et al. 1998)."""
_ATTEMPTS = 2
_AGREE = math.radians(8.0)
"""Attempts that differ by more are done once more; the same test by the same person repeats within 3 degrees."""
_MOST_ATTEMPTS = 3
_DISAGREE = math.radians(14.0)
_RETURNED = 0.6
"""Share of the best value under which a new attempt begins."""
_REPEATS = math.radians(1.5)
"""Standard error of repeating such a test (Bennell et al. 1998: 1.1 to 1.4 degrees)."""
_GAP_S = 0.5
_LONGEST_STEP_S = 0.2
_ROUNDING_S = 0.01
_STANDING_S = 0.3
_NOT_STOOD = "nobody stood upright before the movement"
_NOT_HELD = "the end of the movement was not held"


class RangeState(Enum):
    """Where the calibration is."""

    WAITING = "waiting"
    """Nobody there, or not standing yet; the instruction says what to do."""
    MOVING = "moving"
    """The movement is being done."""
    HOLDING = "holding"
    """Its end is being held; `RangeProgress.share` grows."""
    DONE = "done"
    """All movements are over: call `finish`."""


@dataclass(frozen=True)
class RangeProgress:
    """The answer to a frame.

    Attributes:
        state: see `RangeState`.
        joint: whose movement it is; empty when all are over.
        instruction: for the person.
        problem: what keeps it from being measured; empty if nothing.
        share: of the time to hold, 0 to 1.
        value: largest angle of the movement so far, rad; NaN none.
    """

    state: RangeState
    joint: str
    instruction: str
    problem: str = ""
    share: float = 0.0
    value: float = math.nan


@dataclass(frozen=True)
class RangeResult:
    """What came out.

    Attributes:
        ranges: measured.
        refused: reason by joint and side, for what could not be measured.
    """

    ranges: tuple[JointRange, ...]
    refused: dict[tuple[str, str], str]


@dataclass
class _Track:
    """One side of one movement."""

    side: Side
    recent: deque[tuple[float, float, float]] = field(default_factory=deque)
    """(time, value, std) while everything is right."""
    attempts: list[tuple[float, float]] = field(default_factory=list)
    """(held value, std)."""
    armed: bool = True
    """Back from the last attempt."""
    best: float = math.nan
    """Largest value of this attempt, or of the last one while it is not over."""
    wrong_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def done(self) -> bool:
        """Enough attempts, which agree or are as many as there will be."""
        values = [value for value, _ in self.attempts]
        if len(values) < _ATTEMPTS:
            return False
        return len(values) >= _MOST_ATTEMPTS or max(values) - min(values) <= _AGREE


class RangeCalibration:
    """Guides somebody through the movements and measures them.

    Args:
        joints: which, of `RANGE_JOINTS`.
        patience_s: after which a movement is given up.
        hold_s: how long its end is held.

    Raises:
        ValueError: a joint is not known, or a time is not allowed.
    """

    def __init__(
        self, joints: Sequence[str] = RANGE_JOINTS, patience_s: float = 60.0, hold_s: float = HOLD_S
    ) -> None:
        unknown = [joint for joint in joints if joint not in RANGE_JOINTS]
        if unknown or not joints:
            raise ValueError(
                f"joints: {unknown or 'none'} is not allowed; allowed: {', '.join(RANGE_JOINTS)}"
            )
        if not 0.3 <= hold_s <= 5.0 or not hold_s < patience_s <= 600.0:
            raise ValueError("RangeCalibration: hold_s is 0.3 to 5 s, patience_s over hold_s, to 600 s")
        self._movements = [movement for movement in MOVEMENTS if movement.joint in joints]
        self._hold_s, self._patience_s = hold_s, patience_s
        names = {movement.feature for movement in self._movements}
        names |= {guard.feature for movement in self._movements for guard in movement.guards}
        self._computer = FeatureComputer(sorted(names | {"knee_flexion", "trunk_lean"}))
        self._tracks: dict[tuple[str, Side], _Track] = {}
        self._index = 0
        self._began: float | None = None
        self._last_ns: int | None = None
        self._first_ns = 0
        self._begin()

    def _begin(self) -> None:
        self._start = StartPosition()
        self._stood_s = 0.0
        self._began = None
        if self._index < len(self._movements):
            movement = self._movements[self._index]
            for side in movement.sides:
                self._tracks[movement.joint, side] = _Track(side)

    @property
    def movement(self) -> RangeMovement | None:
        """The one that is asked for; None when all are over."""
        return self._movements[self._index] if self._index < len(self._movements) else None

    def update(self, body: Body | None, stamp_ns: int) -> RangeProgress:
        """Takes one more frame; None where nobody was found. Frames that are not newer change nothing."""
        movement = self.movement
        if movement is None:
            return RangeProgress(RangeState.DONE, "", "thank you")
        if self._last_ns is None:
            self._first_ns = stamp_ns
        elif stamp_ns <= self._last_ns:
            return self._say(movement, RangeState.WAITING, "")
        step = 0.0 if self._last_ns is None else (stamp_ns - self._last_ns) * 1e-9
        self._last_ns = stamp_ns
        t = (stamp_ns - self._first_ns) * 1e-9
        self._began = t if self._began is None else self._began
        if step > _GAP_S:
            for track in self._tracks.values():
                track.recent.clear()
        answer = self._watch(movement, body, t, min(step, _LONGEST_STEP_S))
        tracks = [self._tracks[movement.joint, side] for side in movement.sides]
        if all(track.done for track in tracks) or t - self._began > self._patience_s:
            self._index += 1
            self._begin()
            if self.movement is None:
                return RangeProgress(RangeState.DONE, "", "thank you")
        return answer

    def finish(self, measured_at: str) -> RangeResult:
        """What was measured so far.

        Args:
            measured_at: ISO 8601 with the offset from UTC.
        """
        ranges: list[JointRange] = []
        refused: dict[tuple[str, str], str] = {}
        for movement in self._movements:
            for side in movement.sides:
                track = self._tracks.get((movement.joint, side))
                found = None if track is None else _measured(track)
                name = side.name.lower()
                if isinstance(found, tuple):
                    ranges.append(JointRange(movement.joint, name, *found, measured_at))
                else:
                    refused[movement.joint, name] = found or _why(track)
        return RangeResult(tuple(ranges), refused)

    # --- a frame ---

    def _say(
        self, movement: RangeMovement, state: RangeState, problem: str, share: float = 0.0
    ) -> RangeProgress:
        tracks = [self._tracks[movement.joint, side] for side in movement.sides]
        side = next((track.side for track in tracks if not track.done), tracks[-1].side)
        best = max((t.best for t in tracks if math.isfinite(t.best)), default=math.nan)
        attempted = any(track.attempts for track in tracks if not track.done)
        return RangeProgress(
            state, movement.joint, movement.told(side, again=attempted), problem, share, best
        )

    def _watch(self, movement: RangeMovement, body: Body | None, t: float, dt: float) -> RangeProgress:
        tracks = [self._tracks[movement.joint, side] for side in movement.sides]
        if body is None:
            self._blame(tracks, "nobody is in the picture", dt)
            return self._say(movement, RangeState.WAITING, "step into the picture")
        if not seen_from(body.view, movement.views_deg):
            self._blame(tracks, movement.view_problem, dt)
            return self._say(movement, RangeState.WAITING, movement.view_problem)
        frame = self._computer.measure(body, self._start.points)
        if dt > 0.0 and _stands(frame):
            self._stood_s += dt
            self._start.learn(frame.points, dt)
        if self._stood_s < _STANDING_S:
            self._blame(tracks, _NOT_STOOD, dt)
            return self._say(movement, RangeState.WAITING, "stand upright first")
        share, problem = 0.0, ""
        for track in tracks:
            track.wrong_s.pop(_NOT_STOOD, None)
            if track.done:
                continue
            wrong = self._one(movement, track, frame, t)
            if wrong:
                track.wrong_s[wrong] += dt
                problem = problem or wrong
            elif track.recent:
                share = max(share, min((t - track.recent[0][0]) / self._hold_s, 1.0))
        state = RangeState.HOLDING if share > 0.3 else RangeState.MOVING
        return self._say(movement, state, problem, share)

    def _one(self, movement: RangeMovement, track: _Track, frame: FeatureFrame, t: float) -> str:
        """What is wrong with one side in this frame; empty if it counts."""
        measured = frame[movement.feature, track.side]
        wrong = _not_measured(measured) or next(
            (guard.problem for guard in movement.guards if not _keeps(guard, frame, track.side)), ""
        )
        if wrong:
            track.recent.clear()
            return wrong
        value = measured.value
        if not track.armed and value > track.best + _STEADY:
            # what was held was not the end yet
            track.attempts.pop()
            track.armed = True
        if not track.armed:
            if value < _RETURNED * track.best:
                track.armed, track.best = True, math.nan
            return ""
        if not movement.lowest <= value <= movement.highest:
            track.recent.clear()
            return "" if value < movement.lowest else movement.view_problem
        track.best = value if math.isnan(track.best) else max(track.best, value)
        track.recent.append((t, value, measured.std))
        while track.recent and abs(track.recent[0][1] - value) > _STEADY:
            track.recent.popleft()
        values = [item[1] for item in track.recent]
        if max(values) - min(values) > _STEADY:
            track.recent.popleft()
        elif t - track.recent[0][0] >= self._hold_s - _ROUNDING_S and median(values) > track.best - _STEADY:
            held = median(values)
            track.attempts.append((held, median(item[2] for item in track.recent)))
            track.best, track.armed = held, False
            track.recent.clear()
        return ""

    def _blame(self, tracks: Sequence[_Track], problem: str, dt: float) -> None:
        for track in tracks:
            track.recent.clear()
            if not track.done:
                track.wrong_s[problem] += dt


def _stands(frame: FeatureFrame) -> bool:
    """Upright on nearly straight legs, as far as that is seen."""
    lean = frame["trunk_lean", Side.NONE]
    knees = [frame["knee_flexion", side] for side in (Side.LEFT, Side.RIGHT)]
    seen = [knee for knee in knees if knee.usable]
    upright = lean.usable and abs(lean.value) < math.radians(20.0)
    return upright and bool(seen) and all(knee.value < math.radians(30.0) for knee in seen)


def _not_measured(measured: Measurement) -> str:
    if measured.usable:
        return "" if measured.std <= _COARSEST else "the camera does not see it well enough"
    reasons = {
        Reason.OCCLUDED: "the joint is hidden",
        Reason.OUT_OF_FRAME: "the joint is outside of the picture",
        Reason.UNSUPPORTED: "the network does not give this joint",
    }
    return reasons.get(measured.reason, "the camera does not see it well enough")


def _keeps(guard: Guard, frame: FeatureFrame, side: Side) -> bool:
    """Whether the rest of the body does what it is to do; what is not seen speaks against it where it must be seen."""
    where = {"same": side, "other": Side.RIGHT if side is Side.LEFT else Side.LEFT, "none": Side.NONE}
    measured = frame[guard.feature, where[guard.side]]
    if not measured.usable:
        return not guard.must_be_seen
    return guard.low <= measured.value <= guard.high


def _measured(track: _Track) -> tuple[float, float] | str | None:
    """Value and standard deviation, rad; a reason why not, or None where nothing was held."""
    if not track.attempts:
        return None
    values = [value for value, _ in track.attempts]
    if len(values) < _ATTEMPTS:
        return "it was only held once"
    if len(values) > _ATTEMPTS:
        # of three attempts the two that agree best
        values.sort()
        values = values[1:] if values[2] - values[1] <= values[1] - values[0] else values[:2]
    apart = max(values) - min(values)
    if apart > _DISAGREE:
        return f"the attempts differ by {math.degrees(apart):.0f} degrees"
    seen = max(std for _, std in track.attempts)
    return max(values), math.sqrt(seen**2 + (apart / 2.0) ** 2 + _REPEATS**2)


def _why(track: _Track | None) -> str:
    """The problem that was there for longest."""
    if track is None:
        return "the movement was not reached"
    if not track.wrong_s:
        return _NOT_HELD
    return max(track.wrong_s.items(), key=lambda item: item[1])[0]
