"""The API over a place where there is something of every kind, in two ministries; and people who look at it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from governed_places import DAY, SECRET, SENSITIVE
from worker_places import WorkerPlace, reading

from bongsu.domain.approval import ProposalKind
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.uses import UseClass
from bongsu.service.governance.access_permits import AccessRequest, give_access
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import propose
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.service.grants.giving import Order, give
from bongsu.store.database import Database

SEVERAL = "boss"
"""Is everything in MND, cleared for everything."""
FOREIGN = "army-boss"
"""The same in the army."""
UNCLEARED = "low"
"""Is everything in MND, cleared for what is open."""
SERVICE = "robot"
"""A service account that is everything in MND."""
NOWHERE = "nobody-yet"
"""Can sign in, and is nothing anywhere."""


class FilledPlace(WorkerPlace):
    """Everything that is MND's is labelled S or C, so that nothing of it is there for :data:`UNCLEARED`, but for the
    model ``plain``.

    Attributes:
    known: for each name in the address of a route: values that there are.
    worker: token of the worker of a live attempt.
    """

    def __init__(self, folder: Path, database: Database | None = None) -> None:
        super().__init__(folder, database)
        self._looking = {SEVERAL, FOREIGN, UNCLEARED, SERVICE, NOWHERE}
        self._add_people()
        self.add_dataset("secret-law", self.tree("secret law"), SENSITIVE)
        data_permit = self.permit_data(name="secret-law")
        self.register("axk1", 1, label=SECRET)
        self.register("plain", 1)
        self.register("stopped", 1, label=SENSITIVE)
        self.register("army-model", 1, submitter="army-eng", ministry="army")
        self.register("carried-out", 1, label=SECRET)
        run = self.run_of("kim", "secret-run", SECRET)
        self.attempt = self.launched(reading(self.tree("secret law"), SENSITIVE))
        self.worker = self.token(self.attempt)
        digest = self.register("axk1", 2, label=SECRET)
        self.known = {
            "run": [run, str(self.attempt.run_id)],
            "stage": ["a"],
            "number": ["1"],
            "ministry": ["mnd", "army"],
            "digest": [str(digest), str(self.tree("secret law"))],
            "path": ["file.txt"],
            "use": [self.permit_use(days=200).id],
            "permit": [data_permit, self._share()],
            "proposal": self._proposals(),
            "grant": [self._grant("nap-mnd", "mnd", "mnd")],
            "position": ["0", "1"],
            "home": ["mnd"],
            "name": ["robot"],
            "secret": ["secret-1"],
            "model": ["axk1"],
            "dataset": ["secret-law"],
            "version": ["1"],
            "uses": ["train.continue"],
        }
        self.promoted("model:carried-out/1")
        self._transferred("model:axk1/1", "army")
        suspend(self.platform, self.actor("acc"), StopRequest("mnd", "stopped", None, "It leaks"))

    def identify(self, token: str) -> Actor:
        return self.actor(token) if token in self._looking else super().identify(token)

    def _add_people(self) -> None:
        for person, ministry, clearance, kind in (
            (SEVERAL, "mnd", SECRET, ActorKind.PERSON),
            (FOREIGN, "army", SECRET, ActorKind.PERSON),
            (UNCLEARED, "mnd", OPEN, ActorKind.PERSON),
            (SERVICE, "mnd", SECRET, ActorKind.SERVICE),
        ):
            first, *others = Role
            self.add_person(person, ministry, first, clearance, kind)
            for role in others:
                self.add_role(person, ministry, role)
        self.add_account(NOWHERE)
        self.add_account("mnd/robot", SECRET, ActorKind.SERVICE)

    def _share(self) -> str:
        wanted = AccessRequest(
            object="model:plain/1",
            giver="mnd",
            ministry="army",
            purpose=UseClass.ADMINISTRATION,
            begins_at=self.now,
            ends_at=self.now + 30 * DAY,
            reason="They asked for it",
        )
        return give_access(self.platform, self.actor("dc"), wanted).id

    def _proposals(self) -> list[str]:
        first, second = (
            propose(self.platform, self.actor("lee"), self.wish(f"model:axk1/{version}")) for version in (1, 2)
        )
        for person in ("ann", "bae"):
            approve(self.platform, self.actor(person), second.id, second.binding.digest)
        return [first.id, second.id]

    def _transferred(self, model: str, target: str) -> None:
        wanted = replace(self.wish(model, target), kind=ProposalKind.TRANSFER)
        made = propose(self.platform, self.actor("lee"), wanted)
        for person in ("ann", "bae"):
            approve(self.platform, self.actor(person), made.id, made.binding.digest)
        carry_out(self.platform, self.actor("lee"), made.id)

    def _grant(self, name: str, giver: str, receiver: str) -> str:
        order = Order(
            id=name,
            giver=giver,
            receiver=receiver,
            programme="nap",
            accelerator="H100",
            gpu_hours=100.0,
            begins=self.now,
            ends=self.now + 30 * DAY,
        )
        return give(self.of(giver), self.actor(SEVERAL if giver == "mnd" else FOREIGN), order).id
