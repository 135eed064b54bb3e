"""MLflow is told of labels that rose before that was told: it looks at what is so, once more.

What was told of each run stands in the outbox. Where a run, a stage, a tree or a version carries another label by now,
an item is put behind it that says to look. One too many changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

OPEN = "O"
CHUNK = 1000
outbox = sa.table(
    "outbox",
    sa.column("id", sa.Integer),
    sa.column("run_id", sa.String),
    sa.column("body", sa.Text),
    sa.column("tries", sa.Integer),
    sa.column("done", sa.Boolean),
    sa.column("error", sa.Text),
)
runs = sa.table("runs", *(sa.column(name, sa.String) for name in ("id", "tenant", "ministry", "pipeline", "label")))
nodes = sa.table("nodes", *(sa.column(name, sa.String) for name in ("tenant", "id", "label")))
artifacts = sa.table("artifacts", *(sa.column(name, sa.String) for name in ("tenant", "digest", "label")))
versions = sa.table(
    "model_versions",
    *(sa.column(name, sa.String) for name in ("tenant", "name", "ministry", "run_id", "label")),
    sa.column("version", sa.Integer),
)


class Now(NamedTuple):
    """What carries a label that is not open, by tenant and name: whatever rose is among it."""

    stages: dict[tuple[str, str], str]
    trees: dict[tuple[str, str], str]
    versions: dict[str, list[Any]]
    """By run."""


def upgrade() -> None:
    connection = op.get_bind()
    known = {row.id: row for row in connection.execute(sa.select(runs))}
    now = _now(connection)
    found: list[dict[str, object]] = []
    rows = connection.execute(
        sa.select(outbox.c.run_id, outbox.c.body, outbox.c.done).order_by(outbox.c.run_id, outbox.c.id),
        execution_options={"yield_per": CHUNK},
    )
    for run_id, told in groupby(rows, key=lambda row: row.run_id):
        items = list(told)
        if run_id in known:
            waiting = {row.body for row in items if not row.done}
            bodies = _looks(known[run_id], [_read(row.body) for row in items], now)
            found += [
                {"run_id": run_id, "body": body, "tries": 0, "done": False, "error": ""}
                for body in bodies
                if body not in waiting
            ]
    for begin in range(0, len(found), CHUNK):
        connection.execute(sa.insert(outbox), found[begin : begin + CHUNK])


def downgrade() -> None:
    """Nothing: items that say to look are understood, and do no harm, where they are not needed."""


def _now(connection: sa.Connection) -> Now:
    def labels(table: sa.TableClause, key: str) -> dict[tuple[str, str], str]:
        query = sa.select(table.c.tenant, table.c[key], table.c.label).where(table.c.label != OPEN)
        return {(row[0], row[1]): row[2] for row in connection.execute(query)}

    by_run: dict[str, list[Any]] = {}
    query = sa.select(versions).order_by(versions.c.name, versions.c.version)
    for row in connection.execute(query):
        by_run.setdefault(row.run_id, []).append(row)
    return Now(labels(nodes, "id"), labels(artifacts, "digest"), by_run)


def _looks(run: Any, told: list[dict[str, Any] | None], now: Now) -> Iterator[str]:
    """Bodies of the items by which the run, and the versions that it registered, are looked at again."""
    is_risen = None in told or any(
        label not in (OPEN, said) for said, label in _pairs(run, filter(None, told), now)
    )
    if is_risen:
        yield _body("run-relabelled", run_id=run.id, ministry=run.ministry, pipeline=run.pipeline)
    said = {
        (one["request"]["name"], one["version"]): _label(one["request"]["model"].get("label"))
        for one in filter(None, told)
        if one["type"] == "version-registered"
    }
    for version in now.versions.get(run.id, ()):
        if is_risen or version.label not in (OPEN, said.get((version.name, version.version))):
            named = {"name": version.name, "version": version.version, "ministry": version.ministry}
            yield _body("label-changed", run_id=run.id, **named)


def _pairs(run: Any, told: Iterable[dict[str, Any]], now: Now) -> Iterator[tuple[str, str]]:
    """What was said last of each thing of the run's, and the label that it carries."""
    of_run, of_stages, of_trees = OPEN, dict[str, str](), dict[str, str]()
    for one in told:
        if one["type"] in ("run-opened", "run-closed") and one.get("label") is not None:
            of_run = _label(one["label"])
        elif one["type"] == "stage-finished":
            of_stages[one["stage_id"]] = _label(one.get("label"))
            for tree in (*one.get("inputs", ()), *one.get("outputs", ())):
                of_trees[tree["ref"]["digest"]] = _label(tree["ref"].get("label"))
    yield of_run, run.label
    for stage, said in of_stages.items():
        yield said, now.stages.get((run.tenant, f"stage:{run.id}/{stage}"), OPEN)
    for digest, said in of_trees.items():
        yield said, now.trees.get((run.tenant, digest), OPEN)


def _read(body: str) -> dict[str, Any] | None:
    """None for what says nothing that can be read: then the run is looked at."""
    try:
        item: dict[str, Any] = json.loads(body)
        list(_pairs_of(item))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return item


def _pairs_of(item: dict[str, Any]) -> Iterator[str]:
    """Everything that is taken from an item."""
    yield item["type"]
    yield _label(item.get("label"))
    if item["type"] == "stage-finished":
        yield item["stage_id"]
        for tree in (*item.get("inputs", ()), *item.get("outputs", ())):
            yield tree["ref"]["digest"] + _label(tree["ref"].get("label"))
    if item["type"] == "version-registered":
        yield f"{item['request']['name']}/{item['version']}{_label(item['request']['model'].get('label'))}"


def _label(said: dict[str, Any] | None) -> str:
    if said is None:
        return OPEN
    return "/".join([said["grade"], *sorted(said["compartments"])])


def _body(type_: str, **fields: object) -> str:
    return json.dumps({"type": type_, **fields}, ensure_ascii=False, separators=(",", ":"))
