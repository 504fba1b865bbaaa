"""Steps are done once, and again when they were interrupted or an input changed."""

from __future__ import annotations

import io

import pytest

from bootstrap import steps
from bootstrap.errors import SetupError
from bootstrap.steps import Stamps, Step, digest_of, pending, write_atomically


class Recorder:
    """Actions that note when they run."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fail: BaseException | None = None

    def step(self, name: str, **rest) -> Step:
        def action(line) -> None:
            if self.fail:
                raise self.fail
            self.done.append(name)

        return Step(name, name, action, **rest)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def stamps(tmp_path):
    return Stamps(tmp_path / "stamps")


def test_a_step_is_done_once(recorder, stamps, capsys):
    table = [recorder.step("one"), recorder.step("two")]
    steps.run(table, stamps)
    steps.run(table, stamps)
    assert recorder.done == ["one", "two"]
    assert capsys.readouterr().out == "[1/2] one ... done in 0 s\n[2/2] two ... done in 0 s\n"


def test_a_changed_input_makes_it_due_again(recorder, stamps, tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("a==1\n")
    table = [recorder.step("one", inputs=lambda: [file])]
    steps.run(table, stamps)
    assert pending(table, stamps) == []
    file.write_text("a==2\n")
    assert pending(table, stamps) == ["one"]


def test_a_changed_input_makes_the_steps_that_build_on_it_due(recorder, stamps):
    def table(version: str) -> list[Step]:
        return [
            recorder.step("base", inputs=lambda: [version]),
            recorder.step("upon", needs=("base",)),
            recorder.step("apart"),
        ]

    steps.run(table("1"), stamps)
    assert pending(table("2"), stamps) == ["base", "upon"]


def test_what_can_be_gone_without_fails_aloud_and_is_tried_again(recorder, stamps, capsys):
    table = [recorder.step("model", without="Going on without it."), recorder.step("after")]
    recorder.fail = SetupError("no network")
    with pytest.raises(SetupError):
        steps.run(table, stamps)  # of the second, which is needed
    said = capsys.readouterr().out
    assert said == "[1/2] model ... failed\nno network\nGoing on without it.\n[2/2] after ... failed\n"
    recorder.fail = None
    steps.run(table, stamps)
    assert recorder.done == ["model", "after"]


@pytest.mark.parametrize(
    ("failure", "word"), [(SetupError("no network"), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_an_interrupted_step_is_done_again_and_what_came_before_is_not(
    recorder, stamps, failure, word, capsys
):
    first, second = recorder.step("first"), recorder.step("second")
    steps.run([first], stamps)
    recorder.fail = failure
    with pytest.raises(type(failure)):
        steps.run([first, second], stamps)
    assert capsys.readouterr().out.endswith(f"second ... {word}\n")
    assert pending([first, second], stamps) == ["second"]
    recorder.fail = None
    steps.run([first, second], stamps)
    assert recorder.done == ["first", "second"]


def test_a_step_that_fails_when_redone_has_no_stamp_of_the_earlier_success(recorder, stamps):
    steps.run([recorder.step("one", inputs=lambda: ["1"])], stamps)
    recorder.fail = SetupError("disk full")
    with pytest.raises(SetupError):
        steps.run([recorder.step("one", inputs=lambda: ["2"])], stamps)
    assert pending([recorder.step("one", inputs=lambda: ["1"])], stamps) == ["one"]


def test_a_missing_output_makes_it_due_again(recorder, stamps, tmp_path):
    output = tmp_path / "model.onnx"
    table = [recorder.step("one", outputs=lambda: [output])]
    output.touch()
    steps.run(table, stamps)
    assert pending(table, stamps) == []
    output.unlink()
    assert pending(table, stamps) == ["one"]


def test_the_first_step_may_take_the_stamps_of_the_others_away(recorder, stamps, tmp_path):
    steps.run([recorder.step("environment"), recorder.step("packages")], stamps)

    def wipe(line) -> None:
        for file in (tmp_path / "stamps").iterdir():
            file.unlink()

    table = [Step("environment", "environment", wipe, inputs=lambda: ["new"]), recorder.step("packages")]
    steps.run(table, stamps)
    assert recorder.done == ["environment", "packages", "packages"]


def test_the_stamp_keeps_the_time_that_a_step_takes_from_nothing(recorder, stamps):
    table = [recorder.step("one", inputs=lambda: ["new"])]
    stamps.write("one", "digest of older inputs", 98.0)
    steps.run(table, stamps)
    assert stamps.seconds("one") == 98.0


def test_a_damaged_stamp_counts_as_none(recorder, stamps, tmp_path):
    table = [recorder.step("one")]
    steps.run(table, stamps)
    (tmp_path / "stamps/one.json").write_text('{"inputs": ')
    assert pending(table, stamps) == ["one"]


def test_the_digest_sees_names_contents_and_missing_files_but_no_bytecode(tmp_path):
    folder = tmp_path / "messages"
    folder.mkdir()
    (folder / "Body.msg").write_text("string id\n")
    first = digest_of([folder])
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/a.pyc").write_text("x")
    assert digest_of([folder]) == first
    (folder / "Body.msg").rename(folder / "Person.msg")
    renamed = digest_of([folder])
    assert renamed != first
    (folder / "Person.msg").write_text("string name\n")
    assert digest_of([folder]) not in (first, renamed)
    assert digest_of([tmp_path / "none"]) != digest_of([])
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])


def test_writing_a_file_that_fails_leaves_the_old_one(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "\udcff")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_step_shows_that_it_is_alive():
    terminal = Terminal()
    line = steps.StepLine(2, 7, "Python packages", terminal)
    line.beat("Downloading numpy")
    line.end("done in 12 s")
    assert "[2/7] Python packages ... 0 s  Downloading numpy" in terminal.getvalue()
    assert terminal.getvalue().endswith("[2/7] Python packages ... done in 12 s\n")


def test_in_a_pipe_a_step_is_one_plain_line():
    pipe = io.StringIO()
    line = steps.StepLine(2, 7, "Python packages", pipe)
    line.beat("Downloading numpy")
    line.end("done in 12 s")
    assert pipe.getvalue() == "[2/7] Python packages ... done in 12 s\n"
