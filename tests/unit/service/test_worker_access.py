"""Workers of a run: each gets a token for its own attempt, which ends with it, and reads its own inputs alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from service_places import Place, drive
from small_plans import plan_of, stage
from sqlalchemy import select

from bongsu.domain.ids import AttemptId, Digest, StageId
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.problems import BongsuError
from bongsu.identity.attempt_tokens import LONGEST_LIFE_S, WORKING_LIFE_S
from bongsu.identity.authenticator import Authenticator
from bongsu.service.authenticating import open_authenticator
from bongsu.service.platform import Platform
from bongsu.service.signing_keys import KeyUse, list_keys, rotate_keys, signing_keys, withdraw_key
from bongsu.service.submitting import submit
from bongsu.service.worker_access import leave_to_read, passes_of, renewed_worker_token, worker_token
from bongsu.store.attempts import mark_started, request_attempt
from bongsu.store.schema_audit import audit_entries
from bongsu.store.stages import stages_of


class Workers:
    """Runs ``plan`` in which every worker, while it is under way, does what ``works`` says."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.platform = place.platform
        self.keys = signing_keys(place.folder, KeyUse.ATTEMPTS, place.platform.clock)
        self.door: Authenticator = open_authenticator(place.platform.database, [], self.keys)
        self.tokens: dict[str, str] = {}
        self.read: dict[str, list[Digest]] = {}

    def run(self, *stages: str, timeout: float | None = None) -> None:
        plan = plan_of(
            *(stage(name, *list(stages[:place][-1:]), timeout=timeout) for place, name in enumerate(stages))
        )
        self.place.fate = self._work
        run = submit(self.platform, plan).run
        drive(self.platform, [run.id])
        with self.platform.database.read() as connection:
            self.made = {one.stage_id: one.outputs["files"].digest for one in stages_of(connection, run.id)}

    def _work(self, attempt: AttemptId) -> None:
        token = self.token(attempt)
        self.tokens[attempt.stage_id] = token
        self.read[attempt.stage_id] = self._readable(self.door.actor(token, self.place.now))
        self.place.cluster.succeed(attempt)

    def token(self, attempt: AttemptId) -> str:
        return worker_token(self.platform.database, self.keys, attempt, self.place.now).token

    def _readable(self, actor: Actor) -> list[Digest]:
        """Of the trees that the run has made so far, those that this worker may read."""
        assert actor.attempt is not None
        with self.platform.database.read() as connection:
            done = stages_of(connection, actor.attempt.run_id)
        made = [tree.digest for one in done for tree in one.outputs.values()]
        return [digest for digest in made if self._may(actor, actor.attempt, digest)]

    def _may(self, actor: Actor, attempt: AttemptId, digest: Digest) -> bool:
        try:
            return leave_to_read(self.platform, actor, attempt, digest).permitted
        except BongsuError:
            return False

    def refusals(self) -> list[dict[str, object]]:
        with self.platform.database.read() as connection:
            entries = connection.execute(select(audit_entries.c.entry)).scalars()
            return [entry for entry in map(json.loads, entries) if entry["outcome"] == "refused"]


def requested(platform: Platform, timeout: float | None = None) -> AttemptId:
    """An attempt that the store has as asked for, of which no executor knows."""
    run = submit(platform, plan_of(stage("a", timeout=timeout))).run.id
    attempt = AttemptId(run_id=run, stage_id=StageId("a"), number=1)
    with platform.write() as connection:
        request_attempt(connection, attempt, platform.clock())
    return attempt


@pytest.fixture
def workers(place: Place) -> Workers:
    return Workers(place)


def test_each_worker_reads_what_its_stage_takes_and_nothing_else(workers: Workers) -> None:
    workers.run("a", "b", "c")
    assert workers.read == {"a": [], "b": [workers.made["a"]], "c": [workers.made["b"]]}
    (refused,) = workers.refusals()
    assert (refused["tenant"], refused["action"]) == ("mnd", "inputs.read")
    assert refused["facts"]["digest"] == workers.made["a"]  # type: ignore[index]


