"""What the machine feels: samples of cable force and repetition encoder, and a simulated machine with all its flaws."""

from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample
from kinecue.machine.simulated.bounds import MachineError
from kinecue.machine.simulated.flaws import (
    FLAWS,
    ClockFlaws,
    EncoderFlaws,
    ForceFlaws,
    SensorFlaws,
    named_flaws,
)
from kinecue.machine.simulated.model import MACHINES, MachineModel
from kinecue.machine.simulated.motion import LiveMotion, TrackMotion
from kinecue.machine.simulated.simulator import CableMachineSimulator, MachineTruth, machines_of
from kinecue.machine.simulated.stream import SampleStream
from kinecue.machine.simulated.truth_file import CableTrack, load_cables, load_track

__all__ = [
    "FLAWS",
    "MACHINES",
    "CableFlag",
    "CableMachineSimulator",
    "CableSample",
    "CableSide",
    "CableTrack",
    "ClockFlaws",
    "Direction",
    "EncoderFlaws",
    "EncoderSample",
    "ForceFlaws",
    "LiveMotion",
    "MachineError",
    "MachineModel",
    "MachineTruth",
    "SampleStream",
    "SensorFlaws",
    "TrackMotion",
    "load_cables",
    "load_track",
    "machines_of",
    "named_flaws",
]
