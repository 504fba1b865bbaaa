"""Where ROS 2 comes from: the one that is sourced in this shell, or PyPI."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.errors import SetupError
from bootstrap.interpreter import CANDIDATES, Interpreter, can_import, choose, probe

TARGET = "jazzy"
NEWER = ("kilted", "lyrical", "rolling")
"""Distributions after the target, tried with a warning; older ones are left alone and ROS comes from PyPI."""

PATH_VARIABLES = ("AMENT_PREFIX_PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
"""Search paths through which a sourced ROS is found."""

_NAMES = ("ROS_DISTRO", "ROS_VERSION", "ROS_PYTHON_VERSION")


@dataclass(frozen=True)
class RosSource:
    """A decision about ROS 2, with the Python it implies."""

    kind: str
    """`pypi` or `system`."""
    python: Interpreter
    distribution: str = TARGET
    notices: tuple[str, ...] = ()
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For `system`: the entries of PATH_VARIABLES when it was chosen."""
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def system(self) -> bool:
        """Whether the sourced ROS is used."""
        return self.kind == "system"

    @property
    def text(self) -> str:
        """For example `ROS 2 jazzy from /opt/ros/jazzy`."""
        if not self.system:
            return f"ROS 2 {TARGET} from PyPI"
        return f"ROS 2 {self.distribution} from {self.paths['AMENT_PREFIX_PATH'][-1]}"


def is_sourced(environment: Mapping[str, str]) -> bool:
    """Whether a ROS 2 is sourced in this environment."""
    return bool(environment.get("ROS_DISTRO") and environment.get("AMENT_PREFIX_PATH"))


def decide(
    environment: Mapping[str, str],
    requested_python: str | None,
    choose_python: Callable[[str | None], Interpreter] = choose,
    probe_one: Callable[[str], Interpreter | None] = probe,
    imports: Callable[[str, str, Mapping[str, str]], bool] = can_import,
) -> RosSource:
    """Uses a sourced Jazzy (or, with a warning, a newer one), else PyPI. `KINECUE_ROS=pypi|system` overrides.

    Raises:
        SetupError: no supported Python, or the sourced ROS does not work with any Python at hand.
    """
    wish = environment.get("KINECUE_ROS", "")
    if wish not in ("", "pypi", "system"):
        raise SetupError(f"KINECUE_ROS={wish} is unknown; allowed: pypi, system.")
    distribution = environment.get("ROS_DISTRO", "")
    if wish == "system" and not is_sourced(environment):
        raise SetupError(
            "KINECUE_ROS=system, but no ROS 2 is sourced here: `source /opt/ros/jazzy/setup.bash` first."
        )
    if wish == "pypi" or not is_sourced(environment):
        return RosSource("pypi", choose_python(requested_python))
    notices: tuple[str, ...] = ()
    if distribution != TARGET:
        if distribution not in NEWER and wish != "system":
            notice = (
                f"ROS 2 {distribution} is sourced here, but KineCue is made for {TARGET}: it is left alone, "
                f"and ROS 2 {TARGET} from PyPI is set up beside it."
            )
            return RosSource("pypi", choose_python(requested_python), notices=(notice,))
        notices = (f"ROS 2 {distribution} is sourced here; KineCue is tested with {TARGET} only. Trying.",)
    for candidate in (requested_python,) if requested_python else CANDIDATES:
        python = probe_one(candidate)
        # A virtual environment cannot be stacked on another one: what counts is what its base Python imports.
        if python is not None and imports(python.executable, "rclpy", environment):
            return RosSource(
                "system",
                python,
                distribution,
                notices,
                {name: _entries(environment, name) for name in PATH_VARIABLES},
                {name: environment[name] for name in _NAMES if environment.get(name)},
            )
    raise SetupError(
        f"ROS 2 {distribution} is sourced here (AMENT_PREFIX_PATH={environment['AMENT_PREFIX_PATH']}), but "
        f"{requested_python or 'no Python at hand'} can `import rclpy`. Install its rclpy (`sudo apt-get "
        f"install ros-{distribution}-rclpy`), name its Python (`make PYTHON=/usr/bin/python3 ...`), or set "
        "ROS 2 up from PyPI instead: `make KINECUE_ROS=pypi ...`."
    )


def has_package(source: RosSource, name: str) -> bool:
    """Whether the system's ROS has an interface package of this name."""
    return any(
        (Path(prefix) / "share" / name / "package.xml").exists()
        for prefix in source.paths.get("AMENT_PREFIX_PATH", ())
    )


def _entries(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(entry for entry in environment.get(name, "").split(os.pathsep) if entry)
