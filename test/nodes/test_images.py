"""sensor_msgs/Image to pictures and back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

from kinecue.nodes.images import ImageError, from_bgr, to_bgr

# blue, green, red, grey: colours that every encoding can hold
PICTURE = (
    np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [90, 90, 90]]], np.uint8).repeat(3, 0).repeat(4, 1)
)


def message(encoding: str, pixels: np.ndarray, padding: int = 0) -> Image:
    """An image message with `padding` bytes behind each row."""
    rows = pixels.reshape(pixels.shape[0], -1)
    step = rows.shape[1] + padding
    data = np.full((rows.shape[0], step), 77, np.uint8)
    data[:, : rows.shape[1]] = rows
    made = Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, step=step)
    made.data = data.tobytes()
    return made


def uyvy(picture: np.ndarray) -> np.ndarray:
    """(H, W, 2) UYVY, chroma shared by pairs that have the same colour here; BT.601, video range."""
    b, g, r = (picture[..., i].astype(float) for i in range(3))
    y = 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
    u = 128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255
    v = 128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255
    packed = np.zeros((*picture.shape[:2], 2))
    packed[:, 0::2, 0], packed[:, 1::2, 0] = u[:, 0::2], v[:, 0::2]
    packed[..., 1] = y
    return np.round(packed).astype(np.uint8)


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("bgr8", PICTURE),
        ("rgb8", PICTURE[..., ::-1]),
        ("bgra8", np.dstack([PICTURE, np.full(PICTURE.shape[:2], 9, np.uint8)])),
        ("rgba8", np.dstack([PICTURE[..., ::-1], np.full(PICTURE.shape[:2], 9, np.uint8)])),
    ],
)
def test_colours_arrive_unchanged(encoding, pixels, padding):
    np.testing.assert_array_equal(to_bgr(message(encoding, pixels, padding)), PICTURE)


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize(("encoding", "swap"), [("yuv422", False), ("yuv422_yuy2", True)])
def test_yuv_arrives_within_rounding(encoding, swap, padding):
    packed = uyvy(PICTURE)
    found = to_bgr(message(encoding, packed[..., ::-1] if swap else packed, padding))
    assert np.abs(found.astype(int) - PICTURE.astype(int)).max() <= 3


@pytest.mark.parametrize("padding", [0, 3])
def test_grey_has_three_equal_channels(padding):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    found = to_bgr(message("mono8", grey, padding))
    assert found.shape == (6, 8, 3)
    assert (found == grey[..., None]).all()


def test_round_trip_keeps_every_pixel():
    picture = np.random.default_rng(0).integers(0, 256, (31, 17, 3), np.uint8)
    np.testing.assert_array_equal(to_bgr(from_bgr(picture)), picture)


def test_a_part_of_a_picture_is_sent_whole():
    picture = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(to_bgr(from_bgr(picture[2:12, 5:25])), picture[2:12, 5:25])


def test_missing_step_is_taken_as_without_padding():
    made = message("bgr8", PICTURE)
    made.step = 0
    np.testing.assert_array_equal(to_bgr(made), PICTURE)


def test_what_comes_out_may_be_read_by_opencv():
    cv2.cvtColor(to_bgr(message("bgr8", PICTURE, 7)), cv2.COLOR_BGR2GRAY)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": b"\0" * 10},
        {"data": b""},
        {"step": 3},
        {"step": 10_000},
        {"width": 0, "height": 0},
        {"height": 10**6},
        {"width": 2**31},
    ],
    ids=str,
)
def test_data_that_does_not_fit_is_refused_with_the_sizes(changes):
    made = message("bgr8", PICTURE)
    for name, value in changes.items():
        setattr(made, name, value)
    with pytest.raises(ImageError, match=r"bytes with step \d+ are not a \d+x\d+ bgr8 image"):
        to_bgr(made)


@pytest.mark.parametrize("encoding", ["", "nonsense", "32FC1"])
def test_unknown_encoding_is_refused_by_name(encoding):
    made = message("bgr8", PICTURE)
    made.encoding = encoding
    with pytest.raises(ImageError, match="encoding"):
        to_bgr(made)
