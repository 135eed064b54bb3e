"""The data card: what went in, what came out, what was dropped or masked, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REASONS = {
    "unsupported-format": "file of a format that is not read",
    "corrupt-file": "file that cannot be read to its end",
    "unknown-encoding": "neither Unicode nor CP949",
    "broken-line": "line that is not JSON",
    "no-text": "record without the text field",
    "too-large": "file or line too large to be one document",
    "too-short": "too few characters",
    "too-long": "too many characters",
    "other-language": "not Korean enough",
    "exact-duplicate": "same text as an earlier document",
    "near-duplicate": "almost the same text as an earlier document",
}


@dataclass
class Card:
    """Counts that add up: ``read`` is ``kept`` plus all of ``dropped``.

    ``companions`` are files of the input that describe the data and are none: a README, a card, a recipe.
    """

    files: int = 0
    read: int = 0
    kept: int = 0
    characters: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    documents_with_masked: int = 0
    companions: tuple[str, ...] = ()

    def as_json(self, parameters: Mapping[str, Any], lasting_key: bool) -> dict[str, Any]:
        return {
            "files": self.files,
            "companions": list(self.companions),
            "records": self.read,
            "documents": self.kept,
            "characters": self.characters,
            "dropped": dict(sorted(self.dropped.items())),
            "masked": dict(sorted(self.masked.items())),
            "documentsWithMasked": self.documents_with_masked,
            "digestKey": "lasting" if lasting_key else "forgotten",
            "parameters": dict(parameters),
        }

    def as_markdown(self) -> str:
        """The card for people."""
        dropped = "\n".join(
            f"| {REASONS.get(reason, reason)} | {count:,} |" for reason, count in sorted(self.dropped.items())
        )
        masked = "\n".join(f"| {kind} | {count:,} |" for kind, count in sorted(self.masked.items()))
        return f"""# Data card

{self.read:,} records of {self.files:,} files were read; {self.kept:,} documents stay,
{self.characters:,} characters.

## Dropped

Each dropped record is a row of `dropped.parquet`, with its place and the reason.

| reason | records |
| --- | --- |
{dropped or "| nothing | 0 |"}

## Personal data

{self.documents_with_masked:,} documents had personal data. Each value was replaced by the name of its kind; where it
stood is in `masked.parquet`, with a keyed digest and without the value. One row is one value of the table below.

| kind | values |
| --- | --- |
{masked or "| none found | 0 |"}
"""
