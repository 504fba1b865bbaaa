"""What a body is: landmarks, topologies, joint angles, proportions, and the camera that sees it."""

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, COCO_17, Landmark, LandmarkState, Topology
from kinecue.body.measurement import Measurement, Reason, Validity

__all__ = [
    "BLAZEPOSE_33",
    "COCO_17",
    "Body",
    "CameraModel",
    "ConfigError",
    "KineCueError",
    "Landmark",
    "LandmarkState",
    "Measurement",
    "Reason",
    "Topology",
    "Validity",
]
