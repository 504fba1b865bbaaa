"""Messages as the graph sends them, with values that are right unless a test changes them."""

from __future__ import annotations

import math
import time
from typing import Any

from kinecue.nodes.base import ns_to_stamp
from kinecue_msgs import msg

EXERCISE = "squat"


def header(stamp_ns: int, frame_id: str = "machine_base_link") -> Any:
    """A header with an acquisition stamp."""
    from kinecue.nodes import conversions

    return conversions.header(stamp_ns, frame_id)


def form(stamp_ns: int, phase: int = msg.FormState.PHASE_BOTTOM, **fields: Any) -> msg.FormState:
    """A scored frame in the third repetition."""
    values: dict[str, Any] = {
        "body_id": "aaaaa",
        "exercise": EXERCISE,
        "phase": phase,
        "progress": 0.9,
        "progress_std": 0.02,
        "speed": 0.1,
        "repetition": 3,
        "counted": 2,
        "d": 0.4,
    }
    return msg.FormState(header=header(stamp_ns), **{**values, **fields})


def fault(stamp_ns: int, **fields: Any) -> msg.FormFault:
    """Knees in, in the third repetition."""
    measured = msg.JointAngle(
        name="knee_separation_ratio",
        side=msg.JointAngle.SIDE_BOTH,
        unit="1",
        value=0.6,
        std=0.05,
        validity=msg.JointAngle.VALID,
    )
    values: dict[str, Any] = {
        "id": "squat/3/knees_in/1",
        "name": "knees_in",
        "body_id": "aaaaa",
        "exercise": EXERCISE,
        "onset": ns_to_stamp(stamp_ns - 100_000_000),
        "phase": msg.FormState.PHASE_BOTTOM,
        "repetition": 3,
        "severity": msg.FormFault.SEVERITY_RISK,
        "probability": 0.95,
        "magnitude": 1.4,
        "measured": measured,
        "limit": 0.9,
        "correction": "knees_out",
        "body_part": "knees",
        "say_in": [msg.FormState.PHASE_BOTTOM],
    }
    return msg.FormFault(header=header(stamp_ns), **{**values, **fields})


def summary(stamp_ns: int, active: bool = True, **fields: Any) -> msg.SetSummary:
    """A set of three."""
    values: dict[str, Any] = {
        "set_id": "set-1",
        "body_id": "aaaaa",
        "exercise": EXERCISE,
        "active": active,
        "start": ns_to_stamp(stamp_ns - 9_000_000_000),
        "end": ns_to_stamp(stamp_ns),
        "counted": 3,
        "d": 0.5,
        "load_kg": math.nan,
    }
    return msg.SetSummary(header=header(stamp_ns), **{**values, **fields})


def repetition(stamp_ns: int, **fields: Any) -> msg.Repetition:
    """The third one, valid."""
    peak = msg.JointAngle(
        name="knee_flexion", side=3, unit="rad", value=1.9, std=0.05, validity=msg.JointAngle.VALID
    )
    values: dict[str, Any] = {
        "body_id": "aaaaa",
        "exercise": EXERCISE,
        "number": 3,
        "start": ns_to_stamp(stamp_ns - 2_500_000_000),
        "bottom": ns_to_stamp(stamp_ns - 1_200_000_000),
        "end": ns_to_stamp(stamp_ns),
        "range": 1.0,
        "feature_peak": peak,
        "eccentric_s": 1.3,
        "concentric_s": 1.2,
        "mean_speed": 0.8,
        "peak_speed": 1.2,
        "asymmetry": msg.JointAngle(
            name="knee_flexion_asymmetry", side=3, unit="rad", value=0.02, std=0.03, validity=2
        ),
        "d": 0.4,
        "d_eccentric": 0.4,
        "d_concentric": 0.4,
        "source": "camera",
    }
    return msg.Repetition(header=header(stamp_ns), **{**values, **fields})


def cue(
    cue_id: str = "cue/1", text: str = "Push your knees out", lasts_s: float = 30.0, **fields: Any
) -> msg.Cue:
    """A correction decided now that is valid for a while."""
    now = time.time_ns()
    values: dict[str, Any] = {
        "id": cue_id,
        "text": text,
        "screen_text": "Knees out",
        "language": "en",
        "body_part": "knees",
        "correction": "knees_out",
        "body_id": "aaaaa",
        "exercise": EXERCISE,
        "repetition": 3,
        "created": ns_to_stamp(now),
        "expires": ns_to_stamp(now + round(lasts_s * 1e9)),
    }
    return msg.Cue(header=header(now), **{**values, **fields})
