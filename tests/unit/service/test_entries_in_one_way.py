"""Entries of the audit log come into being in one place, so that what is refused reads the same wherever it was."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import bongsu.domain.audit

PACKAGE = Path(bongsu.domain.audit.__file__).parents[1]


def _calls(name: str) -> Callable[[ast.AST], bool]:
    def found(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        return name in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))

    return found


def _names_the_outcome(node: ast.AST) -> bool:
    """``AuditOutcome.REFUSED``, in whatever way."""
    return isinstance(node, ast.Attribute) and node.attr == "REFUSED" and ast.unparse(node.value) == "AuditOutcome"


def _modules_where(found: Callable[[ast.AST], bool]) -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if any(map(found, ast.walk(ast.parse(path.read_text(encoding="utf-8"))))):
            yield str(path.relative_to(PACKAGE))


def test_one_module_makes_entries() -> None:
    assert list(_modules_where(_calls("AuditEvent"))) == ["domain/audit.py"]


def test_one_module_says_that_something_was_refused() -> None:
    told = set(_modules_where(_names_the_outcome)) - {"cli/render/audit.py"}  # which shows it
    assert told == {"domain/audit.py"}


def test_what_somebody_is_refused_is_written_by_one_module() -> None:
    assert set(_modules_where(_calls("was_refused"))) == {
        "service/recording.py",
        "reconciler/apply.py",  # a stage that is not launched: nobody asks, and nobody is counted
        "service/issuing/tokens.py",  # a copied refresh token, which ends a session in the same transaction
    }
