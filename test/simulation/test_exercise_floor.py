"""Push-up, plank, pull-up and Turkish get-up: what is particular about each of them."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from kinecue.body.volume.skinning import BoneTransforms, skin
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import fist
from kinecue.simulation.exercises.plank import PLANK
from kinecue.simulation.exercises.pull_up import PULL_UP
from kinecue.simulation.exercises.push_up import PUSH_UP
from kinecue.simulation.exercises.turkish_get_up import STARTS, TURKISH_GET_UP
from kinecue.simulation.gear.equipment import HERE
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.body_measures import centre_of_mass
from kinecue.simulation.movement.figure import Figure, Rig
from kinecue.simulation.movement.keyframes import Key, Keyframes, Passage, coordinate
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.technique import Exercise
from kinecue.simulation.movement.timeline import Moments
from kinecue.simulation.rotations import pitch

EXERCISES = {e.name: e for e in (PUSH_UP, PLANK, PULL_UP, TURKISH_GET_UP)}
BODIES = ("average_man", "short", "heavy")


@cache
def athlete(preset: str) -> Athlete:
    return Athlete(preset)


@cache
def performance(name: str, preset: str = "average_man", side: str = "left") -> Performance:
    plan = SetPlan(1, still_s=0.2, after_s=0.2, variation=0.0, side=side)
    return Performance(athlete(preset), EXERCISES[name], plan)


def key_times(p: Performance, *progress: float) -> list[float]:
    """Times on the way out at which the progress is reached."""
    move = p.timeline.repetitions[0].moves[0]
    times = np.linspace(move.start_s, move.end_s, 4001)
    return np.interp(progress, p.moments(times).progress, times).tolist()


@cache
def at(name: str, preset: str, *progress: float) -> tuple[Performance, Figure]:
    p = performance(name, preset)
    return p, p.figure(key_times(p, *progress))


def surface(p: Performance, figure: Figure, n: int) -> np.ndarray:
    body = p.athlete
    skinned = np.unique(body.asset.faces["body"])
    transforms = body.transforms(figure.pose(body, n))
    return skin(body.vertices[skinned].astype(np.float32), body.asset.weights[skinned], transforms)


def transforms_at(p: Performance, figure: Figure, n: int) -> BoneTransforms:
    return p.athlete.transforms(figure.pose(p.athlete, n))


@pytest.mark.parametrize("preset", BODIES)
def test_push_up_lowers_a_straight_body_until_the_chest_is_a_fist_over_the_floor(preset):
    p, figure = at("push_up", preset, 0.0, 0.5, 1.0)
    assert np.degrees(measures.value("elbow_flexion", figure)[[0, 2]]) == pytest.approx([8.0, 112.0], abs=0.1)
    assert np.abs(measures.value("body_line", figure)).max() < math.radians(3.0)
    chest = surface(p, figure, 2)
    trunk = chest[np.abs(chest[:, 0] - figure.mid_shoulder[2, 0] + 0.15) < 0.1]
    assert 0.03 < trunk[np.abs(trunk[:, 1]) < 0.1][:, 2].min() < 0.20
    # upper arms at about 45 degrees from the trunk (Contreras 2012)
    assert np.degrees(measures.value("elbow_spread", figure)[2]) == pytest.approx(45.0, abs=10.0)


@pytest.mark.parametrize("preset", BODIES)
def test_push_up_has_shoulders_over_the_hands_at_the_top(preset):
    _, figure = at("push_up", preset, 0.0)
    assert (figure.middle("shoulder") - figure.middle("palm"))[0, 0] == pytest.approx(0.0, abs=0.005)


@pytest.mark.parametrize("preset", BODIES)
def test_plank_is_straight_over_the_elbows_and_held(preset):
    p, figure = at("plank", preset, 0.0, 1.0)
    assert abs(measures.value("body_line", figure)[1]) < math.radians(3.0)
    assert abs((figure.middle("shoulder") - figure.middle("elbow"))[1, 0]) < 0.01
    assert measures.value("knee_flexion", figure)[1] < math.radians(4.0)
    # at rest the knees are on the floor, in the plank well over it
    assert figure.middle("knee")[0, 2] < 0.08 < 0.14 < figure.middle("knee")[1, 2]
    hold = next(m for m in p.timeline.repetitions[0].moves if m.stage == "hold")
    assert hold.end_s - hold.start_s == pytest.approx(20.0)


def test_knees_are_down_only_while_the_plank_rests():
    p = performance("plank")
    knee = next(c for c in p.technique.contacts if c.point == "knee_l")
    assert knee.holds(p.moments([0.0, *key_times(p, 0.3, 0.99)])).tolist() == [True, False, False]


@pytest.mark.parametrize("preset", BODIES)
def test_pull_up_goes_from_a_dead_hang_until_the_chin_is_over_the_bar(preset):
    p, figure = at("pull_up", preset, 0.0, 0.5, 1.0)
    bar = figure.middle("grip")[0, 2]
    assert measures.value("elbow_flexion", figure)[0] < math.radians(6.0)
    skinned = surface(p, figure, 2)
    head = figure.points["ears"][2]
    chin = skinned[
        (skinned[:, 0] > head[0] + 0.05) & (np.abs(skinned[:, 1]) < 0.03) & (skinned[:, 2] > bar - 0.03)
    ]
    assert len(chin) and head[2] > bar + 0.04
    # feet hang free, and the centre of mass stays under the bar
    assert surface(p, figure, 0)[:, 2].min() > 0.05
    under = centre_of_mass(figure) - figure.middle("grip")
    assert np.abs(under[:, 0]).max() < 0.005


def test_the_bar_does_not_pass_through_head_or_chest():
    p, figure = at("pull_up", "average_man", 0.0, 0.3, 0.5, 0.7, 0.85, 1.0)
    bar = figure.middle("grip")[0]
    for n in range(len(figure)):
        points = surface(p, figure, n)
        between_hands = points[np.abs(points[:, 1]) < 0.12]
        assert np.hypot(*(between_hands[:, [0, 2]] - bar[[0, 2]]).T).min() > 0.02, n


@pytest.mark.parametrize("preset", BODIES)
def test_get_up_has_the_kettlebell_over_the_shoulder_with_a_locked_elbow(preset):
    _, figure = at("turkish_get_up", preset, *np.linspace(0.0, 1.0, 25).tolist())
    assert measures.value("raised_arm_from_vertical", figure).max() < math.radians(0.5)
    assert measures.value("raised_elbow_flexion", figure) == pytest.approx(math.radians(4.0), abs=1e-6)


@pytest.mark.parametrize("preset", BODIES)
def test_get_up_goes_through_its_stages(preset):
    _, figure = at("turkish_get_up", preset, *STARTS)
    height = measures.value("hip_height", figure) / athlete(preset).scale
    lying, elbow, hand, bridge, windmill, upright, split, standing = range(8)
    assert height[lying] < 0.13 and height[hand] < 0.2 and height[bridge] > 0.35 and height[standing] > 0.85
    assert figure.points["elbow_r"][elbow, 2] < 0.06
    assert measures.value("elbow_flexion_right", figure)[hand] < math.radians(8.0)
    assert figure.points["knee_r"][[windmill, upright], 2].max() < 0.08
    assert figure.points["knee_r"][split, 2] > 0.2
    assert abs(measures.value("trunk_lean", figure)[standing]) < math.radians(3.0)
    # both feet side by side at the end
    assert figure.points["ankle_l"][standing, 0] == pytest.approx(
        figure.points["ankle_r"][standing, 0], abs=0.01
    )


def test_eyes_stay_on_the_kettlebell_until_half_kneeling():
    _, figure = at("turkish_get_up", "average_man", *np.linspace(0.0, STARTS[4], 12).tolist())
    assert measures.value("gaze_off", figure).max() < math.radians(22.0)


def test_get_up_of_the_right_hand_is_the_mirror_image():
    left, right = (performance("turkish_get_up", side=side) for side in ("left", "right"))
    times = key_times(left, 0.0, 0.2, 0.5, 0.8, 1.0)
    a, b = left.figure(times), right.figure(times)
    assert a.points["grip_l"] == pytest.approx(b.points["grip_r"] * [1.0, -1.0, 1.0], abs=1e-9)
    assert (b.points["grip_r"][:, 2] > b.points["grip_l"][:, 2] + 0.3).all()


def test_stages_of_the_get_up_are_in_order_and_named_once():
    names, starts = zip(*TURKISH_GET_UP.stages, strict=True)
    assert len(set(names)) == len(names) == 7
    assert list(starts) == sorted(starts) and starts[0] == 0.0


def test_kettlebell_is_in_the_hand_that_carries_and_outside_the_forearm():
    for side in ("left", "right"):
        p = performance("turkish_get_up", side=side)
        figure = p.figure(key_times(p, 0.4))
        weight = p.technique.equipment.weights(transforms_at(p, figure, 0))[0]
        assert weight.hands == (f"grip_{side[0]}",)
        assert weight.mass == pytest.approx(0.15 * p.athlete.mass, abs=0.6)
        wrist, elbow = (figure.points[f"{joint}_{side[0]}"][0] for joint in ("wrist", "elbow"))
        along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        away = weight.point - elbow - along * ((weight.point - elbow) @ along)
        assert 0.08 < np.linalg.norm(away) < 0.25
        assert p.technique.equipment.props(transforms_at(p, figure, 0), HERE).vertices[:, 2].max() > wrist[2]


@pytest.mark.parametrize("name", EXERCISES)
def test_gear_of_the_exercise_stands_around(name):
    gear = performance(name).technique.equipment.furniture()
    expected = {"push_up": 0.02, "plank": 0.02, "pull_up": 3.5, "turkish_get_up": 0.02}[name]
    assert gear.vertices[:, 2].max() < expected
    assert len(gear.faces) > 10


@pytest.mark.parametrize("name", ["push_up", "plank", "pull_up"])
@pytest.mark.parametrize("preset", ["tall", "short", "long_arms", "short_arms", "heavy_woman"])
def test_bodies_of_any_proportions_can(name: str, preset: str):
    p = performance(name, preset)
    figure = p.figure(key_times(p, 0.0, 0.02, 0.3, 0.7, 1.0))
    assert max(limb.max() for limb in figure.stretch.values()) < 1e-6


@pytest.mark.parametrize("preset", ["tall", "short_arms", "long_trunk", "long_femur_woman"])
def test_bodies_of_any_proportions_get_up(preset: str):
    p = performance("turkish_get_up", preset)
    figure = p.figure(key_times(p, *np.linspace(0.0, 1.0, 15)))
    assert max(limb.max() for limb in figure.stretch.values()) < 1e-6


def test_turning_the_elbows_out_is_seen_on_one_side_only():
    fault = PlantedFault("flared_elbows", (1,), math.radians(25.0), "left")
    plan = SetPlan(1, faults=(fault,), still_s=0.2, variation=0.0)
    p = Performance(athlete("average_man"), PUSH_UP, plan)
    turn = p.timeline.repetitions[0].turn_s + 0.01
    clean = performance("push_up").figure([turn])
    figure = p.figure([turn])
    for side, expected in (("left", 25.0), ("right", 0.0)):
        change = measures.value(f"elbow_spread_{side}", figure) - measures.value(
            f"elbow_spread_{side}", clean
        )
        assert math.degrees(change[0]) == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize("side", ["l", "r"])
def test_a_flat_hand_has_straight_fingers_in_the_plane_of_the_palm(side):
    body = athlete("average_man")
    heights = {}
    for closed in (0.0, -1.0):
        tips = fist(body, side, np.eye(3), closed)
        normal = body.head(f"index_01_{side}") - body.head(f"pinky_01_{side}")
        bent = tips[f"index_03_{side}"]
        heights[closed] = float(np.arccos(np.clip((np.trace(bent) - 1.0) / 2.0, -1.0, 1.0)))
        assert normal @ bent @ normal > 0.0
    assert heights[0.0] == 0.0 and heights[-1.0] == pytest.approx(math.radians(36.0))


def moments(progress: list[float]) -> Moments:
    p = np.array(progress)
    zero = np.zeros(len(p))
    return Moments(zero, p, p, p, zero.astype(np.int64), ["out"] * len(p), zero, zero, zero)


def test_keyframes_hold_what_is_the_same_in_both_keys():
    skeleton = Skeleton(athlete("average_man"))
    rig = Rig(legs=("free", "free"))
    keys = [
        Key("a", np.eye(3), {"pelvis_z": 1.0}),
        Key("b", pitch(0.6), {"pelvis_z": 1.0, "hip_flexion_l": 1.0, "knee_flexion_l": 0.8}),
    ]
    # the second key is moved so that the right knee is where it was
    knees = [
        Keyframes(skeleton, rig, keys, [Passage(1.0)], [0.0, 1.0]).posed(k).points["knee_r"][0] for k in keys
    ]
    shift = knees[0] - knees[1]
    place = {"pelvis_x": shift[0], "pelvis_y": shift[1], "pelvis_z": 1.0 + shift[2]}
    keys[1] = Key("b", keys[1].base, {**keys[1].controls, **place})
    holds = [coordinate("knee_r", axis) for axis in range(3)]
    frames = Keyframes(
        skeleton, rig, keys, [Passage(1.0, holds, ("pelvis_x", "pelvis_y", "pelvis_z"))], [0.0, 1.0]
    )
    figure = frames.figure(moments([0.0, 0.2, 0.5, 0.9, 1.0]), {})
    assert figure.points["knee_r"] == pytest.approx(np.tile(knees[0], (5, 1)), abs=1e-6)
    assert figure.points["head"][-1] != pytest.approx(figure.points["head"][0], abs=0.05)


def test_keyframes_lift_in_between():
    skeleton = Skeleton(athlete("average_man"))
    key = {"pelvis_z": 0.85, "foot_out": 0.15}
    frames = Keyframes(
        skeleton,
        Rig(),
        [Key("a", np.eye(3), key), Key("b", np.eye(3), key)],
        [Passage(1.0, over={"foot_z_r": 0.1})],
        [0.0, 1.0],
    )
    heights = frames.figure(moments([0.0, 0.5, 1.0]), {}).points["heel_r"][:, 2]
    assert heights - heights[0] == pytest.approx([0.0, 0.1, 0.0], abs=1e-9)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=list(EXERCISES))
def test_faults_are_those_that_coaches_see(exercise: Exercise):
    expected = {
        "push_up": {"sagging_hips", "piked_hips", "flared_elbows", "short_range", "no_lockout", "head_down"},
        "plank": {"sagging_hips", "piked_hips", "head_drop", "rotated_hips", "shrugged"},
        "pull_up": {"short_top", "no_lockout", "kipping", "swing", "uneven", "jerked_start", "shrugged"},
        "turkish_get_up": {
            "arm_not_vertical",
            "elbow_bent",
            "bent_wrist",
            "eyes_off",
            "knee_in",
            "trunk_lean",
        },
    }[exercise.name]
    assert expected <= set(exercise.faults)
