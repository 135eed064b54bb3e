"""A crowd, its ministries and what these have, with a rule of who finds what that was written down apart from the code.

Who is something in a ministry, other than its operator, finds what is the ministry's, if their clearance is of the
thing's grade at least, with all of its compartments. Artifacts are for engineers, custodians and accreditors, logs for
engineers; a grant is there for both of its ministries. Everything else is not there: 404 for one thing, absent from
lists, counts and searches. A model or a data set that an access permit names is there as well for who is something in
the ministry that got it, while the permit holds, up to the same clearance; under its giver's name, and with its bytes.
Who finds a thing and lacks the role is told so: 403.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from api_places import ApiPlace
from grant_places import order
from small_plans import plan_of, stage
from sqlalchemy import Connection, insert

from bongsu.domain.approval import ApprovalState, Binding, Proposal, ProposalKind
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.data_permits import DatasetPermit, SharedObject
from bongsu.domain.ids import Digest, RunId, StageId, digest_of
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.people import Actor, Role
from bongsu.domain.run import StageState
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import Evidence, PermittedUse, Tier
from bongsu.domain.uses import UseClass
from bongsu.store import artifacts, datasets, grants, lineage, models, permits, permitted_uses, proposals, runs
from bongsu.store.database import Database
from bongsu.store.lineage import Edge, Node
from bongsu.store.node_ids import artifact_node, version_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.schema_people import memberships, ministries
from bongsu.store.scope import Scope
from bongsu.store.stages import StageMove, move_stage

MINISTRIES = ("mnd", "army", "navy", "dapa")
COMPARTMENTS = ("air", "log", "sig")
GRADES = ("O", "S", "III", "II", "I", "C")
ROLES = tuple(role.value for role in Role)
FILES_FOR = {"engineer", "data-custodian", "accreditor"}


@dataclass(frozen=True)
class Thing:
    """A run, and a model, a data set, an artifact, a permit of its data and a proposal, all of one label."""

    number: int
    ministry: str
    grade: str
    compartments: frozenset[str]
    digest: str

    @property
    def run(self) -> str:
        return f"r-{self.number:012d}"

    @property
    def label(self) -> Label:
        return Label(grade=Grade(self.grade), compartments=self.compartments)


@dataclass(frozen=True)
class Share:
    """An access permit: of a thing's ``model`` or ``dataset``, which ``holds`` or did, or will."""

    thing: Thing
    kind: str
    ministry: str
    holds: bool

    @property
    def object(self) -> str:
        name = {"model": "model", "dataset": "data"}[self.kind]
        return f"{self.kind}:{name}-{self.thing.number}/1"

    @property
    def address(self) -> str:
        return self.object.replace(":", f"s://{self.thing.ministry}/", 1)


@dataclass(frozen=True)
class Person:
    name: str
    roles: dict[str, frozenset[str]]
    grade: str
    compartments: frozenset[str]

    # -- the rule ----------------------------------------------------------------------------------------------

    def looks_in(self, ministry: str) -> bool:
        return bool(self.roles.get(ministry, frozenset()) - {"operator"})

    def clears(self, thing: Thing) -> bool:
        return GRADES.index(self.grade) >= GRADES.index(thing.grade) and thing.compartments <= self.compartments

    def finds(self, thing: Thing) -> bool:
        return self.looks_in(thing.ministry) and self.clears(thing)

    def sees(self, thing: Thing, kind: str, shares: list[Share]) -> bool:
        return self.finds(thing) or (
            any(
                (one.thing, one.kind, one.holds) == (thing, kind, True) and self.looks_in(one.ministry)
                for one in shares
            )
            and self.clears(thing)
        )

    def status_of_shared(self, share: Share, roles: set[str]) -> int:
        mine = self.roles.get(share.ministry, frozenset())
        if not mine or not mine & roles:
            return 403 if mine else 404
        return 200 if share.holds and self.clears(share.thing) else 404

    def status_of_run(self, thing: Thing) -> int:
        return 200 if self.finds(thing) else 404

    def status_of_logs(self, thing: Thing) -> int:
        if not self.finds(thing):
            return 404
        return 200 if "engineer" in self.roles[thing.ministry] else 403

    def status_in_ministry(self, thing: Thing, roles: set[str]) -> int:
        mine = self.roles.get(thing.ministry, frozenset())
        if not mine:
            return 404
        if not mine & roles:
            return 403
        return 200 if self.clears(thing) else 404

    def status_of_files(self, thing: Thing) -> int:
        return self.status_in_ministry(thing, FILES_FOR)

    def status_of_model(self, thing: Thing) -> int:
        return self.status_in_ministry(thing, set(ROLES) - {"operator"})

    def status_of_proposal(self, thing: Thing) -> int:
        if not self.roles.get(thing.ministry) or not self.clears(thing):
            return 404
        return 200 if self.looks_in(thing.ministry) else 403


