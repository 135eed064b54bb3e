"""The tables of registers, permits and approvals come and go with rows in them."""

from __future__ import annotations

from pathlib import Path

from governed_places import SENSITIVE, GovernedPlace
from sqlalchemy import func, select

from bongsu.domain.approval import ProposalKind
from bongsu.service.governance.access_permits import AccessRequest, give_access
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.service.governance.sweeping import sweep
from bongsu.store.database import migrate
from bongsu.store.schemas import metadata

TABLES = (
    "permitted_uses",
    "dataset_permits",
    "access_permits",
    "run_submitters",
    "proposals",
    "votes",
    "suspensions",
    "label_releases",
    "model_standings",
)


def test_it_goes_down_and_up_with_rows_in_every_table(tmp_path: Path) -> None:
    place = GovernedPlace(tmp_path)
    use = place.permit_use()
    place.permit_data()
    place.register()
    place.add_dataset("law", place.law, SENSITIVE)
    request = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "dataset:law/1", "O", "Published since")
    proposal = propose(place.platform, place.actor("dc"), request)
    for person in ("ann", "bae"):
        approve(place.platform, place.actor(person), proposal.id, proposal.binding.digest)
    carry_out(place.platform, place.actor("dc"), proposal.id)
    place.promoted()
    sweep(place.platform)
    suspend(place.platform, place.actor("acc"), StopRequest("mnd", "axk1", None, "It leaks"))
    shared = AccessRequest("dataset:law/1", "mnd", "army", use.use_class, place.now, place.now + 9, "They asked")
    give_access(place.platform, place.actor("dc"), shared)
    assert all(counts(place).values())
    migrate(place.platform.database.engine, "0005")
    migrate(place.platform.database.engine)
    assert not any(counts(place).values())
    place.permit_use()
    place.close()


def counts(place: GovernedPlace) -> dict[str, int]:
    with place.platform.database.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one()
            for name in TABLES
        }
