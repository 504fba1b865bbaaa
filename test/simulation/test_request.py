"""From what a person types to a programme."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.body.errors import KineCueError
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.gym import Gym
from kinecue.simulation.movement.set_plan import PlantedFault, Tempo
from kinecue.simulation.request import Request, fault, magnitude_text, occluder, tempo

SQUAT = EXERCISES["squat"].faults


@pytest.mark.parametrize(
    ("text", "planted"),
    [
        ("knees_in=15", PlantedFault("knees_in", (1, 2, 3, 4, 5), math.radians(15.0))),
        ("knees_in=15:reps=3,4", PlantedFault("knees_in", (3, 4), math.radians(15.0))),
        (
            "knees_in=7.5:side=left:reps=1,3-5",
            PlantedFault("knees_in", (1, 3, 4, 5), math.radians(7.5), "left"),
        ),
        ("heels_up=4:reps=2", PlantedFault("heels_up", (2,), 0.04)),
    ],
)
def test_faults_are_typed_in_degrees_and_centimetres(text, planted):
    made = fault(text, SQUAT, 5)
    assert (made.name, made.repetitions, made.side) == (planted.name, planted.repetitions, planted.side)
    assert made.magnitude == pytest.approx(planted.magnitude)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("knees_in", ("NAME=MAGNITUDE",)),
        ("moonwalk=3", ("moonwalk", "knees_in", "too_shallow")),
        ("knees_in=much", ("'much'", "number")),
        ("knees_in=nan", ("number",)),
        ("knees_in=5:reps=x", ("reps", "1,3-5")),
        ("knees_in=5:reps=", ("reps",)),
        ("knees_in=5:reps=5-3", ("reps", "at least one")),
        ("knees_in=5:side=up", ("side", "left, right, both")),
        ("knees_in=5:when=now", ("when=now", "reps=")),
    ],
)
def test_a_fault_that_cannot_be_says_why(text, words):
    with pytest.raises(KineCueError) as caught:
        fault(text, SQUAT, 5)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"exercise": "juggling"}, ("exercise", "squat")),
        ({"athlete": "giant"}, ("athlete", "tall")),
        ({"outfit": "tutu"}, ("outfit", "training")),
        ({"camera": "telescope"}, ("camera", "webcam")),
        ({"light": "neon"}, ("light", "dim")),
        ({"views": ()}, ("view",)),
        ({"views": (400.0,)}, ("view", "360")),
        ({"views": (1.0, 1.0)}, ("view", "once")),
        ({"size": "big"}, ("size", "640x480")),
        ({"fps": 10.0}, ("fps", "30 to 200")),
        ({"exposure_ms": 100.0}, ("exposure",)),
        ({"drop": 300.0}, ("drop", "100")),
        ({"tempo": "2-1"}, ("tempo", "OUT-HOLD-BACK-REST")),
        ({"tempo": "0-1-1-1"}, ("out_s",)),
        ({"partial": ("x",)}, ("partial", "5=0.5")),
        ({"partial": ("9=0.5",)}, ("partial", "1 to 5")),
        ({"partial": ("2=5",)}, ("0.1 to 0.9",)),
        ({"failed": (7,)}, ("1 to 5",)),
        ({"approach": "fly"}, ("approach", "walk")),
        ({"side": "up"}, ("side", "alternate")),
        ({"faults": ("knees_in=80",)}, ("knees_in", "30 degrees")),
        ({"faults": ("knees_in=10:reps=9",)}, ("repetitions 1 to 5",)),
        ({"occluders": ("sofa",)}, ("bench",)),
        ({"occluders": ("bench=1",)}, ("NAME=X,Y",)),
        ({"mirrors": ("floor",)}, ("mirror", "back")),
        ({"bystanders": 99}, ("bystanders", "0 to 6")),
        ({"load": -3.0}, ("load", "500 kg")),
        ({"distance": 20.0}, ("distance", "1 to 8")),
        ({"seed": -1}, ("seed",)),
        ({"repetitions": 1000}, ("repetitions", "100")),
        ({"name": "a b"}, ("name",)),
        ({"fatigue": 2.0}, ("fatigue", "0 to 1")),
    ],
)
def test_a_request_that_cannot_be_names_what_is_allowed(given, words):
    with pytest.raises(KineCueError) as caught:
        Request(**{"exercise": "squat", "distance": 3.0, **given}).programme()
    assert all(word in str(caught.value) for word in words)


def test_a_request_becomes_the_programme_that_is_meant():
    programme = Request(
        "biceps_curl",
        "tall",
        views=(45.0, 0.0),
        faults=("swing=10:reps=2",),
        repetitions=3,
        tempo="1-0.2-1.5-0.5",
        partial=("1=0.5",),
        failed=(3,),
        camera="machine",
        height=1.4,
        fps=50.0,
        size="320x240",
        distance=3.4,
        light="dim",
        mirrors=("back",),
        bystanders=2,
        load=12.0,
        seed=9,
    ).programme()
    assert programme.name == "biceps_curl_tall"
    assert programme.view == pytest.approx(math.radians(45.0))
    assert programme.plan.tempo == Tempo(1.0, 0.2, 1.5, 0.5)
    assert (programme.plan.partial, programme.plan.failed, programme.plan.seed) == ({1: 0.5}, (3,), 9)
    camera = programme.cameras[0]
    assert (camera.lens.width, camera.lens.height, camera.sensor.rate) == (320, 240, 50.0)
    assert camera.mount.height == 1.4
    assert camera.mount.tilt == pytest.approx(math.radians(6.0))
    assert [c.seed for c in programme.cameras] == [9, 10]
    assert len(programme.surroundings.bystanders) == 2
    assert programme.machine.load_kg == 12.0


def test_the_whole_movement_is_in_the_picture_where_no_distance_is_given():
    programme = Request("squat", "tall", views=(0.0,), repetitions=1).programme()
    gym = Gym(programme)
    for truth in gym.truths(np.linspace(0.0, gym.duration_s, 12)):
        pixels = gym.cameras[0].project(truth.positions)
        assert gym.cameras[0].in_frame(pixels).all()
    nearer = Request("squat", "short", views=(0.0,), repetitions=1).programme()
    assert nearer.distance < programme.distance


def test_parts():
    assert tempo("2-0.5-1-0") == Tempo(2.0, 0.5, 1.0, 0.0)
    bench = occluder("bench=2,0.3,90", 3.0)
    assert (bench.x, bench.y, bench.turn) == (2.0, 0.3, pytest.approx(math.pi / 2))
    assert occluder("bench", 3.0).x == pytest.approx(1.9)
    assert magnitude_text(SQUAT["heels_up"]) == "8 cm"
    assert magnitude_text(SQUAT["knees_in"]) == "30 deg"
