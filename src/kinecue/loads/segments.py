"""Masses, centres of mass and inertias of a person's segments, and where the joints are on them.

Numbers per body mass and segment length: de Leva 1996 (J Biomech 29:1223, table 4), men and women. The trunk is cut
in two: the lower part (omphalion to mid-hip) goes with the pelvis, the middle and upper parts rest on L5/S1. Frames
have x forward, y up along the segment, z to the right (Wu et al. 2002, 2005), and their origin in the joint nearer to
the pelvis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import KineCueError

FloatArray = NDArray[np.float64]

SIDES = ("left", "right")
PARTS = ("pelvis", "trunk", "head", "upper_arm", "forearm", "hand", "thigh", "shank", "foot")
"""Kinds of segments. ``trunk`` is what of it lies above L5/S1."""
SEGMENTS = (*PARTS[:3], *(f"{side}_{part}" for part in PARTS[3:] for side in SIDES))
"""The 15 rigid segments, left before right."""
SEXES = ("male", "female")

MASS_STD = 0.07
"""Relative, of the mass (times its lever) of a segment of somebody of whom only the whole mass is known: regressions
that share the same people differ by 5 to 10 % (Rao et al. 2006, J Biomech 39:1531)."""


@dataclass(frozen=True)
class _Row:
    """Share of body mass; centre of mass and radii of gyration about x, y, z over the length of reference."""

    mass: float
    centre: float
    radii: tuple[float, float, float]


_TABLE: dict[str, dict[str, _Row]] = {
    "male": {
        "upper_trunk": _Row(0.1596, 0.2999, (0.716, 0.659, 0.454)),
        "middle_trunk": _Row(0.1633, 0.4502, (0.482, 0.468, 0.383)),
        "lower_trunk": _Row(0.1117, 0.6115, (0.615, 0.587, 0.551)),
        "head": _Row(0.0694, 0.5002, (0.303, 0.261, 0.315)),
        "upper_arm": _Row(0.0271, 0.5772, (0.285, 0.158, 0.269)),
        "forearm": _Row(0.0162, 0.4574, (0.276, 0.121, 0.265)),
        "hand": _Row(0.0061, 0.7900, (0.628, 0.401, 0.513)),
        "thigh": _Row(0.1416, 0.4095, (0.329, 0.149, 0.329)),
        "shank": _Row(0.0433, 0.4395, (0.251, 0.102, 0.246)),
        "foot": _Row(0.0137, 0.4415, (0.124, 0.245, 0.257)),
    },
    "female": {
        "upper_trunk": _Row(0.1545, 0.2077, (0.746, 0.718, 0.502)),
        "middle_trunk": _Row(0.1465, 0.4512, (0.433, 0.415, 0.354)),
        "lower_trunk": _Row(0.1247, 0.4920, (0.433, 0.444, 0.402)),
        "head": _Row(0.0668, 0.4841, (0.271, 0.261, 0.295)),
        "upper_arm": _Row(0.0255, 0.5754, (0.278, 0.148, 0.260)),
        "forearm": _Row(0.0138, 0.4559, (0.261, 0.094, 0.257)),
        "hand": _Row(0.0056, 0.7474, (0.531, 0.335, 0.454)),
        "thigh": _Row(0.1478, 0.3612, (0.369, 0.162, 0.364)),
        "shank": _Row(0.0481, 0.4352, (0.267, 0.092, 0.263)),
        "foot": _Row(0.0129, 0.4014, (0.139, 0.279, 0.299)),
    },
}
"""De Leva 1996. Trunk parts from their upper end, head (vertex to C7) from the vertex, foot (heel to toe tip) from
the heel, the others from the proximal joint centre; shank to the ankle joint centre. His sagittal radius is about the
fore-and-aft axis."""

_LENGTHS = {
    "male": {"upper_trunk": 0.1707, "middle_trunk": 0.2155, "lower_trunk": 0.1457, "trunk": 0.5155, "hand": 0.0862,
             "forearm": 0.2689, "head": 0.2429, "stature": 1.741},
    "female": {"upper_trunk": 0.1425, "middle_trunk": 0.2053, "lower_trunk": 0.1815, "trunk": 0.4979, "hand": 0.0780,
               "forearm": 0.2643, "head": 0.2437, "stature": 1.735},
}  # fmt: skip
"""Mean lengths of the same people, m (de Leva 1996, table 4): ``trunk`` between the middles of shoulder and hip joint
centres."""

_LUMBAR = {"male": (-0.169, 0.496, 0.224), "female": (-0.150, 0.508, 0.238)}
"""L5/S1 ahead of and above the middle of the hip centres, over the width between the anterior spines, and that width,
m (Dumas et al. 2007, J Biomech 40:543, table 2: lumbar and hip joint centres in a pelvis frame through the four
spines).

