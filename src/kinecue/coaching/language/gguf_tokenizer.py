"""Makes a tokenizer file out of what a GGUF file says about its tokens.

Byte-pair encoding over bytes (GPT-2) with digits one by one, which is what GGUF calls ``smollm``.
"""

from __future__ import annotations

from gguf import GGUFReader, TokenType
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from kinecue.coaching.language.gguf_to_onnx import gguf_field
from kinecue.coaching.language.installation import LanguageSetupError

_KINDS = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm"}


def tokenizer_of(reader: GGUFReader) -> Tokenizer:
    """The tokenizer.

    Raises:
        LanguageSetupError: a field is missing, or tokens are made in another way.
    """
    for field, allowed in _KINDS.items():
        kind = gguf_field(reader, field)
        if kind != allowed:
            raise LanguageSetupError(f"{field} is {kind!r}, allowed: {allowed!r}")
    tokens = gguf_field(reader, "tokenizer.ggml.tokens")
    kinds = gguf_field(reader, "tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in gguf_field(reader, "tokenizer.ggml.merges")]
    tokenizer = Tokenizer(
        models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = (token for token, kind in zip(tokens, kinds, strict=True) if kind == TokenType.CONTROL)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return tokenizer
