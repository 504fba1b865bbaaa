"""YOLO11-pose and its kin: boxes and keypoints of everybody in one run.

Written after the documented outputs of the exported network; the code of that project is not used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import TOPOLOGIES
from kinecue.perception import manifest
from kinecue.perception.adapters.person_crop import PersonCrop, visibility
from kinecue.perception.errors import ModelError
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import BODY_MARGIN, Image
from kinecue.perception.sessions import Network
from kinecue.perception.tensors import PictureTensor

FloatArray = NDArray[np.float64]

_GREY = (114, 114, 114)
"""Of the border, as in its training."""
_MOST = 300
"""People in a picture."""


@dataclass(frozen=True)
class Letterbox:
    """A picture shrunk or enlarged to fit a network's input, with a grey border.

    Attributes:
        gain_x, gain_y: input pixels per pixel of the picture; they differ because its size is rounded.
        left, top: border, input pixels.
        width, height: of the picture in the input, input pixels.
    """

    gain_x: float
    gain_y: float
    left: int
    top: int
    width: int
    height: int

    @staticmethod
    def of(width: int, height: int, input_width: int, input_height: int) -> Letterbox:
        """For a picture of `width` x `height`; an odd border pixel goes to the right and to the bottom."""
        gain = min(input_width / width, input_height / height)
        inner_width, inner_height = max(round(width * gain), 1), max(round(height * gain), 1)
        left = round((input_width - inner_width) / 2 - 0.1)
        top = round((input_height - inner_height) / 2 - 0.1)
        return Letterbox(inner_width / width, inner_height / height, left, top, inner_width, inner_height)

    def apply(self, image: Image, input_width: int, input_height: int) -> Image:
        """The (input_height, input_width, 3) picture."""
        result = np.full((input_height, input_width, 3), _GREY, dtype=np.uint8)
        inside = result[self.top : self.top + self.height, self.left : self.left + self.width]
        if image.shape[:2] == (self.height, self.width):
            inside[:] = image
        else:
            inside[:] = cv2.resize(image, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        return result

    def to_image(self, points: FloatArray) -> FloatArray:
        """(..., 2) input pixels to pixels of the picture."""
        result: FloatArray = (points - [self.left, self.top]) / [self.gain_x, self.gain_y]
        return result


@dataclass(frozen=True)
class Found:
    """People in input pixels, best first.

    Attributes:
        boxes: (M, 4) left, top, right, bottom.
        scores: (M,).
        keypoints: (M, K, 2).
        confidence: (M, K).
    """

    boxes: FloatArray
    scores: FloatArray
    keypoints: FloatArray
    confidence: FloatArray


class YoloPose:
    """Finds everybody in a picture.

    Args:
        network: its interface has the decoding ``yolo_pose``.

    Raises:
        ModelError: another kind of network; what the file says of itself is compared too.
    """

    def __init__(self, network: Network) -> None:
        interface = network.interface
        if not isinstance(interface.decoding, manifest.YoloPose) or interface.topology is None:
            raise ModelError("expected a network with decoding yolo_pose")
        self.topology = TOPOLOGIES[interface.topology]
        self.provider = network.provider
        _check_metadata(network.metadata, len(self.topology))
        self._network = network
        self._decoding = interface.decoding
        self._tensor = PictureTensor(interface.input)
        self._size = (interface.input.width, interface.input.height)

    def detect(self, image: Image, stamp_ns: int) -> list[Landmarks2D]:
        """People in an (H, W, 3) BGR picture, best first, see :class:`kinecue.perception.networks.PictureNetwork`.

        The network says nothing of noise: `spread`, `depth` and `world` are NaN. The score is stretched so that
        the threshold of boxes becomes 0.5.
        """
        height, width = image.shape[:2]
        letterbox = Letterbox.of(width, height, *self._size)
        tensor = self._tensor(letterbox.apply(image, *self._size))
        (output,) = self._network.run(tensor, self._network.interface.always)
        found = decode(output[0].astype(np.float64), self._decoding)
        boxes = letterbox.to_image(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        pixels = letterbox.to_image(found.keypoints)
        return [
            self._person(boxes[i], float(found.scores[i]), pixels[i], found.confidence[i], stamp_ns)
            for i in range(len(boxes))
        ]

    def _person(
        self, box: FloatArray, score: float, pixels: FloatArray, confidence: FloatArray, stamp_ns: int
    ) -> Landmarks2D:
        n = len(self.topology)
        visible = visibility(confidence, self._decoding.visible_from)
        unknown = np.full(n, np.nan)
        region = PersonCrop.about_box(box, 1.0, BODY_MARGIN).region
        return Landmarks2D(
            stamp_ns=stamp_ns,
            topology=self.topology,
            pixels=pixels,
            depth=unknown,
            visibility=visible,
            presence=visible,
            world=np.full((n, 3), np.nan),
            spread=unknown,
            score=float(visibility(np.array([score]), self._decoding.score_threshold)[0]),
            region=region,
        )


def decode(output: FloatArray, decoding: manifest.YoloPose) -> Found:
    """The output for one picture to people, without those found twice.

    Args:
        output: (5 + 3 K, N), or (N, 6 + 3 K) where the network has removed duplicates.
        decoding: which of them, and thresholds.
    """
    rows = output if decoding.end_to_end else output.T
    scores = rows[:, 4]
    chosen = np.flatnonzero((scores > decoding.score_threshold) & np.isfinite(rows).all(1))
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    rows, scores = rows[chosen], scores[chosen]
    boxes = rows[:, :4]
    if not decoding.end_to_end:
        half = boxes[:, 2:] / 2
        boxes = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
        kept = suppress(boxes, decoding.overlap_threshold)[:_MOST]
        rows, scores, boxes = rows[kept], scores[kept], boxes[kept]
    points = rows[:, 6 if decoding.end_to_end else 5 :]
    points = points.reshape(len(rows), points.shape[1] // 3, 3)
    return Found(boxes, scores, points[:, :, :2], points[:, :, 2])


def suppress(boxes: FloatArray, threshold: float) -> list[int]:
    """Rows of (M, 4) boxes, best first, that overlap no better one that stays by more than `threshold` (IoU)."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    remaining = np.arange(len(boxes))
    while remaining.size:
        best, others = remaining[0], remaining[1:]
        kept.append(int(best))
        sides = np.minimum(boxes[others, 2:], boxes[best, 2:]) - np.maximum(
            boxes[others, :2], boxes[best, :2]
        )
        common = np.clip(sides, 0.0, None).prod(1)
        union = areas[others] + areas[best] - common
        overlap = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
        remaining = others[overlap <= threshold]
    return kept


def _check_metadata(metadata: dict[str, str], landmarks: int) -> None:
    """Refuse a network that says of itself that it does something else; many say nothing."""
    task = metadata.get("task", "pose")
    if task != "pose":
        raise ModelError(f"not the expected kind of network: expected task pose, found {task}")
    try:
        shape = json.loads(metadata.get("kpt_shape", "null"))
    except ValueError:
        return
    if shape is not None and shape != [landmarks, 3]:
        raise ModelError(
            f"not the expected topology: expected {landmarks} keypoints of 3 numbers, found kpt_shape {shape}"
        )