Scaled with the trunk's length rather than with the width of the hips: that of landmarks is 7 % uncertain and, of
networks, the width of what looks like hips. It comes to 0.23 (women 0.25) of the trunk above mid-hip; Chaffin and
Andersson put it at 0.2."""
_PELVIC_TILT = math.radians(11.0)
"""Of that frame in standing, top forward (11 +- 4 deg: Levine and Whittle 1996, J Orthop Sports Phys Ther 24:130)."""
LUMBAR_STD = 0.02
"""Of the place of L5/S1, in any direction, m: 15 degrees of pelvic tilt, which landmarks do not know, and 8 mm of
anatomy."""

TRUNK_STD = 0.04
"""Of the centre of the upper trunk beside the straight line from hips to shoulders, m: a rounded or hollow back, and
shoulders that go ahead with the arms, which no landmark tells apart from a lean (in deep squats with arms ahead 3 to
5 cm; measured on a person)."""

_HEAD_REACH = 0.112
"""Centre of mass of head and neck from mid-shoulder, over stature: 7.0 % under the vertex (de Leva), mid-shoulder at
0.818 (Winter, Biomechanics and Motor Control, fig. 4.1)."""
_FOOT_LENGTH = 0.152
_ANKLE_ALONG = 0.25
"""Of the foot from the heel: as in `kinecue.exercise.balance`."""
_ANKLE_HEIGHT = 0.039
"""Over stature, of the bare foot (Winter, fig. 4.1); the foot's own centre is at half of it."""
GRIP = 0.045
"""Middle of what a hand grips from the wrist, over stature: at the heads of the metacarpals (hand 0.108, Winter fig.
4.1)."""


@dataclass(frozen=True)
class LoadPerson:
    """Whose loads these are.

    Attributes:
        mass: kg, without loads.
        mass_std: its standard deviation, kg.
        sex: ``male``, ``female``, or None: the mean of both tables.
        lengths: between joint centres, m; None: measured on the bodies themselves.
        stature: m; None: what the lengths suggest (Winter: trunk, thigh, shank are 0.779 of it).
        shares: masses of segments over the body's by kind of segment (`PARTS`), where somebody has been measured as a
            volume (`volume_shares`); what is missing is de Leva's.

    Raises:
        KineCueError: a value is not allowed; names the field and what is.
    """

    mass: float
    mass_std: float = 0.0
    sex: str | None = None
    lengths: SegmentLengths | None = None
    stature: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 10.0 <= self.mass <= 400.0:
            raise KineCueError(f"mass is {self.mass}, allowed: 10 to 400 kg")
        if not 0.0 <= self.mass_std <= 100.0:
            raise KineCueError(f"mass_std is {self.mass_std}, allowed: 0 to 100 kg")
        if self.sex not in (None, *SEXES):
            raise KineCueError(f"sex is {self.sex!r}, allowed: {', '.join(SEXES)}, or None")
        if self.stature is not None and not 0.5 <= self.stature <= 2.6:
            raise KineCueError(f"stature is {self.stature}, allowed: 0.5 to 2.6 m")
        for name, share in self.shares.items():
            if name not in PARTS or not 0.0 < share < 0.7:
                raise KineCueError(f"shares.{name} is {share}, allowed: {', '.join(PARTS)}, 0 to 0.7")


