"""Joint centres laid out for feature functions, and standard deviations propagated through any of them.

A feature is a plain numpy function of a `Pose`, a batch of bodies. Its standard deviation needs no second function: the
gradient is derived from it (`kinecue.exercise.tracing`) or, where a derivative is not defined, taken from a batch in which
one coordinate of one landmark after the other is moved a little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.angles import body_axes, flexion
from kinecue.body.body import Body
from kinecue.body.landmarks import Landmark, LandmarkState, Topology
from kinecue.body.measurement import Reason
from kinecue.exercise.tracing import Compiled

FloatArray = NDArray[np.float64]

STEP = 1e-4
"""Step of the numerical gradient, m: small against a limb, large against rounding."""
_REACH = 100.0
"""A landmark farther than this from the machine, or as uncertain, is a broken number, m."""


class Pose:
    """Pairs of joint centres (left, right) of a batch of bodies.

    Attributes:
        points: (B, K, 3) positions in the base frame, m; K is two per joint, left first.
        start: the same person in the start position, (1, K, 3), or None while that is not known.
    """

    def __init__(self, points: FloatArray, joints: tuple[str, ...], start: Pose | None = None) -> None:
        self.points = points
        self.start = start
        self._joints = joints
        self._known: dict[str, FloatArray] = {}

    def pair(self, joint: str) -> FloatArray:
        """(B, 2, 3) left and right `joint` (``hip``, ``knee``, ``foot_index`` ...)."""
        first = 2 * self._joints.index(joint)
        return self.points[:, first : first + 2]

    def left(self, joint: str) -> FloatArray:
        """(B, 3) the left one."""
        return self.points[:, 2 * self._joints.index(joint)]

    def right(self, joint: str) -> FloatArray:
        """(B, 3) the right one."""
        return self.points[:, 2 * self._joints.index(joint) + 1]

    def middle(self, joint: str) -> FloatArray:
        """(B, 3) half way between left and right."""
        return 0.5 * (self.left(joint) + self.right(joint))

    def flexion(self, proximal: str, joint: str, distal: str) -> FloatArray:
        """(B, 2) included-angle flexion of a hinge, rad; computed once however many features use it."""

        def function(pose: Pose) -> FloatArray:
            return flexion(pose.pair(proximal), pose.pair(joint), pose.pair(distal))

        return self.cached(joint, function)

    def cached(self, name: str, function: Callable[[Pose], FloatArray]) -> FloatArray:
        """`function` of this pose, computed once however many features use it."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = function(self)
        return known

    @cached_property
    def axes(self) -> tuple[FloatArray, FloatArray]:
        """(B, 3) horizontal unit vectors left and forward of the pelvis."""
        return body_axes(self.left("hip"), self.right("hip"))

    @cached_property
    def hips(self) -> FloatArray:
        """(B, 3) unit vector from the right hip to the left one, not levelled."""
        line = self.left("hip") - self.right("hip")
        result: FloatArray = line / np.sqrt((line * line).sum(-1))[..., None]
        return result

    @cached_property
    def shoulders(self) -> FloatArray:
        """(B, 3) unit vector from the right shoulder to the left one, not levelled."""
        line = self.left("shoulder") - self.right("shoulder")
        result: FloatArray = line / np.sqrt((line * line).sum(-1))[..., None]
        return result

    @cached_property
    def trunk(self) -> FloatArray:
        """(B, 3) mid-hip to mid-shoulder, m."""
        return self.middle("shoulder") - self.middle("hip")


