"""SimCC against rtmlib: recorded numbers (bench/decoder_reference.py), and live where rtmlib is installed."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import decoder_cases as cases
import numpy as np
import pytest
from supplied_networks import INTERFACES

from kinecue.perception.adapters.person_crop import PersonCrop
from kinecue.perception.adapters.rtmpose import decode, spread
from kinecue.perception.tensors import PictureTensor

WIDTH, HEIGHT = 192, 256
REFERENCE = Path(__file__).parent / "data" / "decoder_reference.json"
PLACES = list(product(cases.PICTURE_SIZES, cases.PERSON_BOXES))


@pytest.fixture(scope="module")
def expected():
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["rtmpose"]


def crop_of(box):
    return PersonCrop.about_box(np.array(box), WIDTH / HEIGHT, 1.25)


def tensor_of(size, box):
    bgr = np.ascontiguousarray(cases.picture(size)[..., ::-1])
    picture = crop_of(box).cut(bgr, WIDTH, HEIGHT, unbiased=False)
    return PictureTensor(INTERFACES["rtmpose_17_256x192"].input)(picture)


@pytest.mark.parametrize("case", range(4))
def test_input_is_the_reference(expected, case):
    """rtmlib is given RGB; it does not change the order that MMPose trains with."""
    tensor = tensor_of(*PLACES[case])
    assert tensor.shape == (1, 3, HEIGHT, WIDTH)
    assert tensor.dtype == np.float32
    # rtmlib's tensors are NHWC: compare in its order; a grey level is 0.017
    found = cases.samples(np.ascontiguousarray(tensor[0].transpose(1, 2, 0)))
    difference = np.abs(found - expected["inputs"][case])
    assert difference.max() < 0.06
    assert difference.mean() < 2e-3


@pytest.mark.parametrize("case", range(8))
def test_positions_are_the_reference(expected, case):
    (_, box), (seed, count) = PLACES[case // 2], ((1, 17), (2, 26))[case % 2]
    positions, scores = decode(*cases.simcc(seed, count, WIDTH, HEIGHT), 2.0)
    pixels = crop_of(box).to_image(positions / [WIDTH, HEIGHT])
    there = np.arange(count) != seed % count
    np.testing.assert_allclose(pixels[there], np.array(expected["outputs"][case]["pixels"])[there], atol=1e-3)
    np.testing.assert_allclose(scores, expected["outputs"][case]["scores"], atol=1e-4)
    assert np.isnan(pixels[~there]).all()


def test_live_against_rtmlib():
    tools = pytest.importorskip("rtmlib.tools.pose_estimation.rtmpose", reason="rtmlib is not installed")
    tool = tools.RTMPose.__new__(tools.RTMPose)
    tool.model_input_size = (WIDTH, HEIGHT)
    tool.mean, tool.std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    for seed, (size, box) in enumerate(PLACES):
        tensor, centre, scale = tool.preprocess(cases.picture(size), list(box))
        difference = np.abs(tensor_of(size, box)[0].transpose(1, 2, 0) - tensor)
        assert difference.max() < 0.04
        assert difference.mean() < 1e-3
        x, y = cases.simcc(seed + 10, 26, WIDTH, HEIGHT)
        reference, scores = tool.postprocess([x[None], y[None]], centre, scale)
        positions, found = decode(x, y, 2.0)
        there = found > 0
        pixels = crop_of(box).to_image(positions / [WIDTH, HEIGHT])
        np.testing.assert_allclose(pixels[there], reference[0][there], atol=1e-3)
        np.testing.assert_allclose(found, scores[0], atol=1e-6)


def peaks(sigma, height=1.0, extent=384):
    return (height * np.exp(-0.5 * ((np.arange(extent) - 200.0) / sigma) ** 2)).astype(np.float32)[None]


def test_a_label_has_no_spread_and_a_wide_or_faint_peak_has_more():
    labels = (4.9, 5.66)
    assert spread(peaks(4.9), peaks(5.66), labels)[0] == pytest.approx(0.0, abs=1e-2)
    wide, wider = (spread(peaks(k * 4.9), peaks(k * 5.66), labels)[0] for k in (1.5, 2.5))
    faint = spread(peaks(4.9, 0.4), peaks(5.66, 0.4), labels)[0]
    assert 0.5 < wide < wider < 15.0
    assert faint > 0.5


def test_a_peak_at_the_edge_is_survived():
    response = np.zeros((1, 384), np.float32)
    response[0, 0] = 1.0
    positions, score = decode(response, response, 2.0)
    assert positions.tolist() == [[0.0, 0.0]]
    assert score.tolist() == [1.0]
    assert np.isfinite(spread(response, response, (4.9, 5.66))).all()
