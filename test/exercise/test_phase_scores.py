"""A repetition in detail: its phases and the shares of its features."""

from __future__ import annotations

import itertools
import math

import pytest
from joint_athlete import Recorder, score, squat, stand

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise import Phase, Severity, Side
from kinecue.exercise.deviation import Deviation
from kinecue.exercise.phase_scores import MovementScores
from kinecue.exercise.results import FeatureDeviation


def moment(**values: tuple[float, float]) -> Deviation:
    """D of features given as (deviation in tolerances, weight)."""
    parts = {name: weight * off * off for name, (off, weight) in values.items()}
    total = sum(parts.values())
    terms = tuple(
        FeatureDeviation(
            name, "rad", Measurement(0.1 * off, 0.0), 0.0, 0.1, weight, parts[name] / total if total else 0.0
        )
        for name, (off, weight) in values.items()
    )
    return Deviation(math.sqrt(total), Reason.NONE, terms)


def fill(scores, phase, seconds, start, fps=50, **values):
    for n in range(round(seconds * fps)):
        scores.add(start + n / fps, 1 / fps, phase, "", moment(**values))


def test_means_are_over_time_and_shares_over_d_squared():
    scores = MovementScores()
    fill(scores, Phase.ECCENTRIC, 3.0, 0.0, lean=(1.0, 0.5), depth=(0.0, 0.5))
    fill(scores, Phase.CONCENTRIC, 1.0, 3.0, lean=(0.0, 0.5), depth=(-2.0, 0.5))
    assert scores.mean(Phase.ECCENTRIC) == pytest.approx(math.sqrt(0.5))
    assert scores.mean(Phase.CONCENTRIC) == pytest.approx(math.sqrt(2.0))
    assert scores.mean() == pytest.approx((3 * math.sqrt(0.5) + math.sqrt(2.0)) / 4)
    assert math.isnan(scores.mean(Phase.HOLD))
    first, second = scores.shares()
    assert (first.name, second.name) == ("depth", "lean")
    assert first.share == pytest.approx(2.0 / 3.5)
    assert first.share + second.share == pytest.approx(1.0)
    assert first.deviation == pytest.approx(-0.5)
    assert second.deviation == pytest.approx(0.75)


def test_phases_in_the_order_of_time_without_glimpses():
    scores = MovementScores()
    fill(scores, Phase.ECCENTRIC, 1.0, 0.0, lean=(1.0, 1.0))
    fill(scores, Phase.HOLD, 0.04, 1.0, lean=(1.0, 1.0))
    fill(scores, Phase.ECCENTRIC, 0.5, 1.04, lean=(1.0, 1.0))
    fill(scores, Phase.BOTTOM, 0.3, 1.54, lean=(1.0, 1.0))
    fill(scores, Phase.CONCENTRIC, 1.0, 1.84, lean=(0.2, 1.0))
    phases = scores.phases(0.0, 2.9, lambda t: round(t * 1e9))
    assert [p.phase for p in phases] == [Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC]
    assert phases[0].start_ns == 0
    assert phases[-1].end_ns == 2_900_000_000
    for one, two in itertools.pairwise(phases):
        assert one.start_ns <= one.end_ns <= two.start_ns
    assert phases[2].d == pytest.approx(0.2)


def test_what_could_not_be_measured_has_no_d():
    scores = MovementScores()
    scores.add(0.0, 0.1, Phase.ECCENTRIC, "", Deviation(math.nan, Reason.VIEW, ()))
    assert math.isnan(scores.mean())
    assert scores.shares() == ()
    assert MovementScores().phases(0.0, 1.0, round) == ()


def test_a_repetition_tells_its_phases_shares_and_faults():
    found = score([stand(1.0), squat(3.0, ratio=0.55), stand(1.0)], recorder=Recorder(std=0.01))
    (rep,) = found.valid
    phases = [p.phase for p in rep.phases]
    assert phases[0] is Phase.ECCENTRIC
    assert phases[-1] is Phase.CONCENTRIC
    assert Phase.BOTTOM in phases
    assert rep.phases[0].start_ns == rep.start_ns
    assert rep.phases[-1].end_ns == rep.end_ns
    assert rep.side is Side.BOTH
    assert math.isnan(rep.held_s)
    assert sum(s.share for s in rep.shares) == pytest.approx(1.0, abs=0.02)
    assert rep.shares[0].name == "knee_separation_ratio"
    assert rep.shares[0].deviation < 0.0
    (detail,) = [d for d in rep.fault_details if d.name == "knees_in"]
    assert rep.faults[0] == "knees_in"
    assert detail.severity >= Severity.RISK
    assert rep.start_ns <= detail.onset_ns <= rep.end_ns
    assert 0.0 < detail.duration < 3.0
    assert 0.8 <= detail.probability <= 1.0
    assert detail.magnitude > 0.0
    assert detail.phase in phases
