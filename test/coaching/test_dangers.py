"""Danger: at once, until it was heard, and "stop the set" when it stays; and the machine's own faults."""

from __future__ import annotations

from itertools import combinations

import pytest
from coaching_scene import BOOK, CONFIG, MS, Scene

from kinecue.coaching import CueKind, Outcome, SpeechStatus, Talk, load_settings
from kinecue.coaching.cue import INTERRUPTING
from kinecue.coaching.wording import WordedPhrase
from kinecue.exercise import available_exercises, find_exercise
from kinecue.exercise.results import Phase, Severity, Side

DANGER = {"severity": Severity.DANGER}
STOP, MACHINE = BOOK.stop.say, BOOK.machine_fault


class TestStop:
    def test_a_danger_in_every_repetition_ends_the_set(self) -> None:
        scene = Scene(danger_stop_after=2)
        for _ in range(4):
            scene.repeat("heels_up", **DANGER)
            scene.top(2.0)
        assert [text in STOP for text in scene.texts] == [False, False, True, True]
        assert scene.cues[2].screen_text == BOOK.stop.screen
        assert scene.cues[2].priority == INTERRUPTING
        assert "it stays or contradicts, so stop" in scene.cues[2].reason

    def test_a_danger_that_comes_sooner_than_it_is_repeated_counts_too(self) -> None:
        """Quick repetitions: every second danger falls into the silence after a warning."""
        scene = Scene(danger_stop_after=2, danger_repeat_s=3.5)
        for _ in range(3):
            scene.repeat("heels_up", **DANGER)
        assert [text in STOP for text in scene.texts] == [False, True]

    @pytest.mark.parametrize("status", [SpeechStatus.EXPIRED, SpeechStatus.FAILED])
    def test_an_order_to_stop_that_was_not_heard_is_none(self, status: SpeechStatus) -> None:
        scene = Scene(danger_stop_after=1, mute=True)
        for _ in range(2):
            scene.repeat("heels_up", **DANGER)
            scene.top(3.0)
        said = [cue for cue in scene.cues if cue.text in STOP]
        for cue in said:
            scene.take(scene.coach.on_speech(cue.id, status, scene.now))
        scene.top(3.0)
        scene.repeat("knees_in")
        assert scene.kinds()[-1] == CueKind.CORRECTION

    def test_different_dangers_do_not_add_up(self) -> None:
        scene = Scene(danger_stop_after=2)
        for name in ("heels_up", "knees_in", "asymmetry"):
            scene.repeat(name, **DANGER)
            scene.top(3.0)
        assert not any(text in STOP for text in scene.texts)

    def test_nothing_but_warnings_comes_after_it(self) -> None:
        scene = Scene(danger_stop_after=1, counting=True, encouragement=True, encourage_after=1)
        for _ in range(2):
            scene.repeat("heels_up", **DANGER)
            scene.top(3.0)
        before = len(scene.cues)
        assert scene.texts[-1] in STOP
        for _ in range(4):
            scene.repeat("knees_in")
        assert len(scene.cues) == before


class TestOpposites:
    def test_a_third_danger_does_not_contradict_the_first_of_its_repetition(self) -> None:
        """Whatever was said between the two."""
        scene = Scene(opposites=(("deeper", "heels_down"),))
        scene.frame(Phase.TOP, "too_shallow", **DANGER)
        scene.top(1.0)
        scene.frame(Phase.ECCENTRIC, "knees_in", **DANGER)
        for _ in range(20):
            scene.frame()
        scene.frame(None, "heels_up", **DANGER)
        assert [cue.correction for cue in scene.cues] == ["deeper", "knees_out", ""]
        assert scene.texts[2] in STOP

    def test_every_pair_that_an_exercise_can_ask_for_is_listed(self) -> None:
        """Both name the same body part, and each one's direction is what the other one must not say."""
        settings = load_settings(CONFIG / "coaching.yaml")
        found = set()
        for name in available_exercises():
            keys = sorted({fault.correction for fault in find_exercise(name).faults.values()})
            for a, b in combinations(keys, 2):
                one, other = BOOK.corrections[a], BOOK.corrections[b]
                clash = {*one.toward} & {*other.against} and {*other.toward} & {*one.against}
                if clash and {*one.parts} & {*other.parts}:
                    found.add((a, b))
                    assert settings.contradicts(a, b), f"{name}: {a} and {b}"
        assert ("hips_back", "hips_through") in found

    def test_what_is_listed_is_in_the_book(self) -> None:
        listed = load_settings(CONFIG / "coaching.yaml").opposites
        assert {key for pair in listed for key in pair} <= set(BOOK.corrections)


