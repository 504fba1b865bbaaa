"""Several calibrated cameras, one body: who is who in which view, at one moment, and the fit to all of them.

One camera leads: its frames set the times at which bodies come out. The landmarks of the others are carried to those
times, people are paired over the views, and each person's fitter gets all views of them. A camera that stops is left
out, the leader too: the next one then leads. Nothing here waits: whoever feeds it says what time it is.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import Landmark
from kinecue.perception.fusion_frames import blank, in_common_frame, in_reference_image, seen_from
from kinecue.perception.landmarks2d import Landmarks2D, View
from kinecue.perception.view_pairing import SHARED_JOINTS, PairingSettings, ViewPairing
from kinecue.perception.view_track import LandmarkTrack, TimeSettings

FloatArray = NDArray[np.float64]


class Fitter(Protocol):
    """One person's kinematic fit; `BodyFitter` is one."""

    def update(self, landmarks: Landmarks2D, further: Sequence[View] = ()) -> Body:
        """The body in one more frame, in the base frame of the first camera."""


FitterFactory = Callable[[CameraModel, int], Fitter]
"""Makes the fitter of a person: the first camera, in its own base frame, and the person's number, 0 or more."""


@dataclass(frozen=True)
class FusionSettings:
    """How views are brought together.

    Attributes:
        longest_wait_s: a frame of the leader waits at most so long for the others, s; 0 = never.
        stale_s: a camera not heard of for so long does not count, s.
        alone_s: somebody whom the leader does not see is told of after having been alone for so long, s; those whom
            it sees, at once.
        lost_s: a person seen by no camera for so long is forgotten, s.
        time, pairing: see there.
    """

    longest_wait_s: float = 0.02
    stale_s: float = 0.5
    alone_s: float = 0.5
    lost_s: float = 1.0
    time: TimeSettings = field(default_factory=TimeSettings)
    pairing: PairingSettings = field(default_factory=PairingSettings)


@dataclass(frozen=True)
class FusedFrame:
    """Everybody at one moment.

    Attributes:
        stamp_ns: of the leader's frame, ns.
        leader: the camera whose frame it is.
        bodies: in the common base frame, known longest first; pixels are those of the first camera.
        views: per body, the cameras that its fit was made from.
        members: per body, view -> the identity that this camera's network gave to the person.
        waited_s: for other cameras, s.
    """

    stamp_ns: int
    leader: str
    bodies: tuple[Body, ...]
    views: tuple[tuple[str, ...], ...]
    members: tuple[Mapping[str, int], ...]
    waited_s: float


@dataclass(frozen=True)
class ViewStatus:
    """How a camera does.

    Attributes:
        live: it is heard of.
        frames: taken.
        late: frames refused because their stamp was not newer than the one before.
        used: bodies that it had a part in.
        period_s: typical time between its frames, s; NaN unknown.
    """

    live: bool
    frames: int
    late: int
    used: int
    period_s: float


@dataclass
class _Camera:
    model: CameraModel
    tracks: dict[int, LandmarkTrack] = field(default_factory=dict)
    stamps: deque[int] = field(default_factory=lambda: deque(maxlen=9))
    heard_s: float = -math.inf
    frames: int = 0
    late: int = 0
    used: int = 0

    @property
    def period_s(self) -> float:
        if len(self.stamps) < 2:
            return math.nan
        return float(np.median(np.diff(np.array(self.stamps, dtype=np.int64)))) * 1e-9


@dataclass
class _Person:
    number: int
    home: str
    fitter: Fitter
    members: dict[str, int]
    seen_ns: int
    since_ns: int
    told: bool = False


@dataclass(frozen=True)
class _Waiting:
    stamp_ns: int
    leader: str
    identities: frozenset[int]
    since_s: float


