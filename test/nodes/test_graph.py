"""The whole graph: a clip goes in, a spoken cue comes out. Each clip is played once, in real time."""

from __future__ import annotations

import json
import math
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import pytest
from node_bench import separate_graph
from rich.console import Console
from speech_recognition import read_wav, recognise_all, speech_segments

from kinecue.body.paths import data_dir, share_dir
from kinecue.cli import demo
from kinecue.cli.demo import DemoSettings, run_demo
from kinecue.cli.main import main
from kinecue.coaching.phrasebook import load_phrase_book
from kinecue.exercise import find_exercise
from kinecue.perception.models import ModelStore
from kinecue.simulation.clip import ClipTruth
from kinecue.speech.errors import EngineUnavailableError
from kinecue.speech.piper_engine import find_piper
from kinecue.speech.service import REPLACED, Preparation


@dataclass(frozen=True)
class Played:
    """What the demo left behind."""

    status: int
    folder: Path
    document: dict[str, Any]
    truth: ClipTruth

    @property
    def spoken(self) -> list[dict[str, Any]]:
        """Cues that were heard."""
        return [cue for cue in self.document["cues"] if cue["first_sample_time_s"] is not None]

    def of_kind(self, *kinds: str) -> list[dict[str, Any]]:
        """Cues of some kinds that were heard."""
        return [cue for cue in self.spoken if cue["kind"] in kinds]


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    """Runs the demo on a clip, with the real voice and without a sound device."""
    problem = ModelStore().problem("pose_detection") or ModelStore().problem("pose_landmark_full")
    if problem:
        pytest.skip(problem)
    try:
        find_piper(data_dir() / "voice")
    except EngineUnavailableError as error:
        pytest.skip(str(error))

    def run(clip: tuple[Path, ClipTruth]) -> Played:
        path, truth = clip
        folder = tmp_path_factory.mktemp(path.stem)
        with pytest.MonkeyPatch.context() as environment:
            separate_graph(environment)
            settings = DemoSettings(
                video=str(path), output=folder, engine="piper", device="none", language_model="none"
            )
            status = run_demo(settings)
        return Played(status, folder, json.loads((folder / "cues.json").read_text()), truth)

    return run


@pytest.fixture(scope="module")
def faulty(play, sample_squat):
    """The set with planted faults."""
    return play(sample_squat)


@pytest.fixture(scope="module")
def clean(play, clean_squat):
    """The set without a fault."""
    return play(clean_squat)


class TestPlantedFaults:
    def test_exit_status_is_0(self, faulty):
        assert faulty.status == 0

    def test_all_repetitions_are_counted_and_nothing_else(self, faulty):
        assert faulty.document["repetitions"]["counted"] == len(faulty.truth.repetitions) == 8
        assert faulty.document["repetitions"]["not_counted"] == []

    def test_faults_are_found_in_their_repetitions_and_nowhere_else(self, faulty):
        planted = {(fault.name, fault.repetition) for fault in faulty.truth.faults}
        assert {(fault["name"], fault["repetition"]) for fault in faulty.document["faults"]} == planted

    def test_faults_are_found_while_they_last_or_at_the_end_of_their_repetition(self, faulty):
        planned = {repetition.number: repetition for repetition in faulty.truth.repetitions}
        onsets = {(fault.name, fault.repetition): fault.onset_s for fault in faulty.truth.faults}
        for fault in faulty.document["faults"]:
            onset = onsets[fault["name"], fault["repetition"]]
            # the end is told when the lifter stands still, up to half a second after the planned one
            assert onset - 0.3 <= fault["frame_time_s"] <= planned[fault["repetition"]].end_s + 0.8

    def test_each_kind_is_corrected_in_or_right_after_its_repetition(self, faulty):
        """Of a fault that comes in two repetitions in a row, the first is spoken of; the second is not nagged about."""
        first: dict[str, int] = {}
        for fault in faulty.truth.faults:
            first.setdefault(fault.name, fault.repetition)
        corrected = {}
        planned = {repetition.number: repetition for repetition in faulty.truth.repetitions}
        for cue in faulty.of_kind("correction", "danger"):
            names = {fault["name"] for fault in cue["faults"]}
            assert len(names) == 1
            corrected[names.pop()] = cue["repetition"]
            begin, end = planned[cue["repetition"]].start_s, planned[cue["repetition"]].end_s
            assert begin < cue["first_sample_time_s"] < end + 1.5
        assert corrected == first

    def test_nothing_is_corrected_twice(self, faulty):
        ids = [i["id"] for cue in faulty.of_kind("correction", "danger") for i in cue["faults"]]
        assert len(ids) == len(set(ids)) == 2

    def test_nothing_else_is_said_but_praise_for_what_was_corrected(self, faulty):
        corrected = [cue["correction"] for cue in faulty.of_kind("correction", "danger")]
        praised = [cue["correction"] for cue in faulty.of_kind("praise")]
        assert praised == corrected
        assert len(faulty.document["cues"]) == len(corrected) + len(praised)
        assert {cue["status"] for cue in faulty.document["cues"]} == {"spoken"}


