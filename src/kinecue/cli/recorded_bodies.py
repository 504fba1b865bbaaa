"""Any recording as one person's body over time, by the same objects that the live graph uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.landmarks import Topology
from kinecue.body.paths import data_dir
from kinecue.body.person import Person
from kinecue.cli.bag_pictures import BagPictures
from kinecue.perception.adapters import open_pose_network
from kinecue.perception.blazepose import PoseNetwork
from kinecue.perception.body_fitter import BodyFitter, FitterSettings
from kinecue.perception.calibration import load_intrinsics
from kinecue.perception.estimator import BodyEstimator
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.models import ModelStore
from kinecue.perception.recordings import ImageFolder, VideoFile
from kinecue.perception.regions import Region
from kinecue.recordings import ImageTrack, ReadOptions, RecordingError, SpaceTrack, is_track, open_track
from kinecue.recordings.bag import BagReader, Lens, is_bag

_PEOPLE = 2
"""As many as the pose node follows by default: the lifter and one who walks by."""

Moment = tuple[int, Body | None]
"""Stamp (ns) and the lifter's body; None where nobody was seen."""
Advance = Callable[[int], None]
"""Told the number of frames read so far."""


@dataclass(frozen=True)
class CameraSettings:
    """What is known of the camera; degrees because a person types them.

    Attributes:
        fov_deg: along the longer side, without a calibration file.
        height: over the floor, m; 0 = not known.
        tilt_deg: positive looks down.
        calibration_file: YAML of ROS's camera_calibration.
    """

    fov_deg: float = 62.0
    height: float = 0.0
    tilt_deg: float = 0.0
    calibration_file: Path | None = None

    def camera(
        self, width: int, height_px: int, person: Person | None = None, lens: Lens | None = None
    ) -> CameraModel:
        """The camera of pictures of this size, guessed where nothing is given, as the pose node does it.

        Raises:
            ConfigError: the calibration file is of pictures of another size.
        """
        known = self.height > 0.0
        mount = person.mount if person is not None and not known else None
        height, tilt, roll = self.height if known else 1.0, math.radians(self.tilt_deg), 0.0
        if mount is not None:
            height, tilt, roll = mount.height, mount.tilt, mount.roll
        guess = CameraModel.estimate(
            width, height_px, math.radians(self.fov_deg), height, tilt, mount_estimated=not known
        )
        guess = replace(guess, roll=roll)
        if self.calibration_file is not None:
            stored = load_intrinsics(self.calibration_file)
            if (stored.width, stored.height) != (width, height_px):
                raise ConfigError(
                    self.calibration_file,
                    "image_width",
                    f"is of {stored.width}x{stored.height} pictures, these are {width}x{height_px}",
                )
            lens = Lens(
                stored.width,
                stored.height,
                tuple(stored.matrix),
                stored.distortion_model,
                tuple(stored.distortion),
            )
        if lens is None or (lens.width, lens.height) != (width, height_px) or lens.matrix[0] <= 0:
            return guess
        return replace(
            guess,
            fx=lens.matrix[0],
            fy=lens.matrix[4],
            cx=lens.matrix[2],
            cy=lens.matrix[5],
            distortion=lens.distortion,
            distortion_model=lens.model,
            intrinsics_estimated=False,
        )


@dataclass(frozen=True)
class SourceSettings:
    """How a recording becomes bodies.

    Attributes:
        read: what a person says about the file.
        camera: what is known of the camera.
        model: pose network, for pictures.
        person: measured before; None = measured as they stand there.
    """

    read: ReadOptions = field(default_factory=ReadOptions)
    camera: CameraSettings = field(default_factory=CameraSettings)
    model: str = "full"
    person: Person | None = None


class BodySource(Protocol):
    """A recording as bodies; may be read again, then for another exercise."""

    @property
    def kind(self) -> str:
        """What it is: ``video``, ``pictures``, ``landmarks``, ``positions``, ``bodies``."""

    @property
    def frames(self) -> int | None:
        """How many frames it has, as far as known before it is read."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it; complete after it was read."""

    def bodies(self, exercise: str, advance: Advance) -> Iterator[Moment]:
        """Every frame in order of time, fitted with what is known of `exercise` (empty = nothing)."""


