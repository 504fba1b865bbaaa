"""How much the coach says, and when: ``config/coaching.yaml``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from pydantic import Field

from kinecue.coaching.cue import CueKind
from kinecue.coaching.files import StrictModel, load_yaml, validated


class Talk(str, Enum):
    """How much the user wants to hear. What was asked for is answered in each."""

    FULL = "full"
    """All that is switched on."""
    CORRECTIONS = "corrections"
    """Warnings, corrections, and news of the machine."""
    DANGER_ONLY = "danger_only"
    """Warnings."""


_HEARD = {
    Talk.FULL: frozenset(CueKind),
    Talk.CORRECTIONS: frozenset({CueKind.DANGER, CueKind.CORRECTION, CueKind.SYSTEM}),
    Talk.DANGER_ONLY: frozenset({CueKind.DANGER}),
}


class CoachingSettings(StrictModel):
    """Times in seconds. The defaults are those of the shipped file."""

    talk: Talk = Talk.FULL
    """``full``, ``corrections`` or ``danger_only``. Warnings are in each of them."""
    min_probability: float = Field(default=0.7, ge=0.5, le=1.0)
    """A fault less probable than this is never spoken about, whatever its exercise file says."""
    max_fault_age_s: float = Field(default=1.5, gt=0, le=10)
    """A fault whose frame is older than this on arrival is late; an older form state no longer counts."""
    hold_s: float = Field(default=5.0, ge=0, le=30)
    """How long a correction waits for the moment in which the lifter can act on it."""
    start_within_s: float = Field(default=0.6, gt=0, le=5)
    """The first sample must sound this soon after the decision, else the cue expires."""
    gap_s: float = Field(default=1.0, ge=0, le=30)
    """Silence between the end of a cue and the next one; danger does not wait for it."""
    longest_cue_s: float = Field(default=8.0, gt=0, le=60)
    """A cue of which the speaker never reports the end counts as finished after this."""
    repeat_after: int = Field(default=2, ge=1, le=100)
    """A correction is repeated when its fault came back in this many further repetitions."""
    theme_release_after: int = Field(default=2, ge=1, le=100)
    """The theme of the set ends when its fault was absent for this many repetitions in a row."""
    too_short_after: int = Field(default=2, ge=0, le=100)
    """At the beginning of a set, movements in a row that turned round too early to count until that is said; 0: never."""
    max_abstained_share: float = Field(default=0.3, ge=0, lt=1)
    """A repetition proves nothing about a fault that could not be judged in more of its frames than this."""
    danger_repeat_s: float = Field(default=3.0, ge=0.5, le=60)
    """A danger that stays is repeated no sooner than this."""
    danger_stop_after: int = Field(default=3, ge=1, le=100)
    """After this many warnings of the same danger in a set the coach says to stop instead."""
    praise: bool = True
    """Say so when a correction worked."""
    praise_hold_s: float = Field(default=2.0, ge=0, le=10)
    """How long after its repetition a praise is still worth hearing."""
    counting: bool = False
    """Count the valid repetitions aloud."""
    count_hold_s: float = Field(default=0.5, ge=0, le=5)
    """How long after its repetition a number is still worth hearing."""
    encouragement: bool = False
    """Say something between two repetitions when nothing else was said for a while."""
    encourage_after: int = Field(default=3, ge=1, le=100)
    """Valid repetitions in a row after which nothing was said, counting aside."""
    summary: bool = False
    """Sum up a finished set."""
    summary_after_s: float = Field(default=0.5, ge=0, le=30)
    """How long after the set the summary comes at the soonest: what measured the load may still have advice."""
    summary_model_s: float = Field(default=1.5, ge=0, le=30)
    """How long the summary waits for the words of a language model, if there is one; then the phrase book speaks."""
    summary_hold_s: float = Field(default=6.0, ge=0, le=60)
    """How long from then on a summary, or a sentence said by request, waits for silence."""
    machine_fault_s: float = Field(default=0.5, ge=0, le=30)
    """A fault of the machine counts when it stays this long, and is over when it is gone this long."""
    opposites: tuple[tuple[str, str], ...] = ()
    """Pairs of corrections that contradict each other; never both within one repetition."""

    def contradicts(self, a: str, b: str) -> bool:
        """Whether corrections `a` and `b` send the lifter in opposite directions."""
        return (a, b) in self.opposites or (b, a) in self.opposites

    def why_unwanted(self, kind: CueKind) -> str:
        """Why the user does not want to hear something of that kind; empty if they do."""
        if kind not in _HEARD[self.talk]:
            return f"not wanted: talk is {self.talk.value}"
        switches = {
            CueKind.PRAISE: ("praise", self.praise),
            CueKind.COUNT: ("counting", self.counting),
            CueKind.ENCOURAGEMENT: ("encouragement", self.encouragement),
            CueKind.SUMMARY: ("summary", self.summary),
        }
        name, wanted = switches.get(kind, ("", True))
        return "" if wanted else f"not wanted: {name} is off"

    def changed(self, **changes: object) -> CoachingSettings:
        """These settings with some fields changed.

        Raises:
            ConfigError: names the field and what is allowed.
        """
        return validated({**self.model_dump(), **changes}, CoachingSettings, "coaching settings")


def load_settings(path: Path) -> CoachingSettings:
    """The settings in a file.

    Raises:
        ConfigError: names the file, the field and what is allowed.
    """
    return load_yaml(path, CoachingSettings)
