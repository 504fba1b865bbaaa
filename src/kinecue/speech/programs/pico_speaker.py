"""SVOX Pico as a program: ``pico_speaker.py LIBRARY LINGWARE LANGUAGE SPEED FOLDER``.

LIBRARY is Pico's shared library, LINGWARE the folder of its ``*_ta.bin`` and ``*_sg.bin``, LANGUAGE as in their names
("de-DE"), SPEED in per cent of the voice's own. Calls: picoapi.h of the Android Open Source Project (Apache-2.0).
"""

from __future__ import annotations

import ctypes
import sys
import wave
from pathlib import Path

SAMPLE_RATE = 16000  # Hz, of every Pico voice
# picoapi.h and picodefs.h: what a step of synthesis returns, and the sizes that pico2wave gives.
STEP_IDLE, STEP_BUSY = 200, 201
MEMORY_BYTES = 2_500_000
LONGEST_NAME = 32
BUFFER_BYTES = 256
VOICE = b"KineCue"


class Pico:
    """One voice."""

    def __init__(self, library: str, lingware: Path, language: str) -> None:
        self._library = ctypes.CDLL(library)
        self._memory = ctypes.create_string_buffer(MEMORY_BYTES)
        self._system = ctypes.c_void_p()
        self._check(
            "pico_initialize", self._memory, ctypes.c_uint32(MEMORY_BYTES), ctypes.byref(self._system)
        )
        self._check("pico_createVoiceDefinition", self._system, VOICE)
        for ending in ("ta", "sg"):
            for path in sorted(lingware.glob(f"{language}_*{ending}.bin")):
                self._add(path)
        self._engine = ctypes.c_void_p()
        self._check("pico_newEngine", self._system, VOICE, ctypes.byref(self._engine))

    def _add(self, path: Path) -> None:
        resource, name = ctypes.c_void_p(), ctypes.create_string_buffer(LONGEST_NAME)
        self._check("pico_loadResource", self._system, str(path).encode(), ctypes.byref(resource))
        self._check("pico_getResourceName", self._system, resource, name)
        self._check("pico_addResourceToVoiceDefinition", self._system, VOICE, name)

    def _check(self, function: str, *arguments: object) -> None:
        status = getattr(self._library, function)(*arguments)
        if status != 0:
            raise RuntimeError(f"{function} returned {status}")

    def speak(self, text: str) -> bytes:
        """int16 samples of the text, little-endian."""
        data = text.encode() + b"\0"
        put, got, kind = ctypes.c_int16(), ctypes.c_int16(), ctypes.c_int16()
        buffer = ctypes.create_string_buffer(BUFFER_BYTES)
        spoken = bytearray()
        while data:
            self._check("pico_putTextUtf8", self._engine, data, ctypes.c_int16(len(data)), ctypes.byref(put))
            data = data[put.value :]
            status = STEP_BUSY
            while status == STEP_BUSY:
                status = self._library.pico_getData(
                    self._engine,
                    buffer,
                    ctypes.c_int16(BUFFER_BYTES),
                    ctypes.byref(got),
                    ctypes.byref(kind),
                )
                spoken += buffer.raw[: got.value]
            if status != STEP_IDLE:
                raise RuntimeError(f"pico_getData returned {status}")
        return bytes(spoken)


def main() -> None:
    """Speak each line until the input ends."""
    library, lingware, language, speed, folder = sys.argv[1:]
    pico = Pico(library, Path(lingware), language)
    for number, line in enumerate(sys.stdin.buffer):
        text = line.decode(errors="replace").strip()
        path = Path(folder) / f"{number}.wav"
        samples = pico.speak(f'<speed level="{speed}">{text}</speed>')
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(samples)
        print(f"Wrote {path}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
