"""The least squares of one frame: its geometry, its slopes, and what it says it knows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stick_figure import CAMERA, LENGTHS, squatting

from kinecue.body import BLAZEPOSE_33, CameraModel
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.contacts import project_plain
from kinecue.perception.kinematic_fit import (
    ITERATIONS,
    FitResult,
    LinearRows,
    Problem,
    Sight,
    normalized,
    segment,
    tangent,
)
from kinecue.perception.skeleton import (
    JOINT_INDEX,
    JOINTS,
    NJ,
    NS,
    NX,
    NY,
    SEGMENTS,
    Skeleton,
    segment_vectors,
)

SKELETON = Skeleton(LENGTHS)
ASIDE = CameraModel(
    640, 480, 560.0, 560.0, 319.5, 239.5, mount_height=1.2, tilt=0.05, x=3.1, y=-3.0, yaw=math.pi / 2
)
ROWS = BLAZEPOSE_33.indices(*JOINTS)
KNEE = JOINT_INDEX[L.LEFT_KNEE]
KNEE_ROWS = slice(3 * KNEE, 3 * KNEE + 3)
LENGTH_STD = np.full(NS, 0.02)
MOTION_STD = np.full(NY, 0.3)


def state(flexion: float = 1.0, yaw: float = 0.3) -> np.ndarray:
    """(48,) somebody who squats."""
    points = squatting(flexion, yaw)[ROWS]
    y = np.zeros(NY)
    y[:3] = points[[2, 3]].mean(0)
    y[3 : 3 + 3 * NS] = segment_vectors(points).ravel()
    return normalized(y)


TRUTH = state()
ACROSS = np.array([TRUTH[3:6], TRUTH[3:6]])
JOINT_MAP = SKELETON.joint_map(ACROSS)
PLACES = JOINT_MAP @ TRUTH


def sight(camera: CameraModel = CAMERA, **fields: object) -> Sight:
    """Perfect landmarks, 4 px."""
    unknown = np.full(NS, np.nan)
    one = Sight(camera, project_plain(camera, PLACES), np.full(NJ, 4.0), np.zeros((NJ, 3)), unknown, unknown)
    return replace(one, **fields)  # type: ignore[arg-type]


def problem(
    *sights: Sight,
    limits: LinearRows | None = None,
    predicted: np.ndarray = TRUTH,
    memory: LinearRows | None = None,
) -> Problem:
    none = LinearRows.none()
    return Problem(
        skeleton=SKELETON,
        joint_map=JOINT_MAP,
        sights=list(sights),
        priors=none,
        contacts=none,
        limits=limits or none,
        predicted=predicted,
        motion_std=MOTION_STD,
        memory=memory,
    )


def explained(*sights: Sight, **fields: LinearRows) -> FitResult:
    return problem(*sights, **fields).explain(TRUTH, LENGTH_STD)


def spread(result: FitResult, joint: L = L.LEFT_KNEE) -> float:
    k = 3 * JOINT_INDEX[joint]
    return float(np.trace(result.covariance[k : k + 3, k : k + 3]))


# -- the tangent plane


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 100_000))
def test_the_tangent_is_an_orthonormal_basis_across_each_direction(seed: int) -> None:
    y = normalized(np.random.default_rng(seed).normal(size=(3, NY)))
    t = tangent(y)
    assert t.shape == (3, NY, NX)
    assert t.transpose(0, 2, 1) @ t == pytest.approx(np.tile(np.eye(NX), (3, 1, 1)), abs=1e-12)
    for k in range(NS):
        rows = slice(3 + 3 * k, 6 + 3 * k)
        assert (y[:, None, rows] @ t[:, rows])[:, 0] == pytest.approx(np.zeros((3, NX)), abs=1e-12)


@pytest.mark.parametrize("z", [1.0, -1.0, 0.0, -0.0, 1e-300, -1e-300])
def test_the_tangent_has_no_pole(z: float) -> None:
    direction = np.array([0.0, 0.0, z]) if abs(z) == 1.0 else np.array([0.6, 0.8, z])
    y = np.tile(np.concatenate([np.zeros(3), np.tile(direction, NS), np.zeros(6)]), (1, 1))
    t = tangent(y)[0]
    assert t.T @ t == pytest.approx(np.eye(NX), abs=1e-12)
    assert direction @ t[3:6, 3:5] == pytest.approx(np.zeros(2), abs=1e-12)


@given(st.integers(0, 100_000))
@settings(max_examples=30, deadline=None)
def test_normalising_makes_unit_vectors_and_leaves_place_and_shoulders(seed: int) -> None:
    y = np.random.default_rng(seed).normal(size=(2, NY)) * 3.0
    result = normalized(y)
    assert np.linalg.norm(result[:, 3:-6].reshape(2, NS, 3), axis=2) == pytest.approx(np.ones((2, NS)))
    assert (result[:, :3] == y[:, :3]).all() and (result[:, -6:] == y[:, -6:]).all()
    assert normalized(result) == pytest.approx(result)
    assert np.isfinite(normalized(np.zeros(NY))).all()


def test_a_segment_is_its_direction() -> None:
    assert segment(TRUTH, "trunk") == pytest.approx(TRUTH[3 + 3 * SEGMENTS.index("trunk") :][:3])


# -- slopes and the minimum


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_analytic_slopes_are_the_numeric_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    offsets = rng.normal(0.0, 0.03, (NJ, 3))
    one = problem(sight(offsets=offsets), sight(ASIDE, offsets=offsets))
    y = normalized(TRUTH + rng.normal(0.0, 0.1, NY))[None]
    _, _, _, inverse, flat = one._cost(y, y, np.zeros(NY))
    slopes = one._slopes(inverse, flat, np.ones((1, 2 * NJ)))[0]
    step = 1e-6
    numeric = np.empty_like(slopes)
    for k in range(NY):
        d = np.zeros((1, NY))
        d[0, k] = step
        numeric[:, k] = (one._pixels(y + d)[0] - one._pixels(y - d)[0]).ravel() / (2 * step)
    assert slopes == pytest.approx(numeric, abs=1e-4 * np.abs(numeric).max())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_a_step_never_costs_more_and_lengths_stay(seed: int) -> None:
    start = normalized(TRUTH + np.random.default_rng(seed).normal(0.0, 0.2, NY) * (np.arange(NY) < NY - 6))
    one = problem(sight(), sight(ASIDE), predicted=start)
    found = one.minimise(start[None], ITERATIONS)
    assert one.timeless_cost(found) <= one.timeless_cost(start) + 1e-9
    assert np.linalg.norm(found[3:-6].reshape(NS, 3), axis=1) == pytest.approx(np.ones(NS))


def test_two_perfect_sights_find_the_truth() -> None:
    start = normalized(TRUTH + np.random.default_rng(2).normal(0.0, 0.1, NY) * (np.arange(NY) < NY - 6))
    one = problem(sight(), sight(ASIDE), predicted=TRUTH)
    found = one.minimise(start[None], 20)
    assert JOINT_MAP @ found == pytest.approx(PLACES, abs=0.01)
    assert one.timeless_cost(TRUTH) == pytest.approx(0.0, abs=1e-9)


def test_of_several_starts_the_best_is_taken() -> None:
    far = normalized(TRUTH + np.random.default_rng(3).normal(0.0, 1.0, NY))
    one = problem(sight(), sight(ASIDE))
    assert one.minimise(np.stack([far, TRUTH]), 3) == pytest.approx(TRUTH, abs=1e-6)


def test_landmarks_far_off_count_linearly() -> None:
    def cost(pixels_off: float) -> float:
        pixels = sight().pixels.copy()
        pixels[KNEE, 0] += pixels_off
        return problem(sight(pixels=pixels)).timeless_cost(TRUTH)

    # 4 px is one standard deviation; beyond two of them the cost grows by 2 * HUBER for each
    assert cost(4.0) == pytest.approx(1.0)
    assert cost(44.0) - cost(40.0) == pytest.approx(4.0)


def test_limits_count_on_one_side_only() -> None:
    a = np.zeros((1, NY))
    a[0, 2] = 1.0 / 0.01
    for height, inside in ((TRUTH[2] - 0.1, True), (TRUTH[2] + 0.1, False)):
        limit = LinearRows(a, np.array([height / 0.01]), np.ones(1, bool))
        assert problem(sight(), limits=limit).timeless_cost(TRUTH) == pytest.approx(
            0.0 if inside else 100.0, abs=1e-6
        )


# -- covariance


def test_the_covariance_is_symmetric_and_positive_semidefinite() -> None:
    for sights in ((sight(),), (sight(), sight(ASIDE)), (sight(pixels=np.full((NJ, 2), np.nan)),)):
        c = explained(*sights).covariance
        assert c.shape == (3 * NJ, 3 * NJ)
        assert (c == c.T).all()
        assert np.linalg.eigvalsh(c).min() > -1e-9 * np.trace(c)


def test_what_is_hidden_is_known_worse() -> None:
    std = sight().pixel_std.copy()
    std[KNEE] = math.inf
    vague = sight().pixel_std.copy()
    vague[KNEE] = 12.0
    clear, blurred, hidden = (
        spread(explained(one)) for one in (sight(), sight(pixel_std=vague), sight(pixel_std=std))
    )
    assert clear < blurred < hidden


def test_memory_of_what_is_hidden_makes_it_better_known() -> None:
    std = sight().pixel_std.copy()
    std[KNEE] = math.inf
    k = 3 + 3 * SEGMENTS.index("left_thigh")

    def memory(s: float) -> LinearRows:
        a = np.zeros((3, NY))
        a[[0, 1, 2], [k, k + 1, k + 2]] = 1.0 / s
        return LinearRows(a, a @ TRUTH, np.zeros(3, bool))

    fresh, old, none = (
        spread(explained(sight(pixel_std=std), **fields))
        for fields in ({"memory": memory(0.05)}, {"memory": memory(0.5)}, {})
    )
    assert fresh < old < none


def test_two_sights_beat_one_and_most_where_one_sees_no_depth() -> None:
    one, two = explained(sight()), explained(sight(), sight(ASIDE))
    assert spread(two) < spread(one)
    depth = KNEE_ROWS.start
    assert two.covariance[depth, depth] < 0.1 * one.covariance[depth, depth]


def test_uncertain_lengths_make_uncertain_points() -> None:
    one = problem(sight())
    sure, unsure = (one.explain(TRUTH, np.full(NS, s)) for s in (0.0, 0.05))
    assert spread(unsure) > spread(sure)


def test_reprojection_is_told_of_what_is_seen() -> None:
    pixels, std = sight().pixels + [3.0, 4.0], sight().pixel_std.copy()
    std[KNEE] = math.inf
    off = problem(sight(pixels=pixels, pixel_std=std)).explain(TRUTH, LENGTH_STD).reprojection
    assert math.isnan(off[KNEE])
    assert np.delete(off, KNEE) == pytest.approx(np.full(NJ - 1, 5.0))


# -- depth


def test_measured_depth_pulls_a_point_and_makes_it_better_known() -> None:
    depth, std = np.full(NJ, np.nan), np.full(NJ, np.nan)
    nearer = CAMERA.to_optical(PLACES)[KNEE, 2] - 0.05
    depth[KNEE], std[KNEE] = nearer, 0.005
    measured = sight(depth=depth, depth_std=std)
    found = problem(measured).minimise(TRUTH[None], 20)
    moved = CAMERA.to_optical(JOINT_MAP @ found)[KNEE, 2]
    assert moved - nearer < 0.02
    assert spread(explained(measured)) < spread(explained(sight()))


@pytest.mark.parametrize(
    "bad", [(math.nan, 0.01), (math.inf, 0.01), (3.0, math.nan), (3.0, 0.0), (3.0, -1.0)]
)
def test_depths_that_say_nothing_are_left_out(bad: tuple[float, float]) -> None:
    silent = problem(sight(depth=np.full(NJ, bad[0]), depth_std=np.full(NJ, bad[1])))
    assert silent.timeless_cost(TRUTH) == pytest.approx(problem(sight()).timeless_cost(TRUTH), abs=1e-9)


def test_the_networks_depth_of_a_segment_turns_it() -> None:
    k = SEGMENTS.index("left_thigh")
    extent, std = np.full(NS, np.nan), np.full(NS, np.nan)
    true = float(segment(TRUTH, "left_thigh") @ CAMERA.rotation[2]) * LENGTHS.thigh
    extent[k], std[k] = true - 0.1, 0.01
    found = problem(sight(segment_depth=extent, segment_depth_std=std)).minimise(TRUTH[None], 20)
    assert float(segment(found, "left_thigh") @ CAMERA.rotation[2]) * LENGTHS.thigh < true - 0.05


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_numbers_that_are_none_give_numbers(data: st.DataObject) -> None:
    strange = st.sampled_from([math.nan, math.inf, -math.inf])
    pixels, std, depth = sight().pixels.copy(), sight().pixel_std.copy(), PLACES[:, 0].copy()
    extent = np.zeros(NS)
    for values, size in ((pixels, NJ), (std, NJ), (depth, NJ), (extent, NS)):
        for _ in range(data.draw(st.integers(0, 6))):
            values[data.draw(st.integers(0, size - 1))] = data.draw(strange)
    std = np.where(std == -math.inf, math.inf, std)
    one = problem(
        sight(
            pixels=pixels,
            pixel_std=std,
            depth=depth,
            depth_std=np.full(NJ, 0.1),
            segment_depth=extent,
            segment_depth_std=np.full(NS, 0.2),
        )
    )
    result = one.explain(one.minimise(TRUTH[None], ITERATIONS), LENGTH_STD)
    assert np.isfinite(result.joints).all() and np.isfinite(result.covariance).all()


def test_points_behind_the_camera_give_numbers() -> None:
    behind = TRUTH.copy()
    behind[0] = -2.0
    one = problem(sight(), predicted=behind)
    found = one.minimise(behind[None], ITERATIONS)
    assert np.isfinite(one.explain(found, LENGTH_STD).covariance).all()
