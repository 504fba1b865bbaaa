"""Node `machine`: samples of a simulated cable machine, led by the lifter or by a clip's truth."""

from __future__ import annotations

import itertools
import json
import math
import time

import numpy as np
import pytest
import scenes
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import values
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy

from kinecue.body.errors import ConfigError
from kinecue.nodes.base import LATCHED_QOS, ns_to_stamp, stamp_to_ns
from kinecue_msgs import msg

CABLE = msg.CableLoad
EVERY = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def truth(tmp_path):
    """A clip in which the handle goes half a metre out in two seconds and back."""
    times = np.arange(0.0, 4.0, 1 / 30)
    out = 0.25 - 0.25 * np.cos(math.pi * times / 2.0)
    path = tmp_path / "clip.truth.json"
    frames = [
        {"time_s": t, "handle_m": [1.0 + o, 0.0, 1.0]}
        for t, o in zip(times.tolist(), out.tolist(), strict=False)
    ]
    path.write_text(json.dumps({"frames": frames, "machine": {"pulley_m": [0.0, 0.0, 1.0]}}))
    return path


def test_without_a_lifter_there_is_no_reading_and_it_is_said(bench):
    heard = bench.diagnostics()
    cable, encoder = bench.listen(CABLE, "machine/cable"), bench.listen(msg.RepEncoder, "machine/encoder")
    bench.started("machine", driver="simulated", load_kg=30.0)
    bench.wait(lambda: cable and encoder)
    assert math.isnan(cable[-1].tension)
    assert math.isnan(encoder[-1].position)
    assert encoder[-1].validity == msg.RepEncoder.ABSTAINED
    assert cable[-1].load == pytest.approx(30.0 * 9.80665)
    assert cable[-1].flags & CABLE.FLAG_SIMULATED
    heard.wait("machine", DiagnosticStatus.WARN, "no lifter to follow")


def two_cables(path):
    """A truth file with a cable for each hand: left goes 0.5 m out in two seconds and back, right half as far."""
    times = np.arange(0.0, 4.0, 1 / 30)
    out = (0.25 - 0.25 * np.cos(math.pi * times / 2.0)).tolist()
    frames = [
        {"time_s": t, "handles_m": [[1.0 + o, 0.4, 1.0], [1.0 + o / 2, -0.4, 1.0]]}
        for t, o in zip(times.tolist(), out, strict=True)
    ]
    cables = [{"side": "left", "pulley_m": [0.0, 0.4, 1.0]}, {"side": "right", "pulley_m": [0.0, -0.4, 1.0]}]
    path.write_text(json.dumps({"frames": frames, "machine": {"cables": cables}}))
    return path


def test_two_cables_of_a_clip_and_their_truth(bench, tmp_path):
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    cable = bench.listen(CABLE, "machine/cable", EVERY)
    true_encoder = bench.listen(msg.RepEncoder, "machine/truth/encoder", EVERY)
    true_cable = bench.listen(CABLE, "machine/truth/cable", EVERY)
    bench.started(
        "machine",
        driver="simulated",
        truth_file=str(two_cables(tmp_path / "clip.truth.json")),
        publish_truth=True,
        flaws="wrong_sign",
    )
    form = bench.talk(msg.FormState, "form")
    start = time.time_ns() - 1_000_000_000
    form(scenes.form(start))
    bench.wait(lambda: len(encoder) > 60 and len(true_encoder) > 60 and cable and true_cable)
    sides = {msg.RepEncoder.SIDE_LEFT: (1.0, "left"), msg.RepEncoder.SIDE_RIGHT: (0.5, "right")}
    assert {m.side for m in encoder} == {m.side for m in cable} == set(sides)
    for m in true_encoder:
        t = (stamp_to_ns(m.header.stamp) - start) * 1e-9
        expected = (0.25 - 0.25 * math.cos(math.pi * t / 2.0)) * sides[m.side][0]
        assert m.position == pytest.approx(expected, abs=0.005)
        assert m.validity == msg.RepEncoder.VALID
    assert all(m.position < 0.0 for m in encoder)
    assert max(m.position for m in true_encoder) > 0.3
    for m in cable + true_cable:
        assert m.header.frame_id == "cable_pulley_" + sides[m.side][1]
        assert m.flags & CABLE.FLAG_SIMULATED
        assert m.pulley.y == pytest.approx(0.4 if m.side == CABLE.SIDE_LEFT else -0.4)


