"""Parts of the set-up that change files of the virtual environment, on made-up ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from bootstrap.interfaces import rewritten
from bootstrap.interpreter import SUPPORTED, Interpreter
from bootstrap.packages import constraints_text, lock_file, remove_unfinished

ROOT = Path(__file__).resolve().parents[2]


def load_hook():
    spec = importlib.util.spec_from_file_location(
        "kinecue_ros_environment", ROOT / "bootstrap/hook/kinecue_ros_environment.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = load_hook()
FROM_PYPI = {
    "kind": "pypi",
    "paths": {"AMENT_PREFIX_PATH": [], "PYTHONPATH": [], "LD_LIBRARY_PATH": ["/venv/libs/ros_rcl.libs"]},
    "variables": {"ROS_DISTRO": "jazzy", "RMW_IMPLEMENTATION": "rmw_fastrtps_cpp"},
}
FROM_SYSTEM = {
    "kind": "system",
    "paths": {
        "AMENT_PREFIX_PATH": ["/opt/ros/jazzy"],
        "PYTHONPATH": ["/opt/ros/jazzy/lib/python3.12/site-packages"],
        "LD_LIBRARY_PATH": ["/opt/ros/jazzy/lib"],
    },
    "variables": {"ROS_DISTRO": "jazzy"},
}


def test_from_a_bare_shell_the_environment_finds_its_ros():
    found = HOOK.environment_for("/venv", FROM_PYPI, {"HOME": "/home/me"})
    assert found["AMENT_PREFIX_PATH"] == "/venv"
    assert found["LD_LIBRARY_PATH"] == "/venv/lib:/venv/libs/ros_rcl.libs"
    assert found["ROS_DISTRO"] == "jazzy"
    assert "PYTHONPATH" not in found
    assert found["HOME"] == "/home/me"


def test_another_ros_that_is_sourced_does_not_leak_in():
    shell = {
        "ROS_DISTRO": "humble",
        "AMENT_PREFIX_PATH": "/ws/install/mine:/opt/ros/humble",
        "PYTHONPATH": "/opt/ros/humble/lib/python3.10/site-packages:/home/me/tools",
        "LD_LIBRARY_PATH": "/opt/ros/humble/lib:/opt/ros/humble-extras/lib:/usr/local/cuda/lib",
        "RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp",
    }
    found = HOOK.environment_for("/venv", FROM_PYPI, shell)
    assert found["AMENT_PREFIX_PATH"] == "/venv"
    assert found["PYTHONPATH"] == "/home/me/tools"
    assert found["LD_LIBRARY_PATH"] == (
        "/venv/lib:/venv/libs/ros_rcl.libs:/opt/ros/humble-extras/lib:/usr/local/cuda/lib"
    )
    assert found["ROS_DISTRO"] == "jazzy"
    assert found["RMW_IMPLEMENTATION"] == "rmw_fastrtps_cpp"


def test_the_systems_ros_is_found_from_a_bare_shell():
    found = HOOK.environment_for("/venv", FROM_SYSTEM, {})
    assert found["AMENT_PREFIX_PATH"] == "/venv:/opt/ros/jazzy"
    assert found["PYTHONPATH"] == "/opt/ros/jazzy/lib/python3.12/site-packages"
    assert found["LD_LIBRARY_PATH"] == "/venv/lib:/opt/ros/jazzy/lib"


def test_a_workspace_on_top_of_the_environment_stays():
    shell = {"AMENT_PREFIX_PATH": "/ws/install:/venv:/opt/ros/jazzy", "LD_LIBRARY_PATH": "/ws/install/lib"}
    found = HOOK.environment_for("/venv", FROM_SYSTEM, shell)
    assert found["AMENT_PREFIX_PATH"] == "/ws/install:/venv:/opt/ros/jazzy"
    assert "/ws/install/lib" in found["LD_LIBRARY_PATH"].split(":")


def test_the_environments_packages_come_before_those_of_a_sourced_ros():
    search_path = ["", "/opt/ros/jazzy/lib", "/usr/lib/python3.12", "/venv/lib"]
    HOOK.put_first("/venv/lib", search_path, ["/opt/ros/jazzy/lib", ""])
    assert search_path == ["", "/venv/lib", "/opt/ros/jazzy/lib", "/usr/lib/python3.12", "/venv/lib"]


def test_without_a_python_path_the_search_path_stays():
    search_path = ["", "/usr/lib/python3.12", "/venv/lib"]
    HOOK.put_first("/venv/lib", search_path, [""])
    assert search_path == ["", "/usr/lib/python3.12", "/venv/lib"]


def test_the_paths_of_the_wheels_build_machine_are_replaced():
    before = (
        'set_target_properties(x PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_IMPORT_PREFIX}/include/x;'
        "/opt/python/cp311-cp311/include/python3.11;"
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include")\n'
    )
    after = rewritten(before, "/usr/include/python3.11", "/venv/numpy/core/include")
    assert after == (
        'set_target_properties(x PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_IMPORT_PREFIX}/include/x;'
        '/usr/include/python3.11;/venv/numpy/core/include")\n'
    )
    assert rewritten(after, "/other", "/other") == after


def make_dist_info(site_packages: Path, name: str, record: str | None) -> Path:
    folder = site_packages / f"{name}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: x\n")
    if record is not None:
        (folder / "RECORD").write_text(record)
    return folder


def test_packages_whose_installation_was_cut_short_are_installed_again(tmp_path):
    whole = make_dist_info(tmp_path, "whole-1.0", "whole.py,,\nwhole-1.0.dist-info/INSTALLER,,\n")
    make_dist_info(tmp_path, "cut-1.0", "cut.py,,\n")
    make_dist_info(tmp_path, "bare-1.0", None)
    assert sorted(remove_unfinished(tmp_path)) == ["bare-1.0.dist-info", "cut-1.0.dist-info"]
    assert whole.exists()


def test_constraints_keep_what_the_system_was_built_with():
    names = ("numpy==1.26.4", "ros-rclpy==7.1.6", "scipy==1.17.1")
    lock = "# made by\n" + "".join(f"{name} --hash=sha256:aa\n" for name in names)
    assert constraints_text(lock, {"numpy": "2.1.0"}) == "scipy==1.17.1\nnumpy==2.1.0\n"


@pytest.mark.parametrize("minor", SUPPORTED)
def test_every_supported_python_has_a_lock_with_a_hash_for_each_package(minor):
    lines = lock_file(Interpreter("python", (*minor, 0))).read_text().splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert all(" --hash=sha256:" in line and "==" in line for line in packages)
    names = {line.split("==")[0] for line in packages}
    assert {"ros-rclpy", "ros-rmw-fastrtps-cpp", "onnxruntime", "numpy", "colcon-core"} <= names
    assert not any(name.startswith("ros-jazzy-") for name in names)


@pytest.mark.parametrize("minor", SUPPORTED)
def test_numpy_fits_cv_bridge(minor):
    lines = lock_file(Interpreter("python", (*minor, 0))).read_text().splitlines()
    versions = dict(line.split(" ")[0].split("==") for line in lines if "==" in line)
    assert versions["numpy"].startswith("1.") == ("cv-bridge" in versions)
