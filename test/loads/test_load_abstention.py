"""What cannot be known is not said, and why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from load_figure import BENT, LENGTHS, PERSON, SQUAT, Film, Pose, course, joints, squatting, still

from kinecue.body import COCO_17, Landmark, Reason, Validity
from kinecue.body.errors import KineCueError
from kinecue.loads.dynamics import BodyDynamics
from kinecue.loads.external import CablePull, HandForce, HeldMass, Support
from kinecue.loads.ground import SeatFinder, distance_outside
from kinecue.loads.results import Dynamics, Hands, Joint, LoadPlace, LoadSide
from kinecue.loads.segments import PARTS, SEGMENTS, LoadPerson, segment_model, volume_shares

LEGS = (Joint.ANKLE, Joint.KNEE, Joint.HIP)
ARMS = (Joint.SHOULDER, Joint.ELBOW)


def reasons(found: Dynamics) -> dict[Joint, set[Reason]]:
    result: dict[Joint, set[Reason]] = {}
    for item in found.joints:
        result.setdefault(item.joint, set()).add(item.reason)
    return result


def only(found: Dynamics, joints: tuple[Joint, ...], reason: Reason) -> None:
    """Just these joints are abstained from, for `reason`."""
    for joint, why in reasons(found).items():
        assert why == ({reason} if joint in joints else {Reason.NONE}), joint


def test_hands_that_hold_something_unknown() -> None:
    found = still(BENT, hands=Hands.UNKNOWN)
    only(found, (*LEGS, Joint.L5S1, *ARMS), Reason.NO_LOAD)
    assert all(not found.ground(side).usable for side in (LoadSide.BOTH, LoadSide.LEFT, LoadSide.RIGHT))
    assert found.ground().reason is Reason.NO_LOAD
    assert found.upper is None or math.isnan(found.upper.held_kg)


@pytest.mark.parametrize(
    ("contacts", "back_rest", "gone"),
    [
        (["left_ankle", "right_ankle"], None, ()),
        (["left_wrist", "right_wrist", "left_foot_index"], None, (*LEGS, Joint.L5S1, *ARMS)),
        (["left_elbow", "right_elbow", "left_foot_index"], None, (*LEGS, Joint.L5S1, *ARMS)),
        (["hips", "left_ankle", "right_ankle"], False, LEGS),
        (["hips", "left_ankle", "right_ankle"], None, (*LEGS, Joint.L5S1)),
        (["left_knee", "right_ankle"], None, LEGS),
        (["left_wrist", "right_wrist"], None, (*LEGS, Joint.L5S1, *ARMS)),
    ],
)
def test_what_else_carries(contacts: list[str], back_rest: bool | None, gone: tuple[Joint, ...]) -> None:
    only(still(BENT, support=Support.of_contacts(contacts, back_rest)), gone, Reason.UNSUPPORTED)


def test_a_hidden_arm_takes_the_spine_and_the_floor_with_it() -> None:
    found = still(BENT, Film(lost=(Landmark.LEFT_ELBOW,)))
    assert found.joint(Joint.ELBOW, LoadSide.RIGHT).usable
    assert found.joint(Joint.ELBOW, LoadSide.LEFT).reason is Reason.OCCLUDED
    assert found.joint(Joint.L5S1).reason is Reason.OCCLUDED
    assert found.joint(Joint.KNEE, LoadSide.LEFT).reason is Reason.OCCLUDED
    assert found.upper is None and np.isnan(found.centre).all()


def test_hidden_legs_leave_the_spine() -> None:
    lost = (Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE, Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX)
    whole, found = still(BENT), still(BENT, Film(lost=lost))
    only(found, LEGS, Reason.OCCLUDED)
    assert found.joint(Joint.L5S1).extension == pytest.approx(whole.joint(Joint.L5S1).extension, abs=0.5)


def test_a_topology_without_feet_knows_no_ankle_but_the_knee() -> None:
    whole, found = still(BENT), still(BENT, Film(topology=COCO_17))
    only(found, (Joint.ANKLE,), Reason.UNSUPPORTED)
    knee = found.joint(Joint.KNEE, LoadSide.LEFT)
    assert knee.validity is Validity.INFERRED
    assert knee.extension == pytest.approx(whole.joint(Joint.KNEE, LoadSide.LEFT).extension, abs=1.0)


def test_inferred_landmarks_make_inferred_moments() -> None:
    found = still(BENT, Film(inferred=(Landmark.LEFT_WRIST,)))
    assert found.joint(Joint.ELBOW, LoadSide.LEFT).validity is Validity.INFERRED
    assert found.joint(Joint.ELBOW, LoadSide.RIGHT).validity is Validity.VALID
    assert found.joint(Joint.L5S1).validity is Validity.INFERRED


def test_without_a_trunk_nothing() -> None:
    found = still(BENT, Film(lost=(Landmark.LEFT_HIP,)))
    only(found, (*LEGS, Joint.L5S1, *ARMS), Reason.OCCLUDED)
    assert found.upper is None


def test_depth_that_one_camera_does_not_see() -> None:
    """From the front the lean is depth: 25 cm of it leave no moment about the left-right axis, and the view is why."""
    blind = np.diag([0.25**2, 0.005**2, 0.005**2])
    found = still(BENT, Film(covariance=blind, view=math.pi))
    assert found.joint(Joint.L5S1).reason is Reason.VIEW
    assert found.joint(Joint.KNEE, LoadSide.LEFT).reason is Reason.VIEW
    # from the side the same depth is left and right, which the sagittal moments do not ask for
    aside = still(BENT, Film(covariance=np.diag([0.005**2, 0.25**2, 0.005**2]), view=math.pi / 2))
    assert aside.joint(Joint.L5S1).usable
    everywhere = still(BENT, Film(covariance=np.eye(3) * 0.25**2))
    assert everywhere.joint(Joint.L5S1).reason is Reason.UNCERTAIN


def test_somebody_on_a_chair_of_whom_nobody_said_so() -> None:
    """Hips 45 cm behind the feet, upright: no feet hold that."""
    sitting = Pose(shank=0.0, thigh=88.0, lean=5.0)
    found = still(sitting)
    assert {item.reason for item in found.joints if item.joint in LEGS} <= {
        Reason.IMPLAUSIBLE,
        Reason.UNSUPPORTED,
    }
    assert not found.ground().usable
    assert found.joint(Joint.L5S1).usable


def test_a_seat_is_believed_until_the_hips_have_risen() -> None:
    seat = SeatFinder()
    legs = LENGTHS.thigh + LENGTHS.shank
    assert not seat.look(True, 0.5, legs)
    assert seat.look(False, 0.45, legs)
    assert seat.look(True, 0.46, legs)
    assert not seat.look(True, 0.51, legs)
    assert not seat.look(True, 0.46, legs)
    assert not seat.look(False, 0.9, legs), "nobody sits on straight legs"


def test_low_hands_and_knees_may_rest_on_the_floor() -> None:
    points = joints(SQUAT)
    points["left_wrist"] = points["left_ankle"] + [0.3, 0.1, -0.03]
    points["left_elbow"] = points["left_wrist"] + [-0.1, 0.0, 0.24]
    found = course(lambda _: points)[-1]
    only(found, (*LEGS, Joint.L5S1, *ARMS), Reason.UNSUPPORTED)
    points = joints(BENT)
    points["left_knee"] = points["left_ankle"] + [0.3, 0.0, -0.03]
    found = course(lambda _: points)[-1]
    assert found.joint(Joint.HIP, LoadSide.LEFT).reason is Reason.UNSUPPORTED
    assert found.joint(Joint.L5S1).usable


def test_one_leg_bears_all() -> None:
    # standing on the left foot: the body is over it, and the right foot is 15 cm off the floor
    points = joints(Pose(shift=0.095))
    for name in ("ankle", "heel", "foot_index"):
        points[f"right_{name}"] = points[f"right_{name}"] + [0.0, 0.0, 0.15]
    found = course(lambda _: points)[-1]
    weight = found.ground().force[2]
    assert found.ground(LoadSide.LEFT).force[2] == pytest.approx(weight)
    assert found.ground(LoadSide.RIGHT).force == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_another_person_begins_anew() -> None:
    film, dynamics = Film(), BodyDynamics(PERSON)
    points = joints(BENT)
    for i in range(30):
        found = dynamics.update(film.body(points, i * 33_000_000, "a"))
    assert found is not None
    for i in range(30, 36):
        assert dynamics.update(film.body(points, i * 33_000_000, "b")) is None
    # the old one's stamps are no obstacle either
    assert dynamics.update(film.body(points, 5, "c")) is None
    for i in range(1, 25):
        found = dynamics.update(film.body(points, 5 + i * 33_000_000, "c"))
    assert found is not None and found.body_id == "c"


def test_lengths_are_measured_where_none_are_given() -> None:
    person = LoadPerson(80.0, sex="male", stature=1.75)
    known, found = still(BENT), still(BENT, person=person)
    for a, b in zip(known.joints, found.joints, strict=True):
        assert b.extension == pytest.approx(a.extension, abs=1e-6)
    dynamics = BodyDynamics(person)
    course(squatting, dynamics=dynamics)

    # somebody half as large goes on with the same object: new lengths within two seconds
    def smaller(t: float) -> dict[str, np.ndarray]:
        return {name: 0.6 * point for name, point in joints(BENT).items()}

    film = Film()
    for i in range(90):
        last = dynamics.update(film.body(smaller(0.0), 10**10 + i * 33_000_000))
    assert last is not None
    spine = last.joint(Joint.L5S1)
    assert spine.position[2] == pytest.approx(0.6 * known.joint(Joint.L5S1).position[2], rel=0.02)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 50.0))
def test_hostile_bodies_raise_nothing(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    dynamics, stamp = BodyDynamics(PERSON), 0
    base = joints(BENT)
    names = [Landmark(name) for name in base]
    lost = tuple(names[k] for k in rng.choice(len(names), rng.integers(0, 6), replace=False))
    films = (Film(lost=lost), Film(covariance=np.full((3, 3), math.nan)), Film(std=1e6), Film())
    for i in range(26):
        stamp += int(rng.choice([33_000_000, 33_000_000, 33_000_000, 0, -40_000_000, 60_000_000]))
        points = {name: scale * point for name, point in base.items()}
        found = dynamics.update(films[int(rng.integers(4)) if i > 12 else 3].body(points, stamp))
        if found is None:
            continue
        for item in found.joints:
            assert item.usable == (item.reason is Reason.NONE)
            numbers = (item.extension, item.std, *item.moment, *item.force)
            assert all(math.isfinite(n) for n in numbers) == item.usable


def test_bad_persons_and_loads_are_refused() -> None:
    for wrong in ({"mass": 5.0}, {"mass": math.nan}, {"mass": 80.0, "sex": "x"}, {"mass": 80.0, "stature": 9.0},
                  {"mass": 80.0, "shares": {"tail": 0.1}}):  # fmt: skip
        with pytest.raises(KineCueError, match="allowed"):
            LoadPerson(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tension_n"):
        CablePull(-1.0, np.zeros(3))
    with pytest.raises(ValueError, match="both sides"):
        HeldMass(20.0, LoadPlace.BACK, LoadSide.LEFT)
    with pytest.raises(ValueError, match="position"):
        HandForce(LoadSide.BOTH, np.zeros(3), position=np.zeros(3))
    with pytest.raises(ValueError, match="finite"):
        HandForce(LoadSide.LEFT, np.array([math.nan, 0.0, 0.0]))


@pytest.mark.parametrize("sex", ["male", "female", None])
def test_segments_make_the_whole_person(sex: str | None) -> None:
    model = segment_model(LoadPerson(73.0, sex=sex), LENGTHS)
    assert tuple(model.segments) == SEGMENTS
    assert sum(s.mass for s in model.segments.values()) == pytest.approx(73.0)
    for segment in model.segments.values():
        own = np.linalg.eigvalsh(segment.inertia)
        # of a body in space: no principal moment is larger than the other two together
        assert own[0] > 0 and own[2] < own[0] + own[1] + 1e-12
    # L5/S1 is a fifth to a quarter of the way from the hips to the shoulders, a little behind
    assert 0.2 < model.lumbar[1] / LENGTHS.trunk < 0.26 and -0.02 < model.lumbar[0] < 0.0


def test_masses_of_a_volume_are_the_persons_own() -> None:
    masses = {"head": 5.0, "thorax": 20.0, "abdomen": 10.0, "pelvis": 10.0}
    masses |= {f"{side}_{part}": 3.0 for side in ("left", "right") for part in PARTS[3:]}
    shares = volume_shares(masses)
    total = sum(masses.values())
    model = segment_model(LoadPerson(total, sex="male", shares=shares), LENGTHS)
    assert model.segments["left_thigh"].mass == pytest.approx(3.0)
    assert model.segments["trunk"].mass == pytest.approx(30.0)


def test_points_outside_the_soles() -> None:
    corners = np.array([[0.0, 0.1], [0.25, 0.1], [0.0, -0.1], [0.25, -0.1]])
    assert distance_outside(np.array([0.1, 0.0]), corners) == 0.0
    assert distance_outside(np.array([0.25 + 0.1, 0.0]), corners) == pytest.approx(0.1 - 0.045)
    assert distance_outside(np.array([0.3, 0.0]), np.zeros((0, 2))) == math.inf
    assert distance_outside(np.array([0.3, 0.0]), np.array([[0.0, 0.0]])) == pytest.approx(0.255)