class TestTrace:
    def test_every_time_of_a_cue_is_there_and_in_order(self, faulty):
        assert faulty.document["cues"]
        for cue in faulty.document["cues"]:
            assert cue["id"]
            assert cue["text"]
            times = [cue["frame_time_s"], cue["cue_time_s"], cue["first_sample_time_s"]]
            assert all(time is not None and math.isfinite(time) for time in times)
            assert times == sorted(times)
            assert cue["frame_to_cue_ms"] == pytest.approx((times[1] - times[0]) * 1e3, abs=0.01)
            assert cue["cue_to_sample_ms"] == pytest.approx((times[2] - times[1]) * 1e3, abs=0.01)

    def test_every_stamp_is_that_of_a_frame_of_the_clip(self, faulty):
        """The clip's frames are 1/30 s apart; a stamp that was carried unchanged is a whole number of them."""
        fps, count = faulty.truth.fps, len(faulty.truth.times_s)
        moments = [cue["frame_time_s"] for cue in faulty.document["cues"]]
        moments += [cue["fault_time_s"] for cue in faulty.of_kind("correction", "danger")]
        moments += [
            fault[key] for fault in faulty.document["faults"] for key in ("frame_time_s", "onset_time_s")
        ]
        assert len(moments) > 5
        for moment in moments:
            frame = moment * fps
            assert frame == pytest.approx(round(frame), abs=1e-3)
            assert 0 <= round(frame) < count

    def test_a_correction_names_the_measurement_behind_it(self, faulty):
        model = find_exercise("squat")
        for cue in faulty.of_kind("correction", "danger"):
            for fault in cue["faults"]:
                assert fault["feature"] == model.faults[fault["name"]].feature
                assert cue["correction"] == model.faults[fault["name"]].correction
                assert cue["body_part"] == model.faults[fault["name"]].body_part
                assert fault["frame_stamp_ns"] == faulty.document["start_stamp_ns"] + round(
                    fault["frame_time_s"] * 1e9
                )
                assert 0.5 < fault["probability"] <= 1.0
                assert fault["std"] > 0
                assert fault["measured"] != fault["limit"]
                assert fault["frame_time_s"] <= cue["frame_time_s"]

    def test_every_decision_has_a_reason(self, faulty):
        assert {decision["outcome"] for decision in faulty.document["decisions"]} >= {"spoken", "held"}
        assert all(decision["reason"] and decision["subject"] for decision in faulty.document["decisions"])

    def test_latencies_and_rates_are_told(self, faulty):
        for name in ("frame_to_cue", "cue_to_sample", "frame_to_body"):
            told = faulty.document["latency_ms"][name]
            assert 0 < told["median"] <= told["p99"]
        frames = faulty.document["frames"]
        assert 0 < frames["processed"] <= frames["captured"] == len(faulty.truth.times_s)
        assert 0 < faulty.document["cpu_share"] <= 1.0


class TestRecording:
    def phrases(self) -> list[str]:
        """All that might be said about a squat, right or wrong, and the opposite of it."""
        book = load_phrase_book(share_dir() / "config" / "phrases" / "en.yaml")
        corrections = [fault.correction for fault in find_exercise("squat").faults.values()]
        words = set(book.cue_phrases(corrections, count_to=12))
        words |= {
            "Push your knees in",
            "Drive your knees inward",
            "Raise your hips higher",
            "Lift your hips up",
        }
        return sorted(words)

    def test_says_what_the_cues_say(self, faulty):
        phrases = sorted({*self.phrases(), *(cue["text"] for cue in faulty.spoken)})
        heard = recognise_all(faulty.folder / "session.wav", phrases)
        assert [text for _, text in heard] == [cue["text"] for cue in faulty.spoken]
        for (begin, _), cue in zip(heard, faulty.spoken, strict=False):
            # the recogniser's segment begins where the voice does, some 50 ms after the first sample
            assert begin == pytest.approx(cue["wav_offset_s"], abs=0.3)
        for cue in faulty.spoken:
            assert cue["body_part"].rstrip("s") in cue["text"].lower()

    def test_begins_with_the_first_frame(self, faulty):
        assert faulty.document["wav_start_s"] == pytest.approx(0.0, abs=0.01)
        for cue in faulty.spoken:
            assert cue["wav_offset_s"] == pytest.approx(cue["first_sample_time_s"], abs=0.01)

    def test_is_as_long_as_the_set(self, faulty):
        samples, rate = read_wav(faulty.folder / "session.wav")
        assert len(samples) / rate >= faulty.truth.times_s[-1]


