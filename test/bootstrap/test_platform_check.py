"""What the set-up looks for before it writes anything."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.compilers import check_compilers
from bootstrap.errors import SetupError
from bootstrap.interpreter import Interpreter
from bootstrap.platform_check import (
    check_cpu_and_libc,
    check_disk,
    check_location,
    check_python_parts,
    glibc_version,
)

PYTHON = Interpreter("/usr/bin/python3.12", (3, 12, 3))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("glibc 2.36", (2, 36)),
        ("glibc 2.9", (2, 9)),
        ("glibc 2.28-164.el8", (2, 28)),
        ("", None),
        ("musl 1.2", None),
    ],
)
def test_glibc_version(text, version):
    assert glibc_version(text) == version


@pytest.mark.parametrize("libc", ["glibc 2.28", "glibc 2.100"])
def test_a_supported_machine_passes(libc):
    check_cpu_and_libc(replace(PYTHON, libc=libc))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"machine": "aarch64"}, r"64-bit x86-64 only; .* on aarch64.*ros/jazzy/setup\.bash"),
        ({"bits": 32}, r"this Python is 32-bit"),
        ({"system": "Darwin"}, r"runs on Linux; this is Darwin"),
        ({"libc": "glibc 2.27"}, r"glibc 2\.28 or newer; this system has 2\.27"),
        ({"libc": ""}, r"GNU C library"),
    ],
)
def test_an_unsupported_machine_is_named(change, message):
    with pytest.raises(SetupError, match=message):
        check_cpu_and_libc(replace(PYTHON, **change))


@pytest.mark.parametrize(
    ("change", "package"),
    [({"has_venv": False}, "python3.12-venv"), ({"has_headers": False}, "python3.12-dev")],
)
def test_missing_parts_of_python_are_named_with_their_package(change, package):
    with pytest.raises(SetupError, match=f"apt-get install {package}"):
        check_python_parts(replace(PYTHON, **change))


def test_a_complete_python_passes():
    check_python_parts(PYTHON)


def test_too_little_room_is_said_in_gigabytes(tmp_path):
    with pytest.raises(SetupError, match=r"needs 2\.5 GB, and 1\.2 GB are free"):
        check_disk(tmp_path, needed=2_500_000_000, free=1_200_000_000)


def test_enough_room_passes(tmp_path):
    check_disk(tmp_path, needed=1000, free=1000)


@pytest.mark.parametrize("name", ["my gym", "a:b", "it's"])
def test_a_path_that_breaks_the_tools_is_refused(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    with pytest.raises(SetupError, match="move it to a folder without them"):
        check_location(folder)


def test_a_plain_path_passes():
    check_location(Path("/tmp"))


def test_no_compiler_is_said_with_the_package_to_install(tmp_path):
    with pytest.raises(SetupError, match=r"no C compiler .*apt-get install build-essential"):
        check_compilers({"PATH": str(tmp_path)})


def test_a_compiler_that_fails_is_shown_with_its_last_words(tmp_path):
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho 'ld: cannot find crt1.o' >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(SetupError, match=r"fails on a small program: ld: cannot find crt1\.o"):
        check_compilers({"PATH": os.environ["PATH"], "CC": str(broken)})
