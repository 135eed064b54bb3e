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


# What names a connection and what the database raises; statements are built where the tables are.
SPOKEN_EVERYWHERE = {"URL", "Connection"}
# The tracking server's database is its own.
SPEAK_SQL = ("store", "tracking")


ROWS = {"layers": r"platform/bongsu/(\w+)", "rooms": r"bongsu_stages/(\w+)"}
SOURCES = {"layers": ROOT / "platform" / "bongsu", "rooms": ROOT / "pipelines" / "bongsu_stages"}


def contract(name: str, entry: str) -> list[str]:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    return [row.strip() for row in contracts[f"importlinter:contract:{name}"][entry].split("\n") if row.strip()]


def layers(name: str) -> list[set[str]]:
    """Packages from the top to the bottom."""
    return [{package.strip() for package in row.split("|")} for row in contract(name, "layers")]


def forbidden_to(name: str) -> set[str]:
    return {row.removeprefix("bongsu.") for row in contract(name, "forbidden_modules")}


def table(name: str) -> dict[str, str]:
    """What each package may import, as ARCHITECTURE.md writes it."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    return dict(re.findall(rf"^\| `{ROWS[name]}` \| .*? \| (.*?) \|$", text, re.MULTILINE))


def said(name: str, package: str) -> set[str]:
    """The packages that the table allows to ``package``."""
    rows = list(table(name))
    allowed = table(name)[package].partition(";")[0]
    if allowed == "all above":
        return set(rows[: rows.index(package)])
    return set() if allowed.startswith("nothing of") else {word.strip() for word in allowed.split(",")}


def enforced(name: str, package: str) -> set[str]:
    """The packages that the contracts allow to ``package``."""
    number = next(number for number, layer in enumerate(layers(name)) if package in layer)
    below = {lower for layer in layers(name)[number + 1 :] for lower in layer}
    if package == "cli":
        return below - forbidden_to("cli")
    return below - forbidden_to("pure") if package in PURE else below


@pytest.mark.parametrize("name", ROWS)
def test_the_table_has_every_package(name: str) -> None:
    packages = {place.parent.name for place in SOURCES[name].glob("*/__init__.py")}
    assert set(table(name)) == packages - {"locale"} == {package for layer in layers(name) for package in layer}


@pytest.mark.parametrize(("name", "package"), [(name, package) for name in ROWS for package in table(name)])
def test_the_table_says_what_the_contract_says(name: str, package: str) -> None:
    assert said(name, package) == enforced(name, package)


def test_stages_are_said_to_know_of_the_control_plane_what_the_contract_leaves_them() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    (row,) = re.findall(
        r"^\| `pipelines/bongsu_stages` \| .*? \| (.*?), and the protocols in them \|$", text, re.MULTILINE
    )
    everything = {package for layer in layers("layers") for package in layer}
    assert {word.strip() for word in row.split(",")} == everything - forbidden_to("stages")


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


# A scrape is answered whatever happens to the database.
CATCHES_ALL_OF_IT = "observing/store_gauges.py"


def test_use_cases_know_of_the_database_only_its_connection() -> None:
    package, found = ROOT / "platform" / "bongsu" / "service", []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {one.name for one in node.names} if isinstance(node, ast.Import | ast.ImportFrom) else set()
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            speaks = any(one.partition(".")[0] == "sqlalchemy" for one in (module, *names))
            if speaks and not (module == "sqlalchemy" and names <= {"Connection", "Engine"}):
                found.append(path.relative_to(package).as_posix())
    assert found == [CATCHES_ALL_OF_IT]


def test_statements_are_built_in_the_store_and_nowhere_else() -> None:
    package, found = ROOT / "platform" / "bongsu", []
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] in SPEAK_SQL:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = {one.name for one in node.names} if isinstance(node, ast.Import | ast.ImportFrom) else set()
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            is_free = module == "sqlalchemy.exc" or (module == "sqlalchemy" and names <= SPOKEN_EVERYWHERE)
            speaks = any(one.partition(".")[0] == "sqlalchemy" for one in (module, *names)) and not is_free
            if speaks or module.startswith("bongsu.store.schema"):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("execute", "exec_driver_sql"):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.func)}")
    assert not found


# Their use cases look at more than a permission, or record a refusal where it belongs, and are handed the actor.
CHECKED_BY_USE_CASES = {
    "attempts",
    "audit",
    "looking",
    "ministries",
    "model_bundles",
    "models",
    "people",
    "pipelines",
}


def test_the_whole_control_plane_is_taken_only_by_routes_that_leave_the_check_to_a_use_case() -> None:
    routes = (ROOT / "platform" / "bongsu" / "api" / "routes").glob("*.py")
    found = {path.stem for path in routes if "asker.plane" in path.read_text()}
    assert found == CHECKED_BY_USE_CASES | {"about"}  # about: what the site is called
