"""The table of rooms and the import contracts say the same, and pure packages touch nothing outside."""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PURE = ("domain", "policy", "planner")
# What reads a clock, randomness, an environment or a file without importing a module that the contract forbids.
IMPURE_CALLS = {
    "now",
    "today",
    "utcnow",
    "uuid1",
    "uuid4",
    "open",
    "read_text",
    "write_text",
    "read_bytes",
    "write_bytes",
}


def layers() -> list[list[str]]:
    """Packages of ``platform/bongsu`` from the top to the bottom."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    rows = contracts["importlinter:contract:layers"]["layers"].split("\n")
    return [[name.strip().removeprefix("bongsu.") for name in row.split("|")] for row in rows if row.strip()]


def forbidden_to(contract: str) -> set[str]:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    rows = contracts[f"importlinter:contract:{contract}"]["forbidden_modules"].split("\n")
    return {row.strip().removeprefix("bongsu.") for row in rows if row.strip()}


def table() -> dict[str, str]:
    """What each package may import, as ARCHITECTURE.md writes it."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    return dict(re.findall(r"^\| `platform/bongsu/(\w+)` \| .*? \| (.*?) \|$", text, re.MULTILINE))


def test_the_table_has_every_package() -> None:
    packages = {place.parent.name for place in (ROOT / "platform" / "bongsu").glob("*/__init__.py")}
    assert set(table()) == packages - {"locale"} == {name for layer in layers() for name in layer}


@pytest.mark.parametrize("package", table())
def test_the_table_says_what_the_contract_says(package: str) -> None:
    allowed = table()[package].split(";")[0]
    number = next(number for number, layer in enumerate(layers()) if package in layer)
    below = {name for layer in layers()[number + 1 :] for name in layer}
    if package == "cli":  # a contract of its own forbids most of what lies below
        below -= forbidden_to("cli")
    if "all above" in allowed:
        return
    named = {name.strip() for name in allowed.split(",")} & {name for layer in layers() for name in layer}
    if package in PURE:
        below.discard("machine")
    assert named == below - {"machine"} or named == below


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_call_nothing_that_reads_the_world(package: str) -> None:
    found = []
    for path in sorted((ROOT / "platform" / "bongsu" / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in IMPURE_CALLS:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {name}")
    assert not found
