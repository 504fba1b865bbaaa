"""How well are simulated sets coached: said enough, in time, and never something that is not so?

    python bench/coaching_sets.py [--exercise squat ...] [--quick] [--details] [--stored] [--json FILE]

Groups of sets: clean ones; a fault that grows from nothing to all that the body can do; a fault that stays whatever is said;
and the same by an athlete who corrects it after having heard of it (`coached_sets`). Every view and athlete of the scoring
benchmark, its errors of the network, and a speaker that takes as long as a voice does.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import fault_rates
import takes
from clean_sets import clean_keys
from coached_sets import CoachedSet, Coaching, coached, listener_keys, model_of, with_listener
from fitting import BenchError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scored_sets import SetKey, stored
from set_records import scored_exercises
from threadpoolctl import threadpool_limits

from kinecue.body.errors import KineCueError
from kinecue.coaching.cue import CueKind
from kinecue.coaching.replay import Utterance
from kinecue.exercise.results import FormState, Phase, Severity

_QUICK = ("squat", "front_squat", "biceps_curl")
_NAG_S = 0.5
"""A correction is said again too soon if less than one repetition lies between; tolerance, in repetitions."""
_BREATH_NS = 250_000_000
"""A phase that ended so recently is not over for who hears: frame to coach 80 ms, coach to ear 30, a frame or two."""
_DANGER_WITHIN = 1.0
"""Repetitions within which a danger has to be spoken about."""


def dangers_of(exercise: str) -> set[str]:
    """Faults of an exercise that are dangers."""
    return {n for n, rule in model_of(exercise).faults.items() if rule.severity == Severity.DANGER}


# --- what one set shows


def danger_delays(done: CoachedSet) -> list[tuple[str, float | None, bool]]:
    """Of each danger that is truly there: its name, after how many repetitions it was spoken about (None = never), and
    whether scoring had seen it at all."""
    if done.true is None:
        return []
    found = []
    for name in sorted(dangers_of(done.key.exercise)):
        begins = [r.at_s for r in done.true.raised if r.name == name]
        if not begins:
            continue
        seen = any(r.name == name for r in done.seen.raised)
        spoken = [
            u.started_ns * 1e-9
            for u in done.heard
            if u.cue.kind == CueKind.DANGER and u.cue.fact and u.cue.fact.fault == name
        ]
        delay = (min(spoken) - min(begins)) / done.period_s if spoken else None
        found.append((name, delay, seen))
    return found


def told_delays(done: CoachedSet) -> list[float | None]:
    """Of each danger that scoring told the coach of: repetitions until the first warning sounded; None = never."""
    result: list[float | None] = []
    for name in sorted({r.name for r in done.seen.raised} & dangers_of(done.key.exercise)):
        first = min(r.at_s for r in done.seen.raised if r.name == name)
        spoken = [
            u.started_ns * 1e-9
            for u in done.heard
            if u.cue.kind == CueKind.DANGER and u.cue.fact and u.cue.fact.fault == name
        ]
        result.append((min(spoken) - first) / done.period_s if spoken else None)
    return result


def late(done: CoachedSet) -> list[Utterance]:
    """Cues that began after their expiry, or corrections that began when they could not be acted on any more."""
    forms = [e.what for e in done.recorded.events if isinstance(e.what, FormState)]
    result = []
    for u in done.heard:
        say_in = _say_in(done, u)
        missed = u.cue.kind == CueKind.CORRECTION and say_in and not _phases_at(forms, u.started_ns) & say_in
        if u.started_ns > u.cue.expires_ns or missed:
            result.append(u)
    return result


def overtaken(done: CoachedSet) -> list[Utterance]:
    """Corrections that were still being said when the moment in which they could be acted on next had begun and passed:
    to the end of the repetition that follows them."""
    result = []
    for u in done.about_faults:
        if u.cue.kind == CueKind.CORRECTION:
            begun = [p for p in done.seen.planned if p.start_s >= u.started_ns * 1e-9]
            if begun and u.ended_ns * 1e-9 > begun[0].end_s:
                result.append(u)
    return result


def _say_in(done: CoachedSet, u: Utterance) -> set[Phase]:
    rule = model_of(done.key.exercise).faults.get(u.cue.fact.fault) if u.cue.fact else None
    return set(rule.say_in) if rule else set()


def _phases_at(forms: Sequence[FormState], ns: int) -> set[Phase]:
    """The phase at a time, and those that ended while the frame was scored and the voice drew breath."""
    phases: set[Phase] = set()
    for form in forms:
        if form.stamp_ns > ns:
            break
        if form.stamp_ns < ns - _BREATH_NS:
            phases = set()
        phases.add(form.phase)
    return phases


def nagging(done: CoachedSet) -> list[Utterance]:
    """Corrections said again before a whole repetition could have been done after the time before."""
    last: dict[str, float] = {}
    result = []
    for u in done.about_faults:
        if u.cue.kind == CueKind.CORRECTION and u.cue.correction:
            ended = last.get(u.cue.correction)
            if ended is not None and u.started_ns * 1e-9 - ended < (1.0 - _NAG_S) * done.period_s:
                result.append(u)
            last[u.cue.correction] = u.ended_ns * 1e-9
    return result


def crowded(done: CoachedSet) -> list[Utterance]:
    """Corrections beyond the first that fall into one repetition as it was done."""
    seen: set[int] = set()
    result = []
    for u in done.about_faults:
        if u.cue.kind == CueKind.CORRECTION:
            number = done.repetition_at(u.started_ns * 1e-9)
            if number in seen:
                result.append(u)
            seen.add(number)
    return result


def unfounded(done: CoachedSet) -> list[Utterance]:
    """Corrections and warnings of faults that are in none of the last three repetitions, seen perfectly."""
    if done.true is None:
        return []
    result = []
    for u in done.about_faults:
        number = done.repetition_at(u.started_ns * 1e-9)
        if u.cue.fact and not done.truly(u.cue.fact.fault) & {number - 2, number - 1, number, number + 1}:
            result.append(u)
    return result


def praises(done: CoachedSet) -> tuple[list[Utterance], list[Utterance], list[Utterance]]:
    """Praises that are deserved: the fault was there, and is not in the repetition before; those of a fault that is still
    there; and those of one that never was."""
    good, bad, idle = [], [], []
    for u in done.heard:
        if u.cue.kind != CueKind.PRAISE or u.cue.fact is None:
            continue
        at = u.started_ns * 1e-9
        ended = max((p.number for p in done.seen.planned if p.end_s <= at + 0.3), default=0)
        truly = done.truly(u.cue.fact.fault)
        (idle if not truly else bad if ended in truly else good).append(u)
    return good, bad, idle


def stopped_after(done: CoachedSet) -> int | None:
    """Repetitions with a danger that stays until the coach says to stop; None = it never does."""
    names = dangers_of(done.key.exercise) & {done.fault}
    begins = sorted(n for name in names for n in done.truly(name))
    for u in done.heard:
        if begins and u.cue.kind == CueKind.DANGER and not u.cue.correction:
            return done.repetition_at(u.started_ns * 1e-9) - begins[0] + 1
    return None


# --- over sets


def figures(sets: Sequence[CoachedSet]) -> dict[str, Any]:
    """Figures for JSON."""
    groups: dict[str, list[CoachedSet]] = defaultdict(list)
    for done in sets:
        groups[done.group].append(done)
    clean, planted = groups["clean"], [d for d in sets if d.group != "clean"]
    in_clean = [u for d in clean for u in d.corrections]
    true_dangers = [item for d in planted for item in danger_delays(d)]
    told = [delay for d in planted for delay in told_delays(d)]
    praised = [praises(d) for d in planted]
    obedient = groups["corrected"]
    kept_dangers = [d for d in groups["kept"] if d.fault in dangers_of(d.key.exercise)]
    return {
        "sets": {name: len(items) for name, items in groups.items()},
        "exercises": len({d.key.exercise for d in sets}),
        "cues_per_min": _rate(planted),
        "cues_per_min_clean": _rate(clean),
        "cues_per_min_by_group": {name: _rate(items) for name, items in groups.items()},
        "dangers_in_time": _share(d is not None and d <= _DANGER_WITHIN for d in told),
        "dangers_told": len(told),
        "dangers_in_time_of_all_true": _share(
            d is not None and d <= _DANGER_WITHIN for _, d, _ in true_dangers
        ),
        "dangers_true": len(true_dangers),
        "dangers_not_seen_by_scoring": sum(not seen for _, _, seen in true_dangers),
        "danger_delay_repetitions": _median([d for d in told if d is not None]),
        "corrections_in_clean_sets": len(in_clean),
        "clean_sets_with_corrections": sum(bool(d.corrections) for d in clean),
        "corrections_unfounded": sum(len(unfounded(d)) for d in planted),
        "corrections": sum(len(d.about_faults) for d in planted),
        "late_spoken": sum(len(late(d)) for d in sets),
        "overtaken": sum(len(overtaken(d)) for d in sets),
        "nagging": sum(len(nagging(d)) for d in sets),
        "more_than_one_per_repetition": sum(len(crowded(d)) for d in sets),
        "most_of_one_correction_in_a_set": max((_most(d) for d in sets), default=0),
        "praise_deserved": sum(len(good) for good, _, _ in praised),
        "praise_while_it_is_still_there": sum(len(bad) for _, bad, _ in praised),
        "praise_of_what_never_was": sum(len(idle) for _, _, idle in praised),
        "corrected_sets": len(obedient),
        "corrected_and_praised": _share(bool(praises(d)[0]) for d in obedient if d.truly(d.fault)),
        "repetitions_until_understood": _median([d.obeyed - min(d.key.faults[0][3]) for d in obedient]),
        "corrected_but_corrected_again": sum(_again(d) for d in obedient),
        "planted_and_spoken_about": _share(_spoken(d) for d in groups["kept"]),
        "kept_dangers": len(kept_dangers),
        "kept_dangers_stopped": _share(stopped_after(d) is not None for d in kept_dangers),
        "stop_after_repetitions": _median([n for d in kept_dangers if (n := stopped_after(d)) is not None]),
        "talkative": talkative(sets),
        "why_silent": dict(_why_silent(sets).most_common(12)),
    }


def talkative(sets: Sequence[CoachedSet]) -> dict[str, Any]:
    """The same sets with everything switched on: does talk push out what matters?"""
    everything = Coaching(counting=True, encouragement=True, summary=True)
    valid = counted = lost = more = encouraged = 0
    delays: list[float | None] = []
    minutes = spoken = 0.0
    for done in sets:
        loud = replace(done, played=everything.coach(done.recorded))
        before = [u.cue.correction for u in done.about_faults]
        after = [u.cue.correction for u in loud.about_faults]
        lost += len(list((Counter(before) - Counter(after)).elements()))
        more += len(list((Counter(after) - Counter(before)).elements()))
        valid += sum(n <= len(everything.book.numbers) for n in range(1, len(done.seen.counted) + 1))
        counted += sum(u.cue.kind == CueKind.COUNT for u in loud.heard)
        encouraged += sum(u.cue.kind == CueKind.ENCOURAGEMENT for u in loud.heard)
        delays += told_delays(loud)
        minutes += done.recorded.duration_s / 60.0
        spoken += len(loud.heard)
    return {
        "cues_per_min": round(spoken / minutes, 2) if minutes else None,
        "repetitions_counted_aloud": round(counted / valid, 3) if valid else None,
        "encouragements": encouraged,
        "corrections_lost": lost,
        "corrections_more": more,
        "dangers_in_time": _share(d is not None and d <= _DANGER_WITHIN for d in delays),
    }


def _rate(sets: Sequence[CoachedSet]) -> float | None:
    minutes = sum(d.recorded.duration_s for d in sets) / 60.0
    spoken = sum(u.cue.kind not in (CueKind.COUNT, CueKind.SUMMARY) for d in sets for u in d.heard)
    return round(spoken / minutes, 2) if minutes else None


def _share(found: Iterable[bool]) -> float | None:
    values = list(found)
    return round(sum(values) / len(values), 4) if values else None


def _median(values: Sequence[float]) -> float | None:
    return round(float(statistics.median(values)), 2) if values else None


def _most(done: CoachedSet) -> int:
    said = Counter(u.cue.correction for u in done.about_faults if u.cue.kind == CueKind.CORRECTION)
    return max(said.values(), default=0)


def _again(done: CoachedSet) -> int:
    """Corrections of the planted fault that began after the athlete had done without it for a whole repetition."""
    ends = [p.end_s for p in done.seen.planned if p.number == done.obeyed]
    return sum(
        u.cue.fact is not None
        and u.cue.fact.fault == done.fault
        and bool(ends)
        and u.started_ns * 1e-9 > ends[0] + 0.5
        for u in done.about_faults
    )


def _spoken(done: CoachedSet) -> bool:
    return any(u.cue.fact is not None and u.cue.fact.fault == done.fault for u in done.about_faults)


def _why_silent(sets: Sequence[CoachedSet]) -> Counter[str]:
    """Why something was dropped, without the numbers and names in it."""
    return Counter(
        decision.reason.split(":")[0].split(",")[0].split(" is ")[0]
        for done in sets
        for decision in done.played.decisions
        if decision.outcome.name == "DROPPED"
    )


# --- making them


Job = tuple[str, str, list[SetKey]]
"""Group, planted fault, and the set with its alternatives for athletes who cannot do it."""


def keys_of(exercises: Sequence[str], clean: int) -> list[Job]:
    """Clean sets and rising faults: those of the scoring benchmarks."""
    result: list[Job] = [("clean", "", [key]) for key in clean_keys(exercises, clean, 4)]
    for exercise in exercises:
        faults, _ = fault_rates.judged(exercise)
        for fault in faults:
            for keys in fault_rates.fault_keys(exercise, fault, fault_rates.VIEWS, 1):
                result.append(("rising", fault, keys))
    return result


def run(
    jobs: Sequence[Job],
    coaching: Coaching,
    network: bool,
    tell: Callable[[], None] = lambda: None,
) -> Iterator[tuple[list[CoachedSet], str]]:
    """Each job's sets, or what could not be done."""
    for group, fault, keys in jobs:
        problem = ""
        done: list[CoachedSet] = []
        for key in keys:
            try:
                done = [coached(key, group, fault, coaching, network, with_truth=group != "clean")]
                if group == "kept":
                    answer = with_listener(done[0], coaching, network)
                    done += [answer] if answer is not None else []
                problem = ""
                break
            except (KineCueError, BenchError) as error:
                problem = f"{key.exercise} {fault}, {key.athlete}: {type(error).__name__}: {error}"
        tell()
        yield done, problem


