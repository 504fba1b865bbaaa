"""From bodies and what is known of the load to figures, and to what a lifter could change."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "exercise"))

from joint_athlete import Posture as Pose
from joint_athlete import Recorder
from shown_sets import positions, recording

from kinecue.body import Landmark, LandmarkState, Measurement, Reason, Validity
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.paths import share_dir
from kinecue.body.person import Person
from kinecue.exercise import Phase, Scorer, find_exercise
from kinecue.loads.cables import CableReading
from kinecue.loads.danger import Posture
from kinecue.loads.figures import L5S1_COMPRESSION
from kinecue.loads.levers import corrections_in, feet_stay, reach_of
from kinecue.loads.limits import Experience
from kinecue.loads.person import BMI, mass_of
from kinecue.loads.placement import CARRIES, carry_of
from kinecue.loads.results import Hands, Joint, LoadPlace, LoadSide
from kinecue.loads.segments import LoadPerson
from kinecue.loads.tracker import LoadTracker, Movement, carried_of, pulls_load
from kinecue.simulation.movement.set_plan import PlantedFault

FPS = 15.0
HINGE = Pose(knee=60.0, lean=60.0, shoulder=30.0)


def bodies(pose: Pose, seconds: float = 1.5, start_ns: int = 10**9, **recorder):
    made = Recorder(**{"std": 0.008, "white": 0.0003, "view": math.pi / 2, **recorder})
    return [made.body(pose, start_ns + round(i * 1e9 / FPS)) for i in range(round(seconds * FPS))]


def tracked(pose: Pose, load_kg: float, exercise: str = "deadlift", tracker=None, **movement):
    tracker = tracker or LoadTracker(LoadPerson(80.0, 1.5, "male"))
    updates = []
    for body in bodies(pose):
        tracker.moved(Movement(body.stamp_ns, exercise, "set", 1, True, progress=0.3, **movement))
        update = tracker.update(body, carried_of(carry_of(exercise), load_kg))
        updates += [update] if update is not None else []
    return updates


def compression(update):
    return next(f for f in update.figures if f.name == L5S1_COMPRESSION)


class TestStatics:
    @pytest.mark.parametrize("load_kg", [0.0, 60.0, 140.0])
    def test_compression_by_hand(self, load_kg):
        """A held hinge: weight and lever of upper body and bar, over a lever of 6 cm, and a tenth for the antagonists."""
        update = tracked(HINGE, load_kg)[-1]
        joint, upper = update.dynamics.joint(Joint.L5S1), update.dynamics.upper
        forward = np.array([-joint.flexion_axis[1], joint.flexion_axis[0], 0.0])
        weights = [f for f in update.dynamics.external if f.kind.value == "weight"]
        bar = sum(-f.force[2] * ((f.position - joint.position) @ forward) for f in weights)
        moment = 9.80665 * upper.mass * ((upper.centre - joint.position) @ forward) + bar
        assert joint.extension == pytest.approx(moment, rel=0.05)
        slope = math.radians(40.0 + 0.7 * 60.0)
        down = 9.80665 * (upper.mass + load_kg)
        by_hand = down * math.cos(slope) + moment / 0.060 * (math.cos(math.radians(5.0)) + 0.1)
        figure = compression(update)
        assert figure.interval is not None
        assert figure.interval.value == pytest.approx(by_hand, rel=0.05)

    def test_more_load_more_compression(self):
        values = [compression(tracked(HINGE, load)[-1]).interval.value for load in (20.0, 60.0, 100.0)]
        assert values[0] < values[1] < values[2]
        assert values[2] - values[1] == pytest.approx(values[1] - values[0], rel=0.05)

    def test_mirrored_bodies_have_mirrored_loads(self):
        uneven = replace(HINGE, asymmetry=14.0, elbow=(4.0, 30.0))
        straight, turned = LoadTracker(LoadPerson(80.0)), LoadTracker(LoadPerson(80.0))
        flip = np.array([1.0, -1.0, 1.0])
        for body in bodies(uneven, view=0.0):
            rows = list(body.topology.mirror)
            mirrored = replace(
                body,
                positions=(body.positions * flip)[rows],
                covariances=(body.covariances * np.outer(flip, flip))[rows],
                states=body.states[rows],
            )
            held = carried_of(carry_of("deadlift"), 80.0)
            one, other = straight.update(body, held), turned.update(mirrored, held)
        assert one is not None
        assert other is not None
        swapped = {LoadSide.LEFT: LoadSide.RIGHT, LoadSide.RIGHT: LoadSide.LEFT, LoadSide.NONE: LoadSide.NONE}
        known = {(f.name, f.side): f.interval for f in other.figures}
        assert compression(one).interval is not None
        for figure in one.figures:
            twin = known[figure.name, swapped[figure.side]]
            assert (figure.interval is None) == (twin is None)
            if figure.interval is not None and twin is not None:
                assert figure.interval.value == pytest.approx(twin.value, rel=0.02, abs=20.0)

    def test_limit_follows_experience(self):
        tracker = LoadTracker(LoadPerson(80.0), Experience.NEW)
        assert compression(tracked(HINGE, 40.0, tracker=tracker)[-1]).limit.value == 3400.0

    def test_always_the_same_figures(self):
        names = {
            tuple((f.name, f.side) for f in u.figures)
            for load in (0.0, math.nan)
            for u in tracked(HINGE, load)
        }
        assert len(names) == 1
        assert len(next(iter(names))) == 8


class TestAbstains:
    def test_load_not_known(self):
        for figure in tracked(HINGE, math.nan)[-1].figures:
            assert figure.interval is None
            assert figure.reason == Reason.NO_LOAD
            assert figure.validity == Validity.ABSTAINED

    def test_own_weight_needs_none(self):
        assert (
            compression(tracked(Pose(knee=60.0, lean=30.0), math.nan, "forward_lunge")[-1]).interval
            is not None
        )

    def test_from_in_front_the_depth_is_not_seen(self):
        """20 cm of depth error, alike in all landmarks of an arm: the lever of the load is not known."""
        tracker, update = LoadTracker(LoadPerson(80.0)), None
        for body in bodies(HINGE, view=0.0):
            covariances = body.covariances.copy()
            covariances[:, 0, 0] = 0.2**2
            tracker.moved(Movement(body.stamp_ns, "deadlift", "set", 1, True, progress=0.3))
            found = tracker.update(
                replace(body, covariances=covariances), carried_of(carry_of("deadlift"), 120.0)
            )
            update = found or update
        assert update is not None
        assert compression(update).interval is None
        assert compression(update).reason in (Reason.VIEW, Reason.UNCERTAIN)
        assert update.dangers == ()


class TestCarried:
    def cable(self, tension=300.0, side=LoadSide.BOTH, **changes):
        return CableReading(side, tension, 3.0, (1.0, 0.0, 0.5), **changes)

    def test_a_cable_that_pulls_is_the_load(self):
        found = carried_of(carry_of("biceps_curl"), 20.0, [self.cable()], on_cable=True)
        assert found.source == "cable"
        assert found.load_kg == pytest.approx(30.59, abs=0.01)

    def test_a_cable_shows_that_it_is_the_load_and_stays_it(self):
        tracker = LoadTracker(LoadPerson(80.0))
        tracker.moved(Movement(1, "biceps_curl"))
        idle, pulled = self.cable(30.0), self.cable(300.0)
        assert tracker.carried(40.0, [idle]).source == "set"
        assert tracker.carried(40.0, [pulled]).source == "cable"
        assert tracker.carried(40.0, [idle]).source == "cable"
        tracker.moved(Movement(2, "deadlift"))
        assert tracker.carried(40.0, [idle]).source == "set"

    def test_simulated_or_broken_ones_show_nothing(self):
        assert pulls_load(math.nan, [self.cable()])
        assert not pulls_load(math.nan, [self.cable(simulated=True)])
        assert not pulls_load(math.nan, [self.cable(math.nan, reason=Reason.UNCERTAIN)])
        assert not pulls_load(math.nan, [])

    def test_two_cables_add_up(self):
        both = [self.cable(100.0, LoadSide.LEFT), self.cable(140.0, LoadSide.RIGHT)]
        found = carried_of(carry_of("cable_row"), math.nan, both)
        assert found.load_kg == pytest.approx(240.0 / 9.80665)
        assert len(found.external) == 2

    def test_a_simulated_one_only_where_there_is_a_cable(self):
        simulated = self.cable(simulated=True)
        assert carried_of(carry_of("squat"), 60.0, [simulated]).source == "set"
        assert carried_of(carry_of("cable_row"), math.nan, [simulated]).source == "cable"

    def test_a_broken_cable_is_not_replaced_by_a_guess(self):
        broken = self.cable(math.nan, reason=Reason.NO_SENSOR)
        found = carried_of(carry_of("cable_row"), 60.0, [broken])
        assert (found.hands, found.reason) == (Hands.UNKNOWN, Reason.NO_SENSOR)

    def test_a_slack_cable_pulls_nothing(self):
        found = carried_of(carry_of("cable_row"), math.nan, [self.cable(2.0)])
        assert (found.hands, found.load_kg, found.source) == (Hands.EMPTY, 0.0, "cable")

    def test_a_weight_without_a_place(self):
        assert carried_of(carry_of("zercher_carry"), 60.0).hands is Hands.UNKNOWN
        assert not carry_of("zercher_carry").known

    def test_told_that_there_is_none(self):
        assert carried_of(carry_of("squat"), 0.0).source == "set"

    def test_every_exercise_has_a_place(self):
        files = {path.stem for path in (share_dir() / "config" / "exercises").glob("*.yaml")}
        assert files == set(CARRIES)
        assert carry_of("squat").place is LoadPlace.BACK


class TestReach:
    def test_ahead_of_the_ankles_whichever_way_somebody_faces(self):
        values = [reach_of(bodies(HINGE, view=view)[0]).value for view in (0.0, 1.0, math.pi / 2, -2.0)]
        assert np.ptp(values) < 0.01
        assert values[0] == pytest.approx(0.103, abs=0.01)

    def test_its_error_is_that_of_the_view(self):
        body = bodies(HINGE, view=math.pi / 2)[0]
        deep = body.covariances.copy()
        deep[:, 0, 0] = 0.3**2  # along the camera's axis, across the person's
        assert reach_of(replace(body, covariances=deep)).std < 0.03
        deep[:, 1, 1] = 0.3**2
        assert reach_of(replace(body, covariances=deep)).std > 0.25

    def test_abstains_without_hands(self):
        body = bodies(HINGE)[0]
        positions, states = body.positions.copy(), body.states.copy()
        row = body.topology.index(Landmark.LEFT_WRIST)
        positions[row], states[row] = math.nan, LandmarkState.LOST
        found = reach_of(replace(body, positions=positions, states=states))
        assert not found.usable
        assert found.reason == Reason.OCCLUDED


class TestDangers:
    def test_a_bent_trunk_is_judged_where_lean_is_not_the_exercise(self):
        lean = Measurement(math.radians(75.0), math.radians(3.0))
        ideal = {"lean": lean, "ideal": math.radians(45.0), "tolerance": math.radians(10.0)}
        pose = Pose(knee=90.0, lean=75.0)
        squat = [d for u in tracked(pose, 140.0, "squat", **ideal) for d in u.dangers]
        assert [d.posture for d in squat] == [Posture.LEAN]
        assert 0.15 < squat[0].share < 0.6
        assert [d for u in tracked(pose, 140.0, "good_morning", **ideal) for d in u.dangers] == []

    @staticmethod
    def new() -> LoadTracker:
        return LoadTracker(LoadPerson(80.0, 1.5, "male"), Experience.NEW)

    def test_a_far_bar(self):
        far = replace(HINGE, shoulder=46.0)
        assert {d.posture for u in tracked(far, 150.0, tracker=self.new()) for d in u.dangers} == {
            Posture.REACH
        }
        assert [d for u in tracked(far, 15.0, tracker=self.new()) for d in u.dangers] == []
        assert [d for u in tracked(HINGE, 220.0, tracker=self.new()) for d in u.dangers] == []

    def test_not_where_body_and_load_would_fall_over(self):
        """Then feet or hands are not where they are seen, and neither is the bar's distance from them."""
        updates = tracked(replace(HINGE, shoulder=85.0), 150.0, tracker=self.new())
        assert updates
        assert not updates[-1].dynamics.ground().usable
        assert [d for u in updates for d in u.dangers] == []

    def test_not_with_feet_that_are_seen_elsewhere(self):
        """Plates hide them at the bottom of the lift."""
        far, tracker, found = replace(HINGE, shoulder=46.0), self.new(), []
        for i, body in enumerate(bodies(far, 3.0)):
            positions = body.positions.copy()
            if i % 20 < 8:
                positions[body.topology.index(Landmark.LEFT_ANKLE), 1] -= 0.15
            tracker.moved(Movement(body.stamp_ns, "deadlift", "set", 1, True, progress=0.3))
            seen = replace(body, positions=positions)
            update = tracker.update(seen, carried_of(carry_of("deadlift"), 150.0))
            found += update.dangers if update is not None else ()
        assert found == []

    def test_feet_that_stay(self):
        standing = bodies(HINGE, 2.0)
        assert feet_stay(standing)
        assert not feet_stay(standing[:5])
        assert not feet_stay(standing[:15] + bodies(replace(HINGE, place=(3.3, 0.0)), 1.0))
        assert not feet_stay([])

    def test_corrections_of_an_exercise(self):
        assert corrections_in("deadlift") == ("load_closer", "chest_up")
        assert corrections_in("squat") == ("chest_up",)
        assert corrections_in("cable_row") == ()
        assert corrections_in("no_such_exercise") == ()


