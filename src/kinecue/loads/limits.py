"""What a spine is known to bear, and where the limit is drawn above which a changeable posture is a danger.

There is no number above which a lift is dangerous. Limits of ergonomics protect unselected workers who lift all day; a
deadlift with 100 kg puts 8 to 10 kN on L5/S1, which breaks every one of them, and is what trained people do for years.
So a limit here does one thing: under it nothing is said, whatever the posture. Above it something is said only where a
posture that the lifter can change adds much to the load (`kinecue.loads.danger`). A heavy lift done well is never a danger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from kinecue.body.errors import ConfigError


class Experience(str, Enum):
    """How much a back is used to. What nobody has told is `USUAL`."""

    NEW = "new"
    """New to lifting, back from a long break, or told to take care."""
    USUAL = "usual"
    COMPETITOR = "competitor"
    """Years of heavy barbell training."""


@dataclass(frozen=True)
class Limit:
    """A limit with where it comes from.

    Attributes:
        value: N; NaN where there is none.
        source: for people.
    """

    value: float
    source: str


NO_LIMIT = Limit(math.nan, "none: no published figure holds for this")

COMPRESSION = {
    Experience.NEW: Limit(
        3400.0, "NIOSH action limit (NIOSH 1981, kept by Waters et al. 1993, Ergonomics 36:749): design limit"
    ),
    Experience.USUAL: Limit(
        6400.0, "NIOSH maximum permissible limit (NIOSH 1981): most workers are at risk above it"
    ),
    Experience.COMPETITOR: Limit(
        17_200.0,
        "largest mean load of national power lifters (Cholewicki, McGill and Norman 1991, Med Sci Sports Exerc 23:1179)",
    ),
}
"""Compression at L5/S1. For scale: isolated lumbar segments, most of them of old people, fail at 4.8 +- 2.5 kN (0.6 to 15.6;
Jaeger 2018, EXCLI J 17:362, verified), and one detailed model gives 17.2 kN for a deadlift with 68 kg (2023, e3680,
verified). Limits of the Dortmund recommendations by age and sex are not used: age is not known, and their table was not at
hand."""

SHEAR = {
    Experience.NEW: Limit(700.0, "Gallagher and Marras 2012, Clin Biomech 27:973: frequent loading"),
    Experience.USUAL: Limit(1000.0, "Gallagher and Marras 2012, Clin Biomech 27:973: up to 100 a day"),
    Experience.COMPETITOR: NO_LIMIT,
}
"""Anterior shear at L5/S1, published beside the figure. What muscles do to it is so uncertain that no danger rests on it."""

KNEE_SHEAR = Limit(
    2160.0,
    "ultimate load of young anterior cruciate ligaments (Woo et al. 1991, Am J Sports Med 19:217; from memory)",
)
"""Forward shear in the knee, published beside the figure: far above what squats give. Pressures in the knee have no limit:
cartilage is known to suffer from too little as well (Escamilla 2001 finds none for healthy knees)."""


def experience_of(name: str) -> Experience:
    """The member of that name.

    Raises:
        ConfigError: there is none; lists what is allowed.
    """
    try:
        return Experience(name)
    except ValueError:
        allowed = ", ".join(e.value for e in Experience)
        raise ConfigError("parameters", "experience", f"is {name!r}, allowed: {allowed}") from None