class TestHeard:
    @pytest.mark.parametrize("status", [SpeechStatus.EXPIRED, SpeechStatus.FAILED])
    def test_a_warning_that_was_not_heard_is_given_once_more(self, status: SpeechStatus) -> None:
        scene = Scene(mute=True)
        scene.frame(Phase.BOTTOM, "heels_up", **DANGER)
        for _ in range(3):
            scene.frame()
            scene.take(scene.coach.on_speech(scene.cues[-1].id, status, scene.now))
        assert scene.kinds() == [CueKind.DANGER, CueKind.DANGER]
        assert scene.texts[0] != scene.texts[1]
        assert scene.cues[1].interrupts
        assert scene.cues[1].reason.endswith("again, it was not heard")
        assert f"the speaker reports {status.name.lower()}: it counts as not said" in scene.reasons()

    def test_the_next_danger_need_not_wait_for_one_that_was_not_heard(self) -> None:
        scene = Scene(mute=True)
        scene.frame(Phase.BOTTOM, "heels_up", **DANGER)
        for _ in range(2):
            scene.take(scene.coach.on_speech(scene.cues[-1].id, SpeechStatus.FAILED, scene.now))
        scene.frame(None, "heels_up", **DANGER)
        assert len(scene.cues) == 3

    def test_a_warning_is_not_given_again_when_it_is_late(self) -> None:
        scene = Scene(mute=True, danger_repeat_s=1.0)
        scene.frame(Phase.BOTTOM, "heels_up", **DANGER)
        for _ in range(30):
            scene.frame()
        scene.take(scene.coach.on_speech(scene.cues[0].id, SpeechStatus.FAILED, scene.now))
        assert len(scene.cues) == 1

    def test_a_speaker_that_reports_nothing_keeps_no_danger_from_being_said(self) -> None:
        scene = Scene(mute=True)
        scene.frame(Phase.BOTTOM, "heels_up", **DANGER)
        scene.frame(None, "knees_in", **DANGER)
        for _ in range(80):
            scene.frame()
        assert [cue.correction for cue in scene.cues] == ["heels_down", "knees_out"]

    def test_the_worse_of_two_dangers_that_wait_is_said_first(self) -> None:
        scene = Scene()
        scene.frame(Phase.BOTTOM, "heels_up", **DANGER)
        scene.fault("asymmetry", **DANGER)
        scene.fault("knees_in", **DANGER, magnitude=3.0)
        for _ in range(40):
            scene.frame()
        assert [cue.correction for cue in scene.cues] == ["heels_down", "knees_out", "even_legs"]

    @pytest.mark.parametrize("talk", list(Talk))
    def test_no_preference_silences_it(self, talk: Talk) -> None:
        scene = Scene(talk=talk, praise=False)
        scene.frame(Phase.BOTTOM, "heels_up", **DANGER)
        assert scene.kinds() == [CueKind.DANGER]

    def test_a_lifter_who_was_lost_from_sight_is_still_warned(self) -> None:
        """The danger was measured a moment ago; the frame after it shows nobody."""
        scene = Scene()
        scene.frame(Phase.CONCENTRIC)
        measured_ns = scene.now
        scene.frame(Phase.UNKNOWN)
        scene.fault("heels_up", **DANGER, stamp_ns=measured_ns, phase=Phase.CONCENTRIC)
        assert scene.kinds() == [CueKind.DANGER]
        scene.fault("knees_in", stamp_ns=measured_ns, phase=Phase.CONCENTRIC)
        assert len(scene.cues) == 1

    def test_it_is_said_in_the_words_of_the_book(self) -> None:
        """However many others were learned."""
        scene = Scene(danger_repeat_s=0.5, danger_stop_after=100)
        learned = [
            WordedPhrase("heels_down", Side.BOTH, "say", text)
            for text in ("Keep both heels flat", "Heels flat on the floor please")
        ]
        assert scene.coach.learn(learned)
        for _ in range(8):
            scene.repeat("heels_up", **DANGER)
        assert len(scene.cues) == 8
        assert set(scene.texts) <= set(BOOK.corrections["heels_down"].say)


