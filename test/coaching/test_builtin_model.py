"""The process of the built-in model: it answers, or the caller is told in time; nothing hangs, nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("gguf", reason="the set-up of the language model needs the package gguf")
pytest.importorskip("tokenizers", reason="the language model needs the package tokenizers")

from tiny_gguf import write_gguf

from kinecue.coaching.language import ModelError, ModelGoneError, ModelTimeoutError, Prompt
from kinecue.coaching.language.builtin import BuiltinModel
from kinecue.coaching.language.conversion import make_model
from kinecue.coaching.language.installation import MANIFEST, MODEL_FILE, Installation, installed
from kinecue.coaching.language.smollm import SmolLM
from kinecue.coaching.language.worker import NICENESS, answer_to

ASK = Prompt("Be brief.", (("knees in", "push your knees out"),), "heels lift", max_tokens=6)
PATIENT = 60.0


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tuple[Path, Installation]:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "text").write_text("licence")
    found = make_model(
        write_gguf(folder / "tiny.gguf"),
        folder / "text",
        folder,
        name="tiny",
        source="a test",
        licence="none",
        report=lambda _: None,
    )
    return folder, found


@pytest.fixture
def model(tiny):
    built_in = BuiltinModel(tiny[0])
    yield built_in
    built_in.close()


def scripted(tmp_path, body, **options):
    """A model whose worker says it is ready and then does `body` with each question `line`."""
    script = tmp_path / "worker.py"
    script.write_text(
        "import os, sys, time\n"
        "def tell(text):\n    os.write(1, text.encode())\n"
        "tell('{\"ready\": 1}\\n')\n"
        "for line in sys.stdin:\n" + textwrap.indent(textwrap.dedent(body), "    ")
    )
    return BuiltinModel(tmp_path, command=[sys.executable, "-S", str(script)], **options)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A process whose parent has died may wait for somebody to reap it.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_answers_as_the_model_in_process_and_stays_low(tiny, model):
    here = SmolLM(*tiny)
    assert model.pid is None
    assert model.complete(ASK, PATIENT) == here.complete(ASK, time.monotonic() + PATIENT)
    replies = ["knees out", "heels down"]
    assert model.likelihood(ASK, replies, PATIENT) == here.likelihood(ASK, replies, float("inf"))
    assert model.starts == 1
    assert os.getpriority(os.PRIO_PROCESS, model.pid) == min(
        os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19
    )
    assert model.work["known_tokens"] > 0


def test_a_stopped_process_is_killed_at_the_deadline_and_the_next_question_gets_another(model):
    first = model.complete(ASK, PATIENT)
    stalled = model.pid
    os.kill(stalled, signal.SIGSTOP)
    with pytest.raises(ModelTimeoutError, match=r"took longer than 0\.2 s and was stopped"):
        model.complete(ASK, 0.2)
    assert gone(stalled)
    assert model.complete(ASK, PATIENT) == first
    assert model.starts == 2
    os.kill(model.pid, signal.SIGKILL)
    with pytest.raises(ModelGoneError, match="died"):
        model.complete(ASK, PATIENT)


def test_an_idle_process_ends_and_the_next_question_gets_another(tiny):
    model = BuiltinModel(tiny[0], idle_s=0.2)
    try:
        first, pid = model.complete(ASK, PATIENT), model.pid
        wait_until(lambda: gone(pid))
        assert model.complete(ASK, PATIENT) == first
        assert model.starts == 2
    finally:
        model.close()


def test_ends_with_the_coach(tiny, tmp_path):
    """A coach that is killed cannot end its worker: it ends by itself."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from kinecue.coaching.language.builtin import BuiltinModel\n"
        "model = BuiltinModel(Path(sys.argv[1])); model.start(); print(model.pid, flush=True); time.sleep(60)"
    )
    coach = subprocess.Popen([sys.executable, "-c", code, str(tiny[0])], stdout=subprocess.PIPE, text=True)
    with coach:
        worker = int(coach.stdout.readline())
        coach.kill()
    wait_until(lambda: gone(worker))


def test_loading_is_not_interrupted_by_a_deadline(tmp_path):
    script = tmp_path / "slow.py"
    script.write_text(
        "import time, sys; time.sleep(1); print('{\"ready\": 1}', flush=True)\n"
        'sys.stdin.readline(); print(\'{"text": "up"}\', flush=True); sys.stdin.readline()'
    )
    model = BuiltinModel(tmp_path, command=[sys.executable, "-S", str(script)])
    with pytest.raises(ModelTimeoutError, match="still loading"):
        model.complete(ASK, 0.01)
    assert model.complete(ASK, PATIENT) == "up"
    assert model.starts == 1
    model.close()


