"""What is now: the caller's clock, the newest frame, and who has the floor."""

from __future__ import annotations

from kinecue.coaching.cue import Cue, CueKind
from kinecue.coaching.settings import CoachingSettings
from kinecue.exercise.results import FormState, Phase

MOVING_PHASES = frozenset({Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE})
_AT_REST_NS = 3_000_000_000
"""Who has not moved for this long is not between two repetitions."""


class Present:
    """The caller's clock and the newest frame.

    Attributes:
        now_ns: the caller's clock.
        form: the newest frame; None before the first.
    """

    def __init__(self, settings: CoachingSettings) -> None:
        self._newest_ns = ns(settings.max_fault_age_s)
        self._form_now_ns = 0
        self._moved_ns: int | None = None
        self.now_ns = 0
        self.form: FormState | None = None

    def frame(self, form: FormState) -> None:
        """A frame was scored."""
        self.form, self._form_now_ns = form, self.now_ns
        if form.phase in MOVING_PHASES:
            self._moved_ns = self.now_ns

    def rest(self) -> None:
        """The set is over: who moved before moves no longer."""
        self._moved_ns = None

    def forget(self) -> None:
        """Time began anew."""
        self.form, self._form_now_ns, self._moved_ns = None, 0, None

    @property
    def phase(self) -> Phase:
        """The phase now; unknown when the newest frame is too old to tell."""
        if self.form is None or self.now_ns - self._form_now_ns > self._newest_ns:
            return Phase.UNKNOWN
        return self.form.phase

    @property
    def lifting(self) -> bool:
        """Somebody moves, or did a moment ago and may go on."""
        return self._moved_ns is not None and self.now_ns - self._moved_ns < _AT_REST_NS

    @property
    def stamp_ns(self) -> int:
        """Acquisition time of the newest frame; 0 = none yet."""
        return self.form.stamp_ns if self.form else 0

    @property
    def exercise(self) -> str:
        """The exercise of the newest frame; empty = not known."""
        return self.form.exercise if self.form else ""

    def is_late(self, stamp_ns: int) -> bool:
        """Whether a frame is not of now: too old, or from a clock that is not the caller's."""
        return abs(self.now_ns - stamp_ns) > self._newest_ns


CLOSE_S = 0.15
"""Silence on both sides of a number, which follows closely: one that is left out confuses more."""


class Floor:
    """Who has the floor: the cue that is being said, and the silence after it."""

    def __init__(self) -> None:
        self.speaking: Cue | None = None
        self._silence_until_ns = self._close_until_ns = 0

    def take(self, cue: Cue) -> None:
        """A cue is said, whatever was being said."""
        self.speaking = cue

    def fall_silent(self, since_ns: int, gap_s: float) -> None:
        """What was being said is over."""
        if self.speaking is not None:
            self._close_until_ns = since_ns + ns(min(gap_s, CLOSE_S))
            if self.speaking.kind != CueKind.COUNT:
                self._silence_until_ns = since_ns + ns(gap_s)
        self.speaking = None

    def forget(self) -> None:
        """Time began anew."""
        self.speaking = None
        self._silence_until_ns = self._close_until_ns = 0

    def advance(self, now_ns: int, settings: CoachingSettings) -> None:
        """A cue whose end was never reported is over after a while."""
        if self.speaking is not None:
            over_ns = self.speaking.created_ns + ns(settings.longest_cue_s)
            if now_ns >= over_ns:
                self.fall_silent(over_ns, settings.gap_s)

    def is_warning(self, now_ns: int, settings: CoachingSettings) -> bool:
        """Whether a danger is being spoken of: nothing interrupts that.

        A speaker that does not report the end of a warning does not keep the next one from being said.
        """
        speaking = self.speaking
        if speaking is None or speaking.kind != CueKind.DANGER:
            return False
        return now_ns - speaking.created_ns < ns(settings.danger_repeat_s)

    def is_free(self, kind: CueKind, now_ns: int, settings: CoachingSettings) -> bool:
        """Whether something of that kind may begin."""
        if kind == CueKind.DANGER:
            return not self.is_warning(now_ns, settings)
        until_ns = self._close_until_ns if kind == CueKind.COUNT else self._silence_until_ns
        return self.speaking is None and now_ns >= max(until_ns, self._close_until_ns)


def ns(seconds: float) -> int:
    """Seconds to nanoseconds."""
    return round(seconds * 1e9)
