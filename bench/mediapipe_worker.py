"""Runs MediaPipe's own Python solution on a clip, frame by frame as told; the other end of `pose_speed`.

Stands in an environment of its own with `mediapipe==0.10.21` and imports nothing of ours. Reads lines ``start end`` from
standard input and answers with JSON: milliseconds of CPU and of the clock per frame, from RGB picture to landmarks.
"""

from __future__ import annotations

import json
import os
import sys
import time

import cv2
import mediapipe


def main() -> None:
    clip, complexity, core = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the library prints does not get into the answers
    os.sched_setaffinity(0, {core})
    cv2.setNumThreads(1)
    capture, frames = cv2.VideoCapture(clip), []
    while True:
        good, frame = capture.read()
        if not good:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    solution = mediapipe.solutions.pose.Pose(model_complexity=complexity)
    found = 0
    for line in sys.stdin:
        start, end = map(int, line.split())
        if start == 0:
            solution.reset()
        took = []
        for frame in frames[start:end]:
            begun = time.process_time(), time.perf_counter()
            result = solution.process(frame)
            took.append(
                (1000.0 * (time.process_time() - begun[0]), 1000.0 * (time.perf_counter() - begun[1]))
            )
            found += result.pose_landmarks is not None
        print(json.dumps({"ms": took, "found": found}), file=answers, flush=True)


if __name__ == "__main__":
    main()
