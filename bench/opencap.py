"""Joint angles from optical markers against OpenSim's inverse kinematics, on the OpenCap laboratory trials.

The same angles in four ways, so that it shows where a difference comes from:

- ``model``: each segment's frame where OpenSim's scaled model has it against the markers (one segment at a time, without
  joints), our angles between them. Same anatomical zero as the reference: this compares the angles.
- ``isb``: frames from anatomical landmarks alone (Wu 2002). Nothing of the OpenSim model is used; zeros differ, because an
  OpenSim pelvis is not level with its spines.
- ``isb_static``: the same less its constant difference in the static trial.
- ``scoring``: the features that exercises are scored by, from joint centres alone, against the sums of OpenSim's angles that
  they stand for.

Ankles: dorsiflexion is the angle between the long axes of shank and foot, as the scoring has it. Flexion in the joint
coordinate system (``ankle_flexion_jcs``) takes part of the foot's inversion with it where the toes point outward, and
OpenSim's foot, held by a subtalar joint, pitches by 14 to 21 degrees in a squat in which the foot's markers turn by 6.

What squats and sit-to-stand lack (inner knee and ankle markers) is carried over from the static trial in the marker clusters
of the segments, as gait laboratories do (CAST, Cappozzo 1995).
"""

from __future__ import annotations

import gzip
import json
import math
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from kinecue.body import anatomy, angles
from kinecue.body.trc import MarkerTrial, load_trc

FloatArray = NDArray[np.float64]

TRIALS = ("squats1", "STS1")
STATIC = "static1"
UP = np.array([0.0, 1.0, 0.0])

_SIDES: tuple[tuple[str, float], ...] = (("l", anatomy.LEFT), ("r", anatomy.RIGHT))
# Markers of a segment that hold still against the bone, by side; the rest is what the static trial adds to them.
_CLUSTERS: dict[str, dict[str, tuple[str, ...]]] = {
    "thigh": {
        "l": ("L_HJC", "L_thigh1", "L_thigh2", "L_thigh3", "L_thigh4", "L_knee"),
        "r": ("R_HJC", "r_thigh1", "r_thigh2", "r_thigh3", "r_thigh4", "r_knee"),
    },
    "shank": {
        "l": ("L_knee", "L_sh2", "L_sh3", "L_shank_antsup", "L_ankle"),
        "r": ("r_knee", "r_sh2", "r_sh3", "r_sh4", "r_shank_antsup", "r_ankle"),
    },
}


def load_mot(path: Path) -> dict[str, FloatArray]:
    """Columns of an OpenSim motion file in radians."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    end = next(i for i, line in enumerate(lines) if line.strip() == "endheader")
    if not any(line.replace(" ", "") == "inDegrees=no" for line in lines[:end]):
        raise ValueError(f"{path}: expected a motion in radians")
    table = np.array([[float(v) for v in line.split()] for line in lines[end + 2 :]])
    return dict(zip(lines[end + 1].split(), table.T, strict=True))


class Static:
    """Where the inner knee and ankle markers are in the clusters of thigh and shank."""

    def __init__(self, trial: MarkerTrial) -> None:
        middle = {name: np.nanmedian(trial.marker(name), axis=0) for name in trial.names}
        self.clusters: dict[tuple[str, str], FloatArray] = {}
        self.places: dict[tuple[str, str], FloatArray] = {}
        for side, prefix in (("l", "L"), ("r", "r")):
            for segment, wanted in (
                ("thigh", (f"{prefix}_knee", f"{prefix}_mknee")),
                ("shank", (f"{prefix}_knee", f"{prefix}_mknee", f"{prefix}_ankle", f"{prefix}_mankle")),
            ):
                self.clusters[segment, side] = np.stack([middle[n] for n in _CLUSTERS[segment][side]])
                self.places[segment, side] = np.stack([middle[n] for n in wanted])

    def carried(self, trial: MarkerTrial, segment: str, side: str) -> FloatArray:
        """(T, k, 3) outer and inner knee, and for the shank outer and inner ankle."""
        rotation, translation = rigid(self.clusters[segment, side], trial.markers(_CLUSTERS[segment][side]))
        return self.places[segment, side] @ np.swapaxes(rotation, -1, -2) + translation[:, None]


def rigid(model: FloatArray, seen: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rotations (T, 3, 3) and translations (T, 3) that carry (k, 3) points nearest to (T, k, 3) ones (Kabsch)."""
    a, b = model.mean(0), seen.mean(1)
    h = (model - a).T @ (seen - b[:, None])
    u, _, vt = np.linalg.svd(h)
    sign = np.ones((len(seen), 3))
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = np.swapaxes(vt, -1, -2) * sign[:, None] @ np.swapaxes(u, -1, -2)
    return rotation, b - np.einsum("tij,j->ti", rotation, a)