def test_the_set_is_coached_again_in_another_language(faulty, tmp_path, capsys):
    report, told = faulty.folder / "cues.json", tmp_path / "again.json"
    arguments = ["--language", "de", "--engine", "null", "--json", str(told)]
    assert main(["coach", "--replay", str(report), *arguments]) == 0
    lines = json.loads(told.read_text())["lines"]
    corrections = [line["correction"] for line in lines if line["event"] == "said" and line["correction"]]
    assert corrections == [cue["correction"] for cue in faulty.document["cues"] if cue["correction"]]
    assert min(line["time_s"] for line in lines) > 0.0
    assert "Knie" in capsys.readouterr().out


class TestFiles:
    def test_are_all_there_and_nothing_half_written(self, faulty):
        assert {path.name for path in faulty.folder.iterdir()} == {
            "annotated.mp4",
            "cues.json",
            "session.wav",
            "angles.png",
        }

    def test_video_is_as_long_as_the_clip_and_can_be_decoded(self, faulty):
        capture = cv2.VideoCapture(str(faulty.folder / "annotated.mp4"))
        frames = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        capture.set(cv2.CAP_PROP_POS_FRAMES, frames // 2)
        good, picture = capture.read()
        capture.release()
        assert good
        assert picture.shape == (faulty.truth.camera.height, faulty.truth.camera.width, 3)
        assert frames / faulty.truth.fps == pytest.approx(faulty.truth.times_s[-1], abs=1.0)

    def test_plot_is_a_picture(self, faulty):
        assert cv2.imread(str(faulty.folder / "angles.png")) is not None


class TestCleanSet:
    def test_all_repetitions_are_counted(self, clean):
        assert clean.document["repetitions"]["counted"] == len(clean.truth.repetitions) == 8

    def test_nothing_is_corrected(self, clean):
        assert clean.document["faults"] == []
        assert [
            cue["text"] for cue in clean.document["cues"] if cue["kind"] in ("correction", "danger", "praise")
        ] == []

    def test_nothing_is_said(self, clean):
        samples, rate = read_wav(clean.folder / "session.wav")
        assert speech_segments(samples, rate) == []
        assert clean.document["cues"] == []

    def test_exit_status_is_1_because_no_cue_was_spoken(self, clean):
        assert clean.status == 1


class TestWithoutACue:
    def test_a_clip_of_nobody_is_status_1_and_says_why(self, play, domain, tmp_path, capsys):
        """`play` skips where there are no networks or no voice."""
        path = tmp_path / "empty.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30.0, (160, 120))
        for _ in range(20):
            writer.write(_grey())
        writer.release()
        status = run_demo(
            DemoSettings(
                video=str(path),
                exercise="squat",
                output=tmp_path / "out",
                model="lite",
                engine="null",
                device="none",
            )
        )
        assert status == 1
        assert "no repetition was counted and no cue was spoken" in capsys.readouterr().out
        document = json.loads((tmp_path / "out" / "cues.json").read_text())
        assert document["repetitions"]["counted"] == 0

    def test_a_former_result_does_not_stay(self, domain, tmp_path, play):
        from kinecue.body.errors import KineCueError

        out = tmp_path / "out"
        out.mkdir()
        (out / "cues.json").write_text("old")
        with pytest.raises(KineCueError, match=r"none\.mp4: no such file"):
            run_demo(DemoSettings(video=str(tmp_path / "none.mp4"), output=out))
        shutil.rmtree(out)


def _grey():
    import numpy as np

    return np.full((120, 160, 3), 100, np.uint8)


def test_phrases_that_a_newer_list_replaced_are_not_told_to_have_failed(capsys):
    """A language model's words come as a further list while the first one is still being synthesised."""
    first, second = Preparation(2), Preparation(2)
    first.replaced = True
    for text in ("Knees out", "Hips back"):
        first.count(text, REPLACED)
    speech = SimpleNamespace(preparation=first)

    def next_list() -> None:
        speech.preparation = second
        second.count("Knees out", None)
        second.count("Hips back", "the engine died")

    timer = threading.Timer(0.2, next_list)
    timer.start()
    demo._prepare_phrases(SimpleNamespace(speech=speech), Console())
    timer.join()
    said = capsys.readouterr().out
    assert "'Hips back' could not be synthesised: the engine died" in said
    assert REPLACED not in said
    assert "Knees out" not in said
