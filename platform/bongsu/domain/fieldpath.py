"""Paths of fields in a pipeline file, and findings that name one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bongsu.domain.phrases import Phrase
from bongsu.domain.problems import BongsuError, Code, Location, Problem

FieldPath = tuple[str | int, ...]
"""Keys and indices from the root of the file, e.g. ``("spec", "stages", 3, "with", "learningRate")``."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][-A-Za-z0-9_]*")
_STEP = re.compile(r"\.?(?P<key>[A-Za-z_][-A-Za-z0-9_]*)|\[(?P<index>\d+)\]|\['(?P<quoted>(?:\\.|[^'\\])*)'\]")
_SHOWN = 60
_OWN_WORDS = frozenset({"known", "expected", "units", "range", "hint", "cycle", "missing", "axes", "detail"})
"""Arguments that are sentences of ours; others quote the file and are cut."""


def format_path(path: FieldPath) -> str:
    """``spec.stages[3].with.learningRate``; other keys are quoted: ``within['perplexity.law']``."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            out += f".{step}" if out else step
        else:
            escaped = step.replace("\\", "\\\\").replace("'", "\\'")
            out += f"['{escaped}']"
    return out


def parse_path(text: str) -> FieldPath:
    """The inverse of :func:`format_path`. Raises ValueError."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if not match:
            raise ValueError(f"not a field path: {text!r} at {at}")
        if match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["quoted"] is not None:
            steps.append(re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL))
        else:
            steps.append(match["key"])
        at = match.end()
    return tuple(steps)


def shown(value: object, limit: int = _SHOWN) -> str:
    """A value in a sentence: short, on one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass(frozen=True)
class Finding:
    """Something wrong at a field, before anybody knows its line and column.

    Attributes:
        offset: characters into the text at ``path``, for what is wrong inside a text; None for all of it.
        at_key: it is the key that is wrong, not the value.
    """

    code: Code
    path: FieldPath
    args: Mapping[str, Any] = field(default_factory=dict)
    offset: int | None = None
    at_key: bool = False

    def problem(self, location: Location | None = None) -> Problem:
        given = {key: value for key, value in self.args.items() if value is not None}
        args = {key: value if _is_ours(key, value) else shown(value) for key, value in given.items()}
        return self.code.at(location, format_path(self.path), **args)


def _is_ours(key: str, value: object) -> bool:
    return key in _OWN_WORDS or isinstance(value, Phrase)


def unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, in order."""
    by_key = {(f.code.name, f.path, f.offset, f.at_key, repr(f.args)): f for f in findings}
    return tuple(by_key.values())


def raise_findings(findings: list[Finding]) -> None:
    """Raise all of them as one BongsuError, without places; nothing if there are none."""
    if findings:
        raise BongsuError([finding.problem() for finding in findings])
