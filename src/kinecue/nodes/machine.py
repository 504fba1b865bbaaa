"""Node `machine`: what a cable machine feels. For now a simulated one, which follows the lifter or a clip's truth."""

from __future__ import annotations

import math
from pathlib import Path

from geometry_msgs.msg import Point

from kinecue.body.measurement import Validity
from kinecue.machine.motion import LiveMotion, Motion, TrackMotion
from kinecue.machine.samples import CableSample, EncoderSample
from kinecue.machine.simulator import GRAVITY, CableMachineSimulator, MachineModel
from kinecue.nodes import conversions as convert
from kinecue.nodes.base import OK, SENSOR_QOS, WARN, KineCueNode, RateMeter, run, stamp_to_ns
from kinecue.nodes.parameters import ParameterSpec
from kinecue_msgs import msg


class MachineNode(KineCueNode):
    """Publishes force and encoder samples at a steady rate."""

    PARAMETERS = (
        ParameterSpec("driver", "simulated", "Where samples come from.", choices=("simulated",)),
        ParameterSpec(
            "truth_file", "", "Truth of a simulated clip to follow; empty = follow the lifter's progress."
        ),
        ParameterSpec("rate", 100.0, "Samples per second [Hz].", low=50.0, high=1000.0),
        ParameterSpec("load_kg", 20.0, "Load of the simulated stack [kg].", low=0.0, high=500.0),
        ParameterSpec(
            "travel",
            0.5,
            "Cable that is out at full range [m], when following the lifter.",
            low=-3.0,
            high=3.0,
        ),
        ParameterSpec("seed", 0, "Of the simulated noise.", low=0, high=2**31 - 1),
        ParameterSpec("pulley_frame", "cable_pulley", "Frame that the cable leaves from."),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("machine", **kwargs)
        self._simulator: CableMachineSimulator | None = None
        self._first_ns: int | None = None
        self._recorded = False
        self._newest_form = 0
        self._rate = RateMeter()
        self._cable = self.create_lifecycle_publisher(msg.CableLoad, "machine/cable", SENSOR_QOS)
        self._encoder = self.create_lifecycle_publisher(msg.RepEncoder, "machine/encoder", SENSOR_QOS)
        self.create_subscription(msg.FormState, "form", self.guarded(self._on_form), SENSOR_QOS)
        self._timer = None

    def configure(self) -> None:
        path = self.parameters["truth_file"]
        self._recorded = bool(path)
        motion: Motion = (
            TrackMotion.load(Path(path)) if path else LiveMotion(self.parameters["travel"] or 0.5)
        )
        model = MachineModel(load_n=self.parameters["load_kg"] * GRAVITY)
        self._simulator = CableMachineSimulator(motion, model, self.parameters["seed"])
        self._first_ns = None

    def activate(self) -> None:
        self._timer = self.create_timer(1.0 / self.parameters["rate"], self.guarded_timer(self._sample))

    def deactivate(self) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
        self._timer = None

    def cleanup(self) -> None:
        self._simulator = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        level, message = OK, "simulated machine"
        if self._simulator is not None and not self._newest_form:
            level, message = WARN, "simulated machine: no lifter to follow yet"
        return level, message, {"rate [Hz]": self._rate.read(), "driver": self.parameters["driver"]}

    def _on_form(self, message: msg.FormState) -> None:
        stamp = stamp_to_ns(message.header.stamp)
        self._newest_form = stamp
        if self._simulator is None:
            return
        if self._recorded:
            # the first scored frame is taken for the clip's first one
            self._first_ns = self._first_ns if self._first_ns is not None else stamp
        elif math.isfinite(message.progress):
            self._simulator.follow(message.progress, stamp)

    def _sample(self) -> None:
        if self._simulator is None:
            return
        now = self.now_ns()
        if self._recorded:
            if self._first_ns is None:
                return
            cable, encoder = self._simulator.read(now - self._first_ns)
        else:
            cable, encoder = self._simulator.read(now)
        self._cable.publish(cable_to_msg(cable, now, self.parameters["pulley_frame"]))
        self._encoder.publish(encoder_to_msg(encoder, now))
        self._rate.tick()


def cable_to_msg(sample: CableSample, stamp_ns: int, frame_id: str) -> msg.CableLoad:
    """A force sample."""
    x, y, z = sample.pulley_m
    return msg.CableLoad(
        header=convert.header(stamp_ns, frame_id),
        side=int(sample.side),
        tension=float(sample.tension_n),
        speed=float(sample.speed_m_s),
        load=float(sample.load_n),
        pulley=Point(x=float(x), y=float(y), z=float(z)),
        flags=int(sample.flags),
    )


def encoder_to_msg(sample: EncoderSample, stamp_ns: int) -> msg.RepEncoder:
    """An encoder sample."""
    return msg.RepEncoder(
        header=convert.header(stamp_ns),
        side=int(sample.side),
        position=float(sample.position_m),
        speed=float(sample.speed_m_s),
        direction=int(sample.direction),
        count=int(sample.count),
        counts_per_metre=float(sample.counts_per_metre),
        validity=int(Validity(sample.validity)),
        reason=int(sample.reason),
    )


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(MachineNode, args)
