"""Node `machine`: publishes what a cable machine feels, from one of several drivers."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence

from sensor_msgs.msg import JointState
from std_msgs.msg import String

from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.measurement import Reason
from kinecue.machine.calibration import load_calibration
from kinecue.machine.checks import Finding, MachineChecks
from kinecue.machine.drivers.base import Driver, DriverError, Sample, no_reading
from kinecue.machine.drivers.joint_states import JointStateDriver
from kinecue.machine.drivers.simulated import SimulatedDriver
from kinecue.machine.drivers.supervisor import Link, LinkState, Supervisor
from kinecue.machine.samples import CableSample, CableSide
from kinecue.machine.simulated.motion import NANOSECONDS
from kinecue.machine.simulated.truth_file import read_cables
from kinecue.nodes.base import (
    ERROR,
    LATCHED_QOS,
    OK,
    SENSOR_QOS,
    WARN,
    KineCueNode,
    RateMeter,
    run,
    stamp_to_ns,
)
from kinecue.nodes.machine_conversions import cable_to_msg, encoder_to_msg, fill_cable, fill_encoder
from kinecue.nodes.machine_sources import (
    DRIVERS,
    REAL_PARAMETERS,
    SIMULATED_PARAMETERS,
    joint_state_driver,
    real_driver,
    simulated_driver,
)
from kinecue.nodes.parameters import ParameterSpec
from kinecue.nodes.polled_topic import MACHINE_QOS
from kinecue_msgs import msg

_FOREIGN_NS = 5 * NANOSECONDS
"""A form that is so far from this node's clock is of another one and is not followed."""
_SILENT_S = 0.5
"""A stream that is silent for so long is told to have no reading, as the simulated machine does it."""
_SILENCE_PERIOD_S = 0.25


