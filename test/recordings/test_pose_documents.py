"""JSON of other pose estimators: flat lists, several people, scores apart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from recordings.recorded_athlete import NAMES, pixels_of, squats

from kinecue.body.landmarks import BLAZEPOSE_33, COCO_17, Landmark
from kinecue.recordings import ImageTrack, open_track
from kinecue.recordings.names import usual_order

TIMES, POINTS = squats(count=1)
PIXELS = pixels_of(np.where(np.isfinite(POINTS), POINTS, POINTS[:, 11:12]))
COCO = PIXELS[:, [NAMES.index(mark.value) for mark in COCO_17.landmarks]]
BODY_25 = usual_order(25, spatial=False) or ()


def opened(tmp_path, document):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    track = open_track(path)
    assert isinstance(track, ImageTrack)
    return track


def check(track):
    knee = BLAZEPOSE_33.index(Landmark.LEFT_KNEE)
    assert track.pixels[:, knee] == pytest.approx(PIXELS[:, NAMES.index("left_knee")], abs=1e-6)
    assert (track.visibility[:, knee] > 0.5).all()
    assert len(track) == len(TIMES)


def test_openpose_takes_the_larger_of_two_people(tmp_path):
    def flat(i):
        values = []
        for name in BODY_25:
            row = (
                NAMES.index(
                    {"left_big_toe": "left_foot_index", "right_big_toe": "right_foot_index"}.get(name, name)
                )
                if name in NAMES or "big_toe" in name
                else None
            )
            values += [0.0, 0.0, 0.0] if row is None else [*PIXELS[i, row].tolist(), 0.8]
        return values

    frames = []
    for i in range(len(TIMES)):
        large = flat(i)
        small = [v if k % 3 == 2 else 0.2 * v for k, v in enumerate(large)]
        frames.append({"people": [{"pose_keypoints_2d": small}, {"pose_keypoints_2d": large}]})
    track = opened(tmp_path, frames)
    check(track)
    assert np.isfinite(track.pixels[:, BLAZEPOSE_33.index(Landmark.LEFT_FOOT_INDEX)]).all()


def test_alphapose_lists_a_frame_a_person(tmp_path):
    frames = [
        {
            "image_id": f"{i}.jpg",
            "keypoints": np.column_stack([COCO[i], np.full(17, 0.9)]).ravel().tolist(),
            "score": 2.5,
        }
        for i in range(len(TIMES))
    ]
    check(opened(tmp_path, frames))


def test_mmpose_has_its_scores_apart(tmp_path):
    frames = [
        {"frame_id": i + 1, "instances": [{"keypoints": COCO[i].tolist(), "keypoint_scores": [0.9] * 17}]}
        for i in range(len(TIMES))
    ]
    check(opened(tmp_path, {"meta_info": {"dataset_name": "coco"}, "instance_info": frames}))


def test_joints_by_name(tmp_path):
    frames = [
        {
            "t": float(TIMES[i]),
            "joints": {mark.value: COCO[i, k].tolist() for k, mark in enumerate(COCO_17.landmarks)},
        }
        for i in range(len(TIMES))
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"fps": 25, "frames": frames}))
    track = open_track(path)
    assert isinstance(track, ImageTrack)
    assert (track.stamps_ns * 1e-9).tolist() == pytest.approx(TIMES.tolist(), abs=1e-6)
