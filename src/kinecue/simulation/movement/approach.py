"""Getting into position: from standing at the spot to the start position of an exercise.

Key postures lie on the way (`kinecue.simulation.movement.approach_plan`); between them every bone turns against the one that
carries it, while feet keep to their places until they step and hands stay where they have taken hold. Getting out is
the same way back.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement.approach_plan import Foot, Ways
from kinecue.simulation.movement.blend import blend, join, limb_length, moved, pin_arm, pin_leg
from kinecue.simulation.movement.figure import SIDES, Figure
from kinecue.simulation.movement.set_plan import smooth
from kinecue.simulation.rotations import slerp

FloatArray = NDArray[np.float64]

_COMING_S = 0.8
"""Last part of a hand's way down to the floor, s."""
_UNLOCKED = 0.014
"""What a leg lacks of its length when its knee is bent by 20 degrees, a share."""
_SAME_POINT = 0.002
"""How far the ball of a rolling foot may go that holds, m."""


class Approach:
    """The way from standing to a start position.

    Attributes:
        spot: x, y, heading of the standing at its beginning (middle between the ankles), m and rad.
        duration_s: how long it takes.
        goal: one moment, the start position.
        take_s: when the hands have what they hold in the exercise.
    """

    def __init__(
        self, athlete: Athlete, goal: Figure, posture: str, pick_up: tuple[float, float] | None = None
    ) -> None:
        """Find the way.

        Args:
            athlete: who.
            goal: one moment, the start position.
            posture: ``standing``, ``seated``, ``floor`` or ``hanging``.
            pick_up: where both hands, standing, first take what they hold: ahead of the ankles and over the floor,
                m; whoever lies takes it from beside the body. None: where they have it in the start position.
        """
        self.athlete = athlete
        self.goal = goal
        ways = Ways(athlete, goal)
        self._plan = ways.plan(posture, pick_up)
        self.spot = ways.spot
        self.duration_s = self._plan.clock
        self.take_s = self.duration_s if self._plan.take_s is None else self._plan.take_s

    def figure(self, times_s: ArrayLike) -> Figure:
        """The body at (N,) times, 0 standing at the spot to `duration_s` in position."""
        t = np.clip(np.atleast_1d(np.asarray(times_s, dtype=np.float64)), 0.0, self.duration_s)
        figure = self._between(t)
        feet = {side: self._feet(side, t, figure) for side, _ in SIDES}
        hands = {side: self._hand(side, t, figure) for side in self._plan.hands}
        figure = moved(figure, np.eye(3), self._shift(t, figure, feet, hands))
        for side, _ in SIDES:
            ankle, foot, toes, _ = self._feet(side, t, figure)
            figure = pin_leg(self.athlete, figure, side, ankle, foot, toes)
            if side in hands:
                wrist, hand = self._hand(side, t, figure)
                figure = pin_arm(self.athlete, figure, side, wrist, hand)
        # what a limb lacked is on its way to a place that it does not hold yet
        nothing = np.zeros((len(t), 2))
        return replace(figure, stretch={"arm": nothing, "leg": nothing})

    def _between(self, t: FloatArray) -> Figure:
        """The body between the key postures, before feet and hands are put in their places."""
        keys = self._plan.keys
        starts = np.array([k.time_s for k in keys])
        which = np.clip(np.searchsorted(starts, t, side="right") - 1, 0, len(keys) - 2)
        parts = []
        for i in np.unique(which):
            rows = np.where(which == i)[0]
            a, b = keys[i], keys[i + 1]
            u = np.clip((t[rows] - a.time_s) / max(b.time_s - a.time_s, 1e-9), 0.0, 1.0)
            part = blend(self.athlete, a.figure, b.figure, smooth(u))
            if b.rise is not None:
                to = a.figure.mid_hip + (b.figure.mid_hip - a.figure.mid_hip) * b.rise(u)[:, None]
                part = moved(part, np.eye(3), to - part.mid_hip)
            parts.append((rows, part))
        return join(parts, len(t))

    def _feet(
        self, side: str, t: FloatArray, figure: Figure
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Ankle, foot, toes, and (N,) how far the foot is on its way."""
        now = self._plan.feet[side]
        n = len(t)
        ankle = np.repeat(now.ankle[None], n, 0)
        foot, toes = np.repeat(now.foot[None], n, 0), np.repeat(now.toes[None], n, 0)
        moving = np.zeros(n)
        for move in self._plan.moves[side]:
            rows = np.where(t > move.start_s)[0]
            u = np.clip((t[rows] - move.start_s) / (move.end_s - move.start_s), 0.0, 1.0)
            share = smooth(u)
            ankle[rows] = now.ankle + (move.to.ankle - now.ankle) * share[:, None]
            ankle[rows, 2] += move.lift * np.sin(np.pi * u) ** 2
            foot[rows] = slerp(np.broadcast_to(now.foot, foot[rows].shape), move.to.foot, share)
            toes[rows] = slerp(np.broadcast_to(now.toes, toes[rows].shape), move.to.toes, share)
            if move.lift == 0.0:
                # rolling onto the toes, or back: about the ball
                ankle[rows] = _rolled(self.athlete, side, now, foot[rows], share, move.to)
            moving[rows] = np.where((u > 0.0) & (u < 1.0), np.sin(np.pi * u) ** 2 * move.shift, moving[rows])
            now = move.to
        if math.isfinite(self._plan.off_s):
            # in the air the legs first stay as the push has left them
            left = self._between(np.array([self._plan.off_s])).mid_hip
            ankle += np.where((t > self._plan.off_s)[:, None], figure.mid_hip - left, 0.0)
            free = smooth((t - self._plan.off_s) / 0.4)
            ankle = ankle + (figure.points[f"ankle_{side}"] - ankle) * free[:, None]
            foot = slerp(foot, figure.rotations[f"foot_{side}"], free)
            toes = slerp(toes, figure.rotations[f"ball_{side}"], free)
        return ankle, foot, toes, moving

    def _hand(self, side: str, t: FloatArray, figure: Figure) -> tuple[FloatArray, FloatArray]:
        """Wrist and turn of a hand that takes hold."""
        hold = self._plan.hands[side]
        share = smooth((t - hold.start_s) / (hold.end_s - hold.start_s))
        free = figure.points[f"wrist_{side}"]
        wrist = free + (hold.wrist - free) * share[:, None]
        coming = np.clip((t - hold.end_s) / _COMING_S + 1.0, 0.0, 1.0)
        wrist[:, 2] += hold.over * np.sin(np.pi * coming) ** 2
        # what it becomes in the start position, which for a plank is another turn of the same hand
        last = self._plan.keys[-2].time_s
        late = smooth((t - max(last, hold.end_s)) / max(self.duration_s - max(last, hold.end_s), 1e-9))
        goal = self.goal.rotations[f"hand_{side}"]
        held = slerp(np.broadcast_to(hold.hand, (len(t), 3, 3)), np.broadcast_to(goal, (len(t), 3, 3)), late)
        place = self.goal.points[f"wrist_{side}"]
        wrist = wrist + (place - hold.wrist) * late[:, None]
        return wrist, slerp(figure.rotations[f"hand_{side}"], held, share)

    def _shift(
        self,
        t: FloatArray,
        figure: Figure,
        feet: dict[str, tuple[FloatArray, FloatArray, FloatArray, FloatArray]],
        hands: dict[str, tuple[FloatArray, FloatArray]],
    ) -> FloatArray:
        """(N, 3) how far the whole body moves so that the limbs reach their places: the least that does."""
        shift = np.zeros((len(t), 3))
        for side, other in (("l", "r"), ("r", "l")):
            # a step takes the weight onto the other foot
            aside = feet[other][0] - figure.mid_hip
            shift += feet[side][3][:, None] * aside * [1.0, 1.0, 0.0]
        ends = []
        grounded = (t <= self._plan.off_s).astype(np.float64)
        # legs do not lock on the way: a knee that comes to be straight would jerk
        way = smooth(t / 0.5) * smooth((self.duration_s - t) / 0.8)
        leg = limb_length(self.athlete, "leg") * (1.0 - _UNLOCKED * way)
        for side, _ in SIDES:
            ends.append((figure.points[f"hip_{side}"], feet[side][0], leg, grounded))
        for side, (wrist, _) in hands.items():
            held = (t >= self._plan.hands[side].start_s).astype(np.float64)
            ends.append(
                (
                    figure.points[f"shoulder_{side}"],
                    wrist,
                    np.full(len(t), limb_length(self.athlete, "arm")),
                    held,
                )
            )
        for _ in range(24):
            for joint, end, length, active in ends:
                line = end - joint - shift
                distance = np.sqrt((line * line).sum(1))
                lack = np.maximum(distance - length, 0.0) * active
                shift += line / np.maximum(distance, 1e-9)[:, None] * lack[:, None]
        return shift

    def _ball(self, side: str, foot: Foot) -> FloatArray:
        """(3,) where the ball of a foot is."""
        arm = self.athlete.head(f"ball_{side}") - self.athlete.head(f"foot_{side}")
        result: FloatArray = foot.ankle + foot.foot @ arm
        return result

    def contacts(self, times_s: ArrayLike, figure: Figure) -> dict[str, NDArray[np.bool_]]:
        """(N,) whether ``heel_l``, ``ball_l``, ``heel_r``, ``ball_r`` rest on the floor.

        Args:
            times_s: (N,).
            figure: the body then.
        """
        t = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        result: dict[str, NDArray[np.bool_]] = {}
        stood = self._plan.keys[0].figure
        for side, _ in SIDES:
            still = t <= self._plan.off_s
            rolling = np.zeros(len(t), dtype=bool)
            now = self._plan.feet[side]
            for move in self._plan.moves[side]:
                within = (t > move.start_s) & (t < move.end_s)
                if (
                    move.lift > 0.0
                    or np.linalg.norm(self._ball(side, now) - self._ball(side, move.to)) > _SAME_POINT
                ):
                    still &= ~within
                rolling |= within
                now = move.to
            for point in ("heel", "ball"):
                low = figure.points[f"{point}_{side}"][:, 2] < stood.points[f"{point}_{side}"][0, 2] + 0.004
                result[f"{point}_{side}"] = still & low & ~(rolling & (point == "heel"))
        return result


def _rolled(
    athlete: Athlete, side: str, flat: Foot, foot: FloatArray, share: FloatArray, to: Foot
) -> FloatArray:
    """(N, 3) ankle of a foot that rolls about its ball; a small way of the ball itself goes straight."""
    ball = athlete.head(f"ball_{side}") - athlete.head(f"foot_{side}")
    here, there = flat.ankle + flat.foot @ ball, to.ankle + to.foot @ ball
    result: FloatArray = here + (there - here) * share[:, None] - foot @ ball
    return result
