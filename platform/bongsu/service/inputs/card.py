"""What a tree says of itself: its type, its configuration, its label."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.labels import Label
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
    """``label:`` in ``card.yaml``, or in the front matter of ``README.md``; None if neither says.

    Raises:
        NotFound: there is a card and it cannot be read, so nobody may take the tree for open.
    """
    for name, cut in (("card.yaml", str), ("README.md", _front_matter)):
        path = files.path_of(name)
        if path is None:
            continue
        try:
            content = yaml.safe_load(cut(_read(path)) or "{}")
            found = content.get("label") if isinstance(content, dict) else None
            if found is not None:
                return Label.model_validate(found)
        except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
            raise NotFound(f"the label in {path} cannot be read: {str(error)[:200]}") from error
    return None


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
