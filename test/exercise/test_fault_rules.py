"""Rules of faults on a small exercise of their own: rank, span, hysteresis, limits from the ideal, tempo, doubt."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body import Measurement, Reason
from kinecue.exercise import Phase, RepetitionReason, RepetitionStatus, Severity, Side
from kinecue.exercise.exercise_file import parse_exercise
from kinecue.exercise.faults import FaultFinder, Finding
from kinecue.exercise.features import FEATURES, FeatureFrame
from kinecue.exercise.movement import Movement
from kinecue.exercise.tempo import TEMPO, TempoMeter

RULE = """
  {name}:
    title: A fault
    feature: {feature}
    unit: "{unit}"
    outside: {outside}
    limit: {limit}
    tolerance: {tolerance}
    hold_s: 0.2
    severity: {severity}
    correction: better
    body_part: body
    source: made up
"""
FILE = """
format: 1
name: demo
title: Demo
load_direction: eccentric_first
progress: {feature: knee_flexion, unit: deg, start: 0, full: 100, in_start: 20, left_start: 30, minimal: 50}
features:
  - feature: trunk_lean
    unit: rad
    weight: 1
    ideal: {any: [{at: 0, ideal: 0.0, tolerance: 0.1}, {at: 1, ideal: 0.4, tolerance: 0.1}]}
