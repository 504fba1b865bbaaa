"""Bodies as volumes for others: the mesh as markers for RViz, masses and centres of mass as a message."""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from kinecue.body import BLAZEPOSE_33, Body, Landmark
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import KineCueError
from kinecue.body.volume.body_volume import BodyVolume, PosedVolume
from kinecue.body.volume.segments import SEGMENTS
from kinecue.body.volume.shape import BodyShape
from kinecue.body.volume.shape_fit import ShapeFit, fit_shape
from kinecue.body.volume.solver import grow_body
from kinecue.exercise.results import Side
from kinecue_msgs import msg

FloatArray = np.ndarray

_LIFETIME = Duration(nanosec=500_000_000)
_SKIN, _FAULT = (0.55, 0.68, 0.80), (0.94, 0.24, 0.24)
_PARTS: dict[str, tuple[str, ...]] = {
    "knees": ("thigh", "shank"),
    "knee": ("thigh", "shank"),
    "legs": ("thigh", "shank"),
    "hips": ("pelvis", "abdomen"),
    "chest": ("thorax",),
    "back": ("thorax", "abdomen"),
    "body": ("thorax", "abdomen", "pelvis"),
    "trunk": ("thorax", "abdomen", "pelvis"),
    "heels": ("foot",),
    "elbows": ("upper_arm", "forearm"),
    "arms": ("upper_arm", "forearm"),
    "forearms": ("forearm",),
    "hands": ("hand",),
}
"""Segments that a fault's body part means."""
_TOLERANCE = 0.02
"""A person whose limbs have changed their length by so much has been measured anew, m; shoulders and trunk move."""
_LIMBS = ("thigh", "shank", "upper_arm", "forearm")
_REMEMBERED = 16
_LIMITS = {"thigh": (0.2, 0.8), "shank": (0.2, 0.8), "trunk": (0.25, 0.9)}


def lengths_of(body: Body) -> SegmentLengths | None:
    """Segment lengths that a body was fitted with, m; None without its main joints."""

    def at(name: str) -> FloatArray:
        return body.position(Landmark(name))

    def between(a: str, b: str) -> float:
        return float(np.mean([np.linalg.norm(at(f"{s}_{a}") - at(f"{s}_{b}")) for s in ("left", "right")]))

    shoulders, hips = (at(f"left_{name}") + at(f"right_{name}") for name in ("shoulder", "hip"))
    result = SegmentLengths(
        pelvis=float(np.linalg.norm(at("left_hip") - at("right_hip"))),
        trunk=float(np.linalg.norm(shoulders - hips) / 2.0),
        shoulders=float(np.linalg.norm(at("left_shoulder") - at("right_shoulder"))),
        thigh=between("hip", "knee"),
        shank=between("knee", "ankle"),
        upper_arm=between("shoulder", "elbow"),
        forearm=between("elbow", "wrist"),
    )
    if not np.isfinite(result.as_array()).all() or result.as_array().min() < 0.05:
        return None
    likely = all(low < getattr(result, name) < high for name, (low, high) in _LIMITS.items())
    return result if likely else None


def points_of(body: Body) -> FloatArray:
    """(33, 3) positions in the order of `BLAZEPOSE_33`, m; NaN for what the body's topology lacks."""
    if body.topology is BLAZEPOSE_33:
        return body.positions
    points = np.full((len(BLAZEPOSE_33), 3), np.nan)
    for row, landmark in enumerate(BLAZEPOSE_33.landmarks):
        if landmark in body.topology:
            points[row] = body.position(landmark)
    return points


def shape_from_msg(message: msg.BodyShape) -> BodyVolume:
    """The body of a message.

    Raises:
        KineCueError: nobody is like that.
    """
    names = ("thigh", "shank", "trunk", "upper_arm", "forearm", "shoulders", "pelvis")
    lengths = {name: float(getattr(message, name)) or None for name in names}
    shape = BodyShape(
        message.id,
        "female" if message.femininity > 0.5 else "male",
        float(message.stature),
        build=float(message.build),
        femininity=float(message.femininity),
        **lengths,
    )
    return BodyVolume(grow_body(shape, float(message.fatness)), float(message.mass_std))


def shape_to_msg(header: Header, body_id: str, fit: ShapeFit) -> msg.BodyShape:
    """The measures of a body that was fitted to a person, from which `shape_from_msg` makes it again."""
    message = msg.BodyShape(header=header, id=body_id, stature=fit.shape.stature, build=fit.shape.build)
    message.femininity, message.fatness = fit.femininity, fit.fatness
    message.mass, message.mass_std, message.widths = fit.mass, fit.mass_std, fit.widths
    for name, length in fit.shape.given_lengths.items():
        setattr(message, name, length)
    return message


@dataclass
class _Known:
    volume: BodyVolume
    lengths: FloatArray | None
    """That it was fitted with; None for a shape that somebody has sent, which stays."""
    drawing: Drawing | None = None


class Drawing:
    """The markers of one body, made once and moved from then on.

    Args:
        volume: the body.
        body_id: of the person.
    """

    def __init__(self, volume: BodyVolume, body_id: str) -> None:
        count = int(volume.triangles.max()) + 1
        # corners of triangles share their points: a vertex is written once
        self._points = [Point() for _ in range(count)]
        self._markers = []
        for number in range(len(SEGMENTS)):
            marker = Marker(
                ns=f"body_{body_id}/volume", id=number, type=Marker.TRIANGLE_LIST, action=Marker.ADD
            )
            marker.lifetime = _LIFETIME
            marker.pose.orientation.w = 1.0
            marker.scale.x = marker.scale.y = marker.scale.z = 1.0
            rows = volume.triangles[volume.triangle_segments == number].ravel().tolist()
            marker.points = [self._points[row] for row in rows]
            self._markers.append(marker)

    def markers(
        self, header: Header, posed: PosedVolume, faults: Sequence[tuple[str, Side]], alpha: float
    ) -> list[Marker]:
        """One list of triangles for each segment, red where a fault is."""
        for point, (x, y, z) in zip(self._points, posed.vertices.tolist(), strict=True):
            point.x, point.y, point.z = x, y, z
        marked = marked_segments(faults)
        for name, marker in zip(SEGMENTS, self._markers, strict=True):
            r, g, b = _FAULT if name in marked else _SKIN
            marker.header = header
            marker.color = ColorRGBA(r=r, g=g, b=b, a=alpha if name not in marked else max(alpha, 0.7))
        return [marker for marker in self._markers if marker.points]


