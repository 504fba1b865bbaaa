"""The ROS shells: one module per node, message conversion, parameters, quality of service."""
