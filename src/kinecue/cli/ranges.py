"""``kinecue calibrate --ranges``: somebody is guided through a few movements, and how far their joints go is stored."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone

from rich.console import Console

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.errors import KineCueError
from kinecue.body.paths import data_dir
from kinecue.body.person import Person, load_person, save_person
from kinecue.body.person_record import RANGE_JOINTS, JointRange
from kinecue.cli.people import CalibrateSettings, camera_of, open_source
from kinecue.exercise.range_calibration import RangeCalibration, RangeProgress, RangeResult, RangeState
from kinecue.perception.adapters import open_pose_network
from kinecue.perception.blazepose import VARIANTS, PoseNetwork
from kinecue.perception.body_fitter import FitterSettings
from kinecue.perception.estimator import BodyEstimator
from kinecue.perception.frames import FrameSource
from kinecue.perception.models import ModelStore

ALL = "all"
_PEOPLE = 2
_POSTURE = "free"
"""What the fit may assume: nothing that an exercise would tell."""
_CAMERA_PATIENCE_S, _CLIP_PATIENCE_S = 60.0, 600.0


def joints_of(text: str) -> tuple[str, ...]:
    """Joints from what was typed: ``all``, or names with commas; ``ankle`` stands for ``ankle_dorsiflexion`` and so on.

    Raises:
        KineCueError: a name is not known; the text lists those that are.
    """
    wanted: list[str] = []
    for word in text.split(","):
        name = word.strip()
        found = [joint for joint in RANGE_JOINTS if name in (ALL, joint, joint.split("_")[0])]
        if not found:
            raise KineCueError(f"--ranges is {text!r}, allowed: {ALL}, {', '.join(RANGE_JOINTS)}")
        wanted += found
    return tuple(joint for joint in RANGE_JOINTS if joint in wanted)


def run_ranges(
    settings: CalibrateSettings,
    joints: tuple[str, ...],
    console: Console,
    source: FrameSource | None = None,
    network: PoseNetwork | None = None,
) -> int:
    """Watches somebody who is stored already, measures and stores; 1 if nothing could be measured.

    Args:
        settings: see `CalibrateSettings`.
        joints: of `RANGE_JOINTS`.
        console: gets instructions, and what came out.
        source: of the frames, instead of the one that the settings name.
        network: instead of the one that the settings name.

    Raises:
        KineCueError: something that is given is missing or wrong; nobody of that id is stored.
    """
    person = load_person(settings.person)
    if network is None and settings.model not in VARIANTS:
        raise KineCueError(f"--model is {settings.model!r}, allowed: {', '.join(VARIANTS)}")
    source = source or open_source(settings.source)
    with closing(source):
        source.open()
        for note in source.notes:
            console.print(note)
        if network is None:
            network = open_pose_network(ModelStore(data_dir() / "models"), settings.model, max_people=_PEOPLE)
        result = _watch(settings, person, joints, source, network, console)
    tell(result, console)
    if not result.ranges:
        console.print(f"nothing was stored for {person.id}")
        return 1
    # somebody may have changed the file meanwhile: only the ranges are ours
    path = save_person(with_ranges(load_person(settings.person), result.ranges))
    console.print(f"stored in {path}")
    return 0


def with_ranges(person: Person, measured: tuple[JointRange, ...]) -> Person:
    """The person with newly measured ranges in place of older ones of the same joint and side."""
    new = {(item.joint, item.side) for item in measured}
    kept = tuple(item for item in person.ranges if (item.joint, item.side) not in new)
    order = sorted((*kept, *measured), key=lambda item: (RANGE_JOINTS.index(item.joint), item.side))
    return replace(person, ranges=tuple(order))


def tell(result: RangeResult, console: Console) -> None:
    """What was measured and what was not."""
    for item in result.ranges:
        console.print(
            f"{item.joint} {item.side}: {math.degrees(item.value):.0f} +- {math.degrees(item.std):.0f} degrees"
        )
    for (joint, side), reason in result.refused.items():
        console.print(f"{joint} {side}: not measured: {reason}")


def _watch(
    settings: CalibrateSettings,
    person: Person,
    joints: tuple[str, ...],
    source: FrameSource,
    network: PoseNetwork,
    console: Console,
) -> RangeResult:
    patience = _CAMERA_PATIENCE_S if source.live else _CLIP_PATIENCE_S
    watch = RangeCalibration(joints, patience)
    estimator = BodyEstimator(
        network, lambda width, height: _camera(settings, person, width, height),
        FitterSettings(person=person, posture=_POSTURE),
    )  # fmt: skip
    told: tuple[str, str] = ("", "")
    seen = False
    while (frame := source.read()) is not None:
        seen = True
        bodies: list[Body] = estimator.process(frame.image, frame.stamp_ns)
        body = next((item for item in bodies if item.id == estimator.active), None)
        answer = watch.update(body, frame.stamp_ns)
        if (answer.instruction, answer.problem) != told:
            told = (answer.instruction, answer.problem)
            console.print(_line(answer))
        if answer.state is RangeState.DONE:
            break
    if not seen:
        raise KineCueError(f"{source.name}: has no pictures")
    return watch.finish(datetime.now(timezone.utc).isoformat(timespec="seconds"))


def _line(answer: RangeProgress) -> str:
    return f"{answer.instruction} ({answer.problem})" if answer.problem else answer.instruction


def _camera(settings: CalibrateSettings, person: Person, width: int, height: int) -> CameraModel:
    """As it was given, else as it hung when the person was measured."""
    camera = camera_of(settings, width, height)
    if camera.mount_estimated and person.mount is not None:
        return replace(
            camera, mount_height=person.mount.height, tilt=person.mount.tilt, roll=person.mount.roll
        )
    return camera
