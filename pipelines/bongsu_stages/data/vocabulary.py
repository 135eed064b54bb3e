"""The tokenizer of a model tree: read without transformers, from ``tokenizer.json``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.stage import StageError


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer and what the rest of the pipeline must know of it.

    Attributes:
        tokenizer: a ``tokenizers.Tokenizer``.
        digest: SHA-256 of ``tokenizer.json`` in hex.
        size: number of token ids, added tokens included.
        eos: id of the token that ends a document.
    """

    tokenizer: Any
    digest: str
    size: int
    eos: int

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens."""
        return [found.ids for found in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


def read_vocabulary(reader: TreeReader) -> Vocabulary:
    """The tokenizer of a model tree.

    Raises StageError if ``tokenizer.json`` is missing or broken, or no file tells the end-of-text token.
    """
    from tokenizers import Tokenizer

    data = _read(reader, "tokenizer.json")
    if data is None:
        raise StageError(
            N_("The tokenizer input has no tokenizer.json."),
            N_("Give a model with a fast tokenizer, or the output of data.train-tokenizer."),
        )
    try:
        tokenizer = Tokenizer.from_str(data.decode())
    except Exception as error:  # the library raises plain Exception
        raise StageError(
            phrase(N_("tokenizer.json of the tokenizer input cannot be read: {detail}."), detail=error)
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    size = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    return Vocabulary(tokenizer, hashlib.sha256(data).hexdigest(), size, _eos(reader, tokenizer, size))


def _eos(reader: TreeReader, tokenizer: Any, size: int) -> int:
    token = _json(reader, "tokenizer_config.json").get("eos_token")
    text = token.get("content") if isinstance(token, dict) else token
    known = tokenizer.token_to_id(text) if isinstance(text, str) else None
    for name in ("generation_config.json", "config.json"):
        if known is None:
            known = _json(reader, name).get("eos_token_id")
            known = known[0] if isinstance(known, list) and known else known
    if not isinstance(known, int) or not 0 <= known < size:
        raise StageError(
            N_("The tokenizer input names no end-of-text token."), N_("Set eos_token in its tokenizer_config.json.")
        )
    return known


def _json(reader: TreeReader, name: str) -> dict[str, Any]:
    data = _read(reader, name)
    try:
        found: Any = json.loads(data) if data else {}
    except ValueError as error:
        raise StageError(
            phrase(N_("{name} of the tokenizer input is not JSON: {detail}."), name=name, detail=error)
        ) from error
    return found if isinstance(found, dict) else {}


def _read(reader: TreeReader, name: str) -> bytes | None:
    try:
        with reader.open(name) as file:
            return file.read()
    except FileNotFoundError:
        return None
