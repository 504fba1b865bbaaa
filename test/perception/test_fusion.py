"""Several views, one body: triangulation, time, who is who, cameras that stop."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from view_scenes import FRAME_NS, FRONT, RayFitter, Stick, camera_at, look

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.fusion import FusionSettings, ViewFusion
from kinecue.perception.fusion_frames import in_common_frame, seen_from, view_of
from kinecue.perception.landmarks2d import View
from kinecue.perception.triangulation import closest_approach, triangulate
from kinecue.perception.view_pairing import ViewPairing, evidence
from kinecue.perception.view_track import LandmarkTrack

SIDE = camera_at(math.radians(60))
BACK = camera_at(math.radians(150), distance=2.8, height=1.6)
LIFTER = Stick()
angles = st.floats(math.radians(20), math.radians(160))


class TestTriangulation:
    @given(angles, st.integers(0, 100))
    @settings(max_examples=30, deadline=None)
    def test_exact_pixels_give_the_exact_points_from_any_two_views(self, view, seed):
        points = np.random.default_rng(seed).uniform([2.5, -0.5, 0.1], [3.5, 0.5, 1.8], (12, 3))
        cameras = [FRONT, camera_at(view)]
        found, _ = triangulate(cameras, [c.project(points) for c in cameras], [np.ones(12)] * 2)
        assert np.allclose(found, points, atol=1e-6)

    def test_known_answer(self):
        # two cameras one metre apart look ahead; the point is 2 m ahead of the first, 0.5 m to its left
        first = CAMERA
        second = replace(CAMERA, y=1.0)
        point = np.array([[2.0, 0.5, 1.0]])
        pixels = [np.array([[319.5 - 132.5, 239.5]]), np.array([[319.5 + 132.5, 239.5]])]
        found, covariance = triangulate([first, second], pixels, [np.array([2.0])] * 2)
        assert np.allclose(found, point)
        # disparity is 1 m * 530 px / 2 m = 265 px, with a deviation of 2 sqrt(2) px: depth errs by 2 m * 2.83 / 265
        assert math.sqrt(covariance[0, 0, 0]) == pytest.approx(2.0 * 2.0 * math.sqrt(2) / 265.0, rel=0.1)

    def test_stated_deviation_is_that_of_the_errors(self):
        noise = np.random.default_rng(1)
        points = np.tile([[3.0, 0.2, 1.0]], (4000, 1))
        cameras = [FRONT, SIDE, BACK]
        pixels = [c.project(points) + noise.normal(scale=3.0, size=(4000, 2)) for c in cameras]
        found, covariance = triangulate(cameras, pixels, [np.full(4000, 3.0)] * 3)
        error = np.cov((found - points).T)
        assert np.sqrt(np.diag(error)) == pytest.approx(np.sqrt(np.diag(covariance[0])), rel=0.06)

    def test_more_views_are_never_less_sure(self):
        points = Stick().at(0.3)
        two = [FRONT, SIDE]
        three = [FRONT, SIDE, BACK]
        std = np.full(33, 4.0)
        _, fewer = triangulate(two, [c.project(points) for c in two], [std] * 2)
        _, more = triangulate(three, [c.project(points) for c in three], [std] * 3)
        assert (np.trace(more, axis1=1, axis2=2) <= np.trace(fewer, axis1=1, axis2=2) + 1e-12).all()

    @given(st.permutations([0, 1, 2]))
    def test_order_of_the_cameras_does_not_matter(self, order):
        points = Stick().at(0.7)
        cameras = [FRONT, SIDE, BACK]
        pixels = [c.project(points) + 0.5 for c in cameras]
        std = [np.full(33, s) for s in (1.0, 2.0, 4.0)]
        here = triangulate(cameras, pixels, std)
        there = triangulate([cameras[i] for i in order], [pixels[i] for i in order], [std[i] for i in order])
        assert np.allclose(here[0], there[0], atol=1e-9)
        assert np.allclose(here[1], there[1], atol=1e-12)

    def test_parallel_unseen_and_backward_rays_give_no_point(self):
        points = Stick().at(0.0)[:3]
        here = FRONT.project(points)
        hidden = np.full((3, 2), np.nan)
        for cameras, pixels in (
            ([FRONT, FRONT], [here, here]),
            ([FRONT, SIDE], [here, hidden]),
            ([FRONT, replace(FRONT, y=1.0)], [here, here - [200.0, 0.0]]),
        ):
            found, covariance = triangulate(cameras, pixels, [np.ones(3)] * 2)
            assert np.isnan(found).all()
            assert np.isnan(covariance).all()
        there = replace(FRONT, y=1.0).project(points)
        middle, gap = closest_approach(
            FRONT.centre, FRONT.rays(there), np.array([0.0, 1.0, 1.1]), FRONT.rays(here)
        )
        assert np.isnan(middle).all()
        assert np.isnan(gap).all()


CAMERA = replace(FRONT, mount_height=1.0, tilt=0.0)


class TestTime:
    def track(self, times=(0, 1, 2, 3), person=LIFTER):
        track = LandmarkTrack()
        for i in times:
            assert track.add(look(FRONT, person.at(i / 30), i * FRAME_NS))
        return track

    @given(st.floats(0.0, 3.9))
    @settings(max_examples=40, deadline=None)
    def test_between_and_beyond_frames_the_course_is_met(self, frame):
        track = self.track()
        stamp = round(frame * FRAME_NS)
        found = track.at(stamp)
        assert found is not None
        assert found.stamp_ns == pytest.approx(stamp, abs=1000)
        true = look(FRONT, Stick().at(frame / 30), stamp)
        assert np.abs(found.pixels - true.pixels).max() < 0.6
        assert np.abs(found.world - true.world).max() < 0.005

    def test_what_is_carried_beyond_the_newest_is_trusted_less(self):
        track = self.track()
        spreads = [track.at(round(f * FRAME_NS)).spread.mean() for f in (3.0, 3.3, 3.6, 3.9)]
        assert spreads == sorted(spreads)
        assert spreads[-1] > spreads[0]

    def test_at_most_one_frame_beyond_the_newest_and_never_before_the_first(self):
        track = self.track()
        assert track.at(4 * FRAME_NS) is not None
        assert track.at(round(4.4 * FRAME_NS)) is None
        assert track.at(-1_000_000) is None

    def test_not_across_a_gap(self):
        track = self.track((0, 1, 20, 21))
        assert track.at(10 * FRAME_NS) is None
        assert track.at(round(20.5 * FRAME_NS)) is not None

    def test_one_frame_is_no_course(self):
        track = self.track((0,))
        assert track.at(0) is not None
        assert track.at(5_000_000) is None

    def test_stamps_that_do_not_grow_are_refused(self):
        track = self.track()
        before = track.at(3 * FRAME_NS)
        assert not track.add(look(FRONT, Stick().at(5.0), 3 * FRAME_NS))
        assert not track.add(look(FRONT, Stick().at(5.0), FRAME_NS))
        assert track.at(3 * FRAME_NS) is before

    def test_nan_of_one_frame_stays_with_its_landmark(self):
        track = self.track((0, 1))
        broken = look(FRONT, Stick().at(2 / 30), 2 * FRAME_NS)
        broken.pixels[4] = np.nan
        broken.spread[5] = np.nan
        track.add(broken)
        found = track.at(round(1.5 * FRAME_NS))
        assert np.isnan(found.pixels[4]).all()
        assert np.isfinite(np.delete(found.pixels, 4, 0)).all()
        assert np.isfinite(np.delete(found.spread, [4, 5])).all()

    def test_measured_depth_is_carried_too(self):
        track = LandmarkTrack()
        for i in (0, 1):
            seen = look(FRONT, Stick().at(0), i * FRAME_NS)
            depth = np.full(33, 3.0 + 0.1 * i)
            depth[7] = np.nan
            track.add(replace(seen, measured_depth=depth, measured_depth_std=np.full(33, 0.01)))
        found = track.at(FRAME_NS // 2)
        assert found.measured_depth[0] == pytest.approx(3.05)
        assert found.measured_depth_std[0] > 0.01
        assert np.isnan(found.measured_depth[7])


def pair(first, second, cameras=(FRONT, SIDE), time=0.4):
    return evidence(
        View(cameras[0], look(cameras[0], first.at(time), 0)),
        View(cameras[1], look(cameras[1], second.at(time), 0)),
    )


class TestPairing:
    @given(st.floats(-0.4, 0.4), st.floats(0, 2), st.floats(0, 2 * math.pi), st.floats(1.5, 2.0))
    @settings(max_examples=30, deadline=None)
    def test_one_person_fits_perfectly(self, y, time, facing, stature):
        person = Stick(y=y, facing=facing, stature=stature)
        found = pair(person, person, time=time)
        assert found.cost < 0.2

    @pytest.mark.parametrize(
        "other",
        [
            Stick(x=3.8, y=0.3),
            Stick(x=3.0, y=0.8),
            Stick(x=2.4, y=-0.5),
            Stick(x=4.2, y=-0.4, squats=False),
            Stick(squats=False),
            Stick(facing=math.pi / 2),
        ],
    )
    def test_two_people_do_not(self, other):
        lifter = Stick()
        one = pair(lifter, lifter)
        assert pair(lifter, other, time=0.9).cost > 5.5 + one.cost

    def test_a_ghost_on_the_same_lines_has_the_wrong_size(self):
        # cameras at one height, people of one stature: every pair of rays meets
        level = [replace(CAMERA, y=-1.5, yaw=0.3), replace(CAMERA, y=1.5, yaw=-0.3)]
        near, far = Stick(x=3.0, y=0.6, squats=False), Stick(x=3.0, y=-0.6, squats=False)
        ghost = pair(far, near, level)
        assert ghost.ray < 0.05
        assert abs(ghost.scale) > 0.25
        assert pair(near, near, level).cost < 0.2

    def test_too_few_common_landmarks_say_nothing(self):
        seen = look(FRONT, Stick().at(0), 0)
        unseen = replace(look(SIDE, Stick().at(0), 0), visibility=np.full(33, 0.1))
        assert evidence(View(FRONT, seen), View(SIDE, unseen)) is None
        lost = replace(seen, pixels=np.full((33, 2), np.nan))
        assert evidence(View(FRONT, lost), View(SIDE, look(SIDE, Stick().at(0), 0))) is None

    def views(self, time, people, stamp):
        return {
            "front": {i: View(FRONT, look(FRONT, p.at(time), stamp, i)) for i, p in enumerate(people)},
            "side": {10 - i: View(SIDE, look(SIDE, p.at(time), stamp, 10 - i)) for i, p in enumerate(people)},
        }

    def test_people_are_paired_after_a_while_and_stay_so(self):
        people = [Stick(), Stick(x=4.3, y=0.9, squats=False), Stick(x=2.6, y=-1.2, period=1.3)]
        pairing = ViewPairing()
        groups = []
        for i in range(40):
            groups.append(pairing.update(i * FRAME_NS, self.views(i / 30, people, i * FRAME_NS)))
        assert all(len(group) == 1 for group in groups[0])
        for group in groups[-1]:
            assert group == {"front": group["front"], "side": 10 - group["front"]}

    def test_somebody_who_walks_past_is_never_paired_with_the_lifter(self):
        lifter = Stick(squats=False)
        walker = Stick(x=4.0, y=-2.5, speed=(0.0, 1.2), squats=False, facing=math.pi / 2)
        pairing = ViewPairing()
        for i in range(120):
            views = self.views(i / 30, [lifter, walker], i * FRAME_NS)
            # the side camera never sees the walker, the front camera loses the lifter for a while
            del views["side"][9]
            if 40 < i < 80:
                del views["front"][0]
            for group in pairing.update(i * FRAME_NS, views):
                assert group in ({"front": 0, "side": 10}, {"front": 0}, {"side": 10}, {"front": 1})
        assert {"front": 0, "side": 10} in pairing.update(
            120 * FRAME_NS, self.views(4.0, [lifter], 120 * FRAME_NS)
        )

    def test_two_who_cannot_be_told_apart_are_not_guessed(self):
        # twins side by side, one hidden from each camera: no view of both
        left, right = Stick(y=0.12, squats=False), Stick(y=-0.12, squats=False)
        pairing = ViewPairing()
        for i in range(30):
            stamp = i * FRAME_NS
            views = {
                "front": {
                    0: View(FRONT, look(FRONT, left.at(0), stamp)),
                    1: View(FRONT, look(FRONT, right.at(0), stamp, 1)),
                },
                "side": {5: View(SIDE, look(SIDE, (left.at(0) + right.at(0)) / 2, stamp, 5))},
            }
            groups = pairing.update(stamp, views)
            assert all(len(group) == 1 for group in groups)

    @given(st.permutations(["front", "side", "back"]))
    @settings(max_examples=6, deadline=None)
    def test_order_of_the_views_does_not_matter(self, order):
        people = [Stick(), Stick(x=4.3, y=0.9, squats=False)]
        cameras = {"front": FRONT, "side": SIDE, "back": camera_at(math.radians(-50))}
        pairing = ViewPairing()
        for i in range(12):
            views = {
                name: {
                    k: View(cameras[name], look(cameras[name], p.at(i / 30), i * FRAME_NS, k))
                    for k, p in enumerate(people)
                }
                for name in order
            }
            groups = pairing.update(i * FRAME_NS, views)
        assert sorted(groups, key=str) == [
            {"back": 0, "front": 0, "side": 0},
            {"back": 1, "front": 1, "side": 1},
        ]


class Rig:
    """Cameras that look at people at their own times and tell the fusion."""

    def __init__(self, people, cameras=None, offsets=None, **settings):
        self.cameras = cameras or {"front": FRONT, "side": SIDE}
        self.people = people
        self.fitters: list[RayFitter] = []
        self.fusion = ViewFusion(self.cameras, self.make, FusionSettings(**settings))
        self.offsets = offsets or {}
        self.frames = []
        self.blind: set[str] = set()

    def make(self, camera, number):
        self.fitters.append(RayFitter(camera, 5 * "abcdef"[number]))
        return self.fitters[-1]

    def run(self, begin: int, end: int, hidden=lambda name, k, i: False):
        """Frames of `begin` to `end`, interleaved by their times; they arrive at once."""
        events = []
        for name in self.cameras:
            shift = self.offsets.get(name, 0.0)
            events += [((i + shift) / 30, name, i) for i in range(begin, end)]
        for time, name, i in sorted(events):
            self.frames += self.fusion.poll(time - 1e-6)
            if name in self.blind:
                continue
            stamp = round(time * 1e9)
            seen = [
                look(self.cameras[name], p.at(time), stamp, k)
                for k, p in enumerate(self.people)
                if not hidden(name, k, i)
            ]
            self.frames += self.fusion.add(name, seen, stamp, time)
        return self.frames


class TestFusion:
    def test_one_body_at_the_leaders_times_where_the_person_is(self):
        person = Stick()
        rig = Rig([person], offsets={"side": 0.4})
        frames = rig.run(0, 60)
        assert len(frames) == 60
        assert [f.stamp_ns for f in frames] == [round(i / 30 * 1e9) for i in range(60)]
        late = frames[20:]
        assert all(len(f.bodies) == 1 and f.views == (("front", "side"),) for f in late)
        assert {f.bodies[0].id for f in late} == {"aaaaa"}
        for f in late:
            error = np.linalg.norm(f.bodies[0].positions - person.at(f.stamp_ns * 1e-9), axis=1)
            assert error.max() < 0.01

    def test_waits_for_the_other_view_but_not_longer_than_told(self):
        rig = Rig([Stick()], offsets={"side": 0.4}, longest_wait_s=0.02)
        frames = rig.run(0, 40)[20:]
        # the other frame comes 13 ms later
        assert all(0.0 <= f.waited_s <= 0.014 for f in frames)
        impatient = Rig([Stick()], offsets={"side": 0.4}, longest_wait_s=0.0)
        assert all(f.waited_s == 0.0 for f in impatient.run(0, 40))
        assert impatient.frames[-1].views == (("front", "side"),)

    def test_does_not_wait_for_a_frame_that_will_be_too_late(self):
        rig = Rig([Stick()], offsets={"side": 0.95}, longest_wait_s=0.02)
        assert all(f.waited_s == 0.0 for f in rig.run(0, 40)[10:])

    def test_a_view_that_stops_leaves_the_other_to_carry_on(self):
        rig = Rig([Stick()])
        rig.run(0, 30)
        rig.blind = {"side"}
        rig.run(30, 90)
        assert [f.stamp_ns for f in rig.frames] == [round(i / 30 * 1e9) for i in range(90)]
        last = rig.frames[-1]
        assert last.views == (("front",),)
        assert last.bodies[0].id == "aaaaa"
        assert not rig.fusion.status(3.0)["side"].live
        rig.blind = set()
        rig.run(90, 120)
        assert rig.frames[-1].views == (("front", "side"),)
        assert rig.frames[-1].bodies[0].id == "aaaaa"

    def test_when_the_leader_stops_the_next_one_leads_and_the_person_stays(self):
        rig = Rig([Stick()])
        rig.run(0, 30)
        rig.blind = {"front"}
        rig.run(30, 90)
        assert rig.frames[-1].leader == "side"
        assert rig.frames[-1].bodies[0].id == "aaaaa"
        rig.blind = set()
        rig.run(90, 130)
        assert rig.frames[-1].leader == "front"
        assert rig.frames[-1].views == (("front", "side"),)
        stamps = [f.stamp_ns for f in rig.frames]
        assert stamps == sorted(set(stamps))

    def test_a_person_hidden_from_the_leader_is_followed_by_the_others(self):
        rig = Rig([Stick()], cameras={"front": FRONT, "side": SIDE, "back": BACK})
        rig.run(0, 30)
        rig.run(30, 60, hidden=lambda name, k, i: name == "front")
        hidden = rig.frames[-1]
        assert hidden.leader == "front"
        assert hidden.views == (("side", "back"),)
        assert hidden.bodies[0].id == "aaaaa"
        assert np.allclose(hidden.bodies[0].positions, Stick().at(hidden.stamp_ns * 1e-9), atol=0.01)

    def test_somebody_whom_only_another_view_sees_is_told_of_later_in_the_first_ones_picture(self):
        rig = Rig([Stick()], alone_s=0.5)
        rig.run(0, 40, hidden=lambda name, k, i: name == "front")
        told = [bool(f.bodies) for f in rig.frames]
        assert not any(told[:14])
        assert all(told[18:])
        # one camera gives the stand-in for a fitter no position, but the fitter is the side camera's
        assert rig.fitters[0].camera.yaw == 0.0
        assert rig.frames[-1].bodies[0].image_size == (640, 480)

    def test_new_name_for_a_lost_and_found_person_is_not_a_new_body(self):
        rig = Rig([Stick()])
        rig.run(0, 30)
        person = rig.people[0]
        rig.people = [person, person]
        # the front network gives a new identity
        rig.run(30, 60, hidden=lambda name, k, i: k == (0 if name == "front" else 1))
        assert all(len(f.bodies) == 1 for f in rig.frames)
        assert {b.id for f in rig.frames[12:] for b in f.bodies} == {"aaaaa"}
        assert rig.frames[-1].views == (("front", "side"),)

    def test_what_one_camera_cuts_off_another_may_see(self):
        low = replace(FRONT, tilt=math.radians(-10))
        person = Stick(squats=False)
        rig = Rig([person], cameras={"front": low, "side": SIDE})
        both = rig.run(0, 30)[-1]
        assert (low.project(person.at(0)) > 480).any()
        assert both.views == (("front", "side"),)
        assert not both.bodies[0].truncated
        cut = Rig([person], cameras={"front": low, "side": replace(SIDE, tilt=math.radians(-9))})
        assert cut.run(0, 30)[-1].bodies[0].truncated

    def test_two_people_are_two_bodies(self):
        people = [Stick(), Stick(x=4.3, y=0.9, squats=False)]
        frames = Rig(people).run(0, 40)
        last = frames[-1]
        assert len(last.bodies) == 2
        for body, person in zip(last.bodies, people, strict=True):
            assert np.allclose(body.positions, person.at(last.stamp_ns * 1e-9), atol=0.01)

    def test_frames_out_of_order_are_counted_and_left_out(self):
        rig = Rig([Stick()])
        rig.run(0, 20)
        seen = look(SIDE, Stick().at(0.2), round(0.2e9))
        assert rig.fusion.add("side", [seen], seen.stamp_ns, 0.7) == []
        assert rig.fusion.status(0.7)["side"].late == 1

    def test_a_recording_that_begins_anew_begins_anew(self):
        rig = Rig([Stick()])
        rig.run(0, 120)
        count = len(rig.frames)
        frames = []
        for i in range(30):
            for name, camera in rig.cameras.items():
                stamp = round(i / 30 * 1e9)
                frames += rig.fusion.add(name, [look(camera, Stick().at(i / 30), stamp)], stamp, 4.0 + i / 30)
        assert count == 120
        assert len(frames) >= 29
        assert frames[-1].views == (("front", "side"),)

    def test_same_calls_same_bodies(self):
        one, two = (Rig([Stick()], offsets={"side": 0.3}).run(0, 30) for _ in range(2))
        for a, b in zip(one, two, strict=True):
            assert a.views == b.views
            for x, y in zip(a.bodies, b.bodies, strict=True):
                assert np.array_equal(x.positions, y.positions, equal_nan=True)

    def test_nothing_breaks_on_nan(self):
        rig = Rig([Stick()])
        rig.run(0, 20)
        broken = look(SIDE, Stick().at(0.68), round(0.68e9))
        nan = np.full_like
        broken = replace(
            broken,
            pixels=nan(broken.pixels, np.nan),
            world=nan(broken.world, np.nan),
            visibility=nan(broken.visibility, np.nan),
        )
        rig.fusion.add("side", [broken], broken.stamp_ns, 0.68)
        seen = look(FRONT, Stick().at(0.69), round(0.69e9))
        frames = rig.fusion.add("front", [seen], seen.stamp_ns, 0.69)
        assert len((frames + rig.fusion.poll(0.8))[0].bodies) == 1

    def test_no_camera_is_refused(self):
        with pytest.raises(ValueError, match="at least one"):
            ViewFusion({}, lambda camera, number: RayFitter(camera, "a"))


class TestFrames:
    @given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
    @settings(max_examples=30, deadline=None)
    def test_from_home_and_back(self, x, y, yaw):
        home = replace(FRONT, x=x, y=y, yaw=yaw)
        person = Stick(x=x + 3 * math.cos(yaw), y=y + 3 * math.sin(yaw)).at(0.2)
        other = seen_from(home, SIDE)
        own = seen_from(home, home)
        assert (own.x, own.y, own.yaw) == pytest.approx((0.0, 0.0, 0.0))
        fitter = RayFitter(own, "aaaaa")
        body = fitter.update(look(home, person, 0), [View(other, look(SIDE, person, 0))])
        seen = np.isfinite(body.positions).all(1)
        assert np.allclose(in_common_frame(body, home).positions[seen], person[seen], atol=1e-5)

    def test_view_is_the_yaw_against_the_camera(self):
        body = RayFitter(FRONT, "a").update(
            look(FRONT, Stick().at(0), 0), [View(SIDE, look(SIDE, Stick().at(0), 0))]
        )
        assert view_of(body, FRONT) == pytest.approx(0.0, abs=1e-6)
        assert view_of(body, SIDE) == pytest.approx(math.radians(60), abs=1e-6)
        hips = BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)
        body.positions[hips] = np.nan
        assert math.isnan(view_of(body, SIDE))