def measure(
    console: Console,
    quick: bool,
    *,
    exercises: Sequence[str] | None = None,
    only_stored: bool = False,
    keep: list[CoachedSet] | None = None,
) -> dict[str, Any]:
    """Coaches all sets and counts.

    Args:
        console: for progress.
        quick: three exercises with a few sets, seen perfectly where no takes are stored.
        exercises: instead of all (or the quick ones).
        only_stored: only sets that are made already; what a listener does is made all the same.
        keep: gets every set.

    Returns:
        ``cues_per_min``, ``dangers_in_time``, ``corrections_in_clean_sets``, ``late_spoken`` and what else was counted.
    """
    cv2.setNumThreads(1)
    chosen = list(exercises or (_QUICK if quick else scored_exercises()))
    jobs = keys_of(chosen, 2 if quick else 13)
    if quick:
        jobs = _few(jobs)
    if only_stored:
        jobs = [(g, f, [k for k in keys if stored(k)]) for g, f, keys in jobs]
        jobs = [job for job in jobs if job[2]]
    sets = keep if keep is not None else []
    coaching = Coaching()
    with (
        threadpool_limits(1),
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
    ):

        def work(some: Sequence[Job]) -> None:
            task = bar.add_task("coached sets", total=len(some))
            for done, problem in run(some, coaching, not quick, lambda: bar.advance(task)):
                sets.extend(done)
                if problem:
                    console.print(f"[yellow]{problem}", highlight=False)

        work(jobs)
        rising = [done for done in sets if done.group == "rising"]
        kept = listener_keys(rising, 1 if quick else 2)
        work([("kept", str(key.faults[0][0]), [key]) for key in kept if not only_stored or stored(key)])
    from_network = not quick or all(stored(done.key) for done in sets)
    return {
        **figures(sets),
        "seen": "by the network" if from_network else "perfectly, where no takes are stored",
    }


