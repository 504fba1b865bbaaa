"""Engines as processes that stall, die and write rubbish; and which engine is chosen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from speech_fakes import FAKE_PROGRAM, RATE, fake_line_engine, wait_until

from kinecue.speech.choose import ALLOWED, choose_engine
from kinecue.speech.engines import FliteEngine, NullEngine, Synthesizer, run_program
from kinecue.speech.errors import (
    EngineDiedError,
    EngineError,
    EngineOutputError,
    EngineTimeoutError,
    EngineUnavailableError,
    UnknownEngineError,
    UnspeakableTextError,
)
from kinecue.speech.espeak_engine import EspeakEngine
from kinecue.speech.line_engine import LineEngine
from kinecue.speech.piper_engine import MANIFEST, find_piper, piper_folder


def exists(pid: int | None) -> bool:
    """Whether a process runs, or was not reaped."""
    return pid is not None and Path(f"/proc/{pid}").exists()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LineEngine]:
    made = fake_line_engine(tmp_path)
    yield made
    made.close()


def test_one_process_serves_many_sentences(engine: LineEngine) -> None:
    assert isinstance(engine, Synthesizer)
    assert engine.starts == 0
    lengths = [len(engine.synthesize(text).samples) for text in ("one", "one two", "one two three")]
    assert lengths == [1600, 3200, 4800]
    assert engine.starts == 1


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("please die", EngineDiedError, r"fake ended \(status 3\).*I cannot say this"),
        ("rubbish", EngineOutputError, "not a readable WAV"),
        ("the file is missing", EngineOutputError, "not a readable WAV"),
        ("empty", EngineOutputError, "no samples"),
        ("outside", EngineOutputError, "outside its folder"),
        ("...", UnspeakableTextError, "nothing to pronounce"),
    ],
)
def test_after_a_failure_the_next_sentence_works(
    engine: LineEngine, text: str, error: type[Exception], message: str
) -> None:
    engine.synthesize("before")
    with pytest.raises(error, match=message):
        engine.synthesize(text)
    assert len(engine.synthesize("all is well").samples) == 4800


def test_a_stalled_engine_is_stopped_and_started_again(tmp_path: Path) -> None:
    engine = fake_line_engine(tmp_path, sentence_timeout_s=0.3)
    engine.synthesize("before")
    stalled = engine.pid
    with pytest.raises(EngineTimeoutError, match=r"longer than 1\.0 s"):
        engine.synthesize("now stall")
    assert not exists(stalled)
    assert len(engine.synthesize("after it").samples) == 3200
    assert engine.starts == 2
    engine.close()


def test_a_start_is_told_ahead_and_can_be_made_ahead(engine: LineEngine) -> None:
    assert engine.start_s == 1.0  # expected
    engine.synthesize("before")
    assert engine.start_s == 0.0
    pid = engine.pid
    assert pid is not None
    os.kill(pid, 9)
    wait_until(lambda: engine.pid is None)
    measured = engine.start_s
    assert measured > 0.0
    engine.start()
    assert 0.0 <= engine.start_s <= measured
    again = engine.pid
    assert again is not None
    wait_until(lambda: engine.start_s == 0.0)
    engine.start()
    assert len(engine.synthesize("after it").samples) == 3200
    assert (engine.pid, engine.starts) == (again, 2)
    engine.close()
    engine.start()
    assert (engine.pid, engine.starts) == (None, 2)


def test_an_engine_killed_between_two_sentences_is_started_again(engine: LineEngine) -> None:
    engine.synthesize("before")
    pid = engine.pid
    assert pid is not None
    os.kill(pid, 9)
    wait_until(lambda: engine.pid is None)
    assert len(engine.synthesize("after").samples) == 1600
    assert not exists(pid)


def test_an_engine_killed_in_mid_sentence_fails_that_sentence_only(engine: LineEngine) -> None:
    engine.synthesize("before")
    errors: list[Exception] = []

    def speak() -> None:
        try:
            engine.synthesize("stall here")
        except EngineError as error:
            errors.append(error)

    pid = engine.pid
    assert pid is not None
    speaker = threading.Thread(target=speak)
    speaker.start()
    # killed before it has the sentence, it would only be started again for it
    wait_until((engine._folder / "stalling").exists)
    os.kill(pid, 9)
    speaker.join(10.0)
    assert [type(error) for error in errors] == [EngineDiedError]
    assert len(engine.synthesize("after").samples) == 1600


def test_close_ends_process_files_and_a_sentence_in_work(tmp_path: Path) -> None:
    engine = fake_line_engine(tmp_path, sentence_timeout_s=30.0)
    engine.synthesize("before")
    pid, folder = engine.pid, engine._folder
    errors: list[Exception] = []

    def speak() -> None:
        try:
            engine.synthesize("stall")
        except EngineError as error:
            errors.append(error)

    speaker = threading.Thread(target=speak)
    speaker.start()
    wait_until((folder / "stalling").exists)
    engine.close()
    engine.close()
    speaker.join(10.0)
    assert not speaker.is_alive()
    assert [type(error) for error in errors] == [EngineDiedError]
    assert not exists(pid)
    assert not folder.exists()
    with pytest.raises(EngineDiedError, match="closed"):
        engine.synthesize("too late")


def test_the_engine_ends_when_we_die(tmp_path: Path) -> None:
    (tmp_path / "fake_engine.py").write_text(FAKE_PROGRAM)
    script = (
        "import os, sys; from kinecue.speech.line_engine import LineEngine\n"
        "e = LineEngine('f', 'v', '1', 16000, [sys.executable, '-S', sys.argv[1], '{folder}'])\n"
        "e.synthesize('hello'); print(e.pid, e._folder, flush=True); os.kill(os.getpid(), 9)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "fake_engine.py")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    pid, folder = run.stdout.split()
    wait_until(lambda: not _runs(int(pid)))
    for path in Path(folder).iterdir():
        path.unlink()
    Path(folder).rmdir()


def _runs(pid: int) -> bool:
    """Whether a process runs; an orphan that nobody reaps here counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_does_not_exist(tmp_path: Path) -> None:
    engine = LineEngine("ghost", "v", "1", RATE, [str(tmp_path / "no-such-program")])
    with pytest.raises(EngineDiedError, match="ghost could not be started"):
        engine.synthesize("hello")
    engine.close()


