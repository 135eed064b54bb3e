"""A stage that ends, and a label that rises, beside many earlier runs of the same tree: what the database is asked."""

from __future__ import annotations

import pytest
from earlier_runs import LAST, STAGE, begin_last, end_last, fill, made_by, run_id
from query_plans import asked
from small_plans import ref_of
from sqlalchemy import select
from store_places import NOW

from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.publication import RunRelabelled
from bongsu.store import outbox
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import Database
from bongsu.store.label_telling import run_label, stage_labels, tree_labels
from bongsu.store.portions import PORTION
from bongsu.store.schema import artifacts, nodes, runs
from bongsu.store.stages import stages_of

SENSITIVE = Label(grade=Grade.SENSITIVE)
SECRET = Label(grade=Grade.CLASSIFIED, compartments=frozenset({"sig"}))
FEW, MANY = 3, 300
# What a stage's end takes altogether; most of it is not about labels.
STATEMENTS = 40


def whole(database: Database) -> set[tuple[str, ...]]:
    """Labels of everything in the graph."""
    with database.read() as connection:
        return {
            *((row.digest, row.label) for row in connection.execute(select(artifacts.c.digest, artifacts.c.label))),
            *((row.id, row.label) for row in connection.execute(select(nodes.c.id, nodes.c.label))),
            *((row.id, row.label) for row in connection.execute(select(runs.c.id, runs.c.label))),
        }


@pytest.mark.parametrize("label", [OPEN, SENSITIVE])
def test_a_stage_that_ends_asks_the_same_beside_many_earlier_runs_as_beside_none(
    database: Database, label: Label
) -> None:
    found = []
    for count in (0, MANY):
        begin_last(database, fill(database, count, label))
        with asked(database) as statements:
            end_last(database, [ref_of("last", label=label)])
        assert {one for _name, one in whole(database)} == {str(label)}
        found.append(statements)
    beside_none, beside_many = found
    assert beside_many == beside_none
    assert len(beside_many) <= STATEMENTS


def test_a_stage_whose_input_rose_meanwhile_carries_that_with_its_run_and_what_it_gave(database: Database) -> None:
    given = fill(database, FEW, OPEN)
    begin_last(database, given)
    with database.write() as connection:
        note_artifact(connection, given.model_copy(update={"label": SECRET}), "given", NOW)
    end_last(database, [ref_of("last")])
    assert {label for _name, label in whole(database)} == {str(SECRET)}
    with database.read() as connection:
        (ended,) = stages_of(connection, LAST)
        assert ended.outputs["files"].label == SECRET


def test_what_a_stage_gives_again_rises_with_what_it_took_and_so_does_what_came_of_it(database: Database) -> None:
    """Bytes that an earlier run had made of something open, and that others took since."""
    given = fill(database, FEW, OPEN)
    begin_last(database, given)
    with database.write() as connection:
        secret = ref_of("secret", label=SECRET)
        note_artifact(connection, secret, "secret", NOW)
    begin_last(database, secret, run=run_id(9))
    end_last(database, [given], run_id(9), reused=True)
    with database.read() as connection:
        trees = [given.digest, *(made_by(number, OPEN).digest for number in range(FEW))]
        assert set(tree_labels(connection, trees).values()) == {SECRET}
        assert run_label(connection, run_id(0)) == SECRET
        told = [one.item for one in outbox.waiting_labels(connection)]
    assert {one.run_id for one in told if isinstance(one, RunRelabelled)} >= {run_id(n) for n in range(FEW)}


def test_bytes_that_rose_before_a_stage_gave_them_hold_for_the_stage(database: Database) -> None:
    given = fill(database, FEW, OPEN)
    begin_last(database, given)
    made = made_by(0, OPEN)
    with database.write() as connection:
        note_artifact(connection, made.model_copy(update={"label": SENSITIVE}), "made", NOW)
    end_last(database, [made])
    with database.read() as connection:
        assert run_label(connection, LAST) == SENSITIVE
        assert stage_labels(connection, LAST) == {STAGE: SENSITIVE}
        (ended,) = stages_of(connection, LAST)
        assert ended.outputs["files"].label == SENSITIVE
        assert run_label(connection, run_id(1)) == OPEN, "what was made beside it is what it was"


def test_a_label_that_rises_takes_as_many_statements_for_many_runs_as_for_few(database: Database) -> None:
    """As long as they are one portion; for more, as many more as there are portions."""
    assert MANY < PORTION
    taken = []
    for count, label in ((FEW, SENSITIVE), (MANY, SECRET)):
        given = fill(database, count, OPEN)
        with asked(database) as statements, database.write() as connection:
            risen = note_artifact(connection, given.model_copy(update={"label": label}), "given", NOW)
        assert len(risen) == count + 1
        assert {one for _name, one in whole(database)} == {str(label)}
        with database.read() as connection:
            for number in range(count):
                (ended,) = stages_of(connection, run_id(number))
                assert ended.outputs["files"].label == label
            told = [one.item for one in outbox.waiting_labels(connection)]
        assert {one.run_id for one in told} >= {run_id(number) for number in range(count)}
        taken.append(len(statements))
    few, many = taken
    assert many <= few
