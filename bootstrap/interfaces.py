"""The interface packages: kinecue_msgs, and those of others that neither PyPI nor the system has."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bootstrap.environment import Environment
from bootstrap.errors import SetupError
from bootstrap.packages import parallel_jobs
from bootstrap.progress import StepLine, run_logged
from bootstrap.ros_source import RosSource, has_package

_SUBSTITUTES = Path(__file__).resolve().parent / "interfaces"
_WHEEL_NUMPY = re.compile(r"/opt/python/[\w-]+/lib/python[\d.]+/site-packages/numpy/_?core/include")
_WHEEL_PYTHON = re.compile(r"/opt/python/[\w-]+/include/python[\d.]+")
_PATHS_CODE = """
import json, sysconfig, numpy
print(json.dumps([sysconfig.get_paths()["include"], numpy.get_include()]))
"""


def folders(root: Path, source: RosSource) -> list[Path]:
    """The interface packages to build: ours, and substitutes for those the system lacks."""
    substitutes = sorted(path.parent for path in _SUBSTITUTES.glob("*/package.xml"))
    return [root / "src/kinecue_msgs", *(path for path in substitutes if not has_package(source, path.name))]


def build(
    environment: Environment, source: RosSource, shell: Mapping[str, str], line: StepLine, root: Path
) -> None:
    """Builds them with colcon and installs them into the virtual environment.

    Raises:
        SetupError: the build failed.
    """
    variables = environment.variables(shell)
    if not source.system:
        _repair_cmake_files(environment, variables)
    _remove_installed(environment.builds)
    # Without an explicit count colcon passes a load limit, which makes a busy machine build one file at a
    # time.
    variables.update(MAKEFLAGS=f"-j{parallel_jobs()}", CMAKE_BUILD_PARALLEL_LEVEL=str(parallel_jobs()))
    variables.update(COLCON_HOME=str(environment.builds / "colcon"), COLCON_LOG_LEVEL="30")
    command = ["colcon", "--log-base", str(environment.logs / "colcon"), "build"]
    command += ["--base-paths", *map(str, folders(root, source))]
    command += [
        "--build-base",
        str(environment.builds),
        "--merge-install",
        "--install-base",
        str(environment.root),
    ]
    command += [
        "--event-handlers",
        "console_direct+",
        "--cmake-args",
        f"-DPython3_EXECUTABLE={environment.python}",
    ]
    command += [
        "-DBUILD_TESTING=OFF",
        "-DKINECUE_PYTHON_ONLY=ON",
        *(() if source.system else ("-G", "Ninja")),
    ]
    run_logged(
        command, environment.logs / "interfaces.log", line, "building the ROS interfaces", variables, root
    )


def rewritten(text: str, include: str, numpy_include: str) -> str:
    """A CMake file of a ROS wheel with the paths of its build machine replaced by those of this one."""
    return _WHEEL_PYTHON.sub(lambda _: include, _WHEEL_NUMPY.sub(lambda _: numpy_include, text))


def _repair_cmake_files(environment: Environment, variables: Mapping[str, str]) -> None:
    answer = subprocess.run(
        [str(environment.python), "-c", _PATHS_CODE],
        env=dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise SetupError(f"numpy does not load in {environment.root}: {answer.stderr.strip()[-300:]}")
    include, numpy_include = json.loads(answer.stdout)
    for path in sorted((environment.root / "share").glob("*/cmake/*.cmake")):
        before = path.read_text(encoding="utf-8", errors="surrogateescape")
        after = rewritten(before, include, numpy_include)
        if after != before:
            # A new file in place of the old one: with a linking installer the old one may be shared with a
            # cache.
            temporary = path.with_name(f".{path.name}")
            temporary.write_text(after, encoding="utf-8", errors="surrogateescape")
            temporary.replace(path)


def _remove_installed(builds: Path) -> None:
    """Removes what an earlier build installed: a message that no longer exists must not stay importable."""
    for manifest in builds.glob("*/install_manifest.txt"):
        for name in manifest.read_text().splitlines():
            Path(name).unlink(missing_ok=True)
        manifest.unlink()
