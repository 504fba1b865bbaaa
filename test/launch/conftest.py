"""The bench of the node tests, for the graph that a launch file starts."""

from __future__ import annotations

import sys
from pathlib import Path

_NODES = str(Path(__file__).parent.parent / "nodes")
if _NODES not in sys.path:
    sys.path.insert(0, _NODES)
