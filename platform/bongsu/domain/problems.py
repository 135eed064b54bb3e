"""Errors that a person can meet: what, where, how to mend it, and a stable code.

A :class:`Code` is declared once, in ``bongsu.domain.codes``; ``docs/errors.md`` is made from those
declarations. A :class:`Problem` is one occurrence. Texts are English templates that double as gettext
message ids, so the command line can show them in Korean without the domain knowing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bongsu.domain.phrases import Phrase, phrase, said

LACKING = 7
"""Exit status of what another machine, or another environment, would mend."""


@dataclass(frozen=True)
class Code:
    """A kind of error.

    Attributes:
        name: stable, dotted, e.g. ``spec.unknown-key``.
        what: template of the sentence that says what is wrong, e.g. ``Unknown key {key}.``
        fix: template of the sentence that says how to mend it.
        exit_code: exit status of the command line when this is the gravest problem.
        rule: of a refusal, the rule that refuses, by the name under which ``bongsu policy explain`` prints it;
            ``what`` names it at ``{rule}``. Empty for what is no refusal.
    """

    name: str
    what: str
    fix: str
    exit_code: int = 2
    rule: str = ""

    def at(self, location: Location | None = None, field_path: str = "", **args: Any) -> Problem:
        return Problem(self, location, field_path, args)

    def error(self, location: Location | None = None, field_path: str = "", **args: Any) -> BongsuError:
        return BongsuError([self.at(location, field_path, **args)])


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


Translate = Callable[[str], str]

_MAX_ARGUMENT = 1000

DID_YOU_MEAN = "Did you mean {suggestion}?"


@dataclass(frozen=True)
class Problem:
    """One thing wrong, in one place."""

    code: Code
    location: Location | None = None
    field_path: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)

    def what(self, translate: Translate = str) -> str:
        return translate(self.code.what).format(**self._shown(translate))

    def fix(self, translate: Translate = str) -> str:
        """How to mend it. An argument ``suggestion``, if there is one, comes first as a question."""
        fix = translate(self.code.fix).format(**self._shown(translate))
        suggestion = self.args.get("suggestion")
        if not suggestion:
            return fix
        return f"{translate(DID_YOU_MEAN).format(suggestion=suggestion)} {fix}".rstrip()

    def sentence(self) -> Phrase:
        """:meth:`what` as words that are said later."""
        return Phrase(self.code.what, self._kept())

    def remedy(self) -> Phrase:
        """:meth:`fix` as words that are said later."""
        fix = Phrase(self.code.fix, self._kept())
        suggestion = self.args.get("suggestion")
        if not suggestion:
            return fix
        return phrase("{question} {fix}", question=phrase(DID_YOU_MEAN, suggestion=suggestion), fix=fix)

    def _kept(self) -> tuple[tuple[str, object], ...]:
        filled = self._filled().items()
        return tuple((key, _cut(value) if isinstance(value, str) else value) for key, value in filled)

    def _shown(self, translate: Translate) -> dict[str, Any]:
        """Arguments for a sentence: phrases said in its language; what somebody gave may be of any length."""
        shown = {key: said(value, translate) for key, value in self._filled().items()}
        return {key: _cut(value) if isinstance(value, str) else value for key, value in shown.items()}

    def _filled(self) -> dict[str, Any]:
        return {"rule": self.code.rule, **self.args} if self.code.rule else dict(self.args)

    def as_dict(self, translate: Translate = str) -> dict[str, Any]:
        """For ``--json`` and for problem+json bodies."""
        place = self.location
        return {
            "code": self.code.name,
            "rule": self.code.rule or None,
            "message": self.what(translate),
            "fix": self.fix(translate),
            "file": place.file if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "field": self.field_path or None,
            "exitStatus": self.code.exit_code,
        }

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        path = f"{self.field_path}: " if self.field_path else ""
        return f"{where}{path}{self.what()} {self.fix()} [{self.code.name}]"


def _cut(text: str) -> str:
    if not text:
        return '""'  # a gap in a sentence would not be noticed
    return text if len(text) <= _MAX_ARGUMENT else text[: _MAX_ARGUMENT - 1] + "…"


class BongsuError(Exception):
    """One or more problems, raised together so that a person mends them in one go."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(
            problems, key=lambda p: (p.location or Location("", 0, 0), p.field_path, p.code.name)
        )
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[BongsuError], tuple[list[Problem]]]:
        """Made again from its problems in another process; by itself it would be from its text."""
        return BongsuError, (self.problems,)

    @property
    def exit_code(self) -> int:
        statuses = {problem.code.exit_code for problem in self.problems}
        if len(statuses) > 1:
            # Another machine alone would not help.
            statuses.discard(LACKING)
        return max(statuses, default=1)
