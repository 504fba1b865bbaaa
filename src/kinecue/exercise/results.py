"""What scoring says about a movement. Enumerations have the values of their messages in ``kinecue_msgs``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from kinecue.body.measurement import Measurement, Reason


class Phase(IntEnum):
    """Where in the movement the person is (``kinecue_msgs/FormState``)."""

    UNKNOWN = 0
    """Nobody there, or not enough seen."""
    SETUP = 1
    """Getting into position: nothing is counted or scored."""
    TOP = 2
    """Start position, between repetitions. For a curl that is the arm hanging."""
    ECCENTRIC = 3
    """The load is lowered (squat down, curl down)."""
    BOTTOM = 4
    """The turning point opposite of the start position."""
    CONCENTRIC = 5
    """The load is lifted (squat up, curl up)."""
    HOLD = 6
    """A pause away from both ends, or a held exercise."""
    STAGE = 7
    """A named stage of an exercise made of stages (get-up)."""
    REST = 8
    """The set is paused or over."""


class Side(IntEnum):
    """Of the body; the person's own left and right."""

    NONE = 0
    LEFT = 1
    RIGHT = 2
    BOTH = 3


class Severity(IntEnum):
    """How much a fault matters; danger ranks above style."""

    STYLE = 0
    EFFICIENCY = 1
    RISK = 2
    DANGER = 3


class RepetitionStatus(IntEnum):
    """What became of a movement (``kinecue_msgs/Repetition``)."""

    VALID = 0
    PARTIAL = 1
    """Turned round too early, or did not come back to the start position."""
    FAILED = 2
    """Began to lift and could not."""
    ABANDONED = 3
    """Broken off: the person left the position, or was lost."""
    SETUP = 4
    """Not a repetition: getting into position."""


class RepetitionReason(IntEnum):
    """Why a repetition is not valid."""

    NONE = 0
    RANGE_TOO_SMALL = 1
    NO_LOCKOUT = 2
    TOO_FAST = 3
    """Faster than a person moves: a tracking error."""
    TOO_SLOW = 4
    PERSON_LOST = 5
    NOT_IN_POSITION = 6
    UNCERTAIN = 7
    """The measurement was too uncertain to tell."""
    STAGE_MISSING = 8
    """A stage was left out or done in the wrong order."""
    TOO_SHORT = 9
    """A held position was not held for long enough."""


@dataclass(frozen=True)
class FeatureDeviation:
    """One feature against its ideal at one moment.

    Attributes:
        name: feature name as in the exercise file, e.g. ``knee_flexion``.
        unit: ``rad``, ``m``, ``1``, ``s`` or ``m/s``.
        measured: z with its standard deviation s, or an abstention.
        ideal: m; NaN where the phase has none.
        tolerance: t; NaN where the phase has none.
        weight: w, 0 to 1.
        share: part of D^2 that this feature causes, 0 to 1.
        side: of the body.
    """

    name: str
    unit: str
    measured: Measurement
    ideal: float
    tolerance: float
    weight: float
    share: float
    side: Side = Side.NONE


@dataclass(frozen=True)
class Abstention:
    """A fault that cannot be judged now."""

    fault: str
    reason: Reason


@dataclass(frozen=True)
class FormState:
    """Form at one frame.

    Attributes:
        stamp_ns: acquisition time of the frame.
        body_id: whose form.
        exercise: name of the exercise file.
        phase: where in the movement.
        stage: name of the stage for `Phase.STAGE`, else empty.
        progress: 0 start position to 1 full range; may overshoot; NaN if not known.
        progress_std: standard deviation of `progress`.
        speed: rate of `progress`, 1/s.
        repetition: number of the repetition under way, from 1; 0 before the first.
        counted: valid repetitions so far in the set.
        d: D value, 1 = one tolerance off; NaN if abstained.
        d_reason: why `d` is NaN.
        deviations: the features behind it.
        abstentions: faults that cannot be judged in this frame.
    """

    stamp_ns: int
    body_id: str
    exercise: str
    phase: Phase
    stage: str
    progress: float
    progress_std: float
    speed: float
    repetition: int
    counted: int
    d: float
    d_reason: Reason
    deviations: tuple[FeatureDeviation, ...] = ()
    abstentions: tuple[Abstention, ...] = ()


