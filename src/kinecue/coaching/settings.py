"""How much the coach says, and when: ``config/coaching.yaml``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from kinecue.coaching.files import StrictModel, load_yaml


class CoachingSettings(StrictModel):
    """Times in seconds. The defaults are those of the shipped file."""

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
    summary: bool = False
    """Sum up a finished set."""
    summary_hold_s: float = Field(default=6.0, ge=0, le=60)
    """How long after the set a summary, or a sentence said by request, waits for silence."""
    opposites: tuple[tuple[str, str], ...] = ()
    """Pairs of corrections that contradict each other; never both within one repetition."""

    def contradicts(self, a: str, b: str) -> bool:
        """Whether corrections `a` and `b` send the lifter in opposite directions."""
        return (a, b) in self.opposites or (b, a) in self.opposites


def load_settings(path: Path) -> CoachingSettings:
    """The settings in a file.

    Raises:
        ConfigError: names the file, the field and what is allowed.
    """
    return load_yaml(path, CoachingSettings)
