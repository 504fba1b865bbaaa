"""eSpeak NG as a program: ``espeak_speaker.py LIBRARY DATA VOICE WORDS_PER_MINUTE FOLDER``.

LIBRARY is the shared library (GPL-3: loaded here and nowhere else), DATA the folder that holds ``espeak-ng-data``.
Calls and constants: speak_lib.h of eSpeak NG.
"""

from __future__ import annotations

import ctypes
import sys
import wave
from pathlib import Path

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
PARAMETER_RATE = 1
BUFFER_MS = 200

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """One voice; `sample_rate` is in Hz."""

    def __init__(self, library: str, data: str, voice: str, words_per_minute: int) -> None:
        self._library = ctypes.CDLL(library)
        self._spoken = bytearray()
        self._callback = _Callback(self._take)
        self.sample_rate: int = self._library.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, BUFFER_MS, data.encode(), INITIALIZE_DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise RuntimeError(f"espeak_Initialize returned {self.sample_rate} with data in {data}")
        self._library.espeak_SetSynthCallback(self._callback)
        self._check("espeak_SetVoiceByName", voice.encode())
        self._check("espeak_SetParameter", PARAMETER_RATE, words_per_minute, 0)

    def _check(self, function: str, *arguments: object) -> None:
        status = getattr(self._library, function)(*arguments)
        if status != 0:
            raise RuntimeError(f"{function} returned {status}")

    def _take(self, samples: object, count: int, events: int | None) -> int:
        if samples and count > 0:
            self._spoken += ctypes.string_at(samples, 2 * count)  # type: ignore[arg-type]
        return 0

    def speak(self, text: str) -> bytes:
        """int16 samples of the text, in the byte order of this machine."""
        self._spoken.clear()
        data = text.encode()
        self._check(
            "espeak_Synth",
            data,
            ctypes.c_size_t(len(data) + 1),
            ctypes.c_uint(0),
            ctypes.c_int(1),
            ctypes.c_uint(0),
            ctypes.c_uint(CHARS_UTF8),
            None,
            None,
        )
        self._check("espeak_Synchronize")
        return bytes(self._spoken)


def main() -> None:
    """Speak each line until the input ends."""
    library, data, voice, words_per_minute, folder = sys.argv[1:]
    espeak = Espeak(library, data, voice, int(words_per_minute))
    for number, line in enumerate(sys.stdin.buffer):
        text = line.decode(errors="replace").strip()
        path = Path(folder) / f"{number}.wav"
        samples = espeak.speak(text)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(espeak.sample_rate)
            file.writeframes(samples)
        print(f"Wrote {path}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
