"""docs/security.md names tests and files that are there, and leaves no way in out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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


# By what a program opens a port, itself or through a library: any module's, or of this module alone.
OPENING = {"bind", "create_server", "start_server", "start_unix_server", "make_server", "serve_forever", "TCPStore"}
OPENING |= {
    "HTTPServer",
    "ThreadingHTTPServer",
    "TCPServer",
    "ThreadingTCPServer",
    "init_process_group",
    "TorchConfig",
    "GangConfig",
}
OPENING_AS_WRITTEN = {"uvicorn.run", "uvicorn.Server", "ray.init", "start_http_server"}


def openings(text: str) -> Iterator[str]:
    """Calls in a module that may open a port."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            written = ast.unparse(node.func)
            if written.rpartition(".")[2] in OPENING or written in OPENING_AS_WRITTEN:
                yield written


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import socket\nsocket.create_server(('', 1))", ["socket.create_server"]),
        ("def f(taken):\n    taken.bind(('', 1))", ["taken.bind"]),
        ("uvicorn.run(app)", ["uvicorn.run"]),
        ("event.listen(engine, 'connect', f)\nsocket.create_connection(('a', 1))", []),
    ],
)
def test_what_opens_a_port_is_found(text: str, found: list[str]) -> None:
    assert list(openings(text)) == found


def test_each_module_that_opens_a_port_is_named() -> None:
    roots = {ROOT / "platform" / "bongsu": "", ROOT / "pipelines" / "bongsu_stages": "bongsu_stages/"}
    found = {
        f"{before}{path.relative_to(root)}"
        for root, before in roots.items()
        for path in root.rglob("*.py")
        if any(openings(path.read_text()))
    }
    assert len(found) > 5
    assert {one for one in found if f"`{one}`" not in TEXT} == set()
