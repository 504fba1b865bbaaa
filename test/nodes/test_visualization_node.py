"""Node `visualization`: markers and the overlay picture."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import scenes
from diagnostic_msgs.msg import DiagnosticStatus
from joint_athlete import Posture, Recorder
from sensor_msgs.msg import Image
from visualization_msgs.msg import Marker, MarkerArray

from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, ns_to_stamp, stamp_to_ns
from kinecue.nodes.images import from_bgr, to_bgr
from kinecue.nodes.visualization import FrameHistory, VisualizationNode
from kinecue_msgs import msg

STEP_NS = 100_000_000
DIM = np.full((240, 320, 3), 60, np.uint8)


class Screen:
    """Feeds the node frame by frame."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.now = time.time_ns()
        self.send_bodies = bench.talk(msg.BodyArray, "bodies")
        self.send_angles = bench.talk(msg.JointAngles, "joint_angles")
        self.send_form = bench.talk(msg.FormState, "form")
        self.send_fault = bench.talk(msg.FormFault, "faults", EVENT_QOS)
        self.send_cue = bench.talk(msg.Cue, "cues", EVENT_QOS)
        self.send_speech = bench.talk(msg.SpeechStatus, "speech_status", EVENT_QOS)
        self.send_cable = bench.talk(msg.CableLoad, "machine/cable")

    def frame(self, active: bool = True, spoil=None, form_fields=None) -> int:
        """A body, its angles and its form; their stamp."""
        self.now += STEP_NS
        person = Recorder(std=0.01, body_id="aaaaa").body(Posture(knee=60.0), self.now)
        bodies = msg.BodyArray(header=parts.header(self.now, "machine_base_link"))
        bodies.bodies = [convert.body_to_msg(person, "machine_base_link", active)]
        if spoil is not None:
            spoil(bodies)
        angles = msg.JointAngles(header=bodies.header, body_id="aaaaa")
        angles.angles = [
            msg.JointAngle(
                name="knee_flexion", side=1, unit="rad", value=math.radians(60.0), std=0.02, validity=2
            )
        ]
        self.send_bodies(bodies)
        self.send_angles(angles)
        self.bench.spin(0.03)
        self.send_form(scenes.form(self.now, **(form_fields or {})))
        return self.now


@pytest.fixture
def screen(bench):
    bench.started("visualization", volume_rate=0.0)
    return Screen(bench)


class TestMarkers:
    def next(self, bench, screen, heard, **frame) -> dict[str, Marker]:
        before = len(heard)
        screen.frame(**frame)
        array = bench.wait(lambda: heard[before:] and heard[-1])
        return {marker.ns: marker for marker in array.markers}

    @pytest.fixture
    def heard(self, bench, screen):
        made = bench.listen(MarkerArray, "markers", 10)
        bench.connected("markers")
        bench.wait(lambda: bench.peer.count_subscribers("markers"))
        bench.spin(0.1)
        return made

    def test_skeleton_angles_and_form_of_the_same_frame(self, bench, screen, heard):
        markers = self.next(bench, screen, heard)
        assert {"body_aaaaa/bones", "body_aaaaa/joints", "body_aaaaa/angles", "body_aaaaa/form"} <= set(
            markers
        )
        assert stamp_to_ns(markers["body_aaaaa/bones"].header.stamp) == screen.now
        assert markers["body_aaaaa/bones"].header.frame_id == "machine_base_link"
        assert markers["body_aaaaa/angles"].text == "60"

    def test_a_fault_is_red_for_a_while(self, bench, screen, heard):
        def red() -> bool:
            return any(
                c.r > 0.9 and c.g < 0.3 for c in self.next(bench, screen, heard)["body_aaaaa/bones"].colors
            )

        assert not red()
        screen.send_fault(scenes.fault(screen.now))
        bench.spin(0.1)
        assert red()
        screen.now += 3_000_000_000
        assert not red()

    def test_the_cable_goes_from_the_pulley_to_the_hands(self, bench, screen, heard):
        cable = msg.CableLoad(tension=212.0)
        cable.pulley.x, cable.pulley.y, cable.pulley.z = 1.0, 0.5, 0.1
        screen.send_cable(cable)
        bench.spin(0.1)
        markers = self.next(bench, screen, heard)
        start = markers["machine/cable"].points[0]
        assert (start.x, start.y, start.z) == (1.0, 0.5, 0.1)
        assert markers["machine/tension"].text == "212 N"

    @pytest.mark.parametrize("field", ["tension", "pulley"])
    def test_a_cable_that_is_not_known_is_not_drawn(self, bench, screen, heard, field):
        cable = msg.CableLoad(tension=math.nan if field == "tension" else 100.0)
        if field == "pulley":
            cable.pulley.x = math.nan
        screen.send_cable(cable)
        bench.spin(0.1)
        assert not [ns for ns in self.next(bench, screen, heard) if ns.startswith("machine/")]

    def test_no_number_that_is_none_is_published(self, bench, screen, heard):
        def spoil(bodies):
            for number, landmark in enumerate(bodies.bodies[0].landmarks):
                if number % 3 == 0:
                    landmark.position.y = (math.nan, math.inf)[number % 2]

        markers = self.next(
            bench, screen, heard, spoil=spoil, form_fields={"d": math.nan, "progress": math.nan}
        )
        for marker in markers.values():
            for p in (*marker.points, marker.pose.position):
                assert math.isfinite(p.x + p.y + p.z)

    def test_at_most_as_many_as_asked_for(self, bench):
        bench.started("visualization", marker_rate=2.0, volume_rate=0.0)
        screen = Screen(bench)
        heard = bench.listen(MarkerArray, "markers", 10)
        bench.connected("markers")
        bench.spin(0.1)
        for _ in range(10):
            screen.frame()
        bench.wait(lambda: heard)
        bench.spin(0.1)
        assert 1 <= len(heard) <= 3


