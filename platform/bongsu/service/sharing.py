"""What other ministries share with those of whoever asks: seen up to their clearance, while a permit for it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.data_permits import SharedObject
from bongsu.domain.documents import plain
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.domain.shared import SharedAddress, Sharing
from bongsu.domain.tenants import HOME, Tenant
from bongsu.domain.uses import UseClass
from bongsu.policy.access import cleared_for
from bongsu.service.audit.reads import record_read
from bongsu.service.platform import Platform
from bongsu.store.datasets import find_dataset_versions
from bongsu.store.label_telling import tree_labels
from bongsu.store.models import find_versions
from bongsu.store.permits import ANY, Wanted, shared_with
from bongsu.store.records import DatasetVersionRecord, ModelVersionRecord
from bongsu.store.scope import Scope
from bongsu.store.version_pages import Named

Version = ModelVersionRecord | DatasetVersionRecord


@dataclass(frozen=True)
class Received:
    """A version of another ministry, as it is shown here: without what it was made by and from there.

    Attributes:
        address: by which pipelines take it.
        version: as the giver has it; its ``shared`` says by which permits it is seen, and is never empty.
        permits: ids of these.
    """

    address: SharedAddress
    version: Version
    permits: tuple[str, ...]

    @property
    def giver(self) -> Tenant:
        return self.address.giver

    @property
    def digest(self) -> Digest:
        return self.version.digest

    @property
    def label(self) -> Label:
        return Label.parse(self.version.label)

    @property
    def type(self) -> ArtifactType:
        return ArtifactType.MODEL if isinstance(self.version, ModelVersionRecord) else self.version.type

    @property
    def facts(self) -> dict[str, object]:
        """For a node of the lineage graph: from which ministry it came, and by which permits."""
        return {"uri": str(self.address), "ministry": self.giver, "permits": list(self.permits)}


def received(platform: Platform, named: str = "") -> list[Received]:
    """Everything that is shared with the ministries of who asks, by giver and object. What is of one of these
    itself is not among it. A few statements of each giver, however much it shares.

    Args:
        platform: what there is for who asks.
        named: how the names of objects begin that are looked for: ``model:``, ``dataset:law/``.
    """
    holding = _holding(platform, None)
    return list(_found(platform, [one for one in holding if one.object.startswith(named)]))


def received_models(platform: Platform, name: str | None = None) -> list[ModelVersionRecord]:
    """Those that are models, of this name if one is given."""
    found = [one.version for one in received(platform, f"model:{name}/" if name else "model:")]
    return [one for one in found if isinstance(one, ModelVersionRecord)]


def received_datasets(platform: Platform, name: str | None = None) -> list[DatasetVersionRecord]:
    """Those that are data sets, of this name if one is given."""
    found = [one.version for one in received(platform, f"dataset:{name}/" if name else "dataset:")]
    return [one for one in found if isinstance(one, DatasetVersionRecord)]


def find_received(platform: Platform, address: SharedAddress, purpose: UseClass | None = None) -> Received | None:
    """The version at an address; None if there is none for who asks, or for this purpose, whatever the reason."""
    holding = _holding(platform, purpose, Wanted(object=address))
    return next(_found(platform, holding), None)


def received_tree(platform: Platform, digest: Digest) -> Received | None:
    """A version that is shared and has these bytes."""
    return next(_found(platform, _holding(platform, None, Wanted(digest=digest))), None)


def note_taken(platform: Platform, found: Received) -> None:
    """Record in the giver's log that whoever asks reads it, before it is given to them."""
    record_read(
        platform, platform.actor, found.giver, found.address.object, found.label, platform.author.request_id
    )


def described(found: Received) -> dict[str, object]:
    """What a document tells of the sharing: whose it is, for what and until when."""
    return {"ministry": found.giver, "shared": plain(found.version.shared)}


def _holding(platform: Platform, purpose: UseClass | None, wanted: Wanted = ANY) -> list[SharedObject]:
    ministries = platform.scope.tenants or frozenset()
    if not ministries - {HOME}:
        return []
    with platform.database.read(platform.scope) as connection:
        holding = shared_with(connection, ministries, platform.clock(), wanted)
    return [one for one in holding if one.giver not in ministries and purpose in (None, one.purpose)]


def _found(platform: Platform, holding: Iterable[SharedObject]) -> Iterator[Received]:
    """What there still is of what permits name, with all permits for it."""
    permits: dict[Tenant, dict[SharedAddress, list[SharedObject]]] = {}
    for one in sorted(holding, key=attrgetter("giver", "object")):
        address = SharedAddress.parse(str(SharedAddress(one.giver, one.object)))
        if address is not None:
            permits.setdefault(one.giver, {}).setdefault(address, []).append(one)
    for giver, of_giver in permits.items():
        for address, version in _versions(platform, giver, of_giver).items():
            yield _received(address, version, of_giver[address])


def _versions(
    platform: Platform, giver: Tenant, addresses: Iterable[SharedAddress]
) -> dict[SharedAddress, Version]:
    """Of one ministry, in their order: those that who asks may see, with the higher label of version and bytes."""
    named = {address: _name_and_number(address) for address in addresses}
    found: dict[SharedAddress, Version] = {}
    with platform.database.read(Scope.of(giver, platform.scope.clearance)) as connection:
        of_models = find_versions(connection, [name for one, name in named.items() if one.is_model])
        of_sets = find_dataset_versions(connection, [name for one, name in named.items() if not one.is_model])
        for address, name in named.items():
            version = of_models.get(name) if address.is_model else of_sets.get(name)
            if version is not None:
                found[address] = version
        labels = tree_labels(connection, (one.digest for one in found.values()))
    high = {one: Label.parse(it.label).join(labels.get(it.digest, Label())) for one, it in found.items()}
    seen = (one for one in found if cleared_for(platform.scope.clearance, high[one]))
    return {one: replace(found[one], label=str(high[one])) for one in seen}


def _received(address: SharedAddress, version: Version, permits: Collection[SharedObject]) -> Received:
    shared = tuple(Sharing(one.giver, one.ministry, one.purpose, one.until) for one in permits)
    return Received(address, _without_its_past(replace(version, shared=shared)), tuple(one.id for one in permits))


def _name_and_number(address: SharedAddress) -> Named:
    name, _, number = address.object.partition(":")[2].partition("/")
    return name, int(number)


def _without_its_past(version: Version) -> Version:
    """An alias is the giver's to move, and where a version came from and who stopped it is the giver's business; that
    it is stopped is not."""
    if isinstance(version, ModelVersionRecord):
        return replace(version, aliases=(), run_id=RunId(""), stage_id=StageId(""), link="", suspended_by="")
    return replace(version, origin="")
