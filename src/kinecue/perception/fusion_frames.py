"""Bodies and cameras from one camera's base frame to another's."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import Landmark, LandmarkState
from kinecue.perception.landmarks2d import Landmarks2D

FloatArray = NDArray[np.float64]

UNSEEN = 0.0
"""Visibility of what a camera does not see."""


def turn(yaw: float) -> FloatArray:
    """(3, 3) rotation about z."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def seen_from(home: CameraModel, camera: CameraModel) -> CameraModel:
    """A camera of the common frame in the base frame of another one, `home`."""
    x, y, _ = (camera.centre - home.centre) @ turn(home.yaw)
    return replace(camera, x=float(x), y=float(y), yaw=math.remainder(camera.yaw - home.yaw, 2.0 * math.pi))


def in_common_frame(body: Body, home: CameraModel) -> Body:
    """A body from the base frame of `home` to the frame in which `home` is given."""
    if (home.x, home.y, home.yaw) == (0.0, 0.0, 0.0):
        return body
    rotation = turn(home.yaw)
    offset = np.array([home.x, home.y, 0.0])
    covariance = body.joint_covariance
    if covariance is not None:
        big = np.kron(np.eye(len(body.joint_landmarks)), rotation)
        covariance = big @ covariance @ big.T
    return replace(
        body,
        positions=body.positions @ rotation.T + offset,
        covariances=rotation @ body.covariances @ rotation.T,
        joint_covariance=covariance,
    )


def in_reference_image(body: Body, reference: CameraModel) -> Body:
    """A body fitted in other cameras with the pixels and the view that it has in `reference`."""
    pixels = reference.project(body.positions)
    depth = reference.to_optical(body.positions)[:, 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(np.trace(body.covariances, axis1=1, axis2=2) / 3.0)
        std = np.where(depth > 0, spread * reference.fx / depth, np.nan)
        inside = (pixels >= 0).all(1) & (pixels < [reference.width, reference.height]).all(1)
    known = body.states != int(LandmarkState.LOST)
    return replace(
        body,
        pixels=pixels,
        pixel_std=std,
        image_size=(reference.width, reference.height),
        view=view_of(body, reference),
        truncated=bool((known & ~inside).any()),
    )


def view_of(body: Body, camera: CameraModel) -> float:
    """The person's yaw against a camera, rad: 0 faces it, +pi/2 shows the left side; NaN unknown."""
    left = body.position(Landmark.LEFT_HIP) - body.position(Landmark.RIGHT_HIP)
    if not np.isfinite(left).all():
        return math.nan
    left = left @ turn(camera.yaw)
    forward = np.cross(left, [0.0, 0.0, 1.0])
    return math.atan2(-left[0], -forward[0])


def blank(like: Landmarks2D) -> Landmarks2D:
    """What a camera says that does not see the person."""
    n = len(like.topology)
    nothing = np.full(n, np.nan)
    unseen = np.full(n, UNSEEN)
    return replace(
        like,
        pixels=np.full((n, 2), np.nan),
        depth=nothing,
        visibility=unseen,
        presence=unseen,
        world=np.full((n, 3), np.nan),
        spread=nothing,
        measured_depth=None,
        measured_depth_std=None,
        mask=None,
    )
