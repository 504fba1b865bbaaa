"""Joint angles of the CMU library: the skeleton stands, bends where it should, and follows the ASF beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.body import angles
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.recordings import RecordingError, SpaceTrack, open_track
from kinecue.recordings.amc import usual_skeleton

# the library's zero position has the legs spread by 20 degrees: these angles bring them together
TOGETHER = {"lfemur": [0, 0, -20], "rfemur": [0, 0, 20]}
UPRIGHT = 0.9 / 0.0254 * 0.45


def frame(root=(0, UPRIGHT, 0, 0, 0, 0), **bones):
    rows = ["root " + " ".join(f"{v:g}" for v in root)]
    for name, bone in usual_skeleton().items():
        if bone.dof:
            values = bones.get(name, TOGETHER.get(name, [0] * len(bone.dof)))
            rows.append(f"{name} " + " ".join(f"{v:g}" for v in values))
    return rows


def write(path, frames):
    lines = ["#!OML:ASF", ":FULLY-SPECIFIED", ":DEGREES"]
    for number, rows in enumerate(frames, 1):
        lines += [str(number), *rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path):
    track = open_track(path)
    assert isinstance(track, SpaceTrack)
    return track


def at(track, name, i=0):
    return track.positions[i, BLAZEPOSE_33.index(Landmark(name))]


def knee(track, side, i):
    return angles.flexion(
        at(track, f"{side}_hip", i), at(track, f"{side}_knee", i), at(track, f"{side}_ankle", i)
    )


class TestForwardKinematics:
    def test_zero_angles_stand_with_the_legs_spread(self, tmp_path):
        rows = [r if not r.startswith(("lfemur", "rfemur")) else r.split()[0] + " 0 0 0" for r in frame()]
        track = read(write(tmp_path / "a.amc", [rows, rows]))
        assert knee(track, "left", 0) == pytest.approx(0.0, abs=1e-9)
        thigh = at(track, "left_hip") - at(track, "left_knee")
        assert math.degrees(math.acos(thigh[2] / np.linalg.norm(thigh))) == pytest.approx(20.0)
        assert at(track, "left_knee")[1] > at(track, "right_knee")[1]

    def test_knees_bend_backwards_and_hips_forwards(self, tmp_path):
        squat = {"lfemur": [-60, 0, -20], "rfemur": [-60, 0, 20], "ltibia": [90], "rtibia": [90]}
        track = read(write(tmp_path / "a.amc", [frame()] * 3 + [frame(**squat)] * 2))
        assert knee(track, "left", 0) == pytest.approx(0.0, abs=1e-6)
        assert math.degrees(knee(track, "left", 4)) == pytest.approx(90.0, abs=0.01)
        assert knee(track, "right", 4) == pytest.approx(knee(track, "left", 4))
        _, ahead = angles.body_axes(at(track, "left_hip", 4), at(track, "right_hip", 4))
        assert (at(track, "left_knee", 4) - at(track, "left_hip", 4)) @ ahead > 0.25
        assert (at(track, "left_ankle", 4) - at(track, "left_knee", 4)) @ ahead < -0.15

    def test_lengths_are_an_adults_and_elbows_bend(self, tmp_path):
        track = read(write(tmp_path / "a.amc", [frame(lradius=[80], rradius=[80])] * 2))
        lengths = SegmentLengths.from_stature(1.72)
        for side in ("left", "right"):
            upper = at(track, f"{side}_elbow") - at(track, f"{side}_shoulder")
            fore = at(track, f"{side}_wrist") - at(track, f"{side}_elbow")
            assert np.linalg.norm(upper) == pytest.approx(lengths.upper_arm)
            assert np.linalg.norm(fore) == pytest.approx(lengths.forearm)
            bend = math.degrees(math.acos(upper @ fore / np.linalg.norm(upper) / np.linalg.norm(fore)))
            assert bend == pytest.approx(80.0)

    def test_left_and_right_are_mirrored(self, tmp_path):
        left = frame(lfemur=[-50, 5, -10], ltibia=[60])
        right = frame(rfemur=[-50, -5, 10], rtibia=[60])
        track = read(write(tmp_path / "a.amc", [left, right]))
        mirrored = track.positions[1][list(BLAZEPOSE_33.mirror)] * [1, -1, 1]
        assert track.positions[0] == pytest.approx(mirrored, nan_ok=True)

    def test_says_what_it_assumes(self, tmp_path):
        track = read(write(tmp_path / "a.amc", [frame()] * 121))
        assert any("120 frames per second" in note for note in track.notes)
        assert any("ASF" in note for note in track.notes)
        assert track.stamps_ns[120] == 1_000_000_000


class TestSkeletonFile:
    def test_the_asf_beside_it_gives_the_lengths(self, tmp_path):
        lines = [":version 1.10", ":units", "  mass 1.0", "  length 0.45", "  angle deg", ":bonedata"]
        scale = 0.45 / 0.0254
        for name, bone in usual_skeleton().items():
            length = float(np.linalg.norm(bone.vector))
            direction = bone.vector / length
            size = length * scale * (1.1 if name in ("lfemur", "rfemur") else 1.0)
            lines += [
                "  begin",
                "    id 1",
                f"    name {name}",
                "    direction " + " ".join(f"{v:.9f}" for v in direction),
                f"    length {size:.9f}",
                "    axis " + " ".join(f"{v:.9f}" for v in np.degrees(bone.axis)) + "  XYZ",
            ]
            lines += [f"    dof {' '.join(bone.dof)}"] if bone.dof else []
            lines += ["    limits (-160.0 20.0)", "           (-70.0 70.0)", "  end"]
        lines += [":hierarchy", "  begin", "    root lhipjoint rhipjoint lowerback"]
        parents: dict[str, list[str]] = {}
        for name, bone in usual_skeleton().items():
            if bone.parent != "root":
                parents.setdefault(bone.parent, []).append(name)
        lines += [f"    {parent} {' '.join(children)}" for parent, children in reversed(parents.items())] + [
            "  end"
        ]
        (tmp_path / "13.asf").write_text("\n".join(lines))
        squat = {"lfemur": [-60, 0, -20], "ltibia": [90]}
        with_file = read(write(tmp_path / "13_29.amc", [frame(), frame(**squat)]))
        without = read(write(tmp_path / "other.amc", [frame(), frame(**squat)]))
        assert not any("ASF" in note for note in with_file.notes)
        assert knee(with_file, "left", 1) == pytest.approx(knee(without, "left", 1))
        thighs = [float(np.linalg.norm(at(t, "left_hip") - at(t, "left_knee"))) for t in (with_file, without)]
        assert thighs[0] == pytest.approx(1.1 * thighs[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("no frames",)),
        ("lfemur 1 2 3\n", ("line 1", "before the first")),
        ("1\nroot 0 0 0 0 0\n", ("root", "six numbers")),
        ("1\nroot 0 0 zero 0 0 0\n", ("line 2", "zero")),
    ],
)
def test_errors_name_the_line(tmp_path, text, words):
    path = tmp_path / "a.amc"
    path.write_text(text)
    with pytest.raises(RecordingError) as error:
        open_track(path)
    assert all(word in str(error.value) for word in words)