def test_a_clip_whose_first_frames_were_not_heard_keeps_its_time(bench, tmp_path):
    """A busy process loses frames, which are best effort; the latched set tells when they began."""
    true_encoder = bench.listen(msg.RepEncoder, "machine/truth/encoder", EVERY)
    truth = two_cables(tmp_path / "clip.truth.json")
    bench.started("machine", driver="simulated", truth_file=str(truth), publish_truth=True)
    start = time.time_ns() - 1_500_000_000
    sets, form = bench.talk(msg.SetSummary, "set", LATCHED_QOS), bench.talk(msg.FormState, "form")
    old = ns_to_stamp(start - 60_000_000_000)
    sets(scenes.summary(start, active=True, set_id="set-0", start=old))  # of another clip
    form(scenes.form(time.time_ns()))
    bench.wait(lambda: len(true_encoder) > 2)
    sets(scenes.summary(start, active=True, start=ns_to_stamp(start)))
    bench.spin(0.2)
    true_encoder.clear()
    bench.wait(lambda: len(true_encoder) > 20)
    for m in true_encoder:
        if m.side == msg.RepEncoder.SIDE_LEFT:
            t = (stamp_to_ns(m.header.stamp) - start) * 1e-9
            assert m.position == pytest.approx(0.25 - 0.25 * math.cos(math.pi * t / 2.0), abs=0.005)


def test_a_clip_without_a_cable_says_so(bench, tmp_path):
    path = tmp_path / "clip.truth.json"
    frames = [{"time_s": i / 30, "handles_m": []} for i in range(30)]
    path.write_text(json.dumps({"format": "kinecue_truth", "frames": frames, "machine": {"cables": []}}))
    heard = bench.diagnostics()
    encoder, cable = bench.listen(msg.RepEncoder, "machine/encoder"), bench.listen(CABLE, "machine/cable")
    bench.started("machine", driver="simulated", truth_file=str(path), publish_truth=True)
    heard.wait("machine", DiagnosticStatus.OK, "no cable")
    bench.wait(lambda: encoder and cable)
    assert encoder[-1].validity == msg.RepEncoder.ABSTAINED
    assert encoder[-1].reason == msg.JointAngle.REASON_NO_SENSOR
    assert math.isnan(cable[-1].tension) and math.isnan(cable[-1].load)


def test_a_live_machine_with_two_cables(bench):
    cable = bench.listen(CABLE, "machine/cable")
    bench.started("machine", driver="simulated", cables="two", machine="dual_pulley", load_kg=15.0)
    form = bench.talk(msg.FormState, "form")
    form(scenes.form(time.time_ns(), progress=0.2))
    bench.wait(lambda: {m.side for m in cable} == {CABLE.SIDE_LEFT, CABLE.SIDE_RIGHT})
    assert cable[-1].load == pytest.approx(15.0 * 9.80665)


