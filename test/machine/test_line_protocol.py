"""The line protocol: whole lines come out as they went in, and nothing else comes out whatever goes in."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.measurement import Reason, Validity
from kinecue.machine.drivers import line_protocol
from kinecue.machine.drivers.base import DriverError
from kinecue.machine.drivers.line_protocol import LineDecoder, checksum, encode, sentence
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample

SIDES = st.sampled_from(list(CableSide))
NUMBERS = st.floats(-50.0, 50.0).map(lambda value: round(value, 3))


@st.composite
def lines(draw, count):
    """Lines of one device with rising numbers, as bytes."""
    return [
        encode(
            draw(SIDES),
            number,
            clock_us=draw(st.none() | st.integers(0, 2**32 - 1)),
            count=draw(st.none() | st.integers(-(2**31), 2**31)),
            position_m=draw(NUMBERS | st.just(math.nan)),
            speed_m_s=draw(NUMBERS),
            tension_n=draw(st.floats(0.0, 5000.0).map(lambda value: round(value, 1))),
        )
        for number in range(draw(st.integers(0, count)))
    ]


def started() -> LineDecoder:
    """A decoder that has seen the end of a line."""
    decoder = LineDecoder()
    decoder.feed(b"\n")
    return decoder


def test_the_checksum_is_the_standard_one():
    # check value of CRC-16/CCITT-FALSE (IBM 3740) in the catalogue of parametrised CRCs
    assert checksum(b"123456789") == 0x29B1


def test_every_example_in_the_documentation_is_a_line():
    examples = re.findall(r"^ *(\$K[CI],.*)$", line_protocol.__doc__, re.MULTILINE)
    whole = [line for line in examples if "<" not in line]
    assert whole
    for line in whole:
        decoder = started()
        decoder.feed(line.encode() + b"\n")
        assert (decoder.counts.received, decoder.counts.bad) == (1, 0)


def test_a_line_becomes_both_samples():
    (line,) = LineDecoder().feed(
        encode(CableSide.LEFT, 17, 1_203_400, 2512, 0.5024, -0.31, 196.4, load_n=200.0, flags=2)
    )
    cable, encoder = line.samples(77)
    assert (line.side, line.clock_us) == (CableSide.LEFT, 1_203_400)
    assert isinstance(cable, CableSample) and isinstance(encoder, EncoderSample)
    assert (cable.tension_n, cable.load_n, cable.speed_m_s) == (196.4, 200.0, -0.31)
    assert cable.flags == CableFlag.ECCENTRIC_OVERLOAD
    assert (encoder.position_m, encoder.count, encoder.direction) == (0.5024, 2512, Direction.BACK)
    assert cable.stamp_ns == encoder.stamp_ns == 77
    assert encoder.valid and encoder.side == cable.side == CableSide.LEFT


def test_counts_alone_are_no_position_yet():
    (line,) = LineDecoder().feed(sentence("KC,R,65535,,-88,,,,812233,,"))
    cable, encoder = line.samples(77)
    assert line.clock_us is None
    assert (encoder.count, encoder.validity, encoder.reason) == (
        -88,
        Validity.ABSTAINED,
        Reason.NOT_CALIBRATED,
    )
    assert math.isnan(encoder.position_m) and math.isnan(encoder.counts_per_metre)
    assert cable.raw == 812233.0 and math.isnan(cable.tension_n)


def test_a_force_without_an_encoder_and_an_encoder_without_a_force():
    decoder = LineDecoder()
    (force,) = decoder.feed(sentence("KC,N,0,,,,,-0.4,,,"))
    (way,) = decoder.feed(sentence("KC,N,1,,,0.25,,,,,"))
    assert [type(s) for s in force.samples(0)] == [CableSample]
    assert force.samples(0)[0].tension_n == 0.0, "a load cell at rest reads a little below zero"
    assert force.samples(0)[0].raw == -0.4, "which the calibration of its zero needs"
    assert [type(s) for s in way.samples(0)] == [EncoderSample]
    assert math.isnan(way.samples(0)[0].speed_m_s)


@given(lines(8), st.lists(st.integers(0, 400), max_size=8))
def test_how_the_bytes_are_cut_does_not_matter(made, cuts):
    data = b"".join(made)
    whole = LineDecoder().feed(data)
    pieces, decoder, begin = [], LineDecoder(), 0
    for cut in [*sorted(cuts), len(data)]:
        pieces += decoder.feed(data[begin : max(cut, begin)])
        begin = max(cut, begin)
    assert repr(pieces) == repr(whole)
    assert len(whole) == len(made) == decoder.counts.received
    assert decoder.counts.bad == 0


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_noise_makes_no_sample(pieces):
    decoder = LineDecoder()
    for piece in pieces:
        assert decoder.feed(piece.replace(b"$K", b"")) == []
    assert decoder.counts.received == 0


@given(st.binary(max_size=400).filter(lambda noise: b"$K" not in noise), st.integers(0, 60_000))
def test_after_noise_and_an_end_of_line_the_next_line_is_read(noise, number):
    decoder = started()
    line = encode(CableSide.NONE, number, position_m=0.5)
    got = decoder.feed(noise + b"\n" + line)
    assert [one.samples(0)[0].position_m for one in got] == [0.5]


@given(st.data())
def test_a_line_with_a_wrong_byte_is_not_taken(data):
    line = encode(CableSide.LEFT, 5, 1000, 2512, 0.5, 0.31, 196.4, load_n=200.0)
    place = data.draw(st.integers(0, len(line) - 2))
    wrong = data.draw(st.integers(0, 255).filter(lambda byte: byte not in (line[place], 10, 13, 32)))
    damaged = line[:place] + bytes([wrong]) + line[place + 1 :]
    decoder = started()
    taken = decoder.feed(damaged)
    # the letter case of the checksum is free
    if taken:
        assert damaged.lower() == line.lower()
    else:
        assert decoder.counts.bad > 0
        assert decoder.counts.last_bad


def test_a_line_that_was_cut_off_does_not_take_the_next_one_with_it():
    first, second = (encode(CableSide.LEFT, n, position_m=0.1 * n) for n in (1, 2))
    decoder = started()
    (line,) = decoder.feed(first[:12] + second)
    assert line.samples(0)[0].position_m == pytest.approx(0.2)
    assert decoder.counts.bad == 1


def test_the_end_of_a_line_right_after_opening_is_nobodys_fault():
    decoder = LineDecoder()
    line = encode(CableSide.LEFT, 1, position_m=0.1)
    assert len(decoder.feed(line[9:] + line)) == 1
    assert decoder.counts.bad == 0
    decoder.restart()
    assert len(decoder.feed(line[9:] + line)) == 1
    assert decoder.counts.bad == 0


def test_lost_and_repeated_lines_are_counted_for_each_side_and_over_the_wrap():
    decoder = LineDecoder()

    def hear(side, number):
        return len(decoder.feed(encode(side, number, position_m=0.0)))

    for number in (65533, 65534, 1, 2, 2, 3):
        hear(CableSide.LEFT, number)
    for number in (10, 11, 15):
        hear(CableSide.RIGHT, number)
    assert decoder.counts.lost == 2 + 3
    assert decoder.counts.repeated == 1
    assert decoder.counts.received == 8
    # a device that begins anew has not lost half of all numbers
    hear(CableSide.RIGHT, 0)
    assert decoder.counts.lost == 5
    decoder.restart()
    hear(CableSide.LEFT, 900)
    assert decoder.counts.lost == 5


@pytest.mark.parametrize(
    "content",
    [
        "KC,L,1,2,3",
        "KC,X,1,,,0.1,,,,,",
        "KC,L,65536,,,0.1,,,,,",
        "KC,L,1,4294967296,,0.1,,,,,",
        "KC,L,1,,9223372036854775808,,,,,,",
        "KC,L,1,,,nan,,,,,",
        "KC,L,1,,,inf,,,,,",
        "KC,L,1,,,1e5,,,,,",
        "KC,L,1,,,1_0,,,,,",
        "KC,L,1,,,101,,,,,",
        "KC,L,1,,,,-101,,,,",
        "KC,L,1,,,,,100001,,,",
        "KC,L,,,,0.1,,,,,",
        "KC,L,1,,,0.1,,,,,-1",
    ],
)
def test_fields_that_no_cable_has_are_refused(content):
    decoder = started()
    assert decoder.feed(sentence(content)) == []
    assert (decoder.counts.bad, decoder.counts.received) == (1, 0)


def test_unknown_flags_and_later_fields_are_ignored():
    (line,) = LineDecoder().feed(sentence("KC,L,1,,,,,5,,,4294967295,more,and more"))
    assert line.samples(0)[0].flags == CableFlag(127)


def test_other_sentences_are_left_alone_and_another_version_is_told():
    decoder = started()
    assert decoder.feed(sentence("GPGGA,123519,4807.038,N") + sentence("KI,1,tower_3")) == []
    assert decoder.machine == "tower_3"
    assert decoder.counts.bad == 0
    with pytest.raises(DriverError, match=r"version 2.*allowed: 1"):
        decoder.feed(sentence("KI,2,tower_3"))


def test_an_endless_line_is_dropped_and_the_next_one_read():
    decoder = started()
    for _ in range(50):
        decoder.feed(b"x" * 100)
    got = decoder.feed(b"\n" + encode(CableSide.NONE, 1, position_m=0.5))
    assert len(got) == 1
    assert decoder.counts.bad > 0