def _ordered(outer: FloatArray, inner: FloatArray, side: str) -> tuple[FloatArray, FloatArray]:
    """Left and right one of a pair."""
    return (outer, inner) if side == "l" else (inner, outer)


def isb_angles(trial: MarkerTrial, static: Static) -> dict[str, FloatArray]:
    """Angles between ISB frames of anatomical landmarks, rad."""
    m = trial.marker
    frames = {
        "pelvis": anatomy.pelvis_frame(m("L.ASIS"), m("r.ASIS"), m("L.PSIS"), m("r.PSIS")),
        "torso": anatomy.thorax_frame(
            0.5 * (m("L.PSIS") + m("r.PSIS")),
            0.5 * (m("L_Shoulder") + m("R_Shoulder")),
            m("R_Shoulder") - m("L_Shoulder"),
        ),
    }
    for side, prefix in (("l", "L"), ("r", "r")):
        knees, low = static.carried(trial, "thigh", side), static.carried(trial, "shank", side)
        frames[f"femur_{side}"] = anatomy.thigh_frame(
            m(f"{prefix.upper()}_HJC"), *_ordered(knees[:, 0], knees[:, 1], side)
        )
        frames[f"tibia_{side}"] = shank = anatomy.shank_frame(
            low[:, :2].mean(1), *_ordered(low[:, 2], low[:, 3], side)
        )
        frames[f"calcn_{side}"] = anatomy.foot_frame(m(f"{prefix}_calc"), m(f"{prefix}_toe"), shank[..., 2])
    return _between(frames)


def model_angles(trial: MarkerTrial, model: ET.Element) -> dict[str, FloatArray]:
    """Angles between segments that lie where the OpenSim model has them against the markers, rad."""
    places: dict[str, dict[str, FloatArray]] = {}
    for marker in model.iter("Marker"):
        body = marker.findtext("socket_parent_frame", "").split("/")[-1]
        name = marker.get("name", "")
        if name in trial:
            places.setdefault(body, {})[name] = _vector(marker, "location")
    frames: dict[str, FloatArray] = {}
    for body in ("pelvis", "femur_l", "femur_r", "tibia_l", "tibia_r", "calcn_l", "calcn_r"):
        known, seen = np.stack(list(places[body].values())), trial.markers(list(places[body]))
        frames[body], shift = rigid(known, seen)
        if body == "pelvis":
            on_pelvis, on_torso = _offsets(model, "back", "translation")
            lumbar = frames[body] @ on_pelvis + shift
    # the torso turns about its joint on the pelvis: one more point of it
    known = np.stack([*places["torso"].values(), on_torso])
    seen = np.concatenate([trial.markers(list(places["torso"])), lumbar[:, None]], 1)
    frames["torso"], _ = rigid(known, seen)
    return _between(frames)


