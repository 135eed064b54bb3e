"""docs/json.md lists the keys that the commands print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from cli_documents import run_with_everything
from service_places import Place

from bongsu.domain.documents import camel, plain
from bongsu.service.audit.checking import Checked
from bongsu.service.audit.checkpoints import Growth
from bongsu.service.audit.reading import Entry
from bongsu.service.capacity import show_capacity
from bongsu.service.documents import run_document
from bongsu.service.labels import show_label
from bongsu.service.lineage import trace
from bongsu.service.models import list_models
from bongsu.service.searching import search
from bongsu.service.showing import show_run
from bongsu.service.variants import variants

PAGE = Path(__file__).parents[3] / "docs" / "json.md"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def listed(table: str) -> list[str]:
    """Keys in the first column of the table with this head."""
    text = PAGE.read_text()
    (rows,) = re.findall(rf"^\| {table} \| \|\n\| --- \| --- \|\n((?:\|.*\n)+)", text, re.M)
    return [key for row in rows.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_the_page_lists_every_key_of_a_run_and_no_other(place: Place) -> None:
    run = run_with_everything(place)
    document = run_document(show_run(place.platform, run), variants(place.platform, run))
    for table, found in (
        ("document", document),
        ("run", document["run"]),
        ("stage", document["stages"][0]),
        ("attempt", document["stages"][0]["attempts"][0]),
        ("variant", document["variants"][0]),
        ("lineage", plain(trace(place.platform, "light@1"))),
        ("version", plain(list_models(place.platform)[0])),
        ("found", plain(search(place.platform, "light")[0])),
        ("label", plain(show_label(place.platform, "light@1"))),
        ("capacity", plain(show_capacity(place.platform))),
    ):
        assert sorted(listed(table)) == sorted(found), table


def test_the_page_lists_what_is_printed_of_an_audit_log() -> None:
    for table, kind in (("entry", Entry), ("stored log", Checked), ("growth", Growth)):
        assert sorted(listed(table)) == sorted(camel(field.name) for field in fields(kind)), table