class TestMachine:
    def told(self, scene: Scene, fault: bool, seconds: float, phase: Phase = Phase.TOP) -> None:
        for _ in range(round(seconds * 25)):
            scene.frame(phase)
            scene.take(scene.coach.on_machine(fault, scene.now))

    def test_its_fault_is_told_once(self) -> None:
        scene = Scene()
        self.told(scene, False, 1.0)
        self.told(scene, True, 10.0)
        [cue] = scene.cues
        assert (cue.kind, cue.priority) == (CueKind.SYSTEM, INTERRUPTING)
        assert cue.text in MACHINE.say
        assert cue.screen_text == MACHINE.screen
        assert cue.reason == "the machine reports a fault of its own"

    def test_a_flag_that_flickers_is_no_fault_or_one(self) -> None:
        scene = Scene(machine_fault_s=0.5)
        for _ in range(20):
            self.told(scene, True, 0.2)
            self.told(scene, False, 0.2)
        assert scene.cues == []
        self.told(scene, True, 1.0)
        for _ in range(20):
            self.told(scene, False, 0.2)
            self.told(scene, True, 0.2)
        assert len(scene.cues) == 1

    def test_a_fault_that_comes_again_is_told_again(self) -> None:
        scene = Scene(gap_s=0)
        for _ in range(2):
            self.told(scene, True, 2.0)
            self.told(scene, False, 2.0)
        assert len(scene.cues) == 2
        assert scene.texts[0] != scene.texts[1]

    def test_it_interrupts_a_correction_and_waits_for_a_warning(self) -> None:
        scene = Scene(machine_fault_s=0)
        scene.frame(Phase.BOTTOM, "heels_up", **DANGER)
        self.told(scene, True, 2.0, Phase.BOTTOM)
        assert scene.kinds() == [CueKind.DANGER, CueKind.SYSTEM]
        assert "waits for another warning" in scene.reasons(Outcome.HELD)

    def test_who_lifts_is_not_corrected_any_more(self) -> None:
        scene = Scene(machine_fault_s=0)
        scene.frame(Phase.CONCENTRIC)
        self.told(scene, True, 0.1, Phase.CONCENTRIC)
        scene.top(2.0)
        scene.repeat("knees_in")
        assert scene.kinds() == [CueKind.SYSTEM]
        assert "the lifter was told to stop" in scene.reasons()

    def test_the_last_word_of_the_set_is_about_the_machine(self) -> None:
        scene = Scene(machine_fault_s=0, summary=True)
        scene.set(active=True)
        scene.repeat()
        scene.frame(Phase.CONCENTRIC)
        self.told(scene, True, 0.1, Phase.CONCENTRIC)
        scene.top(2.0)
        scene.set(active=False, counted=1)
        scene.top(2.0)
        assert scene.texts[-1] == f"One repetition. {BOOK.summary.machine.say}"

    def test_nobody_is_told_when_nobody_is_there(self) -> None:
        scene = Scene(machine_fault_s=0)
        for _ in range(100):
            scene.now += 250 * MS
            scene.take(scene.coach.on_machine(True, scene.now))
        assert scene.cues == []
        assert scene.reasons(Outcome.HELD) == ["waits for somebody to be there"]
        self.told(scene, True, 1.0, Phase.SETUP)
        assert scene.kinds() == [CueKind.SYSTEM]

    def test_what_was_not_heard_is_told_again(self) -> None:
        scene = Scene(machine_fault_s=0, mute=True)
        self.told(scene, True, 0.1)
        scene.take(scene.coach.on_speech(scene.cues[0].id, SpeechStatus.FAILED, scene.now))
        self.told(scene, True, 0.1)
        assert len(scene.cues) == 2

    @pytest.mark.parametrize("talk", list(Talk))
    def test_it_is_told_at_every_level(self, talk: Talk) -> None:
        scene = Scene(talk=talk, machine_fault_s=0)
        self.told(scene, True, 0.2)
        assert len(scene.cues) == 1
