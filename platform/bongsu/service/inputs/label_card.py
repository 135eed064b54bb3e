"""The label that a folder's card states: read strictly, because what is passed over in silence counts as open."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bongsu.domain.labels import Label
from bongsu.service.inputs.files import NotFound

MAX_CARD_BYTES = 1_000_000
_FENCE, _END = "---", ("---", "...")
# What somebody calls a card who means one. A folder need not be listed to look for them.
_MISNAMED = (".card.yaml", ".card.yml", "CARD.YAML", "CARD.yaml", "Card.yaml", "CARD.yml", "Card.yml", "card.yml")


_MISNAMED_READMES = ("readme.md", "Readme.md", "ReadMe.md", "README.MD", "README.markdown", "readme.markdown")


class _Unreadable(Exception):
    """Why a card says nothing that can be relied on."""


def looks_like_a_card(name: str) -> bool:
    """True for the name of a card, and for one that is meant as such."""
    return name in _CARDS or name.lower() in ("card.yaml", "card.yml", "readme.md", "readme.markdown")


def folder_label(folder: Path) -> Label | None:
    """What ``card.yaml``, or else the front matter of ``README.md``, says; None if neither says anything.

    Raises:
        NotFound: there is a card and it cannot be read, or something that is meant as one has another name.
    """
    labels = [_card_label(folder / name, front) for name, front in _CARDS.items()]
    label = next((label for label in labels if label is not None), None)
    if label is None:
        misnamed = next((folder / name for name in _MISNAMED if (folder / name).is_file()), None)
        if misnamed is not None and not (folder / "card.yaml").exists():
            raise NotFound(f"{misnamed} would be a label's card if its name were card.yaml; rename it")
        _refuse_misnamed_readme(folder)
    return label


def _refuse_misnamed_readme(folder: Path) -> None:
    """A README whose name has other letters states nothing; one that has a label in it was meant to."""
    for name in _MISNAMED_READMES:
        path = folder / name
        if path.is_file() and not (folder / "README.md").exists() and _card_label(path, _front_matter) is not None:
            raise NotFound(f"the label in {path} would count if its name were README.md; rename it")


def _card_label(path: Path, front: Callable[[str], str]) -> Label | None:
    if not path.is_file():
        if path.is_dir():
            raise NotFound(f"the label in {path} cannot be read: it is a directory")
        return None
    try:
        return _stated(yaml.load(front(_read(path)), _Loader))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError, _Unreadable) as error:
        raise NotFound(f"the label in {path} cannot be read: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place + ': ' if place else ''}{first['msg']} (it says {str(first['input'])[:60]!r})"
    return str(error)[:200]


def _stated(content: Any) -> Label | None:
    if content is None:
        return None
    if not isinstance(content, dict):
        raise _Unreadable("it is no mapping")
    for key in content:
        if key != "label" and str(key).strip().lower() == "label":
            raise _Unreadable(f"the key {key!r} has to be written label")
    if "label" not in content:
        return None
    if content["label"] is None:
        raise _Unreadable("label: is empty")
    return Label.model_validate(content["label"])


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_CARD_BYTES + 1)
    if len(content) > MAX_CARD_BYTES:
        raise _Unreadable(f"it has more than {MAX_CARD_BYTES:,} bytes")
    return content.decode("utf-8-sig")  # editors put a byte order mark in front


def _front_matter(text: str) -> str:
    lines = text.lstrip().splitlines()
    if not lines or lines[0].rstrip() != _FENCE:
        return ""
    for place, line in enumerate(lines[1:], start=1):
        if line.rstrip() in _END:
            return "\n".join(lines[1:place])
    raise _Unreadable("its front matter has no end; close it with ---")


_CARDS: dict[str, Callable[[str], str]] = {"card.yaml": str, "README.md": _front_matter}


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: of two labels the last would win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _value in node.value:
            key = (key_node.tag, str(key_node.value))
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!s} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
