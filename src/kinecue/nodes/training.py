"""Node `training`: repetitions, form and what the machine feels become effort, load advice and a person's profile."""

from __future__ import annotations

from pathlib import Path

from kinecue.nodes import machine_conversions as machine
from kinecue.nodes import score_conversions as scores
from kinecue.nodes import training_conversions as convert
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, OK, WARN, KineCueNode, run, stamp_to_ns
from kinecue.nodes.parameters import ParameterSpec
from kinecue.training.advice import AdviceSettings
from kinecue.training.effort import EffortLimits
from kinecue.training.history import SetRecord, SetRecorder, Store, history_path
from kinecue.training.past_sets import HistoryOfSets
from kinecue.training.session import TrainingNews, TrainingSession
from kinecue_msgs import msg

_THINNED_NS = 8_000_000
"""Shaking ends at 12 Hz; 125 readings a second tell all of it."""
_WANTED = AdviceSettings()
_LIMITS = EffortLimits()


class TrainingNode(KineCueNode):
    """Effort after every repetition, advice after every set, and the history of sets. It drives nothing."""

    HEAR_EVERY_S = 0.1
    PARAMETERS = (
        ParameterSpec(
            "target_velocity_low",
            _WANTED.target_low,
            "Mean velocity that the fastest repetition of a set should have at least, m/s; with the high one 0 = no target.",
            0.0,
            3.0,
        ),
        ParameterSpec("target_velocity_high", _WANTED.target_high, "The same at most, m/s.", 0.0, 3.0),
        ParameterSpec(
            "velocity_loss", _WANTED.most_loss, "Velocity loss with which a set should end, share.", 0.05, 0.6
        ),
        ParameterSpec(
            "reserve_low",
            _WANTED.reserve_low,
            "Repetitions in reserve at the end of a set, at least.",
            0.0,
            10.0,
        ),
        ParameterSpec("reserve_high", _WANTED.reserve_high, "The same, at most.", 0.0, 15.0),
        ParameterSpec("load_step", _WANTED.step_kg, "Smallest step of the load, kg.", 0.1, 50.0),
        ParameterSpec(
            "largest_increase", _WANTED.most_up, "Most that the load is advised to grow, share.", 0.025, 0.10
        ),
        ParameterSpec(
            "last_one_probability", _LIMITS.last_one, 'From which on "last one" is called.', 0.6, 1.0
        ),
        ParameterSpec("history", True, "Whether sets of people who were chosen are kept on this machine."),
        ParameterSpec("history_unnamed", False, "Whether sets of nobody in particular are kept as well."),
        ParameterSpec("history_file", "", "File of the history; empty = history.sqlite3 in the data folder."),
        ParameterSpec("rack_it_probability", _LIMITS.rack_it, 'From which on "rack it" is called.', 0.7, 1.0),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("training", **kwargs)
        self._session: TrainingSession | None = None
        self._recorder: SetRecorder | None = None
        self._past: HistoryOfSets | None = None
        self._counts = {"repetitions": 0, "calls": 0, "advice": 0}
        self._efforts = self.create_lifecycle_publisher(msg.Effort, "effort", EVENT_QOS)
        self._advice = self.create_lifecycle_publisher(msg.LoadAdvice, "load_advice", LATCHED_QOS)
        self._profiles = self.create_lifecycle_publisher(
            msg.LoadVelocityProfile, "load_velocity", LATCHED_QOS
        )
        self.hear_samples(msg.FormState, "form", self._on_form)
        self.create_subscription(msg.FormFault, "faults", self.guarded(self._on_fault), EVENT_QOS)
        self.create_subscription(msg.Repetition, "repetitions", self.guarded(self._on_repetition), EVENT_QOS)
        self.create_subscription(msg.SetSummary, "set", self.guarded(self._on_set, latched=True), LATCHED_QOS)
        self._used: dict[tuple[str, int], int] = {}
        self.hear_samples(msg.CableLoad, "machine/cable", self._on_cable)
        self.hear_samples(msg.RepEncoder, "machine/encoder", self._on_encoder)

    def configure(self) -> None:
        wanted = AdviceSettings(
            target_low=self.parameters["target_velocity_low"],
            target_high=self.parameters["target_velocity_high"],
            most_loss=self.parameters["velocity_loss"],
            reserve_low=self.parameters["reserve_low"],
            reserve_high=self.parameters["reserve_high"],
            step_kg=self.parameters["load_step"],
            most_up=self.parameters["largest_increase"],
        )
        limits = EffortLimits(
            last_one=self.parameters["last_one_probability"], rack_it=self.parameters["rack_it_probability"]
        )
        self._recorder = self._past = None
        if self.parameters["history"]:
            file = self.parameters["history_file"]
            path = Path(file) if file else history_path()
            self._recorder = SetRecorder(lambda: Store(path), self.parameters["history_unnamed"])
            # nothing is made only to be read
            self._past = HistoryOfSets(lambda: Store(path, create=False))
        self._session = TrainingSession(wanted, limits, self._past)

    def cleanup(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
        self._session = self._recorder = self._past = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        values: dict[str, object] = dict(self._counts)
        if self._recorder is not None:
            values |= {"sets kept": self._recorder.stored, "sets waiting": self._recorder.waiting}
            if self._recorder.problem:
                return WARN, self._recorder.problem, values
        effort = self._session.effort if self._session is not None else None
        if effort is None:
            return OK, "no repetition yet", values
        values |= {
            "velocity loss": effort.velocity_loss,
            "reserve": effort.reserve,
            "source": effort.source,
            "why": effort.reason,
        }
        return OK, effort.state.name.lower().replace("_", " "), values

    # -- in

    def _on_form(self, message: msg.FormState) -> None:
        if self._session is not None:
            self._publish(self._session.form(scores.form_from_msg(message)))

    def _on_fault(self, message: msg.FormFault) -> None:
        if self._session is not None:
            self._publish(self._session.fault(scores.fault_from_msg(message)))

    def _on_repetition(self, message: msg.Repetition) -> None:
        if self._session is None:
            return
        repetition = scores.repetition_from_msg(message)
        self._counts["repetitions"] += 1
        self._publish(self._session.repetition(repetition))
        if self._recorder is not None:
            self._kept(self._recorder.repetition(repetition))

    def _on_set(self, message: msg.SetSummary) -> None:
        if self._session is None:
            return
        summary = scores.set_from_msg(message)
        self._publish(self._session.set_summary(summary))
        if self._recorder is not None:
            self._kept(self._recorder.summary(summary))

    def _kept(self, record: SetRecord | None) -> None:
        """A set was written: the person's profile has one point more."""
        if record is None or self._session is None or not record.person_id:
            return
        self._publish(TrainingNews(profile=self._session.recorded()))

    def _is_due(self, message: msg.CableLoad | msg.RepEncoder) -> bool:
        """Whether a sample is used: a thousand a second tell no more of shaking and standing still than a hundred."""
        key, stamp = (type(message).__name__, message.side), stamp_to_ns(message.header.stamp)
        if 0 <= stamp - self._used.get(key, 0) < _THINNED_NS:
            return False
        self._used[key] = stamp
        return True

    def _on_cable(self, message: msg.CableLoad) -> None:
        if self._session is not None and self._is_due(message):
            self._session.cable(machine.cable_from_msg(message))

    def _on_encoder(self, message: msg.RepEncoder) -> None:
        if self._session is not None and self._is_due(message):
            self._session.encoder(machine.encoder_from_msg(message))

    # -- out

    def _publish(self, news: TrainingNews) -> None:
        for effort in news.efforts:
            self._counts["calls"] += bool(effort.call)
            self._efforts.publish(convert.effort_to_msg(effort))
        if news.advice is not None:
            self._counts["advice"] += 1
            self._advice.publish(convert.advice_to_msg(news.advice))
        if news.profile is not None:
            self._profiles.publish(convert.profile_to_msg(news.profile, self.now_ns()))


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(TrainingNode, args)