class TestVolume:
    @pytest.fixture
    def screen(self, bench):
        bench.started("visualization", volume_rate=10.0)
        return Screen(bench)

    def test_mesh_and_masses_of_the_active_body(self, bench, screen):
        meshes = bench.listen(MarkerArray, "markers", 10)
        volumes = bench.listen(msg.BodyVolume, "body_volume", 10)
        bench.connected("markers")
        bench.connected("body_volume")
        bench.wait(lambda: bench.peer.count_subscribers("body_volume"))
        bench.spin(0.1)

        def mesh() -> list[Marker]:
            return [m for array in meshes for m in array.markers if m.ns == "body_aaaaa/volume"]

        stamps = [screen.frame()]
        bench.wait(lambda: mesh() and volumes)
        assert {m.type for m in mesh()} == {Marker.TRIANGLE_LIST}
        message = volumes[0]
        assert message.id == "aaaaa"
        assert message.header.frame_id == "machine_base_link"
        assert stamp_to_ns(message.header.stamp) in stamps
        assert 40.0 < message.mass < 120.0
        assert 0.3 < message.centre_of_mass.z < 1.3

    def test_takes_the_shape_that_somebody_has_fitted(self, bench, screen):
        send = bench.talk(msg.BodyShape, "body_shape", LATCHED_QOS)
        volumes = bench.listen(msg.BodyVolume, "body_volume", 10)
        bench.connected("body_volume")
        bench.wait(lambda: bench.peer.count_subscribers("body_volume"))
        send(msg.BodyShape(id="aaaaa", stature=1.8, femininity=0.0, build=0.5, fatness=1.0, mass_std=3.0))
        bench.spin(0.2)
        screen.frame()
        heavy = bench.wait(lambda: volumes and volumes[-1])
        assert heavy.mass > 95.0
        assert heavy.mass_std == pytest.approx(3.0)

    def test_nothing_is_made_of_somebody_who_is_not_active(self, bench, screen):
        volumes = bench.listen(msg.BodyVolume, "body_volume", 10)
        bench.connected("body_volume")
        bench.spin(0.1)
        screen.frame(active=False)
        bench.spin(0.5)
        assert not volumes


