"""What a body is to be like, in units that a tape and scales measure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from kinecue.body.errors import KineCueError
from kinecue.body.volume.asset import SEXES

STATURE_RANGE = (1.45, 2.10)
"""Barefoot statures that a body can have, m."""
MASS_RANGE = (35.0, 180.0)
"""kg; what a body of a certain stature and build can have is narrower, see `solver.mass_range`."""
AGE_RANGE = (18.0, 80.0)
"""Years."""
LENGTH_RANGES = {
    "thigh": (0.200, 0.290),
    "shank": (0.205, 0.295),
    "trunk": (0.220, 0.330),
    "upper_arm": (0.135, 0.195),
    "forearm": (0.125, 0.180),
    "shoulders": (0.160, 0.280),
    "pelvis": (0.085, 0.140),
}
"""Allowed lengths between joint centres over stature.

About four standard deviations around de Leva 1996 (thigh 0.242 and 0.212, shank 0.249 and 0.250, upper arm
0.162 and 0.159, forearm 0.154 and 0.152, trunk 0.296 and 0.287 for men and women), the standard deviation of
such a share being 3 to 4 % (Gordon et al. 2014, ANSUR II: e.g. buttock-knee length over stature, 3.2 %).
"""


class ShapeError(KineCueError):
    """A body cannot be like that; the text names the field and what is allowed."""

    def __init__(self, name: str, field: str, problem: str) -> None:
        super().__init__(f"body {name!r}: {field} {problem}")
        self.field = field


@dataclass(frozen=True)
class BodyShape:
    """A body by its measures.

    Lengths are between joint centres, as in `kinecue.body.anthropometry.SegmentLengths`. One that is None is
    what the body has by nature (arms: de Leva 1996); thigh, shank and trunk that are None share what the
    given ones leave of the stature.

    Attributes:
        name: for messages and lists.
        sex: ``male`` or ``female``.
        stature: barefoot, m.
        mass: kg; None is that of a body of usual fatness for its build.
        build: muscularity, 0 (hardly any muscle) to 1 (body builder).
        age: years; from 25 on the flesh sags and the face ages. It changes no movement.
        thigh, shank, trunk, upper_arm, forearm: m.
        shoulders, pelvis: between the joint centres of left and right, m.
        femininity: frame and distribution of flesh, 0 a man's, 1 a woman's; None is that of `sex`.

    Raises:
        ShapeError: a field is out of its range.
    """

    name: str = "body"
    sex: str = "male"
    stature: float = 1.78
    mass: float | None = None
    build: float = 0.6
    age: float = 25.0
    thigh: float | None = None
    shank: float | None = None
    trunk: float | None = None
    upper_arm: float | None = None
    forearm: float | None = None
    shoulders: float | None = None
    pelvis: float | None = None
    femininity: float | None = None

    def __post_init__(self) -> None:
        if self.sex not in SEXES:
            raise ShapeError(self.name, "sex", f"must be one of {', '.join(SEXES)}, got {self.sex!r}")
        self._check("stature", self.stature, STATURE_RANGE, "m")
        self._check("build", self.build, (0.0, 1.0), "")
        self._check("age", self.age, AGE_RANGE, "years")
        self._check("femininity", self.frame, (0.0, 1.0), "")
        if self.mass is not None:
            self._check("mass", self.mass, MASS_RANGE, "kg")
        for field, (low, high) in LENGTH_RANGES.items():
            length = getattr(self, field)
            if length is not None:
                self._check(field, length, (low * self.stature, high * self.stature), "m")

    def _check(self, field: str, value: float, allowed: tuple[float, float], unit: str) -> None:
        low, high = allowed
        # the comparison is false for NaN; a length that was a share at the end of its range may round out
        slack = 1e-9 * high
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and low - slack <= value <= high + slack):
            digits = 3 if unit == "m" else 1
            spelled = f"{low:.{digits}f} to {high:.{digits}f} {unit}".rstrip()
            got = f"{value:g}" if number else repr(value)
            raise ShapeError(self.name, field, f"must be {spelled}, got {got}")

    @property
    def frame(self) -> float:
        """0 a man's to 1 a woman's."""
        return float(SEXES.index(self.sex)) if self.femininity is None else self.femininity

    @property
    def given_lengths(self) -> dict[str, float]:
        """The lengths that are not None, m, by field."""
        every = {field: getattr(self, field) for field in LENGTH_RANGES}
        return {field: float(length) for field, length in every.items() if length is not None}

    @classmethod
    def from_ratios(
        cls,
        name: str,
        sex: str,
        stature: float,
        mass: float | None = None,
        build: float = 0.6,
        age: float = 25.0,
        *,
        leg: float | None = None,
        femur_tibia: float | None = None,
        **shares: float,
    ) -> BodyShape:
        """A body by its proportions.

        Args:
            name: for messages and lists.
            sex: ``male`` or ``female``.
            stature: barefoot, m.
            mass: kg, or None.
            build: 0 to 1.
            age: years.
            leg: thigh and shank together over stature; needs `femur_tibia`.
            femur_tibia: length of the thigh over that of the shank; needs `leg`.
            shares: lengths over stature, by the names of the fields of `BodyShape`.

        Raises:
            ShapeError: a value is out of its range, or they contradict each other.
        """
        unknown = sorted(set(shares) - set(LENGTH_RANGES))
        if unknown:
            raise ShapeError(name, unknown[0], f"is not a length; allowed: {', '.join(LENGTH_RANGES)}")
        lengths = {field: share * stature for field, share in shares.items()}
        if (leg is None) != (femur_tibia is None):
            missing = "femur_tibia" if femur_tibia is None else "leg"
            raise ShapeError(name, missing, "must be given too: leg and femur_tibia go together")
        if leg is not None and femur_tibia is not None:
            if "thigh" in lengths or "shank" in lengths:
                raise ShapeError(name, "leg", "and femur_tibia leave no choice for thigh and shank")
            if not (math.isfinite(femur_tibia) and femur_tibia > 0.0):
                raise ShapeError(name, "femur_tibia", f"must be above 0, got {femur_tibia:g}")
            lengths["shank"] = leg * stature / (1.0 + femur_tibia)
            lengths["thigh"] = lengths["shank"] * femur_tibia
        return cls(name, sex, stature, mass, build, age, **lengths)
