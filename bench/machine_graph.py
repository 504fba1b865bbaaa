"""The graph with a machine, end to end: processor time, messages lost, delays, and an encoder that goes away in mid-set.

    python bench/machine_graph.py [--quick]

Machine (simulated, two cables at 1,000 Hz), scoring with its fusion, training and loads run as processes of their own. This
process shows them a simulated set of chest presses at 30 frames a second, as true bodies with 1 cm of noise, and listens.
In a second set the machine is killed in mid-set and started again some seconds later.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rich.console import Console
from rich.table import Table
from std_msgs.msg import String

from kinecue.body import BLAZEPOSE_33, Body
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, SENSOR_QOS, stamp_to_ns
from kinecue.nodes.conversions import body_to_msg
from kinecue.nodes.message_parts import header
from kinecue.nodes.polled_topic import PolledTopic
from kinecue.simulation.gym import Gym
from kinecue.simulation.movement.set_plan import SetPlan, Tempo
from kinecue.simulation.programmes import Programme
from kinecue_msgs import msg

Array = npt.NDArray[np.float64]

EXERCISE = "cable_chest_press"
"""The exercise of the simulation with two cables."""
FPS, RATE_HZ = 30.0, 1000.0
NOISE_M = 0.01
FRAME = "machine_base_link"
DOMAIN = "88"
NODES: dict[str, tuple[str, ...]] = {
    "machine": ("driver:=simulated", "follow:=gym", "load_kg:=20.0"),
    "scoring": (f"exercise:={EXERCISE}",),
    "training": ("history:=false",),
    "loads": ("mass:=75.0",),
}
START_PATIENCE_S = 60.0
AFTER_S = 2.0
BACK_SHARE = 0.05
"""Of the way: where a repetition's return is over."""
SETTLE_S = 1.0
_TICKS = os.sysconf("SC_CLK_TCK")


class GraphError(Exception):
    """The graph did not come up; the text says which node."""


@dataclass(frozen=True)
class Shown:
    """A set as it truly is: messages of bodies without stamps, and the document of its cables."""

    times_s: Array
    bodies: tuple[Body, ...]
    cables: dict[str, Any]
    returns_s: tuple[float, ...]
    """When each repetition is over, s."""
    turns_s: tuple[float, ...]
    """When the handle turned at its farthest, s."""
    sides: int


def simulated(repetitions: int, seed: int) -> Shown:
    """A set of the simulated gym."""
    plan = SetPlan(
        repetitions, Tempo(0.9, 0.2, 1.1, 0.6), (), still_s=1.5, after_s=1.6, variation=1.0, seed=seed
    )
    gym = Gym(Programme("set", EXERCISE, plan=plan, view=0.6))
    times = np.arange(int(gym.duration_s * FPS)) / FPS
    rng = np.random.default_rng(seed)
    bodies, handles = [], []
    count = len(BLAZEPOSE_33)
    for first in range(0, len(times), 64):
        part = times[first : first + 64]
        figure = gym.performance.figure(part)
        for n in range(len(part)):
            bones = gym.bones(figure, n)
            marks = gym.athlete.landmarks(bones)
            positions = np.array([marks[mark] for mark in BLAZEPOSE_33.landmarks])
            positions += rng.normal(0.0, NOISE_M, positions.shape)
            handles.append(np.asarray(gym.equipment.handles(bones)).tolist())
            bodies.append(
                Body(
                    "lifter",
                    0,
                    BLAZEPOSE_33,
                    np.zeros((count, 2)),
                    np.ones(count),
                    positions,
                    np.tile(np.eye(3) * NOISE_M**2, (count, 1, 1)),
                    np.full(count, 2, np.uint8),
                    1.0,
                    (640, 480),
                    float("inf"),
                )
            )
    cables = [
        {"side": cable.side, "pulley_m": np.asarray(pulley).tolist()}
        for cable, pulley in zip(gym.equipment.cables, gym.pulleys, strict=True)
    ]
    frames = [{"time_s": t, "handles_m": h} for t, h in zip(times.tolist(), handles, strict=True)]
    out = np.linalg.norm(np.array(handles)[:, 0] - np.array(cables[0]["pulley_m"]), axis=1)
    turns, returns = _events(times, out)
    return Shown(
        times,
        tuple(bodies),
        {"machine": {"cables": cables}, "frames": frames},
        returns,
        turns,
        len(cables),
    )


