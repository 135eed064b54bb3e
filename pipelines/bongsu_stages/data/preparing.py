"""One record at a time, the same in this process and in Ray's workers: clean, judge, mask, fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bongsu_stages.data.documents import Document
from bongsu_stages.data.language import hangul_share, identified
from bongsu_stages.data.masking_key import keyed_digest
from bongsu_stages.data.minhash import signatures
from bongsu_stages.data.normalising import normalise
from bongsu_stages.data.personal import mask
from bongsu_stages.data.personal_patterns import Kind
from bongsu_stages.data.reading import Lost, Record


@dataclass(frozen=True)
class Rules:
    """What a record must be to become a document."""

    min_characters: int
    max_characters: int
    language: Literal["hangul", "identify", "any"]
    min_hangul_share: float
    kinds: tuple[Kind, ...]
    key: bytes


@dataclass(frozen=True)
class Finding:
    """A masked value: where its placeholder stands, how long it was, and a keyed digest instead of it."""

    kind: str
    offset: int
    length: int
    digest: str


@dataclass(frozen=True)
class Prepared:
    """A document that passed the filters, before duplicates are looked for.

    Attributes:
        exact: digest of the text without whitespace.
        signature: MinHash signature, the bytes of a row of uint32.
    """

    document: Document
    findings: tuple[Finding, ...]
    exact: bytes
    signature: bytes


def prepare(records: Sequence[Record], rules: Rules) -> list[Prepared | Lost]:
    """Normalise, filter and mask a batch of records; one result for each, in order."""
    judged = [record if isinstance(record, Lost) else _judge(record, rules) for record in records]
    found = signatures([one.text for one in judged if isinstance(one, Document)])
    rows = iter(found)
    return [one if isinstance(one, Lost) else _finish(one, next(rows).tobytes(), rules) for one in judged]


def _judge(document: Document, rules: Rules) -> Document | Lost:
    text = normalise(document.text)
    if len(text) < rules.min_characters:
        return Lost(document.id, document.source, "too-short", f"{len(text)} characters")
    if rules.max_characters and len(text) > rules.max_characters:
        return Lost(document.id, document.source, "too-long", f"{len(text)} characters")
    if rules.language == "hangul" and (share := hangul_share(text)) < rules.min_hangul_share:
        return Lost(document.id, document.source, "other-language", f"{share:.2f} of the letters are Hangul")
    if rules.language == "identify" and (code := identified(text)) != "ko":
        return Lost(document.id, document.source, "other-language", f"identified as {code}")
    return Document(document.id, text, document.source)


def _finish(document: Document, signature: bytes, rules: Rules) -> Prepared:
    exact = hashlib.blake2b("".join(document.text.split()).encode(), digest_size=16).digest()
    text, masked = mask(document.text, rules.kinds)
    findings = tuple(
        Finding(one.kind.value, one.offset, one.length, keyed_digest(rules.key, one.kind.value, one.value))
        for one in masked
    )
    return Prepared(Document(document.id, text, document.source), findings, exact, signature)
