"""What floor and bar exert, against what is known: weight, levers, free fall."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from kinecue.body.volume.skinning import BoneTransforms, Pose
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.contact_forces import (
    GRAVITY,
    STEP_S,
    BodyMass,
    MassMotion,
    Pull,
    Touch,
    contact_forces,
)
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.gym import Gym
from kinecue.simulation.movement.set_plan import SetPlan
from kinecue.simulation.programmes import MachinePart, Programme
from kinecue.simulation.rotations import yaw

STILL = MassMotion(np.array([0.05, 0.0, 1.0]), np.zeros(3), np.zeros(3))
FEET = [Touch(f"{p}_{s}", "floor", np.array([x, y, 0.0])) for s, y in (("l", 0.15), ("r", -0.15)) for p, x in (("heel", -0.05), ("ball", 0.15))]  # fmt: skip


def total(forces) -> np.ndarray:
    return np.sum([c.force for c in forces.contacts], axis=0)


def test_standing_still_weighs_on_both_feet_alike():
    forces = contact_forces(80.0, STILL, FEET)
    assert total(forces) == pytest.approx([0.0, 0.0, 80.0 * GRAVITY], abs=0.1)
    left = sum(c.force[2] for c in forces.contacts if c.point.endswith("_l"))
    assert left == pytest.approx(40.0 * GRAVITY, abs=0.1)
    assert np.abs(forces.missing_force).max() < 0.1


def test_the_lever_decides_between_heel_and_ball():
    for ahead in (-0.03, 0.05, 0.12):
        motion = dataclasses.replace(STILL, centre=np.array([ahead, 0.0, 1.0]))
        forces = contact_forces(80.0, motion, FEET)
        pressure = sum(c.force[2] * c.position[0] for c in forces.contacts) / total(forces)[2]
        assert pressure == pytest.approx(ahead, abs=1e-3)


def test_a_floor_pushes_and_does_not_pull():
    # the body would fall over: what lacks is said, and no contact pulls
    motion = dataclasses.replace(STILL, centre=np.array([0.6, 0.0, 1.0]))
    forces = contact_forces(80.0, motion, FEET)
    assert all(c.force[2] >= 0.0 for c in forces.contacts)
    assert np.linalg.norm(forces.missing_moment) > 10.0
    assert np.linalg.norm(forces.missing_force) > 50.0
    falling = dataclasses.replace(STILL, acceleration=np.array([0.0, 0.0, -15.0]))
    forces = contact_forces(80.0, falling, FEET)
    assert total(forces) == pytest.approx(np.zeros(3), abs=1e-6)
    assert forces.missing_force[2] == pytest.approx(80.0 * (GRAVITY - 15.0), rel=1e-6)


def test_a_bar_may_pull_and_carries_who_hangs_on_it():
    bar = [Touch(f"grip_{s}", "bar", np.array([0.05, y, 2.2])) for s, y in (("l", 0.3), ("r", -0.3))]
    forces = contact_forces(70.0, STILL, bar)
    assert total(forces) == pytest.approx([0.0, 0.0, 70.0 * GRAVITY], abs=0.1)
    assert [c.force[2] for c in forces.contacts] == pytest.approx([35.0 * GRAVITY] * 2, abs=0.1)


def test_nothing_touched_is_free_fall_or_missing():
    free = dataclasses.replace(STILL, acceleration=np.array([0.0, 0.0, -GRAVITY]))
    assert contact_forces(80.0, free, []).missing_force == pytest.approx(np.zeros(3), abs=1e-9)
    assert contact_forces(80.0, STILL, []).missing_force[2] == pytest.approx(80.0 * GRAVITY)


def test_a_held_weight_adds_its_own():
    pull = Pull(np.array([0.05, 0.0, 1.2]), np.array([0.0, 0.0, -200.0]))
    assert total(contact_forces(80.0, STILL, FEET, [pull]))[2] == pytest.approx(
        80.0 * GRAVITY + 200.0, abs=0.1
    )


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.floats(-3.0, 3.0)] * 2, st.floats(-6.0, 6.0)),
    st.tuples(st.floats(-0.04, 0.14), st.floats(-0.12, 0.12)),
    st.floats(40.0, 120.0),
)
def test_forces_and_what_is_missing_always_make_up_the_motion(acceleration, centre, mass):
    motion = MassMotion(np.array([*centre, 0.9]), np.array(acceleration), np.zeros(3))
    forces = contact_forces(mass, motion, FEET)
    needed = mass * (motion.acceleration + [0.0, 0.0, GRAVITY])
    assert total(forces) + forces.missing_force == pytest.approx(needed, abs=1e-6 * mass)
    moment = np.sum([np.cross(c.position - motion.centre, c.force) for c in forces.contacts], axis=0)
    # the moment of a contact about the vertical comes from its whole surface, not from its middle
    assert (moment + forces.missing_moment)[:2] == pytest.approx(np.zeros(2), abs=0.2 * mass)
    for c in forces.contacts:
        assert np.hypot(*c.force[:2]) <= 0.8 * c.force[2] + 1e-9


def moved(athlete: Athlete, turn: np.ndarray, shift: np.ndarray) -> BoneTransforms:
    rest = Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3)})
    return athlete.transforms(rest.moved(turn, shift))


def test_mass_motion_of_a_rigid_body():
    athlete = Athlete("male", 1.8)
    mass = BodyMass(athlete)
    assert mass.total == pytest.approx(athlete.mass)
    g = np.array([0.3, -0.2, 1.5])

    def at(t: float) -> BoneTransforms:
        return moved(athlete, np.eye(3), 0.5 * g * t * t)

    motion = mass.motion(at(-STEP_S), at(0.0), at(STEP_S))
    assert motion.acceleration == pytest.approx(g, abs=1e-6)
    assert motion.spin == pytest.approx(np.zeros(3), abs=1e-6)
    assert motion.centre == pytest.approx(athlete.centre_of_mass(at(0.0)))


def test_spin_of_a_rigid_body_is_inertia_times_angular_acceleration():
    athlete = Athlete("male", 1.8)
    mass, rate = BodyMass(athlete), 2.0

    def at(t: float) -> BoneTransforms:
        return moved(athlete, yaw(0.5 * rate * t * t), np.zeros(3))

    motion = mass.motion(at(-STEP_S), at(0.0), at(STEP_S))
    inertia = 0.0
    for s in athlete.segments.values():
        arm = s.centre - motion.centre
        inertia += s.inertia[2, 2] + s.mass * float(arm[:2] @ arm[:2])
    assert motion.spin[2] == pytest.approx(inertia * rate, rel=1e-3)


def quiet(exercise: str) -> Gym:
    plan = SetPlan(1, still_s=0.5, after_s=0.2, variation=0.0)
    return Gym(Programme("quiet", exercise, plan=plan, machine=MachinePart(load_kg=0.0)))


def test_an_athlete_who_stands_still_weighs_what_the_body_weighs():
    gym = quiet("squat")
    truth = gym.truth(0.2)
    weight = gym.athlete.mass * GRAVITY
    assert total(truth.forces) == pytest.approx([0.0, 0.0, weight], abs=0.005 * weight)
    left = sum(c.force[2] for c in truth.forces.contacts if c.point.endswith("_l"))
    assert left == pytest.approx(weight / 2.0, rel=0.005)


def test_over_a_repetition_the_floor_gives_back_the_weight():
    gym = quiet("squat")
    repetition = gym.performance.timeline.repetitions[0]
    times = np.linspace(repetition.start_s, repetition.end_s, 60)
    lifted = np.array([total(t.forces)[2] + t.forces.missing_force[2] for t in gym.truths(times)])
    weight = gym.athlete.mass * GRAVITY
    # what begins and ends at rest has no impulse but that of its weight
    assert trapezoid(lifted, times) / (times[-1] - times[0]) == pytest.approx(weight, rel=0.01)
    assert lifted.max() > 1.05 * weight
    assert lifted.min() < 0.95 * weight


@pytest.mark.parametrize(
    ("exercise", "points"),
    [("push_up", {"palm_l", "palm_r", "ball_l", "ball_r"}), ("pull_up", {"grip_l", "grip_r"})],
)
def test_hands_carry_where_hands_hold(exercise, points):
    if exercise not in EXERCISES:
        pytest.skip(f"{exercise} is not there")
    gym = quiet(exercise)
    truth = gym.truth(0.2)
    weight = gym.athlete.mass * GRAVITY
    assert {c.point for c in truth.forces.contacts} >= points
    assert total(truth.forces)[2] == pytest.approx(weight, rel=0.005)
    hands = sum(c.force[2] for c in truth.forces.contacts if c.point[:4] in ("palm", "grip"))
    low, high = (0.5, 0.8) if exercise == "push_up" else (0.98, 1.02)
    assert low * weight < hands < high * weight


def test_a_bar_that_lies_on_the_floor_does_not_weigh_on_the_feet():
    plan = SetPlan(1, still_s=0.5, after_s=0.2, variation=0.0)
    gym = Gym(Programme("x", "deadlift", "average_man", plan=plan))
    weight = gym.athlete.mass * GRAVITY
    bar = gym.equipment.mass * GRAVITY
    lying, held = gym.truth(0.2), gym.truth(gym.performance.timeline.repetitions[0].turn_s + 0.05)
    assert total(lying.forces)[2] == pytest.approx(weight, rel=0.01)
    assert total(held.forces)[2] == pytest.approx(weight + bar, rel=0.1)
