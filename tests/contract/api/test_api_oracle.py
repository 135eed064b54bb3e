"""What the API shows to whom, against a rule that was written down apart from it.

Who is something in a ministry, other than its operator, finds what is the ministry's, if their clearance is of the
thing's grade at least, with all of its compartments. Artifacts are for engineers, custodians and accreditors, logs for
engineers; a grant is there for both of its ministries. Everything else is not there: 404 for one thing, absent from
lists, counts and searches. A model or a data set that an access permit names is there as well for who is something in
the ministry that got it, while the permit holds, up to the same clearance; under its giver's name, and with its bytes.
Who finds a thing and lacks the role is told so: 403.

Long, because the rule, the crowd that it is asked of, and every way in stand beside each other.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from grant_places import order
from small_plans import plan_of, stage
from sqlalchemy import Connection, insert

from bongsu.domain.approval import ApprovalState, Binding, Proposal, ProposalKind
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.data_permits import DatasetPermit, SharedObject
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.people import Actor, Role
from bongsu.domain.run import StageState
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import Evidence, PermittedUse, Tier
from bongsu.domain.uses import UseClass
from bongsu.store import artifacts, datasets, grants, lineage, models, permits, permitted_uses, proposals, runs
from bongsu.store.lineage import Edge, Node, artifact_node, version_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.schema_people import memberships, ministries
from bongsu.store.scope import Scope
from bongsu.store.stages import StageMove, move_stage

MINISTRIES = ("mnd", "army", "navy", "dapa")
COMPARTMENTS = ("air", "log", "sig")
ROLES = tuple(role.value for role in Role)
FILES_FOR = {"engineer", "data-custodian", "accreditor"}
PEOPLE, THINGS, GRANTS, SHARES = 48, 44, 8, 60


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
        return "OSC".index(self.grade) >= "OSC".index(thing.grade) and thing.compartments <= self.compartments

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


class World(ApiPlace):
    """Four ministries with things of all labels, and people of all kinds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        chance = random.Random(11)

        def some(of: tuple[str, ...], least: int = 0) -> frozenset[str]:
            return frozenset(chance.sample(of, chance.randint(least, len(of))))

        self.people = [
            Person(
                f"person-{number}",
                {one: frozenset(chance.sample(ROLES, chance.randint(1, 2))) for one in some(MINISTRIES)},
                chance.choice("OSC"),
                some(COMPARTMENTS),
            )
            for number in range(PEOPLE)
        ]
        self.things = [
            Thing(
                number,
                chance.choice(MINISTRIES),
                chance.choice("OOSC"),
                some(COMPARTMENTS) if chance.random() < 0.5 else frozenset(),
                self.tree(f"thing {number}"),
            )
            for number in range(THINGS)
        ]
        self.parties = {
            f"grant-{number}": (chance.choice(MINISTRIES), chance.choice(MINISTRIES)) for number in range(GRANTS)
        }
        self.shares = [self._share(chance) for _ in range(SHARES)]
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
            clearance = Label(grade=Grade(person.grade), compartments=person.compartments)
            self.add_account(person.name, clearance)
            with self.platform.write() as connection:
                for ministry, roles in person.roles.items():
                    for role in roles:
                        values = {"person": person.name, "ministry": ministry, "role": role}
                        connection.execute(insert(memberships).values(**values))
        for thing in self.things:
            self._put(thing)
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

    def _put(self, thing: Thing) -> None:
        label, digest, run = thing.label, Digest(thing.digest), RunId(thing.run)
        plan = plan_of(stage("a", label=label), name=f"run-{thing.number}")
        metadata = plan.metadata.model_copy(update={"ministry": thing.ministry})
        plan = plan.model_copy(update={"metadata": metadata, "floor": label})
        with self.platform.database.write(Scope.of(Tenant(thing.ministry))) as connection:
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
            evidence_until=0.0,
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


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("oracle"))
    yield made
    made.close()


