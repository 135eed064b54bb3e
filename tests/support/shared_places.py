"""A place where MND shares a data set and a model with the army; each ministry's bytes lie in a part of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from api_places import ApiPlace
from governed_places import ADMINISTRATION, DAY, STAFF
from small_plans import plan_of, planned_input, stage

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.pipeline import Input
from bongsu.domain.plan import RunPlan
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.service.governance.access_permits import AccessRequest, give_access, revoke_access
from bongsu.service.governance.data_permits import DataPermitRequest, give_data_permit
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import resolve_input
from bongsu.service.platform import Platform
from bongsu.service.submitting import submit
from bongsu.store.database import Database
from bongsu.store.permits import access_permits_in

CUSTODIANS = {"mnd": "dc", "army": "army-dc"}
DATA, MODEL = "dataset:law/1", "model:axk1/1"


class SharedPlace(ApiPlace):
    """MND has the data set ``law/1``, permitted for administration, and the model ``axk1/1`` that was made of it."""

    def __init__(self, folder: Path, database: Database | None = None, label: Label = OPEN) -> None:
        self._parts: dict[str, ArtifactStore] = {}
        self.label = label
        super().__init__(folder, database)
        self.plane = replace(self.plane, base=replace(self.plane.base, stores=self.part))
        self.app.state.plane = self.plane
        self.permit_use(ministry="army")
        self.permit_data(uses=(ADMINISTRATION, UseClass.MEDICAL_SUPPORT))
        self.model = self.register(label=label)

    def part(self, tenant: Tenant) -> ArtifactStore:
        if tenant not in self._parts:
            self._parts[tenant] = LocalStore(self.folder / "parts" / (tenant or "home"))
        return self._parts[tenant]

    def of(self, ministry: str) -> Platform:
        return replace(super().of(ministry), stores=self.part)

    def army(self, person: str = "army-eng") -> Platform:
        """What there is for somebody of the army."""
        return self.plane.of_tenant(self.actor(person), Tenant("army"))

    def tree(self, text: str) -> Digest:
        writer = self.part(Tenant("mnd")).writer("tests/" + text.replace(" ", "-"))
        for name, content in (("file.txt", text), ("config.json", json.dumps({"model_type": "axk1"}))):
            with writer.create(name) as file:
                file.write(content.encode())
        return writer.commit().digest

    def add_dataset(self, name: str, digest: Digest, label: Label | None = None) -> None:
        super().add_dataset(name, digest, label or self.label)

    def share(
        self,
        object_: str = DATA,
        purpose: UseClass = ADMINISTRATION,
        days: float = 30,
        giver: str = "mnd",
        **times: Any,
    ) -> str:
        """The id of the permit."""
        begins, taker = times.get("begins", self.now), "army" if giver == "mnd" else "mnd"
        request = AccessRequest(object_, giver, taker, purpose, begins, begins + days * DAY, "They ask for it")
        return give_access(self.of(giver), self.actor(CUSTODIANS[giver]), request).id

    def permit_of_army(self, name: str) -> None:
        """The army's custodian permits the first version of a data set for administration."""
        request = DataPermitRequest(
            ministry="army",
            name=name,
            version=1,
            use_classes=frozenset({ADMINISTRATION}),
            card="https://example.org/card",
            reason="It is ours",
            begins_at=self.now,
            ends_at=self.now + 30 * DAY,
        )
        give_data_permit(self.of("army"), self.actor("army-dc"), request)

    def plan_taking(
        self, address: str, person: str = "army-eng", name: str = "sample", *, is_model: bool = False
    ) -> RunPlan:
        """A plan of administration whose one stage takes what is at the address; it is resolved as for a plan."""
        is_model = is_model or address.startswith("models")
        given = Input(model=address) if is_model else Input(dataset=address)
        platform = self.taker(person)
        found = resolve_input(platform, "it", given, Files(self.folder), purpose=ADMINISTRATION).ref
        plan = plan_of(stage("a", "inputs.it"), name=name, inputs=[planned_input("it", address, found)])
        metadata = plan.metadata.model_copy(update={"ministry": platform.scope.tenant})
        return plan.model_copy(update={"metadata": metadata})

    def run_taking(self, address: str, person: str = "army-eng", name: str = "sample") -> RunId:
        """A run of such a plan."""
        return submit(self.taker(person), self.plan_taking(address, person, name)).run.id

    def taker(self, person: str) -> Platform:
        """What there is for somebody of the staff."""
        return self.plane.of_tenant(self.actor(person), Tenant(STAFF[person][0]))

    def revoke(self, permit: str) -> None:
        revoke_access(self.platform, self.actor("dc"), permit)

    def revoke_all(self) -> None:
        """Whatever MND shares."""
        with self.platform.read() as connection:
            given = [one for one in access_permits_in(connection, ["mnd"]) if one.giver == "mnd"]
        for permit in given:
            if permit.revoked_at is None:
                self.revoke(permit.id)