def test_a_token_ends_with_its_attempt(workers: Workers) -> None:
    workers.run("a")
    with pytest.raises(BongsuError, match=r"identity\.not-signed-in"):
        workers.door.actor(workers.tokens["a"], workers.place.now)


def test_a_worker_renews_its_token_while_it_works(workers: Workers) -> None:
    renewed: list[str] = []

    def fate(attempt: AttemptId) -> None:
        actor = workers.door.actor(workers.token(attempt), workers.place.now)
        renewed.append(renewed_worker_token(workers.platform, actor, attempt).token)
        assert workers.door.actor(renewed[0], workers.place.now) == actor
        workers.place.cluster.succeed(attempt)

    workers.place.fate = fate
    run = submit(workers.platform, plan_of(stage("a"))).run
    drive(workers.platform, [run.id])
    assert renewed
    attempt = AttemptId(run_id=run.id, stage_id=StageId("a"), number=1)
    for actor in (Actor("mnd/kim", "김"), Actor("mnd/bot", "bot", ActorKind.SERVICE)):
        with pytest.raises(BongsuError, match=r"identity\.worker-scope"):
            renewed_worker_token(workers.platform, actor, attempt)


def test_there_is_no_token_for_an_attempt_that_is_over_or_never_was(workers: Workers) -> None:
    workers.run("a")
    with workers.platform.database.read() as connection:
        run = connection.exec_driver_sql("SELECT id FROM runs").scalar_one()
    for number in (1, 2):
        with pytest.raises(BongsuError, match=r"run\.unknown-attempt"):
            workers.token(AttemptId(run_id=run, stage_id="a", number=number))
    with pytest.raises(BongsuError, match=r"run\.unknown"):
        workers.token(AttemptId(run_id="r-none", stage_id="a", number=1))


def test_a_token_holds_no_longer_than_the_attempt_may_take(workers: Workers) -> None:
    attempt = requested(workers.platform, timeout=60)
    waits = worker_token(workers.platform.database, workers.keys, attempt, workers.place.now)
    assert waits.lifetime == WORKING_LIFE_S, "from its begin"
    workers.door.actor(waits.token, workers.place.now + LONGEST_LIFE_S - 1)
    with workers.platform.write() as connection:
        mark_started(connection, attempt, workers.place.now)
    begun = workers.place.now
    for later, left in ((0, 60.0), (20, 40.0), (90, 0.0)):
        made = worker_token(workers.platform.database, workers.keys, attempt, begun + later)
        assert made.lifetime == left
    token = workers.token(attempt)
    workers.door.actor(token, begun + 59)
    with pytest.raises(BongsuError, match=r"identity\.not-signed-in"):
        workers.door.actor(token, begun + 60)


def test_a_pass_names_the_address_that_workers_are_told(workers: Workers) -> None:
    attempt = requested(workers.platform)
    clock = workers.platform.clock
    given = passes_of(workers.platform.database, workers.keys, clock, "http://127.0.0.1:8700/")(attempt)
    assert given.url == "http://127.0.0.1:8700"
    assert workers.door.actor(given.token, workers.place.now).attempt == attempt
    assert given.token not in repr(given)
    for url in ("", "127.0.0.1:8700", "ftp://host", "http://name:secret@host"):
        with pytest.raises(BongsuError, match=r"client\.bad-server-url"):
            passes_of(workers.platform.database, workers.keys, clock, url)


def test_keys_are_listed_rotated_and_withdrawn_without_being_told(tmp_path: Path) -> None:
    keys = signing_keys(tmp_path, KeyUse.ISSUER, lambda: 100.0)
    (first,) = list_keys(keys, KeyUse.ISSUER)
    assert (first.created_at, first.retired_at) == (100.0, None)
    old, newer = rotate_keys(keys, KeyUse.ISSUER)
    assert (old.id, old.retired_at, newer.retired_at) == (first.id, 100.0, None)
    assert withdraw_key(keys, KeyUse.ISSUER, old.id) == [newer]
    secret = json.loads(keys.path.read_text())["keys"][0]["key"]["d"]
    assert secret not in str(list_keys(keys, KeyUse.ISSUER))
