"""Where samples of a real machine come from: serial line, CAN, joint states, a recording; and the simulated machine."""

from kinecue.machine.drivers.base import Driver, DriverCounts, DriverError, DriverLost, Sample
from kinecue.machine.drivers.supervisor import Supervisor

__all__ = ["Driver", "DriverCounts", "DriverError", "DriverLost", "Sample", "Supervisor"]
