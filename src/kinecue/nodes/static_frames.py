"""Where frames of /tf_static stand to each other."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transforms3d.quaternions import quat2mat

FloatArray = NDArray[np.float64]


class StaticFrames:
    """Static transforms as they are told; a frame told anew replaces the old one."""

    def __init__(self) -> None:
        self._parents: dict[str, tuple[str, FloatArray]] = {}

    def hear(self, message: Any) -> None:
        """Takes a tf2_msgs/TFMessage; transforms that are not finite or have no rotation are left out."""
        for item in message.transforms:
            t, q = item.transform.translation, item.transform.rotation
            values = np.array([t.x, t.y, t.z, q.w, q.x, q.y, q.z])
            if not np.isfinite(values).all() or not 0.9 < float(np.linalg.norm(values[3:])) < 1.1:
                continue
            matrix = np.eye(4)
            matrix[:3, :3], matrix[:3, 3] = quat2mat(values[3:]), values[:3]
            self._parents[item.child_frame_id.lstrip("/")] = (item.header.frame_id.lstrip("/"), matrix)

    def between(self, target: str, source: str) -> FloatArray | None:
        """(4, 4) from coordinates in `source` to coordinates in `target`; None if nothing connects them."""
        links: dict[str, list[tuple[str, FloatArray]]] = {}
        for child, (parent, matrix) in self._parents.items():
            links.setdefault(child, []).append((parent, matrix))
            links.setdefault(parent, []).append((child, np.linalg.inv(matrix)))
        found: dict[str, FloatArray] = {source: np.eye(4)}
        queue = deque([source])
        while queue:
            frame = queue.popleft()
            if frame == target:
                return found[frame]
            for other, matrix in links.get(frame, []):
                if other not in found:
                    found[other] = matrix @ found[frame]
                    queue.append(other)
        return None
