"""KineCue itself in the virtual environment: editable, with console scripts, found by ament and ros2 run."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

from bootstrap.environment import Environment, clean
from bootstrap.errors import SetupError
from bootstrap.progress import StepLine, run_logged

_SHARED = ("package.xml", "launch", "config", "models")


def install(environment: Environment, shell: Mapping[str, str], line: StepLine, root: Path) -> None:
    """Installs it.

    Raises:
        SetupError: pip failed.
    """
    pip = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
    pip += ["--no-build-isolation", "--no-index", "-e", str(root)]
    run_logged(pip, environment.logs / "kinecue.log", line, "installing kinecue", clean(shell), root)
    # An editable install leaves data files out; links keep edits of launch files and configuration live.
    share = environment.root / "share/kinecue"
    for name in _SHARED:
        if (root / name).exists():
            _link(share / name, root / name)
    _link(environment.root / "share/ament_index/resource_index/packages/kinecue", root / "resource/kinecue")
    for script in _scripts(environment):
        _link(environment.root / "lib/kinecue" / script, environment.root / "bin" / script)


def _scripts(environment: Environment) -> list[str]:
    entries = sorted(environment.site_packages().glob("kinecue-*.dist-info/entry_points.txt"))
    if not entries:
        raise SetupError("kinecue was installed without console scripts: setup.py has lost its entry_points.")
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.read(entries[-1])
    return list(parser["console_scripts"])


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)