sources: [made up]
faults:
"""
FRAME_S = 0.05


def rule(name: str, feature: str = "trunk_lean", more: str = "", **fields: object) -> str:
    values: dict[str, object] = {
        "unit": FEATURES[feature].unit, "outside": "above", "limit": 0.5, "tolerance": 0.1, "severity": "risk"
    }  # fmt: skip
    return RULE.format(name=name, feature=feature, **{**values, **fields}) + "".join(
        f"    {line}\n" for line in more.splitlines()
    )


def finder(*rules: str) -> FaultFinder:
    return FaultFinder(parse_exercise(FILE + "".join(rules)))


def frame(**values: Measurement) -> FeatureFrame:
    measurements = {(name, Side.NONE): measured for name, measured in values.items()}
    return FeatureFrame(measurements, np.empty((0, 3)))


def watch(
    found: FaultFinder, leans: list[Measurement], progress: float = 1.0, dt: float = FRAME_S
) -> list[tuple[float, Finding]]:
    """Frames under way; (time, finding)."""
    raised = [(0.0, finding) for finding in found.begin(0.0)]
    for i, lean in enumerate(leans):
        t = (i + 1) * dt
        findings, _ = found.observe(t, dt, Phase.ECCENTRIC, progress, True, frame(trunk_lean=lean), 0.0)
        raised += [(t, finding) for finding in findings]
    return raised


def movement(eccentric_s: float = 1.0, concentric_s: float = 1.0) -> Movement:
    return Movement(
        RepetitionStatus.VALID, RepetitionReason.NONE, 0.0, eccentric_s, eccentric_s + concentric_s, 1.0, 1.7,
        0.05, eccentric_s, 0.0, concentric_s, (1.0 / eccentric_s, 1.0 / concentric_s), (1.6, 1.6),
    )  # fmt: skip


FAR, NEAR = Measurement(0.9, 0.05), Measurement(0.2, 0.05)
PEAK = Measurement(1.7, 0.05)


def test_danger_ranks_above_style_whatever_the_order_of_the_file() -> None:
    found = finder(
        rule("a_style", severity="style"),
        rule("b_danger", severity="danger"),
        rule("c_risk", severity="risk"),
    )
    raised = [finding.rule_name for _, finding in watch(found, [FAR] * 10)]
    assert raised == ["b_danger", "c_risk", "a_style"]
    found.end(True, PEAK, movement())
    assert [span.rule.severity for span in found.spans] == [Severity.DANGER, Severity.RISK, Severity.STYLE]


def test_a_span_lasts_until_the_fault_is_released() -> None:
    found = finder(rule("lean"))
    raised = watch(found, [NEAR] * 10 + [FAR] * 20 + [Measurement(1.2, 0.05)] + [NEAR] * 20)
    assert len(raised) == 1
    t, finding = raised[0]
    assert finding.onset == pytest.approx(11 * FRAME_S)
    assert finding.duration == pytest.approx(t - finding.onset)
    assert (finding.phase, finding.probability > 0.99) == (Phase.ECCENTRIC, True)
    found.end(True, PEAK, movement())
    (span,) = found.spans
    assert span.onset == finding.onset
    assert span.duration == pytest.approx(20 * FRAME_S, abs=FRAME_S)
    assert span.magnitude == pytest.approx(7.0)
    assert span.probability > finding.probability - 1e-12


def test_a_fault_that_comes_back_is_raised_once_and_adds_to_its_span() -> None:
    found = finder(rule("lean"))
    assert len(watch(found, [FAR] * 10 + [NEAR] * 10 + [FAR] * 10)) == 1
    found.end(True, PEAK, movement())
    assert found.spans[0].duration == pytest.approx(18 * FRAME_S, abs=1e-9)


def test_a_doubtful_moment_does_not_end_a_fault() -> None:
    doubtful = Measurement(0.53, 0.05)  # 0.73: less than is needed to believe, not enough to give up
    for middle, expected in ((doubtful, 29), (NEAR, 18)):
        found = finder(rule("lean"))
        watch(found, [FAR] * 10 + [middle] * 10 + [FAR] * 10)
        found.end(True, PEAK, movement())
        assert found.spans[0].duration == pytest.approx(expected * FRAME_S, abs=1e-9)


def test_nothing_is_left_for_the_next_repetition() -> None:
    found = finder(rule("lean"))
    watch(found, [FAR] * 10)
    found.end(True, PEAK, movement())
    assert watch(found, [NEAR] * 10) == []
    found.end(True, PEAK, movement())
    assert found.spans == ()


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, 1.0), st.floats(0.01, 0.2), st.one_of(st.integers(1, 3), st.integers(6, 60)))
def test_looking_longer_never_makes_a_doubtful_fault_certain(value: float, std: float, count: int) -> None:
    """The errors of landmarks are bias: a hundred frames know no more than one."""
    measured = Measurement(value, std)
    believed = 0.5 * math.erfc(-(value - 0.5) / (std * math.sqrt(2.0))) >= 0.85
    raised = watch(finder(rule("lean")), [measured] * count)
    assert bool(raised) == (believed and count >= 6)
    assert all(finding.probability == raised[0][1].probability for _, finding in raised)


@pytest.mark.parametrize("fps", [5, 12, 30, 120])
def test_the_time_to_believe_is_in_seconds(fps: int) -> None:
    ((t, finding),) = watch(finder(rule("lean")), [FAR] * fps, dt=1.0 / fps)
    assert t - finding.onset <= 0.2 + 1.0 / fps


def test_a_limit_counts_from_the_ideal_and_stops_at_safety() -> None:
    relative = "relative_to_ideal: true\nsafety: 0.55"
    # ideal 0 at the start and 0.4 at the bottom; 0.3 over it, but never over 0.55
    for progress, limit in ((0.0, 0.3), (1.0, 0.55)):
        for beyond, expected in ((0.02, 1), (-0.02, 0)):
            found = finder(rule("lean", limit=0.3, more=relative))
            raised = watch(found, [Measurement(limit + beyond, 0.005)] * 10, progress)
            assert len(raised) == expected


def test_a_measurement_coarser_than_the_fault_is_not_judged() -> None:
    found = finder(rule("lean"))
    found.begin(0.0)
    coarse = frame(trunk_lean=Measurement(5.0, 0.3))
    findings, abstentions = found.observe(0.1, 0.1, Phase.ECCENTRIC, 1.0, True, coarse, 0.0)
    assert findings == []
    assert [(a.fault, a.reason) for a in abstentions] == [("lean", Reason.UNCERTAIN)]
    assert [(a.fault, a.reason) for a in found.hidden()] == [("lean", Reason.UNCERTAIN)]


def test_a_feature_that_nothing_measures_is_abstained_from_for_ever() -> None:
    found = finder(rule("rounded_back", "trunk_flexion"))
    found.begin(0.0)
    unseen = frame(trunk_flexion=Measurement.abstained(Reason.UNSUPPORTED))
    for i in range(10):
        findings, abstentions = found.observe(0.1 * i, 0.1, Phase.ECCENTRIC, 1.0, True, unseen, 0.0)
        assert findings == []
        assert abstentions[0].reason is Reason.UNSUPPORTED
    assert found.end(True, PEAK, movement()) == []


# --- tempo ---


def way(times: list[float], values: list[float], frame_s: float = 1 / 30) -> TempoMeter:
    meter = TempoMeter()
    for t in np.arange(0.0, times[-1] + 1e-9, frame_s):
        meter.add(float(t), float(np.interp(t, times, values)), True)
    return meter


def test_tempo_of_a_known_movement() -> None:
    meter = way([0.0, 0.8, 2.0], [0.0, 1.0, 0.0])
    found = meter.measure(movement(0.8, 1.2), eccentric_first=True)
    assert set(found) == set(TEMPO)
    assert found["eccentric_time"].value == pytest.approx(0.8)
    assert found["concentric_time"].value == pytest.approx(1.2)
    assert found["eccentric_share"].value == pytest.approx(0.4)
    assert found["repetition_time"].value == pytest.approx(2.0)
    assert found["outward_first_third"].value == pytest.approx(1 / 3, abs=0.01)
    other = meter.measure(movement(0.8, 1.2), eccentric_first=False)
    assert other["eccentric_time"].value == pytest.approx(1.2)


def test_a_jerked_start_takes_its_first_third_in_less_time() -> None:
    s = np.linspace(0.0, 1.0, 50)
    smooth = way((1.0 * s).tolist() + [2.0], (10 * s**3 - 15 * s**4 + 6 * s**5).tolist() + [0.0])
    jerked = way([0.0, 0.12, 1.0, 2.0], [0.0, 0.34, 1.0, 0.0])
    values = [m.measure(movement(), True)["outward_first_third"].value for m in (smooth, jerked)]
    assert values[0] == pytest.approx(0.40, abs=0.02)
    assert values[1] < 0.15


def test_slow_cameras_know_tempo_less_well() -> None:
    stds = [
        way([0.0, 1.0, 2.0], [0.0, 1.0, 0.0], dt).measure(movement(), True)["eccentric_time"].std
        for dt in (0.01, 0.2)
    ]
    assert stds[0] < 0.06 < 0.2 < stds[1]


def test_a_way_that_was_not_seen_has_no_tempo() -> None:
    found = TempoMeter().measure(movement(), True)
    assert {m.reason for m in found.values()} == {Reason.UNCERTAIN}


@pytest.mark.parametrize(("seconds", "expected"), [(0.4, ["dropped"]), (1.2, [])])
def test_a_way_down_that_is_too_short_is_a_fault_of_the_whole_repetition(
    seconds: float, expected: list[str]
) -> None:
    fast = rule(
        "dropped", "eccentric_time", "judge: end", unit="s", outside="below", limit=0.7, tolerance=0.2
    )
    found = finder(fast)
    found.begin(0.0)
    for i in range(int((seconds + 1.0) * 30) + 1):
        t = i / 30
        progress = float(np.interp(t, [0.0, seconds, seconds + 1.0], [0.0, 1.0, 0.0]))
        findings, abstentions = found.observe(t, 1 / 30, Phase.ECCENTRIC, progress, True, frame(), 0.0)
        assert (findings, abstentions) == ([], ())
    raised = found.end(True, PEAK, movement(seconds, 1.0))
    assert [finding.rule_name for finding in raised] == expected
    assert [span.rule_name for span in found.spans] == expected
    assert found.hidden() == ()


def test_tempo_of_a_movement_that_does_not_count_is_not_judged() -> None:
    fast = rule(
        "dropped", "eccentric_time", "judge: end", unit="s", outside="below", limit=0.7, tolerance=0.2
    )
    found = finder(fast)
    found.begin(0.0)
    for i in range(30):
        found.observe(i / 30, 1 / 30, Phase.ECCENTRIC, i / 30, True, frame(), 0.0)
    assert found.end(False, PEAK, movement(0.3, 0.6)) == []


@pytest.mark.parametrize(("view", "expected"), [(0.0, []), (1.5, ["dropped"]), (float("nan"), [])])
def test_tempo_is_judged_from_its_views_only(view: float, expected: list[str]) -> None:
    text = "judge: end\nviews_deg: [[45, 135]]"
    found = finder(
        rule("dropped", "eccentric_time", text, unit="s", outside="below", limit=0.7, tolerance=0.2)
    )
    found.begin(0.0)
    for i in range(43):
        progress = float(np.interp(i / 30, [0.0, 0.4, 1.4], [0.0, 1.0, 0.0]))
        found.observe(i / 30, 1 / 30, Phase.ECCENTRIC, progress, True, frame(), view)
    assert [finding.rule_name for finding in found.end(True, PEAK, movement(0.4, 1.0))] == expected
    assert [item.reason for item in found.hidden()] == ([] if expected else [Reason.VIEW])
