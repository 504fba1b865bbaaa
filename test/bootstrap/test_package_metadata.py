"""The package says the same thing about itself everywhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = {
    "kinecue": ROOT / "package.xml",
    "kinecue_msgs": ROOT / "src/kinecue_msgs/package.xml",
    "tf2_msgs": ROOT / "bootstrap/interfaces/tf2_msgs/package.xml",
    "hri_msgs": ROOT / "bootstrap/interfaces/hri_msgs/package.xml",
}


def setup_arguments() -> dict[str, ast.expr]:
    tree = ast.parse((ROOT / "setup.py").read_text())
    call = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"
    )
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def console_scripts() -> dict[str, str]:
    entry_points = ast.literal_eval(setup_arguments()["entry_points"])
    return dict(re.split(r"\s*=\s*", line) for line in entry_points["console_scripts"])


def test_one_version_everywhere():
    version = ast.literal_eval(setup_arguments()["version"])
    assert ElementTree.parse(MANIFESTS["kinecue"]).findtext("version") == version
    assert ElementTree.parse(MANIFESTS["kinecue_msgs"]).findtext("version") == version
    found = re.search(r'__version__ = "([^"]+)"', (ROOT / "src/kinecue/__init__.py").read_text())
    assert found is not None
    assert found[1] == version


def test_the_changelog_begins_with_this_version():
    version = ast.literal_eval(setup_arguments()["version"])
    headings = re.findall(
        r"^(\d+\.\d+\.\d+|Forthcoming)\b.*\n-+$", (ROOT / "CHANGELOG.rst").read_text(), re.MULTILINE
    )
    assert headings[0] in (version, "Forthcoming")
    assert version in headings


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_have_the_package_name_and_a_licence(name):
    manifest = ElementTree.parse(MANIFESTS[name])
    assert manifest.findtext("name") == name
    assert manifest.findtext("license") == "Apache-2.0"


@pytest.mark.parametrize("name", ["kinecue_msgs", "tf2_msgs", "hri_msgs"])
def test_interface_packages_declare_what_their_messages_use(name):
    folder = MANIFESTS[name].parent
    used = set()
    for path in [*folder.glob("msg/*.msg"), *folder.glob("srv/*.srv")]:
        used |= set(re.findall(r"^([a-z]\w+)/[A-Z]\w+", path.read_text(), re.MULTILINE))
    declared = {element.text for element in ElementTree.parse(MANIFESTS[name]).findall("depend")}
    cmake = (folder / "CMakeLists.txt").read_text()
    assert used == declared
    assert all(f"find_package({package} REQUIRED)" in cmake for package in used)


@pytest.mark.parametrize(("script", "target"), console_scripts().items())
def test_console_scripts_point_to_functions_that_exist(script, target):
    module, function = target.split(":")
    path = ROOT / "src" / Path(*module.split(".")).with_suffix(".py")
    names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert function in names, f"{script} = {target}"


def test_each_node_can_be_run_by_its_name():
    nodes = {
        "camera",
        "pose",
        "machine",
        "scoring",
        "orchestrator",
        "speech",
        "visualization",
        "fusion",
        "training",
        "loads",
    }
    assert {f"{node}_node" for node in nodes} | {"graph_node", "kinecue"} == console_scripts().keys()


def test_colcon_does_not_see_the_substitutes_for_missing_packages():
    assert (ROOT / "bootstrap/interfaces/COLCON_IGNORE").exists()
