"""`kinecue people` and `kinecue calibrate`: who is stored, what is asked of the lifter, what is refused and how."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from perception.standing_figure import CAMERA, landmarks_of, standing_points

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rich.console import Console

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, Topology
from kinecue.body.person import Person, PersonError, list_people, load_person, people_dir, save_person
from kinecue.body.person_record import RANGE_JOINTS, AdaptedSession, JointRange
from kinecue.cli.main import main
from kinecue.cli.people import CalibrateSettings, run_calibrate
from kinecue.cli.person_page import take_back
from kinecue.cli.ranges import joints_of, run_ranges, with_ranges
from kinecue.perception.frames import CaptureMode, Frame
from kinecue.perception.landmarks2d import Landmarks2D

STEP_NS = 33_333_333
Scene = Callable[[int], list[Landmarks2D]]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own."""
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


class Pictures:
    """A source of black pictures."""

    name, live, requested, granted = "pictures", False, CaptureMode(), None
    notes = ("the file states no usable frame rate",)

    def __init__(self, count: int, size: tuple[int, int] = (CAMERA.width, CAMERA.height)) -> None:
        self._image = np.zeros((size[1], size[0], 3), np.uint8)
        self._left = count
        self.closed = False

    def open(self) -> None:
        """Nothing to open."""

    def read(self) -> Frame | None:
        """The next one."""
        if self._left == 0:
            return None
        self._left -= 1
        return Frame(self._image, (1000 - self._left) * STEP_NS, 0, self.name)

    def close(self) -> None:
        """Notes that it was."""
        self.closed = True


class Network:
    """Sees what the scene says of the k-th picture."""

    topology: Topology = BLAZEPOSE_33
    provider = "none"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._count = 0
        self.favoured: list[int | None] = []

    def estimate(self, image: np.ndarray, stamp_ns: int) -> list[Landmarks2D]:
        """People in the picture."""
        people = [
            Landmarks2D(**{**vars(person), "stamp_ns": stamp_ns}) for person in self._scene(self._count)
        ]
        self._count += 1
        return people

    def reset(self) -> None:
        """Nobody is followed."""

    def favour(self, identity: int | None) -> None:
        """Notes whom."""
        self.favoured.append(identity)


def standing(k: int) -> list[Landmarks2D]:
    return [landmarks_of(standing_points(), 0)]


def settings(**more: object) -> CalibrateSettings:
    fov = math.degrees(2 * math.atan(CAMERA.width / 2 / CAMERA.fx))
    given = {
        "camera_height": CAMERA.mount_height,
        "camera_tilt_deg": math.degrees(CAMERA.tilt),
        "fov_deg": fov,
    }
    return CalibrateSettings("pictures", "anna", **{**given, **more})


def calibrated(
    capsys: pytest.CaptureFixture[str], scene: Scene, count: int = 70, **more: object
) -> tuple[int, str]:
    """Exit status, and what was said."""
    pictures = Pictures(count)
    status = run_calibrate(settings(**more), Console(soft_wrap=True), pictures, Network(scene))
    assert pictures.closed
    return status, capsys.readouterr().out


