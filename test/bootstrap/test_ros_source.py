"""Where ROS 2 is taken from."""

from __future__ import annotations

import json

import pytest

from bootstrap.__main__ import still_right
from bootstrap.environment import Environment, marker_text, outside
from bootstrap.errors import SetupError
from bootstrap.interpreter import Interpreter
from bootstrap.ros_source import RosSource, decide, has_package

PYTHON = Interpreter("/usr/bin/python3", (3, 12, 3))
JAZZY = {
    "ROS_DISTRO": "jazzy",
    "ROS_VERSION": "2",
    "AMENT_PREFIX_PATH": "/opt/ros/jazzy",
    "PYTHONPATH": "/opt/ros/jazzy/lib/python3.12/site-packages",
    "LD_LIBRARY_PATH": "/opt/ros/jazzy/lib",
}


def decided(shell, imports=True, requested=None):
    return decide(
        shell,
        requested,
        choose_python=lambda requested: PYTHON,
        probe_one=lambda command: PYTHON,
        imports=lambda executable, module, environment: imports,
    )


def test_nothing_sourced_means_pypi():
    source = decided({"PATH": "/usr/bin"})
    assert source.kind == "pypi"
    assert source.notices == ()


def test_a_sourced_jazzy_is_used_and_its_paths_are_remembered():
    source = decided(JAZZY)
    assert source.system
    assert source.paths["AMENT_PREFIX_PATH"] == ("/opt/ros/jazzy",)
    assert source.paths["LD_LIBRARY_PATH"] == ("/opt/ros/jazzy/lib",)
    assert source.variables["ROS_DISTRO"] == "jazzy"
    assert "/opt/ros/jazzy" in source.text


def test_a_newer_distribution_is_tried_with_a_warning():
    source = decided({**JAZZY, "ROS_DISTRO": "kilted"})
    assert source.system
    assert "tested with jazzy only" in source.notices[0]


@pytest.mark.parametrize("distribution", ["humble", "iron", "foxy"])
def test_an_older_distribution_is_left_alone(distribution):
    source = decided({**JAZZY, "ROS_DISTRO": distribution})
    assert source.kind == "pypi"
    assert f"ROS 2 {distribution} is sourced" in source.notices[0]


def test_pypi_can_be_asked_for_although_one_is_sourced():
    assert decided({**JAZZY, "KINECUE_ROS": "pypi"}).kind == "pypi"


def test_the_system_can_be_insisted_on_only_if_one_is_sourced():
    with pytest.raises(SetupError, match=r"source /opt/ros/jazzy/setup\.bash"):
        decided({"KINECUE_ROS": "system"})


def test_an_unknown_wish_is_refused_with_the_allowed_ones():
    with pytest.raises(SetupError, match="allowed: pypi, system"):
        decided({"KINECUE_ROS": "apt"})


def test_a_sourced_ros_without_rclpy_is_explained():
    with pytest.raises(SetupError) as error:
        decided(JAZZY, imports=False)
    assert "ros-jazzy-rclpy" in str(error.value)
    assert "KINECUE_ROS=pypi" in str(error.value)


def test_a_package_of_the_system_is_found_by_its_package_xml(tmp_path):
    (tmp_path / "share/tf2_msgs").mkdir(parents=True)
    (tmp_path / "share/tf2_msgs/package.xml").write_text("<package/>")
    source = RosSource("system", PYTHON, paths={"AMENT_PREFIX_PATH": (str(tmp_path),)})
    assert has_package(source, "tf2_msgs")
    assert not has_package(source, "hri_msgs")


def test_the_ros_of_a_kinecue_environment_is_not_a_sourced_one():
    inside = {
        "KINECUE_ROS_ENVIRONMENT": "/home/me/kinecue/.venv",
        "ROS_DISTRO": "jazzy",
        "AMENT_PREFIX_PATH": "/home/me/kinecue/.venv",
        "LD_LIBRARY_PATH": "/home/me/kinecue/.venv/lib:/usr/local/cuda/lib",
        "HOME": "/home/me",
    }
    assert outside(inside) == {"LD_LIBRARY_PATH": "/usr/local/cuda/lib", "HOME": "/home/me"}


def test_a_sourced_ros_stays_sourced_inside_a_kinecue_environment():
    inside = {**JAZZY, "KINECUE_ROS_ENVIRONMENT": "/venv", "AMENT_PREFIX_PATH": "/venv:/opt/ros/jazzy"}
    assert outside(inside)["AMENT_PREFIX_PATH"] == "/opt/ros/jazzy"
    assert outside(inside)["ROS_DISTRO"] == "jazzy"


@pytest.mark.parametrize(
    ("kind", "shell", "kept"),
    [
        ("pypi", {}, True),
        ("pypi", JAZZY, False),
        ("pypi", {**JAZZY, "ROS_DISTRO": "humble"}, True),
        ("pypi", {**JAZZY, "KINECUE_ROS": "pypi"}, True),
        ("system", JAZZY, True),
        ("system", {}, True),
        ("system", {"KINECUE_ROS": "pypi"}, False),
        ("pypi", {"PYTHON": "/no/such/python"}, False),
    ],
)
def test_when_an_existing_environment_is_kept(kind, shell, kept):
    assert still_right(RosSource(kind, PYTHON), shell) is kept


def test_an_environment_remembers_how_it_was_made(tmp_path):
    source = RosSource(
        "system", PYTHON, paths={"AMENT_PREFIX_PATH": (str(tmp_path),)}, variables={"ROS_VERSION": "2"}
    )
    environment = Environment(tmp_path / ".venv")
    (environment.root / "bin").mkdir(parents=True)
    environment.python.touch()
    assert environment.is_foreign()
    (environment.root / "made-by-kinecue.json").write_text(marker_text(source))
    assert not environment.is_foreign()
    assert environment.source() == source


def test_an_environment_whose_ros_is_gone_is_made_anew(tmp_path):
    source = RosSource("system", PYTHON, paths={"AMENT_PREFIX_PATH": (str(tmp_path / "gone"),)})
    environment = Environment(tmp_path / ".venv")
    (environment.root / "bin").mkdir(parents=True)
    environment.python.touch()
    (environment.root / "made-by-kinecue.json").write_text(marker_text(source))
    assert environment.source() is None


def test_a_damaged_marker_counts_as_none(tmp_path):
    environment = Environment(tmp_path / ".venv")
    environment.root.mkdir()
    (environment.root / "made-by-kinecue.json").write_text(json.dumps({"kind": "pypi"}))
    assert environment.source() is None
