"""What the athlete looks like: skin, hair, eyes, clothes and shoes as one skinned mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Landmark
from kinecue.simulation.athletes.athlete import SOLE, Athlete
from kinecue.simulation.picture.actors import SkinnedMesh
from kinecue.simulation.picture.outfits import Outfit
from kinecue.simulation.picture.solids import Colour, Mesh, ellipsoid
from kinecue.simulation.picture.surface import smoothed, trimmed, vertex_normals

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

__all__ = ["Outfit", "SkinnedMesh", "dress"]


@dataclass
class _Part:
    vertices: FloatArray
    weights: NDArray[np.float32]
    faces: IntArray
    colours: FloatArray
    nearer: float
    gloss: float


_ARM_ENDS = ("lowerarm", "hand", "thumb", "index", "middle", "ring", "pinky")
_RIM = 0.03
"""Skin under a garment is left out so far from its hem, m."""
_LINING = 0.09
"""The inside of a garment is drawn so far from its hem, m."""
_SHORT = 0.5
"""Trousers shorter than this share of the leg are wide at their ends."""
_SHOE_SIDES = 15
_SHOE = (
    (0.00, 0.050, 0.200),
    (0.03, 0.092, 0.290),
    (0.12, 0.122, 0.325),
    (0.24, 0.125, 0.325),
    (0.36, 0.122, 0.300),
    (0.48, 0.130, 0.250),
    (0.60, 0.148, 0.205),
    (0.74, 0.158, 0.165),
    (0.86, 0.146, 0.140),
    (0.95, 0.108, 0.115),
    (0.99, 0.060, 0.085),
    (1.00, 0.020, 0.060),
)
"""Cross-sections of a shoe over its length: place from heel to toe, half width, height."""
_SHORT_LINE = ((0.0, 0.12, 0.34, 0.48, 0.56, 0.80, 1.0), (0.062, 0.058, 0.040, 0.030, 0.0, -0.06, -0.075))
_LONG_LINE = ((0.0, 0.10, 0.22, 0.38, 0.50, 0.80, 1.0), (0.056, 0.050, 0.026, 0.004, -0.01, -0.05, -0.06))
"""Hairlines: share of the head's depth from front to back, and height over the eyes in m."""


