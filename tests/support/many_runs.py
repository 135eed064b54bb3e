"""A database of PostgreSQL in which there is as much as after years: runs, their stages and events, by the hundred
thousand; and a model that was made of thousands of things."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from small_plans import plan_of, stage
from sqlalchemy import make_url

from bongsu.domain.plan import RunPlan
from bongsu.domain.uses import UseClass

STATES = ("succeeded",) * 7 + ("failed",) * 2 + ("cancelled",)
MINISTRIES = ("mnd", "msit", "army", "navy")
LABELS = ("O",) * 6 + ("S",) * 3 + ("C",)
STAGES = ("a", "b")
BEGAN = 1_700_000_000.0
_CHAIN = 3


def run_id(number: int) -> str:
    return f"r-{number:012d}"


def label_of(number: int) -> str:
    """Of a run by its number."""
    return LABELS[number // 40 % 10]


def _connected(url: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    # Parts, because SQLAlchemy and libpq write a space in a password differently.
    parts = make_url(url).translate_connect_args(username="user", database="dbname")
    return psycopg.connect(**parts, autocommit=autocommit)


def fill(url: str, runs: int, events_each: int) -> None:
    """``runs`` runs with two stages each and ``events_each`` events, an attempt a stage; newest with greatest number.

    Args:
        url: of a migrated database, as SQLAlchemy writes it.
        runs: how many.
        events_each: of each run.
    """
    plan: RunPlan = plan_of(*(stage(name) for name in STAGES))
    text = plan.model_dump_json(by_alias=True)
    with (
        _connected(url) as connection,
        connection.cursor() as cursor,
    ):
        _copy(cursor, "runs", _RUN, (_run(number, text) for number in range(runs)))
        rows = ((run_id(n), name, i, _state(n), "", 0, "{}", "{}", "{}") for n, i, name in _stages(runs))
        columns = (
            "run_id",
            "stage_id",
            "position",
            "state",
            "reason",
            "reopened_after",
            "outputs",
            "metrics",
            "notes",
        )
        _copy(cursor, "stages", columns, rows)
        tried = ((run_id(n), name, 1, _state(n), "", BEGAN + n, BEGAN + n) for n, _position, name in _stages(runs))
        columns = ("run_id", "stage_id", "number", "state", "stop_reason", "requested_at", "started_at")
        _copy(cursor, "attempts", columns, tried)
        body = json.dumps({"state": "running"})
        found = (
            (run_id(n), sequence, BEGAN + n + sequence, "stage", STAGES[sequence % 2], body)
            for n in range(runs)
            for sequence in range(1, events_each + 1)
        )
        _copy(cursor, "run_events", ("run_id", "sequence", "time", "type", "stage_id", "body"), found)
    with _connected(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


_RUN = (
    "id",
    "pipeline",
    "tenant",
    "ministry",
    "submitted_by",
    "plan_hash",
    "plan",
    "state",
    "label",
    "use_class",
    "created_at",
    "started_at",
    "finished_at",
    "version",
)


def _run(number: int, plan: str) -> Sequence[Any]:
    ministry = MINISTRIES[number % len(MINISTRIES)]
    at = BEGAN + number
    # Labels and states are independent of ministries.
    hash_ = f"sha256-{number:064x}"
    use = UseClass.ADMINISTRATION.value
    pipeline = f"pipeline-{number // 4 % 50}"
    return (
        run_id(number),
        pipeline,
        ministry,
        ministry,
        f"{ministry}/engineer",
        hash_,
        plan,
        _state(number),
        label_of(number),
        use,
        at,
        at + 1,
        at + 60,
        5,
    )


def _stages(runs: int) -> Iterator[tuple[int, int, str]]:
    return ((number, position, name) for number in range(runs) for position, name in enumerate(STAGES))


def _state(number: int) -> str:
    return STATES[number // 4 % 10]


def fill_lineage(url: str, tenant: str, runs: int) -> None:
    """A model version whose graph has ``runs`` runs: each trained on one data set and on what the one before made.

    Args:
        url: as of :func:`fill`.
        tenant: whose.
        runs: how many; three artifacts' edges each.
    """
    with (
        _connected(url) as connection,
        connection.cursor() as cursor,
    ):
        nodes = [(tenant, "artifact:law", "artifact", "law", "O", "{}")]
        edges = []
        for number in range(runs):
            here, made = f"stage:{run_id(number)}/a", f"artifact:made-{number}"
            nodes += [
                (tenant, here, "run-stage", "a", "O", "{}"),
                (tenant, made, "artifact", "model", "O", "{}"),
            ]
            before = f"artifact:made-{(number - 1) // _CHAIN}" if number else "artifact:law"
            edges += [(tenant, source, here, "used", run_id(number), BEGAN) for source in {before, "artifact:law"}]
            edges.append((tenant, here, made, "made", run_id(number), BEGAN))
        gather = f"stage:{run_id(runs)}/gather"
        nodes.append((tenant, gather, "run-stage", "gather", "O", "{}"))
        edges += [
            (tenant, f"artifact:made-{number}", gather, "used", run_id(runs), BEGAN) for number in range(runs)
        ]
        nodes += [(tenant, "artifact:whole", "artifact", "whole", "O", "{}")]
        nodes += [(tenant, "version:whole/1", "model-version", "whole", "O", "{}")]
        edges.append((tenant, gather, "artifact:whole", "made", run_id(runs), BEGAN))
        edges.append((tenant, "artifact:whole", "version:whole/1", "registered", run_id(runs), BEGAN))
        _copy(cursor, "nodes", ("tenant", "id", "kind", "title", "label", "body"), nodes)
        _copy(cursor, "edges", ("tenant", "source", "target", "kind", "run_id", "created_at"), edges)
        version = (tenant, "whole", 1, "whole", "O", UseClass.ADMINISTRATION.value, tenant, run_id(runs), "gather")
        columns = ("tenant", "name", "version", "digest", "label", "use_class", "ministry", "run_id", "stage_id")
        rest = ("title", "metrics", "link", "created_at")
        _copy(cursor, "model_versions", (*columns, *rest), [(*version, "whole", "{}", "", BEGAN)])
    with _connected(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _copy(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: Any) -> None:
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
