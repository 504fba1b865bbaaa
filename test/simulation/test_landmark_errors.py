"""The error model of the benchmarks: what it draws, on donors that are made up here."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

_BENCH = str(Path(__file__).parents[2] / "bench")
if _BENCH not in sys.path:
    sys.path.insert(0, _BENCH)

import landmark_errors as le  # noqa: E402

from kinecue.body.camera import CameraModel  # noqa: E402
from kinecue.body.landmarks import BLAZEPOSE_33  # noqa: E402
from kinecue.body.landmarks import Landmark as L  # noqa: E402
from kinecue.simulation.athletes.athlete import Athlete  # noqa: E402

G = len(le._GRID)
CAMERA = CameraModel(640, 480, 530.0, 530.0, 319.5, 239.5, mount_height=1.1)
STAMPS = np.arange(40, dtype=np.int64) * 33_000_000
CYCLE = le.Cycle(
    np.concatenate([np.zeros(10), np.linspace(0.0, 2.0, 30)]), np.repeat([0, 1], [10, 30]), ("both",)
)


@pytest.fixture(scope="module")
def athlete():
    return Athlete("average_man")


@pytest.fixture(scope="module")
def positions(athlete):
    """Standing still 3 m away, facing the camera."""
    points = np.stack([athlete.rest_landmarks[mark][1] for mark in BLAZEPOSE_33.landmarks])
    turned = points * [-1.0, -1.0, 1.0] + [3.0, 0.0, 0.0]
    return np.repeat(turned[None], len(STAMPS), 0)


def donor(name, course=0.0, noise=0.0, found=True):
    rng = np.random.default_rng(3)
    return le.Donor(
        name,
        ("both",),
        np.full((1, G, 8, 33), course),
        np.full((G, 8, 33), noise),
        rng.normal(size=(50, 8, 33)),
        np.full(G, found),
        30.0,
    )


def see(monkeypatch, pool, athlete, positions, view=0.0, person="a", seed=1):
    monkeypatch.setattr(le, "donors", lambda exercise, name, which: pool)
    return le.NetworkErrors(person, seed).landmarks("squat", view, STAMPS, positions, CAMERA, CYCLE, athlete)


def test_without_errors_the_marks_lie_where_the_landmark_model_puts_them(monkeypatch, athlete, positions):
    seen = see(monkeypatch, (donor("a"),), athlete, positions)
    true = CAMERA.project(positions[0])
    nose, knee = BLAZEPOSE_33.index(L.NOSE), BLAZEPOSE_33.index(L.LEFT_KNEE)
    assert seen[0].pixels[nose] == pytest.approx(true[nose], abs=1e-6)
    # a joint is marked near its centre, but not on it
    assert 0.1 < np.linalg.norm(seen[0].pixels[knee] - true[knee]) < 15.0


def test_a_course_moves_the_marks_by_its_metres(monkeypatch, athlete, positions):
    none = see(monkeypatch, (donor("a"),), athlete, positions)
    some = see(monkeypatch, (donor("a", course=0.05),), athlete, positions)
    nose = BLAZEPOSE_33.index(L.NOSE)
    scale = athlete.stature / 1.75
    depth = CAMERA.to_optical(positions[0])[nose, 2]
    assert some[5].pixels[nose] - none[5].pixels[nose] == pytest.approx(
        np.full(2, 0.05 * scale * 530.0 / depth), rel=1e-3
    )


def test_the_same_seed_gives_the_same_noise_and_another_one_another(monkeypatch, athlete, positions):
    pool = (donor("a", noise=0.01),)
    first, again, other = (see(monkeypatch, pool, athlete, positions, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first[7].pixels, again[7].pixels)
    assert not np.array_equal(first[7].pixels, other[7].pixels)


def test_a_person_errs_the_same_way_in_every_set(monkeypatch, athlete, positions):
    pool = (donor("a", course=0.05), donor("b", course=-0.05))
    sets = [see(monkeypatch, pool, athlete, positions, seed=s)[9].pixels for s in (1, 2, 3)]
    assert np.allclose(sets[0], sets[1], atol=1e-9)
    assert np.allclose(sets[0], sets[2], atol=1e-9)
    somebody_else = see(monkeypatch, pool, athlete, positions, person="b")[9].pixels
    assert not np.allclose(sets[0], somebody_else, atol=0.1)


def test_people_spread_as_the_donors_do():
    pool = (donor("a", course=0.05), donor("b", course=-0.05))
    drawn = [
        le.NetworkErrors(f"p{i}", 0)._courses(pool, CYCLE, np.random.default_rng(0))[0, 0, 0]
        for i in range(400)
    ]
    # sample standard deviation of +-0.05 is 0.0707
    assert np.std(drawn) == pytest.approx(0.0707, rel=0.15)
    assert np.mean(drawn) == pytest.approx(0.0, abs=0.015)


def test_nobody_is_found_where_the_donor_was_not(monkeypatch, athlete, positions):
    seen = see(monkeypatch, (donor("a", found=False),), athlete, positions)
    assert seen == [None] * len(STAMPS)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_mirroring_twice_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    one = le.Donor(
        "a", ("left", "right"), rng.normal(size=(2, G, 8, 33)), rng.random((G, 8, 33)), rng.normal(size=(9, 8, 33)),
        np.ones(G, bool), 30.0,
    )  # fmt: skip
    twice = one.mirrored().mirrored()
    assert twice.leads == one.leads
    for name in ("course", "strength", "noise"):
        assert np.array_equal(getattr(twice, name), getattr(one, name))
    assert one.mirrored().leads == ("right", "left")


def test_links_lead_back_to_the_positions(positions):
    links = le.links_of(positions, CAMERA)
    centred = positions - positions[:, le._HIPS].mean(1, keepdims=True)
    back = np.einsum("ij,tjk->tik", le._FROM_LINKS, links)
    assert back == pytest.approx(centred @ CAMERA.rotation.T, abs=1e-9)


@pytest.mark.parametrize(
    ("degrees", "wanted"),
    [
        (0.0, [("front", 1.0)]),
        (45.0, [("45", 1.0)]),
        (90.0, [("90", 1.0)]),
        (15.0, [("front", pytest.approx(2 / 3)), ("45", pytest.approx(1 / 3))]),
    ],
)
def test_views_between_the_rendered_ones_mix_their_neighbours(degrees, wanted):
    assert le._views_around(degrees) == wanted


def test_a_view_from_behind_is_refused():
    with pytest.raises(le.BenchError, match="120 degrees"):
        le._views_around(120.0)
