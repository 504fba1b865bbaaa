"""What the machine feels: samples of cable force and repetition encoder, and a simulator of both."""

from kinecue.machine.motion import LiveMotion, TrackMotion
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample
from kinecue.machine.simulator import CableMachineSimulator, MachineModel

__all__ = [
    "CableFlag",
    "CableMachineSimulator",
    "CableSample",
    "CableSide",
    "Direction",
    "EncoderSample",
    "LiveMotion",
    "MachineModel",
    "TrackMotion",
]
