"""Sets KineCue up on a machine: virtual environment, ROS 2, interfaces, models. Standard library only."""
