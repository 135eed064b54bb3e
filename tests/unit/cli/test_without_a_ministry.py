"""Who is nothing in any ministry is told so by the commands that need one, and what would change it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from api_places import PIPELINE, ApiPlace
from cli_shell import Said
from sqlalchemy import delete

from bongsu.store.schema_people import memberships

As = Callable[..., Said]


@pytest.fixture
def nobody(place: ApiPlace) -> str:
    """Signed in, and nothing anywhere."""
    with place.platform.write() as connection:
        connection.execute(delete(memberships).where(memberships.c.person == "dan"))
    return "dan"


@pytest.mark.parametrize(
    "words", [("audit", "verify"), ("audit", "list"), ("uses", "withdraw", "u-1", "--reason", "x")]
)
def test_a_command_that_acts_in_one_says_that_there_is_none(ask: As, nobody: str, words: tuple[str, ...]) -> None:
    said = ask(nobody, *words)
    assert said.status == 3
    assert "dan is nothing in any ministry of this server" in said.error
    assert "bongsu people give-role dan ROLE" in said.error
    assert "[access.no-ministry]" in said.error


def test_a_pipeline_that_names_one_is_refused_in_words(ask: As, nobody: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    said = ask(nobody, "submit", "p.yaml")
    assert "[access.not-a-member]" in said.error
    assert "They act in: no ministry of this server." in said.error


@pytest.mark.parametrize("words", [("show",), ("logs", "latest", "a"), ("cancel", "latest")])
def test_there_is_no_run_that_they_see(ask: As, place: ApiPlace, nobody: str, words: tuple[str, ...]) -> None:
    place.permit_use()
    place.run_of("kim")
    said = ask(nobody, *words)
    assert said.status == 3
    assert "There is no run at this server that dan sees." in said.error
    assert "bongsu submit FILE" in said.error
    assert ".bongsu" not in said.error
