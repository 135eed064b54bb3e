"""The label that a folder's card states: read strictly, because what is passed over in silence counts as open."""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bongsu.domain.grades import GradeScheme, OutsideGrades
from bongsu.domain.labels import COMPARTMENT_FORM, Label
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Description, Words, as_phrase, phrase
from bongsu.service.inputs.files import NotFound

MAX_CARD_BYTES = 1_000_000
_UNREADABLE = N_("the label in {path} cannot be read: {detail}")
_FENCE, _END = "---", ("---", "...")
# What somebody calls a card who means one, in lower case.
_MISNAMED = ("card.yaml", "card.yml", ".card.yaml", ".card.yml")
_MISNAMED_READMES = ("readme.md", "readme.markdown")
# Those that are looked for in a folder that may not be listed.
_USUAL = (".card.yaml", ".card.yml", "CARD.YAML", "CARD.yaml", "Card.yaml", "CARD.yml", "Card.yml", "card.yml")
_USUAL_READMES = ("readme.md", "Readme.md", "ReadMe.md", "README.MD", "README.markdown", "readme.markdown")
# Keys that are meant as a label, unless there is one beside them.
_OTHER_WORDS = ("labels", "classification")
# So many characters of each declaration are read; to read a megabyte would take minutes.
_MOST_DECLARED = 4000
# Keys that say what something is for, without case and hyphens.
_DECLARING = frozenset(
    {
        *(
            "title",
            "name",
            "purpose",
            "description",
            "summary",
            "statement",
            "use",
            "useclass",
            "intendeduse",
            "task",
            "tags",
        ),
        *("제목", "이름", "목적", "용도", "설명", "요약"),
    }
)
# Letters that look like those of "label": Cyrillic and Greek ones, and digits.
_ALIKE = str.maketrans("\u04cf\u0456\u0430\u03b1\u044c\u0432\u03b2\u0435\u03b51|", "llaabbbeell")
# What YAML's own constructors raise for values that are none, such as a 31st of February.
_FAULTS = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


class _Unreadable(Exception):
    """Why a card says nothing that can be relied on."""

    def __init__(self, detail: Words) -> None:
        super().__init__(str(detail))
        self.detail = detail


def looks_like_a_card(name: str) -> bool:
    """True for the name of a card, and for one that is meant as such."""
    return name in _CARDS or name.lower() in (*_MISNAMED, *_MISNAMED_READMES)


def folder_label(folder: Path, grades: GradeScheme) -> Label | None:
    """What ``card.yaml``, or else the front matter of ``README.md``, says; None if neither says anything.

    Raises:
        NotFound: there is a card and it cannot be read, or something that is meant as one has another name.
    """
    labels = [_card_label(folder / name, front, grades) for name, front in _CARDS.items()]
    label = next((label for label in labels if label is not None), None)
    if label is None:
        names = _names(folder)
        misnamed = next((folder / name for name in names if name.lower() in _MISNAMED), None)
        if misnamed is not None and "card.yaml" not in names:
            words = N_("{path} would be a label's card if its name were card.yaml; rename it")
            raise NotFound(phrase(words, path=misnamed))
        _refuse_misnamed_readme(folder, names, grades)
    return label


def declarations(card: Path) -> dict[str, str]:
    """What a card says that its data are for, by key. One that cannot be read says nothing: whether it has to be
    readable is the label's concern."""
    front = _front_matter if card.name.lower().startswith("readme") else str
    try:
        content = yaml.load(front(_read(card)), _Loader)
    except (*_FAULTS, _Unreadable, OSError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        str(key): str(value)[:_MOST_DECLARED] for key, value in content.items() if _bare(str(key)) in _DECLARING
    }


def _bare(key: str) -> str:
    return re.sub(r"[^a-z가-힣]", "", key.lower())


def _names(folder: Path) -> list[str]:
    """What is called like a card in the folder, whatever it is."""
    try:
        found = [path.name for path in folder.iterdir()]
    except PermissionError:
        found = [name for name in (*_CARDS, *_USUAL, *_USUAL_READMES) if _mode(folder / name) is not None]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in found if name.lower() in (*_MISNAMED, *_MISNAMED_READMES))