def test_flaws_come_through(bench):
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.started(
        "machine",
        driver="simulated",
        flaws="ideal",
        flaw_overrides="clock.offset_s=20, encoder.scale_error=0.5",
        rate=200.0,
    )
    form = bench.talk(msg.FormState, "form")
    for _ in range(10):
        form(scenes.form(time.time_ns(), progress=0.5))
        bench.spin(0.02)
    bench.wait(lambda: any(math.isfinite(m.position) for m in encoder))
    valid = [m for m in encoder if math.isfinite(m.position)]
    assert stamp_to_ns(valid[-1].header.stamp) - time.time_ns() > 15_000_000_000
    assert {m.counts_per_metre for m in valid} == {7500.0}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("flaws", "none", ("flaws", "typical", "wrong_sign")),
        ("machine", "crane", ("machine", "dual_pulley")),
        ("cables", "three", ("cables", "one, two")),
        ("eccentric_overload", 2.0, ("eccentric_overload", "0 to 1.5")),
        ("rate", 20.0, ("rate", "50 to 1000")),
    ],
)
def test_wrong_parameters_are_refused_with_what_is_allowed(bench, name, value, words):
    with pytest.raises(ConfigError) as refused:
        bench.node("machine", driver="simulated", **{name: value})
    assert all(word in str(refused.value) for word in words)
    node = bench.node("machine", driver="simulated", autostart=False)
    assert not node.set_parameters([Parameter(name, value=value)])[0].successful


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("force.loud=1", ("force", "noise_n")),
        ("encoder.loss=2", ("loss", "0 to 0.95")),
        ("x", ("part.name=value",)),
    ],
)
def test_wrong_overrides_are_told_and_can_be_repaired(bench, text, words):
    heard = bench.diagnostics()
    node = bench.node("machine", driver="simulated", flaw_overrides=text)
    assert not node.start()
    heard.wait("machine", DiagnosticStatus.ERROR, *words)
    assert node.set_parameters([Parameter("flaw_overrides", value="")])[0].successful
    assert node.start()


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("off_s", [60.0, 3.0, -1000.0])
def test_a_form_of_another_clock_is_got_over(bench, truth, recorded, off_s):
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.started("machine", driver="simulated", **({"truth_file": str(truth)} if recorded else {}))
    form = bench.talk(msg.FormState, "form")
    form(scenes.form(time.time_ns() + round(off_s * 1e9), progress=0.3))
    bench.spin(0.1)

    def moving():
        form(scenes.form(time.time_ns(), progress=0.5))
        bench.spin(0.03)
        return [m for m in encoder if math.isfinite(m.position) and m.position > 0.01]

    bench.wait(moving, "the machine going on")


def test_a_foreign_clock_is_told(bench):
    heard = bench.diagnostics()
    bench.started("machine", driver="simulated")
    form = bench.talk(msg.FormState, "form")
    form(scenes.form(time.time_ns() + 3_600_000_000_000))
    heard.wait("machine", DiagnosticStatus.WARN, "3600.0 s off")
    form(scenes.form(time.time_ns(), progress=0.1))
    heard.wait("machine", DiagnosticStatus.OK, "simulated machine")


def test_rate_is_the_one_asked_for(bench):
    heard = bench.diagnostics()
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.started("machine", driver="simulated", rate=200.0)
    bench.wait(lambda: len(encoder) > 150)
    stamps = [stamp_to_ns(m.header.stamp) for m in encoder]
    # timers that fall behind on a busy machine catch up, so the median tells the rate
    assert np.median(np.diff(stamps)) * 1e-9 == pytest.approx(1 / 200, rel=0.25)
    assert all(later > first for first, later in itertools.pairwise(stamps))
    bench.wait(lambda: any(float(values(s).get("rate [Hz]", 0)) > 20 for s in heard.of("machine")))


