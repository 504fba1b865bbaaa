from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.errors import KineCueError
from kinecue.machine import (
    FLAWS,
    ClockFlaws,
    EncoderFlaws,
    ForceFlaws,
    MachineError,
    SensorFlaws,
    named_flaws,
)
from kinecue.machine.simulated.draws import Channel, Draws, Events

PARTS = (ForceFlaws, EncoderFlaws, ClockFlaws)
NUMBERS = [(part, f) for part in PARTS for f in dataclasses.fields(part) if "low" in f.metadata]


@pytest.mark.parametrize(("part", "field"), NUMBERS, ids=lambda x: getattr(x, "name", None))
def test_every_number_has_a_range_and_is_held_to_it(part, field):
    low, high = field.metadata["low"], field.metadata["high"]
    assert low <= field.default <= high
    for wrong in (low - 1, high + 1, math.nan, math.inf, -math.inf, None, "1", True, [1.0]):
        with pytest.raises(
            MachineError, match=rf"{part.__name__}\.{field.name}: must be .*{high:g}".replace("+", r"\+")
        ):
            part(**{field.name: wrong})


def test_an_encoder_needs_counts_and_a_counter_of_a_size_that_exists():
    with pytest.raises(MachineError, match="counts_per_metre"):
        EncoderFlaws(counts_per_metre=0.0)
    with pytest.raises(MachineError, match="8, 16, 24, 32"):
        EncoderFlaws(counter_bits=17)
    with pytest.raises(MachineError, match=r"inverted.*true or false"):
        EncoderFlaws(inverted=1)


def test_overrides_change_what_they_name():
    made = SensorFlaws().override(" force.noise_n = 2.5,encoder.inverted=True,, encoder.counter_bits=16 ")
    assert made == SensorFlaws(
        ForceFlaws(noise_n=2.5), EncoderFlaws(inverted=True, counter_bits=16), ClockFlaws()
    )
    assert FLAWS["cheap"].override("") == FLAWS["cheap"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("noise", "part.name=value with part force, encoder, clock"),
        ("camera.noise=1", "force, encoder, clock"),
        ("force.noise=1", "noise_n"),
        ("force.noise_n=loud", "0 to 200"),
        ("force.noise_n=-1", "0 to 200"),
        ("force.noise_n=nan", "0 to 200"),
        ("encoder.inverted=perhaps", "true or false"),
        ("encoder.counter_bits=1.5", "a whole number 0 to 64"),
        ("force.noise_n", "part.name=value"),
    ],
)
def test_wrong_overrides_are_refused_with_what_is_allowed(text, words):
    with pytest.raises(KineCueError, match=words.replace(".", r"\.")):
        SensorFlaws().override(text)


@given(st.text(max_size=30))
def test_any_other_text_is_refused(text):
    if text.replace(",", "").strip():
        with pytest.raises(MachineError, match="flaws"):
            SensorFlaws().override(text)
    else:
        assert SensorFlaws().override(text) == SensorFlaws()


def test_named_sets():
    assert {"ideal", "typical", "cheap", "broken_encoder", "wrong_sign", "bad_clock"} <= set(FLAWS)
    assert FLAWS["ideal"] == SensorFlaws()
    assert len(set(FLAWS.values())) == len(FLAWS)
    assert named_flaws("wrong_sign").encoder.inverted
    assert named_flaws("ideal", "clock.offset_s=0.2").clock.offset_s == 0.2
    with pytest.raises(MachineError, match="wrong_sign"):
        named_flaws("none")


def test_draws_are_even_normal_and_of_their_own():
    draws = Draws(1)
    flat = [draws.uniform(Channel.SLIP, i) for i in range(4000)]
    assert 0.0 < min(flat) < 0.002 and 0.998 < max(flat) < 1.0
    assert sum(flat) / 4000 == pytest.approx(0.5, abs=0.02)
    normal = [draws.normal(Channel.SLIP, i) for i in range(4000)]
    assert sum(x * x for x in normal) / 4000 == pytest.approx(1.0, abs=0.08)
    assert sum(abs(x) > 1.96 for x in normal) / 4000 == pytest.approx(0.05, abs=0.012)
    assert draws.uniform(Channel.SLIP, -5) == Draws(1).uniform(Channel.SLIP, -5)
    others = {Draws(2).uniform(Channel.SLIP, 0), Draws(1, 1).uniform(Channel.SLIP, 0)}
    others |= {draws.uniform(Channel.SPIKE, 0), draws.uniform(Channel.SLIP, 0, 1), flat[0]}
    assert len(others) == 5


def test_events_come_as_often_and_last_as_long_as_said():
    events = Events(Draws(5), Channel.POWER_DIP, 12.0, 1.5)
    begins = [b for b in map(events.begin_in, range(3600)) if b is not None]
    assert len(begins) == pytest.approx(720, abs=75)
    for begin in begins[:20]:
        assert events.under_way(begin + 1e-6) is not None
        since = events.under_way(begin + 1.4)
        assert since is not None and since <= begin
    share = sum(events.under_way(i * 0.1) is not None for i in range(36000)) / 36000
    assert share == pytest.approx(1.0 - math.exp(-0.2 * 1.5), abs=0.04)
    assert events.under_way(-3.0) is None
    assert Events(Draws(5), Channel.POWER_DIP, 0.0, 5.0).under_way(100.0) is None