def volume_shares(masses: Mapping[str, float]) -> dict[str, float]:
    """`LoadPerson.shares` from masses by the names of `kinecue.body.volume.BodyVolume.segments`, kg.

    Sides are averaged.
    """
    total = sum(masses.values())
    result = {
        "pelvis": masses["pelvis"] / total,
        "trunk": (masses["thorax"] + masses["abdomen"]) / total,
        "head": masses["head"] / total,
    }
    for part in PARTS[3:]:
        result[part] = 0.5 * sum(masses[f"{side}_{part}"] for side in SIDES) / total
    return result


@dataclass(frozen=True)
class RigidSegment:
    """Mass properties of a segment in its own frame.

    Attributes:
        mass: kg.
        centre: (3,) of mass from the origin, m.
        inertia: (3, 3) about the centre, kg m2.
    """

    mass: float
    centre: FloatArray
    inertia: FloatArray


@dataclass(frozen=True)
class SegmentModel:
    """The rigid segments of one person.

    Attributes:
        lengths: m. stature: m.
        segments: by name (`SEGMENTS`).
        lumbar: (3,) L5/S1 from the middle of the hips, in the frame of the pelvis, m.
        neck: (3,) where the head joins, in the frame of the trunk (origin L5/S1), m.
        grip: middle of what a hand grips, beyond the wrist, m.
    """

    lengths: SegmentLengths
    stature: float
    segments: Mapping[str, RigidSegment]
    lumbar: FloatArray
    neck: FloatArray
    grip: float

    def along_trunk(self, offset: FloatArray) -> FloatArray:
        """(3,) ahead, along and right of the line from mid-hip to mid-shoulder, in the frame of the trunk."""
        result: FloatArray = _leant(self.lengths.trunk, self.lumbar).T @ offset
        return result


def segment_model(person: LoadPerson, lengths: SegmentLengths) -> SegmentModel:
    """Segments of a person with these lengths; their masses sum to the person's."""
    stature = person.stature or (lengths.trunk + lengths.thigh + lengths.shank) / 0.779
    sexes = SEXES if person.sex is None else (person.sex,)
    models = [_of_sex(person, lengths, stature, sex) for sex in sexes]
    segments = {name: _mean([model[name] for model in models]) for name in SEGMENTS}
    scale = person.mass / sum(segment.mass for segment in segments.values())
    segments = {
        name: RigidSegment(s.mass * scale, s.centre, s.inertia * scale) for name, s in segments.items()
    }
    lumbar = np.mean([_lumbar(lengths, sex) for sex in sexes], 0)
    top = np.array([0.0, lengths.trunk, 0.0]) - lumbar
    return SegmentModel(
        lengths, stature, segments, lumbar, np.array([0.0, float(np.linalg.norm(top)), 0.0]), GRIP * stature
    )


def _of_sex(person: LoadPerson, lengths: SegmentLengths, stature: float, sex: str) -> dict[str, RigidSegment]:
    table, reference = _TABLE[sex], _LENGTHS[sex]
    lumbar = _lumbar(lengths, sex)
    shares = {name: table[name].mass for name in table}
    upper_share = person.shares.get("trunk", shares["upper_trunk"] + shares["middle_trunk"])
    result = {
        "pelvis": _along(
            person.shares.get("pelvis", shares["lower_trunk"]) * person.mass,
            _trunk_height(sex, "lower_trunk") * lengths.trunk,
            reference["lower_trunk"] / reference["trunk"] * lengths.trunk,
            table["lower_trunk"].radii,
        ),
        "trunk": _upper_trunk(upper_share * person.mass, lengths.trunk, lumbar, sex),
        "head": _along(
            person.shares.get("head", shares["head"]) * person.mass,
            _HEAD_REACH * stature,
            reference["head"] / reference["stature"] * stature,
            table["head"].radii,
        ),
    }
    for part, length in (
        ("upper_arm", lengths.upper_arm),
        ("forearm", lengths.forearm),
        ("hand", reference["hand"] / reference["forearm"] * lengths.forearm),
        ("thigh", lengths.thigh),
        ("shank", lengths.shank),
    ):
        row = table[part]
        limb = _along(
            person.shares.get(part, row.mass) * person.mass, -row.centre * length, length, row.radii
        )
        result |= {f"{side}_{part}": limb for side in SIDES}
    foot = _FOOT_LENGTH * stature
    row = table["foot"]
    mass = person.shares.get("foot", row.mass) * person.mass
    centre = np.array([(row.centre - _ANKLE_ALONG) * foot, -0.5 * _ANKLE_HEIGHT * stature, 0.0])
    inertia = mass * np.diag([(radius * foot) ** 2 for radius in row.radii])
    return result | {f"{side}_foot": RigidSegment(mass, centre, inertia) for side in SIDES}


