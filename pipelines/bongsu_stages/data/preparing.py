"""One record at a time, the same in this process and in Ray's workers: clean, judge, mask, fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bongsu_stages.data.documents import Document
from bongsu_stages.data.language import hangul_share, identified
from bongsu_stages.data.masking_key import keyed_digest
from bongsu_stages.data.minhash import signatures
from bongsu_stages.data.normalising import normalise
from bongsu_stages.data.personal import Masked, mask
from bongsu_stages.data.personal_kinds import Kind
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
    """A masked value: where its placeholder stands (in the document's ``text`` or ``source``), how long it was, and a
    keyed digest instead of it."""

    kind: str
    offset: int
    length: int
    digest: str
    field: Literal["text", "source"] = "text"


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
    judged = [_lost(record, rules) if isinstance(record, Lost) else _judge(record, rules) for record in records]
    found = signatures([one.text for one in judged if isinstance(one, Document)])
    rows = iter(found)
    return [one if isinstance(one, Lost) else _finish(one, next(rows).tobytes(), rules) for one in judged]


def _judge(document: Document, rules: Rules) -> Document | Lost:
    text = normalise(document.text)
    if (why := _why_not(text, rules)) is not None:
        return _lost(Lost(document.id, document.source, *why), rules)
    return Document(document.id, text, document.source)


def _why_not(text: str, rules: Rules) -> tuple[str, str] | None:
    """Reason and detail for dropping a normalised text; None if it stays."""
    if len(text) < rules.min_characters:
        return "too-short", f"{len(text)} characters"
    if rules.max_characters and len(text) > rules.max_characters:
        return "too-long", f"{len(text)} characters"
    if rules.language == "hangul" and (share := hangul_share(text)) < rules.min_hangul_share:
        return "other-language", f"{share:.2f} of the letters are Hangul"
    if rules.language == "identify" and (code := identified(text)) != "ko":
        return "other-language", f"identified as {code}"
    return None


def _lost(record: Lost, rules: Rules) -> Lost:
    source, detail = (mask(text, rules.kinds)[0] for text in (record.source, record.detail))
    return replace(record, id=_masked_id(record.id, rules), source=source, detail=detail)


def _masked_id(given: str, rules: Rules) -> str:
    """Names of files may tell whom they are about. A digest keeps those apart that look alike without that."""
    masked, found = mask(given, rules.kinds)
    return f"{masked}~{keyed_digest(rules.key, 'id', given)[:8]}" if found else given


def _finish(document: Document, signature: bytes, rules: Rules) -> Prepared:
    exact = hashlib.blake2b("".join(document.text.split()).encode(), digest_size=16).digest()
    text, in_text = mask(document.text, rules.kinds)
    source, in_source = mask(document.source, rules.kinds)
    findings = [_finding(one, "text", rules.key) for one in in_text]
    findings += [_finding(one, "source", rules.key) for one in in_source]
    return Prepared(Document(_masked_id(document.id, rules), text, source), tuple(findings), exact, signature)


def _finding(one: Masked, field: Literal["text", "source"], key: bytes) -> Finding:
    kind = one.kind.value
    return Finding(kind, one.offset, one.length, keyed_digest(key, kind, one.value), field)