def test_follows_the_lifter(bench):
    heard = bench.diagnostics()
    cable, encoder = bench.listen(CABLE, "machine/cable"), bench.listen(msg.RepEncoder, "machine/encoder")
    bench.started("machine", driver="simulated", travel=0.8, load_kg=20.0)
    form = bench.talk(msg.FormState, "form")

    def lift() -> float:
        """A repetition of two seconds, by the clock."""
        return 0.5 - 0.5 * math.cos(math.pi * (time.monotonic() - begun))

    begun = time.monotonic()
    while time.monotonic() - begun < 1.0:
        form(scenes.form(time.time_ns(), progress=lift()))
        bench.spin(0.03)
    far = max(m.position for m in encoder if math.isfinite(m.position))
    assert far == pytest.approx(0.8, abs=0.15)
    moving = [m for m in encoder if m.direction == msg.RepEncoder.DIRECTION_OUT]
    assert moving
    assert all(m.speed > 0 for m in moving)
    loaded = [m.tension for m in cable if math.isfinite(m.tension)]
    assert np.median(loaded) == pytest.approx(20.0 * 9.80665, rel=0.3)
    heard.wait("machine", DiagnosticStatus.OK, "simulated machine")
    bench.wait(lambda: math.isnan(encoder[-1].position), "the reading going stale")
    assert encoder[-1].reason == msg.JointAngle.REASON_STALE


def test_follows_the_truth_from_the_first_scored_frame(bench, truth):
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    cable = bench.listen(CABLE, "machine/cable")
    bench.started("machine", driver="simulated", truth_file=str(truth), rate=100.0)
    form = bench.talk(msg.FormState, "form")
    bench.spin(0.2)
    assert not encoder
    start = time.time_ns() - 500_000_000
    form(scenes.form(start))
    bench.wait(lambda: encoder and (stamp_to_ns(encoder[-1].header.stamp) - start) * 1e-9 > 1.5)
    for sample in encoder:
        t = (stamp_to_ns(sample.header.stamp) - start) * 1e-9
        assert sample.position == pytest.approx(0.25 - 0.25 * math.cos(math.pi * t / 2.0), abs=0.005)
    assert (cable[-1].pulley.x, cable[-1].pulley.z) == (0.0, 1.0)
    assert cable[-1].header.frame_id == "cable_pulley"


@pytest.mark.parametrize("field", ["progress", "progress_std", "speed", "d"])
def test_numbers_that_are_none_do_no_harm(bench, field):
    encoder = bench.listen(msg.RepEncoder, "machine/encoder")
    node = bench.started("machine", driver="simulated")
    form = bench.talk(msg.FormState, "form")
    for value in (math.nan, math.inf, -math.inf):
        form(scenes.form(time.time_ns(), **{field: value}))
        bench.spin(0.02)
    form(scenes.form(0))
    form(scenes.form(time.time_ns(), progress=0.5))
    bench.wait(lambda: any(math.isfinite(m.position) for m in encoder))
    assert node.active


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("clip.truth.json",)),
        ("{}", ("clip.truth.json", "frames")),
        ('{"frames": []}', ("clip.truth.json",)),
        ('{"frames": [{"time_s": 0}], "machine": {"pulley_m": [0, 0, 0]}}', ("clip.truth.json", "handle_m")),
    ],
)
def test_damaged_truth_is_told_and_can_be_repaired(bench, truth, content, words):
    good = truth.read_text()
    truth.write_text(content)
    heard = bench.diagnostics()
    node = bench.node("machine", driver="simulated", truth_file=str(truth))
    assert not node.start()
    heard.wait("machine", DiagnosticStatus.ERROR, *words)
    truth.write_text(good)
    assert node.start()


def test_missing_truth_is_told_and_another_one_taken(bench, truth):
    heard = bench.diagnostics()
    node = bench.node("machine", driver="simulated", truth_file="/none/clip.truth.json")
    assert not node.start()
    heard.wait("machine", DiagnosticStatus.ERROR, "/none/clip.truth.json", "no such truth file")
    assert node.set_parameters([Parameter("truth_file", value=str(truth))])[0].successful
    assert node.start()


def test_stops_and_goes_on(bench):
    encoder = bench.listen(msg.RepEncoder, "machine/encoder")
    node = bench.started("machine", driver="simulated")
    bench.wait(lambda: encoder)
    node.trigger_deactivate()
    bench.spin(0.1)
    before = len(encoder)
    bench.spin(0.2)
    assert len(encoder) == before
    node.trigger_activate()
    bench.wait(lambda: len(encoder) > before)
