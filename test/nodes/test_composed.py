"""The graph in one process: pictures by reference, one error for a wrong parameter, and a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import write_pictures

from kinecue.body.errors import ConfigError, KineCueError
from kinecue.nodes.composed import Graph
from kinecue_msgs import msg

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture
def quick(tmp_path):
    """A graph that reads pictures of nobody and makes no sound."""
    pictures = write_pictures(tmp_path / "pictures", count=4, size=(160, 120))
    return {
        "camera": {"source": "folder", "path": str(pictures), "loop": True, "rate": 20.0},
        "pose": {"model": "lite"},
        "speech": {"engine": "null", "device": "none", "cache_dir": str(tmp_path / "phrases")},
    }


@pytest.fixture
def graph(ros, quick):
    made = Graph(quick)
    made.spin()
    yield made
    made.close()


class TestPictures:
    def test_go_from_camera_to_pose_by_reference_and_no_image_topic_exists(self, bench, graph, monkeypatch):
        """The privacy promise: nobody can even subscribe to a picture."""
        read, processed = {}, {}
        source = graph.camera._source

        def remembering():
            made = source()
            take = made.read

            def read_and_remember():
                frame = take()
                if frame is not None:
                    read[frame.stamp_ns] = frame.image
                return frame

            made.read = read_and_remember
            return made

        process = graph.pose._process

        def watching(frame):
            processed[frame.stamp_ns] = frame.image
            process(frame)

        monkeypatch.setattr(graph.camera, "_source", remembering)
        monkeypatch.setattr(graph.pose, "_process", watching)
        assert graph.start() == []
        forms = bench.listen(msg.FormState, "form")
        bench.wait(lambda: len(forms) >= 3)
        assert len(processed) >= 3
        assert all(image is read[stamp] for stamp, image in processed.items())
        kinds = dict(bench.peer.get_topic_names_and_types())
        assert "/image_raw" not in kinds
        # the overlay is drawn for nobody, and nothing is published on it, unless somebody asks for it
        assert [t for t, k in kinds.items() if "sensor_msgs/msg/Image" in k] == ["/overlay"]
        assert not graph.visualization.overlay_wanted

    def test_are_published_only_when_asked_for(self, bench, quick):
        quick["camera"]["publish_image"] = True
        graph = Graph(quick)
        try:
            graph.spin()
            assert graph.start() == []
            bench.connected("image_raw")
        finally:
            graph.close()


class TestStart:
    def test_every_node_is_active_and_tells_of_itself(self, bench, graph):
        heard = bench.diagnostics()
        assert graph.start() == []
        assert all(node.active for node in graph.nodes)
        names = [node.get_name() for node in graph.nodes]
        assert len(names) == len(graph.nodes) == 6
        bench.wait(lambda: all(heard.of(name) for name in (*names, "machine", "training", "loads")))

    def test_the_others_run_although_one_cannot_start(self, bench, graph, quick):
        graph.camera.set_parameters([rclpy.parameter.Parameter("path", value="/none")])
        assert graph.start() == ["camera"]
        assert graph.scoring.active
        graph.camera.trigger_cleanup()
        graph.camera.set_parameters([rclpy.parameter.Parameter("path", value=quick["camera"]["path"])])
        assert graph.start("camera") == []

    def test_in_a_namespace_every_topic_of_its_own_is_below_it(self, bench, quick):
        graph = Graph(quick, namespace="/gym/seven")
        try:
            graph.spin()
            assert graph.start() == []
            for topic in ("form", "bodies", "cues", "set"):
                bench.connected(f"/gym/seven/{topic}")
            ours = [t for t, _ in bench.peer.get_topic_names_and_types() if t.startswith("/gym/seven/")]
            shared = {t for t, _ in bench.peer.get_topic_names_and_types()} - set(ours)
            common = {
                "/diagnostics",
                "/parameter_events",
                "/rosout",
                "/tf",
                "/tf_static",
                "/humans/bodies/tracked",
            }
            assert shared <= common
        finally:
            graph.close()


class TestWrongParameters:
    def test_are_one_error_and_leave_nothing_behind(self, bench, quick):
        quick["pose"]["threads"] = 0
        with pytest.raises(ConfigError, match=r"node /pose: parameter threads: is 0"):
            Graph(quick)
        bench.wait(lambda: bench.peer.get_node_names() == ["peer"])

    def test_of_a_node_that_does_not_exist_name_those_there_are(self, ros, quick):
        with pytest.raises(KineCueError, match="no node 'kamera'; nodes: speech, orchestrator"):
            Graph({**quick, "kamera": {"rate": 5.0}})


class TestSecondProcess:
    """Nodes that no cue waits for."""

    def test_is_started_again_with_its_nodes_when_it_dies(self, bench, graph):
        heard = bench.diagnostics()
        assert graph.start() == []
        first = graph._aside.pid
        os.kill(first, signal.SIGKILL)
        bench.wait(lambda: graph._aside.pid != first)
        heard.wait("training", DiagnosticStatus.OK, "no repetition yet")
        assert graph.scoring.active

    def test_ends_when_the_graph_is_killed(self, ros, tmp_path):
        """Nothing is left behind that holds a device or talks on the topics."""
        script = (
            "import os, signal; from kinecue.nodes.base import init; from kinecue.nodes.aside import Aside;"
            "init([]); a = Aside({}, '', ()); a.wait(); print(a.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
        )
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
        child = int(done.stdout)
        limit = time.monotonic() + 10.0
        while Path(f"/proc/{child}").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        assert not Path(f"/proc/{child}").exists()

    def test_a_wrong_parameter_of_its_nodes_is_one_error(self, bench, quick):
        with pytest.raises(KineCueError, match=r"node /loads: parameter rate: is 900"):
            Graph({**quick, "loads": {"rate": 900.0}})
        bench.wait(lambda: bench.peer.get_node_names() == ["peer"])

    def test_a_node_of_it_that_cannot_start_is_named(self, ros, quick):
        graph = Graph({**quick, "loads": {"person": "nobody-at-all"}})
        try:
            graph.spin()
            assert graph.start() == ["loads"]
        finally:
            graph.close()


class TestEnd:
    def test_releases_threads_and_nodes(self, bench, quick):
        before = set(threading.enumerate())
        graph = Graph(quick)
        graph.spin()
        graph.start()
        graph.close()
        limit = time.monotonic() + 10.0
        while set(threading.enumerate()) - before and time.monotonic() < limit:
            time.sleep(0.02)
        assert not set(threading.enumerate()) - before
        bench.wait(lambda: bench.peer.get_node_names() == ["peer"])

    def test_may_come_before_the_start(self, ros, quick):
        graph = Graph(quick)
        graph.spin()
        graph.close()

    def test_and_again_in_the_same_process(self, ros, quick):
        for _ in range(2):
            graph = Graph(quick)
            graph.spin()
            assert graph.start() == []
            graph.close()
