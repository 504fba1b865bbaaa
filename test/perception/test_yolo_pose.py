"""YOLO-pose against the numbers of its own project (bench/decoder_reference.py)."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import decoder_cases as cases
import numpy as np
import pytest
from supplied_networks import INTERFACES

from kinecue.perception.adapters.yolo_pose import Letterbox, decode, suppress
from kinecue.perception.manifest import YoloPose
from kinecue.perception.tensors import PictureTensor

EDGE = 640
REFERENCE = Path(__file__).parent / "data" / "decoder_reference.json"
CASES = list(product(cases.PICTURE_SIZES, (1, 2)))


@pytest.fixture(scope="module")
def expected():
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["yolo"]


@pytest.mark.parametrize("case", range(2))
def test_input_is_the_reference(expected, case):
    """The two resize with different builds of OpenCV: a grey level."""
    size = cases.PICTURE_SIZES[case]
    bgr = np.ascontiguousarray(cases.picture(size)[..., ::-1])
    boxed = Letterbox.of(*size, EDGE, EDGE).apply(bgr, EDGE, EDGE)
    tensor = PictureTensor(INTERFACES["yolo11_pose"].input)(boxed)
    assert tensor.shape == (1, 3, EDGE, EDGE)
    np.testing.assert_allclose(cases.samples(tensor), expected["inputs"][case], atol=1.01 / 255)


@pytest.mark.parametrize("case", range(4))
def test_people_are_the_reference(expected, case):
    """The reference limits boxes and keypoints to the picture; ours may lie outside."""
    (width, height), seed = CASES[case]
    found = decode(cases.yolo(seed).astype(np.float64), YoloPose(kind="yolo_pose"))
    letterbox, there = Letterbox.of(width, height, EDGE, EDGE), expected["outputs"][case]
    assert len(found.boxes) == there["found"]
    boxes = letterbox.to_image(found.boxes[:8].reshape(-1, 2, 2))
    pixels = letterbox.to_image(found.keypoints[:8])
    limits = [width, height]
    np.testing.assert_allclose(np.clip(boxes, 0, limits).reshape(-1, 4), there["boxes"], atol=2e-3)
    np.testing.assert_allclose(np.clip(pixels, 0, limits), there["pixels"], atol=2e-3)
    np.testing.assert_allclose(found.scores[:8], there["scores"], atol=1e-4)
    np.testing.assert_allclose(found.confidence[:8], there["confidence"], atol=1e-4)


def test_the_end_to_end_variant_gives_the_same_people():
    raw = cases.yolo(3).astype(np.float64)
    plain = decode(raw, YoloPose(kind="yolo_pose"))
    rows = np.zeros((300, 57))
    points = np.concatenate([plain.keypoints, plain.confidence[..., None]], axis=2)
    n = len(plain.boxes)
    rows[:n, :4], rows[:n, 4], rows[:n, 6:] = plain.boxes, plain.scores, points.reshape(n, 51)
    direct = decode(rows, YoloPose(kind="yolo_pose", end_to_end=True))
    for name in ("boxes", "scores", "keypoints", "confidence"):
        np.testing.assert_array_equal(getattr(direct, name), getattr(plain, name))


def test_suppression_of_boxes_worked_out_by_hand():
    """Overlaps with the first: 80 / 120 = 0.67 and 50 / 150 = 0.33."""
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [5, 0, 15, 10], [100, 100, 110, 110]], np.float64)
    assert suppress(boxes, 0.7) == [0, 1, 2, 3]
    assert suppress(boxes, 0.6) == [0, 2, 3]
    assert suppress(boxes, 0.3) == [0, 3]
    assert suppress(np.zeros((2, 4)), 0.5) == [0, 1]
    assert suppress(np.zeros((0, 4)), 0.5) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_boxes_that_are_no_numbers_are_nobody(bad):
    raw = cases.yolo(1).astype(np.float64)
    raw[7] = bad
    assert len(decode(raw, YoloPose(kind="yolo_pose")).boxes) == 0


def test_an_odd_border_pixel_goes_to_the_right():
    """333 x 517 into 640: 412.2 px wide, 114 left of it, 114 right of it; 335 wide: 414.7, 112 and 113."""
    assert Letterbox.of(333, 517, EDGE, EDGE) == Letterbox(412 / 333, 640 / 517, 114, 0, 412, 640)
    assert Letterbox.of(335, 517, EDGE, EDGE) == Letterbox(415 / 335, 640 / 517, 112, 0, 415, 640)