def test_somebody_who_stands_still_is_measured_and_stored(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = calibrated(capsys, standing)
    assert status == 0
    person = load_person("anna")
    assert person.stature == pytest.approx(1.75, abs=0.12)
    assert person.lengths.thigh == pytest.approx(0.43, abs=0.05)
    assert f"anna: {person.stature:.2f} +-" in told
    assert str(people_dir() / "anna.yaml") in told
    assert "stay like that" in told
    assert "no usable frame rate" in told


def test_a_stature_that_is_told_is_believed(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = calibrated(capsys, standing, stature=1.72, camera_height=0.0)
    assert status == 0
    assert load_person("anna").stature == pytest.approx(1.72, abs=0.03)
    assert "camera, as found" in told


def test_who_cannot_be_measured_is_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    low = standing_points()

    def too_near(k: int) -> list[Landmarks2D]:
        return [landmarks_of(low, 0, distance=1.2)]

    status, told = calibrated(capsys, too_near)
    assert status == 1
    assert "anna was not measured" in told
    assert "step back" in told
    assert list_people() == []


def test_nobody_in_the_clip(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = calibrated(capsys, lambda k: [])
    assert status == 1
    assert "step into the picture" in told


def test_a_clip_that_ends_too_soon(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = calibrated(capsys, standing, count=20)
    assert status == 1
    assert "stand still until the calibration is over" in told


def test_the_larger_of_two_people_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    def two(k: int) -> list[Landmarks2D]:
        far = landmarks_of(standing_points(), 0, distance=8.0, aside=2.0, identity=1)
        return [far, *standing(k)]

    network = Network(two)
    assert run_calibrate(settings(), Console(soft_wrap=True), Pictures(90), network) == 0
    assert network.favoured[-1] == 0
    assert load_person("anna").stature == pytest.approx(1.75, abs=0.12)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"person": "Anna B."}, ("Anna B.", "a-z")),
        ({"source": "no_such.mp4"}, ("no_such.mp4",)),
        ({"source": "no_such.mp4", "model": "gigantic"}, ("gigantic", "lite, full, heavy")),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_allowed(more: dict[str, str], words: tuple[str, ...]) -> None:
    given = CalibrateSettings(**{"source": "a.mp4", "person": "anna", **more})
    with pytest.raises(KineCueError) as caught:
        run_calibrate(given, Console())
    assert all(word in str(caught.value) for word in words)


def test_a_source_without_pictures_is_named() -> None:
    with pytest.raises(KineCueError, match="pictures"):
        run_calibrate(settings(), Console(), Pictures(0), Network(standing))


def test_a_lens_of_another_size_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lens.yaml"
    content = {
        "image_width": 1280,
        "image_height": 720,
        "camera_matrix": {"data": [900.0, 0, 640, 0, 900, 360, 0, 0, 1]},
        "distortion_coefficients": {"data": [0.0] * 5},
    }
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="640 and 480"):
        run_calibrate(settings(calibration_file=file), Console(), Pictures(5), Network(standing))


def test_a_lens_file_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lens.yaml"
    matrix = [CAMERA.fx, 0.0, CAMERA.cx, 0.0, CAMERA.fy, CAMERA.cy, 0.0, 0.0, 1.0]
    content = {
        "image_width": CAMERA.width,
        "image_height": CAMERA.height,
        "camera_matrix": {"data": matrix},
        "distortion_coefficients": {"data": [0.0] * 5},
    }
    file.write_text(yaml.safe_dump(content))
    status, _ = calibrated(capsys, standing, calibration_file=file, fov_deg=150.0)
    assert status == 0
    assert load_person("anna").stature == pytest.approx(1.75, abs=0.12)


def test_people_are_listed_with_stature_and_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people"]) == 0
    assert "nobody is stored" in capsys.readouterr().out
    lengths = SegmentLengths.from_stature(1.8)
    std = SegmentLengths.from_stature(0.05)
    save_person(Person("bert", 1.8, lengths, std, "2026-05-01T18:30:00+02:00", stature_std=0.02))
    save_person(Person("anna", 1.6, lengths, std, "2026-05-02T18:30:00+02:00"))
    assert main(["people"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["anna", "1.60", "m", "2026-05-02T18:30:00+02:00"]
    assert second.split() == ["bert", "1.80", "+-", "0.02", "m", "2026-05-01T18:30:00+02:00"]


def test_a_damaged_file_is_named_and_the_others_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lengths = SegmentLengths.from_stature(1.8)
    save_person(Person("bert", 1.8, lengths, SegmentLengths.from_stature(0.05), "2026-05-01T18:30:00+02:00"))
    (people_dir() / "anna.yaml").write_text("kinecue_person: 99\n")
    assert main(["people"]) == 1
    told = capsys.readouterr().out
    assert "anna.yaml" in told and "99" in told and "1.80 m" in told


def test_the_command_tells_errors_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "no_such.mp4", "--person", "anna"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("kinecue: ") and "no_such.mp4" in error and error.count("\n") == 1
    assert main(["calibrate", "no_such.mp4"]) == 2
    assert "--person" in capsys.readouterr().err
    assert main(["calibrate", "no_such.mp4", "--person", "anna", "--duration", "99"]) == 2
    assert "30" in capsys.readouterr().err


def test_an_id_that_names_no_file_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(PersonError, match=r"\.\./x"):
        run_calibrate(CalibrateSettings("0", "../x"), Console())


# --- one person, and joint ranges ---


STORED = Person(
    "anna",
    1.75,
    SegmentLengths.from_stature(1.75),
    SegmentLengths.from_array(0.02 * SegmentLengths.from_stature(1.75).as_array()),
    "2026-05-01T18:30:00+02:00",
)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["people", *words])
    return status, capsys.readouterr().out


def test_one_person_is_shown_with_what_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    when = STORED.calibrated_at
    long = replace(STORED.lengths, thigh=1.1 * STORED.lengths.thigh)
    stiff = JointRange("ankle_dorsiflexion", "left", math.radians(38.0), math.radians(3.0), when)
    taught = {"squat": (AdaptedSession(when, 8, {"trunk_lean": (0.0, 0.1, 0.1)}),)}
    save_person(replace(STORED, lengths=long, ranges=(stiff,), adaptation=taught))
    status, told = shown(capsys, "anna", "--exercise", "squat")
    assert status == 0
    assert "ankle_dorsiflexion left: 38 +- 3 degrees" in told
    assert "squat: learned from 1 sessions" in told
    assert "trunk_lean at" in told and "becomes" in told
    status, told = shown(capsys, "anna", "--exercise", "biceps_curl")
    assert "the same for everybody" in told


def test_a_session_is_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    taught = {"squat": (AdaptedSession(STORED.calibrated_at, 8, {"trunk_lean": (0.0, 0.1, 0.1)}),)}
    save_person(replace(STORED, adaptation=taught))
    status, told = shown(capsys, "anna", "--undo", "squat")
    assert status == 0 and "is taken back" in told
    assert load_person("anna").adaptation == {}
    with pytest.raises(PersonError, match="allowed for squat: none"):
        take_back(Console(), "anna", "squat")


@pytest.mark.parametrize(
    ("text", "joints"),
    [
        ("all", RANGE_JOINTS),
        ("hip", ("hip_flexion",)),
        ("shoulder, ankle", ("ankle_dorsiflexion", "shoulder_flexion", "shoulder_abduction")),
        ("shoulder_flexion", ("shoulder_flexion",)),
    ],
)
def test_joints_are_named_as_people_say_them(text: str, joints: tuple[str, ...]) -> None:
    assert joints_of(text) == joints


def test_unknown_joints_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(KineCueError, match=r"'elbow'.*allowed: all, ankle_dorsiflexion"):
        joints_of("elbow")


def test_ranges_are_only_measured_of_somebody_who_is_stored() -> None:
    with pytest.raises(PersonError, match="there: nobody"):
        run_ranges(settings(), ("hip_flexion",), Console(), Pictures(3), Network(standing))


def test_nothing_is_stored_where_nothing_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    save_person(STORED)
    before = (people_dir() / "anna.yaml").read_text(encoding="utf-8")
    pictures = Pictures(12)
    assert run_ranges(settings(), ("hip_flexion",), Console(soft_wrap=True), pictures, Network(standing)) == 1
    told = capsys.readouterr().out
    assert "hip_flexion left: not measured:" in told and "nothing was stored" in told
    assert pictures.closed
    assert (people_dir() / "anna.yaml").read_text(encoding="utf-8") == before


def test_new_ranges_replace_old_ones_of_the_same_joint_and_side() -> None:
    old = [JointRange("hip_flexion", side, 1.8, 0.05, STORED.calibrated_at) for side in ("left", "right")]
    new = JointRange("hip_flexion", "left", 2.0, 0.05, STORED.calibrated_at)
    ankle = JointRange("ankle_dorsiflexion", "right", 0.6, 0.05, STORED.calibrated_at)
    found = with_ranges(replace(STORED, ranges=tuple(old)), (new, ankle))
    assert [(item.joint, item.side, item.value) for item in found.ranges] == [
        ("ankle_dorsiflexion", "right", 0.6),
        ("hip_flexion", "left", 2.0),
        ("hip_flexion", "right", 1.8),
    ]
