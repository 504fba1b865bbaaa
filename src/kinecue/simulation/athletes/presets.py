"""Athletes by name.

Statures and masses lie between the 1st and the 99th percentile of ANSUR II (Gordon et al. 2014: men 1.756 m,
standard deviation 0.069, 85.5 kg, 14.2; women 1.629 m, 0.064, 67.8 kg, 11.0), but for the tall man and the
heavy one, who are a little beyond the 99th and at the 96th. Proportions that a name speaks of are two to
three standard deviations off the mean: a segment's share of the stature varies by 3 to 4 %, the ratio of
thigh to shank between joint centres (0.97 for men, 0.85 to 0.92 for women: de Leva 1996; 1.00: Winter) by 4 %.
"""

from __future__ import annotations

from kinecue.body.volume.shape import BodyShape

_ratios = BodyShape.from_ratios

ATHLETES: dict[str, BodyShape] = {
    shape.name: shape
    for shape in (
        BodyShape("average_man", "male", 1.78, 78.0, 0.50),
        BodyShape("average_woman", "female", 1.65, 63.0, 0.50),
        BodyShape("tall", "male", 1.95, 94.0, 0.60),
        BodyShape("short", "female", 1.52, 52.0, 0.50),
        BodyShape("heavy", "male", 1.76, 110.0, 0.25),
        BodyShape("heavy_woman", "female", 1.66, 90.0, 0.35),
        BodyShape("light", "female", 1.66, 50.0, 0.40),
        BodyShape("light_man", "male", 1.78, 60.0, 0.40),
        BodyShape("muscular", "male", 1.80, 95.0, 0.95),
        BodyShape("muscular_woman", "female", 1.68, 66.0, 0.95),
        _ratios("long_femur", "male", 1.80, 80.0, 0.60, leg=0.515, femur_tibia=1.10),
        _ratios("short_femur", "male", 1.76, 78.0, 0.65, leg=0.485, femur_tibia=0.86),
        _ratios("long_femur_woman", "female", 1.70, 64.0, 0.50, leg=0.505, femur_tibia=1.04),
        _ratios("long_arms", "male", 1.82, 82.0, 0.60, upper_arm=0.175, forearm=0.168),
        _ratios("short_arms", "male", 1.74, 80.0, 0.75, upper_arm=0.150, forearm=0.143),
        _ratios("long_trunk", "male", 1.80, 82.0, 0.60, trunk=0.290),
        _ratios("short_trunk", "female", 1.70, 62.0, 0.50, trunk=0.248),
        _ratios("broad_shoulders", "male", 1.82, 90.0, 0.80, shoulders=0.255),
        BodyShape("older", "male", 1.74, 82.0, 0.40, 68.0),
        BodyShape("older_woman", "female", 1.61, 68.0, 0.35, 68.0),
    )
}
"""Shapes by their names."""
