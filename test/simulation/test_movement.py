"""What the athletes do, checked on joint centres; no pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.body import angles
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark
from kinecue.simulation.athlete import Athlete
from kinecue.simulation.curl import Curl
from kinecue.simulation.gym import joint_angles
from kinecue.simulation.movement import Movement, centre_of_mass
from kinecue.simulation.squat import Squat
from kinecue.simulation.timeline import PlantedFault, SetPlan, Tempo, Timeline

TEMPO = Tempo(1.2, 0.2, 1.0, 0.4)
ATHLETES = [("male", 1.92), ("female", 1.58)]
DEGREE = math.radians(1.0)
Points = dict[Landmark, np.ndarray]


def movement(
    kind: type[Movement], *faults: PlantedFault, athlete=("male", 1.8), variation=0.0, seed=1
) -> Movement:
    return kind(Athlete(*athlete), SetPlan(2, TEMPO, faults, still_s=0.5, variation=variation, seed=seed))


def points(m: Movement, time_s: float) -> Points:
    return m.athlete.landmarks(m.athlete.transforms(m.pose(time_s)))


def times(m: Movement, step: float = 0.1) -> list[float]:
    return [float(t) for t in np.arange(0.0, m.duration_s, step)]


def turn(m: Movement, number: int = 1) -> float:
    return m.timeline.repetitions[number - 1].turn_s


def knee_out(p: Points, side: str) -> float:
    """Turn of the knee about the line from ankle to hip, rad; outwards positive."""
    hip, knee, ankle = (p[Landmark(f"{side}_{n}")] for n in ("hip", "knee", "ankle"))
    line = (hip - ankle) / np.linalg.norm(hip - ankle)
    aside = knee - ankle - ((knee - ankle) @ line) * line
    forward = np.array([1.0, 0.0, 0.0]) - line[0] * line
    across = np.cross(line, forward)
    angle = math.atan2(float(aside @ across), float(aside @ forward))
    return angle if side == "left" else -angle


@pytest.mark.parametrize("athlete", ATHLETES)
@pytest.mark.parametrize("kind", [Squat, Curl])
def test_feet_hold_and_segments_keep_their_lengths(kind, athlete):
    m = movement(kind, athlete=athlete, variation=2.0)
    first = points(m, 0.0)
    lengths = m.athlete.lengths
    for t in times(m):
        p = points(m, t)
        for name in ("ankle", "heel", "foot_index"):
            for side in ("left", "right"):
                point = Landmark(f"{side}_{name}")
                assert np.linalg.norm(p[point] - first[point]) < 0.005
        for side in ("left", "right"):
            for a, b, length in (
                ("hip", "knee", lengths.thigh),
                ("knee", "ankle", lengths.shank),
                ("shoulder", "elbow", lengths.upper_arm),
                ("elbow", "wrist", lengths.forearm),
            ):
                distance = np.linalg.norm(p[Landmark(f"{side}_{a}")] - p[Landmark(f"{side}_{b}")])
                assert distance == pytest.approx(length, abs=1e-4)
        shoulders = (p[Landmark.LEFT_SHOULDER] + p[Landmark.RIGHT_SHOULDER]) / 2
        hips = (p[Landmark.LEFT_HIP] + p[Landmark.RIGHT_HIP]) / 2
        assert np.linalg.norm(shoulders - hips) == pytest.approx(lengths.trunk, abs=1e-4)


@pytest.mark.parametrize("athlete", ATHLETES)
@pytest.mark.parametrize("kind", [Squat, Curl])
def test_joints_stay_within_what_joints_can_do(kind, athlete):
    m = movement(kind, athlete=athlete, variation=1.0)
    for t in times(m):
        a = joint_angles(points(m, t))
        for side in ("left", "right"):
            assert 0.0 <= a[f"knee_flexion_{side}"] < math.radians(150)
            assert -math.radians(25) < a[f"hip_flexion_{side}"] < math.radians(135)
            assert 0.0 <= a[f"elbow_flexion_{side}"] < math.radians(150)
        assert -math.radians(10) < a["trunk_lean"] < math.radians(60)


@pytest.mark.parametrize("kind", [Squat, Curl])
def test_left_and_right_are_mirrored_without_variation(kind):
    m = movement(kind)
    for t in times(m, 0.3):
        p = points(m, t)
        for landmark in Landmark:
            assert p[landmark] * [1, -1, 1] == pytest.approx(p[landmark.mirrored], abs=2e-3)


@pytest.mark.parametrize("athlete", ATHLETES)
def test_squat_goes_down_in_balance(athlete):
    m = movement(Squat, athlete=athlete)
    top, bottom = points(m, 0.0), points(m, turn(m))
    assert joint_angles(top)["knee_flexion_left"] == pytest.approx(math.radians(5), abs=DEGREE)
    assert joint_angles(bottom)["knee_flexion_left"] == pytest.approx(math.radians(112), abs=DEGREE)
    for t in times(m):
        p = points(m, t)
        ahead = centre_of_mass(p)[0] - p[Landmark.LEFT_HEEL][0]
        length = p[Landmark.LEFT_FOOT_INDEX][0] - p[Landmark.LEFT_HEEL][0]
        assert 0.2 * length < ahead < 0.8 * length


def test_longer_thighs_lean_more():
    class LongThighs(Athlete):
        def __init__(self) -> None:
            super().__init__("male", 1.8)
            for side in "lr":
                knee = self.bone_index[f"calf_{side}"]
                shift = 0.15 * (self.heads[self.bone_index[f"thigh_{side}"]] - self.heads[knee])
                for bone in ("calf", "foot", "ball"):
                    self.heads[self.bone_index[f"{bone}_{side}"]] -= shift

    plan = SetPlan(1, TEMPO, variation=0.0)
    usual, long = Squat(Athlete("male", 1.8), plan), Squat(LongThighs(), plan)
    assert long.athlete.lengths.thigh > 1.1 * usual.athlete.lengths.thigh
    lean = [joint_angles(points(m, turn(m)))["trunk_lean"] for m in (usual, long)]
    assert lean[1] > lean[0] + 2 * DEGREE


# (movement, fault, magnitude, what it must change by its magnitude, what it must leave alone)
OTHERS_OF_SQUAT = ("trunk_lean", "knee_flexion_left", "knee_flexion_right", "elbow_flexion_left")


@pytest.mark.parametrize("degrees", [10.0, 20.0])
def test_knees_in_turns_the_knees_and_nothing_else(degrees):
    fault = PlantedFault("knees_in", (2,), math.radians(degrees))
    m = movement(Squat, fault)
    good, bad = points(m, turn(m, 1)), points(m, turn(m, 2))
    for side in ("left", "right"):
        assert knee_out(good, side) - knee_out(bad, side) == pytest.approx(fault.magnitude, abs=DEGREE)
    a, b = joint_angles(good), joint_angles(bad)
    for name in OTHERS_OF_SQUAT:
        assert b[name] == pytest.approx(a[name], abs=DEGREE)
    assert b["knee_separation_ratio"] < a["knee_separation_ratio"] - 0.02 * degrees


def test_shallow_takes_its_magnitude_off_the_depth():
    m = movement(Squat, PlantedFault("shallow", (2,), math.radians(30)))
    a, b = (joint_angles(points(m, turn(m, n))) for n in (1, 2))
    assert a["knee_flexion_left"] - b["knee_flexion_left"] == pytest.approx(math.radians(30), abs=DEGREE)


def test_trunk_lean_adds_its_magnitude():
    m = movement(Squat, PlantedFault("trunk_lean", (2,), math.radians(15)))
    a, b = (joint_angles(points(m, turn(m, n))) for n in (1, 2))
    assert b["trunk_lean"] - a["trunk_lean"] == pytest.approx(math.radians(15), abs=DEGREE)
    assert b["knee_flexion_left"] == pytest.approx(a["knee_flexion_left"], abs=DEGREE)


def test_heels_up_lifts_the_heels_and_leaves_the_toes():
    m = movement(Squat, PlantedFault("heels_up", (2,), 0.04))
    a, b = points(m, turn(m, 1)), points(m, turn(m, 2))
    assert (b[Landmark.LEFT_HEEL] - a[Landmark.LEFT_HEEL])[2] == pytest.approx(0.04, abs=0.005)
    assert b[Landmark.LEFT_FOOT_INDEX] == pytest.approx(a[Landmark.LEFT_FOOT_INDEX], abs=0.005)
    assert joint_angles(b)["knee_flexion_left"] == pytest.approx(
        joint_angles(a)["knee_flexion_left"], abs=DEGREE
    )
    assert joint_angles(b)["trunk_lean"] == pytest.approx(joint_angles(a)["trunk_lean"], abs=DEGREE)


def test_hip_shift_moves_the_hips_to_the_left():
    m = movement(Squat, PlantedFault("hip_shift", (2,), 0.05))
    a, b = points(m, turn(m, 1)), points(m, turn(m, 2))
    shift = (b[Landmark.LEFT_HIP] + b[Landmark.RIGHT_HIP] - a[Landmark.LEFT_HIP] - a[Landmark.RIGHT_HIP]) / 2
    assert shift[1] == pytest.approx(0.05, abs=0.005)
    assert abs(shift[2]) < 0.005


def test_asymmetry_is_left_minus_right():
    m = movement(Squat, PlantedFault("asymmetry", (2,), math.radians(6)))
    b = joint_angles(points(m, turn(m, 2)))
    assert b["knee_flexion_left"] - b["knee_flexion_right"] == pytest.approx(math.radians(6), abs=DEGREE)


def test_elbow_drift_is_shoulder_flexion():
    m = movement(Curl, PlantedFault("elbow_drift", (2,), math.radians(30)))
    a, b = (joint_angles(points(m, turn(m, n))) for n in (1, 2))
    for side in ("left", "right"):
        change = b[f"shoulder_flexion_{side}"] - a[f"shoulder_flexion_{side}"]
        assert change == pytest.approx(math.radians(30), abs=DEGREE)
        assert b[f"elbow_flexion_{side}"] == pytest.approx(a[f"elbow_flexion_{side}"], abs=DEGREE)
    assert b["trunk_lean"] == pytest.approx(a["trunk_lean"], abs=DEGREE)


def test_swing_leans_back_on_the_way_up_and_is_over_at_the_top():
    m = movement(Curl, PlantedFault("swing", (2,), math.radians(15)))
    second = m.timeline.repetitions[1]
    way_up = np.linspace(second.start_s, second.turn_s, 40)
    leans = [joint_angles(points(m, float(t)))["trunk_lean"] for t in way_up]
    upright = joint_angles(points(m, 0.0))["trunk_lean"]
    assert upright - min(leans) == pytest.approx(math.radians(15), abs=DEGREE)
    assert leans[-1] == pytest.approx(upright, abs=DEGREE)
    shoulders = [joint_angles(points(m, float(t)))["shoulder_flexion_left"] for t in way_up]
    assert max(shoulders) - min(shoulders) < math.radians(4)


def test_short_range_takes_its_magnitude_off_the_elbow():
    m = movement(Curl, PlantedFault("short_range", (2,), math.radians(40)))
    a, b = (joint_angles(points(m, turn(m, n))) for n in (1, 2))
    assert a["elbow_flexion_left"] - b["elbow_flexion_left"] == pytest.approx(math.radians(40), abs=DEGREE)


@pytest.mark.parametrize("kind", [Squat, Curl])
def test_motion_has_no_jumps(kind):
    name = "knees_in" if kind is Squat else "swing"
    m = movement(kind, PlantedFault(name, (1,), math.radians(15)), variation=1.0)
    track = np.array([np.stack(list(points(m, t).values())) for t in times(m, 1 / 30)])
    speed = np.linalg.norm(np.diff(track, axis=0), axis=-1) * 30
    assert speed.max() < 3.0
    acceleration = np.linalg.norm(np.diff(track, 2, axis=0), axis=-1) * 900
    assert acceleration.max() < 40.0


def test_truth_names_phase_repetition_and_present_faults():
    m = movement(Squat, PlantedFault("knees_in", (2,), 0.3))
    first, second = m.timeline.repetitions
    assert m.state(0.1).phase == "setup"
    assert m.state((first.start_s + first.turn_s) / 2).phase == "eccentric"
    assert m.state((first.turn_s + first.back_s) / 2).phase == "bottom"
    assert m.state((first.back_s + first.end_s) / 2).phase == "concentric"
    assert m.state(first.end_s + 0.01).phase == "top"
    assert m.state(first.turn_s).faults == {}
    assert m.state(second.turn_s).faults == {"knees_in": pytest.approx(0.3)}
    (event,) = m.fault_events()
    assert event.repetition == 2
    assert second.start_s < event.onset_s < second.turn_s


def test_curl_is_lifted_on_the_way_out():
    m = movement(Curl)
    first = m.timeline.repetitions[0]
    assert m.state((first.start_s + first.turn_s) / 2).phase == "concentric"
    assert m.state((first.back_s + first.end_s) / 2).phase == "eccentric"


def test_same_seed_same_set_other_seed_another():
    a, b, c = (movement(Squat, variation=1.0, seed=s) for s in (3, 3, 4))
    assert a.timeline.repetitions == b.timeline.repetitions
    assert np.array_equal(a.pose(1.7).mid_hip, b.pose(1.7).mid_hip)
    assert a.timeline.repetitions != c.timeline.repetitions


@pytest.mark.parametrize(
    "fault",
    [
        PlantedFault("levitation", (1,), 0.1),
        PlantedFault("knees_in", (3,), 0.1),
        PlantedFault("knees_in", (1,), 2.0),
        PlantedFault("knees_in", (1,), 0.0),
        PlantedFault("knees_in", (1,), math.nan),
    ],
)
def test_faults_that_there_are_not_are_refused(fault):
    with pytest.raises(KineCueError, match="fault"):
        Timeline(SetPlan(2, TEMPO, (fault,)), Squat.kinds)


def test_a_planted_knees_in_shows_in_the_scoring_measure():
    m = movement(Squat, PlantedFault("knees_in", (2,), math.radians(19)))
    ratios = []
    for n in (1, 2):
        p = points(m, turn(m, n))
        left, _ = angles.body_axes(p[Landmark.LEFT_HIP], p[Landmark.RIGHT_HIP])
        ratios.append(
            float(
                angles.knee_separation_ratio(
                    p[Landmark.LEFT_KNEE],
                    p[Landmark.RIGHT_KNEE],
                    p[Landmark.LEFT_ANKLE],
                    p[Landmark.RIGHT_ANKLE],
                    left,
                )
            )
        )
    assert ratios[0] > 1.1
    assert ratios[1] < 0.8
