"""From something that waits to a cue: its words, where they come from, and until when it must have begun."""

from __future__ import annotations

from kinecue.coaching.cue import Cue, CueKind, Words
from kinecue.coaching.present import Present, ns
from kinecue.coaching.settings import CoachingSettings
from kinecue.coaching.summary import LastSet, Said
from kinecue.coaching.waiting import Waiting
from kinecue.coaching.wording import Wording


class Composer:
    """Makes cues, and numbers them."""

    def __init__(self, wording: Wording, last_set: LastSet) -> None:
        self._wording = wording
        self._last_set = last_set
        self._cues = 0

    @property
    def next_number(self) -> int:
        """Of the cue that comes next."""
        return self._cues + 1

    def compose(
        self, waiting: Waiting, present: Present, settings: CoachingSettings, stop: bool, priority: int
    ) -> tuple[Cue | None, str]:
        """The cue, or why there is none; `stop` makes it the order to stop."""
        said = self._said(waiting, stop)
        if said.problem:
            return None, said.problem
        self._cues += 1
        fact = waiting.fact
        about_fault = fact is not None and not stop
        # What was not known before the set has to be synthesised first.
        unprepared = waiting.kind in (CueKind.SUMMARY, CueKind.SYSTEM)
        start_within_s = settings.summary_hold_s if unprepared else settings.start_within_s
        cue = Cue(
            id=f"cue/{self._cues}",
            kind=waiting.kind,
            priority=priority,
            text=said.text,
            screen_text=said.screen_text,
            language=self._wording.book.language,
            body_id=waiting.body_id,
            exercise=waiting.exercise,
            repetition=waiting.repetition,
            body_part=fact.body_part if fact is not None and about_fault else "",
            correction=fact.correction if fact is not None and about_fault else "",
            fault_ids=waiting.fault_ids,
            fault_stamp_ns=waiting.stamp_ns if waiting.fault_ids else 0,
            trigger_stamp_ns=max(waiting.stamp_ns, present.stamp_ns),
            created_ns=present.now_ns,
            expires_ns=present.now_ns + ns(start_within_s),
            reason=f"{waiting.reason}; it stays or contradicts, so stop" if stop else waiting.reason,
            fact=fact,
            words=said.words,
        )
        return cue, ""

    def _said(self, waiting: Waiting, stop: bool) -> Said:
        if stop:
            return Said(self._wording.stop(), self._wording.book.stop.screen)
        if waiting.kind == CueKind.SUMMARY:
            return self._last_set.summary()
        if waiting.fact is None:
            return Said(waiting.text, waiting.screen_text, words=waiting.words)
        worded = self._wording.praise if waiting.kind == CueKind.PRAISE else self._wording.correction
        text, problem = worded(waiting.fact)
        words = Words.MODEL if self._wording.is_learned(text) else Words.BOOK
        return Said(text, self._wording.screen(waiting.fact), problem, words)