def _between(frames: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    trunk = anatomy.joint_angles(frames["pelvis"], frames["torso"])
    result = {
        "pelvis_tilt": anatomy.orientation(frames["pelvis"], UP).tilt,
        "trunk_flexion": -trunk.flexion,
        "trunk_bending": trunk.adduction,
        "trunk_rotation": trunk.rotation,
    }
    for side, sign in _SIDES:
        hip = anatomy.joint_angles(frames["pelvis"], frames[f"femur_{side}"], sign)
        knee = anatomy.joint_angles(frames[f"femur_{side}"], frames[f"tibia_{side}"], sign)
        ankle = anatomy.joint_angles(frames[f"tibia_{side}"], frames[f"calcn_{side}"], sign)
        result[f"hip_flexion_{side}"] = hip.flexion
        result[f"hip_adduction_{side}"] = hip.adduction
        result[f"hip_rotation_{side}"] = hip.rotation
        result[f"knee_flexion_{side}"] = -knee.flexion
        result[f"ankle_flexion_jcs_{side}"] = ankle.flexion
        result[f"ankle_dorsiflexion_{side}"] = _dorsiflexion(frames[f"tibia_{side}"], frames[f"calcn_{side}"])
        result[f"shank_lean_{side}"] = anatomy.orientation(frames[f"tibia_{side}"], UP).tilt
        result[f"foot_pitch_{side}"] = anatomy.orientation(frames[f"calcn_{side}"], UP).tilt
    return result


def _dorsiflexion(shank: FloatArray, foot: FloatArray) -> FloatArray:
    """Between the long axes of shank (y) and foot (x), as `kinecue.body.angles.dorsiflexion` has it."""
    result: FloatArray = np.arcsin((shank[..., 1] * foot[..., 0]).sum(-1))
    return result


def reference_angles(motion: Mapping[str, FloatArray], model: ET.Element) -> dict[str, FloatArray]:
    """OpenSim's angles under the names and signs of ours, rad."""
    result = {
        "pelvis_tilt": -motion["pelvis_tilt"],
        "trunk_flexion": -motion["lumbar_extension"],
        "trunk_bending": motion["lumbar_bending"],
        "trunk_rotation": motion["lumbar_rotation"],
    }
    pelvis = _turned(motion, "pelvis_tilt", "pelvis_list", "pelvis_rotation", 1.0)
    for side, sign in _SIDES:
        for angle in ("flexion", "adduction", "rotation"):
            result[f"hip_{angle}_{side}"] = motion[f"hip_{angle}_{side}"]
        result[f"knee_flexion_{side}"] = motion[f"knee_angle_{side}"]
        # its ankle and subtalar joint turn about oblique axes: what both together do to the foot is dorsiflexion
        foot = _pin(model, f"ankle_{side}", motion) @ _pin(model, f"subtalar_{side}", motion)
        result[f"ankle_flexion_jcs_{side}"] = anatomy.joint_angles(np.eye(3), foot, sign).flexion
        result[f"ankle_dorsiflexion_{side}"] = _dorsiflexion(np.eye(3), foot)
        thigh = pelvis @ _turned(
            motion, f"hip_flexion_{side}", f"hip_adduction_{side}", f"hip_rotation_{side}", sign
        )
        shank = thigh @ _about(2, -motion[f"knee_angle_{side}"])
        result[f"shank_lean_{side}"] = anatomy.orientation(shank, UP).tilt
        result[f"foot_pitch_{side}"] = anatomy.orientation(shank @ foot, UP).tilt
    return result


def scoring_angles(trial: MarkerTrial, static: Static) -> dict[str, FloatArray]:
    """The features of exercise files from joint centres alone, rad, under the names of `scoring_reference`."""
    turned = trial.z_up()
    m = turned.marker
    hips = m("L_HJC"), m("R_HJC")
    left, forward = angles.body_axes(*hips)
    middle, shoulders = 0.5 * (hips[0] + hips[1]), 0.5 * (m("L_Shoulder") + m("R_Shoulder"))
    result = {"trunk_lean": angles.trunk_lean(middle, shoulders, forward)}
    for side, hip in zip("lr", hips, strict=True):
        knee = static.carried(turned, "thigh", side).mean(1)
        ankle = static.carried(turned, "shank", side)[:, 2:].mean(1)
        result[f"knee_flexion_{side}"] = angles.flexion(hip, knee, ankle)
        result[f"hip_flexion_{side}"] = angles.sagittal_flexion(shoulders - middle, knee - hip, left)
        result[f"shank_tilt_{side}"] = angles.sagittal_tilt(knee - ankle, forward)
        sign = 1.0 if side == "l" else -1.0
        line = hips[0] - hips[1]
        line = line / np.linalg.norm(line, axis=-1, keepdims=True)
        result[f"hip_adduction_{side}"] = angles.adduction(hip, knee, line, sign)
        prefix = "L" if side == "l" else "r"
        result[f"ankle_dorsiflexion_{side}"] = angles.dorsiflexion(
            knee, ankle, m(f"{prefix}_calc"), m(f"{prefix}_toe")
        )
    return result


def scoring_reference(motion: Mapping[str, FloatArray], model: ET.Element) -> dict[str, FloatArray]:
    """What the features stand for in OpenSim's angles: hip flexion there is thigh against trunk."""
    segments = reference_angles(motion, model)
    result = {"trunk_lean": -(motion["pelvis_tilt"] + motion["lumbar_extension"])}
    for side, _ in _SIDES:
        result[f"knee_flexion_{side}"] = motion[f"knee_angle_{side}"]
        result[f"hip_flexion_{side}"] = motion[f"hip_flexion_{side}"] - motion["lumbar_extension"]
        result[f"hip_adduction_{side}"] = motion[f"hip_adduction_{side}"]
        result[f"shank_tilt_{side}"] = segments[f"shank_lean_{side}"]
        result[f"ankle_dorsiflexion_{side}"] = segments[f"ankle_dorsiflexion_{side}"]
    return result


def measure(data_dir: Path) -> dict[str, Any]:
    """All comparisons.

    Returns:
        ``opencap_rmse_deg`` and ``opencap_r`` by joint: the ``model`` variant, both sides and trials together (r: the
        lowest of them); ``opencap`` [trial][variant][angle] {rmse_deg, bias_deg, r, range_deg (OpenSim's),
        own_range_deg, missing (frames)}.
    """
    model = ET.fromstring(gzip.decompress((data_dir / "optimized_scale_and_markers.osim.gz").read_bytes()))
    standing = load_trc(data_dir / f"{STATIC}.trc.gz")
    static = Static(standing)
    still = isb_angles(standing, static)
    still_reference = reference_angles(load_mot(data_dir / f"{STATIC}_ik.mot.gz"), model)
    trials: dict[str, Any] = {}
    for trial_name in TRIALS:
        trial = load_trc(data_dir / f"{trial_name}.trc.gz")
        motion = load_mot(data_dir / f"{trial_name}_ik.mot.gz")
        reference = reference_angles(motion, model)
        isb = isb_angles(trial, static)
        fixed = {name: v - np.nanmean(still[name] - still_reference[name]) for name, v in isb.items()}
        trials[trial_name] = {
            "model": _compare(model_angles(trial, model), reference),
            "isb": _compare(isb, reference),
            "isb_static": _compare(fixed, reference),
            "scoring": _compare(scoring_angles(trial, static), scoring_reference(motion, model)),
        }
    joints: dict[str, list[dict[str, float]]] = {}
    for variants in trials.values():
        for name, row in variants["model"].items():
            joints.setdefault(name.removesuffix("_l").removesuffix("_r"), []).append(row)
    return {
        "opencap_rmse_deg": {
            name: round(math.sqrt(float(np.mean([row["rmse_deg"] ** 2 for row in rows]))), 3)
            for name, rows in joints.items()
        },
        "opencap_r": {name: min(row["r"] for row in rows) for name, rows in joints.items()},
        "opencap": trials,
    }


def table(result: Mapping[str, Any]) -> Table:
    """RMSE and r of every angle, variant and trial."""
    trials = result["opencap"]
    view = Table(title="Angles from markers against OpenSim: RMSE (bias) in degrees, r")
    view.add_column("trial")
    view.add_column("angle")
    view.add_column("range", justify="right")
    variants = ("model", "isb", "isb_static", "scoring")
    for variant in variants:
        view.add_column(variant, justify="right")
    for trial, found in trials.items():
        for name in dict.fromkeys(name for variant in variants for name in found[variant]):
            cells = []
            for variant in variants:
                row = found[variant].get(name)
                cells.append(f"{row['rmse_deg']:.1f} ({row['bias_deg']:+.1f}) {row['r']:.3f}" if row else "")
            span = next(found[v][name]["range_deg"] for v in variants if name in found[v])
            view.add_row(trial, name, f"{span:.0f}", *cells)
    return view


def _compare(ours: Mapping[str, FloatArray], reference: Mapping[str, FloatArray]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, values in ours.items():
        both = np.isfinite(values) & np.isfinite(reference[name])
        a, b = np.degrees(values[both]), np.degrees(reference[name][both])
        result[name] = {
            "rmse_deg": round(float(np.sqrt(((a - b) ** 2).mean())), 3),
            "bias_deg": round(float((a - b).mean()), 3),
            "r": round(float(np.corrcoef(a, b)[0, 1]), 4),
            "range_deg": round(float(np.ptp(b)), 1),
            "own_range_deg": round(float(np.ptp(a)), 1),
            "missing": int((~both).sum()),
        }
    return result


def _vector(element: ET.Element, name: str) -> FloatArray:
    return np.array([float(v) for v in element.findtext(name, "").split()])


def _offsets(model: ET.Element, joint: str, what: str) -> tuple[FloatArray, FloatArray]:
    """`what` of the frames that a joint has on its parent and its child."""
    for tag in ("CustomJoint", "PinJoint"):
        for element in model.iter(tag):
            if element.get("name") == joint:
                parent, child = (_vector(frame, what) for frame in element.iter("PhysicalOffsetFrame"))
                return parent, child
    raise KeyError(f"the OpenSim model has no joint {joint}")


def _about(axis: int, angle: FloatArray) -> FloatArray:
    """(T, 3, 3) rotations about a coordinate axis."""
    result = np.zeros((*np.shape(angle), 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    result[..., axis, axis] = 1.0
    result[..., a, a] = result[..., b, b] = np.cos(angle)
    result[..., b, a] = np.sin(angle)
    result[..., a, b] = -np.sin(angle)
    return result


def _turned(
    motion: Mapping[str, FloatArray], flexion: str, adduction: str, rotation: str, sign: float
) -> FloatArray:
    return (
        _about(2, motion[flexion]) @ _about(0, sign * motion[adduction]) @ _about(1, sign * motion[rotation])
    )


def _pin(model: ET.Element, joint: str, motion: Mapping[str, FloatArray]) -> FloatArray:
    """(T, 3, 3) rotations of a pin joint of the model: about z of its frames, whose angles are body-fixed X-Y-Z."""
    first, last = (
        _about(0, v[0]) @ _about(1, v[1]) @ _about(2, v[2]) for v in _offsets(model, joint, "orientation")
    )
    side = joint[-1]
    return first @ _about(2, motion[f"{joint.removesuffix('_' + side)}_angle_{side}"]) @ last.T


def main() -> None:
    """Prints the table; writes JSON to the file named, if one is."""
    data = Path(__file__).resolve().parents[2] / "shared" / "data" / "opencap"
    console = Console(width=140)
    if not data.is_dir():
        console.print(f"skipped: {data} is not there")
        return
    result = measure(data)
    console.print(table(result))
    console.print({name: (v, result["opencap_r"][name]) for name, v in result["opencap_rmse_deg"].items()})
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
