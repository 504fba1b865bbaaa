"""Node `speech`: cues in; sound, and what became of it, out."""

from __future__ import annotations

import time
import wave

import numpy as np
import pytest
import scenes
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from node_bench import values
from rclpy.parameter import Parameter

from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, ns_to_stamp, stamp_to_ns
from kinecue_msgs import msg

STATUS = msg.SpeechStatus


class Speaker:
    """Sends cues and hears what became of them."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.told = bench.listen(STATUS, "speech_status", EVENT_QOS)
        self.cue = bench.talk(msg.Cue, "cues", EVENT_QOS)
        self.phrases = bench.talk(msg.PhraseList, "phrases", LATCHED_QOS)
        bench.connected("speech_status")

    def of(self, cue_id: str) -> list[int]:
        return [m.status for m in self.told if m.cue_id == cue_id]

    def wait(self, cue_id: str, status: int) -> STATUS:
        return self.bench.wait(
            lambda: next((m for m in self.told if (m.cue_id, m.status) == (cue_id, status)), None),
            f"status {status} of {cue_id}",
        )


@pytest.fixture
def silent(tmp_path):
    """Parameters for a voice that takes the time of speech and makes no sound."""
    return {"engine": "null", "device": "none", "cache_dir": str(tmp_path / "phrases")}


@pytest.fixture
def speaker(bench, silent):
    bench.started("speech", **silent)
    return Speaker(bench)


class TestCues:
    def test_a_cue_is_spoken_and_every_step_told(self, speaker):
        cue = scenes.cue(text="Knees out")
        speaker.cue(cue)
        speaker.wait("cue/1", STATUS.FINISHED)
        assert speaker.of("cue/1") == [STATUS.QUEUED, STATUS.STARTED, STATUS.FINISHED]
        started = speaker.wait("cue/1", STATUS.STARTED)
        assert started.text == "Knees out"
        assert (started.engine, started.device) == ("null", "none")
        created, first = stamp_to_ns(cue.created), stamp_to_ns(started.header.stamp)
        assert 0 < first - created < 5_000_000_000
        assert started.latency_ms == pytest.approx((first - created) * 1e-6, abs=0.01)

    def test_one_after_the_other(self, speaker):
        for number in (1, 2):
            speaker.cue(scenes.cue(f"cue/{number}", "Good"))
        speaker.wait("cue/2", STATUS.FINISHED)
        order = [(m.cue_id, m.status) for m in speaker.told if m.status != STATUS.QUEUED]
        assert order == [(f"cue/{n}", s) for n in (1, 2) for s in (STATUS.STARTED, STATUS.FINISHED)]

    def test_danger_interrupts(self, speaker):
        speaker.cue(
            scenes.cue(
                "cue/1", "This is a long sentence that nobody will hear to its end, since it is so long"
            )
        )
        speaker.wait("cue/1", STATUS.STARTED)
        speaker.cue(
            scenes.cue("cue/2", "Stop", kind=msg.Cue.KIND_DANGER, priority=msg.Cue.PRIORITY_INTERRUPTING)
        )
        speaker.wait("cue/2", STATUS.FINISHED)
        assert speaker.of("cue/1")[-1] == STATUS.INTERRUPTED

    def test_an_expired_cue_is_dropped_with_the_reason(self, speaker):
        speaker.cue(scenes.cue("cue/1", "Too late", lasts_s=-1.0))
        dropped = speaker.wait("cue/1", STATUS.EXPIRED)
        assert dropped.detail
        assert STATUS.STARTED not in speaker.of("cue/1")

    def test_a_cue_without_expiry_is_spoken(self, speaker):
        speaker.cue(scenes.cue("cue/1", "Good", expires=ns_to_stamp(0)))
        speaker.wait("cue/1", STATUS.FINISHED)

    def test_an_inactive_node_is_silent(self, bench, speaker):
        speaker.cue(
            scenes.cue(
                "cue/1", "This is a long sentence that nobody will hear to its end, since it is so long"
            )
        )
        speaker.wait("cue/1", STATUS.STARTED)
        assert bench.transition("speech", Transition.TRANSITION_DEACTIVATE)
        speaker.wait("cue/1", STATUS.INTERRUPTED)
        speaker.cue(scenes.cue("cue/2", "Not heard"))
        bench.spin(0.2)
        assert not speaker.of("cue/2")
        assert bench.transition("speech", Transition.TRANSITION_ACTIVATE)
        speaker.cue(scenes.cue("cue/3", "Good"))
        speaker.wait("cue/3", STATUS.FINISHED)

    def test_what_is_said_is_recorded(self, bench, silent, tmp_path):
        path = tmp_path / "session.wav"
        node = bench.started("speech", **silent, record_to=str(path))
        speaker = Speaker(bench)
        speaker.cue(scenes.cue("cue/1", "Good"))
        speaker.wait("cue/1", STATUS.FINISHED)
        node.trigger_deactivate()
        node.trigger_cleanup()
        with wave.open(str(path), "rb") as file:
            assert file.getnframes() > 0.2 * file.getframerate()


class TestPhrases:
    def test_are_prepared(self, bench, silent):
        node = bench.started("speech", **silent)
        speaker = Speaker(bench)
        speaker.phrases(msg.PhraseList(language="en", phrases=["Knees out", "Chest up"]))
        preparation = bench.wait(lambda: node.preparation)
        bench.wait(lambda: preparation.wait(0.0))
        assert (preparation.done, preparation.failed) == (2, {})

    def test_are_prepared_again_after_a_new_start(self, bench, silent):
        """They are latched: nobody repeats them for a node that was configured anew."""
        node = bench.started("speech", **silent)
        speaker = Speaker(bench)
        speaker.phrases(msg.PhraseList(phrases=["Knees out"]))
        first = bench.wait(lambda: node.preparation)
        node.trigger_deactivate()
        node.trigger_cleanup()
        assert node.start()
        assert bench.wait(lambda: node.preparation is not first and node.preparation).total == 1

    def test_that_cannot_be_spoken_are_told_to_have_failed(self, bench, silent):
        node = bench.started("speech", **silent)
        speaker = Speaker(bench)
        speaker.phrases(msg.PhraseList(phrases=["", "a\nb" * 500, "Good", "Good"]))
        preparation = bench.wait(lambda: node.preparation)
        bench.wait(lambda: preparation.wait(0.0))
        assert "" in preparation.failed
        assert "Good" not in preparation.failed
        speaker.cue(scenes.cue("cue/1", "Good"))
        speaker.wait("cue/1", STATUS.FINISHED)


class TestBadMessages:
    @pytest.mark.parametrize("text", ["", "   ", "\n\t", "!?", "x" * 20_000], ids=range(5))
    def test_text_that_cannot_be_spoken_fails_with_the_reason(self, bench, speaker, text):
        speaker.cue(scenes.cue("cue/1", text))
        failed = speaker.wait("cue/1", STATUS.FAILED)
        assert failed.detail
        speaker.cue(scenes.cue("cue/2", "Good"))
        speaker.wait("cue/2", STATUS.FINISHED)

    def test_odd_cues_do_no_harm(self, bench, speaker):
        for message in (
            msg.Cue(),
            scenes.cue("", "Good", kind=250, priority=255),
            scenes.cue("cue/1", "Good", created=ns_to_stamp(2**31 * 10**9)),
            scenes.cue("cue/2", "Good; `id` $(id)"),
        ):
            speaker.cue(message)
        speaker.wait("cue/2", STATUS.FINISHED)
        assert bench.state("speech") == "active"


class TestEngines:
    def test_no_voice_is_a_warning_that_says_how_to_get_one(self, bench, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", "")
        heard = bench.diagnostics()
        bench.started("speech", device="none", voice_dir=str(tmp_path), cache_dir=str(tmp_path / "phrases"))
        status = heard.wait("speech", DiagnosticStatus.WARN, "text only", "piper", "voice fetch")
        assert values(status)["engine"] == "null"

    def test_damaged_voice_is_told_and_the_node_speaks_with_another_or_none(self, bench, tmp_path):
        folder = tmp_path / "piper"
        folder.mkdir()
        (folder / "manifest.json").write_text("{")
        heard = bench.diagnostics()
        bench.started(
            "speech",
            engine="piper",
            device="none",
            voice_dir=str(tmp_path),
            cache_dir=str(tmp_path / "phrases"),
        )
        bench.wait(lambda: any("manifest.json is damaged" in s.message for s in heard.of("speech")))

    def test_sound_device_that_is_not_there_is_told_and_cues_go_on(self, bench, silent):
        heard = bench.diagnostics()
        bench.started("speech", **{**silent, "device": "No Such Loudspeaker"})
        speaker = Speaker(bench)
        speaker.cue(scenes.cue("cue/1", "Good"))
        finished = speaker.wait("cue/1", STATUS.FINISHED)
        assert finished.device == "none"
        status = heard.wait("speech", DiagnosticStatus.WARN)
        assert values(status)["audible"] == "False"
        assert values(status)["detail"]

    def test_recording_that_cannot_be_written_is_told_and_can_be_repaired(self, bench, silent, tmp_path):
        heard = bench.diagnostics()
        blocked = tmp_path / "file"
        blocked.write_text("")
        node = bench.node("speech", **silent, record_to=str(blocked / "session.wav"))
        assert not node.start()
        heard.wait("speech", DiagnosticStatus.ERROR, "session.wav")
        assert node.set_parameters([Parameter("record_to", value=str(tmp_path / "s.wav"))])[0].successful
        assert node.start()

    def test_counts_are_told(self, bench, speaker):
        heard = bench.diagnostics()
        speaker.cue(scenes.cue("cue/1", "Good"))
        speaker.cue(scenes.cue("cue/2", ""))
        speaker.wait("cue/1", STATUS.FINISHED)
        status = bench.wait(
            lambda: next((s for s in heard.of("speech") if values(s).get("finished") == "1"), None)
        )
        assert values(status)["failed"] == "1"

    def test_volume_changes_while_it_runs(self, bench, silent):
        node = bench.started("speech", **silent)
        speaker = Speaker(bench)
        assert node.set_parameters([Parameter("volume", value=0.5)])[0].successful
        speaker.cue(scenes.cue("cue/1", "Good"))
        speaker.wait("cue/1", STATUS.FINISHED)
        assert node.service.player.volume == 0.5


def test_piper_says_a_prepared_cue_at_once(bench, tmp_path):
    """The real voice, where it is installed: nothing but the preparation takes time."""
    from kinecue.body.paths import data_dir
    from kinecue.speech.errors import EngineUnavailableError
    from kinecue.speech.piper_engine import find_piper

    try:
        find_piper(data_dir() / "voice")
    except EngineUnavailableError as error:
        pytest.skip(str(error))
    record = tmp_path / "said.wav"
    node = bench.started(
        "speech", engine="piper", device="none", cache_dir=str(tmp_path), record_to=str(record)
    )
    speaker = Speaker(bench)
    speaker.phrases(msg.PhraseList(phrases=["Push your knees out"]))
    preparation = bench.wait(lambda: node.preparation)
    limit = time.monotonic() + 60.0
    while not preparation.wait(0.0) and time.monotonic() < limit:
        bench.spin(0.05)
    assert preparation.failed == {}
    speaker.cue(scenes.cue("cue/1", "Push your knees out"))
    assert speaker.wait("cue/1", STATUS.FINISHED).engine == "piper"
    node.trigger_deactivate()
    node.trigger_cleanup()

    from speech_recognition import recognise_all

    heard = recognise_all(record, ["push your knees out", "push your knees in", "drop your hips lower"])
    assert [text for _, text in heard] == ["push your knees out"]


class TestSilence:
    def test_mute_silences_at_once_and_even_danger(self, bench, silent):
        node = bench.started("speech", **silent)
        speaker = Speaker(bench)
        speaker.cue(scenes.cue("cue/1", LONG))
        speaker.wait("cue/1", STATUS.STARTED)
        assert node.set_parameters([Parameter("mute", value=True)])[0].successful
        assert speaker.wait("cue/1", STATUS.INTERRUPTED).detail == "muted"
        speaker.cue(scenes.cue("cue/2", "Stop", priority=msg.Cue.PRIORITY_INTERRUPTING))
        assert speaker.wait("cue/2", STATUS.EXPIRED).detail == "muted"
        assert node.set_parameters([Parameter("mute", value=False)])[0].successful
        speaker.cue(scenes.cue("cue/3", "Good"))
        speaker.wait("cue/3", STATUS.FINISHED)

    def test_in_quiet_hours_danger_and_what_is_wanted_speak(self, bench, silent):
        all_day = "00:00-12:00, 12:00-00:00"
        node = bench.started("speech", **silent, quiet_hours=all_day, quiet_kinds="summary", quiet_volume=0.5)
        speaker = Speaker(bench)
        speaker.cue(scenes.cue("cue/1", "Knees out"))
        assert speaker.wait("cue/1", STATUS.EXPIRED).detail.startswith("quiet hours ")
        speaker.cue(scenes.cue("cue/2", "Stop", kind=msg.Cue.KIND_DANGER, priority=100))
        speaker.wait("cue/2", STATUS.FINISHED)
        assert node.service.player.volume == 0.5
        speaker.cue(scenes.cue("cue/3", "Done", kind=msg.Cue.KIND_SUMMARY))
        speaker.wait("cue/3", STATUS.FINISHED)
        assert node.set_parameters([Parameter("quiet_hours", value="")])[0].successful
        speaker.cue(scenes.cue("cue/4", "Knees out"))
        speaker.wait("cue/4", STATUS.FINISHED)

    @pytest.mark.parametrize(
        ("name", "value"), [("quiet_hours", "at night"), ("quiet_kinds", "jokes"), ("music", "louder")]
    )
    def test_wrong_wishes_are_refused_with_what_is_allowed(self, bench, silent, name, value):
        node = bench.started("speech", **silent)
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert not result.successful
        assert "allowed" in result.reason

    def test_volume_changes_in_mid_sentence(self, bench, silent):
        node = bench.started("speech", **silent)
        speaker = Speaker(bench)
        speaker.cue(scenes.cue("cue/1", LONG))
        speaker.wait("cue/1", STATUS.STARTED)
        assert node.set_parameters([Parameter("volume", value=0.25)])[0].successful
        assert node.service.player.volume == 0.25


class TestAudioAndMusic:
    @pytest.fixture
    def loud(self, bench, silent, tones):
        node = bench.started("speech", **{**silent, "engine": "auto"}, publish_audio=True)
        music = bench.listen(msg.MusicControl, "music", LATCHED_QOS)
        pieces = bench.listen(msg.SpeechAudio, "speech_audio", EVENT_QOS)
        speaker = Speaker(bench)
        bench.wait(lambda: music)
        return node, speaker, music, pieces

    @pytest.fixture
    def tones(self, monkeypatch):
        """A voice that can be heard and needs no engine."""
        from kinecue.speech import voices
        from kinecue.speech.choose import EngineChoice

        def choose(preference, *, voice_dir=None, language="en"):
            return EngineChoice(Tones(language), preference, {}, language)

        monkeypatch.setattr(voices, "choose_engine", choose)

    def test_what_is_said_goes_to_the_topic(self, loud):
        _, speaker, _, pieces = loud
        speaker.cue(scenes.cue("cue/1", "Good"))
        speaker.wait("cue/1", STATUS.FINISHED)
        started = speaker.wait("cue/1", STATUS.STARTED)
        speaker.bench.wait(lambda: pieces and pieces[-1].last)
        assert {piece.cue_id for piece in pieces} == {"cue/1"}
        assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert stamp_to_ns(pieces[0].header.stamp) == pytest.approx(
            stamp_to_ns(started.header.stamp), abs=50_000_000
        )
        samples = [sample for piece in pieces for sample in piece.samples]
        assert len(samples) / pieces[0].sample_rate == pytest.approx(5 * 0.05, abs=0.06)  # "Good."
        assert max(samples) > 1000

    def test_music_is_ducked_for_a_cue_and_given_back(self, loud):
        _, speaker, music, _ = loud
        assert music[0].mode == msg.MusicControl.PLAY
        speaker.cue(scenes.cue("cue/1", "Good"))
        ducked = speaker.bench.wait(lambda: next((m for m in music if m.mode == msg.MusicControl.DUCK), None))
        assert (ducked.cue_id, ducked.gain) == ("cue/1", pytest.approx(0.25))
        assert 0.5 < ducked.longest < 5.0
        speaker.bench.wait(lambda: music[-1].mode == msg.MusicControl.PLAY)
        assert speaker.of("cue/1")[-1] == STATUS.FINISHED

    def test_music_is_paused_where_that_is_wanted_and_given_back_when_the_node_stops(self, loud):
        node, speaker, music, _ = loud
        assert node.set_parameters([Parameter("music", value="pause")])[0].successful
        speaker.cue(scenes.cue("cue/1", LONG))
        speaker.bench.wait(lambda: music[-1].mode == msg.MusicControl.PAUSE)
        assert speaker.bench.transition("speech", Transition.TRANSITION_DEACTIVATE)
        speaker.bench.wait(lambda: music[-1].mode == msg.MusicControl.PLAY)

    def test_each_cue_is_said_in_its_language(self, loud):
        _, speaker, _, _ = loud
        heard = speaker.bench.diagnostics()
        speaker.cue(scenes.cue("cue/1", "Rodillas afuera", language="es"))
        speaker.wait("cue/1", STATUS.FINISHED)
        speaker.bench.wait(
            lambda: any("es: tones voice of es" in values(s).get("voices", "") for s in heard.of("speech"))
        )

    def test_a_prepared_cue_says_so(self, loud):
        node, speaker, _, _ = loud
        speaker.phrases(msg.PhraseList(language="es", phrases=["Rodillas afuera"]))
        preparation = speaker.bench.wait(lambda: node.preparation)
        speaker.bench.wait(lambda: preparation.wait(0.0))
        speaker.cue(scenes.cue("cue/1", "Rodillas afuera", language="es-MX"))
        speaker.cue(scenes.cue("cue/2", "Rodillas afuera", language="en"))
        assert speaker.wait("cue/1", STATUS.STARTED).prepared is True
        assert speaker.wait("cue/2", STATUS.STARTED).prepared is False


def test_nothing_is_published_that_nobody_wants(bench, silent):
    node = bench.started("speech", **silent)
    music = bench.listen(msg.MusicControl, "music", LATCHED_QOS)
    speaker = Speaker(bench)
    speaker.cue(scenes.cue("cue/1", "Good"))
    speaker.wait("cue/1", STATUS.FINISHED)
    assert "speech_audio" not in str(node.get_topic_names_and_types())
    assert [m.mode for m in music] == [msg.MusicControl.PLAY]


LONG = "This is a long sentence that nobody will hear to its end, since it is so long"


class Tones:
    """A square wave, a twentieth of a second for each letter."""

    name, version, sample_rate, speaks, start_s = "tones", "1", 16000, True, 0.0

    def start(self):
        pass

    def __init__(self, language):
        self.language, self.voice = language, f"voice of {language}"

    def synthesize(self, text):
        from kinecue.speech import Utterance

        wave = np.where(np.arange(800 * len(text)) % 40 < 20, 9000, -9000)
        return Utterance(text, wave.astype(np.int16), 16000)

    def close(self):
        pass