def open_source(path: Path, settings: SourceSettings, network: PoseNetwork | None = None) -> BodySource:
    """The recording at `path`, by its kind.

    Args:
        path: landmark track, markers, bag, video, or folder of pictures.
        settings: see `SourceSettings`.
        network: for pictures, instead of the one that the settings name.

    Raises:
        KineCueError: it is not there, or nothing that can be read.
    """
    if not path.exists():
        raise RecordingError(path, "", "no such file")
    if is_bag(path):
        bag = BagReader(path, settings.read.topic)
        if bag.kind == "bodies":
            return BagBodies(bag)
        return PictureSource(BagPictures(bag), settings, network)
    if path.suffix in (".mcap", ".db3"):
        raise RecordingError(path, "", "is damaged, or no MCAP or rosbag2 SQLite file")
    if path.is_dir():
        rate = settings.read.rate if settings.read.rate > 0 else 30.0
        return PictureSource(FilePictures(path, rate), settings, network)
    if is_track(path):
        track = open_track(path, settings.read)
        return SpaceSource(track) if isinstance(track, SpaceTrack) else ImageTrackSource(track, settings)
    return PictureSource(FilePictures(path), settings, network)


class SpaceSource:
    """Positions in space: nothing has to be fitted."""

    kind = "positions"

    def __init__(self, track: SpaceTrack) -> None:
        self._track = track
        self.frames: int | None = len(track)
        self.notes = track.notes

    def bodies(self, exercise: str, advance: Advance) -> Iterator[Moment]:
        """As `BodySource.bodies`."""
        for i, moment in enumerate(self._track.bodies(), 1):
            advance(i)
            yield moment


class ImageTrackSource:
    """Landmarks in pictures: the kinematic fit as behind a network."""

    kind = "landmarks"

    def __init__(self, track: ImageTrack, settings: SourceSettings) -> None:
        self._track, self._settings = track, settings
        self.frames: int | None = len(track)
        self.notes = track.notes

    def bodies(self, exercise: str, advance: Advance) -> Iterator[Moment]:
        """As `BodySource.bodies`."""
        width, height = self._track.image_size
        camera = self._settings.camera.camera(width, height, self._settings.person)
        fitter = BodyFitter(
            camera,
            settings=FitterSettings(person=self._settings.person, posture=exercise or "standing"),
        )
        for i, landmarks in enumerate(landmarks_of(self._track), 1):
            advance(i)
            stamp = int(self._track.stamps_ns[i - 1])
            yield stamp, None if landmarks is None else fitter.update(landmarks)


def landmarks_of(track: ImageTrack) -> Iterator[Landmarks2D | None]:
    """Each frame as a network would have given it; None where nothing was found."""
    n = len(track.topology)
    width, height = track.image_size
    region = Region(width / 2.0, height / 2.0, float(max(width, height)), 0.0)
    nothing = np.full(n, np.nan)
    for i, stamp in enumerate(track.stamps_ns.tolist()):
        if not np.isfinite(track.pixels[i]).any():
            yield None
            continue
        yield Landmarks2D(
            stamp_ns=stamp,
            topology=track.topology,
            pixels=track.pixels[i],
            depth=track.depth[i],
            visibility=track.visibility[i],
            presence=track.visibility[i],
            world=track.world[i],
            spread=nothing,
            score=1.0,
            region=region,
        )


class BagBodies:
    """Bodies of a bag: what the pose node published."""

    kind = "bodies"

    def __init__(self, bag: BagReader) -> None:
        self._bag = bag
        self.frames: int | None = bag.count
        self.notes = bag.notes

    def bodies(self, exercise: str, advance: Advance) -> Iterator[Moment]:
        """As `BodySource.bodies`."""
        for i, moment in enumerate(self._bag.bodies(), 1):
            advance(i)
            yield moment


