"""A place where MND shares a data set and a model with the army; each ministry's bytes lie in a part of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from api_places import ApiPlace
from governed_places import ADMINISTRATION, DAY

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.service.governance.access_permits import AccessRequest, give_access, revoke_access
from bongsu.service.platform import Platform
from bongsu.store.database import Database

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

    def share(self, object_: str = DATA, purpose: UseClass = ADMINISTRATION, days: float = 30, **times: Any) -> str:
        """The id of the permit."""
        begins = times.get("begins", self.now)
        request = AccessRequest(object_, "mnd", "army", purpose, begins, begins + days * DAY, "They ask for it")
        return give_access(self.platform, self.actor("dc"), request).id

    def revoke(self, permit: str) -> None:
        revoke_access(self.platform, self.actor("dc"), permit)