def _mode(path: Path) -> int | None:
    """Of what stands there, be it a broken link; None if nothing does. It is not opened."""
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _refuse_misnamed_readme(folder: Path, names: list[str], grades: GradeScheme) -> None:
    """A README whose name has other letters states nothing; one that has a label in it was meant to."""
    if "README.md" in names:
        return
    for name in names:
        path = folder / name
        if name.lower() in _MISNAMED_READMES and _card_label(path, _front_matter, grades) is not None:
            words = N_("the label in {path} would count if its name were README.md; rename it")
            raise NotFound(phrase(words, path=path))


def _card_label(path: Path, front: Callable[[str], str], grades: GradeScheme) -> Label | None:
    mode = _mode(path)
    if mode is None:
        return None
    if not path.is_file():
        raise NotFound(phrase(_UNREADABLE, path=path, detail=as_phrase(_kind(path, mode))))
    try:
        return _stated(yaml.load(front(_read(path)), _Loader), grades)
    except (*_FAULTS, _Unreadable) as error:
        raise NotFound(phrase(_UNREADABLE, path=path, detail=_in_words(error))) from error


def _kind(path: Path, mode: int) -> Words:
    """Of what stands where a card should, and is no file."""
    if path.is_dir():
        return N_("it is a directory")
    return N_("it is a broken link") if stat.S_ISLNK(mode) else N_("it is a special file")


def _in_words(error: Exception) -> Words:
    if isinstance(error, _Unreadable):
        return as_phrase(error.detail)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        wrong: object = first["msg"]
        if first["type"] == "string_pattern_mismatch":  # of a label, a compartment alone has a pattern
            wrong = phrase(N_("a compartment is written in {form}"), form=Description(COMPARTMENT_FORM))
        fault = phrase("{place}: {wrong}", place=place, wrong=wrong) if place else wrong
        return phrase(N_("{fault} (it says {value})"), fault=fault, value=repr(str(first["input"])[:60]))
    if isinstance(error, RecursionError):
        return as_phrase(N_("it is nested too deeply"))
    return str(error)[:200]


def _stated(content: Any, grades: GradeScheme) -> Label | None:
    if content is None:
        return None
    if not isinstance(content, dict):
        raise _Unreadable(N_("it is no mapping"))
    for key in content:
        meant = _plainly(str(key))
        if key != "label" and (meant == "label" or ("label" not in content and meant in _OTHER_WORDS)):
            raise _Unreadable(phrase(N_("the key {key} has to be written label"), key=repr(key)))
    if "label" not in content:
        return None
    if content["label"] is None:
        raise _Unreadable(N_("label: is empty"))
    try:
        return Label.model_validate(grades.canonical(content["label"]))
    except OutsideGrades as outside:
        words = N_("{grade} is no grade of this site, whose grades are {known}")
        known = ", ".join(grades.grades)
        raise _Unreadable(phrase(words, grade=repr(outside.written[:60]), known=known)) from None


def _plainly(key: str) -> str:
    """The key as an eye reads it: without case, accents and what is not seen, in Latin letters."""
    decomposed = unicodedata.normalize("NFKD", key).lower()
    seen = "".join(one for one in decomposed if unicodedata.category(one) not in ("Mn", "Cf", "Cc", "Zs"))
    return seen.translate(_ALIKE)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_CARD_BYTES + 1)
    if len(content) > MAX_CARD_BYTES:
        raise _Unreadable(phrase(N_("it has more than {most:,} bytes"), most=MAX_CARD_BYTES))
    return content.decode("utf-8-sig")  # editors put a byte order mark in front


def _front_matter(text: str) -> str:
    lines = text.lstrip().splitlines()
    first = lines[0].rstrip() if lines else ""
    if first.startswith("+++"):
        raise _Unreadable(N_("its front matter is TOML; write it as YAML between two lines of ---"))
    if first.startswith(_FENCE) and first.strip("-"):
        raise _Unreadable(phrase(N_("the line {line} has to be --- alone"), line=repr(first[:40])))
    if first != _FENCE:
        return ""
    for place, line in enumerate(lines[1:], start=1):
        if line.rstrip() in _END:
            return "\n".join(lines[1:place])
    raise _Unreadable(N_("its front matter has no end; close it with ---"))


_CARDS: dict[str, Callable[[str], str]] = {"card.yaml": str, "README.md": _front_matter}


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: of two labels the last would win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _value in node.value:
            key = (key_node.tag, str(key_node.value))
            if key in seen:
                raise _Unreadable(phrase(N_("the key {key} stands twice"), key=str(key_node.value)))
            seen.add(key)
        return super().construct_mapping(node, deep)
