"""Faults: found where planted, in their repetition and on their side; not where they cannot be seen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_athlete import Build, Part, Recorder, Scored, curl, score, squat, stand

from kinecue.body import Landmark, Reason
from kinecue.exercise import Phase, RepetitionStatus, Side
from kinecue.exercise.faults import probability_outside
from kinecue.exercise.model import Outside

FRONT, SIDE, OBLIQUE = 0.0, math.pi / 2, math.pi / 4


def recorder(view: float, **more: float) -> Recorder:
    return Recorder(view=view, white=0.002, bias=0.003, std=0.008, **more)  # type: ignore[arg-type]


def of_squat(part: Part, view: float, fps: float = 24) -> Scored:
    return score([stand(0.5), squat(), part, squat(), stand(0.6)], fps, recorder(view))


def test_probability_known_values() -> None:
    assert probability_outside(1.0, 1.0, 0.0, Outside.ABOVE) == pytest.approx(0.8413447)
    assert probability_outside(1.0, 1.0, 0.0, Outside.BELOW) == pytest.approx(0.1586553)
    assert probability_outside(-2.0, 0.5, 1.0, Outside.EITHER) == pytest.approx(0.9772499)
    assert probability_outside(1.0, 0.0, 0.5, Outside.ABOVE) == 1.0
    assert probability_outside(0.5, 0.0, 0.5, Outside.ABOVE) == 0.0
    assert probability_outside(0.5, 3.0, 0.5, Outside.ABOVE) == 0.5


@pytest.mark.parametrize("fps", [6, 24, 60])
@pytest.mark.parametrize(
    ("name", "part", "view", "phases"),
    [
        ("knees_in", squat(ratio=0.70), FRONT, (Phase.ECCENTRIC, Phase.BOTTOM)),
        ("knees_in", squat(ratio=0.70), -OBLIQUE, (Phase.ECCENTRIC, Phase.BOTTOM)),
        ("trunk_forward", squat(lean=75), SIDE, (Phase.ECCENTRIC, Phase.BOTTOM)),
        ("trunk_forward", squat(lean=75), FRONT, (Phase.ECCENTRIC, Phase.BOTTOM)),
        ("too_shallow", squat(depth=72), SIDE, (Phase.TOP, Phase.ECCENTRIC, Phase.CONCENTRIC)),
        ("heels_up", squat(heel=0.12), OBLIQUE, (Phase.ECCENTRIC, Phase.BOTTOM)),
        ("uneven", squat(asymmetry=45), FRONT, (Phase.ECCENTRIC, Phase.BOTTOM)),
    ],
)
def test_planted_faults_of_the_squat(
    name: str, part: Part, view: float, phases: tuple[Phase, ...], fps: int
) -> None:
    scored = of_squat(part, view, fps)
    assert scored.fault_names == [(name, 2)]
    fault = scored.faults[0]
    assert fault.phase in phases
    assert fault.id == f"squat/2/{name}/1"
    assert fault.probability >= 0.8
    assert fault.magnitude > 0.0
    assert 1_500_000_000 < fault.onset_ns <= fault.stamp_ns
    assert [r.faults for r in scored.repetitions] == [(), (name,), ()]


@pytest.mark.parametrize(
    ("name", "parts", "repetition"),
    [
        ("elbow_drift", [curl(drift=45)], 2),
        ("swing", [curl(swing=22)], 2),
        ("short_top", [curl(top=92)], 2),
        ("short_bottom", [curl(bottom=(12, 45)), curl(bottom=(45, 12))], 3),
    ],
)
def test_planted_faults_of_the_curl(name: str, parts: list[Part], repetition: int) -> None:
    scored = score([stand(0.5), curl(), *parts, curl(), stand(0.6)], 24, recorder(OBLIQUE), "biceps_curl")
    assert scored.fault_names == [(name, repetition)]
    assert all(r.status is RepetitionStatus.VALID for r in scored.repetitions)


@settings(max_examples=8, deadline=None)
@given(
    st.floats(0.88, 1.12), st.floats(2.0, 4.0), st.integers(10, 40), st.integers(0, 999), st.floats(-0.8, 0.8)
)
def test_knees_that_cave_in_are_found_on_anybody(
    size: float, seconds: float, fps: int, seed: int, view: float
) -> None:
    athlete = Recorder(Build().scaled(size), view=view, white=0.003, bias=0.004, std=0.008, seed=seed)
    scored = score([stand(0.5), squat(seconds, ratio=0.68), squat(seconds), stand(0.6)], fps, athlete)
    assert scored.fault_names == [("knees_in", 1)]


def test_knees_are_not_judged_from_the_side() -> None:
    scored = of_squat(squat(ratio=0.70), SIDE)
    assert scored.faults == []
    assert ("knees_in", Reason.VIEW) in {(a.fault, a.reason) for a in scored.forms[60].abstentions}
    assert ("knees_in", Reason.VIEW) in {(a.fault, a.reason) for a in scored.scorer.summary().abstained}


def test_hidden_heels_are_abstained_from() -> None:
    hidden = (Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL)
    scored = score(
        [stand(0.5), squat(heel=0.12), stand(0.5)], recorder=Recorder(view=OBLIQUE, std=0.01, hidden=hidden)
    )
    assert scored.faults == []
    assert ("heels_up", Reason.OCCLUDED) in {(a.fault, a.reason) for a in scored.scorer.summary().abstained}


def test_one_hidden_heel_leaves_the_other_to_judge() -> None:
    athlete = Recorder(view=OBLIQUE, std=0.01, hidden=(Landmark.RIGHT_HEEL,))
    scored = score([stand(0.5), squat(heel=0.12), stand(0.5)], recorder=athlete)
    assert scored.fault_names == [("heels_up", 1)]


def test_the_side_of_an_uneven_squat() -> None:
    sides = [of_squat(squat(asymmetry=a), FRONT).faults[0].side for a in (45, -45)]
    assert sides == [Side.LEFT, Side.RIGHT]
    fault = of_squat(squat(asymmetry=-45), FRONT).faults[0]
    assert fault.limit == pytest.approx(math.radians(-15))


def test_an_uncertain_measurement_raises_nothing() -> None:
    certain = score([stand(0.5), squat(ratio=0.82), stand(0.5)], recorder=Recorder(std=0.005))
    uncertain = score([stand(0.5), squat(ratio=0.82), stand(0.5)], recorder=Recorder(std=0.04))
    assert certain.fault_names == [("knees_in", 1)]
    assert uncertain.faults == []


def test_a_fault_shorter_than_the_hold_time_is_a_glitch() -> None:
    clean, broken = squat(), squat(ratio=0.6)
    glitch = Part(3.0, lambda share: broken.course(share) if 0.49 < share < 0.51 else clean.course(share))
    assert score([stand(0.5), glitch, stand(0.5)], 60, recorder(FRONT)).faults == []


def test_a_few_missing_frames_do_not_hide_a_fault() -> None:
    scored = score([stand(0.5), squat(ratio=0.7), stand(0.5)], 60, recorder(FRONT))
    found = scored.faults[0]
    assert found.stamp_ns - found.onset_ns <= 200_000_000
    assert len(scored.faults) == 1  # once per repetition, however long it lasts


@pytest.mark.parametrize("fps", [6, 24, 60])
def test_a_danger_that_stays_is_raised_again_and_is_one_fault(fps: int) -> None:
    parts = [stand(0.5), squat(8.0, pause=5.0, ratio=0.7), stand(0.6), squat(ratio=0.7), stand(0.6)]
    scored = score(parts, fps, recorder(FRONT), "front_squat")
    first, again, next_one = scored.faults
    assert (first.name, first.repetition, again.name, again.repetition) == ("knees_in", 1, "knees_in", 1)
    assert again.stamp_ns - first.stamp_ns == pytest.approx(3.5e9, abs=1e9 / fps + 1)
    assert again.onset_ns == first.onset_ns  # the same evidence
    assert again.duration > 3.5
    assert next_one.repetition == 2
    assert [r.faults for r in scored.repetitions] == [("knees_in",), ("knees_in",)]
    assert scored.scorer.summary().faults == {"knees_in": 2}


def test_a_danger_that_comes_back_in_the_same_repetition_is_raised_again() -> None:
    out, well = squat(8.0, pause=5.0, ratio=0.7), squat(8.0, pause=5.0)
    wavering = Part(8.0, lambda share: (well if 0.45 < share < 0.65 else out).course(share))
    scored = score([stand(0.5), wavering, stand(0.6)], 24, recorder(FRONT), "front_squat")
    first, again = scored.faults
    assert again.onset_ns > first.onset_ns + 2_000_000_000
    assert scored.scorer.summary().faults == {"knees_in": 1}


def test_what_is_no_danger_is_raised_once_however_long_it_stays() -> None:
    scored = score([stand(0.5), squat(8.0, pause=5.0, ratio=0.7), stand(0.6)], 24, recorder(FRONT))
    assert scored.fault_names == [("knees_in", 1)]


def test_faults_of_a_movement_that_is_no_repetition_are_not_raised() -> None:
    lifting_a_bag = Part(2.0, lambda share: squat(lean=95, depth=20).course(share))
    assert score([stand(0.5), lifting_a_bag, stand(0.5)], recorder=recorder(SIDE)).faults == []
