"""Writes what MediaPipe's own BlazePose says of some pictures and of a clip; the tests compare ours with it.

Needs an environment of its own (1 GB) with `mediapipe==0.10.21`, Python 3.9 to 3.12:

    python -m venv reference && reference/bin/pip install mediapipe==0.10.21
    reference/bin/python bench/mediapipe_reference.py two_people.png walking.mp4 \
        test/perception/data/mediapipe_reference.json --lite pose_landmarks_detector.tflite

Picture and clip are installed by `kinecue models fetch test_picture test_clip`. MediaPipe's wheel lacks the
lite network; `--lite` puts it into the environment (models/manifest.yaml says where it is found).
"""

from __future__ import annotations

import argparse
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import cv2
import mediapipe
import numpy as np

VARIANTS = {"lite": 0, "full": 1}
"""MediaPipe's model_complexity."""
BOXES = [(0, 0, 661, 434), (380, 9, 652, 369), (12, 9, 380, 369), (130, 9, 360, 200), (380, 160, 560, 369)]
"""Parts of the picture that are looked at, as they are and mirrored: left, top, right, bottom, px."""
SEQUENCE = range(60, 72)
"""Frames of the clip in which a person is followed."""


def person(result: Any, width: int, height: int) -> dict[str, Any] | None:
    """Pixels, depth (px), visibility and world landmarks (m) of the person found, or None."""
    if result.pose_landmarks is None:
        return None
    points, world = result.pose_landmarks.landmark, result.pose_world_landmarks.landmark
    return {
        "pixels": [[round(p.x * width, 3), round(p.y * height, 3)] for p in points],
        "depth": [round(p.z * width, 3) for p in points],
        "visibility": [round(p.visibility, 5) for p in points],
        "world": [[round(p.x, 5), round(p.y, 5), round(p.z, 5)] for p in world],
    }


def ask(images: list[Any], variant: str, tracking: bool) -> list[dict[str, Any] | None]:
    """MediaPipe's answer to each BGR picture on its own, or following the person, without smoothing."""
    solution = mediapipe.solutions.pose.Pose(
        static_image_mode=not tracking, model_complexity=VARIANTS[variant], smooth_landmarks=False
    )
    with solution:
        answers = [solution.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)) for image in images]
    return [person(a, i.shape[1], i.shape[0]) for a, i in zip(answers, images, strict=True)]


def parts(picture: Any) -> list[tuple[dict[str, Any], Any]]:
    """Description and pixels of each part that is looked at."""
    found = []
    for left, top, right, bottom in BOXES:
        for mirrored in (False, True):
            image = picture[top:bottom, left:right]
            image = np.ascontiguousarray(image[:, ::-1] if mirrored else image)
            found.append(({"box": [left, top, right, bottom], "mirrored": mirrored}, image))
    return found


def clip_frames(path: Path) -> list[Any]:
    """The frames of `SEQUENCE`."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    for index in range(SEQUENCE.stop):
        good, frame = capture.read()
        if not good:
            raise SystemExit(f"{path} has only {index} frames")
        if index in SEQUENCE:
            frames.append(frame)
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("clip", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--lite", type=Path, required=True, help="the lite network as .tflite")
    arguments = parser.parse_args()
    folder = Path(mediapipe.__file__).parent / "modules" / "pose_landmark"
    shutil.copy(arguments.lite, folder / "pose_landmark_lite.tflite")
    pieces, frames = parts(cv2.imread(str(arguments.picture))), clip_frames(arguments.clip)
    images = [image for _, image in pieces]
    stills = {v: ask(images, v, tracking=False) for v in VARIANTS}
    following = {v: ask(frames, v, tracking=True) for v in VARIANTS}
    reference = {
        "mediapipe": mediapipe.__version__,
        "pictures": [
            {**description, **{v: stills[v][i] for v in VARIANTS}}
            for i, (description, _) in enumerate(pieces)
        ],
        "clip": [
            {
                "frame": SEQUENCE[i],
                "crc32": zlib.crc32(frame.tobytes()),
                **{v: following[v][i] for v in VARIANTS},
            }
            for i, frame in enumerate(frames)
        ],
    }
    arguments.output.write_text(json.dumps(reference, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