def _along(mass: float, height: float, length: float, radii: tuple[float, float, float]) -> RigidSegment:
    return RigidSegment(
        mass, np.array([0.0, height, 0.0]), mass * np.diag([(radius * length) ** 2 for radius in radii])
    )


def _trunk_height(sex: str, part: str) -> float:
    """Centre of a part of the trunk over mid-hip, over the distance from there to mid-shoulder."""
    reference = _LENGTHS[sex]
    top = reference["lower_trunk"]
    if part != "lower_trunk":
        top += reference["middle_trunk"]
    if part == "upper_trunk":
        top += reference["upper_trunk"]
    return (top - _TABLE[sex][part].centre * reference[part]) / reference["trunk"]


def _upper_trunk(mass: float, trunk: float, lumbar: FloatArray, sex: str) -> RigidSegment:
    """Middle and upper part as one, in the frame whose origin is L5/S1 and whose y points to mid-shoulder."""
    table, reference = _TABLE[sex], _LENGTHS[sex]
    parts = ("upper_trunk", "middle_trunk")
    share = np.array([table[part].mass for part in parts])
    masses = mass * share / share.sum()
    heights = np.array([_trunk_height(sex, part) * trunk for part in parts])
    height = float(masses @ heights / mass)
    inertia = np.zeros((3, 3))
    for part, own, at in zip(parts, masses, heights, strict=True):
        length = reference[part] / reference["trunk"] * trunk
        shift = own * (at - height) ** 2
        inertia += np.diag([own * (radius * length) ** 2 for radius in table[part].radii])
        inertia += np.diag([shift, 0.0, shift])
    frame = _leant(trunk, lumbar)
    centre = frame.T @ (np.array([0.0, height, 0.0]) - lumbar)
    return RigidSegment(mass, centre, frame.T @ inertia @ frame)


def _leant(trunk: float, lumbar: FloatArray) -> FloatArray:
    """(3, 3) frame of the trunk (y from L5/S1 to mid-shoulder) against one whose y is from mid-hip to mid-shoulder."""
    axis = np.array([0.0, trunk, 0.0]) - lumbar
    y = axis / np.linalg.norm(axis)
    return np.stack([np.array([y[1], -y[0], 0.0]), y, np.array([0.0, 0.0, 1.0])], -1)


def _lumbar(lengths: SegmentLengths, sex: str) -> FloatArray:
    ahead, above, width = _LUMBAR[sex]
    c, s = math.cos(_PELVIC_TILT), math.sin(_PELVIC_TILT)
    scale = width / _LENGTHS[sex]["trunk"] * lengths.trunk
    return np.array([(ahead * c + above * s) * scale, (above * c - ahead * s) * scale, 0.0])


def _mean(segments: list[RigidSegment]) -> RigidSegment:
    n = len(segments)
    return RigidSegment(
        sum(s.mass for s in segments) / n,
        np.asarray(sum(s.centre for s in segments) / n),
        np.asarray(sum(s.inertia for s in segments) / n),
    )