class ViewFusion:
    """People seen by several cameras, over time. Deterministic: the same calls give the same bodies.

    Args:
        cameras: name -> camera, all in one base frame, that of the first; the first leads while it is heard of.
        fitter: makes a person's fitter.
        settings: see `FusionSettings`.
    """

    def __init__(
        self,
        cameras: Mapping[str, CameraModel],
        fitter: FitterFactory,
        settings: FusionSettings | None = None,
    ) -> None:
        if not cameras:
            raise ValueError("ViewFusion: cameras must be at least one")
        self._cameras = {name: _Camera(model) for name, model in cameras.items()}
        self._order = tuple(cameras)
        self._factory = fitter
        self._settings = settings or FusionSettings()
        self._pairing = ViewPairing(self._settings.pairing)
        self._people: list[_Person] = []
        self._next = 0
        self._waiting: deque[_Waiting] = deque()
        self._fused_ns: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The cameras; the first one's base frame is that of the bodies."""
        return self._order

    @property
    def waiting(self) -> bool:
        """A frame of the leader waits for other cameras: `poll` will give it."""
        return bool(self._waiting)

    def recalibrate(self) -> None:
        """Measures everybody anew."""
        self._people.clear()

    def status(self, now_s: float) -> dict[str, ViewStatus]:
        """How each camera does."""
        return {
            name: ViewStatus(self._live(name, now_s), c.frames, c.late, c.used, c.period_s)
            for name, c in self._cameras.items()
        }

    def add(self, view: str, people: Sequence[Landmarks2D], stamp_ns: int, now_s: float) -> list[FusedFrame]:
        """Takes a frame of a camera and gives the moments that are complete now.

        Args:
            view: name of the camera.
            people: in the frame; empty if nobody was found.
            stamp_ns: acquisition time in the common clock, ns.
            now_s: time on a clock that never goes back, s.

        Raises:
            KeyError: there is no such camera.
        """
        camera = self._cameras[view]
        if camera.stamps and stamp_ns <= camera.stamps[-1]:
            camera.late += 1
            if camera.stamps[-1] - stamp_ns < 2_000_000_000:
                return self.poll(now_s)
            # the clock was set back, or a recording began anew
            self._restart(view)
        camera.stamps.append(stamp_ns)
        camera.heard_s, camera.frames = now_s, camera.frames + 1
        oldest = stamp_ns - int(2e9 * self._settings.time.memory_s)
        camera.tracks = {k: t for k, t in camera.tracks.items() if (t.newest_ns or 0) >= oldest}
        for person in people:
            track = camera.tracks.setdefault(person.identity, LandmarkTrack(self._settings.time))
            track.add(replace(person, stamp_ns=stamp_ns))
        if view == self._leader(now_s):
            identities = frozenset(person.identity for person in people)
            self._waiting.append(_Waiting(stamp_ns, view, identities, now_s))
        return self.poll(now_s)

    def poll(self, now_s: float) -> list[FusedFrame]:
        """The moments that are complete, or have waited long enough."""
        result = []
        while self._waiting and self._ready(self._waiting[0], now_s):
            waiting = self._waiting.popleft()
            if self._fused_ns is not None and waiting.stamp_ns <= self._fused_ns:
                continue
            self._fused_ns = waiting.stamp_ns
            result.append(self._fuse(waiting, now_s - waiting.since_s))
        return result

    # -- time

    def _live(self, name: str, now_s: float) -> bool:
        return now_s - self._cameras[name].heard_s <= self._settings.stale_s

    def _leader(self, now_s: float) -> str:
        return next((name for name in self._order if self._live(name, now_s)), self._order[0])

    def _ready(self, waiting: _Waiting, now_s: float) -> bool:
        """Everybody else has seen that moment, or cannot have seen it in time."""
        deadline = waiting.since_s + self._settings.longest_wait_s
        if now_s >= deadline:
            return True
        for name, camera in self._cameras.items():
            if name == waiting.leader or not self._live(name, now_s):
                continue
            if camera.stamps[-1] >= waiting.stamp_ns:
                continue
            period = camera.period_s
            if math.isfinite(period) and camera.heard_s + 0.8 * period > deadline:
                # its next frame will be too late anyway
                continue
            return False
        return True

    def _restart(self, view: str) -> None:
        camera = self._cameras[view]
        camera.tracks.clear()
        camera.stamps.clear()
        self._waiting.clear()
        self._pairing.reset()
        self._people.clear()
        self._fused_ns = None

    # -- people

    def _fuse(self, waiting: _Waiting, waited_s: float) -> FusedFrame:
        stamp = waiting.stamp_ns
        views: dict[str, dict[int, View]] = {}
        for name, camera in self._cameras.items():
            seen: dict[int, View] = {}
            for identity, track in camera.tracks.items():
                if name == waiting.leader and identity not in waiting.identities:
                    continue
                landmarks = track.at(stamp)
                if landmarks is not None:
                    seen[identity] = View(camera.model, landmarks)
            views[name] = seen
        groups = self._pairing.update(stamp, views)
        self._assign(groups, stamp)
        bodies: list[Body] = []
        used: list[tuple[str, ...]] = []
        members: list[Mapping[str, int]] = []
        for person in self._people:
            if person.seen_ns != stamp:
                continue
            person.told = person.told or self._telling(person, waiting.leader, stamp)
            if not person.told:
                continue
            bodies.append(self._fit(person, views, stamp))
            names = tuple(name for name in self._order if name in person.members)
            used.append(names)
            members.append(dict(person.members))
            for name in names:
                self._cameras[name].used += 1
        return FusedFrame(stamp, waiting.leader, tuple(bodies), tuple(used), tuple(members), waited_s)

    def _telling(self, person: _Person, leader: str, stamp_ns: int) -> bool:
        """Somebody new is told of once it is clear that they are not somebody known, seen from elsewhere."""
        if len(person.members) > 1 or (stamp_ns - person.since_ns) * 1e-9 >= self._settings.alone_s:
            return True
        return leader in person.members and not self._pairing.undecided(next(iter(person.members.items())))

    def _assign(self, groups: list[dict[str, int]], stamp_ns: int) -> None:
        """Each group is the person to whom most of it belonged; a person who falls in two stays where the home is."""
        limit = int(self._settings.lost_s * 1e9)
        self._people = [p for p in self._people if stamp_ns - p.seen_ns <= limit]
        claims: list[tuple[bool, bool, int, int, int]] = []
        count = len(self._people)
        for g, group in enumerate(groups):
            for k, person in enumerate(self._people):
                common = sum(person.members.get(view) == identity for view, identity in group.items())
                if common:
                    at_home = group.get(person.home) == person.members.get(person.home, -1)
                    claims.append((not person.told, not at_home, person.number, -common, g * count + k))
        taken_groups: set[int] = set()
        taken_people: set[int] = set()
        for *_, code in sorted(claims):
            g, k = divmod(code, count)
            if g in taken_groups or k in taken_people:
                continue
            taken_groups.add(g)
            taken_people.add(k)
            person = self._people[k]
            if stamp_ns - person.seen_ns > limit // 2:
                person.since_ns = stamp_ns
            person.members, person.seen_ns = dict(groups[g]), stamp_ns
        # somebody whose every view now belongs to another person was that person all along
        owned = {(v, i) for p in self._people if p.seen_ns == stamp_ns for v, i in p.members.items()}
        self._people = [
            p for p in self._people if p.seen_ns == stamp_ns or not set(p.members.items()) <= owned
        ]
        for g, group in enumerate(groups):
            if g not in taken_groups:
                home = next(name for name in self._order if name in group)
                fitter = self._new_fitter(home, self._next)
                self._people.append(_Person(self._next, home, fitter, dict(group), stamp_ns, stamp_ns))
                self._next += 1

    def _new_fitter(self, home: str, number: int) -> Fitter:
        model = self._cameras[home].model
        return self._factory(seen_from(model, model), number)

    # -- the fit

    def _fit(self, person: _Person, views: Mapping[str, Mapping[int, View]], stamp_ns: int) -> Body:
        """One person's body; fitted in the base frame of their home camera, told in that of the first."""
        body = self._update(person, views, stamp_ns)
        if person.home not in person.members and not _positioned(body):
            # the home camera lost them before they were measured: start over where they are seen
            person.home = next(name for name in self._order if name in person.members)
            person.fitter = self._new_fitter(person.home, person.number)
            body = self._update(person, views, stamp_ns)
        body = in_common_frame(body, self._cameras[person.home].model)
        first = self._order[0]
        if person.home != first or first not in person.members:
            body = in_reference_image(body, self._cameras[first].model)
        if len(person.members) > 1:
            # what one camera cuts off another one may see
            body = replace(body, truncated=not self._whole(person, views))
        return body

    def _whole(self, person: _Person, views: Mapping[str, Mapping[int, View]]) -> bool:
        """Every joint is inside of the picture of some camera."""
        seen: set[Landmark] = set()
        for name, identity in person.members.items():
            view = views[name][identity]
            size = [view.camera.width, view.camera.height]
            for joint in SHARED_JOINTS:
                if joint in view.landmarks.topology:
                    pixel = view.landmarks.pixels[view.landmarks.topology.index(joint)]
                    if bool((pixel >= 0).all() and (pixel < size).all()):
                        seen.add(joint)
        return len(seen) == len(SHARED_JOINTS)

    def _update(self, person: _Person, views: Mapping[str, Mapping[int, View]], stamp_ns: int) -> Body:
        home = self._cameras[person.home].model
        further = [
            View(seen_from(home, self._cameras[name].model), views[name][person.members[name]].landmarks)
            for name in self._order
            if name in person.members and name != person.home
        ]
        if person.home in person.members:
            first = views[person.home][person.members[person.home]].landmarks
        else:
            first = blank(further[0].landmarks)
        return person.fitter.update(replace(first, stamp_ns=stamp_ns), further)


def _positioned(body: Body) -> bool:
    return bool(np.isfinite(body.positions).all(1).any())
