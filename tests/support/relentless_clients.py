"""Clients that write all the time and note what was acknowledged: each request is sent, to whichever replica, until
there is an answer, and each has a number that stands in the log of what was done."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from governed_places import DAY, SENSITIVE, GovernedPlace
from replicas import Answer, Site
from sqlalchemy import select, update

from bongsu.domain.documents import iso_time
from bongsu.domain.ids import RunId
from bongsu.store.database import Database
from bongsu.store.schema import model_versions, runs, stages
from bongsu.store.schema_audit import audit_entries

MODELS = 12
PAUSE_S = 0.06
# A run that is being cancelled waits for a leader that lives for long enough.
PATIENCE_S = 180.0


@dataclass(frozen=True)
class Deed:
    """Something that was answered.

    Attributes:
        number: what the ids of its requests begin with.
        action: what the log calls it.
        body: of the request.
    """

    number: str
    action: str
    path: str
    body: Any
    answer: Answer


@dataclass
class Ledger:
    """What was acknowledged, by all clients.

    Attributes:
        runs: those that were submitted, by the key of the request.
        errors: why a client stopped.
    """

    deeds: list[Deed] = field(default_factory=list)
    runs: dict[str, RunId] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)

    @property
    def repeated(self) -> int:
        """How many requests had to be sent more than once."""
        return sum(deed.answer.tries > 1 for deed in self.deeds)


Round = Callable[["Client", int], None]


class Client:
    """One of them, a thread. ``chance`` is its own, so that what it does is the same for the same seed."""

    def __init__(self, site: Site, ledger: Ledger, name: str, act: Round, seed: int) -> None:
        self.site, self.ledger, self.name = site, ledger, name
        self.chance = random.Random(f"{name} {seed}")
        self._act = act
        self._numbers = itertools.count(1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Finish what is under way."""
        self._over.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), f"{self.name} waits for ever"

    def pause(self) -> None:
        self._over.wait(self.chance.uniform(0, PAUSE_S))

    def do(self, person: str, action: str, path: str, body: Any = None) -> Answer:
        """Ask for a change until there is an answer; that is acknowledged."""
        number = f"{self.name}-{next(self._numbers):05d}"
        headers = {"Idempotency-Key": number}
        answer = self.site.ask(person, "POST", path, body, headers=headers, number=number, chance=self.chance)
        self.ledger.deeds.append(Deed(number, action, path, body, answer))
        self.pause()
        return answer

    def must(self, person: str, action: str, path: str, body: Any = None) -> Any:
        """As :meth:`do`, for what nobody refuses."""
        answer = self.do(person, action, path, body)
        assert answer.is_done, f"{action}: {answer}"
        return answer.document

    def _run(self) -> None:
        try:
            for number in itertools.count(1):
                if self._over.is_set():
                    return
                self._act(self, number)
        except BaseException as error:
            self.ledger.errors.append(error)


def submits(client: Client, number: int) -> None:
    """Runs; some are cancelled, of these some resumed, and some submits come again."""
    site, key, name = client.site, f"{client.name}-run-{number}", f"{client.name}-{number}"
    number_of_request = f"{client.name}-submit-{number:05d}"
    answer = site.submit(name, key, number=number_of_request, chance=client.chance)
    run = site.run_id(answer)
    client.ledger.runs[key] = run
    client.ledger.deeds.append(Deed(number_of_request, "run.submit", "/v1/runs", None, answer))
    client.pause()
    if client.chance.random() < 0.4:
        cancelled = client.do("kim", "run.cancel", f"/v1/runs/{run}/cancel")
        assert cancelled.is_done or cancelled.code == "run.not-cancellable", cancelled
        wants_it = cancelled.is_done and client.chance.random() < 0.6
        # One whose last stage was done at that moment has succeeded.
        if wants_it and site.await_end(run, "cancelled", "succeeded", within_s=PATIENCE_S) == "cancelled":
            client.must("kim", "run.resume", f"/v1/runs/{run}/resume")
    if client.chance.random() < 0.3:
        site.await_end(run, "cancelled", "succeeded", within_s=PATIENCE_S)
        again = site.submit(name, key, number=f"{number_of_request}-again", chance=client.chance)
        assert (site.run_id(again), again.document["created"]) == (run, False), again


