"""What a tree says of itself: its type, its configuration, its label."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.labels import Label, high_water_mark
from bongsu.service.inputs.files import FileSet, NotFound

MAX_CARD_BYTES = 1_000_000
_FENCE = "---"


def type_of(names: Collection[str], *, model: bool) -> ArtifactType:
    """What the files are: a model where the pipeline says so, else tokens, documents or plain files."""
    if model:
        return ArtifactType.MODEL
    if "tokens.json" in names:
        return ArtifactType.TOKENS
    if "card.json" in names and any(name.startswith("part-") and name.endswith(".parquet") for name in names):
        return ArtifactType.DOCUMENTS
    return ArtifactType.FILES


def label_of(files: FileSet) -> Label | None:
    """The least upper bound of what cards say of the files; None if none says anything.

    A card is ``label:`` in ``card.yaml``, or else in the front matter of ``README.md``. It speaks for its folder and
    all below it, up to the next card. So the nearest one at or above each home of the files counts, even where it is
    not among the files, and every one that is among them.

    Raises:
        NotFound: there is a card and it cannot be read, so nobody may take the tree for open.
    """
    above = [_first_label(home) for home in files.homes]
    folders = {path.parent: None for _name, path in files.files if path.name in _CARDS}
    found = [label for label in (*above, *(_folder_label(folder) for folder in folders)) if label is not None]
    return high_water_mark(found) if found else None


def _first_label(folders: Iterable[Path]) -> Label | None:
    return next((label for label in map(_folder_label, folders) if label is not None), None)


def _folder_label(folder: Path) -> Label | None:
    labels = (_card_label(folder / name, cut) for name, cut in _CARDS.items())
    return next((label for label in labels if label is not None), None)


def _card_label(path: Path, cut: Callable[[str], str]) -> Label | None:
    if not path.is_file():
        return None
    try:
        content = yaml.safe_load(cut(_read(path)) or "{}")
        found = content.get("label") if isinstance(content, dict) else None
        return Label.model_validate(found) if found is not None else None
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise NotFound(f"the label in {path} cannot be read: {str(error)[:200]}") from error


def config_of(text: str) -> dict[str, Any]:
    """Content of a model's ``config.json``. Raises ValueError."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it is no object")
    return content


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_CARD_BYTES).decode()


def _front_matter(text: str) -> str:
    lines = text.splitlines()
    if not lines or lines[0].strip() != _FENCE:
        return ""
    for place, line in enumerate(lines[1:], start=1):
        if line.strip() == _FENCE:
            return "\n".join(lines[1:place])
    return ""


_CARDS: dict[str, Callable[[str], str]] = {"card.yaml": str, "README.md": _front_matter}
