"""Compression and shear at L5/S1 against hand calculation and published figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.loads import spine
from kinecue.loads.interval import SAMPLES, Spreads, normals, spread
from kinecue.loads.spine import SpineNet, spine_load


def net(extension: float, down: float = 0.0, lean: float = 0.0, **changes: float | str) -> SpineNet:
    return SpineNet(
        **{
            "extension": extension,
            "extension_std": 0.0,
            "down": down,
            "forward": 0.0,
            "force_std": 0.0,
            "lean": lean,
            **changes,
        }  # type: ignore[arg-type]
    )


class TestAgainstHandCalculation:
    def test_upright_without_moment_is_weight_on_an_inclined_disc(self):
        load = spine_load(net(0.0, 400.0))
        assert load.compression.value == pytest.approx(400.0 * math.cos(math.radians(40)), rel=1e-12)
        assert load.shear.value == pytest.approx(400.0 * math.sin(math.radians(40)), rel=1e-12)

    def test_extensor(self):
        # 300 N m at 6 cm: 5,000 N, of which cos 5 deg along the disc's axis and a tenth more for the abdominals
        load = spine_load(net(300.0, sex="male"))
        assert load.compression.value == pytest.approx(5000.0 * (math.cos(math.radians(5)) + 0.1), rel=1e-12)
        assert load.shear.value == pytest.approx(-5000.0 * math.sin(math.radians(5)), rel=1e-12)

    def test_flexion_moment_works_the_abdomen(self):
        assert spine_load(net(-50.0)).compression.value == pytest.approx(500.0, rel=1e-12)

    def test_force_forwards_shears_and_unloads(self):
        load = spine_load(net(0.0, forward=100.0, lean=-math.radians(40.0) / spine.PELVIS_SHARE))
        assert load.shear.value == pytest.approx(100.0, rel=1e-9)
        assert load.compression.value == pytest.approx(0.0, abs=1e-9)

    def test_side_bending_adds(self):
        assert spine_load(net(0.0, lateral=-30.0)).compression.value == pytest.approx(300.0, rel=1e-12)
        assert spine_load(net(0.0, lateral=30.0)).compression.value == pytest.approx(300.0, rel=1e-12)


class TestAgainstPublishedFigures:
    def test_national_power_lifters(self):
        """Cholewicki 1991 (abstract): 988 N m with a lever of 6 cm at 5 deg, compression up to 17.2 kN on average.

        The model there has no antagonists; the net force of upper body and bar is not in the abstract, 2.5 kN is a bar of
        200 kg with the upper body of 90 kg.
        """
        load = spine_load(net(988.0, 2500.0, math.radians(45.0), extension_std=30.0, sex="male"))
        assert load.compression.low < 17_192.0 < load.compression.high
        assert load.compression.value == pytest.approx(17_192.0, rel=0.15)

    def test_shear_is_less_certain_than_compression(self):
        load = spine_load(net(684.0, 1250.0, math.radians(70.0), extension_std=40.0, sex="male"))
        # what is not known of shear is larger than the shear itself: nothing can be built on it
        assert load.shear.high - load.shear.low > 2.0 * abs(load.shear.value)
        assert load.compression.high - load.compression.low < 0.7 * load.compression.value

    def test_deadlift_with_100_kg(self):
        """The 8 to 10 kN that models with one muscle give (450 to 500 N m for 100 kg)."""
        load = spine_load(net(475.0, 1500.0, math.radians(55.0), extension_std=30.0, force_std=0.03))
        assert 8_000.0 < load.compression.value < 10_500.0


class TestIntervals:
    def test_same_input_same_answer(self):
        one, two = (spine_load(net(300.0, 900.0, 0.8, extension_std=20.0, force_std=0.05)) for _ in range(2))
        assert np.array_equal(one.compression.samples, two.compression.samples)
        assert one == two

    def test_against_a_large_random_draw(self):
        """The fixed points give the interval that 400,000 random ones give."""
        n, rng = 400_000, np.random.default_rng(4)
        moment = 300.0 + 25.0 * rng.normal(size=n)
        arm = 0.057 * np.exp(0.10 * rng.normal(size=n) + 0.08 * rng.normal(size=n))
        angle = math.radians(5) + math.radians(6) * rng.normal(size=n)
        extra = np.maximum(0.1 + 0.05 * rng.normal(size=n), 0.0)
        slope = math.radians(40) + (0.7 + 0.15 * rng.normal(size=n)) * 0.9
        slope += math.hypot(0.7 * 0.1, math.radians(8)) * rng.normal(size=n)
        down = 900.0 * (1.0 + 0.04 * rng.normal(size=n))
        drawn = down * np.cos(slope) + moment / arm * (np.cos(angle) + extra)
        found = spine_load(net(300.0, 900.0, 0.9, extension_std=25.0, force_std=0.04, lean_std=0.1))
        low, high = np.quantile(drawn, (0.05, 0.95))
        assert found.compression.low == pytest.approx(low, abs=0.10 * drawn.std())
        assert found.compression.high == pytest.approx(high, abs=0.10 * drawn.std())
        assert found.compression.std == pytest.approx(drawn.std(), rel=0.05)

    @pytest.mark.parametrize(
        ("more", "factor"),
        [({"extension_std": 60.0}, 1.15), ({"force_std": 0.6}, 1.02), ({"lean_std": 1.0}, 1.02)],
    )
    def test_whatever_is_less_certain_widens_it(self, more, factor):
        base = {"extension_std": 10.0, "force_std": 0.02, "lean_std": 0.02}
        narrow = spine_load(net(250.0, 1200.0, 0.9, **base)).compression
        wide = spine_load(net(250.0, 1200.0, 0.9, **{**base, **more})).compression
        assert wide.high - wide.low > factor * (narrow.high - narrow.low)

    def test_lever_arm_alone_gives_an_eighth(self):
        load = spine_load(net(400.0)).compression
        assert load.std / load.value == pytest.approx(math.hypot(0.10, 0.08, 0.05 / 1.1), rel=0.1)

    @given(
        moment=st.floats(-300, 1500),
        std=st.floats(0, 200),
        down=st.floats(-500, 5000),
        forward=st.floats(-1000, 1000),
        lean=st.floats(-1.6, 3.0),
        lateral=st.floats(-200, 200),
    )
    def test_value_within_its_interval(self, moment, std, down, forward, lean, lateral):
        load = spine_load(
            net(moment, down, lean, extension_std=std, forward=forward, lateral=lateral, force_std=0.05)
        )
        for one in (load.compression, load.shear):
            assert one.low <= one.value <= one.high
            assert one.std >= 0.0
            assert one.samples.shape == (SAMPLES,)

    @given(moment=st.floats(10, 800), more=st.floats(1, 400))
    def test_more_moment_more_compression(self, moment, more):
        assert spine_load(net(moment + more)).compression.value > spine_load(net(moment)).compression.value

    @pytest.mark.parametrize("field", ["extension", "down", "lean", "extension_std"])
    def test_nothing_follows_from_nan(self, field):
        with pytest.raises(ValueError, match="finite"):
            spine_load(net(**{"extension": 100.0, field: math.nan}))  # type: ignore[arg-type]

    def test_negative_spread(self):
        with pytest.raises(ValueError, match="0 or more"):
            spine_load(net(100.0, extension_std=-1.0))


class TestPoints:
    def test_rows_are_standard_and_hardly_correlated(self):
        rows = normals(10)
        assert np.abs(rows.mean(1)).max() < 1e-12
        assert np.abs(rows.std(1) - 1.0).max() < 1e-12
        assert np.abs(np.corrcoef(rows) - np.eye(10)).max() < 1e-9

    def test_a_name_is_the_same_error_everywhere(self):
        spreads = Spreads("a", "b")
        assert spreads["a"] is not spreads["b"]
        assert np.array_equal(spreads["a"], Spreads("a", "b")["a"])
        with pytest.raises(KeyError):
            spreads["c"]

    def test_probability(self):
        found = spread(0.0, normals(1)[0])
        assert found.probability_above(1.6449) == pytest.approx(0.05, abs=0.005)
        assert found.probability_above(math.nan) == 0.0
        assert (found.low, found.high) == pytest.approx((-1.6449, 1.6449), abs=0.03)

    @pytest.mark.parametrize("samples", [np.zeros(3), np.full(SAMPLES, math.nan)])
    def test_refuses_what_is_no_sample(self, samples):
        with pytest.raises(ValueError, match=r"spread"):
            spread(0.0, samples)