def registers(client: Client, number: int) -> None:
    """Data sets, and what they may be used for, and who may see them."""
    name, ends = f"data-{number}", iso_time(client.site.place.now + 90 * DAY)
    uri, begins = f"artifact:{client.site.place.law}", iso_time(client.site.place.now)
    client.must("dc", "dataset.add", "/v1/ministries/mnd/datasets", {"name": name, "uri": uri})
    wish = {"ministry": "mnd", "name": name, "version": 1, "useClasses": ["administration"], "reason": "Public"}
    times = {"beginsAt": begins, "endsAt": ends}
    permit = client.must(
        "dc", "permit.give-data", "/v1/data-permits", {**wish, **times, "card": "https://example.org"}
    )
    share = {"object": f"dataset:{name}/1", "giver": "mnd", "ministry": "army", "purpose": "administration"}
    given = client.must("dc", "permit.give-access", "/v1/access-permits", {**share, **times, "reason": "As agreed"})
    if number % 2:
        path = f"/v1/ministries/mnd/data-permits/{permit['id']}/revoke"
        client.must("dc", "permit.revoke-data", path, {"reason": "Its licence ended"})
        client.must("dc", "permit.revoke-access", f"/v1/ministries/mnd/access-permits/{given['id']}/revoke")


def decides(client: Client, number: int) -> None:
    """Models are proposed, and approved by two, or rejected; labels are lowered."""
    if number <= MODELS:
        lowered = f"model:secret-{number}/1"
        body = {"ministry": "mnd", "kind": "downgrade", "object": lowered, "target": "O", "reason": "Declassified"}
        proposed = client.must("dc", "approval.propose", "/v1/approvals", body)
    else:
        target = f"alias-{number}"
        body = {"ministry": "mnd", "kind": "promotion", "object": f"model:good-{number % MODELS + 1}/1"}
        until = {"evidenceEndsAt": iso_time(client.site.place.now + 60 * DAY)}
        body |= {"target": target, "reason": "It is better", **until}
        proposed = client.must("lee", "approval.propose", "/v1/approvals", body)
    path, vote = f"/v1/ministries/mnd/approvals/{proposed['id']}", {"digest": proposed["digest"]}
    if number % 5 == 0:
        client.must("ann", "approval.reject", f"{path}/reject", vote | {"reason": "Not good enough"})
        return
    for person in client.chance.sample(["ann", "bae", "cho"], 2):
        client.must(person, "approval.approve", f"{path}/approve", vote)
    who = "dc" if number <= MODELS else "lee"
    done = client.must(who, "approval.carry-out", f"{path}/apply")
    assert done["state"] == "carried-out", done


def pays(client: Client, number: int) -> None:
    """Grants are given, corrected, and closed."""
    grant, begins = f"nap-{client.name}-{number}", client.site.place.now
    order = {"id": grant, "giver": "mnd", "receiver": "army", "programme": "nap", "accelerator": "H100"}
    times = {"gpuHours": 100.0, "begins": begins, "ends": begins + 90 * DAY}
    client.must("lee", "grant.give", "/v1/grants", order | times)
    for hours in (10, -5):
        body = {"gpuHours": hours, "reason": "As agreed"}
        client.must("lee", "grant.adjust", f"/v1/grants/{grant}/adjust", body)
    if number % 3 == 0:
        client.must("lee", "grant.close", f"/v1/grants/{grant}/close", {"reason": "Used up"})


