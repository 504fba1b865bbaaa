"""Outputs of pose networks made up from seeds: what bench/decoder_reference.py feeds to the reference implementations."""

from __future__ import annotations

import numpy as np

PICTURE_SIZES = ((1280, 720), (333, 517))
"""Width and height; the second fits no input without rounding."""
PERSON_BOXES = ((410.3, 95.7, 655.2, 700.1), (-20.0, 30.5, 310.0, 180.0))
"""Left, top, right, bottom: an upright person, and one lying half outside."""


def picture(size: tuple[int, int]) -> np.ndarray:
    """A smooth RGB picture with a little noise."""
    width, height = size
    rng = np.random.default_rng(width)
    x, y = np.meshgrid(np.linspace(0.0, 1.0, width), np.linspace(0.0, 1.0, height))
    channels = [127 + 90 * np.sin(7 * x * (k + 1) + 5 * y) for k in range(3)]
    noisy = np.stack(channels, axis=-1) + rng.normal(0.0, 6.0, (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def simcc(seed: int, landmarks: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """(K, 2 width) and (K, 2 height) responses: a peak each, noise, and one landmark without any."""
    rng = np.random.default_rng(seed)
    result = []
    for extent, sigma in ((2 * width, 4.9), (2 * height, 5.66)):
        centres = rng.uniform(0.0, extent - 1.0, (landmarks, 1))
        peaks = rng.uniform(0.1, 1.1, (landmarks, 1))
        response = peaks * np.exp(-0.5 * ((np.arange(extent) - centres) / sigma) ** 2)
        response += rng.normal(0.0, 0.02, response.shape)
        response[seed % landmarks] = -0.1
        result.append(response.astype(np.float32))
    return result[0], result[1]


def heatmaps(seed: int, landmarks: int = 17, width: int = 48, height: int = 64) -> np.ndarray:
    """(K, height, width) heatmaps: a peak each, some at the edge, and noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    centres = rng.uniform([-0.4, -0.4], [width - 0.6, height - 0.6], (landmarks, 2))
    peaks = rng.uniform(0.2, 1.0, landmarks)
    result = [
        peak * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / 4.0)
        for (x, y), peak in zip(centres, peaks, strict=True)
    ]
    return (np.stack(result) + rng.normal(0.0, 0.005, (landmarks, height, width))).astype(np.float32)


def yolo(seed: int, candidates: int = 8400, edge: float = 640.0) -> np.ndarray:
    """(56, candidates) boxes: five people found many times with scatter, the rest is background."""
    rng = np.random.default_rng(seed)
    result = np.zeros((56, candidates))
    result[:4] = rng.uniform(8.0, edge - 8.0, (4, candidates))
    result[4] = rng.uniform(0.0, 0.2, candidates)
    for centre in rng.uniform(150.0, edge - 150.0, (5, 2)):
        near = rng.choice(candidates, 40, replace=False)
        size = rng.uniform(80.0, 260.0, 2)
        result[:2, near] = centre[:, None] + rng.normal(0.0, 12.0, (2, 40))
        result[2:4, near] = size[:, None] * rng.uniform(0.85, 1.15, (2, 40))
        result[4, near] = rng.uniform(0.1, 0.95, 40)
    points = result[5:].reshape(17, 3, candidates)
    points[:, :2] = result[:2] + rng.uniform(-0.5, 0.5, (17, 2, candidates)) * result[2:4]
    points[:, 2] = rng.uniform(0.0, 1.0, (17, candidates))
    return result.astype(np.float32)


def samples(tensor: np.ndarray, count: int = 200) -> np.ndarray:
    """(count,) of a tensor's numbers, always at the same places."""
    places = np.random.default_rng(0).integers(0, tensor.size, count)
    return tensor.reshape(-1)[places]
