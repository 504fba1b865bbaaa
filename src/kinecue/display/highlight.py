"""Which bones of a skeleton a fault's body part means."""

from __future__ import annotations

from kinecue.body.landmarks import Topology
from kinecue.exercise.results import Side

_PARTS: dict[str, tuple[str, ...]] = {
    "knees": ("knee",),
    "knee": ("knee",),
    "legs": ("knee", "hip_knee"),
    "hips": ("hip",),
    "chest": ("shoulder_hip", "shoulder_shoulder"),
    "back": ("shoulder_hip",),
    "body": ("shoulder_hip", "shoulder_shoulder"),
    "trunk": ("shoulder_hip", "shoulder_shoulder"),
    "heels": ("heel",),
    "feet": ("heel",),
    "toes": ("heel",),
    "shoulders": ("shoulder_shoulder", "shoulder_elbow"),
    "head": ("shoulder_shoulder",),
    "elbows": ("elbow",),
    "arms": ("elbow",),
    "forearms": ("elbow_wrist",),
    "hands": ("elbow_wrist",),
}


def highlighted_bones(topology: Topology, body_part: str, side: Side) -> list[int]:
    """Rows of `topology.bones` that belong to a body part (``knees``, ``chest`` ...) on a side; empty if unknown."""
    patterns = _PARTS.get(body_part, ())
    wanted = {Side.LEFT: "left", Side.RIGHT: "right"}.get(side)
    rows = []
    for i, (a, b) in enumerate(topology.bones):
        if wanted is not None and not (a.value.startswith(wanted) or b.value.startswith(wanted)):
            continue
        joint_a, joint_b = (end.value.replace("left_", "").replace("right_", "") for end in (a, b))
        for pattern in patterns:
            ends = pattern.split("_")
            if (len(ends) == 1 and pattern in (joint_a, joint_b)) or sorted(ends) == sorted(
                (joint_a, joint_b)
            ):
                rows.append(i)
                break
    return rows
