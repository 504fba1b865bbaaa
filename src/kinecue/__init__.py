"""KineCue: a coach for gym machines, from camera frames to spoken cues, on ROS 2.

The core (everything but ``nodes`` and ``cli``) runs without ROS.
"""

__version__ = "0.1.0"
