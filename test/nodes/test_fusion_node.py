"""Node `fusion`: landmarks of several views in, one body out."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import TransformStamped
from node_bench import NODES, values

sys.path.insert(0, str(Path(__file__).parents[1] / "perception"))
from sensor_msgs.msg import Image
from view_scenes import FRAME_NS, FRONT, Stick, camera_at, look

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.fusion import FusionNode
from kinecue.nodes.static_frames import StaticFrames
from kinecue.perception.depth_image import DepthError
from kinecue.perception.rig import Rig, load_rig, save_rig
from kinecue_msgs import msg, srv

SIDE = camera_at(math.radians(60))
LIFTER = Stick()
START_NS = 50_000_000_000


@pytest.fixture(autouse=True)
def _known():
    NODES.setdefault("fusion", FusionNode)


@pytest.fixture
def rig_file(tmp_path):
    path = tmp_path / "rig.yaml"
    save_rig(Rig({"front": FRONT, "side": SIDE}), path)
    return path


class Cameras:
    """Pose nodes of two views."""

    def __init__(self, bench, cameras=None, **parameters):
        self.bench = bench
        self.cameras = cameras or {"front": FRONT, "side": SIDE}
        # a view must not count as silent because the machine that runs the tests is busy
        self.node = bench.started("fusion", **{"stale_ms": 8000.0, **parameters})
        self.heard = bench.listen(msg.BodyArray, "bodies")
        self.send = {name: bench.talk(msg.LandmarkArray, f"{name}/landmarks") for name in self.cameras}
        bench.connected("bodies")

    def show(self, view, i, person=LIFTER, active=None, **changes):
        camera = self.cameras[view]
        stamp = START_NS + round(i * FRAME_NS)
        people = [look(camera, person.at(i / 30), stamp)]
        message = convert.landmarks_to_msg(people, camera, stamp, f"{view}_base", active)
        for name, value in changes.items():
            setattr(message.people[0], name, value)
        self.send[view](message)

    def run(self, begin, end, views=("front", "side"), person=LIFTER):
        for i in range(begin, end):
            before = len(self.heard)
            for view in reversed(views):
                self.show(view, i, person)
                self.bench.spin(0.002)
            self.bench.wait(lambda: len(self.heard) > before, "bodies")  # noqa: B023
        return self.heard


STANDING = Stick(squats=False)


def share_of_two(bench, told):
    """Percentage of bodies from two views, by the diagnostics."""
    before = len(told.of("fusion"))
    bench.wait(lambda: len(told.of("fusion")) > before, "diagnostics")
    return float(values(told.of("fusion")[-1])["from two views or more [%]"])


class TestMessages:
    def test_landmarks_and_camera_survive_the_way(self):
        camera = replace(FRONT, distortion=(0.1, -0.02, 0.001, 0.0, 0.0), intrinsics_estimated=True)
        seen = look(camera, Stick().at(0.1), START_NS, identity=7)
        seen.spread[3] = np.nan
        seen = replace(seen, measured_depth=np.full(33, 2.5), measured_depth_std=np.full(33, 0.02))
        message = convert.landmarks_to_msg([seen], camera, START_NS, "front_base", active=7)
        assert message.people[0].active
        assert convert.camera_from_msg(message.camera) == camera
        (back,) = convert.landmarks_from_msg(message)
        assert (back.stamp_ns, back.identity, back.topology) == (START_NS, 7, BLAZEPOSE_33)
        for name in ("pixels", "world", "visibility", "presence", "depth", "spread", "measured_depth"):
            assert np.allclose(getattr(back, name), getattr(seen, name), rtol=1e-5, equal_nan=True)
        assert back.region.size == pytest.approx(seen.region.size, rel=1e-5)

    @pytest.mark.parametrize("field", ["pixels", "world", "visibility", "measured_depth"])
    def test_wrong_number_of_values_is_said(self, field):
        seen = look(FRONT, Stick().at(0.1), START_NS)
        message = convert.landmarks_to_msg([seen], FRONT, START_NS, "front_base")
        setattr(message.people[0], field, [1.0, 2.0])
        with pytest.raises(parts.MessageError, match=field):
            convert.landmarks_from_msg(message)

    def test_unknown_topology_and_impossible_camera_are_said(self):
        message = convert.landmarks_to_msg([look(FRONT, Stick().at(0), 0)], FRONT, 0, "b")
        message.people[0].topology = "octopus_8"
        with pytest.raises(parts.MessageError, match=r"octopus_8.*blazepose_33"):
            convert.landmarks_from_msg(message)
        message.camera.fx = -1.0
        with pytest.raises(parts.MessageError, match="fx"):
            convert.camera_from_msg(message.camera)

    def test_depth_image(self):
        data = np.array([[0, 1500], [2500, 3000]], np.uint16)
        message = Image(height=2, width=2, encoding="16UC1", step=4, data=data.tobytes())
        message.header = parts.header(START_NS, "camera_optical_frame")
        image = convert.depth_from_msg(message)
        assert image.stamp_ns == START_NS
        assert np.allclose(image.metres[1], [2.5, 3.0])
        assert np.isnan(image.metres[0, 0])
        message.encoding = "rgb8"
        with pytest.raises(DepthError, match="rgb8"):
            convert.depth_from_msg(message)


class TestNode:
    def test_two_views_become_one_body(self, bench, rig_file):
        told = bench.diagnostics()
        cameras = Cameras(bench, rig_file=str(rig_file))
        heard = cameras.run(0, 40, person=STANDING)
        last = heard[-1]
        assert last.header.frame_id == "machine_base_link"
        assert stamp_to_ns(last.header.stamp) == START_NS + 39 * FRAME_NS
        assert len(last.bodies) == 1
        assert last.bodies[0].active
        body = convert.body_from_msg(last.bodies[0])
        # the fit knows where BlazePose errs, which exact landmarks do not
        for joint in (L.LEFT_KNEE, L.RIGHT_SHOULDER, L.LEFT_WRIST):
            true = STANDING.at(0)[BLAZEPOSE_33.index(joint)]
            assert np.linalg.norm(body.position(joint) - true) < 0.12
        assert share_of_two(bench, told) > 40

    def test_a_view_that_stops_is_told_and_the_other_goes_on(self, bench, rig_file):
        cameras = Cameras(bench, rig_file=str(rig_file), stale_ms=100.0)
        cameras.run(0, 20, person=STANDING)
        bench.spin(0.15)
        heard = cameras.run(20, 30, views=("front",), person=STANDING)
        assert len(heard[-1].bodies) == 1
        bench.diagnostics().wait("fusion", DiagnosticStatus.WARN, "view side is silent")

    def test_places_from_static_transforms(self, bench):
        cameras = Cameras(bench)
        cameras.show("front", 0)
        cameras.show("side", 0)
        told = bench.diagnostics()
        told.wait("fusion", DiagnosticStatus.WARN, "view side", "no static transform", "side_base")
        transform = TransformStamped(child_frame_id="side_base")
        transform.header.frame_id = "front_base"
        transform.transform.translation.x, transform.transform.translation.y = SIDE.x, SIDE.y
        transform.transform.rotation.w = math.cos(SIDE.yaw / 2)
        transform.transform.rotation.z = math.sin(SIDE.yaw / 2)
        # as /tf_static would bring it, where tf2_msgs is installed
        cameras.node._frames.hear(SimpleNamespace(transforms=[transform]))
        cameras.run(1, 30, person=STANDING)
        assert share_of_two(bench, told) > 40

    def test_unknown_mount_is_told(self, bench):
        guessed = replace(FRONT, mount_estimated=True)
        cameras = Cameras(bench, cameras={"front": guessed, "side": SIDE})
        cameras.show("front", 0)
        bench.diagnostics().wait("fusion", DiagnosticStatus.WARN, "view front", "camera_height", "rig_file")

    def test_images_of_another_size_than_calibrated_are_told(self, bench, rig_file):
        other = replace(SIDE, width=1280, height=960, fx=1060.0, fy=1060.0)
        cameras = Cameras(bench, cameras={"front": FRONT, "side": other}, rig_file=str(rig_file))
        cameras.show("front", 0)
        cameras.show("side", 0)
        bench.diagnostics().wait("fusion", DiagnosticStatus.WARN, "view side", "1280x960", "640x480")

    def test_broken_messages_are_told_and_survived(self, bench, rig_file):
        cameras = Cameras(bench, rig_file=str(rig_file))
        cameras.run(0, 5)
        cameras.show("side", 5, pixels=[1.0])
        bench.diagnostics().wait("fusion", DiagnosticStatus.WARN, "PersonLandmarks.pixels")
        assert cameras.run(6, 10)

    def test_lifter_of_the_first_view_is_the_active_body(self, bench, rig_file):
        cameras = Cameras(bench, rig_file=str(rig_file))
        bystander = Stick(x=4.6, y=0.9, squats=False)
        for i in range(40):
            for view, camera in cameras.cameras.items():
                stamp = START_NS + i * FRAME_NS
                people = [look(camera, p.at(0), stamp, k) for k, p in enumerate((STANDING, bystander))]
                cameras.send[view](convert.landmarks_to_msg(people, camera, stamp, "b", active=1))
                bench.spin(0.004)
        bench.wait(lambda: len(cameras.heard[-1].bodies) == 2, "two bodies")
        assert [body.active for body in cameras.heard[-1].bodies] == [False, True]

    def test_calibrates_the_views_from_a_person_and_uses_it(self, bench, tmp_path):
        path = tmp_path / "made" / "rig.yaml"
        cameras = Cameras(bench, rig_file=str(path), stature=1.75)
        answer = bench.call(srv.Calibrate, "calibrate_views", srv.Calibrate.Request(duration_s=60.0))
        assert answer.success, answer.message
        again = bench.call(srv.Calibrate, "calibrate_views", srv.Calibrate.Request(duration_s=3.0))
        assert not again.success
        for i in range(60):
            # quicker than life: the stamps say when
            person = Stick(x=3.0 + 0.7 * math.sin(i / 8), y=0.7 * math.cos(i / 6), facing=i / 10)
            for view in cameras.cameras:
                cameras.show(view, i, person)
                bench.wait(lambda: len(cameras.node._recording[view]) > i, "a recorded frame")  # noqa: B023
        cameras.node._recorded_until = 0.0
        bench.wait(path.exists, "a calibration")
        rig = load_rig(path)
        assert rig.cameras["side"].x == pytest.approx(SIDE.x, abs=0.12)
        assert rig.cameras["side"].yaw == pytest.approx(SIDE.yaw, abs=0.03)
        bench.wait(lambda: cameras.node._rig is not None, "the rig in use")

    @pytest.mark.parametrize("views", ["", "front", "front,front", "front,si de"])
    def test_wrong_views_are_refused(self, bench, views):
        node = bench.node("fusion", views=views)
        assert not node.start()
        bench.diagnostics().wait("fusion", DiagnosticStatus.ERROR, "parameter views", "two or more")

    def test_file_without_a_view_is_refused_with_file_and_field(self, bench, rig_file):
        node = bench.node("fusion", rig_file=str(rig_file), views="front,back")
        assert not node.start()
        bench.diagnostics().wait("fusion", DiagnosticStatus.ERROR, str(rig_file), "cameras.back")


class TestStaticFrames:
    def test_ways_up_and_down_the_tree(self):
        message = SimpleNamespace(transforms=[])

        def add(parent, child, x, yaw):
            item = TransformStamped(child_frame_id=child)
            item.header.frame_id = parent
            item.transform.translation.x = x
            item.transform.rotation.w, item.transform.rotation.z = math.cos(yaw / 2), math.sin(yaw / 2)
            message.transforms.append(item)

        add("map", "a", 1.0, math.pi / 2)
        add("map", "b", 3.0, 0.0)
        add("b", "c", 1.0, math.nan)
        frames = StaticFrames()
        frames.hear(message)
        matrix = frames.between("a", "b")
        assert np.allclose(matrix @ [0, 0, 0, 1], [0, -2, 0, 1])
        assert np.allclose(frames.between("b", "a") @ matrix, np.eye(4))
        assert frames.between("a", "c") is None
        assert frames.between("a", "nowhere") is None
