"""Cable tension at the time of an image, with and without a known clock."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body import Reason
from kinecue.loads.cables import CableTensions
from kinecue.loads.results import LoadSide

S = 1_000_000_000
NOW = 100 * S
PULLEY = (1.0, 0.0, 0.3)


def fed(tension, offset_s: float = 0.0, side: LoadSide = LoadSide.BOTH, **changes) -> CableTensions:
    """Two seconds at 200 Hz up to NOW; `tension` of camera time; the machine's clock is behind by `offset_s`."""
    cables = CableTensions()
    for i in range(400):
        at = NOW - 2 * S + i * 5_000_000
        values = {"pulley_m": PULLEY, **changes}
        cables.add(side, at - round(offset_s * S), at, tension(at / S - 100.0), **values)
    return cables


def ramp(t: float) -> float:
    return 300.0 + 200.0 * t


class TestClock:
    def test_a_steady_load_needs_no_clock(self):
        (reading,) = fed(lambda t: 300.0 + math.sin(40 * t)).at(NOW - S // 2)
        assert reading.tension_n == pytest.approx(300.0, abs=1.0)
        assert reading.tension_std < 6.0
        assert reading.pulley_m == PULLEY

    def test_a_changing_one_does(self):
        (reading,) = fed(ramp).at(NOW - S // 2)
        assert reading.reason == Reason.UNCERTAIN
        assert not reading.usable
        assert math.isnan(reading.tension_n)

    @pytest.mark.parametrize("offset_s", [0.0, 0.4, -3.0, 1e6])
    def test_known_clock(self, offset_s):
        cables = fed(ramp, offset_s)
        cables.clock(LoadSide.BOTH, offset_s, 0.01, known=True)
        (reading,) = cables.at(NOW - S // 2)
        assert reading.tension_n == pytest.approx(200.0, abs=3.0)

    def test_an_uncertain_clock_widens(self):
        stds = []
        for std in (0.01, 0.1):
            cables = fed(ramp, 0.2)
            cables.clock(LoadSide.BOTH, 0.2, std, known=True)
            stds.append(cables.at(NOW - S // 2)[0].tension_std)
        assert stds[1] > 3.0 * stds[0]

    def test_a_lost_clock_is_none(self):
        cables = fed(ramp)
        cables.clock(LoadSide.BOTH, 0.0, 0.01, known=True)
        cables.clock(LoadSide.BOTH, 0.0, 0.01, known=False)
        assert cables.at(NOW - S // 2)[0].reason == Reason.UNCERTAIN

    def test_of_its_own_side(self):
        cables = fed(ramp, side=LoadSide.LEFT)
        cables.clock(LoadSide.RIGHT, 0.0, 0.01, known=True)
        assert cables.at(NOW - S // 2)[0].reason == Reason.UNCERTAIN
        cables.clock(LoadSide.LEFT, 0.0, 0.01, known=True)
        assert cables.at(NOW - S // 2)[0].usable


class TestWhatIsNotUsed:
    def test_a_machine_that_fell_silent_is_not_there(self):
        assert fed(ramp).at(NOW + 2 * S) == ()
        assert CableTensions().at(NOW) == ()

    def test_flagged_samples(self):
        assert fed(lambda _: 300.0, usable=False).at(NOW)[0].reason == Reason.NO_SENSOR
        assert fed(lambda _: math.nan).at(NOW)[0].reason == Reason.NO_SENSOR

    def test_without_a_pulley_no_direction(self):
        nowhere = (math.nan,) * 3
        assert fed(lambda _: 300.0, pulley_m=nowhere).at(NOW)[0].reason == Reason.NOT_CALIBRATED

    def test_a_clock_that_says_it_was_long_ago(self):
        cables = fed(lambda _: 300.0)
        cables.clock(LoadSide.BOTH, 50.0, 0.01, known=True)
        assert cables.at(NOW)[0].reason == Reason.STALE

    def test_a_machine_that_began_anew(self):
        cables = fed(lambda _: 300.0)
        for i in range(100):
            cables.add(LoadSide.BOTH, i * 5_000_000, NOW + i * 5_000_000, 500.0, PULLEY)
        assert cables.at(NOW + S // 2)[0].tension_n == pytest.approx(500.0)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(list(LoadSide)),
                st.integers(0, 20 * S),
                st.integers(0, 20 * S),
                st.floats(),
            ),
            max_size=40,
        ),
        st.integers(0, 25 * S),
    )
    def test_whatever_comes(self, samples, at):
        cables = CableTensions()
        for side, stamp, received, tension in samples:
            cables.add(side, stamp, received, tension, PULLEY)
        for reading in cables.at(at):
            assert reading.usable == math.isfinite(reading.tension_n)
            assert not reading.usable or reading.tension_n >= 0.0
