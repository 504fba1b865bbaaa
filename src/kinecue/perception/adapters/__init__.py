"""Adapters to pose networks whose ONNX files the user supplies; models/README.md says how."""

from kinecue.perception.adapters.opening import open_pose_network, open_supplied
from kinecue.perception.adapters.rtmpose import RTMPose
from kinecue.perception.adapters.vitpose import ViTPose
from kinecue.perception.adapters.yolo_pose import YoloPose

__all__ = ["RTMPose", "ViTPose", "YoloPose", "open_pose_network", "open_supplied"]
