"""docs/memory.md says what the planner says."""

from pathlib import Path

from memory_page import render

PAGE = Path(__file__).parents[3] / "docs" / "memory.md"


def test_the_page_is_what_the_planner_computes() -> None:
    assert PAGE.read_text() == render(), "run: python tests/support/memory_page.py > docs/memory.md"
