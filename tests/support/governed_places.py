"""A place that ministries share: people in their roles, a data set, and a model that was made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from service_places import Place
from small_plans import plan_of, planned_input, stage
from sqlalchemy import Table, insert, select, update
from store_places import NOW

from bongsu.domain.approval import Proposal, ProposalKind
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.periods import LONGEST_YEARS, YEAR_S
from bongsu.domain.plan import RunPlan
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import PermittedUse, Tier
from bongsu.domain.uses import UseClass
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.data_permits import DataPermitRequest, give_data_permit
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.governance.uses import UseRequest, register_use
from bongsu.service.platform import Platform
from bongsu.store import datasets, lineage, models
from bongsu.store.artifacts import Maker, note_artifact
from bongsu.store.database import Database
from bongsu.store.lineage import Edge, Node
from bongsu.store.ministries import open_accounts
from bongsu.store.node_ids import artifact_node, stage_node, version_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.runs import create_run
from bongsu.store.schema import outbox
from bongsu.store.schema_audit import audit_entries
from bongsu.store.schema_governance import dataset_permits, permitted_uses
from bongsu.store.schema_people import memberships, ministries, people
from bongsu.store.scope import Scope
from bongsu.store.submitters import note_submitter

DAY = 86_400.0
LONGEST_DAYS = LONGEST_YEARS * YEAR_S / DAY
SECRET = Label(grade=Grade.CLASSIFIED)
SENSITIVE = Label(grade=Grade.SENSITIVE)
ADMINISTRATION = UseClass.ADMINISTRATION
STAFF: dict[str, tuple[str, Role]] = {
    "kim": ("mnd", Role.ENGINEER),
    "lee": ("mnd", Role.PROGRAMME_MANAGER),
    "dc": ("mnd", Role.DATA_CUSTODIAN),
    "acc": ("mnd", Role.ACCREDITOR),
    "ann": ("mnd", Role.APPROVER),
    "bae": ("mnd", Role.APPROVER),
    "cho": ("mnd", Role.APPROVER),
    "dan": ("mnd", Role.APPROVER),
    "army-dc": ("army", Role.DATA_CUSTODIAN),
    "army-eng": ("army", Role.ENGINEER),
    "army-ann": ("army", Role.APPROVER),
    "army-acc": ("army", Role.ACCREDITOR),
    "aud": ("mnd", Role.AUDITOR),
    "army-aud": ("army", Role.AUDITOR),
}


class GovernedPlace(Place):
    """With ``mnd`` and ``army``, the people of :data:`STAFF`, a permitted use, a permitted data set ``law/1``, and
    whatever models a test registers."""

    def __init__(self, folder: Path, database: Database | None = None, now: float = NOW) -> None:
        super().__init__(folder, database, now)
        self.platform = self.of("mnd")
        self._count = 0
        with self.platform.write() as connection:
            for name in ("mnd", "army"):
                values = {"name": name, "title_ko": name, "title_en": name, "created_at": self.now}
                connection.execute(insert(ministries).values(**values, owns_gpus=True))
            accounts = [self._account(person, SECRET, ActorKind.PERSON) for person in STAFF]
            connection.execute(insert(people), accounts)
            roles = [
                {"person": person, "ministry": ministry, "role": role.value}
                for person, (ministry, role) in STAFF.items()
            ]
            connection.execute(insert(memberships), roles)
        self.law = self.tree("law")
        self.add_dataset("law", self.law)

    def of(self, ministry: str) -> Platform:
        """What there is of a ministry."""
        return replace(self.platform, scope=Scope.of(Tenant(ministry)))

    def as_(self, person: str) -> Platform:
        """What there is for one of the staff, who are all cleared for everything."""
        ministry, _role = STAFF[person]
        return replace(self.of(ministry), actor=self.actor(person))

    # -- people ------------------------------------------------------------------------------------------------

    def add_person(
        self,
        person: str,
        ministry: str,
        role: Role,
        clearance: Label = SECRET,
        kind: ActorKind = ActorKind.PERSON,
    ) -> None:
        self.add_account(person, clearance, kind)
        self.add_role(person, ministry, role)

    def add_account(self, person: str, clearance: Label = SECRET, kind: ActorKind = ActorKind.PERSON) -> None:
        """Somebody who is nothing in any ministry yet."""
        with self.platform.write() as connection:
            connection.execute(insert(people).values(**self._account(person, clearance, kind)))

    def _account(self, person: str, clearance: Label, kind: ActorKind) -> dict[str, Any]:
        values = {"id": person, "name": person, "kind": kind.value, "clearance": str(clearance)}
        return {**values, "created_at": self.now}

    def add_role(self, person: str, ministry: str, role: Role) -> None:
        with self.platform.write() as connection:
            connection.execute(insert(memberships).values(person=person, ministry=ministry, role=role.value))

    def disable(self, person: str, *, again: bool = False) -> None:
        with self.platform.write() as connection:
            at = None if again else self.now
            connection.execute(update(people).where(people.c.id == person).values(disabled_at=at))

    def actor(self, person: str) -> Actor:
        with self.platform.read() as connection:
            return open_accounts(connection, [person])[person]

    # -- what they rest on -------------------------------------------------------------------------------------

    def permit_use(self, tier: Tier = Tier.I, days: float = 300, ministry: str = "mnd") -> PermittedUse:
        accreditor, owner = ("acc", "lee") if ministry == "mnd" else ("army-acc", "army-eng")
        request = UseRequest(
            ministry=ministry,
            use_class=ADMINISTRATION,
            tier=tier,
            statement="Draft administrative documents",
            conditions="",
            owner=owner,
            evidence="https://example.org/assessment",
            evidence_at=self.now,
            begins_at=self.now,
            ends_at=self.now + min(days, LONGEST_DAYS) * DAY,
        )
        made = register_use(self.platform, self.actor(accreditor), request)
        self._let_last(permitted_uses, made.id, days)
        return made

    def permit_data(
        self,
        days: float = 300,
        uses: Iterable[UseClass] = (ADMINISTRATION,),
        version: int = 1,
        name: str = "law",
        card: str = "https://example.org/card",
        custodian: str = "dc",
    ) -> str:
        request = DataPermitRequest(
            ministry="mnd",
            name=name,
            version=version,
            use_classes=frozenset(uses),
            card=card,
            reason="Public law",
            begins_at=self.now,
            ends_at=self.now + min(days, LONGEST_DAYS) * DAY,
        )
        made = give_data_permit(self.platform, self.actor(custodian), request).id
        self._let_last(dataset_permits, made, days)
        return made

    def _let_last(self, table: Table, permit: str, days: float) -> None:
        """Longer than anybody may permit something: for machines whose time goes on for centuries."""
        if days > LONGEST_DAYS:
            with self.platform.write() as connection:
                ends = {"ends_at": self.now + days * DAY}
                connection.execute(update(table).where(table.c.id == permit).values(**ends))

    def tree(self, text: str) -> Digest:
        """A tree of one file; a store that is asked for it has it."""
        writer = self.platform.artifacts.writer("tests/" + text.replace(" ", "-"))
        with writer.create("file.txt") as file:
            file.write(text.encode())
        return writer.commit().digest

    def add_dataset(self, name: str, digest: Digest, label: Label = OPEN) -> None:
        with self.platform.write() as connection:
            ref = ArtifactRef(digest=digest, type=ArtifactType.DOCUMENTS, label=label, size=1)
            note_artifact(connection, ref, name, self.now)
            datasets.add_dataset_version(connection, name, ref, f"file:{name}", self.now)

    # -- models ------------------------------------------------------------------------------------------------

    def next_run(self) -> RunId:
        self._count += 1
        return RunId(f"r-{self._count:012d}")

    def register(
        self,
        name: str = "axk1",
        version: int = 1,
        submitter: str | None = "kim",
        made_from: Iterable[Digest] | None = None,
        label: Label = OPEN,
        ministry: str = "mnd",
        evidence: bool = True,
    ) -> Digest:
        """A model version as a run would have left it: made of data (or of another model), evaluated, registered."""
        run = self.next_run()
        model = self.tree(f"{name} {version} of {ministry}")
        report = self.tree(f"report of {name} {version} of {ministry}")
        used = [self.law] if made_from is None else list(made_from)
        sources = {"train": used, "evaluate": [model], "register": [model, report] if evidence else [model]}
        gave = {"train": (model, ArtifactType.MODEL), "evaluate": (report, ArtifactType.EVALUATION)}
        plan = plan_of(stage("train"), stage("evaluate"), stage("register"), name=f"{name}-{version}-{ministry}")
        plan = plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"ministry": ministry})})
        with self.of(ministry).write() as connection:
            create_run(connection, run, plan, self.now)
            if submitter:
                note_submitter(connection, run, submitter, self.now)
            for stage_id, takes in sources.items():
                here = stage_node(run, stage_id)
                nodes = [Node(here, NodeKind.RUN_STAGE, stage_id, str(label), {})]
                edges = [Edge(artifact_node(one), here, EdgeKind.USED) for one in takes]
                if stage_id in gave:
                    digest, type_ = gave[stage_id]
                    ref = ArtifactRef(digest=digest, type=type_, label=label, size=1)
                    note_artifact(connection, ref, stage_id, self.now, Maker(run, StageId(stage_id)))
                    nodes.append(Node(artifact_node(digest), NodeKind.ARTIFACT, stage_id, str(label), {}))
                    edges.append(Edge(here, artifact_node(digest), EdgeKind.MADE))
                lineage.put_nodes(connection, nodes)
                lineage.put_edges(connection, edges, run, self.now)
            node = Node(version_node(name, version), NodeKind.MODEL_VERSION, name, str(label), {})
            lineage.put_nodes(connection, [node])
            edge = Edge(artifact_node(model), node.id, EdgeKind.REGISTERED)
            lineage.put_edges(connection, [edge], run, self.now)
            record = ModelVersionRecord(
                name=name,
                version=version,
                digest=model,
                label=str(label),
                use_class=ADMINISTRATION.value,
                ministry=ministry,
                run_id=run,
                stage_id=StageId("register"),
                title=name,
                metrics={},
                link="",
                created_at=self.now,
            )
            models.add_version(connection, record)
        return model

    def plan_with(self, digest: Digest, uri: str = "models:/axk1/1", ministry: str = "mnd") -> RunPlan:
        """A plan whose one stage takes a model."""
        ref = ArtifactRef(digest=digest, type=ArtifactType.MODEL, size=1)
        plan = plan_of(stage("a", "inputs.base"), inputs=[planned_input("base", uri, ref)])
        return plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"ministry": ministry})})

    def aliases(self, name: str = "axk1") -> dict[str, int]:
        with self.platform.read() as connection:
            return {alias: one.version for one in models.list_versions(connection, name) for alias in one.aliases}

    # -- approvals ---------------------------------------------------------------------------------------------

    def wish(self, object_: str = "model:axk1/1", target: str = "production", days: float = 90) -> ProposalRequest:
        return ProposalRequest(
            "mnd", ProposalKind.PROMOTION, object_, target, "It is better", self.now + days * DAY
        )

    def promoted(self, object_: str = "model:axk1/1", by: Iterable[str] = ("ann", "bae")) -> Proposal:
        """A model that was proposed, approved by some, and given its alias."""
        proposal = propose(self.platform, self.actor("lee"), self.wish(object_))
        for person in by:
            approve(self.platform, self.actor(person), proposal.id, proposal.binding.digest)
        return carry_out(self.platform, self.actor("lee"), proposal.id)

    # -- the record --------------------------------------------------------------------------------------------

    def log(self, tenant: str = "mnd") -> list[tuple[str, str, str]]:
        """Actor, action and entry of each line of a ministry's log."""
        query = select(audit_entries).where(audit_entries.c.tenant == tenant).order_by(audit_entries.c.position)
        with self.platform.read() as connection:
            return [(row.actor, row.action, row.entry) for row in connection.execute(query)]

    def told(self) -> list[str]:
        """What waits for the tracking server."""
        with self.platform.read() as connection:
            return list(connection.execute(select(outbox.c.body).order_by(outbox.c.id)).scalars())
