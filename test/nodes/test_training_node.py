"""Node `training`: repetitions in; effort, advice, profile and a history out."""

from __future__ import annotations

import math
import time

import pytest
import scenes
from diagnostic_msgs.msg import DiagnosticStatus

from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, ns_to_stamp, stamp_to_ns
from kinecue.training.history import Store
from kinecue_msgs import msg

S = 1_000_000_000


class Trainer:
    """Feeds the node and hears what it says."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.efforts = bench.listen(msg.Effort, "effort", EVENT_QOS)
        self.advice = bench.listen(msg.LoadAdvice, "load_advice", LATCHED_QOS)
        self.profiles = bench.listen(msg.LoadVelocityProfile, "load_velocity", LATCHED_QOS)
        self.set = bench.talk(msg.SetSummary, "set", LATCHED_QOS)
        self.repetition = bench.talk(msg.Repetition, "repetitions", EVENT_QOS)
        self.form = bench.talk(msg.FormState, "form")
        self.fault = bench.talk(msg.FormFault, "faults", EVENT_QOS)
        self.cable = bench.talk(msg.CableLoad, "machine/cable")
        self.encoder = bench.talk(msg.RepEncoder, "machine/encoder")
        for topic in ("effort", "load_advice", "load_velocity"):
            bench.connected(topic)
        self.now = time.time_ns()

    def lift(self, number: int, speed: float, **fields: object) -> msg.Effort:
        """One repetition, and what is estimated after it."""
        start, self.now = self.now, self.now + 3 * S
        velocity = msg.RepetitionVelocity(
            source="encoder",
            range=0.6,
            mean=speed,
            peak=1.6 * speed,
            mean_propulsive=speed,
            std=0.01,
            loss=math.nan,
        )
        known = len(self.efforts)
        self.repetition(
            scenes.repetition(
                self.now,
                number=number,
                velocity=velocity,
                start=ns_to_stamp(start),
                mean_speed=speed / 0.6,
                **fields,
            )
        )
        self.bench.wait(lambda: len(self.efforts) > known, "an effort")
        return self.efforts[-1]

    def whole_set(
        self, set_id: str, speeds: list[float], load_kg: float = math.nan, **fields: object
    ) -> msg.LoadAdvice:
        begun, known = self.now, len(self.advice)
        summary = {"set_id": set_id, "load_kg": load_kg, "start": ns_to_stamp(begun), **fields}
        self.set(scenes.summary(self.now + 1, **summary))
        self.bench.spin(0.1)
        for number, speed in enumerate(speeds, 1):
            self.lift(number, speed)
        self.set(scenes.summary(self.now + S, active=False, counted=len(speeds), **summary))
        self.bench.wait(lambda: len(self.advice) > known, "advice")
        self.now += 60 * S
        return self.advice[-1]


@pytest.fixture
def started(bench, tmp_path):
    def start(**parameters: object) -> Trainer:
        parameters = {"history_file": str(tmp_path / "history.sqlite3"), **parameters}
        bench.started("training", **parameters)
        return Trainer(bench)

    return start


def test_a_set_of_nobody_has_effort_and_advice_and_leaves_no_trace(bench, started, tmp_path) -> None:
    trainer = started(target_velocity_low=0.3, target_velocity_high=0.5)
    advice = trainer.whole_set("set-1", [0.80, 0.81, 0.79, 0.80], 60.0)
    effort = trainer.efforts[-1]
    assert (effort.exercise, effort.body_id, effort.repetition) == ("squat", "aaaaa", 4)
    assert effort.state in (msg.Effort.STATE_FRESH, msg.Effort.STATE_WORKING)
    assert effort.call == msg.Effort.CALL_NONE
    assert effort.source == "encoder"
    assert stamp_to_ns(effort.header.stamp) <= trainer.now
    assert (advice.advice, advice.reason) == (
        msg.LoadAdvice.ADVICE_HEAVIER,
        msg.LoadAdvice.REASON_VELOCITY_ABOVE_TARGET,
    )
    assert advice.load_kg == 60.0
    assert advice.suggested_kg == 62.5
    assert trainer.profiles == []
    assert not (tmp_path / "history.sqlite3").exists()


def test_form_and_speed_that_break_down_together_are_called(bench, started) -> None:
    trainer = started()
    trainer.set(scenes.summary(trainer.now))
    for number in range(1, 5):
        assert trainer.lift(number, 0.8).call == msg.Effort.CALL_NONE
    calls = [trainer.lift(n, v, d=2.5).call for n, v in ((5, 0.5), (6, 0.4), (7, 0.34))]
    assert calls == [msg.Effort.CALL_NONE, msg.Effort.CALL_LAST_ONE, msg.Effort.CALL_RACK_IT]
    effort = trainer.efforts[-1]
    assert effort.state == msg.Effort.STATE_FAILING
    assert effort.signs & msg.Effort.SIGN_SLOWING and effort.signs & msg.Effort.SIGN_FORM
    assert effort.probability > 0.85
    assert effort.velocity_loss == pytest.approx(1.0 - 0.34 / 0.8, abs=0.02)
    advice = bench.wait(lambda: trainer.advice and trainer.advice[-1], "advice")
    assert (advice.advice, advice.reason) == (msg.LoadAdvice.ADVICE_STOP, msg.LoadAdvice.REASON_FORM)


def test_a_known_persons_sets_are_kept_and_make_a_profile(bench, started, tmp_path) -> None:
    trainer = started()
    for number, load in enumerate((30.0, 45.0, 60.0, 75.0), 1):
        speed = 1.4 - 0.012 * load
        trainer.whole_set(f"set-{number}", [speed, speed * 0.97, speed * 0.95], load, person_id="p1")
    profile = bench.wait(
        lambda: trainer.profiles and trainer.profiles[-1].sets == 4 and trainer.profiles[-1], "a profile"
    )
    assert (profile.person_id, profile.exercise) == ("p1", "squat")
    assert sorted(profile.loads_kg) == [30.0, 45.0, 60.0, 75.0]
    assert profile.slope == pytest.approx(-0.012, rel=0.02)
    assert profile.one_rm_low_kg < profile.one_rm_kg < profile.one_rm_high_kg
    with Store(tmp_path / "history.sqlite3") as store:
        assert len(store.sets("p1", "squat")) == 4


def test_a_history_that_cannot_be_written_does_not_stop_the_node(bench, started, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    trainer = started(history_file=str(tmp_path / "folder"))
    diagnostics = bench.diagnostics()
    trainer.whole_set("set-1", [0.8, 0.79, 0.78], 40.0, person_id="p1")
    trainer.whole_set("set-2", [0.8, 0.79, 0.78], 40.0, person_id="p1")
    assert "2 sets" in diagnostics.wait("training", DiagnosticStatus.WARN, "folder").message


def test_the_machine_is_heard(bench, started) -> None:
    trainer = started()
    trainer.set(scenes.summary(trainer.now))
    for n in range(20):
        stamp = scenes.header(trainer.now + n * 10_000_000)
        trainer.cable(msg.CableLoad(header=stamp, tension=200.0, load=200.0, speed=0.0))
        trainer.encoder(
            msg.RepEncoder(header=stamp, position=0.1, validity=msg.RepEncoder.VALID, counts_per_metre=5000.0)
        )
        trainer.form(scenes.form(trainer.now + n * 10_000_000))
    trainer.fault(scenes.fault(trainer.now))
    bench.spin(0.2)
    assert trainer.lift(1, 0.8).state == msg.Effort.STATE_UNKNOWN


def test_garbage_is_told_and_survived(bench, started) -> None:
    trainer = started()
    diagnostics = bench.diagnostics()
    trainer.repetition(msg.Repetition(status=77))
    trainer.set(msg.SetSummary(set_id="x"))
    trainer.cable(msg.CableLoad(side=9, tension=-5.0))
    trainer.encoder(msg.RepEncoder(side=9))
    trainer.form(msg.FormState(phase=99))
    trainer.fault(msg.FormFault(severity=99))
    diagnostics.wait("training", DiagnosticStatus.WARN, "errors")
    assert trainer.lift(1, 0.8).state == msg.Effort.STATE_UNKNOWN


def test_the_orchestrator_says_it(bench, started) -> None:
    trainer = started()
    bench.started("orchestrator")
    cues = bench.listen(msg.Cue, "cues", EVENT_QOS)
    bench.connected("cues")
    bench.wait(lambda: bench.peer.count_subscribers("effort") >= 2, "the orchestrator's subscription")
    trainer.now = time.time_ns() - 30 * S
    trainer.set(scenes.summary(trainer.now))
    for number in range(1, 6):
        trainer.lift(number, 0.8)
    trainer.lift(6, 0.45, d=2.0)
    trainer.form(scenes.form(time.time_ns(), msg.FormState.PHASE_TOP))
    bench.spin(0.1)
    trainer.now = time.time_ns() - 3 * S
    assert trainer.lift(7, 0.4, d=2.5).call == msg.Effort.CALL_LAST_ONE
    trainer.form(scenes.form(time.time_ns(), msg.FormState.PHASE_TOP))
    cue = bench.wait(lambda: cues and cues[-1], "a cue")
    assert cue.kind == msg.Cue.KIND_CORRECTION
    assert "one" in cue.text.lower()
