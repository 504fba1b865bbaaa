"""The overlay and the plot: what a person would see."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body import (
    BLAZEPOSE_33,
    COCO_17,
    Body,
    KineCueError,
    Landmark,
    LandmarkState,
    Measurement,
    Reason,
)
from kinecue.display import AngleTrace, Overlay, draw_overlay, highlighted_bones, plot_set
from kinecue.display.overlay import FAULT, INFERRED, OBSERVED
from kinecue.exercise import (
    Fault,
    FormState,
    Phase,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    Severity,
    Side,
)


def body(state: LandmarkState = LandmarkState.OBSERVED) -> Body:
    rng = np.random.default_rng(2)
    return Body(
        id="abcde",
        stamp_ns=1,
        topology=BLAZEPOSE_33,
        pixels=rng.uniform([250, 150], [600, 440], (33, 2)),
        pixel_std=np.ones(33),
        positions=np.zeros((33, 3)),
        covariances=np.zeros((33, 3, 3)),
        states=np.full(33, int(state), np.uint8),
        confidence=0.9,
        image_size=(640, 480),
    )


def form(**changes: object) -> FormState:
    values: dict[str, object] = {
        "stamp_ns": 1,
        "body_id": "abcde",
        "exercise": "squat",
        "phase": Phase.BOTTOM,
        "stage": "",
        "progress": 1.0,
        "progress_std": 0.1,
        "speed": 0.0,
        "repetition": 3,
        "counted": 2,
        "d": 0.5,
        "d_reason": Reason.NONE,
        **changes,
    }
    return FormState(**values)  # type: ignore[arg-type]


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(picture.astype(int) - colour).max(-1) < 12).sum() > 30)


BLANK = np.full((480, 640, 3), 128, np.uint8)


def test_bones_are_coloured_by_state_and_fault() -> None:
    seen = draw_overlay(BLANK, Overlay(body()))
    assert has(seen, OBSERVED) and not has(seen, INFERRED) and not has(seen, FAULT)
    hidden = draw_overlay(BLANK, Overlay(body(LandmarkState.INFERRED)))
    assert has(hidden, INFERRED) and not has(hidden, OBSERVED)
    faulty = draw_overlay(BLANK, Overlay(body(), form(), (("knees", Side.BOTH),)))
    assert has(faulty, FAULT) and has(faulty, OBSERVED)


def test_the_picture_itself_is_left_alone_and_the_cue_is_written_below() -> None:
    before = BLANK.copy()
    with_cue = draw_overlay(BLANK, Overlay(cue="Knees out"))
    assert (before == BLANK).all()
    assert (with_cue[-80:] != draw_overlay(BLANK, Overlay())[-80:]).any()


@given(
    st.sampled_from([math.nan, math.inf, -math.inf, 1e12, -1e12]),
    st.integers(0, 32),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_strange_numbers_and_tiny_pictures_are_drawn_without_an_error(
    value: float, row: int, width: int, height: int
) -> None:
    strange = body()
    strange.pixels[row] = value
    overlay = Overlay(
        strange,
        form(d=math.nan),
        (("chest", Side.LEFT),),
        "x" * 200,
        {("knee_flexion", Side.LEFT): value},
        value,
    )
    picture = np.zeros((height, width, 3), np.uint8)
    assert draw_overlay(picture, overlay).shape == picture.shape


@pytest.mark.parametrize("topology", [BLAZEPOSE_33, COCO_17], ids=lambda t: t.name)
def test_a_body_part_means_bones_of_its_side(topology) -> None:
    left = {topology.bones[i] for i in highlighted_bones(topology, "knees", Side.LEFT)}
    assert left == {(Landmark.LEFT_HIP, Landmark.LEFT_KNEE), (Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE)}
    assert len(highlighted_bones(topology, "knees", Side.BOTH)) == 4
    assert highlighted_bones(topology, "wings", Side.BOTH) == []


def test_every_body_part_of_the_exercise_files_is_shown() -> None:
    from kinecue.exercise import available_exercises, load_exercise

    for path in available_exercises().values():
        for name, rule in load_exercise(path).faults.items():
            assert highlighted_bones(BLAZEPOSE_33, rule.body_part, Side.BOTH), (
                f"{path.name}: {name}: {rule.body_part}"
            )


def plot(path: Path) -> None:
    times = [n / 10 for n in range(50)]
    trace = AngleTrace("rad", times, [math.sin(t) for t in times], [0.1] * 50)
    nan = Measurement.abstained(Reason.OCCLUDED)
    repetition = Repetition(
        1, RepetitionStatus.VALID, RepetitionReason.NONE, "a", "squat", 0, 10**9, 2 * 10**9, 1.0, "knee_flexion", nan, "rad",
        1.0, 0.1, 1.0, 1.0, 2.0, nan, 0.3, 0.3, 0.3,
    )  # fmt: skip
    fault = Fault(
        "f", "knees_in", 10**9, 10**9, "a", "squat", Phase.BOTTOM, "", 1, Side.NONE, Severity.RISK, 0.9, 1.0,
        "knee_separation_ratio", Measurement(0.7, 0.1), 0.9, "1", "knees_out", "knees",
    )  # fmt: skip
    plot_set(
        path,
        {"knee flexion": trace},
        AngleTrace("1", times, [0.5] * 50),
        [repetition],
        [fault],
        [(1.2, "Knees out")],
        0,
        "t",
    )


def test_the_plot_is_a_picture_with_something_on_it(tmp_path: Path) -> None:
    plot(tmp_path / "angles.png")
    picture = cv2.imread(str(tmp_path / "angles.png"))
    assert picture is not None and picture.shape[0] > 300 and picture.std() > 5
    assert [p.name for p in tmp_path.iterdir()] == ["angles.png"]


def test_a_plot_that_cannot_be_written_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(KineCueError, match=r"angles\.png"):
        plot(tmp_path / "missing" / "angles.png")