class Pictures(Protocol):
    """Pictures in order of time."""

    kind: str

    @property
    def frames(self) -> int | None:
        """How many, as far as known."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of them."""

    @property
    def lens(self) -> Lens | None:
        """Calibrated intrinsics that come with them."""

    def read(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Stamp (ns) and (H, W, 3) BGR picture of each frame."""


class FilePictures:
    """A video, or a folder of pictures."""

    lens: Lens | None = None

    def __init__(self, path: Path, rate: float = 30.0) -> None:
        self.kind = "pictures" if path.is_dir() else "video"
        self._source = ImageFolder(path, rate, start_ns=0) if path.is_dir() else VideoFile(path, start_ns=0)
        self.frames: int | None = None
        self._source.open()
        if isinstance(self._source, VideoFile):
            self.frames = self._source.stated_frames

    @property
    def notes(self) -> tuple[str, ...]:
        """As `Pictures.notes`."""
        return self._source.notes

    def read(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """As `Pictures.read`."""
        self._source.open()
        with closing(self._source):
            while (frame := self._source.read()) is not None:
                yield frame.stamp_ns, frame.image


class PictureSource:
    """Pictures through the network and the fit, as in the pose node. Read again, it does not ask the network again."""

    def __init__(
        self, pictures: Pictures, settings: SourceSettings, network: PoseNetwork | None = None
    ) -> None:
        self._pictures, self._settings = pictures, settings
        self.kind = pictures.kind
        self.frames = pictures.frames
        self._network = _Remembering(
            network
            or open_pose_network(ModelStore(data_dir() / "models"), settings.model, max_people=_PEOPLE)
        )
        self._stamps: list[int] = []
        self._sizes: list[tuple[int, int]] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """As `BodySource.notes`."""
        return self._pictures.notes

    def bodies(self, exercise: str, advance: Advance) -> Iterator[Moment]:
        """As `BodySource.bodies`."""
        settings = self._settings
        estimator = BodyEstimator(
            self._network,
            lambda width, height: settings.camera.camera(width, height, settings.person, self._pictures.lens),
            FitterSettings(person=settings.person, posture=exercise or "standing"),
        )
        for i, (stamp, image) in enumerate(self._frames(), 1):
            bodies = estimator.process(image, stamp)
            advance(i)
            yield stamp, next((body for body in bodies if body.id == estimator.active), None)

    def _frames(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        if self._network.whole:
            # the network answers from memory, whatever is in the picture
            for stamp, (height, width) in zip(self._stamps, self._sizes, strict=True):
                yield stamp, np.broadcast_to(np.uint8(0), (height, width, 3))
            return
        self._stamps, self._sizes = [], []
        self._network.forget()
        for stamp, image in self._pictures.read():
            self._stamps.append(stamp)
            self._sizes.append((image.shape[0], image.shape[1]))
            yield stamp, image
        if not self._stamps:
            raise KineCueError("the recording has no pictures")
        self._network.whole = True


class _Remembering:
    """A network that is asked once about each picture."""

    def __init__(self, network: PoseNetwork) -> None:
        self._network = network
        self._known: dict[int, list[Landmarks2D]] = {}
        self.whole = False

    @property
    def topology(self) -> Topology:
        return self._network.topology

    @property
    def provider(self) -> str:
        return self._network.provider

    def forget(self) -> None:
        """Begin anew."""
        self._known.clear()
        self._network.reset()

    def estimate(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Landmarks2D]:
        if self.whole:
            return self._known[stamp_ns]
        found = self._known[stamp_ns] = self._network.estimate(image, stamp_ns)
        return found

    def reset(self) -> None:
        if not self.whole:
            self._network.reset()

    def favour(self, identity: int | None) -> None:
        if not self.whole:
            self._network.favour(identity)

    def want_mask(self, wanted: bool) -> None:
        self._network.want_mask(wanted)
