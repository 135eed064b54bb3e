"""Two houses: one gives a model away as a bundle, the other takes it in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from governed_places import DAY, GovernedPlace
from sqlalchemy import update

from bongsu.domain.approval import Proposal, ProposalKind
from bongsu.domain.audit import Author
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.signed_notes import SigningKey, VerifierKey
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.keys import LogKeys
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.model_bundles.exporting import Export, export_model
from bongsu.service.model_bundles.importing import Imported, import_bundle
from bongsu.service.platform import Platform
from bongsu.store.schema_people import people
from bongsu.store.scope import Scope

SITE_KEY = SigningKey("bongsu.example", bytes(range(32)))
KEYS = LogKeys((SITE_KEY,))
OTHER_KEY = SigningKey("bongsu.example", bytes(range(1, 33)))
HERE = "army/bongsu.army.example"


def named(keys: LogKeys = KEYS, ministry: str = "mnd") -> tuple[VerifierKey, ...]:
    return keys.public(Tenant(ministry))


class Giver(GovernedPlace):
    """MND, whose model ``axk1/1`` may go to the army.

    Args:
        folder: everything lies here.
        label: of the model and of the data that it was made of.
        is_approved: whether its transfer is.
    """

    def __init__(self, folder: Path, label: Label | None = None, *, is_approved: bool = True) -> None:
        super().__init__(folder)
        with self.platform.write() as connection:
            connection.execute(update(people).values(clearance="C/logistics"))
        self.permit_use()
        self.permit_data()
        self.model: Digest = self.register(label=label or Label())
        if is_approved:
            self.approved = self.transfer()

    def transfer(self, target: str = "army", days: float = 90, object_: str = "model:axk1/1") -> Proposal:
        """Proposed, approved by two, and carried out."""
        until = self.now + days * DAY
        request = ProposalRequest("mnd", ProposalKind.TRANSFER, object_, target, "They asked for it", until)
        made = propose(self.platform, self.actor("lee"), request)
        for person in ("ann", "bae"):
            approve(self.platform, self.actor(person), made.id, made.binding.digest)
        return carry_out(self.platform, self.actor("lee"), made.id)

    def export(self, target: str = "army", person: str = "kim", reference: str = "axk1/1") -> Export:
        return export_model(self.as_(person), KEYS, reference, target)

    def bundle(self, file: Path, target: str = "army") -> Path:
        file.write_bytes(b"".join(self.export(target).pieces))
        return file


def taker(place: GovernedPlace, person: str = "army-dc", clearance: str = "C") -> Platform:
    """What a server has for somebody of the ministry who takes a bundle in."""
    tenant = Tenant("army")
    cleared = replace(place.actor(person), clearance=Label.parse(clearance))
    scope = Scope.of(tenant, cleared.clearance)
    return replace(place.platform, scope=scope, actor=cleared, author=Author(tenant, person, "q-1"))


@dataclass(frozen=True)
class Taken:
    """What a house has after something was taken in, or was not."""

    trees: frozenset[str]
    artifacts: int
    log: int


def take(
    place: GovernedPlace,
    file: Path,
    keys: tuple[VerifierKey, ...] | None = None,
    here: str = HERE,
    clearance: str = "C",
) -> Imported:
    return import_bundle(taker(place, clearance=clearance), file, named() if keys is None else keys, here)
