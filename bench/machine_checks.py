"""What the checks of a machine's samples find, and what they call wrong that is not: per named set of flaws.

    python -m bench.machine_checks [--quick]

Sets as people do them (`bench.handle_motions`) on the simulated machine, whose truth is known at every time. A kind of
finding that a flaw set has a cause for is *expected*; any other is a false alarm. A sample is *bad* when it is further from
the truth than `BAD_M` or `BAD_N`; a mark on one that is within half of that is a false mark (late and repeated stamps are
marked too, whatever their value).
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.handle_motions import perform
from kinecue.machine import MACHINES, CableMachineSimulator, CableSide, named_flaws
from kinecue.machine.calibration import MachineCalibration
from kinecue.machine.checks import MachineChecks

SECOND = 1_000_000_000
BAD_M, BAD_N = 0.05, 80.0
LONGEST_S = 45.0
FIRST_SEED = 100
"""Sets from here on were not looked at when the limits were chosen."""
EXPECTED: dict[str, tuple[str, ...]] = {
    "ideal": (),
    "typical": (),
    "cheap": (),
    "broken_encoder": ("gaps", "loss", "frozen", "counter_restarted"),
    "wrong_sign": ("speed_contradicts",),
    "wrong_scale": ("speed_contradicts",),
    "slipping_encoder": (),
    "roll_over": (),
    "homing_lost": ("counter_restarted",),
    "bad_clock": ("stamps", "loss", "jump"),
    "drop_outs": ("gaps", "loss"),
    "frozen": ("frozen",),
    "noisy_force": ("noise", "spikes"),
    "drifting_force": (),
    "weak_load_cell": ("saturated",),
    "slow": (),
}
"""Kinds of findings that each set of flaws is a cause of."""
CALIBRATED_EXPECTED = {**EXPECTED, "wrong_sign": (), "wrong_scale": ()}
"""Of a calibrated machine: sign and scale are put right. A drift is told at rests of 5 s, which these sets do not have."""


@dataclass
class Tally:
    """Over the sets of one set of flaws."""

    sets: int = 0
    found: Counter[str] = field(default_factory=Counter)
    detected: int = 0
    false_alarms: int = 0
    samples: Counter[str] = field(default_factory=Counter)


@dataclass
class _Truth:
    """What is true on a grid of 10 ms."""

    times_s: np.ndarray
    way_m: np.ndarray
    tension_n: np.ndarray

    @classmethod
    def of(cls, machine: CableMachineSimulator, seconds: float) -> _Truth:
        times = np.arange(0.0, seconds, 0.01)
        rows = [machine.truth(round(t * SECOND)) for t in times]
        return cls(
            times, np.array([r.wound_m for r in rows if r]), np.array([r.tension_n for r in rows if r])
        )

    def way(self, time_s: float) -> tuple[float, float]:
        """Least and most within 30 ms: latency and jitter are no fault of a reading."""
        near = slice(*np.searchsorted(self.times_s, (time_s - 0.06, time_s + 0.03)))
        part = self.way_m[near]
        return (float(part.min()), float(part.max())) if len(part) else (math.nan, math.nan)

    def force(self, time_s: float) -> tuple[float, float]:
        near = slice(*np.searchsorted(self.times_s, (time_s - 0.08, time_s + 0.04)))
        part = self.tension_n[near]
        return (float(part.min()), float(part.max())) if len(part) else (math.nan, math.nan)


def _off(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def run_set(
    flaws: str, seed: int, rate_hz: float, calibrated: bool, tally: Tally, longest_s: float = LONGEST_S
) -> None:
    """One set of one lifter through the checks."""
    performed = perform(seed)
    named = named_flaws(flaws)
    model = replace(MACHINES["stack"], load_n=100.0 + 25.0 * (seed % 13))
    if calibrated:
        # the stack sits on its bumper while the handle rests
        model = replace(model, clearance_m=-0.005)
    simulator = CableMachineSimulator(performed.motion(), model, named, seed)
    seconds = min(float(performed.times_s[-1]), longest_s)
    truth = _Truth.of(simulator, seconds)
    checks = MachineChecks(_calibration(named) if calibrated else None)
    clock = named.clock
    latency = named.encoder.latency_s
    expected = (CALIBRATED_EXPECTED if calibrated else EXPECTED)[flaws]
    seen: set[str] = set()
    next_look = 0
    for cable, encoder in simulator.samples(rate_hz, 0, seconds):
        if cable is not None:
            checked = checks.cable(cable)
            when = (cable.stamp_ns * 1e-9 - clock.offset_s) / (1.0 + clock.drift_ppm * 1e-6)
            off = _off(checked.tension_n, *truth.force(when - named.force.latency_s))
            _count(tally, "force", off > BAD_N, off < 0.5 * BAD_N, checked.usable)
        if encoder is not None:
            got = checks.encoder(encoder)
            when = (encoder.stamp_ns * 1e-9 - clock.offset_s) / (1.0 + clock.drift_ppm * 1e-6)
            off = _off(got.position_m, *truth.way(when - latency))
            _count(tally, "encoder", off > BAD_M, off < 0.5 * BAD_M, got.valid)
            if encoder.stamp_ns > next_look:
                next_look = encoder.stamp_ns + SECOND
                seen |= {finding.what for finding in checks.findings()}
    tally.sets += 1
    tally.found.update(seen)
    tally.detected += bool(seen & set(expected))
    tally.false_alarms += bool(seen - set(expected))


def _count(tally: Tally, sensor: str, bad: bool, good: bool, used: bool) -> None:
    counts = tally.samples
    counts[f"{sensor}"] += 1
    counts[f"{sensor} marked"] += not used
    counts[f"{sensor} bad"] += bad
    counts[f"{sensor} bad marked"] += bad and not used
    counts[f"{sensor} good"] += good
    counts[f"{sensor} good marked"] += good and not used


def _calibration(flaws: Any) -> dict[CableSide, MachineCalibration]:
    """What a perfect calibration on the first day would have found: before the load cell drifts."""
    encoder, force = flaws.encoder, flaws.force
    sign = -1.0 if encoder.inverted else 1.0
    now = "2026-01-01T00:00:00+00:00"
    return {
        CableSide.NONE: MachineCalibration(
            "bench",
            counts_per_metre=sign * encoder.counts_per_metre,
            zero_count=encoder.first_count,
            newton_per_unit=1.0 / (1.0 + force.gain_error),
            offset_units=force.bias_n,
            rest_units=force.bias_n,
            encoder_at=now,
            force_at=now,
        )
    }


def cpu_share(seconds: float = 3.0, rate_hz: float = 1000.0) -> float:
    """Share of one core for two cables, samples ready-made."""
    samples = []
    for side in (CableSide.LEFT, CableSide.RIGHT):
        performed = perform(int(side))
        model = replace(MACHINES["stack"], side=side)
        simulator = CableMachineSimulator(performed.motion(), model, named_flaws("typical"), 1)
        samples.append(list(simulator.samples(rate_hz, 0, seconds)))
    calibration = _calibration(named_flaws("typical"))[CableSide.NONE]
    checks = MachineChecks(
        {side: replace(calibration, side=side) for side in (CableSide.LEFT, CableSide.RIGHT)}
    )
    began = time.process_time()
    for pair in zip(*samples, strict=False):
        for cable, encoder in pair:
            if cable is not None:
                checks.cable(cable)
            if encoder is not None:
                checks.encoder(encoder)
    return (time.process_time() - began) / seconds


def measure(console: Console, quick: bool = False) -> dict[str, Any]:
    """Detection and false alarms per set of flaws, and CPU."""
    sets, longest_s = (2, 15.0) if quick else (8, LONGEST_S)
    results: dict[str, Any] = {}
    for calibrated in (False, True):
        expectations = CALIBRATED_EXPECTED if calibrated else EXPECTED
        table = Table(
            title=f"machine checks, {'calibrated' if calibrated else 'not calibrated'}: {sets} sets each"
        )
        for heading in ("flaws", "found", "false alarms", "told", "encoder: bad marked", "good marked"):
            table.add_column(heading)
        table.add_column("force: bad marked")
        table.add_column("good marked")
        rows: dict[str, Any] = {}
        for flaws, expected in expectations.items():
            tally = Tally()
            for seed in range(sets):
                run_set(flaws, FIRST_SEED + seed, 100.0, calibrated, tally, longest_s)
            rows[flaws] = _row(tally, expected)
            table.add_row(flaws, *_cells(tally, expected))
        console.print(table)
        results["calibrated" if calibrated else "plain"] = rows
    results["cpu_share_1khz"] = cpu_share()
    console.print(f"two cables at 1000 Hz: {100 * results['cpu_share_1khz']:.1f} % of a core")
    return results


def _row(tally: Tally, expected: tuple[str, ...]) -> dict[str, Any]:
    counts = tally.samples
    row: dict[str, Any] = {
        "sets": tally.sets,
        "detected": tally.detected / tally.sets if expected else None,
        "false_alarms": tally.false_alarms / tally.sets,
        "found": dict(tally.found),
    }
    for sensor in ("encoder", "force"):
        row[sensor] = {
            "bad": counts[f"{sensor} bad"] / max(counts[sensor], 1),
            "bad_marked": _share(counts, f"{sensor} bad"),
            "good_marked": _share(counts, f"{sensor} good"),
        }
    return row


def _share(counts: Counter[str], name: str) -> float | None:
    return counts[f"{name} marked"] / counts[name] if counts[name] else None


def _cells(tally: Tally, expected: tuple[str, ...]) -> list[str]:
    told = ", ".join(f"{name} {count}" for name, count in tally.found.most_common())
    cells = [
        f"{100 * tally.detected / tally.sets:.0f} %" if expected else "-",
        f"{100 * tally.false_alarms / tally.sets:.0f} %",
        told or "-",
    ]
    for sensor in ("encoder", "force"):
        for quality in ("bad", "good"):
            count, share = tally.samples[f"{sensor} {quality}"], _share(tally.samples, f"{sensor} {quality}")
            cells.append("-" if share is None else f"{100 * share:.2f} % of {count}")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    measure(Console(width=200), parser.parse_args().quick)


if __name__ == "__main__":
    main()