class Sampler:
    """Takes the wanted joints out of bodies of any topology, with the covariance of their errors.

    Args:
        joints: names without side, e.g. ``("hip", "knee")``.
    """

    def __init__(self, joints: tuple[str, ...]) -> None:
        self.joints = joints
        self.landmarks = tuple(Landmark(f"{side}_{joint}") for joint in joints for side in ("left", "right"))
        self._rows: dict[str, tuple[NDArray[np.intp], NDArray[np.bool_]]] = {}
        self._complete: dict[str, bool] = {}
        self._observed = bytes([LandmarkState.OBSERVED] * len(self.landmarks))
        self._layouts: dict[tuple[Landmark, ...], Layout] = {}

    def _lookup(self, topology: Topology) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        known = self._rows.get(topology.name)
        if known is None:
            present = np.array([landmark in topology for landmark in self.landmarks], dtype=bool)
            rows = [topology.index(landmark) if landmark in topology else 0 for landmark in self.landmarks]
            known = self._rows[topology.name] = (np.array(rows, dtype=np.intp), present)
            self._complete[topology.name] = bool(present.all())
        return known

    def sample(self, body: Body) -> Sample:
        """Read the joints."""
        rows, present = self._lookup(body.topology)
        points = np.asarray(body.positions[rows], dtype=np.float64)
        blocks = body.covariances[rows]
        lost = inferred = 0
        states = body.states[rows].tobytes()
        # a NaN fails both comparisons
        sound = bool(np.abs(points).max(initial=0.0) < _REACH and np.abs(blocks).max(initial=0.0) < _REACH**2)
        if not sound or not self._complete[body.topology.name] or states != self._observed:
            lost, inferred = _hidden(points, blocks, states, present)
        layout = self._layouts.get(body.joint_landmarks)
        if layout is None:
            layout = self._layouts[body.joint_landmarks] = Layout(self.landmarks, body.joint_landmarks)
        return Sample(body, rows, present, points, blocks, lost, inferred, layout)


def _hidden(
    points: FloatArray, blocks: FloatArray, states: bytes, present: NDArray[np.bool_]
) -> tuple[int, int]:
    """Bits of the landmarks that are lost and that are inferred; what is lost is taken out of the arrays."""
    state = np.frombuffer(states, np.uint8)
    with np.errstate(invalid="ignore"):
        sound = (np.abs(points) < _REACH).all(axis=1)
        # a NaN times a gradient of zero would spread to features that do not depend on this landmark
        sound &= (np.abs(blocks) < _REACH**2).all(axis=(1, 2))
    lost = (state == LandmarkState.LOST) | ~present | ~sound
    points[lost] = np.nan
    blocks[lost] = 0.0
    return _bits(lost), _bits(state == LandmarkState.INFERRED)


def _bits(mask: NDArray[np.bool_]) -> int:
    return sum(1 << i for i, set_ in enumerate(mask.tolist()) if set_)


class Layout:
    """Where the coordinates of the wanted landmarks lie among those whose errors are known jointly, then the others.

    Attributes:
        joint: number of coordinates known jointly.
        coordinates: (3K,) where each coordinate of the wanted landmarks lies.
        others: wanted landmarks that are only known by themselves.
        alone: the layout for a body whose joint covariance is not there or broken: all are others.
    """

    def __init__(self, wanted: tuple[Landmark, ...], known: tuple[Landmark, ...]) -> None:
        places = {mark: 3 * i for i, mark in enumerate(known)}
        self.joint = 3 * len(known)
        self.others = np.array([i for i, mark in enumerate(wanted) if mark not in places], dtype=np.intp)
        end, starts = self.joint, []
        for mark in wanted:
            starts.append(places.get(mark, end))
            end += 3 * (mark not in places)
        self._size = end
        self.coordinates = np.array([start + axis for start in starts for axis in range(3)], dtype=np.intp)
        self._targets: dict[int, NDArray[np.intp]] = {}
        self.alone = Layout(wanted, ()) if known else self

    def gradient(self, code: Compiled, numbers: Sequence[float]) -> FloatArray:
        """(C, coordinates) what `code` gave behind its C values, laid out."""
        targets = self._targets.get(id(code))
        if targets is None:
            targets = self._targets[id(code)] = code.rows * self._size + self.coordinates[code.columns]
        flat = np.zeros(code.count * self._size)
        flat[targets] = numbers[code.count :]
        return flat.reshape(code.count, self._size)


