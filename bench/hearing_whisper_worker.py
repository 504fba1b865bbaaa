"""Runs in the recogniser's own environment: sound in, words out, one JSON object a line.

A request has ``wav`` (16 kHz, mono, 16 bit, less than 10 s), ``language`` and, for a choice, ``sentences``. The answer
has ``text`` (free transcription), ``language_probability`` (that it is the language asked for), ``silence`` (probability
that nobody speaks) and ``scores`` (log likelihood of each sentence, its words' tokens added up).
"""

from __future__ import annotations

import json
import sys
import wave
from pathlib import Path

import numpy as np

THREADS = 1
LARGEST_BATCH = 32
# 10 s, a third of Whisper's window: the margins between sentences are as wide as with all of it, in a fifth of the time.
FRAMES = 1000
SECONDS_PER_FRAME = 0.01
RATE = 16000


def as_written(text: str) -> str:
    """The sentence as Whisper writes one: without its full stop "three" would be as likely as "thirteen"."""
    return " " + text[:1].upper() + text[1:].rstrip(".!?") + "."


def main(folder: str) -> None:
    """Serves until the input ends."""
    import ctranslate2
    from faster_whisper.feature_extractor import FeatureExtractor
    from tokenizers import Tokenizer

    model = ctranslate2.models.Whisper(
        folder, device="cpu", compute_type="int8", intra_threads=THREADS, inter_threads=1
    )
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    extractor = FeatureExtractor()
    special = {name: tokenizer.token_to_id(f"<|{name}|>") for name in ("transcribe", "notimestamps")}
    start = tokenizer.token_to_id("<|startoftranscript|>")
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        with wave.open(request["wav"], "rb") as file:
            sound = (
                np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float32) / 32768.0
            )
        silence = max(0, round(FRAMES * SECONDS_PER_FRAME * RATE) - len(sound))
        mel = np.ascontiguousarray(extractor(sound, padding=silence + RATE)[:, :FRAMES].astype(np.float32))
        features = ctranslate2.StorageView.from_array(mel[None])
        encoded = model.encode(features)
        language = request["language"]
        prompt = [
            start,
            tokenizer.token_to_id(f"<|{language}|>"),
            special["transcribe"],
            special["notimestamps"],
        ]
        result = model.generate(
            encoded, [prompt], beam_size=1, max_length=40, return_scores=True, return_no_speech_prob=True
        )[0]
        spoken = dict(model.detect_language(encoded)[0])
        answer = {
            "text": tokenizer.decode(result.sequences_ids[0]).strip(),
            "language_probability": spoken.get(f"<|{language}|>", 0.0),
            "silence": result.no_speech_prob,
            "scores": [],
        }
        sentences = request.get("sentences") or []
        tokens = [tokenizer.encode(as_written(text), add_special_tokens=False).ids for text in sentences]
        for first in range(0, len(tokens), LARGEST_BATCH):
            some = tokens[first : first + LARGEST_BATCH]
            many = np.repeat(np.array(encoded), len(some), axis=0)
            aligned = model.align(
                ctranslate2.StorageView.from_array(np.ascontiguousarray(many)),
                prompt[:-1],
                some,
                [FRAMES] * len(some),
            )
            answer["scores"] += [
                float(np.sum(np.log(np.maximum(one.text_token_probs, 1e-9)))) for one in aligned
            ]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
