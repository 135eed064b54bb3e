"""What a tree says of itself: its type, its configuration, its label."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.config_faults import config_faults
from bongsu.domain.grades import GradeScheme
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, joined
from bongsu.service.inputs.files import FileSet
from bongsu.service.inputs.label_card import declarations, folder_label, looks_like_a_card

_DATA_CARD = "card.json"
_LARGEST_CARD = 4_000_000
_CARD_FIELDS = frozenset(
    {"files", "records", "documents", "characters", "dropped", "masked", "documentsWithMasked", "digestKey"}
)
"""What data.curate writes into the card of the documents that it made."""


def type_of(names: Collection[str], opened: Callable[[str], BinaryIO], *, model: bool) -> ArtifactType:
    """What the files are: a model where the pipeline says so, else tokens, documents or plain files.

    Documents are known by the card that data.curate writes; parquet files beside any other card are files, which
    data.curate has to read first.

    Args:
        opened: one of the files by its name.
    """
    if model:
        return ArtifactType.MODEL
    if "tokens.json" in names:
        return ArtifactType.TOKENS
    has_parts = any(name.startswith("part-") and name.endswith(".parquet") for name in names)
    if has_parts and _DATA_CARD in names:
        with opened(_DATA_CARD) as file:
            if _is_of_curate(file.read(_LARGEST_CARD)):
                return ArtifactType.DOCUMENTS
    return ArtifactType.FILES


def _is_of_curate(card: bytes) -> bool:
    try:
        content = json.loads(card)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(content, dict)
        and content.keys() >= _CARD_FIELDS
        and isinstance(content["masked"], dict)
        and isinstance(content["documents"], int)
    )


def label_of(files: FileSet, grades: GradeScheme) -> Label | None:
    """The least upper bound of what cards say of the files, in grades of the site; None if none says anything.

    A card is ``label:`` in ``card.yaml``, or else in the front matter of ``README.md``. It speaks for its folder and
    all below it, up to the next card. So the nearest one at or above each home of the files counts, even where it is
    not among the files, and every one that is among them.

    Raises:
        NotFound: there is a card and it cannot be read, so nobody may take the tree for open.
    """
    above = [_first_label(home, grades) for home in files.homes]
    folders = {path.parent: None for _name, path in files.files if looks_like_a_card(path.name)}
    found = [
        label for label in (*above, *(folder_label(folder, grades) for folder in folders)) if label is not None
    ]
    return high_water_mark(found) if found else None


def said_on_cards(files: FileSet) -> dict[str, str]:
    """What cards among the files say that these are and are for, by the file's name and the key."""
    cards = [(name, path) for name, path in files.files if looks_like_a_card(path.name)]
    return {f"{name}: {key}": text for name, path in cards for key, text in declarations(path).items()}


def _first_label(folders: Iterable[Path], grades: GradeScheme) -> Label | None:
    found = (folder_label(folder, grades) for folder in folders)
    return next((label for label in found if label is not None), None)


class UnreadableConfig(Exception):
    """Why a ``config.json`` says nothing of a model."""

    def __init__(self, detail: Words) -> None:
        super().__init__(str(detail))
        self.detail = detail


def config_of(text: str) -> dict[str, Any]:
    """Content of a model's ``config.json``.

    Raises:
        UnreadableConfig: it is no JSON object, or has figures of which there is no model.
    """
    try:
        content = json.loads(text)
        if not isinstance(content, dict):
            raise UnreadableConfig(N_("it is no object"))
        wrong = list(config_faults(content))
    except ValueError as error:
        raise UnreadableConfig(str(error)) from error
    except RecursionError:
        raise UnreadableConfig(N_("it is nested too deeply")) from None
    if wrong:
        raise UnreadableConfig(joined(wrong[:5]))
    return content