class Sample:
    """The joints of one body, ready for feature functions.

    Attributes:
        points: (K, 3) positions, NaN where lost.
        lost, inferred: landmarks as bits of a number, the first of them the lowest.
    """

    __slots__ = ("_blocks", "_body", "_layout", "_present", "_rows", "inferred", "lost", "points")

    def __init__(
        self,
        body: Body,
        rows: NDArray[np.intp],
        present: NDArray[np.bool_],
        points: FloatArray,
        blocks: FloatArray,
        lost: int,
        inferred: int,
        layout: Layout,
    ) -> None:
        self._body, self._rows, self._present, self._layout = body, rows, present, layout
        self._blocks = blocks
        self.points = points
        self.lost = lost
        self.inferred = inferred

    def variances(self, code: Compiled, numbers: Sequence[float]) -> list[float]:
        """Of the values of `code`, given what it evaluated to; first-order propagation, exact gradient."""
        layout, joint = self._layout, self._body.joint_covariance
        if joint is None or not np.isfinite(joint).all():
            layout = layout.alone
        gradient = layout.gradient(code, numbers)
        variance = np.zeros(code.count)
        if layout.joint and joint is not None:
            together = gradient[:, : layout.joint]
            # neighbouring joints err together where the body knows it
            variance += ((together @ joint) * together).sum(1)
        if len(layout.others):
            alone = gradient[:, layout.joint :].reshape(code.count, len(layout.others), 3)
            blocks = self._blocks[layout.others]
            variance += ((alone[:, :, None, :] @ blocks)[:, :, 0] * alone).sum((1, 2))
        result: list[float] = variance.tolist()
        return result

    def moved(self) -> FloatArray:
        """(3K + 1, K, 3) the body, and the same with one coordinate of one landmark moved a little."""
        count = len(self.points)
        batch = np.repeat(self.points[None], 3 * count + 1, axis=0)
        each = np.arange(3 * count)
        batch[each + 1, each // 3, each % 3] += STEP
        return batch

    def variances_by_steps(self, evaluated: FloatArray, angular: NDArray[np.bool_]) -> list[float]:
        """Of C quantities evaluated on all rows of `moved`, (3K + 1, C); `angular` marks those that wrap at a whole turn."""
        change = evaluated[1:] - evaluated[0]
        change[:, angular] -= 2.0 * np.pi * np.round(change[:, angular] / (2.0 * np.pi))
        # a quantity that is NaN has a NaN gradient and must not touch the others
        gradient = np.nan_to_num(change / STEP)
        variance = np.einsum("ic,ij,jc->c", gradient, self._covariance(), gradient)
        result: list[float] = np.where(np.isfinite(evaluated[0]), variance, np.nan).tolist()
        return result

    def _covariance(self) -> FloatArray:
        """(3K, 3K) of the stacked positions, m^2; lost landmarks count for nothing."""
        count = len(self.points)
        whole = np.zeros((count, 3, count, 3))
        whole[np.arange(count), :, np.arange(count), :] = self._blocks
        flat = whole.reshape(3 * count, 3 * count)
        joint, layout = self._body.joint_covariance, self._layout
        if joint is not None and np.isfinite(joint).all():
            together = layout.coordinates < layout.joint
            places = layout.coordinates[together]
            flat[np.ix_(together, together)] = joint[np.ix_(places, places)]
        gone = np.repeat([bool(self.lost >> i & 1) for i in range(count)], 3)
        flat[gone] = 0.0
        flat[:, gone] = 0.0
        return flat

    def reason(self, uses: int) -> Reason:
        """Why the first of the landmarks `uses` (bits) that is lost is so."""
        lost = self.lost & uses
        return self._why_lost((lost & -lost).bit_length() - 1)

    def _why_lost(self, i: int) -> Reason:
        body, row = self._body, self._rows[i]
        width, height = body.image_size
        u, v = body.pixels[row]
        if not self._present[i]:
            return Reason.UNSUPPORTED
        if u < 0 or v < 0 or u > width - 1 or v > height - 1:
            return Reason.OUT_OF_FRAME
        return Reason.OCCLUDED if body.states[row] == LandmarkState.LOST else Reason.UNCERTAIN
