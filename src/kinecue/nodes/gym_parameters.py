"""Parameters of the simulated gym, by which it stands in for a camera."""

from __future__ import annotations

from kinecue.nodes.parameters import Parameters, ParameterSpec
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.picture.lights import LIGHTS
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.programmes import DISTANCE_RANGE, PROGRAMMES, Programme
from kinecue.simulation.request import CAMERA_NAMES, Request

SIMULATED = "simulated"
"""The source that is the gym."""

GYM_PARAMETERS = (
    ParameterSpec(
        "simulated_programme",
        "",
        "A ready-made programme; empty = as the following parameters say.",
        choices=("", *PROGRAMMES),
    ),
    ParameterSpec("simulated_exercise", "squat", "What is performed.", choices=tuple(EXERCISES)),
    ParameterSpec("simulated_athlete", "average_man", "By whom.", choices=tuple(ATHLETES)),
    ParameterSpec("simulated_outfit", "training", "In what.", choices=tuple(OUTFITS)),
    ParameterSpec(
        "simulated_faults",
        "",
        "NAME=MAGNITUDE[:reps=1,3-5][:side=left], several with ';' between; degrees, cm or percent.",
    ),
    ParameterSpec("simulated_repetitions", 8, "How many.", low=0, high=100),
    ParameterSpec(
        "simulated_approach", "none", "How the athlete gets there.", choices=("none", "ready", "walk")
    ),
    ParameterSpec(
        "simulated_view_deg", 35.0, "0 sees the face, 90 the left side [degrees].", low=-180.0, high=180.0
    ),
    ParameterSpec(
        "simulated_distance",
        0.0,
        f"Camera to athlete, {DISTANCE_RANGE[0]:g} to {DISTANCE_RANGE[1]:g} [m]; 0 = the whole movement just fits.",
        low=0.0,
        high=DISTANCE_RANGE[1],
    ),
    ParameterSpec("simulated_camera", "plain", "Lens and sensor.", choices=CAMERA_NAMES),
    ParameterSpec("simulated_height", 1.05, "Camera over the floor [m].", low=0.02, high=10.0),
    ParameterSpec("simulated_tilt_deg", 3.0, "Positive looks down [degrees].", low=-90.0, high=90.0),
    ParameterSpec("simulated_light", "bright", "The lamps.", choices=tuple(LIGHTS)),
    ParameterSpec("simulated_seed", 0, "Of all chance.", low=0, high=2**31 - 1),
    ParameterSpec(
        "simulated_prerender",
        False,
        "Render everything before the first frame, for computers that cannot do so live; kept for the next time.",
    ),
    ParameterSpec(
        "simulated_base_frame", "machine_base_link", "Frame of the truth: floor under the camera, x ahead."
    ),
)


def gym_programme(parameters: Parameters) -> Programme:
    """What the parameters ask for.

    Raises:
        KineCueError: a fault is wrong; names what is allowed.
    """
    p = parameters
    if p["simulated_programme"]:
        return PROGRAMMES[p["simulated_programme"]]
    return Request(
        exercise=p["simulated_exercise"],
        athlete=p["simulated_athlete"],
        outfit=p["simulated_outfit"],
        views=(p["simulated_view_deg"],),
        faults=tuple(text.strip() for text in p["simulated_faults"].split(";") if text.strip()),
        repetitions=p["simulated_repetitions"],
        approach=p["simulated_approach"],
        camera=p["simulated_camera"],
        distance=p["simulated_distance"],
        height=p["simulated_height"],
        tilt=p["simulated_tilt_deg"],
        light=p["simulated_light"],
        seed=p["simulated_seed"],
    ).programme()
