"""Conversations for fine-tuning: ``*.jsonl`` files of ``{"messages": [{"role", "content"}]}``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.data.json_lines import json_lines
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.batches import IGNORED, Batch, HeldOut
from bongsu_stages.train.chat import Chat
from bongsu_stages.train.mixture import Mixture

_SHOWN = 5


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1)


class Example(BaseModel):
    """One conversation. The assistant says something in it, and does not begin."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    messages: tuple[Message, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _has_answer(self) -> Example:
        roles = [message.role for message in self.messages]
        if "assistant" not in roles[1:] or roles[0] == "assistant":
            raise ValueError("the assistant must answer a message before it")
        return self

    @property
    def key(self) -> int:
        """A number that depends on the content alone, so that equal examples fall on the same side of a split."""
        return int.from_bytes(hashlib.sha256(self.model_dump_json().encode()).digest()[:8], "big")


def read_examples(tree: TreeReader) -> list[Example]:
    """Every example of the tree, by file name and line. Raises StageError that names the first wrong lines."""
    examples: list[Example] = []
    wrong: list[str] = []
    paths = sorted(entry.path for entry in tree.manifest.files if entry.path.endswith(".jsonl"))
    for path in paths:
        for number, line in json_lines(tree, path):
            try:
                examples.append(Example.model_validate(json.loads(line)))
            except (ValidationError, ValueError) as error:
                wrong.append(f"{path}:{number}: {_reason(error)}")
    if wrong:
        shown, more = "; ".join(wrong[:_SHOWN]), len(wrong) - _SHOWN
        message = N_("{count} lines are no conversation: {shown}")
        if more > 0:
            message = N_("{count} lines are no conversation: {shown} and {more} more")
        raise StageError(
            phrase(message, count=len(wrong), shown=shown, more=more),
            N_(
                'Write {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}.'
            ),
        )
    if not examples:
        raise StageError(
            N_("The examples have no *.jsonl file with a line in it."), N_("Give a tree of JSON Lines.")
        )
    return examples


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else str(first["msg"])
    return str(error)


def split(examples: Sequence[Example], held_out: float) -> tuple[list[Example], list[Example]]:
    """Training and held-out examples; about the fraction ``held_out`` goes to the latter, by content."""
    limit = int(held_out * 2**64)
    return [e for e in examples if e.key >= limit], [e for e in examples if e.key < limit]


Encoded = tuple[list[int], list[int]]


def encode_all(examples: Sequence[Example], chat: Chat, limit: int) -> list[Encoded]:
    """Ids and labels of each example of which something is left to learn within ``limit`` tokens."""
    encoded = (chat.encode([m.model_dump() for m in e.messages], limit) for e in examples)
    return [(ids, labels) for ids, labels in encoded if any(label != IGNORED for label in labels[1:])]


def pad(rows: Sequence[Encoded], filler: int) -> Batch:
    """A batch as long as its longest row, rounded up to 8; padding is masked and not learned."""
    length = -(-max(len(ids) for ids, _ in rows) // 8) * 8
    ids = torch.full((len(rows), length), filler, dtype=torch.int64)
    labels = torch.full((len(rows), length), IGNORED, dtype=torch.int64)
    mask = torch.zeros((len(rows), length), dtype=torch.int64)
    for index, (row, learned) in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
        labels[index, : len(row)] = torch.tensor(learned)
        mask[index, : len(row)] = 1
    return Batch(ids, labels, mask)


@dataclass(frozen=True)
class ChatData:
    """Training data out of encoded conversations; ``filler`` is the token id of padding."""

    training: list[Encoded]
    kept_back: list[Encoded]
    filler: int
    seed: int

    def rows(self, first: int, count: int) -> Batch:
        _, chosen = Mixture((len(self.training),), (1.0,), self.seed).rows(first, count)
        return pad([self.training[int(index)] for index in chosen], self.filler)

    @property
    def held_out(self) -> list[HeldOut]:
        return [HeldOutChats(self.kept_back, self.filler)] if self.kept_back else []


@dataclass(frozen=True)
class HeldOutChats:
    """Conversations that are not trained on."""

    examples: list[Encoded]
    filler: int
    name: str = "answers"

    def batches(self, size: int, rank: int, workers: int) -> Iterator[Batch]:
        mine: list[Any] = self.examples[rank::workers]
        spare = -(-len(self.examples) // workers) - len(mine)
        # As in packed data: every worker computes equally often, and counts nothing of what it repeats.
        mine += [(ids, [IGNORED] * len(ids)) for ids, _ in self.examples[:spare]]
        for start in np.arange(0, len(mine), size):
            yield pad(mine[start : start + size], self.filler)
