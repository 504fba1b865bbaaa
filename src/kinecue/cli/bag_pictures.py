"""Pictures of a bag: sensor_msgs Image and CompressedImage as decoded without ROS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.perception.frames import quiet_opencv
from kinecue.recordings import RecordingError
from kinecue.recordings.bag import BagReader, Lens

_CODES = {"bgr8": None, "rgb8": cv2.COLOR_RGB2BGR, "mono8": cv2.COLOR_GRAY2BGR}
_CODES |= {"bgra8": cv2.COLOR_BGRA2BGR, "rgba8": cv2.COLOR_RGBA2BGR}
_CODES |= {"yuv422_yuy2": cv2.COLOR_YUV2BGR_YUY2, "yuv422": cv2.COLOR_YUV2BGR_UYVY}
_CHANNELS = {"bgr8": 3, "rgb8": 3, "mono8": 1, "bgra8": 4, "rgba8": 4, "yuv422_yuy2": 2, "yuv422": 2}


class BagPictures:
    """The pictures of a bag's topic, with the intrinsics recorded beside them."""

    kind = "video"

    def __init__(self, bag: BagReader) -> None:
        self._bag = bag
        self.frames: int | None = bag.count
        self.lens: Lens | None = bag.lens()
        self.notes = bag.notes

    def read(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Stamp (ns) and (H, W, 3) BGR picture of each message.

        Raises:
            RecordingError: a picture that cannot be decoded.
        """
        for stamp, message in self._bag.messages():
            yield stamp, _picture(message, self._bag.path)


def _picture(message: Any, path: Path) -> NDArray[np.uint8]:
    data = np.frombuffer(bytes(message.data), np.uint8)
    if hasattr(message, "format"):
        with quiet_opencv():
            decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if decoded is None:
            raise RecordingError(path, "CompressedImage.data", f"no picture of format {message.format!r}")
        return np.asarray(decoded, np.uint8)
    channels = _CHANNELS.get(message.encoding)
    if channels is None:
        raise RecordingError(
            path, "Image.encoding", f"is {message.encoding!r}, allowed: {', '.join(sorted(_CHANNELS))}"
        )
    height, width = int(message.height), int(message.width)
    step = int(message.step) or width * channels
    if height <= 0 or width <= 0 or step < width * channels or len(data) < height * step:
        raise RecordingError(
            path,
            "Image.data",
            f"{len(data)} bytes with step {step} are no {width}x{height} {message.encoding} image",
        )
    pixels = (
        data[: height * step].reshape(height, step)[:, : width * channels].reshape(height, width, channels)
    )
    code = _CODES[message.encoding]
    return pixels.copy() if code is None else np.asarray(cv2.cvtColor(pixels, code), np.uint8)
