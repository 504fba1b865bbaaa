"""A publisher of machine/cable and machine/encoder: put your hardware into `read_hardware`, and KineCue feels the machine.

    python3 machine_publisher.py                                   # with ROS 2 and kinecue_msgs sourced
    ros2 launch kinecue bringup.launch.py machine:=none            # KineCue, without a machine node of its own

Written for two cables at 100 Hz. Beyond 200 Hz take the driver's own thread, or C++, instead of a timer in Python.
"""

import math
import time

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from kinecue_msgs.msg import CableLoad, JointAngle, RepEncoder

RATE_HZ = 100.0
COUNTS_PER_METRE = 5000.0
LOAD_N = 20.0 * 9.80665
SIDES = {CableLoad.SIDE_LEFT: "left", CableLoad.SIDE_RIGHT: "right"}  # one cable: {CableLoad.SIDE_NONE: ""}


def read_hardware(side: int) -> tuple[int | None, float | None]:
    """YOUR HARDWARE HERE: counts of the encoder and force in N; None for a sensor that does not answer."""
    phase = 2.0 * math.pi * time.monotonic() / 3.0
    out_m = 0.3 - 0.3 * math.cos(phase)
    return round(out_m * COUNTS_PER_METRE), LOAD_N + 8.0 * math.cos(phase)


class MachinePublisher(Node):
    """Asks the hardware at a steady rate and publishes what it says."""

    def __init__(self) -> None:
        super().__init__("machine_publisher")
        streams = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.cable = self.create_publisher(CableLoad, "machine/cable", streams)
        self.encoder = self.create_publisher(RepEncoder, "machine/encoder", streams)
        self.last: dict[int, tuple[int, float]] = {}
        self.create_timer(1.0 / RATE_HZ, self.publish)

    def publish(self) -> None:
        """One sample of each sensor of each cable."""
        for side, name in SIDES.items():
            stamp = self.get_clock().now()  # when the sample was taken, not when it is published
            count, tension = read_hardware(side)

            cable = CableLoad(side=side, load=LOAD_N)
            cable.header.stamp = stamp.to_msg()
            cable.header.frame_id = f"cable_pulley_{name}".rstrip("_")
            cable.tension = math.nan if tension is None else max(tension, 0.0)  # a cable cannot push
            cable.speed = math.nan  # NaN = not measured; never 0 for "do not know"
            cable.pulley.x = cable.pulley.y = cable.pulley.z = math.nan  # or where it leaves the machine, m
            if tension is not None and tension < 3.0:
                cable.flags |= CableLoad.FLAG_SLACK
            self.cable.publish(cable)

            way = RepEncoder(side=side, counts_per_metre=COUNTS_PER_METRE)
            way.header.stamp = stamp.to_msg()
            if count is None:
                way.position = way.speed = math.nan
                way.validity, way.reason = RepEncoder.ABSTAINED, JointAngle.REASON_NO_SENSOR
            else:
                way.count = count
                way.position = count / COUNTS_PER_METRE  # m from rest, positive = pulled out
                way.speed = self.speed(side, stamp.nanoseconds, way.position)
                if abs(way.speed) > 0.02:
                    way.direction = RepEncoder.DIRECTION_OUT if way.speed > 0.0 else RepEncoder.DIRECTION_BACK
                way.validity = RepEncoder.VALID
            self.encoder.publish(way)

    def speed(self, side: int, stamp_ns: int, position: float) -> float:
        """From this sample and the one before, m/s; NaN for the first. Leave it NaN if your drive does not know better."""
        before_ns, before = self.last.get(side, (stamp_ns, position))
        self.last[side] = (stamp_ns, position)
        return (position - before) / (stamp_ns - before_ns) * 1e9 if stamp_ns > before_ns else math.nan


def main() -> None:
    """Publishes until it is interrupted."""
    rclpy.init()
    node = MachinePublisher()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
