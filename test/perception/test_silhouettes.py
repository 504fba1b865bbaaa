"""Masks of the network as silhouettes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.landmarks2d import Landmarks2D, SegmentationMask
from kinecue.perception.regions import Region, crop
from kinecue.perception.silhouettes import mask_to_picture, silhouettes_of

N = len(BLAZEPOSE_33)


@pytest.mark.parametrize(
    "region", [Region(100.0, 80.0, 120.0), Region(90.0, 110.0, 96.0, math.radians(25.0))]
)
def test_a_spot_in_the_mask_is_where_the_crop_took_it_from(region):
    picture = np.zeros((200, 220, 3), np.uint8)
    picture[96:99, 105:108] = 255
    size = 256
    column, row = _middle(crop(picture, region, size, replicate_border=False)[:, :, 0])
    matrix = mask_to_picture(SegmentationMask(np.zeros((size, size), np.float32), region))
    assert matrix @ [column, row, 1.0] == pytest.approx([106.0, 97.0], abs=0.3)


def _middle(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(image > 127)
    return float(columns.mean()), float(rows.mean())


def test_frames_without_a_mask_are_left_out():
    region = Region(100.0, 100.0, 200.0)
    zeros = np.zeros(N)
    bare = Landmarks2D(
        1, BLAZEPOSE_33, np.zeros((N, 2)), zeros, zeros, zeros, np.zeros((N, 3)), zeros, 1.0, region
    )
    masked = replace(bare, mask=SegmentationMask(np.ones((64, 64), np.float32), region))
    points = np.ones((N, 3))
    found = silhouettes_of([(bare, points), (masked, points)], CameraModel.estimate(200, 200))
    assert len(found) == 1
    assert found[0].to_picture @ [64.0, 64.0, 1.0] == pytest.approx([200.0, 200.0])
