"""Lets Python find the ROS 2 of this virtual environment with nothing sourced.

The set-up copies this file into the environment and runs it at the start of each of its Pythons through a
.pth file. The dynamic linker reads LD_LIBRARY_PATH only when a process starts, so Python re-executes itself
once with the right paths. A ROS that is sourced in the shell but is not the one this environment was made
for is taken out of them.

What belongs to the environment is in `kinecue-ros.json` at its root, written by the set-up.
"""

import json
import os
import sys

GUARD = "KINECUE_ROS_ENVIRONMENT"


def environment_for(prefix, settings, current):
    """The variables a process of this virtual environment needs, from those it was started with.

    prefix: root of the virtual environment.
    settings: `kind` ("pypi" or "system"), `variables`, and `paths`: AMENT_PREFIX_PATH, PYTHONPATH and
        LD_LIBRARY_PATH as lists.
    current: the environment it was started with.
    """

    def entries(name):
        return [entry for entry in current.get(name, "").split(os.pathsep) if entry]

    own = [prefix, *settings["paths"]["AMENT_PREFIX_PATH"]]
    sourced = entries("AMENT_PREFIX_PATH")
    # A workspace that was built on top of ours has all our prefixes in its path, and stays.
    overlay = all(path in sourced for path in own)
    foreign = [] if overlay else [path for path in sourced if path not in own]

    def stays(entry):
        return not any(entry == path or entry.startswith(path.rstrip("/") + "/") for path in foreign)

    def merged(name, ours):
        return os.pathsep.join(dict.fromkeys([*ours, *filter(stays, entries(name))]))

    result = dict(current)
    result["AMENT_PREFIX_PATH"] = os.pathsep.join(dict.fromkeys([*(sourced if overlay else []), *own]))
    libraries = [os.path.join(prefix, "lib"), *settings["paths"]["LD_LIBRARY_PATH"]]
    result["LD_LIBRARY_PATH"] = merged("LD_LIBRARY_PATH", libraries)
    python_path = merged("PYTHONPATH", settings["paths"]["PYTHONPATH"])
    if python_path:
        result["PYTHONPATH"] = python_path
    else:
        result.pop("PYTHONPATH", None)
    result.update(settings["variables"])
    result[GUARD] = prefix
    # The guard of the PyPI wheels' own bootstrapper, which would do a part of this again.
    result["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"
    return result


def put_first(site_packages, search_path, python_path):
    """Puts the environment's packages before those of PYTHONPATH, such as a sourced ROS's."""
    places = [search_path.index(entry) for entry in python_path if entry and entry in search_path]
    if places:
        search_path.insert(min(places), site_packages)


def main():
    """Re-executes this Python with the right environment, unless it has it already."""
    site_packages = os.path.dirname(os.path.abspath(__file__))
    if os.environ.get(GUARD) == sys.prefix or not sys.executable:
        put_first(site_packages, sys.path, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        return
    path = os.path.join(sys.prefix, "kinecue-ros.json")
    try:
        with open(path) as file:
            settings = json.load(file)
    except FileNotFoundError:
        return
    if settings["kind"] == "pypi":
        bundled = sorted(
            entry.path
            for entry in os.scandir(site_packages)
            if entry.name.startswith("ros_") and entry.name.endswith(".libs")
        )
        settings["paths"]["LD_LIBRARY_PATH"] = bundled
    environment = environment_for(sys.prefix, settings, os.environ)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
