"""Ten sets as they are coached, to be read aloud: the material of docs/transcripts.md.

    python bench/coaching_transcripts.py [--only 3]

Sets of the simulation through the network's errors, the scoring and the orchestrator, with the durations of the voice that
is installed for the language, else estimated ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import takes
from clean_sets import clean_keys
from coached_sets import CoachedSet, Coaching, coached, with_listener
from fault_rates import fault_keys
from scored_sets import SetKey
from threadpoolctl import threadpool_limits

from kinecue.cli.voice import phrase_dir, voice_dir
from kinecue.coaching import EffortCall, EffortNews, LoadCall, LoadNews, Orchestrator
from kinecue.coaching.recorded import MachineReading, Recorded, RecordedSet
from kinecue.coaching.replay import ReplaySpeaker, estimated_duration, replay
from kinecue.coaching.transcript import Transcript, transcript
from kinecue.speech import PhraseCache, SpeechError, choose_engine

_S = 1_000_000_000


@dataclass(frozen=True)
class Scene:
    """A set and how it is coached.

    Attributes:
        title: what it shows.
        exercise, fault: planted; empty = a clean set.
        listens: the athlete corrects it once it was spoken about.
        language, settings: of the coach.
        news: what else happens, by seconds since the start.
        view: yaw of the athlete, degrees.
        size: which of the sizes of the rising sets.
        repetitions: fault kept in these; the first is done well.
    """

    title: str
    exercise: str
    fault: str = ""
    listens: bool = True
    language: str = "en"
    settings: dict[str, object] = field(default_factory=dict)
    news: tuple[tuple[float, object], ...] = ()
    view: float = 45.0
    size: int = -1
    repetitions: int = 7


_ALL: dict[str, object] = {"counting": True, "encouragement": True, "summary": True}
_EFFORT = EffortNews(0, "lifta", "deadlift", 5, EffortCall.LAST_ONE, 0.9, "velocity loss 32 %")
SCENES = (
    Scene("A good set of squats, everything switched on", "squat", settings=_ALL),
    Scene("Squats not deep enough, corrected when told", "goblet_squat", "too_shallow", settings={"summary": True}, size=-2),
    Scene("Knees cave in under a front squat: a danger, corrected", "front_squat", "knees_in"),
    Scene("The same, and the lifter does not listen", "front_squat", "knees_in", listens=False, settings={"summary": True}),
    Scene("Curls dropped fast, never corrected, counting on", "biceps_curl", "too_fast_down", False, settings=_ALL),
    Scene("Push-ups with flared elbows", "push_up", "flared_elbows", settings=_ALL),
    Scene("Overhead press with an arched back, in German", "overhead_press", "back_arch", language="de", settings=_ALL),
    Scene("Squats that do not count, in Spanish", "goblet_squat", "too_shallow", language="es", settings={"summary": True}),
    Scene(
        "Deadlifts near failure, lighter next time",
        "deadlift",
        "hyperextended",
        settings={"summary": True},
        news=((17.0, _EFFORT), (27.0, LoadNews("", LoadCall.LIGHTER, 80.0, 70.0))),
        view=90.0,
    ),
    Scene(
        "A row on a machine that reports a fault in the middle of the set",
        "cable_row",
        "trunk_swing",
        settings={"counting": True, "summary": True},
        news=tuple((9.0 + 0.25 * i, MachineReading(True)) for i in range(16)),
        view=90.0,
    ),
)  # fmt: skip


def performed(scene: Scene) -> CoachedSet:
    """The set, done by somebody who listens or not."""
    coaching = Coaching(**scene.settings)
    if not scene.fault:
        return coached(clean_keys([scene.exercise], 3, 4)[0], "clean", "", coaching, True, False)
    key = _key(scene)
    kept = coached(key, "kept", scene.fault, coaching, True, True)
    answer = with_listener(kept, coaching, True) if scene.listens else None
    return answer if answer is not None else kept


def _key(scene: Scene) -> SetKey:
    first = fault_keys(scene.exercise, scene.fault, (scene.view,), 1)[0][0]
    name, size, side = first.faults[scene.size][:3]
    numbers = tuple(range(2, scene.repetitions + 1))
    return replace(first, faults=((name, size, side, numbers),), repetitions=scene.repetitions, seed=500)


def with_news(recorded: RecordedSet, scene: Scene) -> RecordedSet:
    """The set with what the machine and the estimate of effort say."""
    events = list(recorded.events)
    ids = [e.what.set_id for e in events if hasattr(e.what, "set_id")]
    for time_s, what in scene.news:
        at = recorded.start_ns + round(time_s * _S)
        if isinstance(what, EffortNews):
            what = replace(what, stamp_ns=at - 100_000_000)
        elif isinstance(what, LoadNews):
            what, at = replace(what, set_id=ids[-1]), max(at, events[-1].at_ns + 200_000_000)
        events.append(Recorded(at, what))  # type: ignore[arg-type]
    return replace(recorded, source=scene.title, events=tuple(sorted(events, key=lambda e: e.at_ns)))


def told(scene: Scene) -> tuple[Transcript, str]:
    """The transcript, and who speaks."""
    coaching = Coaching(scene.language, **scene.settings)
    choice = choose_engine("auto", voice_dir=voice_dir(), language=scene.language)
    cache = PhraseCache(choice.engine, choice.engine.sample_rate, phrase_dir())

    def duration_s(text: str) -> float:
        try:
            return cache.make(text).duration_s if choice.engine.speaks else estimated_duration(text)
        except SpeechError:
            return estimated_duration(text)

    recorded = with_news(performed(scene).recorded, scene)
    played = replay(recorded, Orchestrator(coaching.book, coaching.settings), ReplaySpeaker(duration_s))
    result = transcript(recorded, played, scene.language)
    choice.engine.close()
    return result, choice.engine.name


def transcripts(only: int = 0) -> Iterator[str]:
    """Each as text."""
    for number, scene in enumerate(SCENES, 1):
        if only in (0, number):
            result, voice = told(scene)
            minute = len(result.said) / result.duration_s * 60.0
            heading = f"{number}. {scene.title} ({result.duration_s:.0f} s, {minute:.0f} cues a minute, voice {voice})"
            yield f"{heading}\n{result.text()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", type=int, default=0, help="number of one of them")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    path: Path = takes.OUTPUT / "transcripts.txt"
    texts = []
    with threadpool_limits(1):
        for text in transcripts(arguments.only):
            print(text, flush=True)
            texts.append(text)
    if not arguments.only:
        path.write_text("\n".join(texts), encoding="utf-8")


if __name__ == "__main__":
    main()
