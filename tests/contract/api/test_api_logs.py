"""What the stages of a run wrote: found once however many there are, and read by who still may."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_places import ApiPlace
from governed_places import STAFF
from live_api import served
from service_places import drive
from simulated_executor import SimulatedExecutor
from small_plans import plan_of, stage

from bongsu.api import followers
from bongsu.domain.ids import AttemptId, RunId
from bongsu.domain.labels import Label
from bongsu.domain.tenants import Tenant
from bongsu.service.here import Here
from bongsu.service.submitting import submit
from bongsu.store.people import disable_person, set_clearance
from bongsu.store.runs import raise_label

SOON_S = 20.0


class Scribe(SimulatedExecutor):
    """Each attempt wrote two lines. ``between`` is called when one of them has been read, with its number of all."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.between: Callable[[int], None] = lambda _count: None
        self._count = 0

    def logs(
        self, attempt: AttemptId, follow: bool = False, goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[str]:
        for text in ("begins", "ends"):
            yield f"{attempt.stage_id} {attempt.number} {text}"
            self._count += 1
            self.between(self._count)


class LogPlace(ApiPlace):
    """Whose attempts wrote something."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.permit_use()
        self.scribe = Scribe(self.cluster)
        base = replace(self.plane.base, executor=lambda: self.scribe)
        self.plane = self.app.state.plane = replace(self.plane, base=base)

    def ended(self, count: int, label: Label | None = None) -> RunId:
        """A run of so many stages that is over; the second stage was tried twice."""
        names = [f"s{number}" for number in range(count)]
        changes = {"label": label} if label else {}
        # Of each count other work, of which nothing is cached.
        stages = (stage(name, retries=1, params={"text": f"{name} of {count}"}, **changes) for name in names)
        plan = plan_of(*stages, name=f"checks-{count}")
        metadata = plan.metadata.model_copy(update={"ministry": STAFF["kim"][0]})
        made = plan.model_copy(update={"metadata": metadata, "floor": label or plan.floor})
        self.fate = self._once_broken
        run = submit(self.plane.of_tenant(self.actor("kim"), Tenant("mnd")), made).run.id
        drive(self.platform, [run])
        return run

    def _once_broken(self, attempt: AttemptId) -> None:
        is_broken = (attempt.stage_id, attempt.number) == ("s1", 1)
        (self.cluster.fail if is_broken else self.cluster.succeed)(attempt)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[LogPlace]:
    made = LogPlace(tmp_path)
    yield made
    made.close()


def lines(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [json.loads(line)["line"] for line in response.text.splitlines()]


def test_the_newest_attempt_of_each_stage_is_read_in_the_plans_order(place: LogPlace) -> None:
    run = place.ended(3)
    newest = [("s0", 1), ("s1", 2), ("s2", 1)]
    told = [f"{name} {number} {text}" for name, number in newest for text in ("begins", "ends")]
    assert lines(place.ask("kim", "GET", f"/v1/runs/{run}/logs")) == told
    for query, number in (("", 2), ("?attempt=1", 1), ("?attempt=2", 2)):
        found = lines(place.ask("kim", "GET", f"/v1/runs/{run}/stages/s1/logs{query}"))
        assert found == [f"s1 {number} begins", f"s1 {number} ends"]
    refused = place.ask("kim", "GET", f"/v1/runs/{run}/stages/s1/logs?attempt=3")
    assert (refused.status_code, refused.json()["code"]) == (404, "run.unknown-attempt")


@pytest.mark.parametrize("path", ["logs", "stages/s1/logs"])
def test_logs_of_fifty_stages_are_as_many_statements_as_those_of_five(place: LogPlace, path: str) -> None:
    numbers = {}
    for count in (5, 50):
        run = place.ended(count)
        place.ask("kim", "GET", f"/v1/runs/{run}/{path}")  # that somebody reads is on record once
        with place.asked() as statements:
            found = lines(place.ask("kim", "GET", f"/v1/runs/{run}/{path}"))
        assert len(found) == (2 * count if path == "logs" else 2)
        numbers[count] = len(statements)
        assert len([one for one in statements if 'runs."plan" FROM' in one]) == 1, "the plan is read once"
    assert numbers[50] == numbers[5]


def test_a_home_asks_as_many_statements_for_the_logs_of_many_stages(place: LogPlace) -> None:
    here = Here(replace(place.platform, executor=lambda: place.scribe))
    numbers = {}
    for count in (5, 50):
        run = place.ended(count)
        stages = [one.planned.id for one in here.show(run).stages]
        with place.asked() as statements:
            found = list(here.lines(run, stages))
        assert [one.stage_id for one in found] == [name for name in stages for _line in range(2)]
        numbers[count] = len(statements)
    assert numbers[50] == numbers[5]


@pytest.mark.parametrize("change", ["disabled", "lower", "raised"])
def test_who_may_no_longer_reads_no_more_of_what_was_found(
    place: LogPlace, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(followers, "LOOK_AGAIN_S", 0.0)
    run = place.ended(20, Label.parse("S"))
    changed = threading.Event()

    def lose(count: int) -> None:
        if count != 4:
            return
        with place.platform.database.write() as connection:
            person = place.actor("kim").id
            if change == "disabled":
                disable_person(connection, person, 1.0)
            elif change == "lower":
                set_clearance(connection, person, Label.parse("O"))
            else:
                set_clearance(connection, person, Label.parse("S"))
                raise_label(connection, run, Label.parse("C"))
        changed.set()

    place.scribe.between = lose
    came: list[str] = []
    with served(place) as url:
        address, headers = f"{url}/v1/runs/{run}/logs", {"Authorization": "Bearer kim"}
        with httpx.stream("GET", address, headers=headers, timeout=SOON_S, trust_env=False) as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                came.extend(answer.iter_lines())
    assert changed.is_set()
    assert len(came) == 4, "what comes after is not theirs, and what came is no whole log"
