"""`kinecue machine`: a person is led through the calibration, sees what was measured, and what the sensors say now."""

from __future__ import annotations

import io
import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from machine.calibrating import Bench

pytest.importorskip("serial", reason="pyserial is not installed")

from rich.console import Console

from kinecue.body.errors import KineCueError
from kinecue.cli.machine import Source, run_calibrate, run_show
from kinecue.cli.machine_example import example_driver
from kinecue.cli.machine_watch import run_watch
from kinecue.cli.main import main
from kinecue.machine import CableSide
from kinecue.machine.calibration import CalibrationError, load_calibration
from kinecue.machine.calibration_guide import CalibrationGuide
from kinecue.machine.drivers.base import DriverCounts, DriverError, Sample


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


class BenchDriver:
    """Hands over samples of a bench, as many as are asked for; they come as fast as they are read."""

    name, patience_s = "bench", math.inf

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.counts = DriverCounts()
        self._wanted = 0
        self._lock = threading.Lock()

    def open(self) -> None:
        """It is."""

    def close(self) -> None:
        """Nothing is held."""

    def read(self, now_ns: int) -> Sequence[Sample]:
        with self._lock:
            if self._wanted == 0:
                time.sleep(0.001)
                return []
            samples = list(self.bench.samples(0.1))
            self._wanted -= 1
            return samples

    def wait(self, seconds: float) -> None:
        """Lets seconds of the bench go by."""
        with self._lock:
            self._wanted = round(seconds / 0.1)
        until = time.monotonic() + 20.0
        while self._wanted and time.monotonic() < until:
            time.sleep(0.001)
        # what was read last is delivered
        time.sleep(0.02)


class Person:
    """Obeys the guide; answers with what a test wants first."""

    def __init__(
        self, guide: CalibrationGuide, bench: Bench, driver: BenchDriver, answers: Sequence[str] = ()
    ) -> None:
        self.guide, self.bench, self.driver = guide, bench, driver
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, question: str) -> str:
        self.asked += 1
        if self.answers and (answer := self.answers.pop(0)):
            return answer
        assert self.guide.step is not None
        self.bench.obey(self.guide.step, 1.0)
        self.driver.wait(0.1)
        return ""


def led(
    bench: Bench,
    length: float | None = 1.0,
    weights: tuple[float, ...] = (10.0,),
    answers: Sequence[str] = (),
) -> tuple[int, str, Person]:
    guide = CalibrationGuide("rack", bench.side, length, weights)
    driver = BenchDriver(bench)
    person = Person(guide, bench, driver, answers)
    text = io.StringIO()
    status = run_calibrate(Console(file=text, width=200), guide, driver, person, driver.wait)
    return status, text.getvalue(), person


def test_a_calibration_is_led_stored_and_shown() -> None:
    status, text, _ = led(Bench(counts_per_metre=-4000.0, believed=5000.0, side=CableSide.LEFT))
    assert status == 0
    assert "9 of 9" in text
    assert "sign" in text
    got = load_calibration("rack")[CableSide.LEFT]
    assert got.counts_per_metre == pytest.approx(-4000.0, rel=0.02)
    assert got.newton_per_unit == pytest.approx(0.002, rel=0.05)
    # half of it again: the rest stays
    status, _, _ = led(Bench(counts_per_metre=-4100.0, believed=5000.0, side=CableSide.LEFT), weights=())
    again = load_calibration("rack")[CableSide.LEFT]
    assert again.counts_per_metre == pytest.approx(-4100.0, rel=0.02)
    assert (again.newton_per_unit, again.force_at) == (got.newton_per_unit, got.force_at)
    shown = io.StringIO()
    assert run_show(Console(file=shown, width=200)) == 0
    assert "rack, left cable" in shown.getvalue()
    assert "counts per metre" in shown.getvalue()
    assert run_show(Console(file=shown, width=200), "other") == 1


def test_a_refused_step_is_asked_again() -> None:
    bench = Bench()
    tries = []

    class Restless(Person):
        def __call__(self, question: str) -> str:
            answer = super().__call__(question)
            tries.append(self.guide.progress[0])
            self.bench.drift_m_s = 0.05 if len(tries) == 1 else 0.0
            return answer

    guide, driver = CalibrationGuide("rack", length_m=1.0), BenchDriver(bench)
    text = io.StringIO()
    status = run_calibrate(
        Console(file=text, width=200), guide, driver, Restless(guide, bench, driver), driver.wait
    )
    assert status == 0
    assert "not taken" in text.getvalue()
    assert tries[:3] == [0, 0, 1]


def test_beginning_again_and_giving_up(data: Path) -> None:
    status, text, person = led(Bench(), weights=(), answers=["", "", "b"])
    assert status == 0
    assert person.asked == 3 + 7
    (data / "machines" / "rack.yaml").unlink()
    status, text, _ = led(Bench(), answers=["", "q"])
    assert status == 1
    assert "nothing is stored" in text
    assert load_calibration("rack") == {}


def test_a_source_that_cannot_be_opened_is_an_error() -> None:
    class Missing(BenchDriver):
        def open(self) -> None:
            raise DriverError("bench: not there")

    guide = CalibrationGuide("rack", length_m=1.0)
    with pytest.raises(KineCueError, match="not there"):
        run_calibrate(Console(file=io.StringIO()), guide, Missing(Bench()), lambda _: "")


@pytest.mark.parametrize(("flaws", "words"), [("ideal", "nothing wrong"), ("wrong_sign", "backwards")])
def test_watching_a_simulated_machine(flaws: str, words: str) -> None:
    text = io.StringIO()
    driver = example_driver(flaws)
    # somebody has been at it for a while
    assert run_watch(Console(file=text, width=200), driver, {}, 2.2) == 0
    assert "encoder" in text.getvalue()
    assert "N set" in text.getvalue()
    assert words in text.getvalue()


def test_watching_where_nothing_comes() -> None:
    assert run_watch(Console(file=io.StringIO()), BenchDriver(Bench()), {}, 0.1) == 1


def test_commands_say_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["machine", "watch"], "one source"),
        (["machine", "watch", "--simulated", "perfect"], "must be one of"),
        (["machine", "calibrate", "rack", "--length", "1"], "one source"),
        (["machine", "calibrate", "rack", "--port", "x"], "nothing is to be calibrated"),
        (["machine", "calibrate", "a/b", "--length", "1", "--port", "x"], "machine name"),
        (
            ["machine", "calibrate", "rack", "--length", "1", "--side", "up", "--port", "x"],
            "only, left, right",
        ),
        (["machine", "calibrate", "rack", "--length", "1", "--port", "/nowhere/port"], "/nowhere/port"),
    ):
        assert main(arguments) == 2
        assert words in capsys.readouterr().err
    assert main(["machine", "show"]) == 0
    assert "no machine is calibrated" in capsys.readouterr().out.replace("\n", " ")
    with pytest.raises(KineCueError, match="one source"):
        Source(port="x", can="y").driver()
    with pytest.raises(CalibrationError):
        CalibrationGuide("rack")