class MachineNode(KineCueNode):
    """Publishes force and encoder samples of a driver, which runs in a thread and is opened again when it is lost."""

    HEAR_EVERY_S = 0.02
    PARAMETERS = (
        ParameterSpec(
            "driver",
            "none",
            "Where samples come from; none = from nowhere, or from publishers of your own.",
            choices=DRIVERS,
        ),
        *SIMULATED_PARAMETERS,
        *REAL_PARAMETERS,
        ParameterSpec(
            "calibration", "", "Name of the machine whose calibration counts (kinecue machine); empty = none."
        ),
        ParameterSpec(
            "pulley_frame", "cable_pulley", "Frame that the cable leaves from; of two cables, with the side."
        ),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("machine", **kwargs)
        self._driver: Driver | None = None
        self._supervisor: Supervisor | None = None
        self._checks = MachineChecks()
        self._checking = threading.Lock()
        self._uncalibrated = ""
        # of the driver's thread alone; publishing copies them
        self._loads: dict[CableSide, msg.CableLoad] = {}
        self._way = msg.RepEncoder()
        self._pulleys: dict[CableSide, tuple[float, float, float]] = {}
        self._simulated: SimulatedDriver | None = None
        self._joints: JointStateDriver | None = None
        self._recorded = self._gym = False
        self._newest_form = 0
        self._foreign = 0
        self._off_ns = 0
        self._bad_told = 0
        self._rate = RateMeter()
        self._cable = self.create_lifecycle_publisher(msg.CableLoad, "machine/cable", MACHINE_QOS)
        self._encoder = self.create_lifecycle_publisher(msg.RepEncoder, "machine/encoder", MACHINE_QOS)
        self._true_cable = self.create_lifecycle_publisher(msg.CableLoad, "machine/truth/cable", SENSOR_QOS)
        self._true_encoder = self.create_lifecycle_publisher(
            msg.RepEncoder, "machine/truth/encoder", SENSOR_QOS
        )
        self.create_subscription(msg.FormState, "form", self.guarded(self._on_form), SENSOR_QOS)
        self.create_subscription(msg.SetSummary, "set", self.guarded(self._on_set, latched=True), LATCHED_QOS)
        self.create_subscription(
            String, "truth/track", self.guarded(self._on_track, latched=True), LATCHED_QOS
        )
        self._joint_states = None
        self._timers_of_activity: list[object] = []

    def configure(self) -> None:
        kind = self.parameters["driver"]
        self._gym = self._recorded = False
        named = self.parameters["calibration"]
        calibration = load_calibration(named) if named else {}
        self._uncalibrated = named if named and not calibration else ""
        self._checks = MachineChecks(calibration)
        self._pulleys = {side: cable.pulley_m for side, cable in calibration.items()}
        self._loads = {}
        if kind == "simulated":
            path = self.parameters["truth_file"]
            self._gym = self.parameters["follow"] == "gym" and not path
            self._recorded = bool(path) or self._gym
            self._driver = self._simulated = simulated_driver(self.parameters)
            if self._simulated.cables == 0:
                self.get_logger().info(f"no cable: the exercise of {path} uses none")
        elif kind == "none":
            self._driver = None
        elif kind == "joint_state":
            self._driver = self._joints = joint_state_driver(self.parameters)
        else:
            self._driver = real_driver(self.parameters)
        self._foreign = self._newest_form = self._bad_told = 0

    def activate(self) -> None:
        if self.parameters["driver"] == "none":
            return
        if self._driver is None:
            raise KineCueError("the driver did not answer when it was stopped; clean up and configure again")
        if self._joints is not None:
            self._joint_states = self.hear_samples(JointState, "joint_states", self._on_joints)
        self._supervisor = Supervisor(
            self._driver, self._deliver, self.now_ns, self._on_link, self.report_error
        )
        if self._simulated is None:
            self._every(_SILENCE_PERIOD_S, self._tell_silence)
        elif self.parameters["publish_truth"]:
            self._every(1.0 / self.parameters["rate"], self._publish_truth)
        self._supervisor.start()

    def _every(self, period_s: float, callback: object) -> None:
        self._timers_of_activity.append(self.create_timer(period_s, self.guarded_timer(callback)))

    def deactivate(self) -> None:
        for timer in self._timers_of_activity:
            self.destroy_timer(timer)
        self._timers_of_activity = []
        if self._joint_states is not None:
            self._joint_states()
            self._joint_states = None
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            try:
                supervisor.stop()
            except DriverError:
                # its thread may still hold the device: a second one must not use the same driver
                self._driver = None
                raise

    def cleanup(self) -> None:
        self._driver = self._simulated = self._joints = None

    # -- diagnostics

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        state = self._supervisor.state if self._supervisor is not None else LinkState()
        level, message = self._judge(state) if self._simulated is None else self._judge_simulation()
        with self._checking:
            findings = self._checks.findings()
        if level == OK and self._uncalibrated:
            level = WARN
            message += f"; not calibrated: kinecue machine calibrate {self._uncalibrated}"
        if level == OK and findings:
            level, message = WARN, f"{message}; {_words(findings[0])}"
        values: dict[str, object] = {
            "rate [Hz]": self._rate.read(),
            "driver": self.parameters["driver"],
            "cables": len({stream.side for stream in state.streams}),
        }
        if self._simulated is not None:
            values["cables"] = self._simulated.cables or 0
            values["forms of another clock"] = self._foreign
        if self._driver is not None:
            counts = self._driver.counts
            values |= {
                "link": state.link.value,
                "reconnections": state.reconnections,
                "outages [s]": state.outage_s,
                "received": counts.received,
                "bad": counts.bad,
                "last bad": counts.last_bad,
                "lost": counts.lost,
                "repeated": counts.repeated,
                "clock restarts": counts.restarts,
            }
        for stream in state.streams:
            values |= {
                f"{stream.name} rate [Hz]": stream.rate_hz,
                f"{stream.name} drop-outs": stream.drop_outs,
                f"{stream.name} longest gap [s]": stream.longest_gap_s,
                f"{stream.name} out of order": stream.disordered,
            }
        for found in findings:
            values[f"{found.side.name.lower()} {found.what}"] = f"{found.count} times: {found.text}"
        return level, message, values

    def _judge_simulation(self) -> tuple[bytes, str]:
        level, message = OK, f"simulated machine, sensors: {self.parameters['flaws']}"
        cables = None if self._simulated is None else self._simulated.cables
        if cables == 0:
            message = "simulated machine: no cable, the exercise of the clip uses none"
        elif self._gym and cables is None:
            level, message = WARN, "simulated machine: the simulated gym has not begun yet"
        elif self._gym:
            message = f"{message}, led by the simulated gym"
        elif self._foreign:
            level = WARN
            message = f"simulated machine: stamps of `form` are {self._off_ns * 1e-9:.1f} s off this clock"
        elif cables is not None and not self._newest_form:
            level, message = WARN, "simulated machine: no lifter to follow yet"
        return level, message

    def _judge(self, state: LinkState) -> tuple[bytes, str]:
        """How a real machine's source is, in a sentence."""
        driver = self._driver
        if self.parameters["driver"] == "none":
            return OK, "no machine"
        if driver is None or state.link == Link.STOPPED:
            return OK, "not active"
        if state.link != Link.CONNECTED:
            what = "machine lost, looking for it" if state.connections else "machine not there yet"
            return ERROR, f"{what}: {state.error or driver.name}"
        if not state.streams:
            why = f": {driver.counts.last_bad}" if driver.counts.last_bad else ""
            return WARN, f"{driver.name}: no sample yet{why}"
        silent = [f"{s.name} ({s.silent_s:.1f} s)" for s in state.streams if s.silent_s > _SILENT_S]
        if silent:
            ended = ", the recording has ended" if getattr(driver, "ended", False) else ""
            return WARN, f"{driver.name}: silent: {', '.join(silent)}{ended}"
        new, self._bad_told = driver.counts.bad - self._bad_told, driver.counts.bad
        if new:
            return WARN, f"{driver.name}: {new} bad since the last word: {driver.counts.last_bad}"
        rates = ", ".join(f"{s.name} {s.rate_hz:.0f} Hz" for s in state.streams)
        return OK, f"{driver.name}: {rates}"

    # -- the driver's thread

    def _deliver(self, samples: Sequence[Sample]) -> None:
        with self._checking:
            checked: list[Sample] = [
                self._checks.cable(sample)
                if isinstance(sample, CableSample)
                else self._checks.encoder(sample)
                for sample in samples
            ]
        for sample in checked:
            if isinstance(sample, CableSample):
                load = self._loads.get(sample.side)
                if load is None:
                    load = self._loads[sample.side] = msg.CableLoad()
                    load.header.frame_id = self._frame(sample.side)
                fill_cable(load, sample, sample.stamp_ns)
                if sample.side in self._pulleys and math.isnan(sample.pulley_m[0]):
                    # a controller knows its cable, not where the camera hangs
                    load.pulley.x, load.pulley.y, load.pulley.z = self._pulleys[sample.side]
                self._cable.publish(load)
            else:
                self._encoder.publish(fill_encoder(self._way, sample, sample.stamp_ns))
                if sample.side != CableSide.RIGHT:
                    self._rate.tick()

    def _on_link(self, state: LinkState) -> None:
        name = self._driver.name if self._driver is not None else "machine"
        if state.link == Link.CONNECTED:
            with self._checking:
                self._checks.reset()
        if state.link == Link.LOST:
            self.get_logger().warning(f"lost: {state.error}", throttle_duration_sec=5.0)
        elif state.link == Link.CONNECTED and self._simulated is None:
            again = f" again after {state.last_outage_s:.1f} s" if state.reconnections else ""
            self.get_logger().info(f"{name} connected{again}")
        elif state.link == Link.CONNECTING and state.tries == 1:
            self.get_logger().warning(f"{state.error}; trying again")

    # -- the executor's thread

    def _tell_silence(self) -> None:
        """A sensor that went silent is told to have no reading, so that nobody waits for it."""
        if self._supervisor is None:
            return
        state = self._supervisor.state
        reason = Reason.STALE if state.link == Link.CONNECTED else Reason.NO_SENSOR
        for stream in state.streams:
            if stream.silent_s > _SILENT_S:
                cable, encoder = no_reading(self.now_ns(), stream.side, reason)
                if stream.sensor == "cable":
                    self._cable.publish(cable_to_msg(cable, cable.stamp_ns, self._frame(cable.side)))
                else:
                    self._encoder.publish(encoder_to_msg(encoder, encoder.stamp_ns))

    def _on_joints(self, message: JointState) -> None:
        if self._joints is None:
            return
        # a publisher that does not stamp leaves zero
        stamp = stamp_to_ns(message.header.stamp) or self.now_ns()
        self._joints.take(message.name, message.position, message.velocity, message.effort, stamp)

    def _on_form(self, message: msg.FormState) -> None:
        if self._simulated is None:
            return
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
            # the first scored frame is taken for the clip's first one
            self._simulated.begin(stamp)
        else:
            self._simulated.follow(message.progress, stamp)

    def _on_set(self, message: msg.SetSummary) -> None:
        """The first frames of a clip may get lost on their way to a busy process; when its set began does not."""
        start = stamp_to_ns(message.start)
        recent = abs(start - self.now_ns()) <= _FOREIGN_NS
        if self._simulated is not None and self._recorded and not self._gym and message.active and recent:
            self._simulated.begin(start)

    def _on_track(self, message: String) -> None:
        """A performance of the simulated gym begins."""
        if not self._gym or self._simulated is None:
            return
        cables = read_cables(message.data, "truth/track")
        start_ns = json.loads(message.data).get("start_ns")
        if not isinstance(start_ns, int):
            raise ConfigError("truth/track", "start_ns", f"is {start_ns!r}, allowed: a stamp in ns")
        self._simulated.perform(cables, start_ns)

    def _publish_truth(self) -> None:
        for cable, encoder in self._simulated.truth(self.now_ns()) if self._simulated is not None else ():
            self._true_cable.publish(cable_to_msg(cable, cable.stamp_ns, self._frame(cable.side)))
            self._true_encoder.publish(encoder_to_msg(encoder, encoder.stamp_ns))

    def _frame(self, side: CableSide) -> str:
        frame = self.parameters["pulley_frame"]
        return frame if side == CableSide.NONE else f"{frame}_{side.name.lower()}"


def _words(found: Finding) -> str:
    side = "" if found.side == CableSide.NONE else f"{found.side.name.lower()}: "
    return f"{side}{found.text}"


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(MachineNode, args)