class TestOverlay:
    def test_is_drawn_on_the_picture_it_belongs_to(self, bench):
        history, pictures = FrameHistory(), []
        node = bench.add(
            VisualizationNode(history, (lambda picture, stamp: pictures.append((picture, stamp)),))
        )
        assert node.start()
        screen = Screen(bench)
        stamp = screen.now + STEP_NS
        history.put(stamp, DIM)
        history.put(stamp + STEP_NS, DIM + np.uint8(100))
        screen.frame()
        picture, drawn = bench.wait(lambda: pictures and pictures[-1])
        assert drawn == stamp
        assert picture.shape == DIM.shape
        assert (picture != DIM).any()
        assert int(np.median(picture[-40:])) == 60
        assert (DIM == 60).all()

    def test_without_its_picture_nothing_is_drawn(self, bench):
        history, pictures = FrameHistory(), []
        node = bench.add(VisualizationNode(history, (lambda picture, stamp: pictures.append(stamp),)))
        assert node.start()
        screen = Screen(bench)
        history.put(screen.now, DIM)
        screen.frame()
        bench.spin(0.2)
        assert not pictures

    def test_names_the_cue_that_is_being_said(self, bench):
        history, pictures = FrameHistory(), []
        node = bench.add(VisualizationNode(history, (lambda picture, stamp: pictures.append(picture),)))
        assert node.start()
        screen = Screen(bench)

        def bottom() -> np.ndarray:
            count = len(pictures)
            history.put(screen.now + STEP_NS, DIM)
            screen.frame()
            bench.wait(lambda: len(pictures) > count)
            return pictures[-1][-40:]

        assert (bottom() == 60).all()
        screen.send_cue(scenes.cue("cue/1"))
        screen.send_speech(
            msg.SpeechStatus(header=parts.header(screen.now), cue_id="cue/1", status=msg.SpeechStatus.STARTED)
        )
        bench.spin(0.1)
        assert (bottom() != 60).any()

    def test_is_published_with_the_frame_s_stamp_when_somebody_looks(self, bench):
        """Separate processes: pictures are asked for only while the overlay has a reader."""
        bench.started("visualization")
        screen = Screen(bench)
        bench.spin(1.2)
        assert bench.peer.count_subscribers("image_raw") == 0
        heard = bench.listen(Image, "overlay")
        send_image = bench.talk(Image, "image_raw")
        image = from_bgr(DIM)
        image.header.stamp = ns_to_stamp(screen.now + STEP_NS)
        send_image(image)
        bench.spin(0.1)
        screen.frame()
        overlay = bench.wait(lambda: heard and heard[-1])
        assert stamp_to_ns(overlay.header.stamp) == screen.now
        assert to_bgr(overlay).shape == DIM.shape

    def test_a_failing_reader_does_not_end_the_painter(self, bench):
        def sink(picture, stamp):
            raise OSError("disk full")

        history = FrameHistory()
        node = bench.add(VisualizationNode(history, (sink,)))
        heard = bench.diagnostics()
        assert node.start()
        screen = Screen(bench)
        for _ in range(2):
            history.put(screen.now + STEP_NS, DIM)
            screen.frame()
        heard.wait("visualization", DiagnosticStatus.WARN, "2 errors", "disk full")

    def test_goes_on_after_a_pause(self, bench):
        history, pictures = FrameHistory(), []
        node = bench.add(VisualizationNode(history, (lambda picture, stamp: pictures.append(stamp),)))
        assert node.start()
        node.trigger_deactivate()
        node.trigger_activate()
        screen = Screen(bench)
        history.put(screen.now + STEP_NS, DIM)
        screen.frame()
        bench.wait(lambda: pictures)


def test_history_forgets_the_oldest():
    history = FrameHistory(3)
    for stamp in range(5):
        history.put(stamp, DIM)
    assert [stamp for stamp in range(5) if history.get(stamp) is not None] == [2, 3, 4]


class TestBadMessages:
    def test_each_is_told_and_the_next_frame_drawn(self, bench, screen):
        heard = bench.diagnostics()
        markers = bench.listen(MarkerArray, "markers", 10)
        bench.connected("markers")
        bench.spin(0.1)

        def topology(bodies):
            bodies.bodies[0].topology = "nonsense"

        screen.frame(spoil=topology)
        heard.wait("visualization", DiagnosticStatus.WARN, "Body.topology", "nonsense")
        angles = msg.JointAngles(angles=[msg.JointAngle(name="x", side=77, validity=2)])
        cable = msg.CableLoad(side=77, tension=1.0)
        image = msg.FormFault(measured=msg.JointAngle(side=77))
        for send, message in (
            (screen.send_angles, angles),
            (screen.send_cable, cable),
            (screen.send_fault, image),
        ):
            send(message)
            heard.wait("visualization", DiagnosticStatus.WARN, "77", "allowed", "1 LEFT")
        screen.send_form(scenes.form(screen.now, 99))
        heard.wait("visualization", DiagnosticStatus.WARN, "FormState.phase is 99")
        before = len(markers)
        screen.frame()
        bench.wait(lambda: len(markers) > before and markers[-1].markers)

    def test_nobody_and_nothing_do_no_harm(self, bench, screen):
        markers = bench.listen(MarkerArray, "markers", 10)
        bench.connected("markers")
        bench.spin(0.1)
        screen.frame(active=False)
        screen.send_bodies(msg.BodyArray())
        screen.send_form(msg.FormState())
        screen.send_cue(msg.Cue())
        screen.send_speech(msg.SpeechStatus(cue_id="never heard of", status=200))
        before = len(markers)
        screen.frame()
        bench.wait(lambda: len(markers) > before and markers[-1].markers)
