"""Heatmaps against transformers: recorded numbers (bench/decoder_reference.py), and live where it is installed."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import decoder_cases as cases
import numpy as np
import pytest
from supplied_networks import INTERFACES

from kinecue.perception.adapters.person_crop import PersonCrop
from kinecue.perception.adapters.vitpose import decode, spread
from kinecue.perception.tensors import PictureTensor

WIDTH, HEIGHT, KERNEL = 192, 256, 11
CELLS = (48, 64)
REFERENCE = Path(__file__).parent / "data" / "decoder_reference.json"
PLACES = list(product(cases.PICTURE_SIZES, cases.PERSON_BOXES))


@pytest.fixture(scope="module")
def expected():
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["vitpose"]


def crop_of(box):
    return PersonCrop.about_box(np.array(box), WIDTH / HEIGHT, 1.25)


def tensor_of(size, box):
    bgr = np.ascontiguousarray(cases.picture(size)[..., ::-1])
    picture = crop_of(box).cut(bgr, WIDTH, HEIGHT, unbiased=True)
    return PictureTensor(INTERFACES["vitpose_17_256x192"].input)(picture)


def pixels_of(box, maps):
    cells, scores = decode(maps, KERNEL)
    return crop_of(box).to_image(cells / [CELLS[0] - 1, CELLS[1] - 1]), scores


@pytest.mark.parametrize("case", range(4))
def test_input_is_the_reference(expected, case):
    """SciPy samples exactly, OpenCV at 1/32 px: a grey level (0.018) and a half; the outermost row or column may be black."""
    found = cases.samples(tensor_of(*PLACES[case]))
    difference = np.abs(found - expected["inputs"][case])
    assert np.quantile(difference, 0.97) < 0.045
    assert np.median(difference) < 0.018


@pytest.mark.parametrize("case", range(8))
def test_positions_are_the_reference(expected, case):
    box = PLACES[case // 2][1]
    pixels, scores = pixels_of(box, cases.heatmaps(1 + case % 2))
    np.testing.assert_allclose(pixels, expected["outputs"][case]["pixels"], atol=0.01)
    np.testing.assert_allclose(scores, expected["outputs"][case]["scores"], atol=1e-4)


def test_live_against_transformers():
    module = pytest.importorskip(
        "transformers.models.vitpose.image_processing_vitpose",
        reason="transformers with ViTPose is not installed",
    )
    torch = pytest.importorskip("torch", reason="torch is not installed")
    processor = module.VitPoseImageProcessor()
    for seed, (_, (left, top, right, bottom)) in enumerate(PLACES):
        maps = cases.heatmaps(seed + 10)
        boxes = [[[left, top, right - left, bottom - top]]]
        outputs = SimpleNamespace(heatmaps=torch.from_numpy(maps[None].copy()))
        person = processor.post_process_pose_estimation(outputs, boxes=boxes)[0][0]
        pixels, scores = pixels_of((left, top, right, bottom), maps)
        np.testing.assert_allclose(pixels, person["keypoints"].numpy(), atol=0.01)
        np.testing.assert_allclose(scores, person["scores"].numpy(), atol=1e-6)


def blob(x, y, sigma=2.0, height=1.0):
    rows, columns = np.mgrid[: CELLS[1], : CELLS[0]]
    return (height * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / sigma**2)).astype(np.float32)


@pytest.mark.parametrize(("x", "y"), [(20.0, 30.0), (20.3, 30.4), (7.75, 50.25)])
def test_a_gaussian_is_found_to_a_hundredth_of_a_cell(x, y):
    positions, score = decode(blob(x, y)[None], KERNEL)
    np.testing.assert_allclose(positions[0], [x, y], atol=0.01)
    assert score[0] == pytest.approx(blob(x, y).max())


def test_flat_and_empty_heatmaps_are_survived():
    maps = np.stack(
        [np.full((64, 48), 0.5, np.float32), np.zeros((64, 48), np.float32), blob(10, 10, 2.0, -1.0)]
    )
    positions, score = decode(maps, KERNEL)
    assert positions[0].tolist() == [0.0, 0.0]
    assert np.isnan(positions[1]).all()
    assert score.tolist()[:2] == [0.5, 0.0]
    assert np.isfinite(spread(maps, 2.0)).all()


def test_a_label_has_no_spread_and_a_wider_blob_that_of_its_excess():
    """Variances add: a blob of 2.5 cells is one of 2 with noise of 1.5 per axis (less what lies beyond the window)."""
    label, wide = spread(np.stack([blob(20, 30), blob(20, 30, 2.5)]), 2.0)
    assert label == pytest.approx(0.0, abs=1e-3)
    assert wide == pytest.approx(1.5 * np.sqrt(2.0), rel=0.15)
