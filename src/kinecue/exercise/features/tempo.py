"""Features of a whole movement: how long its parts took and how fast it was. `judge: end` can judge them.

Their standard deviations come from the frame rate and from the uncertainty of progress: see `kinecue.exercise.tempo`.
"""

from __future__ import annotations

from kinecue.exercise.features.registry import of_movement

of_movement("eccentric_time", "s", "Time of the phase that lowers the load.", floor=0.05)
of_movement("concentric_time", "s", "Time of the phase that lifts the load.", floor=0.05)
of_movement("pause_time", "s", "Time at rest at the turning point.", floor=0.07)
of_movement("repetition_time", "s", "Time from leaving the start position to being back in it.", floor=0.07)
of_movement(
    "eccentric_share",
    "1",
    "Time of the phase that lowers the load over that of both phases: 0.5 as fast down as up, smaller faster down.",
    floor=0.03,
)
of_movement(
    "eccentric_peak_speed",
    "1/s",
    "Greatest speed of progress while the load is lowered, in full ranges per second.",
    floor=0.1,
)
of_movement(
    "concentric_peak_speed",
    "1/s",
    "Greatest speed of progress while the load is lifted, in full ranges per second.",
    floor=0.1,
)
of_movement(
    "concentric_mean_speed",
    "1/s",
    "Mean speed of progress while the load is lifted, in full ranges per second.",
    floor=0.07,
)
of_movement(
    "outward_first_third",
    "1",
    "Share of the time of the way out that its first third takes: about 0.4 in a smooth movement (minimum jerk, Flash "
    "and Hogan 1985), smaller with a jerked start.",
    floor=0.04,
)