def test_not_installed_is_told_once_and_not_tried_again_and_again(tmp_path):
    now = [0.0]
    model = BuiltinModel(tmp_path / "nothing", clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(ModelGoneError, match=r"not installed .* run `kinecue models language`"):
            model.complete(ASK, PATIENT)
    assert model.starts == 1
    model.close()


def test_what_could_not_be_started_is_tried_again_after_a_pause(tmp_path):
    now = [0.0]
    script = tmp_path / "late"
    model = BuiltinModel(tmp_path, command=[str(script)], clock=lambda: now[0])
    with pytest.raises(ModelGoneError, match="could not be started"):
        model.complete(ASK, PATIENT)
    script.write_text(
        f'#!{sys.executable} -S\nprint(\'{{"ready": 1}}\\n{{"text": "up"}}\', flush=True); input()'
    )
    script.chmod(0o755)
    with pytest.raises(ModelGoneError, match="could not be started"):
        model.complete(ASK, PATIENT)
    assert model.starts == 0
    now[0] = 31.0
    assert model.complete(ASK, PATIENT) == "up"
    model.close()


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("tell('so what\\n')", ModelError, "something else than JSON"),
        ("tell('[1]\\n')", ModelError, "something else than JSON"),
        ("tell('{}\\n')", ModelError, "an answer without a text"),
        ("tell('{\"text\": 7}\\n')", ModelError, "an answer without a text"),
        ('tell(\'{"text": "ha\')\nsys.exit(3)', ModelGoneError, "died: it ended with status 3"),
        ("os.kill(os.getpid(), 9)", ModelGoneError, "died: it ended with status -9"),
        ("sys.exit('no memory')", ModelGoneError, "status 1: no memory"),
        ("time.sleep(60)", ModelTimeoutError, "took longer than"),
        ('tell(\'{"text": "ha\')\ntime.sleep(60)', ModelTimeoutError, "took longer than"),
    ],
)
def test_a_worker_that_misbehaves(tmp_path, body, error, message):
    model = scripted(tmp_path, body)
    try:
        model.start()
        # Only what stalls needs its deadline: the others have told before.
        with pytest.raises(error, match=message):
            model.complete(ASK, 1.5 if error is ModelTimeoutError else PATIENT)
    finally:
        model.close()


def test_judges_every_reply_or_none(tmp_path):
    model = scripted(tmp_path, "tell('{\"likelihoods\": [-1.0]}\\n')")
    assert model.likelihood(ASK, ["a"], PATIENT) == (-1.0,)
    with pytest.raises(ModelError, match="did not judge every reply"):
        model.likelihood(ASK, ["a", "b"], PATIENT)
    model.close()


def test_close_while_a_question_waits(tmp_path):
    model = scripted(tmp_path, "time.sleep(60)")
    model.start()
    told = []

    def ask():
        with pytest.raises(ModelGoneError, match="closed") as caught:
            model.complete(ASK, PATIENT)
        told.append(caught.value)

    waiting = threading.Thread(target=ask)
    waiting.start()
    time.sleep(0.3)
    pid = model.pid
    model.close()
    waiting.join(10.0)
    assert told
    assert gone(pid)
    model.close()
    with pytest.raises(ModelGoneError, match="closed"):
        model.complete(ASK, PATIENT)


def test_one_question_at_a_time(tmp_path):
    model = scripted(tmp_path, "time.sleep(60)")
    model.start()
    ended = []

    def ask():
        with pytest.raises(ModelGoneError) as caught:
            model.complete(ASK, PATIENT)
        ended.append(caught.value)

    other = threading.Thread(target=ask)
    other.start()
    wait_until(model._lock.locked)
    with pytest.raises(ModelTimeoutError, match="busy"):
        model.complete(ASK, 0.05)
    model.close()
    other.join(10.0)
    assert ended


def test_a_question_longer_than_a_pipe_is_refused(tmp_path):
    model = scripted(tmp_path, "time.sleep(60)")
    with pytest.raises(ModelError, match="bytes, allowed: 60000"):
        model.complete(Prompt("", (), "x" * 70_000), PATIENT)
    model.close()


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"7", b'{"task": "complete"}', b'{"prompt": {}, "seconds": 1, "task": "complete"}'],
)
def test_a_bad_question_is_refused(tiny, line):
    assert answer_to(SmolLM(*tiny), line)["error"] == "refused"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / MODEL_FILE).write_bytes(b"x"), "has 1 bytes, expected"),
        (lambda folder: (folder / MODEL_FILE).unlink(), "has 0 bytes, expected"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "cannot be read"),
        (lambda folder: (folder / MANIFEST).write_text('{"name": 1}'), "cannot be read"),
        (
            lambda folder: (folder / MODEL_FILE).write_bytes(b"x" * (folder / MODEL_FILE).stat().st_size),
            "cannot be loaded",
        ),
    ],
)
def test_a_damaged_installation_is_named(tiny, tmp_path, damage, message):
    for name in (*tiny[1].bytes, MANIFEST):
        (tmp_path / name).write_bytes((tiny[0] / name).read_bytes())
    damage(tmp_path)
    with pytest.raises(ModelError, match=message):
        SmolLM(tmp_path, installed(tmp_path))
