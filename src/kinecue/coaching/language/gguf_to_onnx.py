"""Makes an ONNX file for onnxruntime out of a GGUF file of the Llama family, without changing a weight.

GGUF: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; the blocks Q4_1 and Q8_0: ggml-common.h;
onnxruntime's operators (MatMulNBits, GroupQueryAttention, ...): docs/ContribOperators.md in its repository.

Q4_1 stores 32 weights as ``w = d * q + m`` with q in 0 to 15. onnxruntime's fast four-bit product knows
``d * (q - 8)`` only, so what is left, ``m + 8 d`` for each block, is multiplied with the sum of the block's
inputs: ``x w = sum_b d_b x_b (q_b - 8) + sum_b (m_b + 8 d_b) sum(x_b)``. Both parts are exact. Rounding the
zero point instead ruins the model.

The rows of the query and key weights lie in a GGUF file in the order of the interleaved rotation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, ReaderTensor
from numpy.typing import NDArray

from kinecue.coaching.language.installation import LanguageSetupError
from kinecue.onnx_file import FLOAT32, Attribute, OnnxGraph, OnnxNode, OnnxValue, write

CONTEXT = 1024
"""Longest prompt with its reply, tokens: what the rotation table holds. Five examples are about 270."""

INTEGER_INPUTS = 4
"""`accuracy_level` of MatMulNBits: inputs rounded to 8 bit in each block, 10 times faster than 1."""
FLOAT_INPUTS = 1
"""`accuracy_level` of MatMulNBits: inputs as they are, to compare with other implementations."""

_MICROSOFT = "com.microsoft"
_BLOCK = 32
_Q4_1_BYTES, _Q8_0_BYTES = 20, 34


@dataclass(frozen=True)
class ModelShape:
    """Sizes of a Llama model: `layers` blocks of `width` numbers, `heads` queries on `key_heads` keys."""

    layers: int
    width: int
    heads: int
    key_heads: int
    head_width: int
    hidden: int
    vocabulary: int
    rotation_base: float
    epsilon: float


@dataclass(frozen=True)
class _Blocks:
    """A weight of N rows in B blocks of 32: ``w = d * q + m``, q (N, B, 32), d and m (N, B)."""

    q: NDArray[np.uint8]
    d: NDArray[np.float32]
    m: NDArray[np.float32] | None
    """None: 8 bit, ``w = d * (q - 128)``."""


def read_gguf(path: Path) -> GGUFReader:
    """Open a GGUF file.

    Raises:
        LanguageSetupError: it is none, or damaged.
    """
    try:
        return GGUFReader(path)
    except (ValueError, IndexError, KeyError, OverflowError, OSError) as error:
        raise LanguageSetupError(f"{path.name} is not a GGUF file, or damaged: {error}") from error


def gguf_field(reader: GGUFReader, name: str) -> Any:
    """The value of the field `name`.

    Raises:
        LanguageSetupError: the file does not have it.
    """
    field = reader.get_field(name)
    if field is None:
        raise LanguageSetupError(f"the GGUF file has no field {name}")
    return field.contents()


def model_shape(reader: GGUFReader) -> ModelShape:
    """The sizes that the file states.

    Raises:
        LanguageSetupError: another family than Llama, or a field is missing.
    """
    family = gguf_field(reader, "general.architecture")
    if family != "llama":
        raise LanguageSetupError(f"the GGUF file holds a model of the family {family!r}, allowed: 'llama'")

    def of(name: str) -> Any:
        return gguf_field(reader, f"llama.{name}")

    shape = ModelShape(
        layers=int(of("block_count")),
        width=int(of("embedding_length")),
        heads=int(of("attention.head_count")),
        key_heads=int(of("attention.head_count_kv")),
        head_width=int(of("rope.dimension_count")),
        hidden=int(of("feed_forward_length")),
        vocabulary=int(of("vocab_size")),
        rotation_base=float(of("rope.freq_base")),
        epsilon=float(of("attention.layer_norm_rms_epsilon")),
    )
    if shape.heads * shape.head_width != shape.width:
        raise LanguageSetupError(
            f"{shape.heads} heads of {shape.head_width} do not make the width {shape.width}: unknown layout"
        )
    return shape


def convert(reader: GGUFReader, file: BinaryIO, accuracy_level: int = INTEGER_INPUTS) -> ModelShape:
    """Write the model as ONNX.

    Inputs of the graph, with S new tokens after P known ones, T = P + S: `tokens` and `positions` (1, S)
    int64; `bias` (1, 1, S, T), added to the attention; `last` (1) int32, T - 1; `total` () int32, T;
    `wanted` (M) int64, the new tokens of which the next one is wanted; `past_k0` ... (1, key heads, capacity,
    head width). Outputs: `logits` (M, vocabulary) and `present_k0` ..., which may be the same memory as the
    past ones.

    Args:
        reader: the GGUF file.
        file: where to.
        accuracy_level: `INTEGER_INPUTS` or `FLOAT_INPUTS`.

    Raises:
        LanguageSetupError: the model is built in another way than SmolLM2.
        OSError: `file` cannot be written.
    """
    shape = model_shape(reader)
    write(_Converter(reader, shape, accuracy_level).graph(), file)
    return shape


class _Converter:
    """Builds the graph node by node; each method gives the name of its result."""

    def __init__(self, reader: GGUFReader, shape: ModelShape, accuracy_level: int) -> None:
        self._weights = {tensor.name: tensor for tensor in reader.tensors}
        self._shape = shape
        self._accuracy_level = accuracy_level
        self._graph = OnnxGraph("language_model")
        self._sums: dict[str, str] = {}

    def graph(self) -> OnnxGraph:
        shape = self._shape
        self._inputs()
        hidden = self._embedding()
        first = self._floats("blk.0.attn_norm.weight")
        normed = self._node(
            "SimplifiedLayerNormalization",
            (hidden, first),
            "norm_0",
            {"epsilon": shape.epsilon, "axis": -1, "stash_type": 1},
        )
        for layer in range(shape.layers):
            following = f"blk.{layer + 1}.attn_norm.weight"
            hidden, normed = self._layer(
                layer, hidden, normed, following if layer + 1 < shape.layers else "output_norm.weight"
            )
        self._head(normed)
        return self._graph

    def _inputs(self) -> None:
        shape, graph = self._shape, self._graph
        graph.inputs += [
            OnnxValue("tokens", (1, "S"), np.int64),
            OnnxValue("positions", (1, "S"), np.int64),
            OnnxValue("bias", (1, 1, "S", "T")),
            OnnxValue("last", (1,), np.int32),
            OnnxValue("total", (), np.int32),
            OnnxValue("wanted", ("M",), np.int64),
        ]
        graph.outputs.append(OnnxValue("logits", ("M", shape.vocabulary)))
        for layer in range(shape.layers):
            for kind in "kv":
                past = (1, shape.key_heads, "capacity", shape.head_width)
                present = (1, shape.key_heads, "new_capacity", shape.head_width)
                graph.inputs.append(OnnxValue(f"past_{kind}{layer}", past))
                graph.outputs.append(OnnxValue(f"present_{kind}{layer}", present))
        # Rotation of position p in pair i: p * base^(-2 i / head width), arXiv:2104.09864 section 3.2.2.
        rate = shape.rotation_base ** (-np.arange(0, shape.head_width, 2) / shape.head_width)
        angle = np.arange(CONTEXT)[:, None] * rate[None]
        graph.constants["cosine"] = np.cos(angle).astype(np.float32)
        graph.constants["sine"] = np.sin(angle).astype(np.float32)
        graph.constants["last_axis"] = np.array([-1], np.int64)
        graph.constants["halves"] = np.array([shape.hidden, shape.hidden], np.int64)

    def _embedding(self) -> str:
        """Rows of the table, which stays in eight bit: the head multiplies with the same constants."""
        table = self._blocks("token_embd.weight")
        if table.m is not None or table.q.shape[0] != self._shape.vocabulary:
            raise LanguageSetupError("token_embd.weight is not a Q8_0 table of the vocabulary's size")
        constants = self._graph.constants
        constants["head_q"], constants["head_d"] = table.q, table.d
        constants["zero_point"] = np.array(128, np.float32)
        constants["scale_shape"] = np.array([0, 0, -1, 1], np.int64)
        constants["width_shape"] = np.array([0, 0, self._shape.width], np.int64)
        rows = self._node("Gather", ("head_q", "tokens"), "rows_q")
        rows = self._node("Cast", (rows,), "rows_f", {"to": FLOAT32})
        rows = self._node("Sub", (rows, "zero_point"), "rows_centred")
        scale = self._node("Gather", ("head_d", "tokens"), "rows_d")
        scale = self._node("Reshape", (scale, "scale_shape"), "rows_d4")
        rows = self._node("Mul", (rows, scale), "rows_scaled")
        return self._node("Reshape", (rows, "width_shape"), "embedded")

    def _layer(self, layer: int, hidden: str, normed: str, next_norm: str) -> tuple[str, str]:
        shape, own = self._shape, f"blk.{layer}."
        mixed = self._linear(normed, own + "qkv", [f"{own}attn_{kind}.weight" for kind in "qkv"])
        pasts = (f"past_k{layer}", f"past_v{layer}")
        attended = self._node(
            "GroupQueryAttention",
            (mixed, "", "", *pasts, "last", "total", "cosine", "sine", "positions", "bias"),
            (own + "attended", f"present_k{layer}", f"present_v{layer}"),
            {
                "num_heads": shape.heads,
                "kv_num_heads": shape.key_heads,
                "do_rotary": 1,
                "rotary_interleaved": 1,
                "scale": shape.head_width**-0.5,
            },
            _MICROSOFT,
        )
        out = self._linear(attended, own + "out", [own + "attn_output.weight"])
        hidden, normed = self._add_and_norm(hidden, out, own + "ffn_norm.weight", own + "ffn_in")
        both = self._linear(normed, own + "gate_up", [own + "ffn_gate.weight", own + "ffn_up.weight"])
        gate, up = own + "gate", own + "up"
        self._node("Split", (both, "halves"), (gate, up), {"axis": -1})
        # SwiGLU, arXiv:2002.05202: the gate times its own sigmoid, times the other half.
        sigmoid = self._node("Sigmoid", (gate,), own + "sigmoid")
        opened = self._node("Mul", (gate, sigmoid), own + "opened")
        product = self._node("Mul", (opened, up), own + "product")
        down = self._linear(product, own + "down", [own + "ffn_down.weight"])
        return self._add_and_norm(hidden, down, next_norm, own + "ffn_out")

    def _add_and_norm(self, hidden: str, new: str, weight: str, name: str) -> tuple[str, str]:
        """The sum, and the sum divided by its root mean square."""
        total = name + "_sum"
        normed = self._node(
            "SkipSimplifiedLayerNormalization",
            (hidden, new, self._floats(weight)),
            (name + "_norm", "", "", total),
            {"epsilon": self._shape.epsilon},
            _MICROSOFT,
        )
        return total, normed

    def _head(self, normed: str) -> None:
        """Logits of the wanted positions only: for all of them the head would be most of the work."""
        shape, constants = self._shape, self._graph.constants
        constants["logits_shape"] = np.array([-1, shape.vocabulary], np.int64)
        chosen = self._node("Gather", (normed, "wanted"), "chosen", {"axis": 1})
        logits = self._product(chosen, "head", bits=8, size=shape.vocabulary, inner=shape.width)
        self._node("Reshape", (logits, "logits_shape"), "logits")

    def _linear(self, x: str, name: str, weights: Sequence[str]) -> str:
        """`x` times four-bit weights that lie below one another."""
        parts = [self._blocks(weight) for weight in weights]
        q, d = (np.concatenate([getattr(part, key) for part in parts]) for key in "qd")
        offsets = [part.m for part in parts if part.m is not None]
        if len(offsets) != len(parts):
            raise LanguageSetupError(f"{weights[0]} is Q8_0, expected Q4_1")
        size, count, _ = q.shape
        constants = self._graph.constants
        constants[name + "_q"] = (q[..., 0::2] | q[..., 1::2] << 4).astype(np.uint8)
        constants[name + "_d"] = d
        constants[name + "_rest"] = np.ascontiguousarray((np.concatenate(offsets) + 8 * d).T)
        fast = self._product(x, name, bits=4, size=size, inner=count * _BLOCK)
        rest = self._node("MatMul", (self._block_sums(x, count), name + "_rest"), name + "_rest_product")
        return self._node("Add", (fast, rest), name + "_all")

    def _product(self, x: str, name: str, bits: int, size: int, inner: int) -> str:
        attributes = {
            "K": inner,
            "N": size,
            "bits": bits,
            "block_size": _BLOCK,
            "accuracy_level": self._accuracy_level,
        }
        inputs = (x, name + "_q", name + "_d")
        return self._node("MatMulNBits", inputs, name + "_product", attributes, _MICROSOFT)

    def _block_sums(self, x: str, count: int) -> str:
        if x not in self._sums:
            self._graph.constants[f"blocks_{count}"] = np.array([0, 0, count, _BLOCK], np.int64)
            blocks = self._node("Reshape", (x, f"blocks_{count}"), x + "_blocks")
            self._sums[x] = self._node("ReduceSum", (blocks, "last_axis"), x + "_sums", {"keepdims": 0})
        return self._sums[x]

    def _node(
        self,
        operator: str,
        inputs: tuple[str, ...],
        outputs: str | tuple[str, ...],
        attributes: Mapping[str, Attribute] | None = None,
        domain: str = "",
    ) -> str:
        names = (outputs,) if isinstance(outputs, str) else outputs
        self._graph.nodes.append(OnnxNode(operator, inputs, names, attributes or {}, domain))
        return names[0]

    def _floats(self, name: str) -> str:
        self._graph.constants[name] = np.array(self._tensor(name).data, np.float32)
        return name

    def _tensor(self, name: str) -> ReaderTensor:
        try:
            return self._weights[name]
        except KeyError:
            raise LanguageSetupError(f"the GGUF file has no weight {name}") from None

    def _blocks(self, name: str) -> _Blocks:
        tensor = self._tensor(name)
        raw = np.asarray(tensor.data)
        kind = tensor.tensor_type
        if kind == GGMLQuantizationType.Q4_1:
            packed = raw.reshape(raw.shape[0], -1, _Q4_1_BYTES)
            low, high = packed[..., 4:] & 15, packed[..., 4:] >> 4
            return _Blocks(np.concatenate([low, high], -1), _half(packed, 0), _half(packed, 2))
        if kind == GGMLQuantizationType.Q8_0:
            packed = raw.reshape(raw.shape[0], -1, _Q8_0_BYTES)
            signed = packed[..., 2:].view(np.int8).astype(np.int16)
            return _Blocks((signed + 128).astype(np.uint8), _half(packed, 0), None)
        raise LanguageSetupError(f"{name} is {kind.name}, allowed: Q4_1, Q8_0")


def _half(packed: NDArray[np.uint8], at: int) -> NDArray[np.float32]:
    """The float16 at byte `at` of each block."""
    return packed[..., at : at + 2].copy().view("<f2")[..., 0].astype(np.float32)
