"""Learning an exercise from demonstration: what is learned counts and judges strangers, and bad input is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_sets import FPS, positions, recording, scored

from kinecue.body import BLAZEPOSE_33
from kinecue.exercise import Phase, RepetitionStatus
from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.deviation import DeviationScorer
from kinecue.exercise.excursions import ExcursionMeter, combined, excursion_deviation
from kinecue.exercise.exercise_file import load_exercise, parse_exercise
from kinecue.exercise.features import FeatureComputer
from kinecue.exercise.learning import Learned, LearningError, Recording, learn_exercise, to_yaml
from kinecue.exercise.learning import courses as stats
from kinecue.exercise.learning.building import Names
from kinecue.exercise.learning.offline import score
from kinecue.exercise.learning.recording import Tracks
from kinecue.exercise.learning.recording import computer as everything
from kinecue.exercise.learning.repetition import Span, read, start_pose
from kinecue.exercise.learning.sides import mirrored
from kinecue.exercise.results import Side
from kinecue.simulation.movement.set_plan import PlantedFault

NAMES = Names("shown", "Shown")
_LEARNED: dict[str, Learned] = {}


def learned(exercise: str) -> Learned:
    """From two athletes, three repetitions each; four where sides alternate."""
    count = 4 if exercise == "forward_lunge" else 3
    if exercise not in _LEARNED:
        shown = [
            recording(positions(exercise, name, count, seed=i), name, noise=0.005)
            for i, name in enumerate(("average_man", "short"))
        ]
        _LEARNED[exercise] = learn_exercise(shown, NAMES)
    return _LEARNED[exercise]


@pytest.mark.parametrize(
    ("exercise", "fault", "magnitude", "features"),
    [
        ("squat", "knees_in", 0.25, {"shank_outward", "thigh_outward"}),
        ("biceps_curl", "swing", 0.3, {"trunk_forward"}),
    ],
)
def test_strangers_are_counted_and_faults_found(
    exercise: str, fault: str, magnitude: float, features: set[str]
) -> None:
    result = learned(exercise)
    assert len(result.taken) == 6
    assert not result.left
    clean = scored(result.model, recording(positions(exercise, "heavy", 3, seed=7), "heavy", noise=0.005))
    assert [item.status for item in clean] == [RepetitionStatus.VALID] * 3
    assert max(item.d for item in clean) < 0.6
    planted = (PlantedFault(fault, (1, 2), magnitude),)
    wrong = scored(
        result.model, recording(positions(exercise, "heavy", 2, planted, seed=7), "heavy", noise=0.005)
    )
    assert [item.status for item in wrong] == [RepetitionStatus.VALID] * 2
    assert min(item.d for item in wrong) > 1.5 * max(item.d for item in clean)
    for item in wrong:
        assert item.shares[0].name in features
        assert sum(share.share for share in item.shares) == pytest.approx(1.0, abs=0.05)


def test_getting_up_begins_where_people_sit() -> None:
    """They lean forward before the knees move; the start position is the one they sit in."""
    result = learned("sit_to_stand")
    assert result.model.load_direction == "concentric_first"
    ended = scored(result.model, recording(positions("sit_to_stand", "heavy", 3, seed=7), "heavy"))
    assert [item.status for item in ended] == [RepetitionStatus.VALID] * 3
    # the start position that is remembered live is somewhere between sitting back and leaning forward
    assert max(item.d for item in ended) < 1.5


def test_one_side_leads_in_lunges_and_either_may() -> None:
    result = learned("forward_lunge")
    assert result.model.sides == "alternating"
    assert {item.leading for item in result.taken} == {Side.LEFT, Side.RIGHT}
    ended = scored(result.model, recording(positions("forward_lunge", "heavy", 4, seed=7), "heavy"))
    assert [item.status for item in ended] == [RepetitionStatus.VALID] * 4
    assert {item.side for item in ended} == {Side.LEFT, Side.RIGHT}
    assert max(item.d for item in ended) < 0.6


def test_the_text_is_an_exercise_file(tmp_path: Path) -> None:
    result = learned("squat")
    path = tmp_path / "shown.yaml"
    path.write_text(result.text, encoding="utf-8")
    assert load_exercise(path) == result.model
    assert parse_exercise(to_yaml(result.model)) == result.model
    assert "# Faults are the coach's to write." in result.text
    assert result.model.faults == {}
    assert len(result.text) < 64 * 1024


def test_the_suggested_fault_can_be_taken_over() -> None:
    text = learned("squat").text
    lines = text[text.index("#   faults:") :].splitlines()
    taken = "\n".join(line.removeprefix("#").removeprefix("   ") for line in lines)
    model = parse_exercise(text + "\n" + taken)
    assert list(model.faults) == ["too_short"]
    rule = model.faults["too_short"]
    assert model.movement.minimal < float(str(rule.limit)) < model.movement.full


def test_the_same_every_time() -> None:
    shown = [recording(positions("squat", "short", 4), "short")]
    assert learn_exercise(shown, NAMES).text == learn_exercise(shown, NAMES).text


@pytest.mark.parametrize("fps", [9.0, 60.0])
def test_frame_rate_does_not_matter(fps: float) -> None:
    points = positions("biceps_curl", "short", 4)
    times = np.arange(len(points)) / FPS
    wanted = np.arange(0.0, times[-1], 1.0 / fps)
    flat = points.reshape(len(points), -1)
    other = np.stack([np.interp(wanted, times, column) for column in flat.T], axis=1).reshape(
        -1, *points.shape[1:]
    )
    a = learn_exercise([recording(points, "a")], NAMES).model
    b = learn_exercise([recording(other, "a", fps=fps)], NAMES).model
    assert (a.movement.feature, a.load_direction) == (b.movement.feature, b.load_direction)
    assert b.movement.full == pytest.approx(a.movement.full, abs=4.0)


def test_wanted_progress_and_direction() -> None:
    shown = [recording(positions("squat", "short", 4), "short")]
    result = learn_exercise(shown, NAMES, "knee_flexion", "concentric_first")
    assert result.model.movement.feature == "knee_flexion"
    assert result.model.outward is Phase.CONCENTRIC
    with pytest.raises(LearningError, match=r"wingspan cannot drive progress.*knee_flexion"):
        learn_exercise(shown, NAMES, "wingspan")


# --- refused ---


def test_no_recordings() -> None:
    with pytest.raises(LearningError, match="no recordings"):
        learn_exercise([], NAMES)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_repetitions(count: int) -> None:
    with pytest.raises(LearningError, match=r"at least (3|three)"):
        learn_exercise([recording(positions("squat", "short", count), "short")], NAMES)


def test_standing_still() -> None:
    still = np.repeat(positions("squat", "short", 1)[:1], 60, axis=0)
    with pytest.raises(LearningError, match="nothing goes clearly out and back"):
        learn_exercise([recording(still, "still", noise=0.005)], NAMES)


def test_nobody_there() -> None:
    empty = recording(positions("squat", "short", 1), "empty")
    with pytest.raises(LearningError, match="empty: a person is seen in 0 frames"):
        learn_exercise([replace(empty, bodies=[None] * len(empty.bodies))], NAMES)


def test_no_numbers() -> None:
    broken = recording(np.full_like(positions("squat", "short", 1), np.nan), "broken")
    with pytest.raises(LearningError):
        learn_exercise([broken], NAMES)


def test_stamps_must_match_bodies() -> None:
    good = recording(positions("squat", "short", 1), "a")
    with pytest.raises(LearningError, match=r"a: \d+ time stamps for 0 bodies"):
        Recording("a", "a", good.stamps_ns, [])


def test_exercises_that_are_mixed() -> None:
    shown = [
        recording(positions("squat", "short", 4), "squats"),
        recording(positions("biceps_curl", "short", 4), "curls"),
    ]
    with pytest.raises(LearningError, match=r"(squats|curls): shows no repetition like those"):
        learn_exercise(shown, NAMES)


def test_half_a_repetition_is_left_out_with_a_reason() -> None:
    body = positions("squat", "short", 4)
    lowered = body[0] + 0.5 * (body[: len(body) // 2] - body[0])
    result = learn_exercise([recording(np.concatenate([body, lowered]), "both")], NAMES)
    assert len(result.taken) == 4
    assert len(result.left) >= 1
    for item in result.left:
        assert item.start_s > len(body) / FPS
        assert "as far as the others" in item.reason or "off the usual course" in item.reason


def test_gaps_and_stamps_out_of_order() -> None:
    points = positions("squat", "short", 4)
    shown = recording(points, "gaps")
    bodies = [None if i % 7 == 3 else body for i, body in enumerate(shown.bodies)]
    stamps = list(shown.stamps_ns)
    stamps[10] = stamps[5]
    result = learn_exercise([Recording("gaps", "gaps", stamps, bodies)], NAMES)
    assert len(result.taken) == 4


def test_hidden_legs_leave_the_arms_to_learn_from() -> None:
    points = positions("biceps_curl", "short", 4).copy()
    legs = [
        BLAZEPOSE_33.index(m) for m in BLAZEPOSE_33.landmarks if any(w in m.value for w in ("knee", "ankle"))
    ]
    points[:, legs] = np.nan
    model = learn_exercise([recording(points, "arms")], NAMES).model
    names = {scored.feature for scored in model.features}
    assert "forearm_upward" in names
    assert not any(name.startswith(("thigh", "shank")) for name in names)


# --- the numbers ---


def test_offline_d_is_the_live_formula() -> None:
    """All frames at once and frame by frame, from the same features."""
    result = learned("biceps_curl")
    shown = recording(positions("biceps_curl", "heavy", 1, seed=3), "heavy")
    tracks = Tracks(shown)
    span = Span(18, len(tracks.times) - 20)
    whole = score(result.model, tracks, span)
    computer, deviation = FeatureComputer(result.model.feature_names()), DeviationScorer(result.model)
    names = [mark.value for mark in BLAZEPOSE_33.landmarks]
    ours = everything().landmarks
    body = shown.bodies[0]
    assert body is not None
    start_all = start_pose(tracks, span.first)
    start = np.array([start_all[ours.index(name)] for name in computer.landmarks])
    ds, phases = [], []
    movement = result.model.movement
    progress = read(tracks.absolute[span.first : span.last + 1], movement.feature, SidePolicy.MEAN)
    peak = int(np.argmax(progress if movement.full > movement.start else -progress))
    for i in range(span.last - span.first + 1):
        points = tracks.points[span.first + i]
        placed = np.array(
            [points[ours.index(name)] if name in ours else body.positions[k] for k, name in enumerate(names)]
        )
        frame = computer.measure(replace(body, positions=placed), start)
        at = movement.fraction(float(progress[i]))
        turning = at > movement.fraction(float(progress[peak])) - 0.08
        phase = Phase.BOTTOM if turning else result.model.outward if i <= peak else result.model.homeward
        phases.append(phase)
        ds.append(deviation.evaluate(frame, phase, at, float("inf")).d)
    out, back = (
        np.mean([d for d, phase in zip(ds, phases, strict=True) if phase is wanted])
        for wanted in (result.model.outward, result.model.homeward)
    )
    # the offline standard deviation is one number for the recording
    assert whole.outward == pytest.approx(out, rel=0.03)
    assert whole.homeward == pytest.approx(back, rel=0.03)
    assert sum(whole.shares.values()) == pytest.approx(1.0, abs=0.02)


def test_hierarchical_spread_by_hand() -> None:
    """Two people, two samples each: means 1 and 3, deviations +-1 and +-2."""
    spread = stats.hierarchical(np.array([0.0, 2.0, 1.0, 5.0]), ["a", "a", "b", "b"], 0.5, 0.25)
    assert spread.mean == pytest.approx(2.0)
    assert spread.within == pytest.approx((1 + 1 + 4 + 4 + 2 * 0.5) / (2 + 2))
    assert spread.between == pytest.approx((1 + 1 + 2 * 0.25) / (1 + 2) * 1.5)


def test_one_person_has_the_spread_that_is_common() -> None:
    spread = stats.hierarchical(np.array([1.0, 1.0, 1.0]), ["a"] * 3, 0.0, 0.09)
    assert spread.between == pytest.approx(0.09 * 2.0)
    assert spread.within == pytest.approx(0.0)


@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_a_straight_course_is_kept(a: float, b: float) -> None:
    progress = np.concatenate([np.linspace(0, 1, 20), np.linspace(1, 0, 30)])
    values = (a + b * progress)[:, None]
    fitted = stats.course(values, progress, 19)
    assert np.allclose(fitted[..., 0], a + b * stats.KNOTS, atol=1e-4)


def test_half_and_twice_as_far_are_equally_wrong() -> None:
    model = learned("biceps_curl").model
    block = model.excursions[0]
    ideal, noise = block.si(block.ideal), block.si(block.noise)
    one = model.model_copy(update={"excursions": (block,)})

    def e(ratio: float) -> float:
        value = ratio * (ideal + noise) - noise
        key = {(block.feature, side): (value, 0.0) for side in Side}
        return excursion_deviation(one, key, Side.LEFT).d

    assert e(1.0) == pytest.approx(0.0, abs=1e-9)
    assert e(0.5) == pytest.approx(e(2.0))
    assert e(block.factor) == pytest.approx(1.0)


@given(st.floats(0.0, 5.0), st.floats(0.0, 5.0), st.floats(0.0, 1.0))
def test_combined_d_lies_between(course: float, excursion: float, share: float) -> None:
    d = combined(course, excursion, share)
    assert min(course, excursion) - 1e-9 <= d <= max(course, excursion) + 1e-9
    assert combined(course, float("nan"), share) == course


def test_excursions_without_a_file_that_has_them_say_nothing() -> None:
    model = learned("squat").model.model_copy(update={"excursions": ()})
    meter = ExcursionMeter(model)
    meter.begin(0.0)
    assert np.isnan(meter.deviation().d)


def test_a_mirror_image_of_a_mirror_image() -> None:
    values = Tracks(recording(positions("side_lunge", "short", 1), "a")).absolute
    twice = mirrored(mirrored(values))
    assert np.array_equal(twice, values, equal_nan=True)


@settings(max_examples=3, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(-2.0, 2.0))
def test_where_one_stands_and_faces_does_not_matter(turn: float, shift: float) -> None:
    points = positions("biceps_curl", "short", 4)
    c, s = np.cos(turn), np.sin(turn)
    moved = points @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) + [shift, 0.5 * shift, 0.0]
    a = learn_exercise([recording(points, "a")], NAMES).model
    b = learn_exercise([recording(moved, "a")], NAMES).model
    assert a.movement == b.movement
    for one, other in zip(a.features, b.features, strict=True):
        for knot, turned in zip(one.ideal["bottom"], other.ideal["bottom"], strict=True):
            assert turned.ideal == pytest.approx(knot.ideal, abs=0.003)


def test_scoring_starts_anywhere() -> None:
    """A learned file in the middle of a set: no crash, and no repetition from half a movement."""
    model = learned("squat").model
    points = positions("squat", "short", 3)
    half = recording(points[int(4.2 * FPS) :], "half")
    ended = scored(model, half)
    assert sum(item.status is RepetitionStatus.VALID for item in ended) in (2, 3)
