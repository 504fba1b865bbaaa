"""Measures the graph: latencies, rate, repetitions and cues against the truth of the sample clips.

Runs `kinecue demo` as a user does, on the sample set with planted faults and on the clean set, in real time. Prints a table
and writes bench_output/graph.json.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kinecue.cli.sample import make_samples, samples_dir
from kinecue.simulation.clip import ClipTruth, truth_path

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "bench_output"
STAMPS = Path(sys.prefix) / "setup"

ANSWERS = {
    "knees_in": {"knees_out"},
    "too_shallow": {"deeper"},
    "trunk_forward": {"chest_up"},
    "heels_up": {"heels_down"},
    "elbow_drift": {"elbows_still"},
    "swing": {"body_still"},
    "short_top": {"curl_higher"},
    "short_bottom": {"straighten_arms"},
}
"""Corrections that are right for a planted fault."""


def run_demo(clip: str, folder: Path) -> dict[str, Any]:
    """`kinecue demo` on a clip; what it wrote to cues.json."""
    output = folder / clip
    command = [
        sys.executable,
        "-m",
        "kinecue.cli.main",
        "demo",
        "--video",
        str(samples_dir() / f"{clip}.mp4"),
    ]
    result = subprocess.run([*command, "--output", str(output), "--device", "none"], check=False)
    if not (output / "cues.json").is_file():
        raise SystemExit(f"the demo on {clip} failed with status {result.returncode}")
    document: dict[str, Any] = json.loads((output / "cues.json").read_text(encoding="utf-8"))
    return document


def judged(document: dict[str, Any], truth: ClipTruth) -> dict[str, Any]:
    """Spoken corrections against planted faults.

    A correction is right if its fault was planted in the repetition that it is about. Faults that stay for several
    repetitions are one theme: a coach does not nag, so a run of the same fault needs one correction.
    """
    planted = [(fault.name, fault.repetition) for fault in truth.faults]
    runs = [(name, rep) for name, rep in planted if (name, rep - 1) not in planted]
    said = [c for c in document["cues"] if c["kind"] in ("correction", "danger") and c["status"] == "spoken"]
    right = [
        c
        for c in said
        if any(c["correction"] in ANSWERS[name] and c["repetition"] == rep for name, rep in planted)
    ]
    themes = {(name, rep) for name, rep in runs if _answered(name, rep, planted, right)}
    return {
        "planted_faults": len(planted),
        "planted_themes": len(runs),
        "themes_answered": len(themes),
        "spoken": len(said),
        "spoken_right": len(right),
        "spoken_wrong": len(said) - len(right),
    }


def _answered(name: str, first: int, planted: list[tuple[str, int]], right: list[dict[str, Any]]) -> bool:
    rep = first
    while (name, rep) in planted:
        if any(c["correction"] in ANSWERS[name] and c["repetition"] == rep for c in right):
            return True
        rep += 1
    return False


def setup_seconds() -> float | None:
    """Seconds that the steps of the set-up took when they were last done, from their stamps."""
    if not STAMPS.is_dir():
        return None
    seconds = [
        json.loads(path.read_text(encoding="utf-8")).get("seconds", 0.0) for path in STAMPS.glob("*.json")
    ]
    return round(sum(seconds), 1)


def main() -> int:
    """Runs the clips; 1 if anything false was said or a count was wrong."""
    clips = ["sample_squat", "clean_squat", "sample_curl", "clean_curl"]
    make_samples(clips, None)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for clip in clips:
            print(f"\n== {clip}", flush=True)
            document = run_demo(clip, Path(folder))
            truth = ClipTruth.load(truth_path(samples_dir() / f"{clip}.mp4"))
            results[clip] = {
                "repetitions": {
                    "counted": document["repetitions"]["counted"],
                    "true": len(truth.repetitions),
                },
                "cues": judged(document, truth),
                "frame_to_cue_ms": document["latency_ms"]["frame_to_cue"],
                "cue_to_sample_ms": document["latency_ms"]["cue_to_sample"],
                "frame_to_body_ms": document["latency_ms"]["frame_to_body"],
                "fps": document["frames"]["per_second"],
                "frames_captured": document["frames"]["captured"],
                "frames_processed": document["frames"]["processed"],
                "cpu_share": document["cpu_share"],
            }
    main_run = results["sample_squat"]
    planted = [results[c]["cues"] for c in clips if c.startswith("sample")]
    clean = [results[c]["cues"] for c in clips if c.startswith("clean")]
    report = {
        "setup_s": setup_seconds(),
        "frame_to_cue_ms": main_run["frame_to_cue_ms"],
        "cue_to_sample_ms": main_run["cue_to_sample_ms"],
        "fps": main_run["fps"],
        "cpu_share": main_run["cpu_share"],
        "repetitions": main_run["repetitions"],
        "cues": {
            "planted_faults": sum(c["planted_faults"] for c in planted),
            "planted_themes": sum(c["planted_themes"] for c in planted),
            "themes_answered": sum(c["themes_answered"] for c in planted),
            "spoken_right": sum(c["spoken_right"] for c in planted),
            "spoken_wrong": sum(c["spoken_wrong"] for c in planted),
            "false_in_clean_set": sum(c["spoken"] for c in clean),
        },
        "clips": results,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load_before": [round(v, 2) for v in os.getloadavg()],
            "python": platform.python_version(),
            "system": platform.platform(),
        },
    }
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "graph.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    _table(report)
    wrong = [c for c, r in results.items() if r["repetitions"]["counted"] != r["repetitions"]["true"]]
    return 1 if wrong or report["cues"]["false_in_clean_set"] or report["cues"]["spoken_wrong"] else 0


def _table(report: dict[str, Any]) -> None:
    heads = ("counted", "true", "themes", "answered", "wrong", "cue ms", "sample ms", "fps", "cpu")
    widths = (8, 5, 7, 9, 6, 12, 12, 6, 5)
    print(f"\n{'clip':14} " + " ".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True)))
    for clip, r in report["clips"].items():
        cues, frame, sample = r["cues"], r["frame_to_cue_ms"], r["cue_to_sample_ms"]
        print(
            f"{clip:14} {r['repetitions']['counted']:8} {r['repetitions']['true']:5} {cues['planted_themes']:7} "
            f"{cues['themes_answered']:9} {cues['spoken_wrong']:6} {_pair(frame):>12} {_pair(sample):>12} "
            f"{r['fps']:6.1f} {100 * r['cpu_share']:4.0f}%"
        )
    machine = report["machine"]
    print(
        f"median/p99 ms. {machine['cores']} cores, {machine['system']}, load before {machine['load_before']}"
    )


def _pair(values: dict[str, Any]) -> str:
    return "-" if values["median"] is None else f"{values['median']:.0f}/{values['p99']:.0f}"


if __name__ == "__main__":
    raise SystemExit(main())
