"""Bringing what another ministry shares into the part of the artifact store that the taking ministry has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bongsu.artifacts.checking import fault_of
from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.audit import AuditEvent
from bongsu.domain.codes import artifact as codes
from bongsu.domain.lineage import NodeKind
from bongsu.service.inputs.importing import THREADS
from bongsu.service.platform import Platform
from bongsu.service.sharing import Received, note_taken
from bongsu.store.artifacts import find_owned, note_artifact
from bongsu.store.audit import append_all
from bongsu.store.lineage import Node, artifact_node, input_node, put_nodes


def bring(platform: Platform, found: Received) -> int:
    """Have the tree in the ministry's own part, with the giver's label at least, and where it came from in the lineage.

    An interrupted copy goes on where it was; nothing of it is there for anybody before all of it is, and before it is
    known to be what its digest says.

    Args:
        platform: of the ministry that takes it.
        found: what is shared with it.

    Returns:
        Size in bytes.

    Raises:
        BongsuError: ``artifact.missing``, ``artifact.corrupt``; what the store raises.
    """
    note_taken(platform, found)
    size = _copy(platform, found)
    ref = ArtifactRef(digest=found.digest, type=found.type, label=found.label, size=size)
    address, now = str(found.address), platform.clock()
    nodes = [
        Node(input_node(address), NodeKind.INPUT, address, str(found.label), found.facts),
        Node(artifact_node(found.digest), NodeKind.ARTIFACT, address, str(found.label), _body(ref)),
    ]
    with platform.write() as connection:
        is_new = find_owned(connection, found.digest) is None
        risen = note_artifact(connection, ref, address, now)
        put_nodes(connection, nodes)
        events = platform.author.raised(risen, now)
        append_all(connection, [*events, *(_taken(platform, found, now) if is_new else ())])
    return size


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


def _taken(platform: Platform, found: Received, now: float) -> list[AuditEvent]:
    """In the logs of both ministries."""
    author, taker = platform.author, platform.scope.tenant
    facts = {"digest": found.digest, "giver": found.giver, "ministry": taker, "permits": [*found.permits]}
    return [
        AuditEvent(
            tenant,
            author.actor,
            "permit.take",
            found.address.object,
            now,
            label=found.label,
            facts=facts,
            request_id=author.request_id,
        )
        for tenant in (found.giver, taker)
    ]


def _body(ref: ArtifactRef) -> dict[str, object]:
    return {"digest": ref.digest, "type": ref.type.value, "size": ref.size}
