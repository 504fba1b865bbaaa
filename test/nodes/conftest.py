"""ROS for the tests of this folder: a graph of their own on this machine, and a bench on which nodes are spun."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
for folder in (_HERE, _HERE.parent / "exercise", _HERE.parent / "perception"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import rclpy  # noqa: E402
from node_bench import LOGS, Bench, separate_graph  # noqa: E402

from kinecue.body.paths import data_dir  # noqa: E402
from kinecue.nodes import base  # noqa: E402
from kinecue.perception.models import ModelStore  # noqa: E402
from kinecue.simulation.clip import ClipTruth, truth_path  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _logs():
    yield
    shutil.rmtree(LOGS, ignore_errors=True)


def pytest_configure(config):
    config.addinivalue_line("markers", "true_rate: diagnostics come once a second, as in life")


@pytest.fixture
def domain(monkeypatch):
    """A graph for this test alone."""
    separate_graph(monkeypatch)


@pytest.fixture
def ros(domain):
    """A context without the arguments of the command line."""
    rclpy.init(args=[])
    yield
    rclpy.try_shutdown()


@pytest.fixture
def bench(ros, request, monkeypatch):
    """Nodes under test and a peer that talks to them, spun by the test itself.

    Diagnostics come ten times as often as in life, unless the test is marked `true_rate`.
    """
    if request.node.get_closest_marker("true_rate") is None:
        monkeypatch.setattr(base, "DIAGNOSTICS_PERIOD_S", 0.1)
    with Bench() as made:
        yield made


@pytest.fixture(scope="session")
def models():
    """The folder of networks; skipped where they are not installed."""
    store = ModelStore(data_dir() / "models")
    for name in ("pose_detection", "pose_landmark_lite"):
        problem = store.problem(name)
        if problem:
            pytest.skip(problem)
    return store


@pytest.fixture(scope="session")
def sample_squat():
    """Clip with planted faults and its truth."""
    return _clip("sample_squat")


@pytest.fixture(scope="session")
def clean_squat():
    """Clip without a fault and its truth."""
    return _clip("clean_squat")


def _clip(name: str) -> tuple[Path, ClipTruth]:
    path = data_dir() / "samples" / f"{name}.mp4"
    if not path.is_file():
        pytest.skip(f"{path} is not there; make it with: kinecue sample")
    return path, ClipTruth.load(truth_path(path))
