"""Waiting for the picture that shows the shape of a body: settled, standing, whole, with a mask."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from stick_figure import CAMERA, seen, squatting

from kinecue.body import Body
from kinecue.perception.body_fitter import BodyFitter
from kinecue.perception.landmark_model import LandmarkModel
from kinecue.perception.landmarks2d import Landmarks2D, SegmentationMask
from kinecue.perception.regions import Region
from kinecue.perception.shape_capture import PATIENCE_S, SETTLE_S, ShapeCapture, ShapeSight

FRAME_NS = 33_333_333
MASK = SegmentationMask(np.full((64, 64), 0.9, np.float32), Region(320, 240, 300, 0.0))


def bodies(flexion: float) -> tuple[Landmarks2D, Body]:
    """Somebody, and a body that is where the landmarks are."""
    points = squatting(flexion, 0.3)
    marks = seen(points, 0)
    body = BodyFitter(CAMERA, "aaaaa", model=LandmarkModel.exact()).update(marks)
    return marks, replace(body, positions=points)


STANDING, SQUATTING = bodies(math.radians(6)), bodies(1.5)


def wait(
    capture: ShapeCapture, scene: tuple[Landmarks2D, Body], seconds: float, masks: bool = True, begin: int = 0
) -> tuple[ShapeSight | None, int]:
    """What comes within so many seconds, and the stamp after it."""
    stamp = begin
    while stamp - begin < seconds * 1e9:
        stamp += FRAME_NS
        marks, body = scene
        if masks and capture.wants_mask:
            marks = replace(marks, mask=MASK)
        sight = capture.update(marks, body, CAMERA, stamp)
        if sight is not None:
            return sight, stamp
    return None, stamp


def test_the_mask_is_wanted_when_the_fit_has_settled_and_taken_once() -> None:
    capture = ShapeCapture()
    sight, stamp = wait(capture, STANDING, SETTLE_S - 0.1)
    assert sight is None and not capture.wants_mask
    sight, stamp = wait(capture, STANDING, 0.3, begin=stamp)
    assert sight is not None
    assert sight.body_id == "aaaaa" and sight.stamp_ns == stamp
    assert len(sight.silhouettes) == 1


def test_a_mask_that_comes_unasked_too_early_is_not_taken() -> None:
    marks = replace(STANDING[0], mask=MASK)
    assert ShapeCapture().update(marks, STANDING[1], CAMERA, FRAME_NS) is None


def test_who_squats_is_waited_for() -> None:
    capture = ShapeCapture()
    sight, stamp = wait(capture, SQUATTING, 2.0)
    assert sight is None and not capture.wants_mask
    sight, _ = wait(capture, STANDING, 0.3, begin=stamp)
    assert sight is not None and sight.silhouettes


def test_who_is_cut_off_or_not_known_in_space_shows_no_shape() -> None:
    marks, body = STANDING
    for spoiled in (
        replace(body, truncated=True),
        replace(body, positions=np.full_like(body.positions, np.nan)),
    ):
        capture = ShapeCapture()
        sight, _ = wait(capture, (marks, spoiled), 2.0)
        assert sight is None and not capture.wants_mask


def test_a_network_without_masks_and_somebody_who_never_stands_end_without_silhouettes() -> None:
    for scene, masks in ((STANDING, False), (SQUATTING, True)):
        sight, stamp = wait(ShapeCapture(), scene, PATIENCE_S + 1.0, masks)
        assert sight is not None and sight.silhouettes == []
        assert stamp >= PATIENCE_S * 1e9


def test_nobody_in_sight_stops_the_wish_for_masks_and_time_that_goes_back_begins_anew() -> None:
    capture = ShapeCapture()
    wait(capture, STANDING, 1.0, masks=False, begin=10**12)
    assert capture.wants_mask
    assert capture.update(None, None, CAMERA, 2 * 10**12) is None
    assert not capture.wants_mask
    sight, _ = wait(capture, STANDING, SETTLE_S - 0.1)
    assert sight is None
