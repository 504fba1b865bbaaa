"""Contacts: what rests is held, what moves is let go."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.body import CameraModel
from kinecue.body.anthropometry import ANKLE_HEIGHT, SegmentLengths
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.contacts import REST_NS, Contacts, project_plain
from kinecue.perception.postures import ContactLine
from kinecue.perception.skeleton import JOINT_INDEX, NJ, NY, Skeleton

CAMERA = CameraModel(640, 480, 560.0, 560.0, 319.5, 239.5, mount_height=1.1, tilt=math.radians(3))
SKELETON = Skeleton(SegmentLengths(0.19, 0.50, 0.36, 0.43, 0.42, 0.29, 0.25))
FRAME_NS = 33_333_333
ANKLE = JOINT_INDEX[L.LEFT_ANKLE]
PLACE = np.array([3.0, 0.15, ANKLE_HEIGHT])
SEEN = np.ones(NJ, bool)


class Scene:
    """One point that is moved by hand, seen by a camera frame by frame."""

    def __init__(self, line: ContactLine, joint: L = L.LEFT_ANKLE, camera: CameraModel = CAMERA) -> None:
        self.contacts = Contacts({line.point: line}, SKELETON)
        self.name, self.row, self.camera = line.point, JOINT_INDEX[joint], camera
        self.stamp_ns = 0
        self.offset = np.zeros(3)

    def see(
        self,
        place: np.ndarray,
        seconds: float,
        fitted: np.ndarray | None = None,
        seen: bool = True,
        noise: np.ndarray | None = None,
    ) -> np.ndarray | None:
        """The point stays at `place` for so long; where it is held then, None if it is not."""
        for _ in range(max(round(seconds * 1e9 / FRAME_NS), 1)):
            self.stamp_ns += FRAME_NS
            points = np.tile(place if fitted is None else fitted, (NJ, 1))
            offsets = np.tile(self.offset, (NJ, 1))
            pixels = np.tile(project_plain(self.camera, place + self.offset), (NJ, 1))
            pixels = pixels + (0.0 if noise is None else noise)
            self.contacts.follow(self.camera, pixels, SEEN & seen, offsets, points, self.stamp_ns)
        return self.contacts.held.get(self.name)


def foot(**fields: object) -> Scene:
    return Scene(ContactLine(point="left_ankle", rests_on="floor", **fields))


def test_a_foot_that_rests_is_held_at_its_height_over_the_floor() -> None:
    scene = foot()
    assert scene.see(PLACE, 0.2) is None
    assert scene.see(PLACE, 0.2) == pytest.approx(PLACE, abs=1e-6)


def test_the_network_marks_the_foot_beside_the_joint_and_the_joint_is_held() -> None:
    scene = foot()
    scene.offset = np.array([0.02, -0.01, 0.03])
    assert scene.see(PLACE, 0.4) == pytest.approx(PLACE, abs=1e-6)


def test_a_foot_on_the_floor_is_put_where_its_ray_meets_the_floor_however_far_the_fit_has_it() -> None:
    # 30 cm too far, on the same ray as far as the eye can tell
    assert foot().see(PLACE, 0.4, fitted=PLACE + [0.3, 0.0, 0.02]) == pytest.approx(PLACE, abs=1e-6)


def test_far_from_the_ray_the_fit_is_believed_and_the_height_is_the_floors() -> None:
    far = PLACE + [0.9, 0.0, 0.02]
    assert foot().see(PLACE, 0.4, fitted=far) == pytest.approx([far[0], far[1], ANKLE_HEIGHT])


def test_a_ray_along_the_floor_does_not_say_where_on_it() -> None:
    low = CameraModel(640, 480, 560.0, 560.0, 319.5, 239.5, mount_height=0.12, tilt=0.0)
    scene = Scene(ContactLine(point="left_ankle", rests_on="floor"), camera=low)
    assert scene.see(PLACE, 0.4, fitted=PLACE + [0.2, 0.0, 0.05]) == pytest.approx(PLACE + [0.2, 0.0, 0.0])


def test_a_foot_in_the_air_does_not_rest_on_the_floor_however_still_it_is() -> None:
    scene = foot()
    assert scene.see(PLACE + [0.0, 0.0, 0.3], 2.0) is None


def test_noise_of_some_pixels_neither_hinders_nor_frees() -> None:
    scene, rng = foot(), np.random.default_rng(3)
    for _ in range(30):
        held = scene.see(PLACE, 0.03, noise=rng.normal(0.0, 1.0, (NJ, 2)))
    assert held == pytest.approx(PLACE, abs=0.08)


@pytest.mark.parametrize("leave_s", [0.1, 0.5])
def test_it_is_let_go_when_it_has_been_elsewhere_for_the_time_to_leave(leave_s: float) -> None:
    scene, away = foot(leave_s=leave_s), PLACE + [0.0, 0.2, 0.1]
    scene.see(PLACE, 0.4)
    assert scene.see(away, leave_s - 0.05) is not None
    assert scene.see(away, 0.1) is None


def test_one_frame_elsewhere_is_an_error_of_the_network() -> None:
    scene = foot()
    scene.see(PLACE, 0.4)
    for _ in range(20):
        scene.see(PLACE + [0.0, 0.3, 0.0], 0.03)
        held = scene.see(PLACE, 0.03)
    assert held == pytest.approx(PLACE, abs=1e-6)


def test_it_is_held_anew_where_it_comes_to_rest() -> None:
    scene, there = foot(), np.array([3.4, -0.1, ANKLE_HEIGHT])
    scene.see(PLACE, 0.4)
    for step in np.linspace(0.0, 1.0, 15):
        scene.see(PLACE + step * (there - PLACE) + [0.0, 0.0, 0.2 * math.sin(math.pi * step)], 0.03)
    assert scene.see(there, 0.05) is None
    assert scene.see(there, REST_NS * 1e-9 + 0.1) == pytest.approx(there, abs=1e-6)


def test_what_is_hidden_stays_held_until_it_is_seen_elsewhere() -> None:
    scene, away = foot(), PLACE + [0.0, 0.4, 0.0]
    scene.see(PLACE, 0.4)
    assert scene.see(away, 3.0, seen=False) == pytest.approx(PLACE, abs=1e-6)
    assert scene.see(away, 0.05) is not None
    assert scene.see(away, 0.1) is None


def test_what_is_hidden_does_not_come_to_rest() -> None:
    assert foot().see(PLACE, 1.0, seen=False) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_pixels_that_are_no_numbers_change_nothing(bad: float) -> None:
    scene = foot()
    assert scene.see(PLACE, 1.0, noise=np.array([bad, 0.0])) is None
    scene.see(PLACE, 0.4)
    assert scene.see(PLACE, 1.0, noise=np.array([0.0, bad])) == pytest.approx(PLACE, abs=1e-6)


def test_something_fixed_rests_anywhere_and_its_place_follows_the_fit_slowly() -> None:
    bar = np.array([3.0, 0.3, 2.1])
    scene = Scene(ContactLine(point="left_wrist", rests_on="fixed"), L.LEFT_WRIST)
    assert scene.see(bar, 0.4) == pytest.approx(bar)
    better = bar + [0.10, 0.0, 0.0]
    held = scene.see(bar, 1 / 30, fitted=better)
    assert 0.0 < held[0] - bar[0] < 0.01
    assert scene.see(bar, 5.0, fitted=better) == pytest.approx(better, abs=0.002)


def test_a_foot_on_the_floor_does_not_follow_the_fit() -> None:
    scene = foot()
    scene.see(PLACE, 0.4)
    assert scene.see(PLACE, 3.0, fitted=PLACE + [0.1, 0.1, 0.0]) == pytest.approx(PLACE, abs=1e-6)


def test_a_gap_in_time_moves_something_fixed_to_the_fit_at_most() -> None:
    bar = np.array([3.0, 0.3, 2.1])
    scene = Scene(ContactLine(point="left_wrist", rests_on="fixed"), L.LEFT_WRIST)
    scene.see(bar, 0.4)
    scene.stamp_ns += 60_000_000_000
    assert scene.see(bar, 0.03, fitted=bar + 0.05) == pytest.approx(bar + 0.05)


def test_hips_are_the_middle_of_both() -> None:
    seat = np.array([3.0, 0.0, 0.5])
    scene = Scene(ContactLine(point="hips", rests_on="fixed"), L.LEFT_HIP)
    held = scene.see(seat, 0.4)
    assert held == pytest.approx(seat)
    across = np.array([[0.0, -1.0, 0.0]] * 2)
    joint_map = SKELETON.joint_map(across)
    rows = scene.contacts.rows(joint_map)
    y = np.zeros(NY)
    y[:3] = seat
    y[3:6] = [0.0, -1.0, 0.0]
    # mid-hip is the root of the state: nothing is left over
    assert rows.a @ y - rows.b == pytest.approx(np.zeros(3), abs=1e-9)
    assert rows.metric.all()


def test_one_hip_hidden_hides_the_seat() -> None:
    scene = Scene(ContactLine(point="hips", rests_on="fixed"), L.LEFT_HIP)
    one = SEEN.copy()
    one[JOINT_INDEX[L.RIGHT_HIP]] = False
    seat = np.array([3.0, 0.0, 0.5])
    pixels = np.tile(project_plain(CAMERA, seat), (NJ, 1))
    for n in range(30):
        scene.contacts.follow(
            CAMERA, pixels, one, np.zeros((NJ, 3)), np.tile(seat, (NJ, 1)), (n + 1) * FRAME_NS
        )
    assert not scene.contacts.held


def test_rows_hold_what_rests_and_only_that_with_its_firmness() -> None:
    scene = foot(std=0.02)
    joint_map = SKELETON.joint_map(np.array([[0.0, 1.0, 0.0]] * 2))
    assert len(scene.contacts.rows(joint_map).a) == 0
    scene.see(PLACE, 0.4)
    y = np.random.default_rng(1).normal(size=NY)
    rows = scene.contacts.rows(joint_map)
    assert rows.a @ y - rows.b == pytest.approx((joint_map[ANKLE] @ y - PLACE) / 0.02)


def test_a_place_that_is_told_is_held_at_once_where_the_posture_has_such_a_contact() -> None:
    scene = foot()
    scene.contacts.hold("left_ankle", PLACE)
    scene.contacts.hold("right_wrist", PLACE)
    assert list(scene.contacts.held) == ["left_ankle"]
    assert scene.see(PLACE, 0.03) == pytest.approx(PLACE)


def test_the_toes_of_a_flat_foot_are_lower_than_its_ankle() -> None:
    ankle = ContactLine(point="left_ankle", rests_on="floor")
    toe = ContactLine(point="left_foot_index", rests_on="floor")
    contacts = Contacts({}, SKELETON)
    assert contacts.height(ankle, "left_ankle") == ANKLE_HEIGHT
    assert 0.0 < contacts.height(toe, "left_foot_index") < ANKLE_HEIGHT
    assert (
        contacts.height(ContactLine(point="left_elbow", rests_on="floor", height=0.04), "left_elbow") == 0.04
    )
