"""Recorded sets from wherever they are kept: what was said of them, or a recording that is scored now."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.cli.analysis_set import analysed_set, is_analysis
from kinecue.cli.bag_results import CABLE, RESULTS
from kinecue.cli.recorded_bodies import BodySource, SourceSettings, SpaceSource, open_source
from kinecue.coaching.recorded import DELAY_NS, Recorded, RecordedSet, SetRecorder
from kinecue.coaching.recorded_file import from_document, is_document
from kinecue.exercise import Scorer, find_exercise
from kinecue.recordings import RecordingError, SpaceTrack
from kinecue.recordings.bag import BagTopics, Topic, is_bag
from kinecue.simulation.truth_file import FORMAT as TRUTH_FORMAT
from kinecue.simulation.truth_file import ClipTruth

_CLOCKS_AGREE_NS = 10_000_000_000
_TRUTH_STD = 0.001
"""Of positions that are true, m: not nothing, or every feature would be certain."""
_MACHINE_EVERY_NS = 250_000_000
_NEEDED = ("kinecue_msgs/msg/FormState", "kinecue_msgs/msg/Repetition")


def open_set(
    path: Path, exercise: str = "", exercise_dir: Path | None = None, settings: SourceSettings | None = None
) -> RecordedSet:
    """The set that a file holds.

    A bag with the topics of scoring, the JSON of ``kinecue analyze --json``, of ``kinecue coach --save`` or of the demo is
    taken as it was scored then; a bag with bodies only, the truth of a simulated clip, and everything else that
    ``kinecue analyze`` reads is scored now.

    Args:
        path: file or folder.
        exercise: name of an exercise file, for what has to be scored; empty = as the recording says.
        exercise_dir: folder of exercise files; None = the package's.
        settings: how a recording becomes bodies.

    Raises:
        KineCueError: it cannot be read, or the exercise is not known.
    """
    if not path.exists():
        raise RecordingError(path, "", "no such file")
    data = _json(path)
    if data is not None:
        kept = data.get("set") if isinstance(data.get("set"), dict) else data
        if is_document(kept):
            return from_document(kept, path)
        if is_analysis(data):
            return analysed_set(data, path, exercise_dir)
        if data.get("format") == TRUTH_FORMAT:
            return _of_truth(path, exercise, exercise_dir)
        if "cues" in data and "decisions" in data:
            raise RecordingError(
                path, "set", "is missing: the demo that wrote it did not keep the set; run it again"
            )
    if path.name.endswith(".truth.mcap"):
        return _of_truth(path, exercise, exercise_dir)
    if is_bag(path):
        found = _of_bag(path)
        if found is not None:
            return found
    return _scored(open_source(path, settings or SourceSettings()), path, exercise, exercise_dir)


def _json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None if it is none."""
    if path.is_dir() or path.suffix != ".json":
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordingError(path, "", f"is not valid JSON: {error}") from error
    return data if isinstance(data, dict) else None


def _of_bag(path: Path) -> RecordedSet | None:
    """What scoring said in a bag; None if it holds nothing of it."""
    bag = BagTopics(path)
    topics = [topic for topic in bag.topics if topic.type in RESULTS and topic.count]
    place = _place(topics)
    if place is None:
        return None
    order = list(RESULTS)
    rows: list[tuple[int, int, int, Any]] = []
    for topic in topics:
        inside = topic.name.rsplit("/", 1)[0]
        if inside == place or (topic.type == CABLE and inside.startswith(place)):
            said = bag.messages(topic.name)
            for logged, stamp, message in _few(said) if topic.type == CABLE else said:
                rows.append((logged, order.index(topic.type), stamp, RESULTS[topic.type](message, path)))
    same_clock = all(abs(logged - stamp) < _CLOCKS_AGREE_NS for logged, _, stamp, _ in rows)
    # recorded under another clock: as late as the live graph is
    events = [(logged if same_clock else stamp + DELAY_NS, rank, what) for logged, rank, stamp, what in rows]
    events.sort(key=lambda event: event[:2])
    forms = [what for _, rank, what in events if rank == order.index(_NEEDED[0])]
    notes = [f"topics in {place or '/'}"]
    if not same_clock:
        notes.append(f"recorded under another clock: {DELAY_NS // 1_000_000} ms from frame to coach assumed")
    names = list(dict.fromkeys(form.exercise for form in forms if form.exercise))
    if len(names) > 1:
        notes.append(f"several exercises: {', '.join(names)}")
    return RecordedSet(
        path.name,
        names[0] if names else "",
        min(form.stamp_ns for form in forms),
        tuple(Recorded(at, what) for at, _, what in events),
        tuple(notes),
    )


def _place(topics: list[Topic]) -> str | None:
    """The namespace in which most was scored; None if there is none."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for topic in topics:
        counts[topic.name.rsplit("/", 1)[0]][topic.type] = topic.count
    whole = {place: sum(found.values()) for place, found in counts.items() if found.keys() >= set(_NEEDED)}
    return max(whole, key=lambda place: whole[place]) if whole else None


def _few(messages: Iterator[tuple[int, int, Any]]) -> Iterator[tuple[int, int, Any]]:
    """Samples of a cable as seldom as the orchestrator node looks at them; there may be thousands a second."""
    last = -_MACHINE_EVERY_NS
    for logged, stamp, message in messages:
        if logged - last >= _MACHINE_EVERY_NS:
            last = logged
            yield logged, stamp, message


def _of_truth(path: Path, exercise: str, exercise_dir: Path | None) -> RecordedSet:
    truth = ClipTruth.load(path)
    order = np.argsort(truth.stamps_ns, kind="stable")
    track = SpaceTrack(
        path,
        truth.stamps_ns[order],
        BLAZEPOSE_33,
        truth.positions[order],
        np.full(len(BLAZEPOSE_33), _TRUTH_STD),
        all_round=True,
        rigid=True,
        notes=("the truth of a simulated clip, not what a camera saw",),
    )
    return _scored(SpaceSource(track), path, exercise or truth.exercise, exercise_dir)


def _scored(source: BodySource, path: Path, exercise: str, exercise_dir: Path | None) -> RecordedSet:
    if not exercise:
        raise KineCueError(f"{path}: has to be scored first; name the exercise with --exercise")
    model = find_exercise(exercise, exercise_dir)
    scorer = Scorer(model, session=path.stem or "set")
    recorder = SetRecorder()
    last: int | None = None
    for stamp, body in source.bodies(model.name, lambda done: None):
        recorder.add(scorer.update(body, stamp), scorer.summary(), stamp)
        last = stamp
    if last is None:
        raise RecordingError(path, "", "holds no frames")
    summary = scorer.end_set(last)
    recorder.end(scorer.flush(), summary, last)
    return recorder.finish(path.name, model.name, ("scored now", *source.notes))
