"""Core to message and back: nothing is lost on the way."""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinecue.body import BLAZEPOSE_33, COCO_17, Body, Measurement, Reason, Validity
from kinecue.coaching.cue import Cue, CueKind, Outcome, SpeechStatus
from kinecue.exercise import results as r
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes import score_conversions as scores
from kinecue.nodes.base import ns_to_stamp, stamp_to_ns
from kinecue.nodes.coaching_conversions import cue_to_msg
from kinecue.nodes.machine_conversions import cable_to_msg, encoder_to_msg
from kinecue_msgs import msg

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STAMPS = st.integers(0, 2**31 * 10**9 - 1)
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
WIDE = st.floats(allow_nan=True, allow_infinity=True)
NARROW = st.floats(width=32, allow_nan=True, allow_infinity=True)
COUNTS = st.integers(0, 2**32 - 1)
MEASUREMENTS = st.builds(Measurement, WIDE, WIDE, st.sampled_from(Validity), st.sampled_from(Reason))
ABSTENTIONS = st.builds(r.Abstention, WORDS, st.sampled_from(Reason))


def same(a: object, b: object) -> bool:
    """Equal, where NaN equals NaN."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=False))
    if isinstance(a, np.ndarray):
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, f), getattr(b, f)) for f in a.__dataclass_fields__)
    return a == b


@given(STAMPS)
def test_stamp(stamp_ns):
    assert stamp_to_ns(ns_to_stamp(stamp_ns)) == stamp_ns


def test_stamp_before_the_epoch_is_the_epoch():
    assert stamp_to_ns(ns_to_stamp(-5)) == 0


@SETTINGS
@given(data=st.data())
def test_body(data):
    draw = data.draw
    topology = draw(st.sampled_from([BLAZEPOSE_33, COCO_17]))
    n = len(topology)
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    states = random.integers(0, 3, n).astype(np.uint8)
    # pixels and the joint covariance travel as float32
    pixels = random.normal(300, 200, (n, 2)).astype(np.float32).astype(float)
    positions = random.normal(0, 2, (n, 3))
    positions[states == 0] = np.nan
    pixels[random.random(n) < 0.1] = np.nan
    covariances = random.normal(0, 1, (n, 3, 3))
    joints = tuple(topology.landmarks[i] for i in random.permutation(n)[: draw(st.integers(0, 8))])
    joint_covariance = None
    if joints:
        half = random.normal(0, 1, (3 * len(joints), 3 * len(joints)))
        joint_covariance = (half + half.T).astype(np.float32).astype(float)
    body = Body(
        id=draw(WORDS),
        stamp_ns=draw(STAMPS),
        topology=topology,
        pixels=pixels,
        pixel_std=random.random(n).astype(np.float32).astype(float),
        positions=positions,
        covariances=covariances,
        states=states,
        confidence=draw(st.floats(0, 1, width=32)),
        image_size=(draw(COUNTS), draw(COUNTS)),
        view=draw(NARROW),
        calibrated=draw(st.booleans()),
        camera_calibrated=draw(st.booleans()),
        truncated=draw(st.booleans()),
        joint_landmarks=joints,
        joint_covariance=joint_covariance,
    )
    message = convert.body_to_msg(body, "base", active=draw(st.booleans()))
    assert message.header.frame_id == "base"
    assert same(convert.body_from_msg(message), body)


FORMS = st.builds(
    r.FormState,
    stamp_ns=STAMPS,
    body_id=WORDS,
    exercise=WORDS,
    phase=st.sampled_from(r.Phase),
    stage=WORDS,
    progress=NARROW,
    progress_std=NARROW,
    speed=NARROW,
    repetition=COUNTS,
    counted=COUNTS,
    d=NARROW,
    d_reason=st.sampled_from(Reason),
    deviations=st.lists(
        st.builds(
            r.FeatureDeviation,
            WORDS,
            WORDS,
            MEASUREMENTS,
            WIDE,
            WIDE,
            NARROW,
            NARROW,
            st.sampled_from(r.Side),
        ),
        max_size=3,
    ).map(tuple),
    abstentions=st.lists(ABSTENTIONS, max_size=3).map(tuple),
)


@SETTINGS
@given(FORMS)
def test_form(form):
    assert same(scores.form_from_msg(scores.form_to_msg(form, "base")), form)


FAULTS = st.builds(
    r.Fault,
    id=WORDS,
    name=WORDS,
    stamp_ns=STAMPS,
    onset_ns=STAMPS,
    body_id=WORDS,
    exercise=WORDS,
    phase=st.sampled_from(r.Phase),
    stage=WORDS,
    repetition=COUNTS,
    side=st.sampled_from(r.Side),
    severity=st.sampled_from(r.Severity),
    probability=NARROW,
    magnitude=NARROW,
    feature=WORDS,
    measured=MEASUREMENTS,
    limit=WIDE,
    unit=WORDS,
    correction=WORDS,
    body_part=WORDS,
    say_in=st.lists(st.sampled_from(r.Phase), max_size=4).map(tuple),
    duration=NARROW,
)


@SETTINGS
@given(FAULTS)
def test_fault(fault):
    assert same(scores.fault_from_msg(scores.fault_to_msg(fault, "base")), fault)


SIDES = st.sampled_from(r.Side)
SHARES = st.lists(
    st.builds(r.FeatureShare, name=WORDS, side=SIDES, share=NARROW, deviation=NARROW), max_size=3
).map(tuple)
PHASE_SCORES = st.builds(
    r.PhaseScore,
    phase=st.sampled_from(r.Phase),
    stage=WORDS,
    start_ns=STAMPS,
    end_ns=STAMPS,
    d=NARROW,
    shares=SHARES,
)
REPETITION_FAULTS = st.builds(
    r.RepetitionFault,
    name=WORDS,
    side=SIDES,
    phase=st.sampled_from(r.Phase),
    stage=WORDS,
    severity=st.sampled_from(r.Severity),
    onset_ns=STAMPS,
    duration=NARROW,
    probability=NARROW,
    magnitude=NARROW,
)
REPETITIONS = st.builds(
    r.Repetition,
    number=COUNTS,
    status=st.sampled_from(r.RepetitionStatus),
    reason=st.sampled_from(r.RepetitionReason),
    body_id=WORDS,
    exercise=WORDS,
    start_ns=STAMPS,
    bottom_ns=STAMPS,
    end_ns=STAMPS,
    range=NARROW,
    feature=WORDS,
    feature_peak=MEASUREMENTS,
    unit=WORDS,
    eccentric_s=NARROW,
    pause_s=NARROW,
    concentric_s=NARROW,
    mean_speed=NARROW,
    peak_speed=NARROW,
    asymmetry=MEASUREMENTS,
    d=NARROW,
    d_eccentric=NARROW,
    d_concentric=NARROW,
    faults=st.lists(WORDS, max_size=3).map(tuple),
    source=WORDS,
    side=SIDES,
    held_s=NARROW,
    phases=st.lists(PHASE_SCORES, max_size=3).map(tuple),
    shares=SHARES,
    fault_details=st.lists(REPETITION_FAULTS, max_size=2).map(tuple),
)


@SETTINGS
@given(REPETITIONS)
def test_repetition(repetition):
    assert same(scores.repetition_from_msg(scores.repetition_to_msg(repetition, "base")), repetition)


@SETTINGS
@given(
    st.lists(st.tuples(WORDS, NARROW), max_size=4).flatmap(
        lambda pairs: st.builds(
            r.Recognised,
            stamp_ns=STAMPS,
            body_id=WORDS,
            exercise=WORDS,
            probability=NARROW,
            candidates=st.just(tuple(name for name, _ in pairs)),
            probabilities=st.just(tuple(value for _, value in pairs)),
        )
    )
)
def test_recognition(found):
    assert same(scores.recognition_from_msg(scores.recognition_to_msg(found, "base")), found)


def test_recognition_needs_a_probability_for_each_candidate():
    message = msg.ExerciseRecognition(candidates=["squat", "deadlift"], probabilities=[0.5])
    with pytest.raises(parts.MessageError, match="probabilities has 1 values, expected 2"):
        scores.recognition_from_msg(message)


UNCOUNTED = (r.RepetitionStatus.PARTIAL, r.RepetitionStatus.FAILED, r.RepetitionStatus.ABANDONED)
SETS = st.builds(
    r.SetSummary,
    set_id=WORDS,
    body_id=WORDS,
    exercise=WORDS,
    active=st.booleans(),
    start_ns=STAMPS,
    end_ns=STAMPS,
    counted=COUNTS,
    not_counted=st.fixed_dictionaries(dict.fromkeys(UNCOUNTED, COUNTS)),
    d=NARROW,
    faults=st.dictionaries(WORDS, COUNTS, max_size=3),
    abstained=st.lists(ABSTENTIONS, max_size=3).map(tuple),
    load_kg=NARROW,
)


@SETTINGS
@given(SETS)
def test_set(summary):
    assert same(scores.set_from_msg(scores.set_to_msg(summary, "base")), summary)


def test_set_without_uncounted_repetitions_holds_zeros():
    summary = r.SetSummary("s", "a", "squat", True, 1, 2, 3)
    message = scores.set_to_msg(summary, "")
    assert (message.partial, message.failed, message.abandoned) == (0, 0, 0)


@SETTINGS
@given(MEASUREMENTS, WORDS, st.sampled_from(r.Side), WORDS)
def test_angle(measured, name, side, unit):
    message = parts.angle_to_msg(name, side, unit, measured)
    assert (message.name, message.side, message.unit) == (name, side, unit)
    assert same(parts.measurement_from_msg(message), measured)


@SETTINGS
@given(
    st.builds(
        Cue,
        id=WORDS,
        kind=st.sampled_from(CueKind),
        priority=st.integers(-10, 500),
        text=WORDS,
        screen_text=WORDS,
        language=WORDS,
        body_id=WORDS,
        exercise=WORDS,
        repetition=COUNTS,
        body_part=WORDS,
        correction=WORDS,
        fault_ids=st.lists(WORDS, max_size=3).map(tuple),
        fault_stamp_ns=STAMPS,
        trigger_stamp_ns=STAMPS,
        created_ns=STAMPS,
        expires_ns=STAMPS,
        reason=WORDS,
    )
)
def test_cue(cue):
    message = cue_to_msg(cue)
    for name in ("id", "kind", "text", "screen_text", "language", "body_id", "exercise", "repetition"):
        assert getattr(message, name) == getattr(cue, name)
    for name in ("body_part", "correction", "reason"):
        assert getattr(message, name) == getattr(cue, name)
    assert message.priority == min(max(cue.priority, 0), 255)
    assert tuple(message.fault_ids) == cue.fault_ids
    assert stamp_to_ns(message.header.stamp) == cue.trigger_stamp_ns
    assert stamp_to_ns(message.fault_stamp) == cue.fault_stamp_ns
    assert stamp_to_ns(message.created) == cue.created_ns
    assert stamp_to_ns(message.expires) == cue.expires_ns


@SETTINGS
@given(
    tension=st.floats(0, 1e6),
    speed=WIDE,
    load=WIDE,
    pulley=st.tuples(WIDE, WIDE, WIDE),
    side=st.sampled_from(CableSide),
    flags=st.integers(0, 31).map(CableFlag),
)
def test_cable(tension, speed, load, pulley, side, flags):
    sample = CableSample(5, tension, speed, math.nan, pulley, load, side, flags)
    message = cable_to_msg(sample, 7, "cable_pulley")
    assert stamp_to_ns(message.header.stamp) == 7
    found = (
        message.tension,
        message.speed,
        message.load,
        (message.pulley.x, message.pulley.y, message.pulley.z),
    )
    assert same(found, (tension, speed, load, pulley))
    assert (message.side, message.flags) == (side, flags)


@SETTINGS
@given(
    position=WIDE,
    speed=WIDE,
    direction=st.sampled_from(Direction),
    count=st.integers(-(2**63), 2**63 - 1),
    scale=WIDE,
    validity=st.sampled_from(Validity),
    reason=st.sampled_from(Reason),
)
def test_encoder(position, speed, direction, count, scale, validity, reason):
    sample = EncoderSample(5, position, speed, direction, count, scale, CableSide.LEFT, validity, reason)
    message = encoder_to_msg(sample, 7)
    assert same((message.position, message.speed, message.counts_per_metre), (position, speed, scale))
    assert (message.direction, message.count) == (direction, count)
    assert (message.side, message.validity, message.reason) == (CableSide.LEFT, validity, reason)


def constants(kind: type, prefix: str = "") -> dict[str, int]:
    """Constants of a message whose name starts with `prefix`, without it."""
    return {
        name.removeprefix(prefix): getattr(kind, name)
        for name in dir(kind)
        if name.startswith(prefix) and name.isupper()
    }


@pytest.mark.parametrize(
    ("enumeration", "kind", "prefix"),
    [
        (r.Phase, msg.FormState, "PHASE_"),
        (r.Severity, msg.FormFault, "SEVERITY_"),
        (r.Side, msg.JointAngle, "SIDE_"),
        (r.RepetitionStatus, msg.Repetition, "STATUS_"),
        (r.RepetitionReason, msg.Repetition, "REASON_"),
        (Reason, msg.JointAngle, "REASON_"),
        (CueKind, msg.Cue, "KIND_"),
        (CableSide, msg.CableLoad, "SIDE_"),
        (Direction, msg.RepEncoder, "DIRECTION_"),
    ],
)
def test_enumerations_have_the_values_of_their_messages(enumeration: type[IntEnum], kind, prefix):
    assert {member.name: member.value for member in enumeration} == constants(kind, prefix)


def test_enumerations_without_a_prefix_have_the_values_of_their_messages():
    for enumeration, kind in (
        (Validity, msg.JointAngle),
        (Outcome, msg.CueDecision),
        (SpeechStatus, msg.SpeechStatus),
    ):
        for member in enumeration:
            assert getattr(kind, member.name) == member.value
    flags = constants(msg.CableLoad, "FLAG_")
    assert flags == {flag.name: flag.value for flag in CableFlag if flag.value}
