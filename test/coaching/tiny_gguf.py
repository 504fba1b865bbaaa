"""A language model of a few kilobytes in the format of the real one: random weights, every byte a token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType, TokenType
from gguf.quants import quantize
from tokenizers import pre_tokenizers

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("k n", "e e", "Ġ k", "kn ee")


@dataclass(frozen=True)
class Sizes:
    """Sizes of a random Llama; multiples of 32 where weights lie in blocks."""

    layers: int = 2
    width: int = 64
    heads: int = 2
    key_heads: int = 1
    hidden: int = 96


def write_gguf(
    path: Path,
    sizes: Sizes = Sizes(),
    seed: int = 0,
    *,
    architecture: str = "llama",
    pre: str = "smollm",
    leave_out: str = "",
    attention: GGMLQuantizationType = GGMLQuantizationType.Q4_1,
) -> Path:
    """Write a random model; `leave_out` names a field or weight that the file then lacks."""
    random = np.random.default_rng(seed)
    tokens = [*CONTROL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokens += [merge.replace(" ", "") for merge in MERGES]
    writer = gguf.GGUFWriter(path, architecture)
    numbers = {
        "block_count": sizes.layers,
        "embedding_length": sizes.width,
        "attention.head_count": sizes.heads,
        "attention.head_count_kv": sizes.key_heads,
        "rope.dimension_count": sizes.width // sizes.heads,
        "feed_forward_length": sizes.hidden,
        "vocab_size": len(tokens),
    }
    for name, number in numbers.items():
        if name != leave_out:
            writer.add_uint32(f"llama.{name}", number)
    writer.add_float32("llama.rope.freq_base", 10_000.0)
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    control = [TokenType.CONTROL] * len(CONTROL)
    writer.add_token_types([*control, *[TokenType.NORMAL] * (len(tokens) - len(CONTROL))])
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def add(name: str, rows: int, columns: int, kind: GGMLQuantizationType) -> None:
        if name != leave_out:
            weight = random.normal(0.0, 1.0, (rows, columns)).astype(np.float32) / np.sqrt(columns)
            writer.add_tensor(name, quantize(weight, kind), raw_dtype=kind)

    def add_norm(name: str) -> None:
        writer.add_tensor(name, random.uniform(0.5, 1.5, sizes.width).astype(np.float32))

    key_width = sizes.width // sizes.heads * sizes.key_heads
    four_bit = GGMLQuantizationType.Q4_1
    add("token_embd.weight", len(tokens), sizes.width, GGMLQuantizationType.Q8_0)
    for layer in range(sizes.layers):
        own = f"blk.{layer}."
        add_norm(own + "attn_norm.weight")
        add(own + "attn_q.weight", sizes.width, sizes.width, attention)
        add(own + "attn_k.weight", key_width, sizes.width, attention)
        add(own + "attn_v.weight", key_width, sizes.width, attention)
        add(own + "attn_output.weight", sizes.width, sizes.width, four_bit)
        add_norm(own + "ffn_norm.weight")
        add(own + "ffn_gate.weight", sizes.hidden, sizes.width, four_bit)
        add(own + "ffn_up.weight", sizes.hidden, sizes.width, four_bit)
        add(own + "ffn_down.weight", sizes.width, sizes.hidden, four_bit)
    add_norm("output_norm.weight")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
