"""MLflow for the crowd of ``oracle_world``, in a process of its own: prints how many pairs were judged there.

Each thing has a run and a model version of its own in MLflow, written straight into its tables: how they come there,
and which marks they get, is tried elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from governed_ids import A2
from oracle_world import MINISTRIES, Pairs, Person, Size, Thing, World
from sqlalchemy import Connection, create_engine, insert, select
from starlette.testclient import TestClient

from bongsu.service.mlflow_mount import mounted, settings_of
from bongsu.tracking.governed import marks
from bongsu.tracking.governed.marks import Kind
from bongsu.tracking.governed.viewer import Housekeeping, acting

SIZE = Size(people=32, things=320, grants=0, shares=36, has_bytes=False)
MOST = 400
"""Versions that MLflow lists at once."""


class Crowd:
    def __init__(self, home: Path, database: str) -> None:
        self.world = World(home, SIZE)
        given = settings_of(self.world.platform, database)
        self._undo = ExitStack()
        self.http = TestClient(self._undo.enter_context(mounted(self.world.plane, given)))
        from bongsu.tracking.governed.stores import ensure_workspaces  # MLflow is imported when it is mounted

        ensure_workspaces(MINISTRIES)
        engine = create_engine(database)
        with acting(Housekeeping()), engine.begin() as connection:
            self.experiments = {ministry: self._experiment(connection, ministry) for ministry in MINISTRIES}
            for thing in self.world.things:
                self._put(connection, thing)
        engine.dispose()

    def close(self) -> None:
        self._undo.close()

    def _experiment(self, connection: Connection, ministry: str) -> int:
        from mlflow.store.tracking.dbmodels.models import SqlExperiment

        table = SqlExperiment.__table__
        connection.execute(
            insert(table).values(name=f"of {ministry}", workspace=ministry, lifecycle_stage="active")
        )
        of_it = (table.c.name == f"of {ministry}") & (table.c.workspace == ministry)
        return int(connection.execute(select(table.c.experiment_id).where(of_it)).scalar_one())

    def _put(self, connection: Connection, thing: Thing) -> None:
        from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlRegisteredModel
        from mlflow.store.tracking.dbmodels.models import SqlRun

        number = self.experiments[thing.ministry]
        run = {"run_uuid": f"{thing.number:032d}", "name": thing.run, "experiment_id": number, "user_id": "x"}
        run |= {"status": "FINISHED", "lifecycle_stage": "active", "artifact_uri": "mlflow-artifacts:/x"}
        connection.execute(insert(SqlRun.__table__).values(**run, source_type="LOCAL", start_time=1, end_time=2))
        name = {"name": f"model-{thing.number}", "workspace": thing.ministry}
        connection.execute(
            insert(SqlRegisteredModel.__table__).values(**name, creation_time=1, last_updated_time=1)
        )
        version = {"version": 1, "creation_time": 1, "last_updated_time": 1, "status": "READY"}
        connection.execute(insert(SqlModelVersion.__table__).values(**name, **version, current_stage="None"))
        scope = marks.scope_of(connection, thing.ministry, thing.label)
        marks.put(connection, Kind.EXPERIMENT, str(number), scope)
        marks.put(connection, Kind.RUN, run["run_uuid"], scope)
        marks.put(connection, Kind.MODEL, name["name"], scope)
        marks.put(connection, Kind.VERSION, f"{name['name']}/1", scope)

    def ask(self, person: Person, ministry: str, method: str, path: str, **rest: Any) -> Any:
        """What is answered; nothing where the workspace is not there for them, or nobody of theirs looks at runs."""
        headers = {"Authorization": f"Bearer {person.name}", "X-MLFLOW-WORKSPACE": ministry}
        answer = self.http.request(method, f"{A2}{path}", headers=headers, **rest)
        assert answer.status_code in (200, 403, 404), answer.text
        return answer.json() if answer.status_code == 200 else {}

    def runs(self, person: Person, ministry: str) -> Iterable[int]:
        asked = {"experiment_ids": [str(self.experiments[ministry])], "max_results": 1000}
        found = self.ask(person, ministry, "POST", "/runs/search", json=asked)
        return (int(one["info"]["run_id"]) for one in found.get("runs", []))

    def versions(self, person: Person, ministry: str) -> Iterable[int]:
        found = self.ask(person, ministry, "GET", "/model-versions/search", params={"max_results": MOST})
        assert "next_page_token" not in found, "one page has them all"
        return (int(one["name"].rpartition("-")[2]) for one in found.get("model_versions", []))

    def alone(self, person: Person, thing: Thing) -> bool:
        asked = {"run_id": f"{thing.number:032d}"}
        return bool(self.ask(person, thing.ministry, "GET", "/runs/get", params=asked))


def main(home: Path, database: str) -> None:
    crowd = Crowd(home, database)
    world, pairs = crowd.world, Pairs()
    for person in world.people:
        runs = {(one, number) for one in MINISTRIES for number in crowd.runs(person, one)}
        versions = {(one, number) for one in MINISTRIES for number in crowd.versions(person, one)}
        for thing in world.things:
            here = thing.ministry, thing.number
            pairs.judge(person, thing, here in runs, person.finds(thing), "runs")
            pairs.judge(person, thing, here in versions, person.sees(thing, "model", world.shares), "versions")
        assert runs | versions <= {(one.ministry, one.number) for one in world.things}
        for thing in world.things[:: len(world.things) // 2]:
            pairs.judge(person, thing, crowd.alone(person, thing), person.finds(thing), "alone")
    crowd.close()
    pairs.are_enough(10_000)
    print(json.dumps({"seen": len(pairs.seen), "judged": len(pairs.seen | pairs.hidden)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
