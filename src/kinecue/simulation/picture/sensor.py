"""From a clean picture to what a camera delivers: gain, white balance, noise, and JPEG."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.camera_parts import Sensor

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

_SHIFT = 64
"""The field of noise is so much larger than the picture, px, and is laid over it at a place of each frame's own."""
_NOISE_STEPS = 64
_LEVEL_STEPS = 16
_NEIGHBOUR = 0.22
"""Weight of the four neighbours' noise: colours are interpolated over the sensor's mosaic."""


def noise_deviation(sensor: Sensor, levels: FloatArray) -> FloatArray:
    """(..., 3) standard deviation of the noise where the delivered picture has these mean levels (..., 3).

    Light arrives in quanta, so that its variance is proportional to the level; both noises are amplified (the
    photon transfer curve, Janesick, Photon Transfer, 2007).
    """
    gain = sensor.gain * np.array(sensor.white_balance)
    light = gain * sensor.shot_noise**2 * np.clip(levels, 0.0, 255.0) / 255.0
    result: FloatArray = np.sqrt((gain * sensor.read_noise) ** 2 + light)
    return result


class SensorModel:
    """Delivers pictures; frame i always gets the same noise."""

    def __init__(self, sensor: Sensor, width: int, height: int, seed: int) -> None:
        self._sensor, self._seed = sensor, seed
        levels = np.arange(256.0)[:, None] * sensor.gain * np.array(sensor.white_balance)
        self._levels: Image | None = None
        if sensor.gain != 1.0 or sensor.white_balance != (1.0, 1.0, 1.0):
            self._levels = np.clip(np.round(levels), 0, 255).astype(np.uint8)[None]
        self._noise: NDArray[np.int16] | None = None
        if sensor.shot_noise > 0.0 or sensor.read_noise > 0.0:
            spread = np.round(noise_deviation(sensor, np.tile(np.arange(256.0)[:, None], 3)) * _LEVEL_STEPS)
            self._spread: NDArray[np.int16] = spread.astype(np.int16)[None]
            rng = np.random.default_rng((seed, 7))
            white = rng.standard_normal((height + _SHIFT, width + _SHIFT, 3), dtype=np.float32)
            n = _NEIGHBOUR
            kernel = np.array([[0.0, n, 0.0], [n, 1.0, n], [0.0, n, 0.0]], dtype=np.float32)
            smooth = cv2.filter2D(white, -1, kernel / np.sqrt(1.0 + 4.0 * n * n))
            self._noise = np.round(smooth * _NOISE_STEPS).astype(np.int16)

    def deliver(self, image: Image, index: int) -> Image:
        """(H, W, 3) of the frame with number `index`."""
        if self._levels is not None:
            image = np.asarray(cv2.LUT(image, self._levels), dtype=np.uint8)
        if self._noise is not None:
            rng = np.random.default_rng((self._seed, 8, index))
            row, column = (int(i) for i in rng.integers(0, _SHIFT, 2))
            height, width = image.shape[:2]
            field = self._noise[row : row + height, column : column + width]
            spread = cv2.LUT(image, self._spread)
            scale = 1.0 / (_NOISE_STEPS * _LEVEL_STEPS)
            noise = cv2.multiply(field, spread, scale=scale, dtype=cv2.CV_16S)
            image = np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), dtype=np.uint8)
        quality = self._sensor.jpeg_quality
        if quality is not None:
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
            image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
        return image
