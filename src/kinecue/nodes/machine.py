"""Node `machine`: what a cable machine feels. For now a simulated one, which follows the lifter or a clip's truth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from std_msgs.msg import String

from kinecue.body.errors import ConfigError
from kinecue.machine.samples import CableSample, CableSide, EncoderSample
from kinecue.machine.simulated.flaws import FLAWS, named_flaws
from kinecue.machine.simulated.model import GRAVITY, MACHINES, MachineModel
from kinecue.machine.simulated.motion import NANOSECONDS, LiveMotion
from kinecue.machine.simulated.simulator import CableMachineSimulator, machines_of, unused
from kinecue.machine.simulated.stream import SampleStream
from kinecue.machine.simulated.truth_file import load_cables, read_cables
from kinecue.nodes.base import LATCHED_QOS, OK, SENSOR_QOS, WARN, KineCueNode, RateMeter, run, stamp_to_ns
from kinecue.nodes.machine_conversions import cable_to_msg, encoder_to_msg
from kinecue.nodes.parameters import ParameterSpec
from kinecue_msgs import msg

_FOREIGN_NS = 5 * NANOSECONDS
"""A form that is so far from this node's clock is of another one and is not followed."""


class MachineNode(KineCueNode):
    """Publishes force and encoder samples at a steady rate, with the flaws that were asked for."""

    PARAMETERS = (
        ParameterSpec("driver", "simulated", "Where samples come from.", choices=("simulated",)),
        ParameterSpec(
            "truth_file", "", "Truth of a simulated clip to follow; empty = follow the lifter's progress."
        ),
        ParameterSpec(
            "follow",
            "lifter",
            "Without a truth_file: follow the lifter's progress, or the handles of the simulated gym (truth/track).",
            choices=("lifter", "gym"),
        ),
        ParameterSpec("rate", 100.0, "Samples per second [Hz].", low=50.0, high=1000.0),
        ParameterSpec("machine", "stack", "What hangs on the cable.", choices=tuple(MACHINES)),
        ParameterSpec("load_kg", 20.0, "Load that is set, on each cable [kg].", low=0.0, high=500.0),
        ParameterSpec(
            "eccentric_overload",
            0.0,
            "Share of the load that a drive adds on the way back; 0 = that of the machine.",
            low=0.0,
            high=1.5,
        ),
        ParameterSpec("flaws", "typical", "What the sensors do wrong.", choices=tuple(FLAWS)),
        ParameterSpec(
            "flaw_overrides",
            "",
            "Flaws to change, such as: force.noise_n=2, encoder.inverted=true, clock.offset_s=0.1",
        ),
        ParameterSpec(
            "travel",
            0.5,
            "Cable that is out at full range [m], when following the lifter.",
            low=-3.0,
            high=3.0,
        ),
        ParameterSpec(
            "cables",
            "one",
            "When following the lifter: one cable, or two that go alike. A clip has its own.",
            choices=("one", "two"),
        ),
        ParameterSpec(
            "publish_truth", False, "Publish what is true on machine/truth/cable and machine/truth/encoder."
        ),
        ParameterSpec("seed", 0, "Of all simulated chance.", low=0, high=2**31 - 1),
        ParameterSpec(
            "pulley_frame", "cable_pulley", "Frame that the cable leaves from; of two cables, with the side."
        ),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("machine", **kwargs)
        self._cables: tuple[CableMachineSimulator, ...] | None = None
        self._streams: list[SampleStream] = []
        self._first_ns: int | None = None
        self._recorded = self._gym = False
        self._newest_form = 0
        self._foreign = 0
        self._off_ns = 0
        self._rate = RateMeter()
        self._cable = self.create_lifecycle_publisher(msg.CableLoad, "machine/cable", SENSOR_QOS)
        self._encoder = self.create_lifecycle_publisher(msg.RepEncoder, "machine/encoder", SENSOR_QOS)
        self._true_cable = self.create_lifecycle_publisher(msg.CableLoad, "machine/truth/cable", SENSOR_QOS)
        self._true_encoder = self.create_lifecycle_publisher(
            msg.RepEncoder, "machine/truth/encoder", SENSOR_QOS
        )
        self.create_subscription(msg.FormState, "form", self.guarded(self._on_form), SENSOR_QOS)
        self.create_subscription(
            String, "truth/track", self.guarded(self._on_track, latched=True), LATCHED_QOS
        )
        self._timer = None

    def configure(self) -> None:
        path, seed = self.parameters["truth_file"], self.parameters["seed"]
        model = self._model()
        flaws = named_flaws(self.parameters["flaws"], self.parameters["flaw_overrides"])
        self._gym = self.parameters["follow"] == "gym" and not path
        self._recorded = bool(path) or self._gym
        if self._gym:
            self._cables = None
        elif path:
            self._cables = machines_of(load_cables(Path(path)), model, flaws, seed)
            if not self._cables:
                self.get_logger().info(f"no cable: the exercise of {path} uses none")
        else:
            two = self.parameters["cables"] == "two"
            sides = (CableSide.LEFT, CableSide.RIGHT) if two else (CableSide.NONE,)
            travel = self.parameters["travel"] or 0.5
            self._cables = tuple(
                CableMachineSimulator(LiveMotion(travel), replace(model, side=side), flaws, seed)
                for side in sides
            )
        self._first_ns = None
        self._streams = []
        self._foreign = self._newest_form = 0

    def _model(self) -> MachineModel:
        model = replace(MACHINES[self.parameters["machine"]], load_n=self.parameters["load_kg"] * GRAVITY)
        overload = self.parameters["eccentric_overload"]
        return replace(model, eccentric_overload=overload) if overload > 0.0 else model

    def activate(self) -> None:
        self._streams = []
        self._timer = self.create_timer(1.0 / self.parameters["rate"], self.guarded_timer(self._sample))

    def deactivate(self) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
        self._timer = None

    def cleanup(self) -> None:
        self._cables = None
        self._streams = []

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        level, message = OK, f"simulated machine, sensors: {self.parameters['flaws']}"
        if self._cables == ():
            message = "simulated machine: no cable, the exercise of the clip uses none"
        elif self._gym and self._cables is None:
            level, message = WARN, "simulated machine: the simulated gym has not begun yet"
        elif self._gym:
            message = f"{message}, led by the simulated gym"
        elif self._foreign:
            level = WARN
            message = f"simulated machine: stamps of `form` are {self._off_ns * 1e-9:.1f} s off this clock"
        elif self._cables is not None and not self._newest_form:
            level, message = WARN, "simulated machine: no lifter to follow yet"
        values = {
            "rate [Hz]": self._rate.read(),
            "driver": self.parameters["driver"],
            "cables": len(self._cables or ()),
            "forms of another clock": self._foreign,
        }
        return level, message, values

    def _on_form(self, message: msg.FormState) -> None:
        stamp = stamp_to_ns(message.header.stamp)
        off = stamp - self.now_ns()
        if abs(off) > _FOREIGN_NS:
            self._foreign += 1
            self._off_ns = off
            return
        self._foreign = 0
        self._newest_form = stamp
        if self._gym:
            return
        if self._recorded:
            # the first scored frame is taken for the clip's first one; an earlier one means a clock that was set back
            if self._first_ns is None or stamp < self._first_ns:
                self._first_ns, self._streams = stamp, []
            return
        for cable in self._cables or ():
            cable.follow(message.progress, stamp)

    def _on_track(self, message: String) -> None:
        """A performance of the simulated gym begins."""
        if not self._gym:
            return
        cables = read_cables(message.data, "truth/track")
        start_ns = json.loads(message.data).get("start_ns")
        if not isinstance(start_ns, int):
            raise ConfigError("truth/track", "start_ns", f"is {start_ns!r}, allowed: a stamp in ns")
        flaws = named_flaws(self.parameters["flaws"], self.parameters["flaw_overrides"])
        self._cables = machines_of(cables, self._model(), flaws, self.parameters["seed"])
        self._first_ns, self._streams = start_ns, []

    def _sample(self) -> None:
        now = self.now_ns()
        if self._cables == ():
            self._publish(*unused(now), 0)
            return
        begin = 0
        if self._recorded:
            if self._first_ns is None:
                return
            begin = self._first_ns
        if not self._streams:
            rate = self.parameters["rate"]
            self._streams = [SampleStream(cable, rate, now - begin) for cable in self._cables or ()]
        for stream in self._streams:
            for cable, encoder in stream.due(now - begin):
                self._publish(cable, encoder, begin)
        if self.parameters["publish_truth"]:
            for machine in self._cables or ():
                cable, encoder = machine.true_samples(now - begin)
                self._true_cable.publish(cable_to_msg(cable, now, self._frame(cable.side)))
                self._true_encoder.publish(encoder_to_msg(encoder, now))

    def _publish(self, cable: CableSample | None, encoder: EncoderSample | None, begin_ns: int) -> None:
        if cable is not None:
            self._cable.publish(cable_to_msg(cable, cable.stamp_ns + begin_ns, self._frame(cable.side)))
        if encoder is not None:
            self._encoder.publish(encoder_to_msg(encoder, encoder.stamp_ns + begin_ns))
            if encoder.side != CableSide.RIGHT:
                self._rate.tick()

    def _frame(self, side: CableSide) -> str:
        frame = self.parameters["pulley_frame"]
        return frame if side == CableSide.NONE else f"{frame}_{side.name.lower()}"


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(MachineNode, args)
