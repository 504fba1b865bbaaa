"""Runs the built-in language model with onnxruntime: one thread, prompts read once, replies token by token."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kinecue.coaching.language.installation import MODEL_FILE, TOKENIZER_FILE, Installation
from kinecue.coaching.language.model import ModelError, ModelTimeoutError, Prompt

Clock = Callable[[], float]

_PIECE = 64
"""Tokens read at once; between pieces the deadline is looked at (about 0.15 s of one core apart)."""
_LEAST = 2
"""Tokens read at once at least. onnxruntime multiplies a single row in another way, with other roundings of the
inputs to 8 bit: logits that differ by 0.3. With two rows or more they are the same, bit for bit, however a
prompt is cut into pieces, so a reply does not depend on what was asked before."""
_MEMORIES = 4
"""Prompts whose beginning is kept: those for phrases, for a summary, for an answer, and one to spare."""
_HIDDEN = -1e9
"""Added to the attention on what a token must not see; exp() of it is 0 in float32."""


@dataclass(frozen=True)
class Work:
    """What a reply took.

    Attributes:
        prompt_tokens: of the prompt.
        known_tokens: of those, how many were known from before.
        reply_tokens: that were chosen, or judged.
        read_s: seconds for the prompt.
        reply_s: seconds for the reply.
    """

    prompt_tokens: int = 0
    known_tokens: int = 0
    reply_tokens: int = 0
    read_s: float = 0.0
    reply_s: float = 0.0


class _Memory:
    """Keys and values of the tokens read so far, in place: onnxruntime adds to them without a copy."""

    def __init__(self, names: Sequence[str], shape: tuple[int, int, int, int]) -> None:
        # Memory that is never written to costs nothing, so a capacity of `CONTEXT` is cheap.
        self.arrays = {name: np.zeros(shape, np.float32) for name in names}
        self.values = {n: onnxruntime.OrtValue.ortvalue_from_numpy(a) for n, a in self.arrays.items()}
        self.tokens: list[int] = []
        self.used = 0

    def common(self, tokens: Sequence[int]) -> int:
        """How many of the first tokens are the same."""
        for index, (own, other) in enumerate(zip(self.tokens, tokens, strict=False)):
            if own != other:
                return index
        return min(len(self.tokens), len(tokens))


class SmolLM:
    """The model in this process. Not safe to call from several threads."""

    def __init__(self, folder: Path, installation: Installation, clock: Clock = time.monotonic) -> None:
        """Load the model.

        Raises:
            ModelError: a file is damaged, or this onnxruntime cannot run it.
        """
        self._facts, self._clock = installation, clock
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Pose estimation wants the cores: no waiting in loops.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        except Exception as error:  # both libraries raise plain Exception and subclasses of it
            raise ModelError(f"the language model in {folder} cannot be loaded: {error}") from error
        # What somebody calls himself must not end his turn: "<|im_end|>" in a prompt is text.
        self._tokenizer.encode_special_tokens = True
        pasts = [value for value in self._session.get_inputs() if value.name.startswith("past_")]
        self._names = [value.name.removeprefix("past_") for value in pasts]
        _, key_heads, _, width = pasts[0].shape
        self._memory_shape = (1, key_heads, installation.context, width)
        self._memories: list[_Memory] = []
        self._count = 0
        self.work = Work()

    def complete(self, prompt: Prompt, deadline: float) -> str:
        """The reply; `deadline` in seconds of the clock. Raises as `LanguageModel.complete` does."""
        self.work = Work()
        tokens = self._tokens_of(prompt)
        self._check_length(len(tokens) + prompt.max_tokens)
        memory, logits = self._read(tokens, deadline)
        begin, chosen = self._clock(), list[int]()
        try:
            text = self._continued(memory, logits, prompt, deadline, chosen)
        finally:
            del memory.tokens[len(tokens) :]
        self._worked(begin, len(chosen))
        return text.strip()

    def _continued(
        self,
        memory: _Memory,
        logits: NDArray[np.float32],
        prompt: Prompt,
        deadline: float,
        chosen: list[int],
    ) -> str:
        """Text of the tokens that follow, which are put into `chosen`."""
        random = np.random.default_rng(prompt.seed)
        while True:
            token = _choose(logits, prompt.temperature, random)
            chosen.append(token)
            text = self._tokenizer.decode([token for token in chosen if token != self._facts.end_token])
            text, ended = _until(text.lstrip(), prompt.stop)
            if ended or token == self._facts.end_token or len(chosen) == prompt.max_tokens:
                return text
            self._check_time(deadline, f"after {len(chosen)} tokens")
            logits = self._run(memory, [token])[-1]

    def likelihood(self, prompt: Prompt, replies: Sequence[str], deadline: float) -> tuple[float, ...]:
        """Mean logarithm of the probability per token of each reply; `deadline` as in `complete`.

        All replies are read in one pass, side by side: each sees the prompt and itself only.
        """
        self.work = Work()
        candidates = [self._encode(reply.strip()) for reply in replies]
        for reply, candidate in zip(replies, candidates, strict=True):
            if not candidate:
                raise ModelError(f"the reply {reply!r} has no words to judge")
        tokens = self._tokens_of(prompt)
        self._check_length(len(tokens) + sum(len(c) - 1 for c in candidates))
        if not candidates:
            return ()
        memory, logits = self._read(tokens, deadline)
        self._check_time(deadline, "before the replies were read")
        begin = self._clock()
        totals = [_log_share(logits, candidate[0]) for candidate in candidates]
        if any(len(candidate) > 1 for candidate in candidates):
            later = iter(self._side_by_side(memory, [candidate[:-1] for candidate in candidates]))
            for index, candidate in enumerate(candidates):
                totals[index] += sum(_log_share(next(later), token) for token in candidate[1:])
        result = (total / len(candidate) for total, candidate in zip(totals, candidates, strict=True))
        likelihoods = tuple(result)
        self._worked(begin, sum(map(len, candidates)))
        return likelihoods

    def _side_by_side(self, memory: _Memory, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Logits (tokens of all rows, vocabulary); nothing of it stays in the memory."""
        known = len(memory.tokens)
        if sum(map(len, rows)) < _LEAST:
            rows = [*rows, *rows]
        flat = [token for row in rows for token in row]
        owner = np.concatenate([np.full(len(row), index) for index, row in enumerate(rows)])
        positions = np.concatenate([known + np.arange(len(row)) for row in rows])
        bias = np.zeros((1, 1, len(flat), known + len(flat)), np.float32)
        bias[0, 0, :, known:] = np.where(owner[:, None] == owner, 0.0, _HIDDEN)
        logits = self._run(memory, flat, positions=positions, bias=bias, wanted=range(len(flat)))
        del memory.tokens[known:]
        return logits

    def _tokens_of(self, prompt: Prompt) -> list[int]:
        """The prompt in the model's chat format (field tokenizer.chat_template of its GGUF file)."""
        turns = [("system", prompt.system)] if prompt.system else []
        for question, reply in prompt.examples:
            turns += [("user", question), ("assistant", reply)]
        turns.append(("user", prompt.user))
        begin, end, newline = self._facts.start_token, self._facts.end_token, self._encode("\n")
        tokens: list[int] = []
        for role, text in turns:
            tokens += [begin, *self._encode(f"{role}\n{text}"), end, *newline]
        return [*tokens, begin, *self._encode("assistant\n")]

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _read(self, tokens: Sequence[int], deadline: float) -> tuple[_Memory, NDArray[np.float32]]:
        """A memory that holds `tokens`, and the logits (vocabulary) of what follows."""
        begin = self._clock()
        memory = self._memory_for(tokens)
        known = max(0, min(memory.common(tokens), len(tokens) - _LEAST))
        del memory.tokens[known:]
        while True:
            start = len(memory.tokens)
            self._check_time(deadline, f"after {start} of {len(tokens)} tokens of the prompt")
            left = len(tokens) - start
            size = left if left < _PIECE + _LEAST else _PIECE
            logits = self._run(memory, tokens[start : start + size])[-1]
            if size == left:
                break
        self.work = Work(len(tokens), known, 0, self._clock() - begin)
        return memory, logits

    def _memory_for(self, tokens: Sequence[int]) -> _Memory:
        """The memory that knows most of `tokens`; if that is less than half, the one longest not used."""
        self._count += 1
        best = max(self._memories, key=lambda memory: memory.common(tokens), default=None)
        if best is None or 2 * best.common(tokens) < len(tokens):
            if len(self._memories) < _MEMORIES:
                best = _Memory(self._names, self._memory_shape)
                self._memories.append(best)
            else:
                best = min(self._memories, key=lambda memory: memory.used)
        best.used = self._count
        return best

    def _run(
        self,
        memory: _Memory,
        tokens: Sequence[int],
        positions: NDArray[np.int64] | None = None,
        bias: NDArray[np.float32] | None = None,
        wanted: Sequence[int] | None = None,
    ) -> NDArray[np.float32]:
        """Append `tokens` to the memory; logits (wanted, vocabulary), of the last token by default."""
        known, new = len(memory.tokens), len(tokens)
        total = known + new
        if positions is None:
            positions = np.arange(known, total)
        if bias is None:
            bias = np.zeros((1, 1, new, total), np.float32)
        binding = self._session.io_binding()
        binding.bind_cpu_input("tokens", np.array([tokens], np.int64))
        binding.bind_cpu_input("positions", positions[None].astype(np.int64))
        binding.bind_cpu_input("bias", bias)
        binding.bind_cpu_input("last", np.array([total - 1], np.int32))
        binding.bind_cpu_input("total", np.array(total, np.int32))
        binding.bind_cpu_input("wanted", np.array([new - 1] if wanted is None else wanted, np.int64))
        for name, value in memory.values.items():
            binding.bind_ortvalue_input(f"past_{name}", value)
            binding.bind_ortvalue_output(f"present_{name}", value)
        binding.bind_output("logits")
        self._session.run_with_iobinding(binding)
        memory.tokens.extend(tokens)
        logits: NDArray[np.float32] = binding.get_outputs()[-1].numpy()  # the only one not in the memory
        return logits

    def _check_length(self, tokens: int) -> None:
        if tokens > self._facts.context:
            raise ModelError(
                f"prompt and reply have up to {tokens} tokens, allowed: {self._facts.context} together"
            )

    def _check_time(self, deadline: float, done: str) -> None:
        if self._clock() >= deadline:
            raise ModelTimeoutError(f"the deadline passed {done}")

    def _worked(self, begin: float, tokens: int) -> None:
        work = self.work
        self.work = Work(work.prompt_tokens, work.known_tokens, tokens, work.read_s, self._clock() - begin)


def _choose(logits: NDArray[np.float32], temperature: float, random: np.random.Generator) -> int:
    if temperature <= 0.0:
        return int(logits.argmax())
    scaled = logits.astype(np.float64) / temperature
    share = np.exp(scaled - scaled.max())
    return int(random.choice(len(share), p=share / share.sum()))


def _log_share(logits: NDArray[np.float32], token: int) -> float:
    """Natural logarithm of the probability of `token`, from `logits` (vocabulary)."""
    shifted = logits - logits.max()
    return float(shifted[token] - np.log(np.exp(shifted).sum()))


def _until(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """`text` before the first of `stops`, and whether there was one."""
    ends = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    return (text[: min(ends)], True) if ends else (text, False)
