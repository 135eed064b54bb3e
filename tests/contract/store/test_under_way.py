"""What stages of runs under way ask for is what their plans say, of the runs that who asks may see."""

from __future__ import annotations

import pytest
from small_plans import plan_of, stage
from sqlalchemy import update
from store_places import NOW

from bongsu.domain.ids import RunId
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.plan import PlanNeeds
from bongsu.domain.problems import BongsuError
from bongsu.domain.resources import Resources
from bongsu.domain.run import RunState, StageState
from bongsu.domain.tenants import Tenant
from bongsu.store import under_way
from bongsu.store.database import Database
from bongsu.store.runs import create_run, raise_label
from bongsu.store.schema import runs, stages
from bongsu.store.scope import EVERYTHING, Scope
from bongsu.store.under_way import StageAsking, stages_asking

LARGE = Resources.model_validate({"workers": 2, "gpusPerWorker": 4, "memory": "32Gi"})
SMALL = Resources.model_validate({"cpusPerWorker": 3})
PLAN = plan_of(stage("a", resources=LARGE), stage("b", "a", resources=SMALL), stage("c"))
UNDER_WAY = (StageState.READY, StageState.RUNNING)


def begun(database: Database, run: str, ministry: str, label: Label = OPEN) -> None:
    """A run whose first two stages are under way; its plan is stored as those of all runs are."""
    metadata = PLAN.metadata.model_copy(update={"name": run, "ministry": ministry})
    with database.write(Scope.of(Tenant(ministry))) as connection:
        create_run(connection, RunId(run), PLAN.model_copy(update={"metadata": metadata}), NOW)
        raise_label(connection, RunId(run), label)
        connection.execute(update(runs).where(runs.c.id == run).values(state=RunState.RUNNING.value))
        for name, state in zip("ab", UNDER_WAY, strict=True):
            is_it = (stages.c.run_id == run) & (stages.c.stage_id == name)
            connection.execute(update(stages).where(is_it).values(state=state.value))


def asking(database: Database, scope: Scope = EVERYTHING) -> list[StageAsking]:
    with database.read(scope) as connection:
        return list(stages_asking(connection, UNDER_WAY))


def test_each_stage_asks_for_what_its_plan_says(database: Database) -> None:
    begun(database, "r-1", "mnd")
    first, second = asking(database)
    assert {(one.state, one.resources) for one in (first, second)} == {
        (StageState.READY, LARGE),
        (StageState.RUNNING, SMALL),
    }
    with database.write(EVERYTHING) as connection:
        connection.execute(update(runs).values(state=RunState.SUCCEEDED.value))
    assert asking(database) == [], "of a run that is over nothing is asked"


def test_only_runs_that_who_asks_may_see_are_looked_at(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "PLANS_AT_ONCE", 2)
    begun(database, "r-1", "mnd")
    begun(database, "r-2", "mnd", Label.parse("S"))
    begun(database, "r-3", "army")
    assert sorted(one.ministry for one in asking(database)) == ["army"] * 2 + ["mnd"] * 4
    assert [one.ministry for one in asking(database, Scope.of(Tenant("mnd")))] == ["mnd"] * 4
    assert [one.ministry for one in asking(database, Scope.of(Tenant("mnd"), OPEN))] == ["mnd"] * 2


@pytest.mark.parametrize("text", ["{", '{"stages": []}'])
def test_a_plan_that_cannot_be_read_is_told_with_its_run(database: Database, text: str) -> None:
    begun(database, "r-1", "mnd")
    with database.write(EVERYTHING) as connection:
        connection.execute(update(runs).values(plan=text))
    with pytest.raises(BongsuError, match="row of r-1 in the table runs") as caught:
        asking(database)
    assert caught.value.problems[0].code.name == "run.database-damaged"


def test_what_is_read_of_a_plan_is_what_the_whole_of_it_says() -> None:
    needs = PlanNeeds.model_validate_json(PLAN.model_dump_json(by_alias=True)).by_stage
    assert needs == {planned.id: planned.resources for planned in PLAN.stages}