def marked_segments(faults: Sequence[tuple[str, Side]]) -> set[str]:
    """Names of the segments that faults are about."""
    result: set[str] = set()
    for part, side in faults:
        sides = {Side.LEFT: ("left",), Side.RIGHT: ("right",)}.get(side, ("left", "right"))
        for segment in _PARTS.get(part, ()):
            result.update([segment] if segment in SEGMENTS else [f"{s}_{segment}" for s in sides])
    return result


def volume_to_msg(header: Header, body_id: str, volume: BodyVolume, posed: PosedVolume) -> msg.BodyVolume:
    """Masses and centres of a body in a posture."""
    message = msg.BodyVolume(header=header, id=body_id)
    message.volume, message.mass, message.mass_std = volume.volume, volume.mass, float(volume.mass_std)
    message.centre_of_mass = _point(posed.centre_of_mass)
    masses, volumes = volume.masses.tolist(), volume.volumes.tolist()
    inertias = posed.inertias.reshape(-1, 9).astype(np.float32)
    for i, name in enumerate(SEGMENTS):
        message.segments.append(
            msg.SegmentVolume(
                name=name,
                volume=volumes[i],
                mass=masses[i],
                centre=_point(posed.centres[i]),
                inertia=inertias[i],
            )
        )
    return message


def _point(position: FloatArray) -> Point:
    x, y, z = (float(v) for v in position)
    return Point(x=x, y=y, z=z)


class KnownVolumes:
    """Volumes of the people who were seen lately, fitted when they are first needed."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, body_id: str, volume: BodyVolume) -> None:
        """Takes a volume that was fitted elsewhere, with silhouettes for example."""
        with self._lock:
            self._remember(body_id, _Known(volume, None))

    def of(self, body: Body) -> _Known | None:
        """The volume of a person; None while their segment lengths are not known."""
        with self._lock:
            known = self._known.get(body.id)
        if known is not None and known.lengths is None:
            return known
        lengths = lengths_of(body)
        if lengths is None:
            return known
        values = np.array([getattr(lengths, name) for name in _LIMBS])
        if (
            known is not None
            and known.lengths is not None
            and np.abs(values - known.lengths).max() < _TOLERANCE
        ):
            return known
        fresh = _Known(fit_shape(lengths, name=body.id or "person").volume, values)
        with self._lock:
            sent = self._known.get(body.id)
            if sent is not None and sent.lengths is None:
                return sent
            self._remember(body.id, fresh)
        return fresh

    def _remember(self, body_id: str, known: _Known) -> None:
        self._known[body_id] = known
        self._known.move_to_end(body_id)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


@dataclass(frozen=True)
class VolumeJob:
    """What is to be published of one frame.

    Attributes:
        body: makes the body; called in the worker's thread.
        header: of the message that it came with.
        faults: body parts and sides to be marked.
        alpha: opacity of the mesh, 0 to 1.
        wants_markers, wants_volume: whether somebody listens.
    """

    body: Callable[[], Body | None]
    header: Header
    faults: tuple[tuple[str, Side], ...]
    alpha: float
    wants_markers: bool
    wants_volume: bool


class VolumeWorker:
    """Poses volumes and publishes them in a thread of its own; what comes while it is busy replaces what waits.

    Args:
        publish_markers, publish_volume: take what was made.
        report: takes errors.
    """

    def __init__(
        self,
        publish_markers: Callable[[MarkerArray], None],
        publish_volume: Callable[[msg.BodyVolume], None],
        report: Callable[[Exception], None],
    ) -> None:
        self.known = KnownVolumes()
        self._publish_markers, self._publish_volume, self._report = publish_markers, publish_volume, report
        self._jobs: queue.Queue[VolumeJob | None] = queue.Queue(maxsize=2)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to work."""
        self._thread = threading.Thread(target=self._work, name="kinecue-volume", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes what it is at."""
        if self._thread is None:
            return
        self._clear()
        self._jobs.put(None)
        self._thread.join(10.0)
        self._thread = None

    def submit(self, job: VolumeJob) -> None:
        """Puts a frame in the place of one that has not been begun."""
        if self._thread is None:
            return
        self._clear()
        self._jobs.put_nowait(job)

    def _clear(self) -> None:
        while True:
            try:
                self._jobs.get_nowait()
            except queue.Empty:
                return

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            try:
                self._do(job)
            except Exception as error:
                self._report(error)

    def _do(self, job: VolumeJob) -> None:
        body = job.body()
        if body is None:
            return
        try:
            known = self.known.of(body)
        except KineCueError as error:
            self._report(error)
            return
        posed = known.volume.posed(points_of(body)) if known is not None else None
        if known is None or posed is None:
            return
        if job.wants_volume:
            self._publish_volume(volume_to_msg(job.header, body.id, known.volume, posed))
        if job.wants_markers:
            known.drawing = known.drawing or Drawing(known.volume, body.id)
            self._publish_markers(
                MarkerArray(markers=known.drawing.markers(job.header, posed, job.faults, job.alpha))
            )
