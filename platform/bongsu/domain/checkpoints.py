"""What is signed of a log and handed around: checkpoints, requests to witnesses, proofs of one entry.

Formats are those of https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-witness (the body of ``add-checkpoint``)
and https://c2sp.org/tlog-proof, so that other people's tools read ours.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import NamedTuple

from bongsu.domain.messages import N_
from bongsu.domain.signed_notes import SignedNote, decoded
from bongsu.domain.tenants import Tenant

PROOF_HEAD = "c2sp.org/tlog-proof@v1"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_HASH_BYTES = 32
_MOST_HASHES = 63


def origin_of(site: str, tenant: Tenant) -> str:
    """What a tenant's log is called outside; a home, which has but one log, is called as its site is."""
    return f"{site}/{tenant}" if tenant else site


@dataclass(frozen=True)
class Checkpoint:
    """How large a log is and what its root is; ``body`` is the text that is signed."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{_text(self.root)}\n"

    @classmethod
    def parse(cls, body: str) -> Checkpoint:
        """Raises ValueError. Lines behind the third, which other people's logs may have, say nothing to us."""
        lines = body.split("\n")
        if len(lines) < 4 or not lines[0]:
            raise ValueError(N_("a checkpoint has three lines: origin, size and root"))
        return cls(lines[0], _number(lines[1]), _hash(lines[2]))


class SignedCheckpoint(NamedTuple):
    """A checkpoint and the note that it was read from."""

    checkpoint: Checkpoint
    note: SignedNote

    @classmethod
    def parse(cls, text: str) -> SignedCheckpoint:
        """Raises ValueError. Nothing has been verified yet."""
        note = SignedNote.parse(text)
        return cls(Checkpoint.parse(note.text), note)


@dataclass(frozen=True)
class WitnessRequest:
    """A checkpoint for a witness, and the proof that it only grew since the size that the witness saw last."""

    old: int
    proof: tuple[bytes, ...]
    signed: SignedCheckpoint

    def __str__(self) -> str:
        return f"old {self.old}\n{_lines(self.proof)}\n{self.signed.note}"

    @classmethod
    def parse(cls, text: str) -> WitnessRequest:
        """Raises ValueError."""
        head, gap, note = text.partition("\n\n")
        first, *hashes = head.split("\n")
        if not gap or not first.startswith("old "):
            raise ValueError(N_("a request to a witness begins with “old” and a size"))
        return cls(_number(first.removeprefix("old ")), _hashes(hashes), SignedCheckpoint.parse(note))


@dataclass(frozen=True)
class EntryProof:
    """That an entry is in a log.

    Attributes:
        entry: its text, which the format knows as extra data; empty if it was left out.
        index: its position, from 0.
        proof: hashes beside its way to the root.
        signed: the checkpoint of the tree.
    """

    entry: str
    index: int
    proof: tuple[bytes, ...]
    signed: SignedCheckpoint

    def __str__(self) -> str:
        extra = f"extra {_text(self.entry.encode())}\n" if self.entry else ""
        return f"{PROOF_HEAD}\n{extra}index {self.index}\n{_lines(self.proof)}\n{self.signed.note}"

    @classmethod
    def parse(cls, text: str) -> EntryProof:
        """Raises ValueError."""
        head, gap, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        if not gap or first != PROOF_HEAD:
            raise ValueError(N_("a proof begins with the name and version of its format"))
        extra = lines.pop(0).removeprefix("extra ") if lines and lines[0].startswith("extra ") else ""
        if not lines or not lines[0].startswith("index "):
            raise ValueError(N_("a proof has a line with the index of its entry"))
        index = _number(lines.pop(0).removeprefix("index "))
        return cls(decoded(extra).decode(), index, _hashes(lines), SignedCheckpoint.parse(note))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _lines(hashes: tuple[bytes, ...]) -> str:
    return "".join(f"{_text(one)}\n" for one in hashes)


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    if len(lines) > _MOST_HASHES:
        raise ValueError(N_("no proof of a log has so many hashes"))
    return tuple(map(_hash, lines))


def _hash(text: str) -> bytes:
    data = decoded(text)
    if len(data) != _HASH_BYTES:
        raise ValueError(N_("a hash has 32 bytes"))
    return data


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(N_("a size or a position is a whole number without leading zeroes"))
    return int(text)
