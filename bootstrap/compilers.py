"""Whether C and C++ can be compiled and linked, which building ROS messages needs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap.errors import SetupError

_HOW = (
    "`sudo apt-get install build-essential` (Debian, Ubuntu) or `sudo dnf install gcc gcc-c++ make` "
    "(Fedora) brings one."
)


@dataclass(frozen=True)
class Language:
    """A language, and how its compiler is found and tried."""

    name: str
    variable: str
    """Environment variable that names another compiler."""
    commands: tuple[str, ...]
    suffix: str
    program: str
    flags: tuple[str, ...] = ()


LANGUAGES = (
    Language("C", "CC", ("cc", "gcc", "clang"), ".c", "int main(void) { return 0; }\n"),
    Language(
        "C++",
        "CXX",
        ("c++", "g++", "clang++"),
        ".cpp",
        "#include <string>\nint main() { return static_cast<int>(std::string().size()); }\n",
        ("-std=c++17",),
    ),
)


def check_compilers(environment: Mapping[str, str]) -> None:
    """Raises SetupError unless a C and a C++17 program can be compiled and linked."""
    for language in LANGUAGES:
        command = _command(language, environment)
        message = _try(language, command, environment)
        if message:
            raise SetupError(
                f"The {language.name} compiler `{' '.join(command)}` fails on a small program: {message}. "
                f"{_HOW}"
            )


def _command(language: Language, environment: Mapping[str, str]) -> list[str]:
    named = environment.get(language.variable, "").split()
    if named:
        return named
    for command in language.commands:
        if shutil.which(command, path=environment.get("PATH")):
            return [command]
    raise SetupError(
        f"There is no {language.name} compiler ({', '.join(language.commands)}), which building ROS messages "
        f"needs. {_HOW}"
    )


def _try(language: Language, command: list[str], environment: Mapping[str, str]) -> str:
    """Compiles and links a program; returns what went wrong, empty if nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"program{language.suffix}"
        source.write_text(language.program)
        arguments = [*command, *language.flags, str(source), "-o", str(source.with_suffix(""))]
        try:
            answer = subprocess.run(
                arguments, capture_output=True, text=True, timeout=120, check=False, env=dict(environment)
            )
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
    if answer.returncode == 0:
        return ""
    return (answer.stderr.strip().splitlines() or [f"status {answer.returncode}"])[-1]