def test_the_null_engine_is_silent_for_a_plausible_time() -> None:
    engine = NullEngine()
    assert isinstance(engine, Synthesizer)
    spoken = engine.synthesize("Push your knees out")
    assert not spoken.samples.any()
    assert 0.8 < spoken.duration_s < 2.0
    engine.close()


def fake_program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable} -S\nimport sys, wave\narguments = sys.argv[1:]\n{body}")
    path.chmod(0o755)


WRITE = """
def speak(path, text):
    with wave.open(path, "wb") as file:
        file.setnchannels(1); file.setsampwidth(2); file.setframerate(16000)
        file.writeframes(len(text).to_bytes(2, "little") * 1600)
"""
FAKE_FLITE = (
    WRITE
    + """
if arguments == ["-lv"]: print("Voices available: kal slt rms other")
elif arguments == ["--version"]: print("  version: flite-2.2-current"); sys.exit(1)
else:
    assert arguments[:3] == ["-voice", "rms", "-t"] and arguments[4] == "-o"
    speak(arguments[5], arguments[3])
"""
)
FAKE_ESPEAK = (
    WRITE
    + """
if arguments == ["--version"]: print("eSpeak NG text-to-speech: 1.51")
elif arguments[0].startswith("--voices="):
    print("Pty Language")
    if arguments[0].endswith(("en", "de")): print(" 5  de")
else: speak(arguments[arguments.index("-w") + 1], sys.stdin.read().strip())
"""
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_flite_is_run_with_its_best_voice(programs: Path) -> None:
    fake_program(programs, "flite", FAKE_FLITE)
    engine = FliteEngine()
    assert isinstance(engine, Synthesizer)
    assert (engine.voice, engine.version) == ("rms", "2.2")
    spoken = engine.synthesize("-o /etc/passwd; rm")
    np.testing.assert_array_equal(spoken.samples, len("-o /etc/passwd; rm."))
    with pytest.raises(EngineUnavailableError, match="no voice 'slim'; it has: rms, slt, kal, other"):
        FliteEngine("slim")


def test_espeak_is_run(programs: Path) -> None:
    fake_program(programs, "espeak-ng", FAKE_ESPEAK)
    engine = EspeakEngine()
    assert isinstance(engine, Synthesizer)
    assert engine.version == "1.51"
    np.testing.assert_array_equal(engine.synthesize("--help").samples, len("--help."))


def test_a_program_that_fails_or_stalls(programs: Path) -> None:
    fake_program(programs, "sad", "sys.exit('no voice data')")
    with pytest.raises(EngineDiedError, match="sad ended with status 1: no voice data"):
        run_program([str(programs / "sad")])
    fake_program(programs, "slow", "import time; time.sleep(60)")
    with pytest.raises(EngineTimeoutError, match=r"slow took longer than 0\.2 s"):
        run_program([str(programs / "slow")], timeout_s=0.2)


def test_a_program_that_does_not_run_here_is_not_available(programs: Path) -> None:
    fake_program(programs, "flite", "sys.exit('cannot execute')")
    fake_program(programs, "espeak-ng", "sys.exit('no data')")
    choice = choose_engine()
    assert choice.engine.name == "null"
    assert "cannot execute" in choice.unavailable["flite"]
    assert "no data" in choice.unavailable["espeak"]


def test_the_best_engine_that_exists_is_chosen(programs: Path, tmp_path: Path) -> None:
    assert choose_engine(voice_dir=tmp_path).engine.name == "null"
    fake_program(programs, "espeak-ng", FAKE_ESPEAK)
    assert choose_engine(voice_dir=tmp_path).engine.name == "espeak"
    fake_program(programs, "flite", FAKE_FLITE)
    choice = choose_engine(voice_dir=tmp_path)
    assert choice.engine.name == "flite"
    assert list(choice.unavailable) == ["piper"]
    assert "kinecue voice fetch" in choice.describe()


def test_a_preference_that_is_missing_falls_to_the_next(programs: Path) -> None:
    fake_program(programs, "espeak-ng", FAKE_ESPEAK)
    choice = choose_engine("flite")
    assert choice.engine.name == "espeak"
    assert "no program 'flite'" in choice.describe()
    assert choose_engine("null").describe() == "no speech engine for en: cues are text only, as asked for"


def test_an_unknown_engine_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(
        UnknownEngineError, match="unknown speech engine 'siri'; allowed: " + ", ".join(ALLOWED)
    ):
        choose_engine("siri")


def installed(voice_dir: Path, **changes: object) -> Path:
    folder = piper_folder(voice_dir)
    (folder / "voice").mkdir(parents=True)
    (folder / "voice" / "a.onnx").write_bytes(b"12345")
    manifest = {
        "version": "1",
        "voice": "a",
        "model": "voice/a.onnx",
        "packages": "packages",
        "sample_rate": 22050,
        "files": {"voice/a.onnx": 5},
        **changes,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def test_an_installed_piper_is_found(tmp_path: Path) -> None:
    folder = installed(tmp_path)
    found = find_piper(tmp_path)
    assert (found.model, found.sample_rate) == (folder / "voice" / "a.onnx", 22050)
    choice = choose_engine(voice_dir=tmp_path)
    assert (choice.engine.name, choice.engine.voice) == ("piper", "a")
    choice.engine.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"files": {"voice/a.onnx": 6}}, "a.onnx is missing or damaged"),
        ({"files": {"voice/b.onnx": 6}}, "b.onnx is missing or damaged"),
        ({"files": []}, "is damaged"),
        ({"sample_rate": "fast"}, "is damaged"),
        ({"model": 3}, "is damaged"),
    ],
)
def test_a_damaged_piper_is_not_used(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    installed(tmp_path, **changes)
    with pytest.raises(EngineUnavailableError, match=message):
        find_piper(tmp_path)


def test_a_manifest_that_is_no_json(tmp_path: Path) -> None:
    (installed(tmp_path) / MANIFEST).write_text("{")
    with pytest.raises(EngineUnavailableError, match="is damaged"):
        find_piper(tmp_path)
