"""A failed command is explained: cause, way out, end of the log, where the log is."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from bootstrap.diagnosis import LOG_LINES, explain
from bootstrap.errors import SetupError
from bootstrap.progress import StepLine, run_logged

LOG = Path("/kinecue/.venv/log/packages.log")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("OSError: [Errno 28] No space left on device: '/x'", "The disk is full"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n Got bb",
            "its sha256 differs",
        ),
        (
            "WARNING: connection broken by 'NewConnectionError: Temporary failure in name resolution'\n"
            "ERROR: No matching distribution found for numpy==1.26.4",
            "index cannot be reached",
        ),
        (
            "ERROR: No matching distribution found for ros-rclpy==7.1.6",
            r"not have a package .*\(ros-rclpy==7.1.6\)",
        ),
        ("c++: fatal error: Killed signal terminated program cc1plus", "out of memory"),
        ("PermissionError: [Errno 13] Permission denied: '.venv/lib'", "may not be written"),
    ],
)
def test_known_causes_are_named(output, words):
    assert re.search(words, explain("installing the packages", 1, output, LOG))


def test_an_unknown_cause_shows_the_end_of_the_log_and_its_place():
    output = "\n".join(f"line {number}" for number in range(100))
    text = explain("building the ROS interfaces", 2, output, LOG)
    assert text.startswith("Building the ROS interfaces failed (ended with status 2).")
    assert f"line {100 - LOG_LINES}\n" in text
    assert f"line {100 - LOG_LINES - 1}\n" not in text
    assert "    line 99" in text
    assert str(LOG) in text


def test_a_killed_command_is_said_to_be_killed():
    assert "was killed by signal 9" in explain("building", -9, "", LOG)


def test_a_failing_command_leaves_its_output_in_the_log_and_raises(tmp_path, capsys):
    log = tmp_path / "log/step.log"
    code = "import sys; print('half way'); sys.exit('No space left on device')"
    with pytest.raises(
        SetupError, match=r"(?s)^Building failed \(ended with status 1\)\. The disk is full.*half way"
    ):
        run_logged([sys.executable, "-c", code], log, StepLine(1, 1, "x"), "building", os.environ, tmp_path)
    assert "half way" in log.read_text()
    assert "half way" not in capsys.readouterr().out


def test_a_command_that_succeeds_is_quiet(tmp_path, capsys):
    log = tmp_path / "step.log"
    run_logged(
        [sys.executable, "-c", "print('noise')"], log, StepLine(1, 1, "x"), "building", os.environ, tmp_path
    )
    assert "noise" in log.read_text()
    assert capsys.readouterr().out == "[1/1] x ..."
