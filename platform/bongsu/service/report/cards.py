"""Data cards as rows of a table: what a curation counted in words, and whatever else a card holds as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bongsu.domain.messages import N_
from bongsu.domain.problems import Translate
from bongsu.domain.quantities import figure

# Keys of the card that `data.curate` writes, its reasons for dropping and its kinds of personal data. A card of
# another stage may hold anything: what is not named here is shown by its own key.
WORDS = {
    "files": N_("Files"),
    "companions": N_("Other files beside them"),
    "records": N_("Records read"),
    "documents": N_("Documents kept"),
    "characters": N_("Characters"),
    "dropped": N_("Records dropped"),
    "masked": N_("Personal data masked"),
    "documentsWithMasked": N_("Documents with personal data"),
    "digestKey": N_("Key of the digests"),
    "parameters": N_("Parameters"),
    "unsupported-format": N_("file of a format that is not read"),
    "corrupt-file": N_("file that cannot be read to its end"),
    "unknown-encoding": N_("neither Unicode nor CP949"),
    "broken-line": N_("line that is not JSON"),
    "no-text": N_("record without the text field"),
    "too-large": N_("file too large to be one document"),
    "too-short": N_("too few characters"),
    "too-long": N_("too many characters"),
    "other-language": N_("not Korean enough"),
    "exact-duplicate": N_("same text as an earlier document"),
    "near-duplicate": N_("almost the same text as an earlier document"),
    "resident-number": N_("resident registration number"),
    "passport-number": N_("passport number"),
    "driver-licence": N_("driver's licence number"),
    "service-number": N_("service number"),
    "business-number": N_("business registration number"),
    "email": N_("e-mail address"),
    "phone": N_("phone number"),
    "bank-account": N_("bank account"),
}
VALUES = {"lasting": N_("lasting"), "forgotten": N_("forgotten")}
# What is nested deeper is shown as JSON.
_DEEPEST = 3


@dataclass(frozen=True)
class CardRow:
    """``value`` beside ``name``; None above rows one ``depth`` further in."""

    name: str
    value: str | None
    depth: int = 0


def card_rows(card: Mapping[str, Any], translate: Translate = str, depth: int = 0) -> Iterator[CardRow]:
    """Rows in the card's own order; a mapping inside of it is a heading and its rows."""
    for key, value in card.items():
        name = translate(WORDS[key]) if key in WORDS else str(key)
        if isinstance(value, Mapping) and value and depth < _DEEPEST:
            yield CardRow(name, None, depth)
            yield from card_rows(value, translate, depth + 1)
        else:
            yield CardRow(name, _shown(value, translate), depth)


def _shown(value: Any, translate: Translate) -> str:
    if value in (None, [], {}):
        return "–"
    match value:
        case bool():
            return translate(N_("yes")) if value else translate(N_("no"))
        case int():
            return f"{value:,}"
        case float():
            return figure(value)
        case str():
            return translate(VALUES[value]) if value in VALUES else value
        case list() if all(isinstance(item, str) for item in value):
            return ", ".join(translate(WORDS[item]) if item in WORDS else item for item in value)
    return json.dumps(value, ensure_ascii=False)