def _few(jobs: Sequence[Job]) -> list[Job]:
    """Two of each group and exercise."""
    seen: Counter[tuple[str, str]] = Counter()
    few = []
    for job in jobs:
        seen[job[0], job[2][0].exercise] += 1
        if seen[job[0], job[2][0].exercise] <= 2:
            few.append(job)
    return few


def table(result: dict[str, Any]) -> Table:
    """For people."""
    shown = Table(title=f"coached sets: {sum(result['sets'].values())}, {result['exercises']} exercises")
    shown.add_column("figure")
    shown.add_column("value")
    for name, value in result.items():
        shown.add_row(
            name.replace("_", " "),
            ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else str(value),
        )
    return shown


def details(sets: Sequence[CoachedSet]) -> Iterator[str]:
    """A line for everything that should not have been."""
    for done in sets:
        key = done.key
        where = f"{done.group} {key.exercise} {done.fault} ({key.athlete}, view {key.view:g}, tempo {key.tempo:g})"
        problems = {
            "late": late(done),
            "nagging": nagging(done),
            "crowded": crowded(done),
            "overtaken": overtaken(done),
            "unfounded": unfounded(done),
            "praise while still there": praises(done)[1],
            "praise of what never was": praises(done)[2],
            "in a clean set": done.corrections if done.group == "clean" else [],
        }
        for name, found in problems.items():
            for u in found:
                yield f"{name}: {where}: {u.started_ns * 1e-9:.1f} s “{u.cue.text}” ({u.cue.reason})"
        for fault, delay, seen in danger_delays(done):
            if delay is None or delay > _DANGER_WITHIN:
                told = "never" if delay is None else f"{delay:.1f} repetitions late"
                yield f"danger {fault} {told}{'' if seen else ', not seen'}: {where}"
        if done.group == "corrected" and not praises(done)[0]:
            yield f"no praise: {where}, understood in repetition {done.obeyed}"
        if done.group == "kept" and done.fault in dangers_of(key.exercise) and stopped_after(done) is None:
            yield f"no stop: {where}"
        if done.group == "kept" and not _spoken(done):
            told = sorted(
                {
                    d.reason
                    for d in done.played.decisions
                    if done.fault in d.subject and d.outcome.name == "DROPPED"
                }
            )
            raised = sum(r.name == done.fault for r in done.seen.raised)
            yield f"not spoken about: {where}: raised {raised} times, truly {len(done.truly(done.fault))}: {'; '.join(told)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--exercise", nargs="*", help="all with a file by default")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--stored", action="store_true", help="only sets that are made already")
    parser.add_argument(
        "--details", action="store_true", help="a line for everything that should not have been"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console(width=170)
    sets: list[CoachedSet] = []
    result = measure(
        console, arguments.quick, exercises=arguments.exercise, only_stored=arguments.stored, keep=sets
    )
    console.print(table(result))
    if arguments.details:
        for line in details(sets):
            console.print(line, highlight=False, soft_wrap=True, markup=False)
    if arguments.json:
        takes.OUTPUT.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
