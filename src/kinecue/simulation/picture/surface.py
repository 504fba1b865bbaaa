"""Surfaces of quads: normals, smoothing, and cutting along the zero of a field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def vertex_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """(V, 3) unit normals, area-weighted means of the adjoining faces; zero for a vertex without a face."""
    a, b, c, d = (vertices[faces[:, i]] for i in range(4))
    across = np.cross(c - a, d - b)
    normals = np.zeros_like(vertices)
    for i in range(4):
        np.add.at(normals, faces[:, i], across)
    result: FloatArray = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return result


def _edges(faces: IntArray) -> IntArray:
    """(E, 2) every edge of every face, in both directions."""
    edges = np.concatenate([faces[:, [i, (i + 1) % 4]] for i in range(4)])
    return np.concatenate([edges, edges[:, ::-1]])


def smoothed(vertices: FloatArray, faces: IntArray, rounds: int) -> FloatArray:
    """Laplacian smoothing: `rounds` times, every vertex of `faces` moves halfway to its neighbours' mean."""
    edges = _edges(faces)
    count = np.bincount(edges[:, 0], minlength=len(vertices))[:, None]
    result = vertices.copy()
    for _ in range(rounds):
        total = np.zeros_like(result)
        np.add.at(total, edges[:, 0], result[edges[:, 1]])
        result = np.where(count > 0, 0.5 * result + 0.5 * total / np.maximum(count, 1), result)
    return result


def trimmed(
    vertices: FloatArray, weights: NDArray[np.float32], faces: IntArray, field: FloatArray
) -> tuple[FloatArray, NDArray[np.float32], IntArray]:
    """Cut a surface where a field over its vertices is zero; what has a positive field stays.

    The faces that the zero crosses stay whole: their outer vertices are drawn in to it along their edges.

    Args:
        vertices: (V, 3), m.
        weights: (V, J) shares of the bones.
        faces: (F, 4).
        field: (V,).

    Returns:
        Vertices and weights as given but for the moved ones, and the (G, 4) faces that stay.
    """
    kept = faces[(field[faces] > 0.0).any(1)]
    edges = _edges(kept)
    edges = edges[(field[edges[:, 0]] <= 0.0) & (field[edges[:, 1]] > 0.0)]
    outer, inner = edges[:, 0], edges[:, 1]
    share = (field[inner] / (field[inner] - field[outer]))[:, None]
    count = np.bincount(outer, minlength=len(vertices))[:, None]
    moved = np.zeros_like(vertices)
    np.add.at(moved, outer, vertices[inner] + share * (vertices[outer] - vertices[inner]))
    mixed = np.zeros(weights.shape)
    np.add.at(mixed, outer, weights[inner] + share * (weights[outer] - weights[inner]))
    safe = np.maximum(count, 1)
    surface: FloatArray = np.where(count > 0, moved / safe, vertices)
    carried: NDArray[np.float32] = np.where(count > 0, mixed / safe, weights).astype(np.float32)
    # a corner whose neighbours are all outside has nothing to be drawn to: it goes where the rest of its face
    # goes
    stuck = (field[kept] <= 0.0) & (count[kept, 0] == 0)
    for face, corner in zip(*np.where(stuck), strict=True):
        others = kept[face, ~stuck[face]]
        row = kept[face, corner]
        surface[row], carried[row] = surface[others].mean(0), carried[others].mean(0)
    return surface, carried, kept