@dataclass(frozen=True)
class Fault:
    """A fault that was raised, with the measurement behind it.

    Attributes:
        id: unique in the session, e.g. ``squat/3/knees_in/1``.
        name: as in the exercise file, e.g. ``knees_in``.
        stamp_ns: acquisition time of the frame in which it was raised.
        onset_ns: acquisition time of the first frame of the evidence.
        exercise, phase, stage, repetition, side: where it happened.
        severity: how much it matters.
        probability: that the feature is outside its tolerance, 0 to 1, at the frame `stamp_ns`.
        magnitude: how far outside, in tolerances; 0 at the limit.
        feature: name of the feature.
        measured: value and standard deviation.
        limit: the value that it should not have crossed.
        unit: of `measured` and `limit`.
        correction: key of the correction (direction and body part) from the exercise file, e.g. ``knees_out``.
        body_part: as in the exercise file, e.g. ``knees``.
        say_in: phases in which the lifter can act on it; empty = any.
        duration: from the onset to the frame in which it was raised, s.
    """

    id: str
    name: str
    stamp_ns: int
    onset_ns: int
    body_id: str
    exercise: str
    phase: Phase
    stage: str
    repetition: int
    side: Side
    severity: Severity
    probability: float
    magnitude: float
    feature: str
    measured: Measurement
    limit: float
    unit: str
    correction: str
    body_part: str
    say_in: tuple[Phase, ...] = ()
    duration: float = 0.0


@dataclass(frozen=True)
class FeatureShare:
    """What one feature did to D over a phase or a repetition.

    Attributes:
        name, side: of the feature.
        share: part of D^2 that it caused, 0 to 1.
        deviation: mean deviation from the ideal, in tolerances, with its sign.
    """

    name: str
    side: Side
    share: float
    deviation: float


@dataclass(frozen=True)
class PhaseScore:
    """A phase or named stage of a finished repetition.

    Attributes:
        phase: which.
        stage: name for `Phase.STAGE`, else empty.
        start_ns, end_ns: acquisition times.
        d: mean D over it; NaN if abstained.
        shares: of the features, largest first.
    """

    phase: Phase
    stage: str
    start_ns: int
    end_ns: int
    d: float
    shares: tuple[FeatureShare, ...] = ()


@dataclass(frozen=True)
class RepetitionFault:
    """A fault over the whole of a finished repetition.

    Attributes:
        name: as in the exercise file.
        side: of the body.
        phase, stage: in which it was raised.
        severity: how much it matters.
        onset_ns: acquisition time of the first evidence.
        duration: for how long it was believed, s.
        probability: largest, 0 to 1.
        magnitude: largest, in tolerances beyond the limit.
    """

    name: str
    side: Side
    phase: Phase
    stage: str
    severity: Severity
    onset_ns: int
    duration: float
    probability: float
    magnitude: float


@dataclass(frozen=True)
class RepetitionVelocity:
    """How the load was moved in a repetition, for velocity-based training (``kinecue_msgs/RepetitionVelocity``).

    Attributes:
        source: ``encoder``, ``inertial`` or ``camera``.
        range: way of the handle, bar or stack in the concentric phase, m.
        mean, peak: concentric velocity, m/s.
        mean_propulsive: mean velocity while the load is pushed, not braked, m/s (Sanchez-Medina 2010).
        std: standard deviation of `mean`, m/s.
        mean_force, peak_force: in the concentric phase, of all cables together, N; NaN without a known load.
        mean_power, peak_power: W. work: put into the load, J.
        eccentric_mean: mean velocity of the way back, positive, m/s.
        loss: share of the mean velocity of the set's fastest repetition that is lost, 0 to 1.
        asymmetry: left minus right over their mean, of the mean velocity; NaN with one cable.
        cable: 0 the only one or the mean of both, 1 left, 2 right.
    """

    source: str
    range: float
    mean: float
    peak: float
    mean_propulsive: float = float("nan")
    std: float = float("nan")
    mean_force: float = float("nan")
    peak_force: float = float("nan")
    mean_power: float = float("nan")
    peak_power: float = float("nan")
    work: float = float("nan")
    eccentric_mean: float = float("nan")
    loss: float = float("nan")
    asymmetry: float = float("nan")
    cable: int = 0


