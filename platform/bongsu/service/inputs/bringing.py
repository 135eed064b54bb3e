"""Bringing what another ministry shares into the part of the artifact store that the taking ministry has, with a run
that takes it. A plan, and a submission that is refused, bring nothing that anybody could read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bongsu.artifacts.checking import fault_of
from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.audit import AuditEvent
from bongsu.domain.codes import artifact as codes
from bongsu.domain.labels import OPEN
from bongsu.domain.lineage import NodeKind
from bongsu.domain.messages import N_
from bongsu.domain.pipeline import Input
from bongsu.domain.plan import PlannedInput, RunPlan
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.shared import SharedAddress
from bongsu.service.inputs.addresses import told
from bongsu.service.inputs.files import NotFound
from bongsu.service.inputs.importing import THREADS
from bongsu.service.platform import Platform
from bongsu.service.sharing import Received, find_received
from bongsu.store.artifacts import find_owned, note_artifact
from bongsu.store.lineage import Node, put_nodes
from bongsu.store.locks import hold_labels
from bongsu.store.node_ids import artifact_node, input_node
from bongsu.store.permits import Wanted, shared_with
from bongsu.store.receipts import TAKEN, label_at_givers, rise

NOT_SHARED = N_("no such version is registered, or shared for the purpose of the run")
"""One answer for all that is not to be had, so that it tells nothing of what the giver has."""


@dataclass(frozen=True)
class Brought:
    """A tree whose bytes lie in the ministry's part, and of which nothing there knows yet; nobody reads it."""

    given: PlannedInput
    found: Received
    size: int


def bring(platform: Platform, plan: RunPlan) -> list[Brought]:
    """Copy what the plan takes of other ministries. An interrupted copy goes on where it was; nothing of it is there
    for anybody before :func:`note_brought`, and before it is known to be what its digest says.

    Args:
        platform: of the ministry that takes it.
        plan: which takes it for its purpose.

    Raises:
        BongsuError: ``run.input-missing`` for what is shared no longer, all of it together; ``artifact.missing``,
            ``artifact.corrupt``; what the store raises.
    """
    wanted = {given.name: (given, address) for given in plan.inputs if (address := SharedAddress.parse(given.uri))}
    purpose = plan.purpose.use_class
    found = {
        name: one
        for name, (given, address) in wanted.items()
        if (one := find_received(platform, address, purpose)) is not None and one.digest == given.ref.digest
    }
    _require([given for name, (given, _address) in wanted.items() if name not in found])
    return [Brought(wanted[name][0], one, _copy(platform, one)) for name, one in found.items()]


def note_brought(
    connection: Connection, platform: Platform, plan: RunPlan, brought: Sequence[Brought], now: float
) -> list[AuditEvent]:
    """From now on the ministry has these trees, with the giver's label at least, and with where they came from in the
    lineage.

    Args:
        connection: in the transaction that makes the run.
        platform: of the ministry that takes them.
        plan: of the run.
        brought: by :func:`bring`.
        now: seconds since the epoch.

    Returns:
        What the logs of both ministries are to have.

    Raises:
        BongsuError: ``run.input-missing`` for what is shared no longer, all of it together.
    """
    if not brought:
        return []
    hold_labels(connection)  # a label that rises at the giver meanwhile is seen here, or sees this
    _require([one.given for one in brought if not _is_shared(connection, platform, plan, one.found, now)])
    return [event for one in brought for event in _noted(connection, platform, one, now)]


def _noted(connection: Connection, platform: Platform, brought: Brought, now: float) -> list[AuditEvent]:
    found, address = brought.found, str(brought.found.address)
    is_new = find_owned(connection, found.digest) is None
    label = found.label.join(label_at_givers(connection, found.digest) or OPEN)
    ref = ArtifactRef(digest=found.digest, type=found.type, label=label, size=brought.size)
    risen = note_artifact(connection, ref, address, now)
    nodes = [
        Node(input_node(address), NodeKind.INPUT, address, str(label), found.facts),
        Node(artifact_node(found.digest), NodeKind.ARTIFACT, address, str(label), _body(ref)),
    ]
    put_nodes(connection, nodes)
    events = rise(connection, platform.author, risen, now)
    return [*events, *(_taken(platform, found, ref, now) if is_new else ())]


def _is_shared(connection: Connection, platform: Platform, plan: RunPlan, found: Received, now: float) -> bool:
    holding = shared_with(connection, [platform.scope.tenant], now, Wanted(object=found.address))
    return any(one.purpose is plan.purpose.use_class for one in holding)


def _require(missing: Iterable[PlannedInput]) -> None:
    problems: list[Problem] = []
    for given in missing:
        is_model = given.uri.startswith("model")
        try:
            with told(given.name, Input(model=given.uri) if is_model else Input(dataset=given.uri)):
                raise NotFound(NOT_SHARED)
        except BongsuError as error:
            problems += error.problems
    if problems:
        raise BongsuError(problems)


def _copy(platform: Platform, found: Received) -> int:
    there, here = platform.stores(found.giver).reader(found.digest), platform.artifacts
    if fault_of(here, found.digest) is None:
        return there.manifest.size
    writer = here.writer(f"shared/{found.giver}/{found.digest}")
    with writer.alone():
        # Another process may have brought it while this one waited.
        if fault_of(here, found.digest) is None:
            writer.abort()
            return there.manifest.size
        folder = there.local()
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda entry: writer.add(entry.path, folder / entry.path), there.manifest.files):
                pass
        made = writer.commit()
    if made.digest != found.digest:  # its files changed while they were copied
        raise codes.CORRUPT.error(path="(manifest)", digest=found.digest, detail="it lists another tree")
    return made.size


def _taken(platform: Platform, found: Received, ref: ArtifactRef, now: float) -> list[AuditEvent]:
    """In the logs of both ministries."""
    taker = platform.scope.tenant
    facts = {"digest": found.digest, "giver": found.giver, "ministry": taker, "permits": [*found.permits]}
    did = platform.author.did(TAKEN, found.address.object, now, ref.label, facts)
    return [replace(did, tenant=tenant) for tenant in (found.giver, taker)]


def _body(ref: ArtifactRef) -> dict[str, object]:
    return {"digest": ref.digest, "type": ref.type.value, "size": ref.size}
