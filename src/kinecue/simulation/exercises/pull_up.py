"""The pull-up, overhand, from a dead hang until the chin is over the bar."""

from __future__ import annotations

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.floor_common import natural, solved_controls, started_well
from kinecue.simulation.gear.floor import PullUpBar
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import END_RANGE, JERK, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Contact, Course, Exercise, Technique

HANG = deg(4.0)
"""Elbow flexion in the dead hang."""
GRIP_WIDTH = 1.75
"""Distance of the hands over that of the shoulder joints: wider than the shoulders (NSCA)."""
EARS_AT_TOP = 0.06
"""Ears over the bar at the top, at the stock body's size, m: the chin of a head that looks up is 3 cm lower."""
LEAN_AT_TOP = deg(-17.0)
"""The trunk leans back so that the chest comes to the bar and the bar passes the face (engineering judgement)."""
CLEARANCE = 0.10
"""Under the feet of the hanging body, m."""

PULL_UP_FAULTS = {
    "short_top": FaultKind(
        "rad", deg(60.0), "elbow flexion that is missing at the top: the chin stays under the bar",
        "elbow_flexion", -1.0, TURN_RANGE,
    ),
    "no_lockout": FaultKind(
        "rad", deg(60.0), "elbow flexion that is left at the bottom", "elbow_flexion", 1.0, END_RANGE
    ),
    "swing": FaultKind(
        "rad", deg(16.0), "the body swings forward under the bar", "hang_angle", when="out",
        targets={"hang_angle": 1.0, "trunk_lean": -0.8},
    ),
    "kipping": FaultKind(
        "rad", deg(60.0), "hip flexion: the legs are thrown up on the way up", "hip_flexion", when="out",
        targets={"hip_flexion": 1.0, "knee_flexion": 0.6},
    ),
    "uneven": FaultKind("rad", deg(16.0), "left elbow flexion minus right", "elbow_flexion_asymmetry"),
    "shrugged": FaultKind("m", 0.04, "shoulders drawn up to the ears at the top", "shrug"),
    "jerked_start": FaultKind("1", 0.45, "share of the time that the first third of the way lacks", way=JERK, stage="out"),
    "too_fast_down": FaultKind("1", 0.7, "share of the time that the way down lacks", way=TEMPO, stage="back"),
}  # fmt: skip


def technique(athlete: Athlete) -> Technique:
    """The centre of mass stays under the bar; the elbows go down and a little ahead, shoulder blades first."""
    scale = athlete.scale
    rig = Rig.both(ArmRig("grip", pole=(0.45, 1.0, -0.5)), legs="free")
    hands = GRIP_WIDTH * athlete.lengths.shoulders / 2.0
    bar = 1.3 * athlete.stature
    controls: dict[str, float] = {
        "pelvis_z": bar - 1.05 * scale,
        "hand_out": hands,
        "hand_z": bar,
        "hip_flexion": deg(5.0),
        "hip_abduction": deg(0.5),
        "knee_flexion": deg(24.0),
        "ankle_flexion": deg(28.0),
        "neck_flexion": deg(-6.0),
        "shrug": deg(7.0),
        "grip": 1.0,
    }
    body = ("pelvis_x", "pelvis_z", "pelvis_pitch")
    hang = solved_controls(
        athlete, rig, controls, body, {"elbow_flexion": HANG, "trunk_lean": deg(1.0), "hang_angle": 0.0}
    )
    toes = Skeleton(athlete).figure(hang, rig).points["toe_l"][0, 2]
    lift = CLEARANCE + 0.03 * scale - float(toes)
    hang["hand_z"] += lift
    hang["pelvis_z"] += lift
    pulled = {
        "neck_flexion": deg(-18.0),
        "shrug": deg(-7.0),
        "hip_flexion": deg(9.0),
        "knee_flexion": deg(30.0),
    }
    top = solved_controls(
        athlete,
        rig,
        {
            **hang,
            **pulled,
            "pelvis_x": -0.1 * scale,
            "pelvis_z": hang["pelvis_z"] + 0.5 * scale,
            "pelvis_pitch": LEAN_AT_TOP,
        },
        body,
        {"head_over_grip": EARS_AT_TOP * scale, "trunk_lean": LEAN_AT_TOP, "hang_angle": 0.0},
    )
    flexed = float(measures.value("elbow_flexion", Skeleton(athlete).figure(top, rig))[0])
    result = Technique(
        rig=rig,
        controls={
            **{name: Course({0.0: hang[name], 1.0: top[name]}) for name in hang},
            # shoulder blades down before the elbows bend
            "shrug": Course({0.0: hang["shrug"], 0.35: deg(-4.0), 1.0: pulled["shrug"]}),
        },
        goals={
            "elbow_flexion": Course({0.0: HANG, 1.0: flexed}),
            "elbow_flexion_asymmetry": 0.0,
            "trunk_lean": Course({0.0: deg(1.0), 0.4: deg(-7.0), 1.0: LEAN_AT_TOP}),
            "hang_angle": 0.0,
            "trunk_lateral_lean": 0.0,
        },
        by=(*body, "pelvis_y", "pelvis_roll"),
        sway={
            "hang_angle": deg(0.7),
            "trunk_lean": deg(0.7),
            "trunk_lateral_lean": deg(0.5),
            "hip_flexion": deg(1.5),
        },
        contacts=tuple(Contact(f"grip_{side}", "bar") for side in "lr"),
        equipment=PullUpBar(athlete, hang["hand_z"], hands),
    )
    blades = result.controls.pop("shrug")
    result.controls.update(shrug_l=blades, shrug_r=blades)
    started_well(athlete, result)
    shrug = natural(athlete, result, "shrug")
    result.goals.update(shrug_left=shrug, shrug_right=shrug)
    result.by = (*result.by, "shrug_l", "shrug_r")
    return result


PULL_UP = Exercise(
    "pull_up",
    "Pull-up",
    PULL_UP_FAULTS,
    Tempo(1.2, 0.25, 1.6, 0.6),
    technique,
    dict(CONCENTRIC_FIRST),
    posture="hanging",
)
