"""The gym: a function of time, seen by any number of cameras; and programmes as data."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from kinecue.body.errors import KineCueError
from kinecue.simulation.gym import CHUNK, Gym
from kinecue.simulation.movement.set_plan import SetPlan, Tempo
from kinecue.simulation.picture.cameras import Mount, SyntheticCamera
from kinecue.simulation.picture.visibility import Visibility
from kinecue.simulation.programmes import PROGRAMMES, MachinePart, Programme, cameras_at
from kinecue.simulation.surroundings import PlacedBystander, PlacedOccluder, Surroundings, passers_by

FAST = Tempo(0.4, 0.1, 0.4, 0.1)


def test_the_sample_programmes_are_what_they_promise():
    squat, curl = PROGRAMMES["sample_squat"], PROGRAMMES["sample_curl"]
    assert {(f.name, f.repetitions) for f in squat.plan.faults} == {
        ("knees_in", (3, 4)),
        ("too_shallow", (7,)),
    }
    assert {(f.name, f.repetitions) for f in curl.plan.faults} == {("elbow_drift", (3, 4)), ("swing", (6,))}
    assert PROGRAMMES["clean_squat"].plan.faults == PROGRAMMES["clean_curl"].plan.faults == ()
    for programme in PROGRAMMES.values():
        gym = Gym(programme)
        assert programme.plan.repetitions == 8
        assert programme.plan.still_s >= 2.0
        margin = 8.0
        for truth in gym.truths(np.linspace(0.0, gym.duration_s, 25)):
            pixels = programme.cameras[0].project(truth.positions)
            assert pixels.min() > margin
            assert (pixels < np.array([640, 480]) - margin).all()


def test_the_athlete_stands_where_and_how_the_view_says(small_programme):
    for degrees in (0.0, 90.0, -120.0):
        programme = dataclasses.replace(small_programme, view=math.radians(degrees))
        positions = Gym(programme).truth(0.0).positions
        left, right = positions[23], positions[24]
        forward = np.cross(left - right, [0.0, 0.0, 1.0])
        assert positions[[27, 28]].mean(0)[:2] == pytest.approx(programme.spot, abs=0.15)
        facing = math.atan2(forward[1], forward[0])
        assert math.remainder(facing - programme.facing, 2 * math.pi) == pytest.approx(0.0, abs=0.05)
        assert programme.view_of(programme.cameras[0]) == pytest.approx(math.radians(degrees))


def test_cameras_around_see_the_views_they_are_for():
    views = [math.radians(v) for v in (30.0, 90.0, 180.0, -45.0)]
    cameras = cameras_at(views, 3.2, seed=5)
    programme = Programme("x", "squat", view=views[0], distance=3.2, cameras=cameras)
    for view, camera in zip(views, cameras, strict=True):
        assert math.remainder(programme.view_of(camera) - view, 2 * math.pi) == pytest.approx(0.0, abs=1e-9)
        assert math.hypot(camera.mount.x - 3.2, camera.mount.y) == pytest.approx(3.2)
        middle = camera.project(np.array([3.2, 0.0, 1.0]))
        assert middle[0] == pytest.approx(319.5, abs=1.0)
    assert [c.name for c in cameras] == ["view_30", "view_90", "view_180", "view_m45"]


def test_truth_does_not_depend_on_what_else_is_asked_for(small_programme):
    gym, other = Gym(small_programme), Gym(small_programme)
    times = np.linspace(0.0, gym.duration_s, CHUNK + 3)
    together = gym.truths(times)
    alone = other.truth(times[CHUNK + 1])
    assert alone.positions == pytest.approx(together[CHUNK + 1].positions, abs=1e-9)
    assert alone.angles == pytest.approx(together[CHUNK + 1].angles, abs=1e-9)
    assert alone.state == together[CHUNK + 1].state


def test_frames_are_the_same_again_and_in_any_part(small_programme):
    gym = Gym(small_programme)
    renderer = gym.renderer()
    shots = gym.shots(gym.cameras[0])
    whole = list(gym.frames(renderer=renderer))
    part = list(Gym(small_programme).frames(renderer=renderer, shots=shots[7:9]))
    assert [f.shot for f in whole] == list(shots)
    for a, b in zip(whole[7:9], part, strict=True):
        assert np.abs(a.image.astype(int) - b.image).max() <= 1
        assert a.truth.positions == pytest.approx(b.truth.positions, abs=1e-9)


def test_frames_without_a_renderer_are_the_truth_alone(small_programme):
    gym = Gym(small_programme)
    frames = list(gym.frames(shots=gym.shots(gym.cameras[0])[:3]))
    assert [f.image for f in frames] == [None] * 3
    assert frames[2].truth.time_s == pytest.approx(2 / 30)


def test_things_and_people_in_the_way_hide_landmarks(small_programme):
    times = [0.3]
    plain = Gym(small_programme)
    seen = plain.seen(plain.cameras[0], plain.truth(times[0]))
    assert not (seen.visibility == Visibility.OCCLUDED).any()
    x = small_programme.distance
    bench = Surroundings(occluders=(PlacedOccluder("plyo_box", x - 0.9, 0.0),))
    boxed = Gym(dataclasses.replace(small_programme, surroundings=bench))
    hidden = boxed.seen(boxed.cameras[0], boxed.truth(times[0])).visibility == Visibility.OCCLUDED
    assert hidden[[27, 28]].all()
    assert not hidden[0]
    walker = PlacedBystander("tall", "training", ((0.5 * x, -0.05), (0.5 * x, 1.0)), 1.2)
    crossed = Gym(dataclasses.replace(small_programme, surroundings=Surroundings(bystanders=(walker,))))
    truth = crossed.truth(times[0])
    assert (crossed.seen(crossed.cameras[0], truth).visibility == Visibility.OCCLUDED).sum() > 5
    assert len(crossed.stage(times[0], truth.transforms).actors) == 2
    assert len(crossed.stage(30.0, truth.transforms).actors) == 1


def test_light_and_mirror_change_the_picture(small_programme):
    def mean(surroundings: Surroundings) -> float:
        gym = Gym(dataclasses.replace(small_programme, surroundings=surroundings))
        return float(gym.picture(gym.renderer(), 0.2).mean())

    bright, dim, mirrored = (
        mean(s) for s in (Surroundings(), Surroundings("dim"), Surroundings(mirrors=("back",)))
    )
    assert dim < 0.6 * bright
    assert abs(mirrored - bright) > 0.5


def test_passers_by_come_from_a_seed_and_stay_in_the_room():
    assert passers_by(4, 3.0, 1) == passers_by(4, 3.0, 1) != passers_by(4, 3.0, 2)
    Surroundings(bystanders=passers_by(6, 3.0, 3)).bounds((SyntheticCamera(),), (3.0, 0.0))
    with pytest.raises(KineCueError, match="0 to 6"):
        passers_by(7, 3.0)


@pytest.mark.parametrize("approach", ["none", "ready", "walk"])
def test_the_set_is_in_the_middle_whatever_comes_before(approach):
    plan = SetPlan(1, FAST, still_s=0.3, after_s=0.2, approach=approach)
    gym = Gym(Programme("x", "biceps_curl", plan=plan))
    repetition = gym.performance.timeline.repetitions[0]
    truths = gym.truths([0.0, repetition.turn_s, gym.duration_s])
    assert [t.state.phase for t in truths][:2] == ["setup", "bottom"]
    away = [np.linalg.norm(t.positions[23][:2] - gym.place.translation[:2]) for t in truths]
    assert away[1] < 0.3
    if approach == "walk":
        assert min(away[0], away[2]) > 0.5
        # the bar waits where the hands will take it
        assert np.linalg.norm(truths[0].handles - truths[1].handles) < 1.5
        assert not truths[0].tension.any()
    for t in truths:
        assert np.isfinite(t.centre_of_mass).all()
        assert len(t.forces.contacts) >= 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "a/b"}, ("name", "letters")),
        ({"exercise": "juggling"}, ("exercise", "squat")),
        ({"athlete": "giant"}, ("athlete", "tall")),
        ({"outfit": "tutu"}, ("outfit", "training")),
        ({"distance": 0.2}, ("distance", "1 to 8 m")),
        ({"distance": math.nan}, ("distance",)),
        ({"view": 9.0}, ("view", "360")),
        ({"cameras": ()}, ("cameras",)),
        ({"cameras": (SyntheticCamera("a"), SyntheticCamera("a"))}, ("cameras", "name")),
        ({"cameras": (SyntheticCamera("a", Mount(x=1.0)),)}, ("first camera", "x 0")),
        ({"cameras": (SyntheticCamera("a"), SyntheticCamera("b", Mount(x=30.0)))}, ("within x",)),
    ],
)
def test_a_programme_that_cannot_be_names_the_field(small_programme, change, words):
    with pytest.raises(KineCueError) as caught:
        dataclasses.replace(small_programme, **change)
    assert all(word in str(caught.value) for word in words)


def test_parts_of_a_programme_name_what_is_allowed():
    for make, words in (
        (lambda: Surroundings("neon"), ("light", "dim")),
        (lambda: Surroundings(mirrors=("ceiling",)), ("mirror", "back")),
        (lambda: PlacedOccluder("sofa", 0, 0), ("bench", "barbell_rack")),
        (lambda: PlacedBystander("tall", "training", ((0, 0),)), ("path",)),
        (lambda: PlacedBystander("tall", "training", ((0, 0), (1, 0)), 9.0), ("speed",)),
        (lambda: MachinePart(load_kg=-1.0), ("load", "0 to 500 kg")),
        (lambda: cameras_at([], 3.0), ("view",)),
        (lambda: cameras_at([0.1, 0.1], 3.0), ("once",)),
        (lambda: PROGRAMMES["sample_squat"].camera("x"), ("camera must be one of",)),
    ):
        with pytest.raises(KineCueError) as caught:
            make()
        assert all(word in str(caught.value) for word in words)