def permits(client: Client, number: int) -> None:
    """Uses are registered and withdrawn; a model is stopped now and then."""
    begins, ends = client.site.place.now, client.site.place.now + 90 * DAY
    body = {
        "ministry": "mnd",
        "useClass": "medical-support",
        "tier": "I",
        "statement": f"Draft letters of kind {number}",
        "conditions": "",
        "owner": "lee",
        "evidence": "https://example.org",
        "evidenceAt": iso_time(begins),
        "beginsAt": iso_time(begins),
        "endsAt": iso_time(ends),
    }
    use = client.must("acc", "use.register", "/v1/uses", body)
    path = f"/v1/ministries/mnd/uses/{use['id']}/withdraw"
    client.must("acc", "use.withdraw", path, {"reason": "Nobody needs it"})
    if number <= MODELS:
        stop = {"ministry": "mnd", "name": f"bad-{number}", "version": 1, "reason": "It says what it should not"}
        client.must("acc", "model.suspend", "/v1/suspensions", stop)


ROUNDS: dict[str, Round] = {
    "kim-one": submits,
    "kim-two": submits,
    "data": registers,
    "approvals": decides,
    "grants": pays,
    "uses": permits,
}


def sow(place: GovernedPlace) -> None:
    """What clients need to be there."""
    place.permit_use()
    place.permit_data()
    for number in range(1, MODELS + 1):
        for name, label in (("good", None), ("bad", None), ("secret", SENSITIVE)):
            place.register(f"{name}-{number}", **({} if label is None else {"label": label}))
    with place.platform.write() as connection:
        # The runs that made the models ended long ago: nobody is to drive them.
        ended = {"state": "succeeded", "started_at": place.now, "finished_at": place.now}
        connection.execute(update(runs).values(ended | {"open_key": None}))
        connection.execute(update(stages).values(ended))


def made_models(database: Database) -> set[RunId]:
    """The runs that :func:`sow` made models of."""
    with database.read() as connection:
        return set(map(RunId, connection.execute(select(model_versions.c.run_id)).scalars()))


def check_acknowledged(site: Site, ledger: Ledger) -> None:
    """What was answered with yes was done once, and what was answered with no was not done."""
    entries = Counter((action, request.rpartition(".")[0]) for action, request, _object in _done(site))
    for deed in ledger.deeds:
        if not deed.action.startswith("grant."):  # entries on grants carry no request
            found = entries[deed.action, deed.number]
            assert found == (1 if deed.answer.is_done else 0), f"{deed} was done {found} times"
    _check_grants(site, ledger)
    with site.database.read() as connection:
        by_name = Counter(
            connection.execute(select(runs.c.pipeline).where(runs.c.pipeline.like("kim-%"))).scalars()
        )
    for key, run in ledger.runs.items():
        assert by_name[key.replace("-run-", "-")] == 1, (
            f"{key} ({run}) has {by_name[key.replace('-run-', '-')]} runs"
        )


def _done(site: Site) -> Iterator[tuple[str, str, str]]:
    """Action, request and object of everything in the log of MND that was not refused."""
    query = select(audit_entries).where(audit_entries.c.tenant == "mnd", audit_entries.c.outcome == "done")
    with site.database.read() as connection:
        for row in connection.execute(query):
            yield row.action, json.loads(row.entry)["request"], row.object


def _check_grants(site: Site, ledger: Ledger) -> None:
    """Each grant has what its acknowledged entries come to, and the log tells of each once."""
    wanted: Counter[str] = Counter()
    acts: Counter[tuple[str, str]] = Counter()
    for deed in ledger.deeds:
        if deed.action.startswith("grant."):
            grant = deed.body["id"] if deed.action == "grant.give" else deed.path.split("/")[3]
            wanted[grant] += deed.body.get("gpuHours", 0)
            acts[deed.action, f"grant:{grant}"] += 1
    told = Counter((action, object_) for action, _request, object_ in _done(site) if action.startswith("grant."))
    assert told == acts
    for grant, hours in wanted.items():
        found = site.ask("lee", "GET", f"/v1/grants/{grant}").document
        assert found["grant"]["given"]["gpuHours"] == hours, f"{grant}: {found}, not {hours}"
