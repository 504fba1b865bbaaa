"""``kinecue coach --replay``: a recorded set coached again, as text, as data, and to be heard."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from kinecue.body.errors import KineCueError
from kinecue.body.paths import share_dir
from kinecue.cli.recorded_bodies import CameraSettings, SourceSettings
from kinecue.cli.set_sources import open_set
from kinecue.cli.voice import phrase_dir, voice_dir
from kinecue.coaching import (
    CoachingSettings,
    Orchestrator,
    SpeechStatus,
    Talk,
    load_phrase_book,
    load_settings,
)
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.recorded import RecordedSet
from kinecue.coaching.recorded_file import write_set
from kinecue.coaching.replay import Replay, ReplaySpeaker, estimated_duration, replay
from kinecue.coaching.transcript import Transcript, line_text, transcript
from kinecue.recordings import ReadOptions
from kinecue.speech import PhraseCache, SpeechError, Utterance, choose_engine, open_speech
from kinecue.speech.audio import resample, write_wav

_CUT_FADE_S = 0.008
_WAIT_S = 30.0


@dataclass(frozen=True)
class CoachSettings:
    """What to coach again, and how.

    Attributes:
        source: the set; see `kinecue.cli.set_sources.open_set`.
        exercise, exercise_dir: for what has to be scored first.
        language: of the phrase book, a file of `phrases` (None = the package's).
        settings_file: coaching settings; None = the package's.
        changes: fields of the coaching settings that are not as in the file.
        engine: of the speech; None = nobody speaks, and durations are estimated.
        device: part of a sound device's name, None = the default one; only if `aloud`.
        aloud: play it as it was, in real time.
        wav, json_file, text_file, save: what to write; None = not.
        why: also tell what was not said, and why.
        body: how a recording becomes bodies, for what has to be scored.
    """

    source: Path
    exercise: str = ""
    exercise_dir: Path | None = None
    language: str = "en"
    phrases: Path | None = None
    settings_file: Path | None = None
    changes: dict[str, object] = field(default_factory=dict)
    engine: str | None = None
    device: str | None = None
    aloud: bool = False
    wav: Path | None = None
    json_file: Path | None = None
    text_file: Path | None = None
    save: Path | None = None
    why: bool = False
    body: SourceSettings = field(default_factory=SourceSettings)


def coach(
    source: Annotated[
        Path,
        typer.Option(
            "--replay",
            metavar="SET",
            help="Bag with the topics of scoring, JSON of analyze, demo or --save, truth of a simulated clip; "
            "or a recording to be scored first, then with --exercise.",
        ),
    ],
    exercise: Annotated[str, typer.Option(help="For a recording that has to be scored first.")] = "",
    exercise_dir: Annotated[Path | None, typer.Option(help="Folder of exercise files of your own.")] = None,
    language: Annotated[str, typer.Option(help="Language of the phrase book.")] = "en",
    phrases: Annotated[Path | None, typer.Option(help="Folder of phrase books of your own.")] = None,
    settings: Annotated[Path | None, typer.Option(help="Coaching settings (YAML).")] = None,
    talk: Annotated[str, typer.Option(help="How much: full, corrections or danger_only.")] = "",
    counting: Annotated[
        bool | None, typer.Option("--counting/--no-counting", help="Count repetitions aloud.")
    ] = None,
    praise: Annotated[
        bool | None, typer.Option("--praise/--no-praise", help="Praise a correction that worked.")
    ] = None,
    encouragement: Annotated[
        bool | None, typer.Option("--encouragement/--no-encouragement", help="Encourage between repetitions.")
    ] = None,
    summary: Annotated[
        bool | None, typer.Option("--summary/--no-summary", help="Sum up the finished set.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any other field of the coaching settings."),
    ] = None,
    why: Annotated[bool, typer.Option(help="Also what was held and dropped, with the reasons.")] = False,
    aloud: Annotated[bool, typer.Option(help="Play it in real time.")] = False,
    device: Annotated[str | None, typer.Option(help="Sound device, part of its name; plays it.")] = None,
    engine: Annotated[str, typer.Option(help="Speech engine, for --aloud and --wav.")] = "auto",
    wav: Annotated[Path | None, typer.Option(help="Write what is said to a WAV, as long as the set.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the transcript as JSON.")] = None,
    text_file: Annotated[Path | None, typer.Option("--text", help="Write the transcript as text.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the set itself, to be coached again.")] = None,
    model: Annotated[str, typer.Option(help="Pose network, for a video.")] = "full",
    fov: Annotated[
        float, typer.Option(min=20.0, max=150.0, help="Field of view, degrees, for a video.")
    ] = 62.0,
    topic: Annotated[str, typer.Option(help="Topic of a bag with bodies or pictures.")] = "",
) -> None:
    """Coach a recorded set again with other settings, and show or play what would have been said.

    Exit status 0 if the set was coached, whatever was said; 2 if it cannot be read.
    """
    switches = {"counting": counting, "praise": praise, "encouragement": encouragement, "summary": summary}
    changes: dict[str, object] = {name: value for name, value in switches.items() if value is not None}
    if talk:
        if talk not in [item.value for item in Talk]:
            raise KineCueError(f"--talk is {talk!r}, allowed: {', '.join(item.value for item in Talk)}")
        changes["talk"] = talk
    changes |= dict(_change(item) for item in change or ())
    heard = aloud or device is not None
    wanted = CoachSettings(
        source,
        exercise,
        exercise_dir,
        language,
        phrases,
        settings,
        changes,
        engine if heard or wav is not None else None,
        device or None,
        heard,
        wav,
        json_file,
        text_file,
        save,
        why,
        SourceSettings(ReadOptions(topic=topic), CameraSettings(fov), model),
    )
    raise typer.Exit(run_coach(wanted, Console(highlight=False, soft_wrap=True)))


def _change(item: str) -> tuple[str, object]:
    name, equals, value = item.partition("=")
    allowed = [known for known in CoachingSettings.model_fields if known != "opposites"]
    if not equals or name.strip() not in allowed:
        raise KineCueError(f"--set is {item!r}, expected FIELD=VALUE, FIELD one of: {', '.join(allowed)}")
    try:
        return name.strip(), cast(object, json.loads(value))
    except ValueError:
        return name.strip(), value.strip()


def run_coach(settings: CoachSettings, console: Console) -> int:
    """Coaches it, tells the transcript, writes and plays what is asked for; the exit status.

    Raises:
        KineCueError: the set, the phrase book or the settings cannot be read, or a WAV cannot be spoken.
        OSError: a result cannot be written.
    """
    for path in (settings.wav, settings.json_file, settings.text_file, settings.save):
        if path is not None and not path.parent.is_dir():
            raise KineCueError(f"{path}: the folder {path.parent} does not exist")
    book, coaching = _book(settings), _coaching(settings)
    recorded = open_set(settings.source, settings.exercise, settings.exercise_dir, settings.body)
    voice = _Voice(settings, console) if settings.engine is not None else None
    try:
        played = replay(
            recorded,
            Orchestrator(book, coaching),
            ReplaySpeaker(voice.duration_s if voice else estimated_duration),
        )
        told = transcript(recorded, played, book.language)
        console.print(Text(_heading(told), style="bold"))
        for note in told.notes:
            console.print(Text(f"note: {note}"))
        if settings.aloud and voice is not None:
            _aloud(settings, voice.sound(recorded, played), told, console)
        else:
            console.print(Text(told.text(settings.why)), end="")
        _write(settings, recorded, told, console)
        if settings.wav is not None and voice is not None:
            write_wav(settings.wav, voice.sound(recorded, played))
            console.print(f"wrote {settings.wav}")
    finally:
        if voice is not None:
            voice.close()
    return 0


def _book(settings: CoachSettings) -> PhraseBook:
    folder = settings.phrases or share_dir() / "config" / "phrases"
    path = folder / f"{settings.language}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or f"none in {folder}"
        raise KineCueError(f"--language is {settings.language!r}, allowed: {known}")
    return load_phrase_book(path)


def _coaching(settings: CoachSettings) -> CoachingSettings:
    read = load_settings(settings.settings_file or share_dir() / "config" / "coaching.yaml")
    return read.changed(**settings.changes)


def _heading(told: Transcript) -> str:
    said = len(told.said)
    minutes = f"{said / told.duration_s * 60.0:.1f} a minute" if told.duration_s > 0 else ""
    return f"{told.exercise}, {told.source}: {told.duration_s:.0f} s, {said} cues, {minutes}".rstrip(", ")


def _write(settings: CoachSettings, recorded: RecordedSet, told: Transcript, console: Console) -> None:
    if settings.json_file is not None:
        text = json.dumps(told.as_dict(), indent=1, allow_nan=False, ensure_ascii=False)
        settings.json_file.write_text(text + "\n", encoding="utf-8")
    if settings.text_file is not None:
        settings.text_file.write_text(f"{_heading(told)}\n{told.text(settings.why)}", encoding="utf-8")
    if settings.save is not None:
        write_set(recorded, settings.save)
    for path in (settings.json_file, settings.text_file, settings.save):
        if path is not None:
            console.print(f"wrote {path}")


class _Voice:
    """The sentences as an engine says them."""

    def __init__(self, settings: CoachSettings, console: Console) -> None:
        try:
            choice = choose_engine(
                settings.engine or "auto", voice_dir=voice_dir(), language=settings.language
            )
        except SpeechError as error:
            raise KineCueError(str(error)) from error
        console.print(choice.describe())
        self._cache = PhraseCache(choice.engine, choice.engine.sample_rate, phrase_dir())
        self._failed: dict[str, str] = {}
        self._console = console

    def duration_s(self, text: str) -> float:
        """Of a sentence; estimated where the engine fails."""
        made = self._made(text)
        return estimated_duration(text) if made is None else made.duration_s

    def sound(self, recorded: RecordedSet, played: Replay) -> Utterance:
        """All that was said, from the first frame of the set on."""
        rate = self._cache.sample_rate
        heard = [u for u in played.speaker.utterances if u.started_ns]
        end_s = max([recorded.duration_s, *((u.ended_ns - recorded.start_ns) * 1e-9 for u in heard)])
        mixed = np.zeros(round((end_s + 0.2) * rate), np.int16)
        for utterance in heard:
            made = self._made(utterance.cue.text)
            if made is None:
                continue
            at = round((utterance.started_ns - recorded.start_ns) * 1e-9 * rate)
            samples = made.samples.copy()
            if utterance.status == SpeechStatus.INTERRUPTED:
                samples = _cut(
                    samples, round((utterance.ended_ns - utterance.started_ns) * 1e-9 * rate), rate
                )
            samples = samples[: max(0, len(mixed) - at)]
            mixed[at : at + len(samples)] += samples
        return Utterance(recorded.source, mixed, rate)

    def close(self) -> None:
        """End the engine."""
        self._cache.engine.close()

    def _made(self, text: str) -> Utterance | None:
        if text in self._failed:
            return None
        try:
            return self._cache.make(text)
        except SpeechError as error:
            self._failed[text] = str(error)
            self._console.print(Text(f"'{text}' could not be synthesised: {error}", style="yellow"))
            return None


def _cut(
    samples: np.ndarray[Any, np.dtype[np.int16]], length: int, rate: int
) -> np.ndarray[Any, np.dtype[np.int16]]:
    """The beginning, with a short fade at its end."""
    kept = samples[:length].copy()
    fade = min(len(kept), round(_CUT_FADE_S * rate))
    if fade:
        kept[-fade:] = (kept[-fade:] * np.linspace(1.0, 0.0, fade)).astype(np.int16)
    return kept


def _aloud(settings: CoachSettings, sound: Utterance, told: Transcript, console: Console) -> None:
    """Plays it in real time, with the lines of the transcript as they come."""
    try:
        service, _ = open_speech(
            engine="null",
            device=settings.device,
            on_status=lambda s: console.print(f"sound goes to: {s.name}"),
        )
    except SpeechError as error:
        raise KineCueError(str(error)) from error
    try:
        rate = service.player.sample_rate
        service.player.play(resample(sound, rate), "replay")
        begun = time.monotonic()
        for line in told.lines:
            if settings.why or line.event not in ("held", "dropped"):
                _wait_until(begun + line.time_s)
                console.print(Text(line_text(line)))
        service.wait_quiet(sound.duration_s + _WAIT_S)
    finally:
        service.close()


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