def _events(times: Array, way: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Farthest points and returns of every excursion."""
    low, high = float(np.percentile(way, 2)), float(np.percentile(way, 98))
    level = (way - low) / (high - low)
    turns, returns, out, top = [], [], False, 0
    for index, value in enumerate(level.tolist()):
        if not out and value > 0.5:
            out, top = True, index
        elif out and value > level[top]:
            top = index
        elif out and value < BACK_SHARE:
            out = False
            turns.append(float(times[top]))
            returns.append(float(times[index]))
    return tuple(turns), tuple(returns)


@dataclass
class Heard:
    """What came, with the times of this machine, s since the set began."""

    begun_ns: int = 0
    repetitions: list[tuple[float, msg.Repetition]] = field(default_factory=list)
    stamps: dict[int, list[int]] = field(default_factory=dict)
    arrivals: list[float] = field(default_factory=list)
    clocks: list[tuple[float, msg.MachineClock]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    loads: int = 0
    efforts: int = 0

    def now_s(self) -> float:
        return (time.time_ns() - self.begun_ns) * 1e-9


class Listener:
    """Shows a set and hears what comes of it."""

    def __init__(self) -> None:
        self.node = Node("gym", use_global_arguments=False)
        self.heard = Heard()
        node = self.node
        self.bodies = node.create_publisher(msg.BodyArray, "bodies", SENSOR_QOS)
        self.track = node.create_publisher(String, "truth/track", LATCHED_QOS)
        node.create_subscription(msg.Repetition, "repetitions", self._on_repetition, EVENT_QOS)
        node.create_subscription(msg.MachineClock, "machine/clock", self._on_clock, LATCHED_QOS)
        node.create_subscription(
            msg.FormFault, "faults", lambda m: self.heard.faults.append(m.name), EVENT_QOS
        )
        node.create_subscription(msg.JointLoads, "joint_loads", self._on_loads, SENSOR_QOS)
        node.create_subscription(msg.Effort, "effort", self._on_effort, EVENT_QOS)
        self._encoder = PolledTopic(node, msg.RepEncoder, "machine/encoder")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()

    def _on_repetition(self, message: msg.Repetition) -> None:
        self.heard.repetitions.append((self.heard.now_s(), message))

    def _on_clock(self, message: msg.MachineClock) -> None:
        self.heard.clocks.append((self.heard.now_s(), message))

    def _on_loads(self, _: msg.JointLoads) -> None:
        self.heard.loads += 1

    def _on_effort(self, _: msg.Effort) -> None:
        self.heard.efforts += 1

    def _take_samples(self) -> None:
        for sample in self._encoder.take():
            self.heard.arrivals.append(self.heard.now_s())
            self.heard.stamps.setdefault(sample.side, []).append(stamp_to_ns(sample.header.stamp))

    def spin_until(self, done: Callable[[], bool], patience_s: float) -> bool:
        until = time.monotonic() + patience_s
        while not done() and time.monotonic() < until:
            self._executor.spin_once(timeout_sec=0.005)
            self._take_samples()
        return done()

    def wait_for(self, running: Sequence[str]) -> None:
        """Until everybody listens who has to.

        Raises:
            GraphError: names the nodes that did not come.
        """
        wanted = {
            "machine": lambda: self.track.get_subscription_count() > 0,
            "scoring": lambda: self.node.count_publishers("form") > 0,
            "training": lambda: self.node.count_publishers("effort") > 0,
            "loads": lambda: self.node.count_publishers("joint_loads") > 0,
        }
        if not self.spin_until(lambda: all(wanted[name]() for name in running), START_PATIENCE_S):
            raise GraphError("did not start: " + ", ".join(n for n in running if not wanted[n]()))
        begun = time.monotonic()
        self.spin_until(lambda: time.monotonic() - begun > SETTLE_S, SETTLE_S + 1.0)

    def show(self, shown: Shown, at: Sequence[tuple[float, Callable[[], None]]] = ()) -> Heard:
        """Plays the set in real time; `at` names what happens when, s."""
        self.heard = Heard(begun_ns=time.time_ns())
        start = self.heard.begun_ns
        self.track.publish(String(data=json.dumps({"start_ns": start, **shown.cables})))
        todo = list(at)
        for index, (t, body) in enumerate(zip(shown.times_s.tolist(), shown.bodies, strict=True)):
            self.spin_until(lambda t=t: self.heard.now_s() >= t, t + 5.0)
            while todo and self.heard.now_s() >= todo[0][0]:
                todo.pop(0)[1]()
            stamp = start + round(t * 1e9)
            message = body_to_msg(replace(body, stamp_ns=stamp), FRAME)
            self.bodies.publish(
                msg.BodyArray(header=header(stamp, FRAME), bodies=[message], frame_index=index)
            )
        begun = time.monotonic()
        self.spin_until(lambda: time.monotonic() - begun > AFTER_S, AFTER_S + 1.0)
        return self.heard


class Processes:
    """The nodes, each a process."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def start(self, name: str) -> None:
        code = f"import sys; from kinecue.nodes.{name} import main; sys.exit(main())"
        parameters = NODES[name] + ((f"rate:={self.rate_hz:.1f}",) if name == "machine" else ())
        arguments = ["--ros-args", *(part for p in parameters for part in ("-p", p))]
        self.running[name] = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], env=self._environment, stdout=subprocess.DEVNULL
        )

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait(10.0)

    def close(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(10.0)
            except subprocess.TimeoutExpired:
                process.kill()
        self.running.clear()

    def cpu_s(self) -> dict[str, float]:
        """Processor time so far."""
        result = {}
        for name, process in self.running.items():
            fields = Path(f"/proc/{process.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
            result[name] = (int(fields[11]) + int(fields[12])) / _TICKS
        return result


def _delays(shown: Shown, heard: Heard) -> dict[str, Any]:
    """Of the counted repetitions: from the true return of the handle until the message came, ms."""
    delays = []
    for came, repetition in heard.repetitions:
        if repetition.status != msg.Repetition.STATUS_VALID:
            continue
        before = [t for t in shown.returns_s if t <= came + 0.3]
        if before:
            delays.append(1000.0 * (came - before[-1]))
    return (
        {"median": statistics.median(delays), "max": max(delays)} if delays else {"median": None, "max": None}
    )


def _counted(heard: Heard) -> dict[str, Any]:
    valid = [(t, r) for t, r in heard.repetitions if r.status == msg.Repetition.STATUS_VALID]
    sources: dict[str, int] = {}
    for _, repetition in valid:
        sources[repetition.source] = sources.get(repetition.source, 0) + 1
    numbers = [r.number for _, r in valid]
    return {
        "valid": len(valid),
        "not_counted": len(heard.repetitions) - len(valid),
        "sources": sources,
        "numbers": numbers,
        "numbers_in_order": numbers == list(range(1, len(numbers) + 1)),
        "with_velocity": sum(bool(r.velocity.source) for _, r in valid),
    }


def _samples(heard: Heard, rate_hz: float) -> tuple[int, int]:
    """How many samples there should have been between the first and the last of each cable, and how many there were."""
    due = sum(round((stamps[-1] - stamps[0]) * 1e-9 * rate_hz) + 1 for stamps in heard.stamps.values())
    return due, sum(len(stamps) for stamps in heard.stamps.values())


def _whole_set(listener: Listener, processes: Processes, shown: Shown) -> dict[str, Any]:
    before, begun = processes.cpu_s(), time.monotonic()
    heard = listener.show(shown)
    after, seconds = processes.cpu_s(), time.monotonic() - begun
    due, came = _samples(heard, processes.rate_hz)
    known = [t for t, clock in heard.clocks if clock.state == msg.MachineClock.STATE_KNOWN]
    return {
        "repetitions_true": len(shown.returns_s),
        **_counted(heard),
        "return_to_message_ms": _delays(shown, heard),
        "cpu_share": {name: (after[name] - before[name]) / seconds for name in after if name in before},
        "seconds": seconds,
        "encoder_samples_due": due,
        "encoder_samples_heard": came,
        "encoder_samples_missing_share": max(0.0, 1.0 - came / max(due, 1)),
        "clock_known_after_s": known[0] if known else None,
        "clock_known_after_repetitions": sum(t <= known[0] for t in shown.returns_s) if known else None,
        "faults": heard.faults,
        "joint_loads": heard.loads,
        "efforts": heard.efforts,
        "load_average": os.getloadavg()[0],
    }


def _away_and_back(listener: Listener, processes: Processes, shown: Shown) -> dict[str, Any]:
    """The machine dies in the third repetition and is started again two repetitions later."""
    gone = shown.turns_s[2]
    back = shown.turns_s[4] + 0.3
    heard = listener.show(
        shown, [(gone, lambda: processes.kill("machine")), (back, lambda: processes.start("machine"))]
    )
    valid = [(t, r) for t, r in heard.repetitions if r.status == msg.Repetition.STATUS_VALID]
    again = next((t for t in heard.arrivals if t > back), None)
    fused = next((t for t, r in valid if r.source != "camera" and t > back), None)
    return {
        "repetitions_true": len(shown.returns_s),
        **_counted(heard),
        "away_s": None if again is None else again - gone,
        "samples_again_after_start_s": None if again is None else again - back,
        "fused_again_after_s": None if fused is None or again is None else fused - again,
        "fused_again_after_repetitions": None
        if fused is None or again is None
        else sum(again < t <= fused for t in shown.turns_s),
        "in_order_of_time": [{"at_s": round(t, 2), "source": r.source, "number": r.number} for t, r in valid],
        "gone_at_s": gone,
        "back_at_s": back,
        "return_to_message_ms": _delays(shown, heard),
        "faults": heard.faults,
    }


def measure(console: Console, quick: bool, rate_hz: float = RATE_HZ) -> dict[str, Any]:
    """Figures of the whole graph.

    Args:
        console: for the table.
        quick: short sets.
        rate_hz: samples per second of each cable.

    Raises:
        GraphError: a node did not come up.
    """
    whole, broken = simulated(4 if quick else 12, 3), simulated(9 if quick else 12, 5)
    old = {name: os.environ.get(name) for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")}
    os.environ |= {"ROS_DOMAIN_ID": DOMAIN, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    results: dict[str, Any] = {"rate_hz": rate_hz}
    try:
        for name, shown, run in (("set", whole, _whole_set), ("machine_away", broken, _away_and_back)):
            rclpy.init(args=[])
            listener, processes = Listener(), Processes(rate_hz)
            try:
                for node in NODES:
                    processes.start(node)
                listener.wait_for(tuple(NODES))
                results[name] = run(listener, processes, shown)
            finally:
                processes.close()
                listener.close()
                rclpy.try_shutdown()
    finally:
        for key, value in old.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
    _told(results, console)
    return results


def _told(results: dict[str, Any], console: Console) -> None:
    table = Table(
        "",
        "whole set",
        "machine away in mid-set",
        title=f"graph with a machine of two cables at {results['rate_hz']:.0f} Hz",
    )
    one, other = results["set"], results["machine_away"]
    for title, key in (
        ("repetitions, true", "repetitions_true"),
        ("counted", "valid"),
        ("not counted", "not_counted"),
        ("sources", "sources"),
        ("numbers", "numbers"),
        ("return of the handle to message, ms", "return_to_message_ms"),
        ("faults", "faults"),
    ):
        table.add_row(title, _cell(one[key]), _cell(other[key]))
    for name, share in one["cpu_share"].items():
        table.add_row(f"{name}, share of a core", f"{100 * share:.1f} %", "")
    table.add_row("encoder samples missing", f"{100 * one['encoder_samples_missing_share']:.2f} %", "")
    table.add_row("clock known after repetitions", _cell(one["clock_known_after_repetitions"]), "")
    table.add_row("seconds away", "", _cell(other["away_s"]))
    table.add_row("repetitions until fused again", "", _cell(other["fused_again_after_repetitions"]))
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v:.0f}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items())
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="short sets")
    parser.add_argument("--rate", type=float, default=RATE_HZ, help="samples per second of each cable")
    arguments = parser.parse_args()
    print(json.dumps(measure(Console(stderr=True, width=150), arguments.quick, arguments.rate), indent=1))


if __name__ == "__main__":
    main()
