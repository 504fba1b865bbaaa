"""BlazePose's person detector: people in a picture, with the points that align the landmark network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.perception.regions import Image, Region, crop
from kinecue.perception.sessions import Network
from kinecue.perception.tensors import PictureTensor

FloatArray = NDArray[np.float64]

SCORE_THRESHOLD = 0.5
OVERLAP_THRESHOLD = 0.3
"""pose_detection_cpu.pbtxt: min_score_thresh, min_suppression_threshold."""
STRIDES = (8, 16, 32, 32, 32)
ANCHORS_PER_STRIDE = 2
"""pose_detection_cpu.pbtxt, SsdAnchorsCalculator: one aspect ratio and the interpolated scale."""


@dataclass(frozen=True)
class Detection:
    """A person found.

    Attributes:
        score: 0 to 1.
        box: (4,) left, top, right, bottom of the face (that is what the network boxes), px.
        keypoints: (4, 2) mid-hip, point on the body's circle, mid-shoulder, point on the upper body's circle,
            px.
    """

    score: float
    box: FloatArray
    keypoints: FloatArray

    @property
    def region(self) -> Region:
        """Where to look for the whole body."""
        return Region.around_body(self.keypoints[0], self.keypoints[1])


class PersonDetector:
    """Finds people in a picture.

    Args:
        network: a network with the interface ``blazepose_detector``.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._size = network.interface.input.width
        self._tensor = PictureTensor(network.interface.input)
        self._boxes, self._scores = (tensor.name for tensor in network.interface.outputs)
        self._anchors = anchors(self._size)

    def detect(self, image: Image) -> list[Detection]:
        """People in an (H, W, 3) BGR picture, best first.

        Empty if there is none or the network gave no numbers.
        """
        height, width = image.shape[:2]
        square = Region.letterbox(width, height)
        tensor = self._tensor(crop(image, square, self._size, replicate_border=False))
        boxes, logits = self._network.run(tensor, (self._boxes, self._scores))
        return [
            Detection(
                found.score,
                square.to_image(found.box.reshape(2, 2)).reshape(4),
                square.to_image(found.keypoints),
            )
            for found in suppress(decode(boxes[0], logits[0, :, 0], self._anchors, self._size))
        ]


def anchors(size: int) -> FloatArray:
    """(N, 2) anchor centres x, y, as a share of the input's edge of `size` px.

    Neighbouring layers of the same stride share a grid, as MediaPipe's SsdAnchorsCalculator lays them out.
    """
    blocks = []
    for stride in sorted(set(STRIDES)):
        cells = -(-size // stride)
        rows, columns = np.mgrid[:cells, :cells]
        centres = (np.stack([columns, rows], -1).reshape(-1, 2) + 0.5) / cells
        blocks.append(np.repeat(centres, ANCHORS_PER_STRIDE * STRIDES.count(stride), axis=0))
    return np.concatenate(blocks)


def decode(
    boxes: NDArray[np.float32], logits: NDArray[np.float32], centres: FloatArray, size: int
) -> list[Detection]:
    """Raw outputs to detections over the threshold, best first, in shares of the input's edge.

    Args:
        boxes: (N, 12) centre x, y, width, height, 4 keypoints x, y; px relative to the anchors.
        logits: (N,) score logits.
        centres: (N, 2) anchors.
        size: edge of the network's input, px.
    """
    usable = np.isfinite(logits) & np.isfinite(boxes).all(1)
    scores = np.zeros(len(logits))
    scores[usable] = 1.0 / (1.0 + np.exp(-np.clip(logits[usable].astype(np.float64), -100.0, 100.0)))
    chosen = np.flatnonzero(scores >= SCORE_THRESHOLD)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    points = boxes[chosen].astype(np.float64).reshape(-1, 6, 2) / size
    centre, extent = points[:, 0] + centres[chosen], points[:, 1]
    corners = np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)
    keypoints = points[:, 2:] + centres[chosen][:, None]
    return [Detection(float(s), b, k) for s, b, k in zip(scores[chosen], corners, keypoints, strict=True)]


def suppress(candidates: list[Detection]) -> list[Detection]:
    """Weighted non-maximum suppression (Bazarevsky et al. 2019): overlapping boxes are averaged.

    Args:
        candidates: detections, best first.

    Returns:
        One detection per person, best first, with the score of its best candidate.
    """
    if not candidates:
        return []
    scores = np.array([c.score for c in candidates])
    boxes = np.stack([c.box for c in candidates])
    keypoints = np.stack([c.keypoints for c in candidates])
    remaining = np.arange(len(candidates))
    people = []
    while remaining.size:
        best = remaining[0]
        similar = _overlaps(boxes[best], boxes[remaining]) > OVERLAP_THRESHOLD
        similar[0] = True  # a box without area does not overlap itself
        group = remaining[similar]
        weights = scores[group] / scores[group].sum()
        people.append(
            Detection(
                float(scores[best]),
                np.einsum("n,nk->k", weights, boxes[group]),
                np.einsum("n,nkc->kc", weights, keypoints[group]),
            )
        )
        remaining = remaining[~similar]
    return people


def _overlaps(box: FloatArray, others: FloatArray) -> FloatArray:
    sides = np.minimum(others[:, 2:], box[2:]) - np.maximum(others[:, :2], box[:2])
    common = np.clip(sides, 0.0, None).prod(1)
    union = (others[:, 2:] - others[:, :2]).prod(1) + (box[2:] - box[:2]).prod() - common
    overlaps: FloatArray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return overlaps
