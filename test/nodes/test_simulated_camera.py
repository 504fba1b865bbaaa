"""The simulated gym in place of a camera: frames, the truth about each on topics, and the machine's handles."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import values
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from visualization_msgs.msg import Marker, MarkerArray

from kinecue.body import BLAZEPOSE_33, Landmark
from kinecue.nodes.base import LATCHED_QOS, stamp_to_ns
from kinecue.nodes.conversions import body_from_msg
from kinecue.nodes.images import to_bgr
from kinecue.nodes.simulated_camera import SimulatedCamera
from kinecue.perception.errors import SourceError
from kinecue.simulation.gym import Gym
from kinecue.simulation.programmes import Programme
from kinecue.simulation.request import Request
from kinecue_msgs import msg

EVERY = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
GYM = {
    "source": "simulated",
    "simulated_exercise": "biceps_curl",
    "simulated_athlete": "short",
    "simulated_faults": "swing=15:reps=1; flared_elbows=10:side=left",
    "simulated_repetitions": 2,
    "simulated_distance": 3.0,
    "simulated_seed": 4,
}


@pytest.fixture(scope="module")
def programme() -> Programme:
    """The same as `GYM`."""
    return Request(
        "biceps_curl",
        "short",
        views=(35.0,),
        faults=("swing=15:reps=1", "flared_elbows=10:side=left"),
        repetitions=2,
        distance=3.0,
        height=1.05,
        tilt=3.0,
        seed=4,
    ).programme()


def small(**changes) -> Programme:
    """A squat of a second in stamps."""
    given = {
        "views": (0.0,),
        "repetitions": 1,
        "tempo": "0.4-0-0.4-0",
        "distance": 3.0,
        "size": "64x48",
        **changes,
    }
    programme = Request("squat", **given).programme()
    return dataclasses.replace(programme, plan=dataclasses.replace(programme.plan, still_s=0.1, after_s=0.1))


def read_all(source: SimulatedCamera) -> list:
    source.open()
    try:
        return list(iter(source.read, None))
    finally:
        source.close()


class TestSource:
    def test_delivers_every_frame_of_the_programme_with_its_truth(self):
        source = SimulatedCamera(small(jitter_ms=3.0), real_time=False, clock=lambda: 1_000)
        frames = read_all(source)
        gym = Gym(source.programme)
        shots = gym.shots(gym.cameras[0])
        assert [frame.index for frame in frames] == list(range(len(shots)))
        assert [frame.stamp_ns for frame in frames] == [1_000 + shot.stamp_ns for shot in shots]
        assert frames[0].size == (64, 48)
        taken = source.taken(frames[-1].stamp_ns)
        assert taken.truth.positions == pytest.approx(gym.truth(shots[-1].time_s).positions, abs=1e-9)
        assert source.taken(5) is None
        assert source.notes == ()

    def test_frames_that_the_camera_loses_do_not_come(self):
        source = SimulatedCamera(small(drop=30.0), real_time=False)
        frames = read_all(source)
        gym = Gym(source.programme)
        kept = [shot for shot in gym.shots(gym.cameras[0]) if not shot.dropped]
        assert len(frames) == len(kept) < len(gym.shots(gym.cameras[0]))
        assert np.diff([f.stamp_ns for f in frames]) == pytest.approx(np.diff([s.stamp_ns for s in kept]))

    def test_starts_over(self):
        starts = []
        source = SimulatedCamera(
            small(), real_time=False, loop=True, clock=lambda: 0, on_start=lambda ns, track: starts.append(ns)
        )
        gym = Gym(source.programme)
        count = len(gym.shots(gym.cameras[0]))
        source.open()
        frames = [source.read() for _ in range(count + 2)]
        source.close()
        assert starts == [0, round(gym.duration_s * 1e9)]
        assert frames[count].stamp_ns == starts[1]
        assert all(b.stamp_ns > a.stamp_ns for a, b in itertools.pairwise(frames))
        assert source.read() is None

    def test_plays_what_was_rendered_before(self, tmp_path):
        request = small()
        drawn = read_all(SimulatedCamera(request, real_time=False))
        played = read_all(SimulatedCamera(request, real_time=False, clips=tmp_path))
        assert len(drawn) == len(played)
        assert len(list(tmp_path.glob("*.mp4"))) == 1
        for a, b in zip(drawn, played, strict=True):
            assert np.abs(a.image.astype(int) - b.image.astype(int)).mean() < 8.0

    def test_leaves_frames_out_where_it_is_too_slow_and_stays_in_time(self):
        now = itertools.count()
        # a clock that runs away: nobody could render that fast
        source = SimulatedCamera(small(), clock=lambda: next(now) * 50_000_000, sleep=lambda s: None)
        frames = read_all(source)
        gym = Gym(source.programme)
        shots = gym.shots(gym.cameras[0])
        assert 0 < len(frames) <= len(shots) - source.left_out < len(shots)
        assert {f.stamp_ns for f in frames} <= {frames[0].stamp_ns + s.stamp_ns for s in shots}
        assert "left out" in source.notes[0]

    def test_what_this_athlete_cannot_do_is_told(self, monkeypatch):
        programme = small()
        object.__setattr__(programme, "exercise", "none")
        source = SimulatedCamera(programme)
        with pytest.raises(SourceError, match="exercise must be one of"):
            source.open()


def test_frames_calibration_and_truth_on_topics(bench, programme):
    images, infos = bench.listen(Image, "image_raw"), bench.listen(CameraInfo, "camera_info")
    bodies, forms = bench.listen(msg.BodyArray, "truth/bodies"), bench.listen(msg.FormState, "truth/form")
    angles, states = bench.listen(msg.JointAngles, "truth/joint_angles"), bench.listen(String, "truth/state")
    markers = bench.listen(MarkerArray, "truth/markers", 10)
    tracks = bench.listen(String, "truth/track", LATCHED_QOS)
    bench.started("camera", **GYM, real_time=False, publish_image=True)
    bench.wait(lambda: len(images) > 5 and len(states) > 5 and infos and tracks and markers)
    gym = Gym(programme)
    camera = gym.cameras[0]
    assert list(infos[0].k) == pytest.approx(camera.model.matrix.ravel().tolist())
    start = json.loads(tracks[-1].data)["start_ns"]
    bench.wait(
        lambda: {stamp_to_ns(m.header.stamp) for m in bodies} & {stamp_to_ns(m.header.stamp) for m in images}
    )
    message = bodies[-1]
    body = body_from_msg(message.bodies[0])
    exact = gym.truth((body.stamp_ns - start) * 1e-9)
    assert body.positions == pytest.approx(exact.positions, abs=1e-4)
    assert body.pixels == pytest.approx(camera.project(exact.positions), abs=0.05)
    assert not body.covariances.any()
    assert body.view == pytest.approx(math.radians(35.0))
    assert message.bodies[0].topology == BLAZEPOSE_33.name
    assert forms[-1].header.frame_id == "machine_base_link"
    assert forms[-1].exercise == "biceps_curl"
    named = {(a.name, a.side): a for a in angles[-1].angles}
    moment = gym.truth((stamp_to_ns(angles[-1].header.stamp) - start) * 1e-9)
    flexion = named["elbow_flexion", msg.JointAngle.SIDE_LEFT]
    assert flexion.value == pytest.approx(moment.angles["elbow_flexion_left"], abs=1e-6)
    assert (flexion.unit, flexion.std, flexion.validity) == ("rad", 0.0, msg.JointAngle.VALID)
    assert named["hip_shift", msg.JointAngle.SIDE_NONE].unit == "m"
    state = json.loads(states[-1].data)
    assert {"faults", "contacts", "centre_of_mass_m", "handles_m"} <= set(state)
    kinds = {m.type for array in markers for m in array.markers}
    assert {Marker.LINE_LIST, Marker.SPHERE_LIST, Marker.ARROW} <= kinds
    picture = to_bgr(images[-1])
    assert picture.shape == (480, 640, 3)
    assert cv2.meanStdDev(picture)[1].min() > 20.0


def test_the_machine_goes_where_the_athlete_s_hand_goes(bench, programme):
    encoder = bench.listen(msg.RepEncoder, "machine/truth/encoder", EVERY)
    bodies = bench.listen(msg.BodyArray, "truth/bodies")
    tracks = bench.listen(String, "truth/track", LATCHED_QOS)
    heard = bench.diagnostics()
    bench.started("machine", driver="simulated", follow="gym", publish_truth=True, flaws="ideal")
    heard.wait("machine", DiagnosticStatus.WARN, "has not begun")
    bench.started("camera", **GYM)
    bench.wait(lambda: bodies and any(m.position > 0.1 for m in encoder))
    start = json.loads(tracks[-1].data)["start_ns"]
    gym = Gym(programme)
    times = np.array([(stamp_to_ns(m.header.stamp) - start) * 1e-9 for m in encoder])
    ends = gym.handles(np.arange(0.0, gym.duration_s, 0.01))[:, 0]
    shortest = np.linalg.norm(ends - gym.pulleys[0], axis=1).min()
    out = np.linalg.norm(gym.handles(times)[:, 0] - gym.pulleys[0], axis=1) - shortest
    assert np.array([m.position for m in encoder]) == pytest.approx(out, abs=0.02)
    heard.wait("machine", DiagnosticStatus.OK, "led by the simulated gym")


def test_a_wrong_fault_is_refused_with_those_that_there_are(bench):
    heard = bench.diagnostics()
    node = bench.node("camera", **{**GYM, "simulated_faults": "moonwalk=3"})
    assert not node.start()
    heard.wait("camera", DiagnosticStatus.ERROR, "moonwalk", "elbow_drift", "swing")


def test_a_damaged_track_does_not_end_the_machine(bench):
    heard = bench.diagnostics()
    bench.started("machine", driver="simulated", follow="gym")
    tell = bench.talk(String, "truth/track", LATCHED_QOS)
    damaged = ("", "[]", '{"machine": {}}', '{"machine": {"cables": []}, "frames": [], "start_ns": "now"}')
    for count, text in enumerate(damaged, start=1):
        tell(String(data=text))
        bench.wait(
            lambda n=count: [s for s in heard.of("machine") if int(values(s)["errors"]) == n],
            f"error {count}",
        )
    heard.wait("machine", DiagnosticStatus.WARN, "truth/track")


def test_a_truth_body_is_seen_from_its_own_side(programme):
    gym = Gym(programme)
    truth = gym.truth(0.0)
    seen = gym.seen(gym.cameras[0], truth)
    hip = [seen.pixels[BLAZEPOSE_33.index(Landmark(f"{side}_hip"))][0] for side in ("left", "right")]
    # facing the camera, half turned: the left hip is on the right of the picture
    assert hip[0] > hip[1]
