"""What the control plane records, and what the filter refuses, in a process of its own: prints findings as JSON."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

from governed_world import OPEN, SECRET, T0, TOLD, Told, _opened, settings, tell_everything

from bongsu.domain.publication import LabelChanged, RunClosed, SuspensionChanged
from bongsu.tracking.governed.publisher import GovernedPublisher, open_publisher


def main(home: Path, database: str) -> None:
    with open_publisher(settings(home, database)) as publisher:
        print(json.dumps(recorded(home, database, publisher)))


def recorded(home: Path, database: str, publisher: GovernedPublisher) -> dict[str, object]:
    tell_everything(home, database, publisher)
    once = _marks(database)
    tell_everything(home, database, publisher)
    rising = Told("risen", "mnd", "rising", OPEN, "none")
    publisher.publish([_opened(rising)])
    before = _marks(database)
    closed = RunClosed(
        run_id=rising.run_id,
        ministry="mnd",
        pipeline="rising",
        state="succeeded",
        label=SECRET,
        time=T0 + timedelta(hours=1),
    )
    publisher.publish([closed])
    try:
        publisher.publish([closed.model_copy(update={"ministry": ""})])
        without_ministry = "published"
    except ValueError as error:
        without_ministry = str(error)
    return {
        "once": once,
        "twice": [mark for mark in before if mark[1] != "rising"],
        "before": [mark for mark in before if mark[1] == "rising"],
        "after": [mark for mark in _marks(database) if mark[1] == "rising"],
        "without_ministry": without_ministry,
        "suspended": _suspended(publisher),
        "relabelled": _relabelled(publisher, database),
        "refused": _refusals(),
        "told": len(TOLD),
    }


def _relabelled(publisher: GovernedPublisher, database: str) -> dict[str, object]:
    """``axk1-deep`` has one version, labelled C; another ministry has none of this name."""
    from mlflow.exceptions import MlflowException

    lowered = LabelChanged(run_id="r-1", ministry="mnd", name="axk1-deep", version=1, label=SECRET)
    for _twice in range(2):
        publisher.publish([lowered])
    found = [mark[:4] for mark in _marks(database) if mark[1] in ("axk1-deep", "axk1-deep/1")]
    try:
        publisher.relabel_version("dapa", "axk1-deep", 1, OPEN)
        elsewhere = "relabelled"
    except MlflowException as error:
        elsewhere = error.error_code
    return {"marks": found, "elsewhere": elsewhere}


def _suspended(publisher: GovernedPublisher) -> list[str | None]:
    """What the tag of the version says after each time that it is told."""
    told = SuspensionChanged(run_id="r-1", ministry="mnd", name="axk1-deep", version=1)
    found = []
    for since in (1_700_000_000.0, 1_700_000_000.0, None, None):
        publisher.publish([told.model_copy(update={"suspended_at": since})])
        with publisher._writing("mnd"):
            version = publisher._client.get_model_version("axk1-deep", "1")
        found.append(version.tags.get("bongsu.suspended"))
    return found


def _marks(database: str) -> list[tuple[str, str, str, str, bool]]:
    """Kind, pipeline or name, ministry, label and whether it is sealed, of each mark."""
    from mlflow.server.handlers import _get_tracking_store
    from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlLoggedModel, SqlRun
    from sqlalchemy import select

    from bongsu.tracking.governed.marks import marks, scopes

    with _get_tracking_store().engine.connect() as connection:
        from bongsu.tracking.governed.viewer import Housekeeping, acting

        with acting(Housekeeping()):
            names = {
                str(n): name
                for n, name in connection.execute(select(SqlExperiment.experiment_id, SqlExperiment.name))
            }
            owners = {
                run: names[str(n)] for run, n in connection.execute(select(SqlRun.run_uuid, SqlRun.experiment_id))
            }
            models = select(SqlLoggedModel.model_id, SqlLoggedModel.experiment_id)
            owners |= {model: names[str(n)] for model, n in connection.execute(models)}
            rows = (
                connection.execute(select(marks, scopes).join(scopes, scopes.c.id == marks.c.scope))
                .mappings()
                .all()
            )
    return sorted(
        (
            row["kind"],
            names.get(row["thing"]) or owners.get(row["thing"]) or _known(row),
            row["workspace"],
            row["label"],
            row["sealed"],
        )
        for row in rows
    )


def _known(row: object) -> str:
    return "a data set" if row["kind"] == "dataset" else str(row["thing"])  # type: ignore[index]


def _refusals() -> dict[str, str]:
    """What becomes of statements that nobody asks, or that go around the ORM."""
    from mlflow.server.handlers import _get_tracking_store
    from mlflow.store.tracking.dbmodels.models import SqlEntityAssociation, SqlRun, SqlTag
    from mlflow.store.tracking.sqlalchemy_store import _bulk_upsert
    from sqlalchemy import select, text

    from bongsu.tracking.governed.viewer import Acting, Viewer, acting

    store = _get_tracking_store()
    viewer = Viewer("mnd/x", frozenset({"mnd"}), "mnd", SECRET, frozenset({"mnd"}), frozenset({"mnd"}))
    tag = {"key": "k", "value": "v", "run_uuid": "r"}
    link = SqlEntityAssociation(source_type="a", source_id="b", destination_type="c", destination_id="d")
    ways = {
        "orm": lambda session: session.query(SqlRun).all(),
        "core": lambda session: session.execute(select(SqlRun.__table__)).all(),
        "text": lambda session: session.execute(text("SELECT name FROM runs")).all(),
        "connection": lambda session: session.connection().execute(text("SELECT name FROM runs")).all(),
        "raw": lambda session: session.connection().exec_driver_sql('SELECT name FROM "runs"').all(),
        "union": lambda session: (
            session.connection().exec_driver_sql("SELECT 1 UNION SELECT name FROM runs r").all()
        ),
        "upsert": lambda session: _bulk_upsert(session, SqlTag, [tag]),
        "bulk": lambda session: session.bulk_save_objects([link]),
        "update": lambda session: session.connection().execute(text("UPDATE runs SET name = 'x'")),
    }
    found = {}
    for name, way in ways.items():
        for who, actor in (("nobody", None), ("viewer", Acting(viewer, "mnd"))):
            try:
                if actor is None:
                    with store.ManagedSessionMaker(read_only=False) as session:
                        way(session)
                else:
                    with acting(actor), store.ManagedSessionMaker(read_only=False) as session:
                        way(session)
                found[f"{who} {name}"] = "answered"
            except Exception as error:
                found[f"{who} {name}"] = type(error).__name__
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
