"""A Llama in numpy, written from the papers, over weights that `gguf` itself takes apart: what is right."""

from __future__ import annotations

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


class LlamaReference:
    """Logits in float64, layer after layer, without caches, quantised inputs or fused operators."""

    def __init__(self, reader: GGUFReader) -> None:
        self._weights = {tensor.name: tensor for tensor in reader.tensors}
        field = {
            name: reader.get_field(name).contents() for name in reader.fields if name.startswith("llama.")
        }
        self._layers = field["llama.block_count"]
        self._heads = field["llama.attention.head_count"]
        self._key_heads = field["llama.attention.head_count_kv"]
        self._base = field["llama.rope.freq_base"]
        self._epsilon = field["llama.attention.layer_norm_rms_epsilon"]

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Logits (tokens, vocabulary) of the token after each of `tokens`."""
        x = self._weight("token_embd.weight")[tokens]
        for layer in range(self._layers):
            own = f"blk.{layer}."
            x = x + self._attention(self._normed(x, own + "attn_norm.weight"), own)
            y = self._normed(x, own + "ffn_norm.weight")
            gate = y @ self._weight(own + "ffn_gate.weight").T
            up = y @ self._weight(own + "ffn_up.weight").T
            x = x + (gate / (1.0 + np.exp(-gate)) * up) @ self._weight(own + "ffn_down.weight").T
        return self._normed(x, "output_norm.weight") @ self._weight("token_embd.weight").T

    def _attention(self, x: np.ndarray, own: str) -> np.ndarray:
        count = len(x)
        query, key, value = (x @ self._weight(f"{own}attn_{kind}.weight").T for kind in "qkv")
        query = self._turned(query.reshape(count, self._heads, -1))
        key = self._turned(key.reshape(count, self._key_heads, -1))
        value = value.reshape(count, self._key_heads, -1)
        width, out = query.shape[-1], np.empty_like(query)
        for head in range(self._heads):
            shared = head * self._key_heads // self._heads
            score = query[:, head] @ key[:, shared].T / np.sqrt(width)
            score[np.triu_indices(count, 1)] = -np.inf
            share = np.exp(score - score.max(-1, keepdims=True))
            out[:, head] = share / share.sum(-1, keepdims=True) @ value[:, shared]
        return out.reshape(count, -1) @ self._weight(own + "attn_output.weight").T

    def _turned(self, x: np.ndarray) -> np.ndarray:
        """Each pair (2i, 2i + 1) as a complex number, turned by position * base^(-2i / width)."""
        rate = self._base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])
        turn = np.exp(1j * np.arange(len(x))[:, None, None] * rate)
        pairs = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
        return np.stack([pairs.real, pairs.imag], -1).reshape(x.shape)

    def _normed(self, x: np.ndarray, weight: str) -> np.ndarray:
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self._epsilon) * self._weight(weight)

    def _weight(self, name: str) -> np.ndarray:
        tensor = self._weights[name]
        return dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
