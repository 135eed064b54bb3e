"""A registered model at a site that runbooks are followed on, as a run would have left it."""

from __future__ import annotations

from pathlib import Path

from runbook_site import Site

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.tenants import Tenant
from bongsu.service.artifact_place import place_of, stores_at
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import open_database
from bongsu.store.models import add_version
from bongsu.store.records import ModelVersionRecord
from bongsu.store.scope import Scope

NANO = Path(__file__).parents[2] / "pipelines" / "assets" / "axk1-nano"


def register_model(site: Site, run: str, name: str) -> None:
    """Its first version, for which ``candidate`` stands."""
    writer = stores_at(place_of(site.home, {}))(Tenant("mnd")).writer(f"tests/{name}")
    writer.add_tree(NANO)
    with writer.create("NAME") as file:
        file.write(name.encode())
    manifest = writer.commit()
    digest = manifest.digest
    version = ModelVersionRecord(
        name=name,
        version=1,
        digest=digest,
        label="O",
        use_class="administration",
        ministry="mnd",
        run_id=RunId(run),
        stage_id=StageId("a"),
        title=name,
        metrics={},
        link="",
        created_at=1.0,
        aliases=("candidate",),
    )
    database = open_database(site.settings["BONGSU_DATABASE"])
    with database.write(Scope.of(Tenant("mnd"))) as connection:
        note_artifact(
            connection, ArtifactRef(digest=digest, type=ArtifactType.MODEL, label=OPEN, size=manifest.size), name, 1
        )
        add_version(connection, version)
    database.close()