class TestPerson:
    LENGTHS = SegmentLengths.from_stature(1.80)

    def person(self, **changes):
        stds = SegmentLengths(*[0.01] * 7)
        return Person("max", 1.80, self.LENGTHS, stds, "2026-01-01T10:00:00+00:00", **changes)

    def test_best_that_is_known(self):
        stored = self.person(mass=91.0, sex="male")
        assert (mass_of(stored).mass, mass_of(stored).sex) == (91.0, "male")
        assert mass_of(stored, given=70.0).mass == 70.0
        assert mass_of(None, shape=(66.0, 5.0, 0.95)) == LoadPerson(66.0, 5.0, "female")
        assert mass_of(self.person(), shape=(66.0, 5.0, 0.5)).sex is None

    def test_of_nobody_in_particular_is_uncertain(self):
        found = mass_of(self.person())
        assert found.mass == pytest.approx(BMI * 1.8**2)
        assert found.mass_std > 10.0
        assert mass_of(None).mass_std > 10.0


class TestSimulatedSets:
    """Sets of the simulated gym, scored as in life: heavy ones done well are no danger, a far bar is one."""

    @staticmethod
    def dangers(faults=(), load_kg=160.0, exercise="romanian_deadlift"):
        scorer, tracker = Scorer(find_exercise(exercise)), LoadTracker(LoadPerson(78.0, 1.5, "male"))
        shown = recording(positions(exercise, "average_man", 2, faults), exercise, 0.012, 0.002)
        found, peak = [], 0.0
        for stamp, body in zip(shown.stamps_ns, shown.bodies, strict=True):
            form = scorer.update(body, stamp).form
            if form is not None:
                lean = next((d for d in form.deviations if d.name == "trunk_lean"), None)
                known = (lean.measured, lean.ideal, lean.tolerance) if lean else (None, math.nan, math.nan)
                moving = form.phase in (Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC)
                tracker.moved(
                    Movement(stamp, exercise, "set", form.repetition, moving, False, form.progress, *known)
                )
            update = tracker.update(body, carried_of(carry_of(exercise), load_kg))
            if update is not None:
                found += update.dangers
                figure = compression(update).interval
                peak = max(peak, figure.value if figure is not None else 0.0)
        return found, peak

    def test_a_clean_set_never_whatever_it_weighs(self):
        found, peak = self.dangers()
        assert found == []
        # beyond what the limit allows: only the posture makes the difference
        assert peak > 6_400.0

    def test_a_far_bar_in_its_repetition(self):
        found, _ = self.dangers((PlantedFault("bar_away", (2,), 0.12),))
        assert [(d.posture, d.repetition) for d in found] == [(Posture.REACH, 2)]
