"""The parametric body fitted to silhouettes: drawn here from bodies whose shape is known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.camera import CameraModel
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.volume.body_volume import BodyVolume
from kinecue.body.volume.marks import rest_landmarks
from kinecue.body.volume.proportions import lengths_of
from kinecue.body.volume.shape import BodyShape
from kinecue.body.volume.shape_fit import fit_shape, stature_of
from kinecue.body.volume.silhouette import STATIONS, Silhouette
from kinecue.body.volume.solver import grow_body, solve_body

SIZE = 320


def camera() -> CameraModel:
    return CameraModel(SIZE, SIZE, 420.0, 420.0, (SIZE - 1) / 2, (SIZE - 1) / 2, mount_height=1.0)


def before_the_camera(points: np.ndarray, yaw: float) -> np.ndarray:
    """Turned to face the camera plus a yaw, 2.8 m ahead of it."""
    angle = math.pi + yaw
    c, s = math.cos(angle), math.sin(angle)
    return points @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]).T + [2.8, 0.0, 0.0]


def photographed(shape: BodyShape, yaw: float = 0.0, cloth: float = 0.0) -> tuple[Silhouette, SegmentLengths]:
    """The silhouette of a body in its rest pose, `cloth` thicker (m) on trunk and thighs."""
    body = solve_body(shape)
    marks = rest_landmarks(body)
    points = np.stack([marks[landmark] for landmark in BLAZEPOSE_33.landmarks])
    points, vertices = before_the_camera(points, yaw), before_the_camera(body.vertices, yaw)
    mask = np.zeros((SIZE * 2, SIZE * 2), np.uint8)
    pixels = np.round((camera().project(vertices) + 0.5) * 2 * 16 - 8).astype(np.int32)
    for face in body.faces["body"]:
        cv2.fillConvexPoly(mask, pixels[face], 255, cv2.LINE_8, 4)
    if cloth > 0.0:
        radius = round(cloth * 420.0 / 2.8 * 2)
        covered = np.zeros_like(mask)
        wraps = ("pelvis", "spine_01", "spine_02", "spine_03", "thigh_l", "thigh_r")
        strongest = np.array(body.bones)[np.argmax(body.weights, axis=1)]
        for face in body.faces["body"][np.isin(strongest, wraps)[body.faces["body"]].all(1)]:
            cv2.fillConvexPoly(covered, pixels[face], 255, cv2.LINE_8, 4)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        mask = np.maximum(mask, cv2.dilate(covered, disc))
    probability = cv2.resize(mask, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    lengths = SegmentLengths(**lengths_of(body.bones, body.heads))
    return Silhouette(probability, np.eye(2, 3), camera(), points), lengths


MAN = BodyShape("man", "male", 1.80, 82.0, 0.5)
HEAVY = BodyShape("heavy", "male", 1.76, 108.0, 0.3)
LIGHT = BodyShape("light", "female", 1.66, 50.0, 0.4)


@pytest.mark.parametrize("shape", [MAN, LIGHT], ids=lambda s: s.name)
def test_widths_in_a_picture_are_those_of_the_mesh(shape):
    silhouette, _ = photographed(shape)
    volume = BodyVolume(solve_body(shape))
    mesh = volume.mesh(volume.posed(silhouette.points))
    clear = silhouette.clear(mesh)
    assert clear.sum() > 30
    off = (silhouette.edges - silhouette.edges_of(mesh))[clear]
    assert np.abs(off).max() < 0.015
    assert abs(np.median(off)) < 0.003


def test_an_arm_against_the_trunk_is_not_taken_for_the_trunk():
    silhouette, _ = photographed(MAN)
    volume = BodyVolume(solve_body(MAN))
    points = silhouette.points.copy()
    posed = volume.posed(points)
    apart = silhouette.clear(volume.mesh(posed))
    # the left arm hangs down close to the trunk
    for name in ("elbow", "wrist", "index", "pinky", "thumb"):
        row = next(i for i, x in enumerate(BLAZEPOSE_33.landmarks) if x.value == f"left_{name}")
        shoulder = next(i for i, x in enumerate(BLAZEPOSE_33.landmarks) if x.value == "left_shoulder")
        reach = np.linalg.norm(points[row] - points[shoulder])
        points[row] = points[shoulder] + [0.0, 0.0, -reach]
    close = silhouette.clear(volume.mesh(volume.posed(points)))
    trunk = [k for k, s in enumerate(STATIONS) if s.name in ("trunk 0.5", "trunk 0.36")]
    assert apart[trunk].all()
    assert not close[trunk].all()


@pytest.mark.parametrize("shape", [MAN, HEAVY, LIGHT], ids=lambda s: s.name)
def test_mass_is_found_from_the_front_and_the_side(shape):
    pictures = [photographed(shape, yaw)[0] for yaw in (0.0, math.pi / 2)]
    lengths = photographed(shape)[1]
    fit = fit_shape(lengths, shape.stature, shape.sex, pictures)
    # somebody unusually heavy is drawn towards the usual
    assert fit.mass == pytest.approx(shape.mass, rel=0.11)
    assert abs(fit.mass - shape.mass) < 2.0 * fit.mass_std
    assert fit.width_residual < 0.015
    assert fit.widths > 20


def test_loose_clothes_are_not_all_taken_for_flesh():
    bare, lengths = photographed(MAN)
    loose, _ = photographed(MAN, cloth=0.03)
    plain, wrapped = (fit_shape(lengths, MAN.stature, "male", [s]) for s in (bare, loose))
    assert sum(wrapped.cloth) > sum(plain.cloth) + 0.012
    assert abs(wrapped.mass - MAN.mass) < 2.0 * wrapped.mass_std
    # cloth and flesh look alike: the mass comes out too high, and says so
    assert wrapped.mass_std > plain.mass_std


def test_without_a_picture_the_mass_is_that_of_people_of_the_stature_and_says_how_uncertain():
    lengths = SegmentLengths.from_stature(1.75)
    fit = fit_shape(lengths, 1.75)
    assert 55.0 < fit.mass < 85.0
    # body mass index of adults varies by a sixth
    assert 0.10 < fit.mass_std / fit.mass < 0.30
    assert fit.widths == 0
    assert math.isnan(fit.width_residual)
    assert fit.femininity == pytest.approx(0.5)
    assert fit.femininity_std > 0.3
    assert fit_shape(lengths, 1.75, "male").mass > fit_shape(lengths, 1.75, "female").mass


def test_a_picture_makes_the_mass_more_certain():
    silhouette, lengths = photographed(MAN)
    assert fit_shape(lengths, 1.80, None, [silhouette]).mass_std < 0.8 * fit_shape(lengths, 1.80).mass_std


def test_the_same_pictures_give_the_same_body():
    silhouette, lengths = photographed(LIGHT)
    one, two = (fit_shape(lengths, 1.66, None, [silhouette]) for _ in range(2))
    assert one.mass == two.mass
    assert (one.body.vertices == two.body.vertices).all()


def test_an_empty_mask_is_no_picture():
    silhouette, lengths = photographed(MAN)
    empty = Silhouette(
        np.zeros_like(silhouette.probability), silhouette.to_picture, camera(), silhouette.points
    )
    assert fit_shape(lengths, 1.80, None, [empty]).widths == 0


def test_lengths_that_nobody_has_are_brought_to_the_nearest():
    fit = fit_shape(SegmentLengths(0.3, 0.2, 0.6, 0.7, 0.2, 0.5, 0.1), 1.75)
    assert 30.0 < fit.mass < 150.0


@pytest.mark.parametrize(
    ("change", "text"), [({"sex": "robot"}, "male, female"), ({"lengths": math.nan}, "finite")]
)
def test_nonsense_is_refused(change, text):
    lengths = SegmentLengths.from_stature(1.7)
    if "lengths" in change:
        lengths = SegmentLengths(math.nan, 0.5, 0.4, 0.4, 0.4, 0.3, 0.25)
    with pytest.raises(KineCueError, match=text):
        fit_shape(lengths, 1.7, change.get("sex"))


def test_stature_is_read_off_lengths():
    for shape in (MAN, LIGHT):
        body = solve_body(shape)
        lengths = SegmentLengths(**lengths_of(body.bones, body.heads))
        assert stature_of(lengths) == pytest.approx(shape.stature, rel=0.03)


def test_between_the_sexes_lies_a_body_between():
    man, both, woman = (
        grow_body(BodyShape("any", "male", 1.7, build=0.5, femininity=f), 0.45).vertices
        for f in (0.0, 0.5, 1.0)
    )
    low, high = np.minimum(man, woman) - 0.004, np.maximum(man, woman) + 0.004
    assert ((both > low) & (both < high)).mean() > 0.98
