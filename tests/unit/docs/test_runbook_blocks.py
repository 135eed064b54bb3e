"""Every block of every runbook is followed by a test, and everything that a test follows is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from runbook_steps import RUNBOOKS, blocks, stated

TESTS = Path(__file__).parents[2]
PAGES = sorted(path.name for path in RUNBOOKS.glob("*.md"))
# Methods of a ``Reader`` that follow a block: a page and a name.
FOLLOWING = {"follow", "refused", "sign_in", "text"}


def followed() -> set[tuple[str, str]]:
    """Pages and names that stand in the tests."""
    found: set[tuple[str, str]] = set()
    for path in [
        *(TESTS / "integration").rglob("*.py"),
        *(TESTS / "e2e").rglob("*.py"),
        *TESTS.glob("support/*.py"),
    ]:
        text = path.read_text()
        if "runbook" not in text:
            continue
        tree = ast.parse(text)
        pages = {"INSTALL": "install.md"} | {
            target.id: str(node.value.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FOLLOWING:
                match node.args[:2]:
                    case [ast.Name(id=page), ast.Constant(value=str(name))] if page in pages:
                        found.add((pages[page], name))
                    case [ast.Constant(value=str(page)), ast.Constant(value=str(name))]:
                        found.add((page, name))
    return {(page, name) for page, name in found if page.endswith(".md")}


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_a_name_of_its_own_and_a_test_that_follows_it(page: str) -> None:
    here = blocks(page)
    assert [f"{page}:{one.line}" for one in here if not one.name] == []
    assert len({one.name for one in here}) == len(here)
    known = followed()
    assert [f"{page}:{one.line} {one.name}" for one in here if (page, one.name) not in known] == []


def test_nothing_is_followed_that_is_not_there() -> None:
    there = {(page, one.name) for page in PAGES for one in blocks(page)}
    assert followed() - there == set()


def test_names_that_may_differ_stand_in_tables() -> None:
    assert {"/opt/bongsu", "8700", "PASSWORD", "db.example.mil:5432"} <= stated("install.md")
    assert "KEY" in stated("key-rotation.md") - stated("install.md")
    assert "KEY" not in stated("upgrade.md")
