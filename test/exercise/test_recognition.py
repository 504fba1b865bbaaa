"""Recognition: the right exercise or none at all, and nothing lost of what was seen before."""

from __future__ import annotations

import math

import pytest
from joint_athlete import Recorder, curl, exercise, session, squat, stand, walk

from kinecue.body.errors import ConfigError
from kinecue.exercise import AutoScorer, Phase, Recogniser, Scorer

FILES = ("squat", "biceps_curl", "deadlift", "overhead_press", "plank")


def models(*without: str):
    return tuple(exercise(name) for name in FILES if name not in without)


def bodies(parts, fps=12.0, **recorder):
    return list(session(parts, fps, Recorder(**{"white": 0.003, "bias": 0.005, "std": 0.01, **recorder})))


def recognised(parts, without=(), finish=False, **recorder):
    recogniser = Recogniser(models(*without))
    seen = bodies(parts, **recorder)
    for body in seen:
        recogniser.update(body, body.stamp_ns)
    if finish:
        recogniser.finish(seen[-1].stamp_ns)
    return recogniser.recognised


SQUATS = [stand(0.6), squat(2.4), stand(0.4), squat(2.4), stand(0.8)]
CURLS = [stand(0.6), curl(2.2), curl(2.2), stand(0.8)]


@pytest.mark.parametrize(("parts", "name"), [(SQUATS, "squat"), (CURLS, "biceps_curl")])
@pytest.mark.parametrize("view", [0.0, 0.8, -1.4])
def test_tells_the_exercise_after_two_repetitions(parts, name, view):
    found = recognised(parts, view=view)
    assert found.exercise == name
    assert found.candidates[0] == name
    assert found.probabilities[0] == found.probability >= 0.9
    assert sum(found.probabilities) <= 1.0 + 1e-9
    assert list(found.probabilities) == sorted(found.probabilities, reverse=True)


@pytest.mark.parametrize(
    "parts",
    [
        [stand(6.0)],
        [walk(6.0, (6, 1), (3, 0)), stand(1.0)],
        [stand(0.5), *[squat(1.2, depth=40)] * 4, stand(0.5)],
    ],
)
def test_standing_walking_and_small_bends_are_nothing(parts):
    found = recognised(parts, finish=True)
    assert found.exercise == ""
    assert found.probability < 0.5


@pytest.mark.parametrize(("parts", "name"), [(SQUATS, "squat"), (CURLS, "biceps_curl")])
def test_an_exercise_that_is_in_no_file_is_unknown(parts, name):
    found = recognised(parts, without=(name,), finish=True)
    assert found.exercise == ""


def test_one_repetition_is_enough_only_when_no_more_can_come():
    parts = [stand(0.6), curl(2.2), stand(0.8)]
    assert recognised(parts).exercise == ""
    assert recognised(parts, finish=True).exercise == "biceps_curl"


def test_one_squat_may_have_been_the_end_of_a_deadlift():
    found = recognised([stand(0.6), squat(2.4), stand(0.8)], finish=True)
    assert found.exercise == ""
    assert set(found.candidates) == {"squat", "deadlift"}


def test_somebody_else_is_recognised_anew():
    recogniser = Recogniser(models())
    first = bodies(SQUATS)
    for body in first:
        recogniser.update(body, body.stamp_ns)
    assert recogniser.scorer is not None
    other = bodies(CURLS, body_id="b")
    later = first[-1].stamp_ns
    for body in other:
        recogniser.update(body, body.stamp_ns + later)
        if body is other[0]:
            assert recogniser.recognised.exercise == ""
            assert recogniser.recognised.body_id == "b"
    assert recogniser.recognised.exercise == "biceps_curl"


def test_needs_files():
    with pytest.raises(ConfigError, match="exercise file"):
        Recogniser(())


def test_scores_as_if_the_exercise_had_been_selected():
    auto, chosen = AutoScorer(models()), Scorer(exercise("squat"))
    repetitions, expected, forms = [], [], []
    seen = bodies([*SQUATS, squat(2.4, ratio=0.55), stand(1.0)])
    for body in seen:
        update = auto.update(body, body.stamp_ns)
        repetitions += update.repetitions
        forms.append(update.form)
        expected += chosen.update(body, body.stamp_ns).repetitions
    assert repetitions == expected
    assert len(repetitions) == 3
    assert repetitions[2].faults == ("knees_in",)
    assert (forms[0].exercise, forms[0].phase) == ("", Phase.UNKNOWN)
    assert math.isnan(forms[0].d)
    assert forms[-1].exercise == "squat"
    assert auto.model is exercise("squat") or auto.model.name == "squat"
    assert auto.summary().counted == 3
    assert auto.update(seen[-1], seen[-1].stamp_ns).form is None
    assert auto.dropped == 1


def test_the_end_of_a_set_and_the_start_of_the_next():
    auto = AutoScorer(models())
    seen = bodies([stand(0.6), curl(2.2), stand(0.8)])
    for body in seen:
        assert not auto.update(body, body.stamp_ns).repetitions
    assert auto.model is None
    assert auto.summary().active
    summary = auto.end_set(seen[-1].stamp_ns)
    assert (summary.exercise, summary.counted, summary.active) == ("biceps_curl", 1, False)
    assert [r.number for r in auto.flush().repetitions] == [1]
    assert not auto.flush().repetitions
    again = auto.start_set(seen[-1].stamp_ns)
    assert again.set_id != summary.set_id
    assert auto.model is None
    later = seen[-1].stamp_ns + 10**9
    repetitions = []
    for body in bodies(CURLS):
        repetitions += auto.update(body, body.stamp_ns + later).repetitions
    assert auto.recognised.exercise == "biceps_curl"
    assert [r.number for r in repetitions] == [1, 2]
