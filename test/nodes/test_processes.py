"""Nodes as programs of their own: what `ros2 run` starts, with its arguments, signals and exit statuses."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import NODES, values, write_pictures
from sensor_msgs.msg import CameraInfo

START = "import sys; from kinecue.nodes.{} import main; sys.exit(main())"
PATIENCE_S = 60.0


class Program:
    """A node in a process."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-c", START.format(module), "--ros-args", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Exit status and all that was printed, after a signal if one is given."""
        if number is not None:
            self.process.send_signal(number)
        try:
            out, err = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, out + err


@pytest.fixture
def program():
    made: list[Program] = []

    def start(module: str, *arguments: str) -> Program:
        made.append(Program(module, *arguments))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def assert_clean(text: str) -> None:
    """No traceback, no warning of a node that goes."""
    for word in (
        "Traceback",
        "Exception",
        "Warning",
        "[WARN]",
        "[ERROR]",
        "[FATAL]",
        "InvalidHandle",
        "failed to",
    ):
        assert word not in text, text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_node_starts_itself_and_ends_cleanly_on_a_signal(bench, program, number):
    running = program("scoring", "-p", "exercise:=biceps_curl")
    heard = bench.diagnostics()
    heard.wait("scoring", DiagnosticStatus.WARN, "no bodies")
    assert bench.state("scoring") == "active"
    status, text = running.end(number)
    assert status == 0
    assert_clean(text)


@pytest.mark.parametrize(
    ("number", "namespace"), [(signal.SIGINT, ""), (signal.SIGTERM, "/gym/seven")], ids=["SIGINT", "SIGTERM"]
)
def test_the_composed_graph_takes_parameters_by_node_and_ends_cleanly(
    bench, program, models, tmp_path, number, namespace
):
    pictures = write_pictures(tmp_path / "some pictures", count=3, size=(160, 120))
    file = tmp_path / "parameters.yaml"
    file.write_text(
        f"/**/camera:\n  ros__parameters: {{source: folder, loop: true, rate: 20.0, path: '{pictures}'}}\n"
        f"/**/speech:\n  ros__parameters: {{engine: 'null', device: none, cache_dir: '{tmp_path}'}}\n"
        "/**/scoring:\n  ros__parameters: {exercise: biceps_curl}\n"
        "/**/pose:\n  ros__parameters: {model: lite}\n"
    )
    arguments = ["-r", f"__ns:={namespace}"] if namespace else ["-p", "camera:frame_id:=lens"]
    running = program("composed", "--params-file", str(file), *arguments)
    heard = bench.diagnostics()
    prefix = f"{namespace}/".lstrip("/")
    # a node that waits for its configuration is well too, and has no values yet
    heard.wait(f"{prefix}camera", DiagnosticStatus.OK, "running")
    pose = heard.wait(f"{prefix}pose", DiagnosticStatus.OK, "running")
    assert values(pose)["model"] == "lite"
    bench.wait(lambda: any("exercise" in values(s) for s in heard.of(f"{prefix}scoring")))
    assert values(heard.of(f"{prefix}scoring")[-1])["exercise"] == "biceps_curl"
    if not namespace:
        info = bench.listen(CameraInfo, "camera_info")
        bench.wait(lambda: info)
        assert info[0].header.frame_id == "lens"
    # those of the second process come later

    def all_are_there():
        known = bench.peer.get_node_names_and_namespaces()
        return {name for name, of in known if of == (namespace or "/")} >= set(NODES) - {"fusion"}

    bench.wait(all_are_there, "all nodes being there")
    status, text = running.end(number)
    assert status == 0
    assert_clean(text)


@pytest.mark.parametrize(
    ("module", "argument", "words"),
    [
        ("pose", "max_people:=99", "parameter max_people: is 99, allowed: int from 1 to 10"),
        ("pose", "modle:=lite", "parameter modle: is unknown, allowed: autostart, base_frame"),
        ("composed", "pose:threads:=many", "parameter threads: is 'many', allowed: int from 1 to 64"),
    ],
)
def test_a_wrong_parameter_is_one_line_and_status_2(domain, program, module, argument, words):
    status, text = program(module, "-p", argument).end()
    assert status == 2
    assert f"kinecue: node /pose: {words}" in text
    assert "Traceback" not in text


def test_a_signal_before_the_node_is_up_ends_it(domain, program):
    running = program("speech", "-p", "engine:='null'", "-p", "device:=none")
    time.sleep(0.5)
    status, text = running.end(signal.SIGTERM)
    assert status in (0, -signal.SIGTERM)
    assert "Traceback" not in text


def test_every_program_has_a_name_to_start_it_by():
    """The console scripts of the package are those that the launch file runs."""
    import importlib
    import re
    from pathlib import Path

    setup = (Path(__file__).parents[2] / "setup.py").read_text(encoding="utf-8")
    scripts = dict(re.findall(r'"(\w+_node) = ([\w.]+):main"', setup))
    assert set(scripts) == {f"{name}_node" for name in (*NODES, "graph")}
    for module in scripts.values():
        assert callable(importlib.import_module(module).main)
