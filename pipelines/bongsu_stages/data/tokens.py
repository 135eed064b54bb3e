"""Reading tokens trees: packed sequences in numpy files that stay on disk until they are used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.stage import StageError

Split = Literal["train", "heldout"]
Rows = npt.NDArray[np.int64]
"""Numbers of rows or sequences, or sequences of token ids."""


@dataclass(frozen=True)
class TokenTree:
    """A tokens tree; ``title`` names it in metrics. Its data files are fetched when a sequence is taken."""

    reader: TreeReader
    title: str

    @cached_property
    def card(self) -> dict[str, Any]:
        """``tokens.json``. Raises StageError if it is missing."""
        try:
            with self.reader.open("tokens.json") as file:
                card: dict[str, Any] = json.loads(file.read())
        except FileNotFoundError:
            raise StageError(
                phrase(N_("{title} has no tokens.json."), title=self.title), N_("Give the output of data.tokenize.")
            ) from None
        return card

    @property
    def tokenizer_digest(self) -> str:
        """SHA-256 of the ``tokenizer.json`` that made it, in hexadecimal; empty if its card does not say."""
        return str(self.card.get("tokenizerDigest", "")).removeprefix("sha256-").removeprefix("sha256:")

    @property
    def sequence_length(self) -> int:
        return int(self.card["sequenceLength"])

    def sequences(self, split: Split) -> int:
        return int(self.card["splits"].get(split, {}).get("sequences", 0))

    @cached_property
    def _arrays(self) -> dict[str, list[npt.NDArray[Any]]]:
        directory = self.reader.local()
        return {
            split: [np.load(directory / name, mmap_mode="r") for name in part["files"]]
            for split, part in self.card["splits"].items()
        }

    def take(self, split: Split, rows: Rows) -> Rows:
        """The sequences at ``rows``: int64 of shape ``[len(rows), sequence_length]``."""
        out = np.empty((len(rows), self.sequence_length), dtype=np.int64)
        start = 0
        for array in self._arrays[split]:
            here = (rows >= start) & (rows < start + len(array))
            out[here] = array[rows[here] - start]
            start += len(array)
        return out


def evenly(available: int, count: int) -> Rows:
    """Rows to measure on: at most ``count`` of ``available`` ones, evenly spaced, the first among them; ascending.

    Rows lie in the order of the corpus, so the first ones alone would be those of its first documents.
    """
    chosen = min(count, available)
    return np.arange(chosen) * available // max(1, chosen)


def take_evenly(
    trees: Sequence[TokenTree], split: Split, count: int, pick: Callable[[int, int, int], Rows]
) -> Rows:
    """About ``count`` sequences, equally many of each tree and at least one: int64 ``[sequences, length]``.

    They are cut to the length of the shortest tree's; ``[0, 0]`` if no tree has any.

    Args:
        pick: chooses rows; gets the number of the tree, how many sequences it has, and how many to choose.
    """
    share = max(1, count // max(1, len(trees)))
    parts = []
    for number, tree in enumerate(trees):
        available = tree.sequences(split)
        if available:
            parts.append(tree.take(split, pick(number, available, min(share, available))))
    length = min((part.shape[1] for part in parts), default=0)
    return np.concatenate([part[:, :length] for part in parts]) if parts else np.empty((0, 0), dtype=np.int64)


def check_tokens(trees: list[TokenTree], vocabulary: int, tokenizer_json: bytes) -> None:
    """Raise StageError unless the model can be trained on ``trees`` together.

    Args:
        trees: the tokens inputs of a stage.
        vocabulary: rows of the model's embedding.
        tokenizer_json: the model's own ``tokenizer.json``; its SHA-256 must be that of the tokens.
    """
    own = hashlib.sha256(tokenizer_json).hexdigest()
    for tree in trees:
        if not tree.sequences("train"):
            raise StageError(
                phrase(N_("{title} has no sequence to train on."), title=tree.title),
                N_("Curate more text, or leave it out."),
            )
        if tree.card["vocabSize"] > vocabulary:
            raise StageError(
                phrase(
                    N_("{title} uses {used} token ids, the model knows {vocabulary}."),
                    title=tree.title,
                    used=tree.card["vocabSize"],
                    vocabulary=vocabulary,
                ),
                N_("Tokenize with the tokenizer of this model."),
            )
        if tree.tokenizer_digest not in ("", own):
            raise StageError(
                phrase(N_("{title} was made with another tokenizer than the model's."), title=tree.title),
                N_("Give data.tokenize the same model as this stage."),
            )
    lengths = {tree.sequence_length for tree in trees}
    if len(lengths) > 1:
        raise StageError(
            phrase(
                N_("The tokens inputs have sequences of different lengths: {lengths}."), lengths=sorted(lengths)
            ),
            N_("Tokenize all of them with the same sequenceLength."),
        )