def everything(world: World, person: Person, path: str, limit: int = 7) -> list[Any]:
    """Items of all pages."""
    found, cursor = [], ""
    while True:
        joint = "&" if "?" in path else "?"
        response = world.ask(person.name, "GET", f"{path}{joint}limit={limit}&cursor={cursor}")
        assert response.status_code == 200, response.text
        found += response.json()["items"]
        cursor = response.json()["next"]
        if not cursor:
            return found


def of_list(path: str, key: Callable[[Any], str]) -> Callable[[World, Person], list[str]]:
    return lambda world, person: [key(one) for one in everything(world, person, path)]


LISTS: dict[str, tuple[Callable[[World, Person], list[str]], str]] = {
    "runs": (lambda world, person: [one["id"] for one in everything(world, person, "/v1/runs")], "r-{:012d}"),
    "models": (lambda world, person: [one["name"] for one in everything(world, person, "/v1/models")], "model-{}"),
    "data sets": (
        lambda world, person: [one["name"] for one in everything(world, person, "/v1/datasets")],
        "data-{}",
    ),
    "data permits": (of_list("/v1/data-permits", lambda one: one["id"]), "permit-{}"),
    "proposals": (lambda world, person: [one["id"] for one in everything(world, person, "/v1/approvals")], "p-{}"),
    "search of runs": (
        of_list("/v1/search?q=run-&kind=run", lambda one: one["name"]),
        "r-{:012d}",
    ),
    "search of models": (
        of_list("/v1/search?q=model-&kind=model", lambda one: one["name"].partition("/")[0]),
        "model-{}",
    ),
    "search of data": (
        of_list("/v1/search?q=data-&kind=dataset", lambda one: one["name"].partition("/")[0]),
        "data-{}",
    ),
}


@pytest.mark.parametrize("what", LISTS)
def test_lists_have_what_the_rule_says_and_nothing_else(world: World, what: str) -> None:
    look, form = LISTS[what]
    kind = {"model-{}": "model", "data-{}": "dataset"}.get(form, "")
    for person in world.people:
        expected = Counter(
            form.format(thing.number) for thing in world.things if person.sees(thing, kind, world.shares)
        )
        assert Counter(look(world, person)) == expected, person
    assert len(LISTS) * len(world.people) * len(world.things) > 10_000


def test_artifacts_are_found_by_those_who_may_have_files(world: World) -> None:
    for person in world.people:
        found = everything(world, person, "/v1/search?q=sha256-&kind=artifact")
        digests = {one["name"] for one in found}
        expected = {
            t.digest for t in world.things if person.clears(t) and person.roles.get(t.ministry, set()) & FILES_FOR
        }
        assert digests == expected, person


def test_things_of_both_sides_are_there_for_both(world: World) -> None:
    for person in world.people:
        shown = {one["id"] for one in everything(world, person, "/v1/grants")}
        expected = {name for name, parties in world.parties.items() if any(map(person.looks_in, parties))}
        assert shown == expected, person
        for name in world.parties:
            status = world.ask(person.name, "GET", f"/v1/grants/{name}").status_code
            mine = any(person.roles.get(one) for one in world.parties[name])
            assert status == (200 if name in expected else 403 if mine else 404), (person, name)
        uses = {one["ministry"] for one in everything(world, person, "/v1/uses")}
        assert uses == {one for one in MINISTRIES if person.looks_in(one)}


def test_counts_are_of_what_is_there(world: World) -> None:
    for person in world.people:
        shown = world.ask(person.name, "GET", "/v1/labels").json()["inUse"]
        counted = Counter({(one["ministry"], one["kind"], one["label"]): one["count"] for one in shown})
        expected = Counter(
            (thing.ministry, kind, str(thing.label))
            for thing in world.things
            if person.finds(thing)
            for kind in ("model", "dataset")
        )
        assert counted == expected, person
        loads = world.ask(person.name, "GET", "/v1/capacity").json()["ministries"]
        may_look = {one for one, roles in person.roles.items() if roles}
        assert {one["ministry"] for one in loads} == {
            thing.ministry for thing in world.things if thing.ministry in may_look and person.clears(thing)
        }, person