class _Tailor:
    """Cuts the athlete's surface into parts.

    A garment is where a field over the vertices is positive; the field is about the distance to its hem in
    metres.
    """

    def __init__(self, athlete: Athlete, outfit: Outfit) -> None:
        self.athlete = athlete
        self.outfit = outfit
        self.vertices = athlete.vertices
        self.weights = athlete.asset.weights
        self.faces = athlete.asset.faces
        self.scale = athlete.scale
        self._bones = np.array(athlete.asset.bones)[np.argmax(self.weights, axis=1)]

    def parts(self) -> list[_Part]:
        """Everything that is drawn."""
        shirt, trousers, shoe = self._shirt(), self._trousers(), self._shoe()
        o = self.outfit
        # loose cloth hangs in larger curves than the body under it
        garment = smoothed(
            self.vertices, self.faces["clothes"], 3 + round(200.0 * max(o.looseness - 0.012, 0.0))
        )
        normals = vertex_normals(garment, self.faces["clothes"])
        loose = o.looseness * self.scale
        flare = (
            0.8 * np.clip(self._leg_share() / o.leg, 0.0, 1.0) if o.leg < _SHORT else np.zeros(len(garment))
        )
        # a collar lies against the neck
        collar = np.clip(self._throat() / (0.06 * self.scale), 0.3, 1.0)
        return [
            self._skin(shoe, shirt, trousers),
            self._eyes(),
            *self._hair(),
            *self._cloth(
                garment + normals * (loose * (0.8 + flare))[:, None], trousers, o.shorts, o.stripe, 0.02
            ),
            *self._cloth(garment + normals * (1.25 * loose * collar)[:, None], shirt, o.shirt, None, 0.03),
            *self._shoes(),
        ]

    def _carried(self, *bones: str) -> NDArray[np.bool_]:
        """(V,) whether the strongest bone of a vertex begins with one of the names."""
        result: NDArray[np.bool_] = np.isin(self._bones, [b for b in set(self._bones) if b.startswith(bones)])
        return result

    def _along(self, start: str, end: str) -> FloatArray:
        """(V,) share of the way from one joint to another, the nearer body side."""
        share = np.zeros(len(self.vertices))
        for side, mask in (("l", self.vertices[:, 1] >= 0), ("r", self.vertices[:, 1] < 0)):
            a, b = self.athlete.head(f"{start}_{side}"), self.athlete.head(f"{end}_{side}")
            share[mask] = ((self.vertices[mask] - a) @ (b - a)) / ((b - a) @ (b - a))
        return share

    def _leg_share(self) -> FloatArray:
        """(V,) share of the leg from hip to ankle."""
        lengths = self.athlete.lengths
        knee = lengths.thigh / (lengths.thigh + lengths.shank)
        thigh = self._along("thigh", "calf") * knee
        shank = knee + self._along("calf", "foot") * (1.0 - knee)
        result: FloatArray = np.where(self._carried("calf", "foot", "ball"), shank, thigh)
        return result

    def _throat(self) -> FloatArray:
        """(V,) height below the collar, m."""
        neck = self.athlete.head("neck_01")
        collar = neck[2] + 0.012 * self.scale - 0.35 * (self.vertices[:, 0] - neck[0])
        result: FloatArray = collar - self.vertices[:, 2]
        return result

    def _shirt(self) -> FloatArray:
        z = self.vertices[:, 2]
        waist = (
            self.athlete.rest_mid_hip[2] + (0.02 - 1.5 * max(self.outfit.looseness - 0.012, 0.0)) * self.scale
        )
        sleeve = (self.outfit.sleeve - self._along("upperarm", "lowerarm")) * self.athlete.lengths.upper_arm
        field = np.where(self._carried("upperarm"), sleeve, np.minimum(z - waist, self._throat()))
        result: FloatArray = np.where(self._carried(*_ARM_ENDS, "head"), -1.0, field)
        return result

    def _trousers(self) -> FloatArray:
        waist = self.athlete.head("spine_01")[2] - self.vertices[:, 2]
        leg = (self.outfit.leg - self._leg_share()) * (
            self.athlete.lengths.thigh + self.athlete.lengths.shank
        )
        field = np.where(self._carried("thigh", "calf"), leg, waist)
        result: FloatArray = np.where(self._carried("foot", "ball", "upperarm", *_ARM_ENDS), -1.0, field)
        return result

    def _shoe(self) -> FloatArray:
        collar = self.athlete.head("foot_l")[2]
        result: FloatArray = np.where(
            self._carried("calf", "foot", "ball"), collar - self.vertices[:, 2], -1.0
        )
        return result

    def _skin(self, shoe: FloatArray, *covers: FloatArray) -> _Part:
        faces = self.faces["body"]
        # what is well under a garment cannot be seen; a rim stays, for a sleeve is open at its end
        hidden = np.any([(cover[faces] > _RIM).all(1) for cover in covers], axis=0) | (
            shoe[faces] > 0.014
        ).all(1)
        skin = np.array(self.outfit.skin, dtype=np.float64)
        colours = np.tile(skin, (len(faces), 1))
        colours[self.athlete.asset.lips] = skin * (0.72, 0.66, 0.86)
        middle = self.vertices[faces].mean(1)
        eye = self.athlete.rest_landmarks[Landmark.LEFT_EYE][1]
        # an arch that thins out towards the temple
        side = (np.abs(middle[:, 1]) / self.scale - 0.012) / 0.044
        arch = (
            eye[2]
            + (0.0195 + 0.0065 * np.sin(np.pi * np.clip(0.18 + 0.62 * side, 0.0, 1.0)) ** 2) * self.scale
        )
        half = (0.0052 - 0.0034 * np.clip(side, 0.0, 1.0)) * self.scale
        share = np.clip(0.5 + (half - np.abs(middle[:, 2] - arch)) / (0.0035 * self.scale), 0.0, 1.0)
        share *= np.clip(0.5 + 6.0 * side, 0.0, 1.0) * np.clip(0.5 + 6.0 * (1.0 - side), 0.0, 1.0)
        share *= 0.8 * (middle[:, 0] > eye[0] - 0.02)
        colours += share[:, None] * (0.75 * np.array(self.outfit.hair) + 0.15 * skin - colours)
        socket = (np.abs(middle[:, 2] - eye[2]) < 0.008) & (np.abs(np.abs(middle[:, 1]) - eye[1]) < 0.018)
        colours[socket & (middle[:, 0] > eye[0] - 0.03)] *= 0.78
        return _Part(self.vertices, self.weights, faces[~hidden], colours[~hidden], 0.0, 0.2)

    def _eyes(self) -> _Part:
        faces = self.faces["eyes"]
        middle = self.vertices[faces].mean(1)
        colours = np.tile(np.array([205.0, 210.0, 214.0]), (len(faces), 1))
        for side in (1.0, -1.0):
            own = side * middle[:, 1] > 0
            centre = self.vertices[np.unique(faces[own])].mean(0)
            offset = middle - centre
            iris = np.hypot(offset[:, 1], offset[:, 2]) < 0.0068
            colours[own & (offset[:, 0] > 0) & iris] = (38.0, 52.0, 70.0)
        return _Part(self.vertices, self.weights, faces, colours, 0.0, 0.6)

    def _hair(self) -> list[_Part]:
        """A cap of hair over the scalp, and a ponytail."""
        eye = self.athlete.rest_landmarks[Landmark.LEFT_EYE][1]
        ear = self.athlete.rest_landmarks[Landmark.LEFT_EAR][1]
        on_head = self._carried("head")
        skull = self.vertices[on_head & (self.vertices[:, 2] > eye[2])]
        front, back = skull[:, 0].max(), skull[:, 0].min()
        depth = (front - self.vertices[:, 0]) / (front - back)
        long = self.outfit.ponytail
        # height over the eyes at which the hair ends: forehead, temple, behind the ear, nape
        line = np.interp(
            depth, _LONG_LINE[0] if long else _SHORT_LINE[0], _LONG_LINE[1] if long else _SHORT_LINE[1]
        )
        field = self.vertices[:, 2] - eye[2] - line * self.scale
        by_ear = (np.abs(self.vertices[:, 1]) > ear[1] - 0.018) & (depth < 0.72)
        field = np.where(by_ear, np.minimum(field, self.vertices[:, 2] - ear[2] - 0.026 * self.scale), field)
        # the mouth's cavity belongs to the head as well
        cavity = (np.abs(self.vertices[:, 1]) < 0.05) & (self.vertices[:, 2] < eye[2]) & (depth < 0.62)
        field = np.where(on_head & ~cavity, field, -1.0)
        faces = self.faces["body"]
        cap = faces[(field[faces] > 0).any(1)]
        thick = (0.009 if long else 0.011) * self.scale * np.clip(field / 0.03, 0.15, 1.0)
        grown = self.vertices + vertex_normals(self.vertices, cap) * thick[:, None]
        surface, weights, cap = trimmed(grown, self.weights, faces, field)
        rng = np.random.default_rng(3)
        colours = np.array(self.outfit.hair) * rng.uniform(0.9, 1.1, (len(cap), 1))
        if not long:
            # clipped short towards its edge, where the skin shows through
            dense = np.clip(np.maximum(field[cap], 0.0).mean(1) / 0.016, 0.86, 1.0)[:, None]
            colours = dense * colours + (1.0 - dense) * 0.8 * np.array(self.outfit.skin)
        parts = [_Part(surface, weights, cap, colours, 0.012, 0.3)]
        if long:
            parts.append(self._ponytail(np.array([back, 0.0, eye[2] + 0.045 * self.scale])))
        return parts

    def _ponytail(self, knot: FloatArray) -> _Part:
        steps = (
            (-0.018, -0.005, 0.030),
            (-0.040, -0.045, 0.033),
            (-0.046, -0.100, 0.030),
            (-0.040, -0.155, 0.022),
        )
        meshes = []
        for dx, dz, radius in steps:
            axes = np.diag([radius * 0.8, radius * 0.9, radius * 1.35]) * self.scale
            meshes.append(ellipsoid(knot + np.array([dx, 0.0, dz]) * self.scale, axes, self.outfit.hair))
        mesh = Mesh.join(meshes)
        weights = np.zeros((len(mesh.vertices), self.weights.shape[1]), dtype=np.float32)
        weights[:, self.athlete.bone_index["head"]] = 1.0
        return _Part(mesh.vertices, weights, mesh.faces, mesh.colours, 0.0, 0.3)

    def _cloth(
        self, surface: FloatArray, field: FloatArray, colour: Colour, stripe: Colour | None, nearer: float
    ) -> list[_Part]:
        """A garment, and the inside of its ends, which can be seen from the open side."""
        surface, weights, kept = trimmed(surface, self.weights, self.faces["clothes"], field)
        rng = np.random.default_rng(5)
        colours = np.array(colour) * rng.uniform(0.975, 1.025, (len(kept), 1))
        if stripe is not None:
            middle = surface[kept].mean(1)
            hip, knee, ankle = (self.athlete.head(f"{b}_l") for b in ("thigh", "calf", "foot"))
            heights, axis = [ankle[2], knee[2], hip[2]], [[p[i] for p in (ankle, knee, hip)] for i in (0, 1)]
            offset = middle[:, 0] - np.interp(middle[:, 2], heights, axis[0])
            outside = np.abs(middle[:, 1]) - np.interp(middle[:, 2], heights, axis[1])
            colours[(np.abs(offset + 0.008) < 0.017 * self.scale) & (outside > 0.03 * self.scale)] = stripe
        inside = (field[kept] < _LINING * self.scale).any(1)
        return [
            _Part(surface, weights, kept, colours, nearer, 0.05),
            _Part(surface, weights, kept[inside, ::-1], 0.55 * colours[inside], -0.01, 0.0),
        ]

    def _shoes(self) -> list[_Part]:
        return [self._one_shoe(side, letter) for side, letter in (("left", "l"), ("right", "r"))]

    def _one_shoe(self, side: str, letter: str) -> _Part:
        """A trainer, lofted over cross-sections from heel to toe."""
        points = self.athlete.rest_landmarks
        heel, toe = points[Landmark(f"{side}_heel")][1], points[Landmark(f"{side}_foot_index")][1]
        ball = self.athlete.head(f"ball_{letter}")
        start, end = heel[0] - 0.014 * self.scale, toe[0] + 0.016 * self.scale
        length = end - start
        angles = np.linspace(0.0, np.pi, _SHOE_SIDES)
        rings = []
        for share, half_width, height in _SHOE:
            x = start + share * length
            y = heel[1] + (ball[1] - heel[1]) * (x - heel[0]) / (ball[0] - heel[0])
            across = half_width * length * np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** 0.55
            up = 0.002 + (height * length - 0.002) * np.sin(angles) ** 0.75
            rings.append(np.stack([np.full(_SHOE_SIDES, x), y + across, up], 1))
        vertices = np.concatenate(rings)
        n = _SHOE_SIDES
        faces = np.array(
            [
                [r * n + i, r * n + (i + 1) % n, (r + 1) * n + (i + 1) % n, (r + 1) * n + i]
                for r in range(len(_SHOE) - 1)
                for i in range(n)
            ]
        )
        outward = (vertex_normals(vertices, faces) * (vertices - vertices.mean(0))).sum()
        if outward < 0:
            faces = faces[:, ::-1]
        colours = np.tile(np.array(self.outfit.shoes, dtype=np.float64), (len(faces), 1))
        colours[vertices[faces].mean(1)[:, 2] < SOLE + 0.012] = self.outfit.sole
        toes = np.clip((vertices[:, 0] - ball[0]) / 0.03 + 0.5, 0.0, 1.0)
        weights = np.zeros((len(vertices), self.weights.shape[1]), dtype=np.float32)
        weights[:, self.athlete.bone_index[f"foot_{letter}"]] = 1.0 - toes
        weights[:, self.athlete.bone_index[f"ball_{letter}"]] = toes
        return _Part(vertices, weights, faces, colours, 0.015, 0.2)


def dress(athlete: Athlete, outfit: Outfit) -> SkinnedMesh:
    """The athlete's whole surface in the rest pose."""
    vertices, normals, weights, faces, colours, nearer, gloss = [], [], [], [], [], [], []
    start = 0
    for part in _Tailor(athlete, outfit).parts():
        used, compact = np.unique(part.faces, return_inverse=True)
        local = compact.reshape(part.faces.shape)
        vertices.append(part.vertices[used])
        normals.append(vertex_normals(part.vertices[used], local))
        weights.append(part.weights[used])
        faces.append(local + start)
        colours.append(part.colours)
        nearer.append(np.full(len(local), part.nearer))
        gloss.append(np.full(len(local), part.gloss))
        start += len(used)
    return SkinnedMesh(
        np.concatenate(vertices).astype(np.float32),
        np.concatenate(normals).astype(np.float32),
        np.ascontiguousarray(np.concatenate(weights), dtype=np.float32),
        np.concatenate(faces),
        np.concatenate(colours).astype(np.float32),
        np.concatenate(nearer).astype(np.float32),
        np.concatenate(gloss).astype(np.float32),
    )
