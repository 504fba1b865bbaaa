"""Choose the vertices of the parametric body that a light mesh of it keeps.

    python tools/reduce_body.py

Reads ``body.npz``, writes ``reduced_body.npz`` beside it: numbers of the kept vertices and triangles between them, the
same for every body. Edges are collapsed onto one of their ends in the order of the quadric error (Garland and Heckbert
1997), left and right together, so that the result is its own mirror image and every kept vertex has its own skin
weights. The error is the sum over a man, a woman and a heavy man, plus one for bones: a joint keeps its rings.
"""

from __future__ import annotations

import heapq
import sys

import numpy as np
from numpy.typing import NDArray

from kinecue.body.volume.asset import ASSET, SEXES, load_shape_space
from kinecue.body.volume.shape import BodyShape
from kinecue.body.volume.solver import solve_body

FloatArray = NDArray[np.float64]

TARGET = ASSET.parent / "reduced_body.npz"
TRIANGLES = 1600
BONE_PRICE = 2e-7
"""Error of moving a vertex to one with wholly different skin weights, m2."""
FLIP = 0.2
"""Smallest cosine between a triangle's normals before and after a collapse."""


class Reduction:
    """The mesh while it gets smaller."""

    def __init__(self) -> None:
        space = load_shape_space(SEXES[0])
        shapes = (
            BodyShape("man", "male", 1.75, build=0.5),
            BodyShape("woman", "female", 1.75, build=0.5),
            BodyShape("heavy", "male", 1.75, 115.0, 0.3),
        )
        self.bodies = np.stack([solve_body(shape).vertices for shape in shapes])
        self.mirror = space.mirror
        self.weights = space.weights.astype(np.float64)
        quads = space.faces["body"]
        start = np.argmin(np.minimum(quads, self.mirror[quads]), axis=1)
        rolled = np.take_along_axis(quads, (start[:, None] + np.arange(4)) % 4, 1)
        triangles = np.concatenate([rolled[:, [0, 1, 2]], rolled[:, [0, 2, 3]]])
        self.faces: dict[int, tuple[int, int, int]] = {
            i: (int(a), int(b), int(c)) for i, (a, b, c) in enumerate(triangles)
        }
        self.around: dict[int, set[int]] = {}
        for i, face in self.faces.items():
            for vertex in face:
                self.around.setdefault(vertex, set()).add(i)
        self.quadrics = self._quadrics(triangles)

    def _quadrics(self, triangles: NDArray[np.int64]) -> FloatArray:
        """(B, V, 4, 4) sum of the squared distances from the planes of the triangles around, per area."""
        result = np.zeros((len(self.bodies), len(self.mirror), 4, 4))
        for b, vertices in enumerate(self.bodies):
            corners = vertices[triangles]
            normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            size = np.linalg.norm(normal, axis=1, keepdims=True)
            normal /= np.maximum(size, 1e-12)
            plane = np.concatenate([normal, -(normal * corners[:, 0]).sum(1, keepdims=True)], 1)
            block = plane[:, :, None] * plane[:, None, :] * (size[:, :, None] * 1e4)
            for k in range(3):
                np.add.at(result[b], triangles[:, k], block)
        return result

    def neighbours(self, vertex: int) -> set[int]:
        return {v for i in self.around[vertex] for v in self.faces[i]} - {vertex}

    def cost(self, gone: int, kept: int) -> float:
        """Of moving one vertex onto another."""
        quadric = self.quadrics[:, gone] + self.quadrics[:, kept]
        point = np.concatenate([self.bodies[:, kept], np.ones((len(self.bodies), 1))], 1)
        error = float(np.einsum("bi,bij,bj->", point, quadric, point))
        apart = float(((self.weights[gone] - self.weights[kept]) ** 2).sum())
        length = float(((self.bodies[:, gone] - self.bodies[:, kept]) ** 2).sum())
        return error + BONE_PRICE * 1e4 * apart + 1e-3 * length

    def allowed(self, gone: int, kept: int) -> bool:
        """The surface stays a closed surface, the midline on the midline, and nothing turns over."""
        if self.mirror[gone] == gone and self.mirror[kept] != kept:
            return False
        common = self.neighbours(gone) & self.neighbours(kept)
        if len(common) != 2:
            return False
        for i in self.around[gone]:
            face = self.faces[i]
            if kept in face:
                continue
            before = self.bodies[0][list(face)]
            after = self.bodies[0][[kept if v == gone else v for v in face]]
            m, n = (np.cross(c[1] - c[0], c[2] - c[0]) for c in (before, after))
            if m @ n < FLIP * np.linalg.norm(m) * np.linalg.norm(n):
                return False
        return True

    def collapse(self, gone: int, kept: int) -> None:
        for i in list(self.around[gone]):
            face = self.faces[i]
            if kept in face:
                del self.faces[i]
                for vertex in face:
                    self.around[vertex].discard(i)
            else:
                a, b, c = (kept if v == gone else v for v in face)
                self.faces[i] = (a, b, c)
                self.around[kept].add(i)
        del self.around[gone]
        self.quadrics[:, kept] += self.quadrics[:, gone]

    def run(self, triangles: int) -> None:
        heap: list[tuple[float, int, int]] = []
        for vertex in self.around:
            for other in self.neighbours(vertex):
                heapq.heappush(heap, (self.cost(vertex, other), vertex, other))
        while len(self.faces) > triangles and heap:
            price, gone, kept = heapq.heappop(heap)
            if gone not in self.around or kept not in self.neighbours(gone):
                continue
            now = self.cost(gone, kept)
            if now > price * (1.0 + 1e-9) + 1e-15:
                heapq.heappush(heap, (now, gone, kept))
                continue
            other, other_kept = int(self.mirror[gone]), int(self.mirror[kept])
            if other != gone and (other in self.neighbours(gone) or other_kept == gone):
                continue
            if not self.allowed(gone, kept):
                continue
            self.collapse(gone, kept)
            if other != gone:
                self.collapse(other, other_kept)
            for end in {kept, other_kept}:
                for near in self.neighbours(end):
                    heapq.heappush(heap, (self.cost(end, near), end, near))
                    heapq.heappush(heap, (self.cost(near, end), near, end))


def main() -> int:
    """Command line."""
    reduction = Reduction()
    reduction.run(TRIANGLES)
    faces = np.array([reduction.faces[i] for i in sorted(reduction.faces)])
    vertices = np.unique(faces)
    np.savez_compressed(
        TARGET,
        vertices=vertices.astype(np.uint16),
        faces=np.searchsorted(vertices, faces).astype(np.uint16),
    )
    print(f"{TARGET}: {len(vertices)} vertices, {len(faces)} triangles, {TARGET.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