@dataclass(frozen=True)
class Repetition:
    """A finished movement, counted or not.

    Attributes:
        number: from 1 among valid ones; 0 if not valid.
        status, reason: what became of it.
        start_ns, bottom_ns, end_ns: acquisition times of leaving the start position, of the turning point, of the return.
        range: peak of progress, 1 = full.
        feature_peak: the progress feature at its peak, in `unit`, e.g. peak knee flexion.
        eccentric_s, pause_s, concentric_s: tempo.
        mean_speed, peak_speed: of progress in the concentric phase, 1/s.
        asymmetry: left minus right of the progress feature at the peak, or an abstention.
        d, d_eccentric, d_concentric: mean D over the repetition and its phases; NaN if abstained.
        faults: names of the faults raised in it, the most severe first.
        source: ``camera``, ``encoder`` or ``fused``.
        side: which side worked or led; `Side.BOTH` where both do, `Side.NONE` where that is not known.
        held_s: time in the position of a held exercise; NaN for others.
        phases: in the order of time.
        shares: of the features in D over the repetition, largest first.
        fault_details: the faults in the order of `faults`.
        velocity: of the load; None if nothing measured it.
    """

    number: int
    status: RepetitionStatus
    reason: RepetitionReason
    body_id: str
    exercise: str
    start_ns: int
    bottom_ns: int
    end_ns: int
    range: float
    feature: str
    feature_peak: Measurement
    unit: str
    eccentric_s: float
    pause_s: float
    concentric_s: float
    mean_speed: float
    peak_speed: float
    asymmetry: Measurement
    d: float
    d_eccentric: float
    d_concentric: float
    faults: tuple[str, ...] = ()
    source: str = "camera"
    side: Side = Side.BOTH
    held_s: float = float("nan")
    phases: tuple[PhaseScore, ...] = ()
    shares: tuple[FeatureShare, ...] = ()
    fault_details: tuple[RepetitionFault, ...] = ()
    velocity: RepetitionVelocity | None = None


@dataclass(frozen=True)
class SetSummary:
    """A set, under way or over.

    Attributes:
        set_id: unique in the session.
        active: still under way.
        start_ns, end_ns: acquisition times; `end_ns` of the newest frame while active.
        counted: valid repetitions.
        not_counted: movements that were not valid, by status.
        d: mean D of the valid repetitions; NaN if none.
        faults: how often each fault was raised.
        abstained: faults that could not be judged for most of the set, with the reason.
        load_kg: that was held or pulled; NaN if not known.
        person_id: of the stored person who was chosen; empty for nobody in particular.
    """

    set_id: str
    body_id: str
    exercise: str
    active: bool
    start_ns: int
    end_ns: int
    counted: int
    not_counted: dict[RepetitionStatus, int] = field(default_factory=dict)
    d: float = float("nan")
    faults: dict[str, int] = field(default_factory=dict)
    abstained: tuple[Abstention, ...] = ()
    load_kg: float = float("nan")
    person_id: str = ""


@dataclass(frozen=True)
class Recognised:
    """Which exercise is being done, as far as the movement tells.

    Attributes:
        stamp_ns: acquisition time of the frame.
        body_id: who does it.
        exercise: name of the exercise file; empty = unknown.
        probability: of it, 0 to 1.
        candidates: most probable first.
        probabilities: of the candidates; what is missing to 1 is the unknown.
    """

    stamp_ns: int
    body_id: str
    exercise: str
    probability: float
    candidates: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True)
class JointAngle:
    """A feature of the body as it was measured.

    Attributes:
        name, side: of the feature.
        unit: ``rad``, ``m`` or ``1``.
        measured: value and standard deviation, or an abstention.
    """

    name: str
    side: Side
    unit: str
    measured: Measurement


@dataclass(frozen=True)
class ScoreUpdate:
    """What one frame brought.

    Attributes:
        form: the form now; None if the frame was dropped (a late or repeated stamp).
        angles: all features that the exercise needs.
        faults: raised in this frame.
        repetitions: movements that ended in this frame, counted or not.
    """

    form: FormState | None
    angles: tuple[JointAngle, ...] = ()
    faults: tuple[Fault, ...] = ()
    repetitions: tuple[Repetition, ...] = ()
