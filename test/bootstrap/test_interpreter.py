"""Which Python is taken for the virtual environment."""

from __future__ import annotations

import sys

import pytest

from bootstrap.errors import SetupError
from bootstrap.interpreter import Interpreter, choose, probe


def finder(**found: Interpreter):
    return lambda command: found.get(command.replace(".", "_"))


OLD = Interpreter("/usr/bin/python3", (3, 8, 10))
NEW = Interpreter("/usr/bin/python3", (3, 14, 0))
GOOD = Interpreter("/usr/bin/python3.12", (3, 12, 3))
BARE = Interpreter("/usr/bin/python3", (3, 11, 2), has_headers=False)


def test_the_default_python_is_taken_if_it_is_supported():
    first = Interpreter("/usr/bin/python3", (3, 11, 2))
    assert choose(None, ("python3", "python3.12"), finder(python3=first, python3_12=GOOD)) is first


@pytest.mark.parametrize("default", [OLD, NEW])
def test_another_one_is_searched_when_the_default_is_unsupported(default):
    assert choose(None, ("python3", "python3.12"), finder(python3=default, python3_12=GOOD)) is GOOD


def test_one_that_has_its_headers_comes_before_one_without():
    assert choose(None, ("python3", "python3.12"), finder(python3=BARE, python3_12=GOOD)) is GOOD


def test_one_without_headers_is_better_than_none():
    assert choose(None, ("python3", "python3.12"), finder(python3=BARE)) is BARE


def test_without_a_supported_one_the_message_says_which_and_how():
    with pytest.raises(SetupError) as error:
        choose(None, ("python3", "python3.12"), finder(python3=OLD))
    text = str(error.value)
    assert "CPython 3.10 to 3.13" in text
    assert "found: Python 3.8.10" in text
    assert "apt-get install python3" in text
    assert "make PYTHON=" in text


@pytest.mark.parametrize(
    "unsupported",
    [
        Interpreter("/opt/pypy/bin/python", (3, 11, 9), implementation="PyPy"),
        Interpreter("/opt/python/bin/python3.13t", (3, 13, 0), free_threaded=True),
        OLD,
        NEW,
    ],
)
def test_a_requested_one_must_be_supported(unsupported):
    with pytest.raises(SetupError, match=r"PYTHON=mine is Python .* 3\.10 to 3\.13"):
        choose("mine", ("python3",), finder(mine=unsupported, python3=GOOD))


def test_a_requested_one_must_run():
    with pytest.raises(SetupError, match="PYTHON=/no/such/python does not run"):
        choose("/no/such/python")


def test_probing_this_python_tells_its_version_and_platform():
    found = probe(sys.executable)
    assert found is not None
    assert found.version == sys.version_info[:3]
    assert found.implementation == "CPython"
    assert found.system == "Linux"


def test_probing_what_is_not_a_python_gives_nothing():
    assert probe("/bin/true") is None
    assert probe("/no/such/python") is None
