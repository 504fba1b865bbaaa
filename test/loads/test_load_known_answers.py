"""Loads of people who hold still, against sums by hand from the tables of de Leva (1996) and Winter's proportions.

The person: a man of 80 kg and 1.75 m, thigh 0.42 m, shank 0.43, trunk (mid-hip to mid-shoulder) 0.50, upper arm 0.30,
forearm 0.26. Weights after de Leva's table 4, g = 9.80665 m/s2: upper and middle trunk 32.29 % = 253.3 N, lower trunk
11.17 % = 87.6 N, head 6.94 % = 54.4 N; on each side upper arm 2.71 % = 21.26 N, forearm 1.62 % = 12.71 N, hand 0.61 %
= 4.79 N, thigh 14.16 % = 111.1 N, shank 4.33 % = 33.97 N, foot 1.37 % = 10.75 N.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from load_figure import BENT, CURL, LEANING, MASS, PERSON, SQUAT, TABLE, Film, Pose, still

from kinecue.loads.external import HandForce, HeldMass
from kinecue.loads.results import GRAVITY, Dynamics, ForceKind, Joint, LoadPlace, LoadSide

LEFT, RIGHT = LoadSide.LEFT, LoadSide.RIGHT
SIDES = (LEFT, RIGHT)


def extension(found: Dynamics, joint: Joint, side: LoadSide = LoadSide.NONE) -> float:
    item = found.joint(joint, side)
    assert item.usable, (joint, side, item.reason)
    return item.extension


def test_level_forearm_with_ten_kilograms() -> None:
    # forearm 12.709 N x 0.4574 x 0.26 m = 1.511; hand 4.786 N x (0.26 + 0.79 x 0.0862/0.2689 x 0.26) m = 1.560
    assert extension(still(CURL), Joint.ELBOW, LEFT) == pytest.approx(-3.071, abs=0.01)
    # and 98.07 N at the grip, 0.26 + 0.045 x 1.75 = 0.33875 m: 33.220 N m
    found = still(CURL, external=[HeldMass(10.0, side=LEFT)])
    assert extension(found, Joint.ELBOW, LEFT) == pytest.approx(-36.29, abs=0.03)
    assert extension(found, Joint.ELBOW, RIGHT) == pytest.approx(-3.071, abs=0.01)


def test_arms_out_to_the_sides() -> None:
    # 21.261 N x 0.17316 m + 12.709 N x 0.41892 m + 4.786 N x 0.62584 m = 3.682 + 5.324 + 2.995
    found = still(TABLE)
    left, right = (found.joint(Joint.SHOULDER, side) for side in SIDES)
    assert left.moment == pytest.approx([12.0, 0.0, 0.0], abs=0.02)
    assert right.moment == pytest.approx([-12.0, 0.0, 0.0], abs=0.02)
    assert left.force == pytest.approx([0.0, 0.0, 38.756], abs=0.01)


@pytest.mark.parametrize(("held", "moment"), [(0.0, 92.18), (20.0, 148.03)])
def test_trunk_bent_by_45_degrees(held: float, moment: float) -> None:
    # L5/S1 is 0.1128 m up the trunk and 0.0155 m behind it: 0.0688 m ahead of the hips. Over it: trunk at 0.36004 m
    # of the trunk, head at 0.50 + 0.112 x 1.75 = 0.696 m, arms (77.51 N) and load under the shoulders at 0.50 m, each
    # times sin 45: 253.33 x (0.2546 - 0.0688) + 54.45 x (0.4921 - 0.0688) + 77.51 x (0.3536 - 0.0688) = 47.07 + 23.05
    # + 22.07 20 kg: 196.13 x (0.3536 - 0.0688) = 55.85
    external = [HeldMass(held)] if held else []
    assert extension(still(BENT, external=external), Joint.L5S1) == pytest.approx(moment, abs=0.1)


def test_leaning_like_a_board() -> None:
    # all above the ankles turns about them: sum of mass x distance = 73.18 kg m, x 9.80665 x sin 5 = 62.55 N m on two
    # ankles. (shanks 1.670, thighs 15.361, lower trunk 8.086, upper trunk 31.258, head 8.583, arms 5.103 + 2.413 +
    # 0.707)
    found = still(LEANING)
    for side in SIDES:
        assert extension(found, Joint.ANKLE, side) == pytest.approx(31.27, abs=0.1)
        # knees: (71.511 - 70.88 x 0.43) x 9.80665 x sin 5 / 2, in front of them: the flexors hold
        assert extension(found, Joint.KNEE, side) == pytest.approx(-17.54, abs=0.1)
        # hips: (56.150 - 48.224 x 0.85) x 9.80665 x sin 5 / 2
        assert extension(found, Joint.HIP, side) == pytest.approx(6.48, abs=0.1)


def test_standing_upright_asks_for_nothing_but_balance() -> None:
    found = still(Pose())
    for joint in (Joint.ANKLE, Joint.KNEE, Joint.HIP):
        for side in SIDES:
            assert abs(extension(found, joint, side)) < 0.1
    weight = MASS * GRAVITY
    assert found.ground().force == pytest.approx([0.0, 0.0, weight], abs=0.01)
    for side in SIDES:
        assert found.ground(side).force[2] == pytest.approx(weight / 2, abs=0.01)
    assert found.upper is not None
    # trunk above L5/S1, head, arms: 0.3229 + 0.0694 + 2 x 0.0494
    assert found.upper.mass == pytest.approx(0.4911 * MASS, rel=1e-4)


def test_squat_with_level_thighs() -> None:
    # knees 0.215 m ahead of the ankles, hips 0.205 m behind, shoulders 0.1486 m ahead of them; arms level ahead.
    # both ankles: shanks 13.88 x 0.1205 m ... = 50.00 N m; knees: what is above them lies 0.134 m behind: 107.63;
    # hips: 146.10
    found = still(SQUAT)
    for side in SIDES:
        assert extension(found, Joint.ANKLE, side) == pytest.approx(25.00, abs=0.1)
        assert extension(found, Joint.KNEE, side) == pytest.approx(53.82, abs=0.1)
        assert extension(found, Joint.HIP, side) == pytest.approx(73.05, abs=0.1)
        assert math.degrees(found.joint(Joint.KNEE, side).flexion) == pytest.approx(120.0, abs=0.1)


@pytest.mark.parametrize("place", [LoadPlace.HANDS, LoadPlace.BACK, LoadPlace.FRONT])
def test_doubling_the_load_doubles_its_share(place: LoadPlace) -> None:
    none, one, two = (still(LEANING, external=[HeldMass(m, place)] if m else []) for m in (0.0, 15.0, 30.0))
    for before, middle, after in zip(none.joints, one.joints, two.joints, strict=True):
        assert after.moment - before.moment == pytest.approx(2.0 * (middle.moment - before.moment), abs=1e-6)
        assert after.force - before.force == pytest.approx(2.0 * (middle.force - before.force), abs=1e-6)
    assert two.ground().force[2] - none.ground().force[2] == pytest.approx(30.0 * GRAVITY, abs=1e-6)
    assert two.upper is not None and two.upper.held_kg == pytest.approx(30.0)


def test_a_bar_on_the_back_weighs_on_the_spine_and_not_on_the_arms() -> None:
    light, heavy = still(BENT), still(BENT, external=[HeldMass(60.0, LoadPlace.BACK)])
    for side in SIDES:
        assert extension(heavy, Joint.SHOULDER, side) == pytest.approx(extension(light, Joint.SHOULDER, side))
    # 588.4 N, 0.50 + 0.02 x 1.75 m along the trunk and 0.035 x 1.75 m behind it, both from mid-hip:
    # (0.535 - 0.06125) x sin 45 - 0.0688 = 0.2662 m ahead of L5/S1
    assert extension(heavy, Joint.L5S1) - extension(light, Joint.L5S1) == pytest.approx(156.6, rel=0.01)


def test_a_known_pull_turns_by_its_lever() -> None:
    # 100 N ahead at the left grip, 0.30 + 0.33875 m under the shoulder of a hanging arm: the arm must be held back by
    # 63.9 N m
    pull = HandForce(LEFT, np.array([100.0, 0.0, 0.0]))
    free, pulled = still(Pose()), still(Pose(), external=[pull])
    gain = extension(pulled, Joint.SHOULDER, LEFT) - extension(free, Joint.SHOULDER, LEFT)
    assert gain == pytest.approx(63.875, abs=0.01)
    # the floor holds against it
    assert pulled.ground().force[0] == pytest.approx(-100.0, abs=1e-6)
    assert [item.kind for item in pulled.external[3:]] == [ForceKind.CABLE]


def test_claimed_uncertainty_is_the_sum_of_its_parts() -> None:
    # an exact level forearm with 10 +- 1 kg: 3.32 N m of the load, and 7 % of forearm and hand apart: 0.15 N m
    found = still(CURL, external=[HeldMass(10.0, side=LEFT, mass_std=1.0)], person=PERSON)
    item = found.joint(Joint.ELBOW, LEFT)
    assert item.std == pytest.approx(math.hypot(3.322, 0.0700 * math.hypot(1.511, 1.560)), rel=0.01)
    # landmarks that are 2 cm uncertain: elbow and grip err apart (the grip by 1.303 wrists less 0.303 elbows)
    vague = still(CURL, Film(std=0.02), external=[HeldMass(10.0, side=LEFT)]).joint(Joint.ELBOW, LEFT)
    lever = 0.02 * math.hypot(1.3029, 1.3029)
    assert vague.std == pytest.approx(98.07 * lever, rel=0.1)
