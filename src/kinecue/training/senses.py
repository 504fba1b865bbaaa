"""The camera and the cables of one machine: what they saw, when they could be believed, and what time it was."""

from __future__ import annotations

import math

from kinecue.body.body import Body
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import FormState, Phase, RepetitionVelocity
from kinecue.machine.samples import CableSide, EncoderSample
from kinecue.training.body_trace import BodyTrace
from kinecue.training.cable_reader import CableReader
from kinecue.training.encoder_repetitions import HandleRepetition
from kinecue.training.machine_time import MachineTime
from kinecue.training.pairing import HandleMovement, Soundness
from kinecue.training.velocity import both_cables

_NS = 1_000_000_000
_CAMERA_GAP_S, _ENCODER_GAP_S = 0.5, 0.3
_LARGEST_GAP_S = 0.5
_MARGIN_NS = 300_000_000
"""Two clocks may be so far apart before the movement tells."""


class Senses:
    """Times are camera times, ns, unless a sample's own.

    Args:
        model: the exercise; None while it is not known.
    """

    def __init__(self, model: ExerciseModel | None) -> None:
        self.time = MachineTime()
        self.cables: dict[CableSide, CableReader] = {}
        self.camera = Soundness(_CAMERA_GAP_S)
        self.trace = BodyTrace()
        self.form: FormState | None = None
        """Of the newest frame, as the scorer gave it."""
        self.body_id = ""
        self._model = model
        self._sensed: dict[CableSide, Soundness] = {}
        self._heard: dict[CableSide, int] = {}

    # --- the machine ---

    def encoder(self, sample: EncoderSample, now_ns: int) -> tuple[HandleRepetition, ...]:
        """A sample of the encoder; the movements of which it tells the end."""
        cable = self.cables.get(sample.side)
        if cable is None:
            if not sample.valid:
                return ()
            cable = self.cables[sample.side] = CableReader(sample.side, self._model)
            self._sensed[sample.side] = Soundness(_ENCODER_GAP_S)
        ended = cable.encoder(sample)
        if ended is None:
            return ()
        if sample.valid and cable.healthy:
            self._sensed[sample.side].good(sample.stamp_ns)
            self._heard[sample.side] = now_ns
            self._feed_clock(sample.stamp_ns)
        return ended

    def _feed_clock(self, stamp_ns: int) -> None:
        places = [c.smooth_m for c in self.cables.values() if math.isfinite(c.smooth_m)]
        if places:
            self.time.machine(stamp_ns, sum(places) / len(places))

    def silence(self, now_ns: int) -> tuple[HandleRepetition, ...]:
        """Time passed; what was under way on cables that fell silent is broken off."""
        ended: list[HandleRepetition] = []
        for side, cable in self.cables.items():
            at = self.time.to_machine(now_ns)
            if at - cable.newest_ns > round(_ENCODER_GAP_S * _NS):
                self._sensed[side].broken()
                ended += cable.tick(at)
        return tuple(ended)

    def follow(self, model: ExerciseModel | None, again: bool) -> tuple[HandleRepetition, ...]:
        """Another exercise; `again` reads what the handle did in the last half minute as that exercise."""
        self._model = model
        ended: list[HandleRepetition] = []
        for cable in self.cables.values():
            if again and model is not None:
                ended += cable.read_again(model)
            else:
                cable.follow(model)
        return tuple(ended)

    def machine_live(self, now_ns: int) -> bool:
        """At least one encoder is heard and healthy."""
        return any(self._live(side, now_ns) for side in self.cables)

    def _live(self, side: CableSide, now_ns: int) -> bool:
        return now_ns - self._heard.get(side, -_NS) <= round(_ENCODER_GAP_S * _NS)

    def handle_way(self, start_ns: int, end_ns: int, now_ns: int) -> float:
        """How far a handle that is heard went between two times, m."""
        start, end = self.time.to_machine(start_ns) - _MARGIN_NS, self.time.to_machine(end_ns) + _MARGIN_NS
        return max(
            (c.between(start, end).way for side, c in self.cables.items() if self._live(side, now_ns)),
            default=0.0,
        )

    def confirm(self, start_ns: int, end_ns: int, least_m: float, anew: bool) -> tuple[HandleRepetition, ...]:
        """The camera saw a repetition: it tells the encoders how far one goes."""
        ended: list[HandleRepetition] = []
        start, end = self.time.to_machine(start_ns) - _MARGIN_NS, self.time.to_machine(end_ns) + _MARGIN_NS
        for cable in self.cables.values():
            if cable.between(start, end).way >= least_m:
                ended += cable.confirm(start, end, anew)
        return tuple(ended)

    def movement(self, part: HandleRepetition) -> HandleMovement:
        """What one cable did, by the camera's clock."""
        start, turn, end = (self.time.to_camera(at) for at in (part.start_ns, part.turn_ns, part.end_ns))
        return HandleMovement((part,), start, turn, end)

    def pulled_too(self, part: HandleRepetition, share: float) -> bool:
        """The other cable moved meanwhile, by this share of the way or more."""
        return any(
            cable.between(part.start_ns, part.end_ns).way >= share * part.range_m
            for side, cable in self.cables.items()
            if side is not part.side
        )

    def sound(self, movement: HandleMovement) -> bool:
        """The encoders saw all of a movement, and nothing that cannot be."""
        return movement.gap_s <= _LARGEST_GAP_S and all(
            self._sensed[part.side].sound(part.start_ns, part.end_ns)
            and self.cables[part.side].smooth(part.start_ns, part.end_ns)
            for part in movement.parts
        )

    def velocity(self, movement: HandleMovement) -> RepetitionVelocity | None:
        """How fast the load was moved; of two cables together."""
        found = [self.cables[part.side].velocity(part) for part in movement.parts]
        return found[0] if len(found) == 1 else both_cables(found[0], found[1])

    # --- the camera ---

    def frame(self, form: FormState, body: Body | None) -> bool:
        """A frame; whether the lifter is seen in it."""
        if form.body_id and form.body_id != self.body_id:
            if self.body_id:
                self.camera.broken()
                self.trace.clear()
            self.body_id = form.body_id
        self.form = form
        seen = body is not None and math.isfinite(form.progress) and form.phase is not Phase.UNKNOWN
        if seen:
            self.camera.good(form.stamp_ns)
        self.trace.add(form, body)
        if self.cables:
            self.time.camera(form.stamp_ns, form.progress, form.progress_std)
        return seen
