"""Node `pose` with several people in the picture: one of them is the lifter, chosen by itself or by service."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import values
from sensor_msgs.msg import Image

from kinecue.body import BLAZEPOSE_33, Landmark
from kinecue.nodes import message_parts as parts
from kinecue.nodes.images import from_bgr
from kinecue_msgs import msg, srv

pytestmark = pytest.mark.usefixtures("models")
START_NS, FRAME_NS = 7_000_000_000, 66_666_667
WIDTH = 300
"""Of the strip about each person, px."""


def _strip(path, truth) -> np.ndarray:
    """The first picture's middle strip with the person in it."""
    capture = cv2.VideoCapture(str(path))
    picture = capture.read()[1]
    capture.release()
    hips = truth.pixels[0, BLAZEPOSE_33.indices(Landmark.LEFT_HIP, Landmark.RIGHT_HIP), 0].mean()
    left = int(np.clip(hips - WIDTH / 2, 0, picture.shape[1] - WIDTH))
    return picture[:, left : left + WIDTH]


@pytest.fixture(scope="module")
def two(sample_squat, clean_squat):
    """A picture with somebody on the left, and somebody smaller on the right."""
    left, right = _strip(*sample_squat), _strip(*clean_squat)
    small = cv2.resize(right, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    padded = np.full_like(left, 120)
    padded[-small.shape[0] :, : small.shape[1]] = small
    return np.ascontiguousarray(np.concatenate([left, padded], axis=1))


class Pictures:
    """Sends pictures, each a frame later, and hears bodies."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.heard = bench.listen(msg.BodyArray, "bodies")
        self.send = bench.talk(Image, "image_raw")
        bench.connected("bodies")
        self.number = 0

    def one(self, picture) -> msg.BodyArray:
        before = len(self.heard)
        message = from_bgr(picture)
        message.header = parts.header(START_NS + self.number * FRAME_NS, "camera_optical_frame")
        self.number += 1
        self.send(message)
        self.bench.wait(lambda: len(self.heard) > before, "bodies")
        return self.heard[-1]

    def both(self, picture) -> list[msg.Body]:
        """The bodies of the first picture in which there are two."""
        for _ in range(5):
            bodies = self.one(picture).bodies
            if len(bodies) == 2:
                return sorted(bodies, key=lambda body: body.landmarks[0].u)
        raise AssertionError("two people are not seen")


def ask(bench, who: str) -> srv.SelectLifter.Response:
    return bench.call(srv.SelectLifter, "select_lifter", srv.SelectLifter.Request(id=who))


def test_the_larger_one_is_the_lifter_and_nobody_else(bench, two):
    bench.started("pose", model="lite")
    left, right = Pictures(bench).both(two)
    assert (left.active, right.active) == (True, False)
    assert left.id != right.id


def test_one_is_followed_if_one_is_asked_for(bench, two):
    bench.started("pose", model="lite", max_people=1)
    pictures = Pictures(bench)
    assert [len(pictures.one(two).bodies) for _ in range(3)] == [1, 1, 1]


def test_zone_says_who(bench, two):
    bench.started("pose", model="lite", lifter_zone="image 0.55 0 1 0 1 1 0.55 1")
    left, right = Pictures(bench).both(two)
    assert (left.active, right.active) == (False, True)


def test_zone_that_is_none_is_told(bench):
    heard = bench.diagnostics()
    node = bench.node("pose", model="lite", lifter_zone="circle 1 2")
    assert not node.start()
    heard.wait("pose", DiagnosticStatus.ERROR, "lifter zone", "circle X Y RADIUS")


def test_service_selects_and_gives_back(bench, two):
    heard = bench.diagnostics()
    bench.started("pose", model="lite")
    pictures = Pictures(bench)
    left, right = pictures.both(two)
    answer = ask(bench, right.id)
    assert (answer.success, answer.lifter) == (True, right.id)
    assert list(answer.available) == sorted([left.id, right.id])
    assert {body.id for body in pictures.both(two) if body.active} == {right.id}
    status = heard.wait("pose", DiagnosticStatus.OK)
    assert (values(status)["lifter"], values(status)["lifter selected"]) == (right.id, "by hand")
    assert ask(bench, "auto").success
    status = heard.wait("pose", DiagnosticStatus.OK)
    assert values(status)["lifter selected"] == "automatically"


def test_somebody_unknown_is_refused_with_who_is_there(bench, two):
    bench.started("pose", model="lite")
    pictures = Pictures(bench)
    left, right = pictures.both(two)
    answer = ask(bench, "nobody")
    assert not answer.success
    assert answer.lifter == left.id
    for body in (left, right):
        assert body.id in answer.message
    assert {body.id for body in pictures.both(two) if body.active} == {left.id}


def test_nobody_can_be_selected_while_the_node_is_not_active(bench):
    bench.node("pose", model="lite")
    answer = ask(bench, "auto")
    assert not answer.success
    assert "not active" in answer.message


def test_who_was_hidden_is_the_lifter_again(bench, two):
    bench.started("pose", model="lite")
    pictures = Pictures(bench)
    left, _ = pictures.both(two)
    hidden = two.copy()
    hidden[:, :WIDTH] = 120
    assert not any(body.active for _ in range(4) for body in pictures.one(hidden).bodies)
    assert {body.id for body in pictures.both(two) if body.active} == {left.id}