WAYS: dict[str, tuple[str, Callable[[Person, Thing], int]]] = {
    "run": ("/v1/runs/{0.run}", Person.status_of_run),
    "plan": ("/v1/runs/{0.run}/plan", Person.status_of_run),
    "lineage of a run": ("/v1/runs/{0.run}/lineage", Person.status_of_run),
    "events": ("/v1/runs/{0.run}/events", Person.status_of_run),
    "logs": ("/v1/runs/{0.run}/logs", Person.status_of_logs),
    "artifact": ("/v1/ministries/{0.ministry}/artifacts/{0.digest}", Person.status_of_files),
    "label": ("/v1/ministries/{0.ministry}/labels?of=model-{0.number}@1", Person.status_of_model),
    "label of data": ("/v1/ministries/{0.ministry}/labels?of=datasets:/data-{0.number}/1", Person.status_of_model),
    "lineage": ("/v1/ministries/{0.ministry}/lineage?of=model-{0.number}@1", Person.status_of_model),
    "lineage of bytes": ("/v1/ministries/{0.ministry}/lineage?of={0.digest}", Person.status_of_model),
    "proposal": ("/v1/ministries/{0.ministry}/approvals/p-{0.number}", Person.status_of_proposal),
}


SHARED_WAYS: dict[str, tuple[str, set[str]]] = {
    "label": ("labels?of={0.address}", set(ROLES) - {"operator"}),
    "lineage": ("lineage?of={0.address}", set(ROLES) - {"operator"}),
    "artifact": ("artifacts/{0.thing.digest}", FILES_FOR),
    "bytes": ("artifacts/{0.thing.digest}/files/file.txt", FILES_FOR),
}


@pytest.mark.parametrize("way", SHARED_WAYS)
def test_what_is_shared_is_there_or_not_as_the_rule_says(world: World, way: str) -> None:
    path, roles = SHARED_WAYS[way]
    seen = Counter[int]()
    # Bytes that are shared as a model are there for who may not have them as data.
    held = {(one.thing, one.ministry) for one in world.shares if one.holds}
    held_objects = {(one.object, one.ministry) for one in world.shares if one.holds}
    for number, share in enumerate(world.shares):
        is_bytes = way in ("artifact", "bytes")
        holds = (
            (share.thing, share.ministry) in held if is_bytes else (share.object, share.ministry) in held_objects
        )
        for person in world.people[number % 3 :: 3]:
            answer = world.ask(person.name, "GET", f"/v1/ministries/{share.ministry}/{path.format(share)}")
            expected = person.status_of_shared(replace(share, holds=holds), roles)
            seen[expected] += 1
            assert answer.status_code == expected, (person, share, answer.text)
    assert set(seen) == {200, 403, 404}


@pytest.mark.parametrize("way", WAYS)
def test_one_thing_is_there_or_not_as_the_rule_says(world: World, way: str) -> None:
    path, rule = WAYS[way]
    chance = random.Random(way)
    pairs = [(person, thing) for person in world.people for thing in world.things]
    seen = Counter[int]()
    for person, thing in chance.sample(pairs, 160):
        answer = world.ask(person.name, "GET", path.format(thing))
        expected = rule(person, thing)
        seen[expected] += 1
        assert answer.status_code == expected, (person, thing, answer.text)
        if expected == 404:
            never = Thing(999_999, thing.ministry, "O", frozenset(), "sha256-" + "0" * 64)
            nowhere = world.ask(person.name, "GET", path.format(never))
            said = answer.text.replace(thing.run, never.run).replace(thing.digest, never.digest)
            assert nowhere.status_code == 404
            assert nowhere.json()["code"] == answer.json()["code"], said
    assert len(seen) >= 2