@dataclass(frozen=True)
class Size:
    """How many there are of each; and whether the things have bytes that somebody could read."""

    people: int
    things: int
    grants: int
    shares: int
    has_bytes: bool = True


class World(ApiPlace):
    """Four ministries with things of all labels, and people of all kinds."""

    def __init__(self, folder: Path, size: Size, database: Database | None = None) -> None:
        super().__init__(folder, database)
        chance = random.Random(11)

        def some(of: tuple[str, ...], least: int = 0) -> frozenset[str]:
            return frozenset(chance.sample(of, chance.randint(least, len(of))))

        self.people = [
            Person(
                f"person-{number}",
                {one: frozenset(chance.sample(ROLES, chance.randint(1, 2))) for one in sorted(some(MINISTRIES))},
                chance.choice(GRADES),
                some(COMPARTMENTS),
            )
            for number in range(size.people)
        ]
        self.things = [
            Thing(
                number,
                chance.choice(MINISTRIES),
                chance.choice(("O", *GRADES)),
                some(COMPARTMENTS) if chance.random() < 0.5 else frozenset(),
                self.tree(f"thing {number}") if size.has_bytes else digest_of(f"thing {number}".encode()),
            )
            for number in range(size.things)
        ]
        self.parties = {
            f"grant-{number}": (chance.choice(MINISTRIES), chance.choice(MINISTRIES))
            for number in range(size.grants)
        }
        self.shares = [self._share(chance) for _ in range(size.shares)]
        self._fill()

    @staticmethod
    def _other(chance: random.Random, ministry: str) -> str:
        return chance.choice([one for one in MINISTRIES if one != ministry])

    def _share(self, chance: random.Random) -> Share:
        thing = chance.choice(self.things)
        kind = chance.choice(("model", "dataset"))
        return Share(thing, kind, self._other(chance, thing.ministry), chance.random() < 0.6)

    def identify(self, token: str) -> Actor:
        return self.actor(token) if token.startswith("person-") else super().identify(token)

    def add_dataset(self, name: str, digest: Digest, label: Label = OPEN) -> None:
        """There are the things of this world, and no other."""

    def _fill(self) -> None:
        with self.platform.write() as connection:
            for name in ("navy", "dapa"):
                values = {"name": name, "title_ko": name, "title_en": name, "created_at": self.now}
                connection.execute(insert(ministries).values(**values))
        for person in self.people:
            self.add_account(person.name, Label(grade=Grade(person.grade), compartments=person.compartments))
        with self.platform.write() as connection:
            rows = [
                {"person": person.name, "ministry": ministry, "role": role}
                for person in self.people
                for ministry, roles in person.roles.items()
                for role in roles
            ]
            connection.execute(insert(memberships), rows)
        for ministry in MINISTRIES:
            with self.platform.database.write(Scope.of(Tenant(ministry))) as connection:
                for thing in self.things:
                    if thing.ministry == ministry:
                        self._put(connection, thing)
        for name, (giver, receiver) in self.parties.items():
            with self.of(giver).write() as connection:
                given = order(id=name, giver=giver, receiver=receiver).as_grant("somebody")
                grants.add_grant(connection, given, self.now)
        with self.platform.write() as connection:
            for number, share in enumerate(self.shares):
                self._permit_access(connection, number, share)
        for ministry in MINISTRIES:
            with self.of(ministry).write() as connection:
                permitted_uses.add_use(connection, self._use(ministry))

    def _put(self, connection: Connection, thing: Thing) -> None:
        label, digest, run = thing.label, Digest(thing.digest), RunId(thing.run)
        plan = plan_of(stage("a", label=label), name=f"run-{thing.number}")
        metadata = plan.metadata.model_copy(update={"ministry": thing.ministry})
        plan = plan.model_copy(update={"metadata": metadata, "floor": label})
        runs.create_run(connection, run, plan, self.now + thing.number)
        ready = StageMove(run, StageId("a"), StageState.WAITING, StageState.READY, self.now)
        move_stage(connection, ready)
        ref = ArtifactRef(digest=digest, type=ArtifactType.DOCUMENTS, label=label, size=1)
        artifacts.note_artifact(connection, ref, f"tree-{thing.number}", self.now)
        datasets.add_dataset_version(connection, f"data-{thing.number}", ref, "file:x", self.now)
        here, version = artifact_node(digest), version_node(f"model-{thing.number}", 1)
        kinds = {here: NodeKind.ARTIFACT, version: NodeKind.MODEL_VERSION}
        lineage.put_nodes(connection, [Node(one, kind, "x", str(label), {}) for one, kind in kinds.items()])
        lineage.put_edges(connection, [Edge(here, version, EdgeKind.REGISTERED)], run, self.now)
        models.add_version(connection, self._version(thing))
        permits.add_data_permit(connection, self._permit(thing))
        proposals.add_proposal(connection, self._proposal(thing))

    def _version(self, thing: Thing) -> ModelVersionRecord:
        return ModelVersionRecord(
            name=f"model-{thing.number}",
            version=1,
            digest=Digest(thing.digest),
            label=str(thing.label),
            use_class="administration",
            ministry=thing.ministry,
            run_id=RunId(thing.run),
            stage_id=StageId("a"),
            title="x",
            metrics={},
            link="",
            created_at=self.now,
        )

    def _permit(self, thing: Thing) -> DatasetPermit:
        return DatasetPermit(
            id=f"permit-{thing.number}",
            tenant=Tenant(thing.ministry),
            name=f"data-{thing.number}",
            version=1,
            digest=Digest(thing.digest),
            use_classes=frozenset({UseClass.ADMINISTRATION}),
            card="https://example.org",
            custodian="somebody",
            reason="",
            begins_at=self.now,
            ends_at=self.now + 1e6,
            given_at=self.now,
        )

    def _permit_access(self, connection: Connection, number: int, share: Share) -> None:
        """One that does not hold is over, not begun, or revoked."""
        begins, ends, revoked = {
            0: (self.now - 2.0, self.now, None),
            1: (self.now + 1.0, self.now + 1e6, None),
            2: (self.now - 2.0, self.now + 1e6, self.now),
        }[number % 3]
        if share.holds:
            begins, ends, revoked = self.now, self.now + 1.0, None
        permit = SharedObject(
            id=f"access-{number}",
            object=share.object,
            giver=Tenant(share.thing.ministry),
            ministry=Tenant(share.ministry),
            purpose=list(UseClass)[number % len(UseClass)],
            begins_at=begins,
            ends_at=ends,
            given_by="somebody",
            given_at=self.now,
            reason="",
        )
        permits.add_access_permit(connection, permit)
        if revoked is not None:
            permits.revoke_access_permit(connection, permit.id, "somebody", revoked)

    def _use(self, ministry: str) -> PermittedUse:
        return PermittedUse(
            id=f"use-{ministry}",
            ministry=Tenant(ministry),
            use_class=UseClass.ADMINISTRATION,
            statement="",
            conditions="",
            tier=Tier.I,
            owner="somebody",
            evidence=Evidence("https://example.org", self.now),
            begins_at=self.now,
            ends_at=self.now + 1e6,
            registered_by="somebody",
            registered_at=self.now,
        )

    def _proposal(self, thing: Thing) -> Proposal:
        name = f"model:model-{thing.number}/1"
        binding = Binding(
            kind=ProposalKind.PROMOTION,
            object=name,
            target="production",
            content=Digest(thing.digest),
            evidence=(),
            plan_hash="",
            label=str(thing.label),
            use_class="administration",
            evidence_ends_at=None,
        )
        return Proposal(
            id=f"p-{thing.number}",
            tenant=Tenant(thing.ministry),
            binding=binding,
            reason="",
            proposer="somebody",
            submitters=frozenset(),
            needs=2,
            state=ApprovalState.PROPOSED,
            proposed_at=self.now + thing.number,
            expires_at=self.now + 1e6,
            changed_at=self.now,
        )


class Pairs:
    """Pairs of a person and a thing that were judged, and what was said of them."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        self.hidden: set[tuple[str, int]] = set()

    def judge(self, person: Person, thing: Thing, found: bool, expected: bool, what: str) -> None:
        """Fails where what was found is not what the rule says."""
        said = f"{'is' if found else 'is not'} there"
        assert found == expected, f"{what}: {thing} {said} for {person}"
        (self.seen if found else self.hidden).add((person.name, thing.number))

    def are_enough(self, least: int) -> None:
        """Fails unless so many different pairs were judged, a tenth of them at least each way."""
        assert len(self.seen | self.hidden) >= least
        assert min(len(self.seen), len(self.hidden)) >= least // 10
