"""From the output of a failed command to a paragraph that names the cause and the way out."""

from __future__ import annotations

import re
from pathlib import Path

LOG_LINES = 12
"""Lines of the log that an error shows."""

_NETWORK = re.compile(
    r"NewConnectionError|Temporary failure in name resolution|Name or service not known"
    r"|Network is unreachable|Connection refused|ConnectTimeout|ReadTimeout|ProxyError|Connection reset"
    r"|Max retries exceeded|SSLError|CERTIFICATE_VERIFY_FAILED|urlopen error|getaddrinfo failed|timed out",
    re.IGNORECASE,
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"No space left on device|Errno 28|Disk quota exceeded", re.IGNORECASE),
        "The disk is full. Free some room (the set-up needs 2.5 GB) and run the same command again; it "
        "goes on where it stopped.",
    ),
    (
        re.compile(r"DO NOT MATCH THE HASHES|sha256 (?:differs|mismatch)|Expected sha256", re.IGNORECASE),
        "A downloaded file is not the one KineCue was made with: its sha256 differs, so it was not used. "
        "If the package index is a mirror, it serves an altered file; if a download was cut, `python -m "
        "pip cache purge` and run again.",
    ),
    (
        _NETWORK,
        "The package index cannot be reached. Check the network; behind a proxy set https_proxy, and for "
        "another index set it in pip's configuration (PIP_INDEX_URL or pip.conf). Then run the same "
        "command again; it goes on where it stopped.",
    ),
    (
        re.compile(
            r"No matching distribution found for (?P<what>\S+)|Could not find a version that satisfies"
        ),
        "The package index does not have a package that is needed{what}. If it is a mirror, it has to "
        "carry the ros-* "
        "wheels of PyPI; set the index in pip's configuration (PIP_INDEX_URL or pip.conf).",
    ),
    (
        re.compile(
            r"Killed signal terminated program cc1|cannot allocate memory|std::bad_alloc|MemoryError",
            re.IGNORECASE,
        ),
        "The machine ran out of memory. Close other programs (2 GB free are enough) and run the same "
        "command again.",
    ),
    (
        re.compile(r"Permission denied", re.IGNORECASE),
        "A file may not be written by this user. If an earlier run was started with sudo, remove .venv "
        "with it; then run again without.",
    ),
)


def explain(what: str, status: int, output: str, log: Path) -> str:
    """The message for a step that failed.

    what: what was being done, e.g. `installing the packages`.
    status: exit status; negative = killed by that signal.
    output: everything the command wrote.
    """
    cause = _cause(output)
    ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    tail = [text.rstrip() for text in output.replace("\r", "\n").splitlines() if text.strip()][-LOG_LINES:]
    paragraphs = [f"{what[0].upper()}{what[1:]} failed ({ended})." + (f" {cause}" if cause else "")]
    if tail:
        paragraphs.append("\n".join(f"    {text[:200]}" for text in tail))
    paragraphs.append(f"All of it: {log}")
    return "\n".join(paragraphs)


def _cause(output: str) -> str:
    for pattern, text in _RULES:
        match = pattern.search(output)
        if match:
            name = match.groupdict().get("what")
            return text.replace("{what}", f" ({name})" if name else "")
    return ""
