"""The whole pipeline with the real networks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.blazepose import BlazePose
from kinecue.perception.errors import ImageError, ModelError, ProviderError


@pytest.fixture(scope="module")
def pose(store):
    return BlazePose(store, "lite", "cpu")


@pytest.fixture(autouse=True)
def fresh(request):
    if "pose" in request.fixturenames:
        request.getfixturevalue("pose").reset()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((480, 640, 3), np.uint8),
        np.full((480, 640, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.full((3, 700, 3), 90, np.uint8),
        np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8),
    ],
    ids=["black", "white", "one pixel", "strip", "noise"],
)
def test_nobody_is_seen_where_nobody_is(pose, image):
    assert pose.estimate(image, 0) == []


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((48, 64), np.uint8), r"uint8 \(48, 64\)"),
        (np.zeros((48, 64, 4), np.uint8), r"uint8 \(48, 64, 4\)"),
        (np.zeros((48, 64, 3), np.float32), r"float32 \(48, 64, 3\)"),
        (np.zeros((0, 64, 3), np.uint8), r"uint8 \(0, 64, 3\)"),
        ([[0]], "list"),
    ],
)
def test_what_is_no_bgr_picture_is_refused(pose, image, said):
    with pytest.raises(ImageError, match=f"expected a BGR picture as a uint8 array .* got {said}"):
        pose.estimate(image, 0)


def test_the_picture_may_be_read_only_and_is_not_changed(pose, woman):
    image = woman.copy()
    image.flags.writeable = False
    (person,) = pose.estimate(image, 5)
    np.testing.assert_array_equal(image, woman)
    assert person.stamp_ns == 5
    assert person.topology is BLAZEPOSE_33
    assert 0.5 < person.score <= 1.0


def test_same_pictures_same_numbers(pose, woman):
    moved = [np.roll(woman, shift, axis=1) for shift in (0, 2, 4)]
    first = [pose.estimate(image, i * 33_333_333)[0].pixels for i, image in enumerate(moved)]
    pose.reset()
    again = [pose.estimate(image, i * 33_333_333)[0].pixels for i, image in enumerate(moved)]
    np.testing.assert_array_equal(first, again)


def median_error(found, expected):
    """Share of the body's height."""
    return np.median(np.linalg.norm(found - expected, axis=1)) / np.ptp(expected[:, 1])


def test_mirrored_picture_gives_mirrored_landmarks(pose, woman):
    """Left is anatomical: in the mirror image the left knee is where the right one was."""
    (person,) = pose.estimate(woman, 0)
    pose.reset()
    (mirrored,) = pose.estimate(np.ascontiguousarray(woman[:, ::-1]), 0)
    back = mirrored.pixels[list(BLAZEPOSE_33.mirror)] * [-1, 1] + [woman.shape[1] - 1, 0]
    assert median_error(back, person.pixels) < 0.02


def test_larger_picture_gives_larger_landmarks(pose, woman):
    (person,) = pose.estimate(woman, 0)
    pose.reset()
    (larger,) = pose.estimate(cv2.resize(woman, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 0)
    assert median_error(larger.pixels / 2, person.pixels) < 0.02


def test_followed_person_is_where_a_new_search_finds_them(pose, woman):
    (found,) = pose.estimate(woman, 0)
    (followed,) = pose.estimate(woman, 33_333_333)
    assert pose.tracker.detector_runs >= 1
    assert followed.identity == found.identity
    assert median_error(followed.pixels, found.pixels) < 0.02


def test_two_people_are_found(store, woman):
    pose = BlazePose(store, "lite", "cpu", max_people=2)
    beside = np.concatenate([woman, woman[:, ::-1]], axis=1)
    people = pose.estimate(beside, 0)
    assert [p.identity for p in people] == [0, 1]
    assert sorted(p.region.x > woman.shape[1] for p in people) == [False, True]


def test_wrong_variant_and_provider_are_named(store):
    with pytest.raises(ModelError, match="unknown BlazePose variant 'huge'; allowed: lite, full, heavy"):
        BlazePose(store, "huge")
    with pytest.raises(ProviderError, match="unknown execution provider 'gpu'; allowed: auto, cpu, openvino"):
        BlazePose(store, "lite", "gpu")
