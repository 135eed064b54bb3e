"""docs/security.md names tests and files that are there, and leaves no way in out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "security.md").read_text()
TESTS = sorted(set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", TEXT)))
ROOMS = "api|artifacts|client|identity|machine|policy|reconciler|service|specfile|store|tracking"
CODE = sorted(set(re.findall(rf"`((?:{ROOMS})/[\w/]+(?:\.py)?)`", TEXT)))


def test_it_names_tests_and_files() -> None:
    assert len(TESTS) > 100
    assert len(CODE) > 20


@pytest.mark.parametrize(("path", "name"), TESTS, ids=str)
def test_each_test_that_it_names_is_there(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / "tests" / path).read_text(), re.M)


@pytest.mark.parametrize("path", CODE)
def test_each_file_that_it_names_is_there(path: str) -> None:
    assert (ROOT / "platform" / "bongsu" / path).exists()


def test_each_family_of_routes_is_named() -> None:
    families = {path.name for path in (ROOT / "platform" / "bongsu" / "api" / "routes").glob("[a-z]*.py")}
    named = set(re.findall(r"`(\w+\.py)`", TEXT))
    assert len(families) > 10
    assert families - named == set()


def test_each_row_of_threats_names_what_shows_it() -> None:
    rows = [re.split(r"(?<!\\)\|", line) for line in TEXT.splitlines() if line.startswith("| ")]
    threats = [cells for cells in rows if re.fullmatch(r" [STRIDE](, [STRIDE])* ", cells[1])]
    assert len(threats) > 50
    assert [cells[2] for cells in threats if len(cells) != 7 or not cells[4].strip()] == []
