"""Labels that were lowered by an approved downgrade.

A release is of bytes, not of a row: where a label is computed anew (an earlier pipeline runs again, something upstream
flows down), labels up to the one that was released count as the lower one. A label that protects more than what was
released, or that somebody states for these bytes, raises them as ever. What was made of them before keeps its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.store.label_telling import runs_with, tell
from bongsu.store.node_ids import artifact_node, is_input, is_version
from bongsu.store.portions import portions
from bongsu.store.schema import artifacts, dataset_versions, edges, model_versions, nodes
from bongsu.store.schema_governance import label_releases
from bongsu.store.scope import owned, tenant_of


@dataclass(frozen=True)
class Release:
    """Labels up to ``old`` count as ``new``, by a proposal that was carried out; ``released_at`` in seconds since the
    epoch."""

    old: Label
    new: Label
    proposal: str = ""
    released_at: float = 0.0

    def lowered(self, label: Label) -> Label:
        """The label as it counts for the released bytes."""
        return self.new if self.old.dominates(label) and not self.new.dominates(label) else label


Releases = Mapping[Digest, list[Release]]


def releases_of(connection: Connection, digests: Collection[Digest]) -> Releases:
    """Releases by digest, in the order in which they were made."""
    query = (
        select(label_releases)
        .where(owned(connection, label_releases))
        .order_by(label_releases.c.released_at, label_releases.c.proposal)
    )
    found: dict[Digest, list[Release]] = {}
    for some in portions(sorted(digests)):
        for row in connection.execute(query.where(label_releases.c.digest.in_(some))):
            old, new = Label.parse(row.from_label), Label.parse(row.to_label)
            release = Release(old, new, row.proposal, row.released_at)
            found.setdefault(Digest(row.digest), []).append(release)
    return found


def lowered(releases: Releases, digest: Digest, label: Label) -> Label:
    """A computed label of these bytes, after all that was released."""
    for release in releases.get(digest, ()):
        label = release.lowered(label)
    return label


def settled(connection: Connection, ref: ArtifactRef) -> ArtifactRef:
    """A reference whose label was computed, with the label that counts."""
    label = lowered(releases_of(connection, [ref.digest]), ref.digest, ref.label)
    return ref if label == ref.label else ref.model_copy(update={"label": label})


def release(connection: Connection, proposal: str, digest: Digest, old: Label, new: Label, now: float) -> None:
    """Lower the label of the bytes, under each name by which they are known; of nothing that was made from them. The
    tracking server follows: it is told in the same transaction, to look."""
    connection.execute(
        insert(label_releases).values(
            proposal=proposal,
            tenant=tenant_of(connection),
            digest=digest,
            from_label=str(old),
            to_label=str(new),
            released_at=now,
        )
    )
    here = artifact_node(digest)
    one = Release(old, new)
    wanted = [
        (artifacts, artifacts.c.digest == digest),
        (dataset_versions, dataset_versions.c.digest == digest),
        (model_versions, model_versions.c.digest == digest),
        (nodes, nodes.c.id == here),
        (nodes, nodes.c.id.in_(_names_of(connection, here))),
    ]
    for table, which in wanted:
        mine = owned(connection, table) & which
        for known in set(connection.execute(select(table.c.label).where(mine)).scalars()):
            label = str(one.lowered(Label.parse(known)))
            if label != known:
                connection.execute(update(table).where(mine, table.c.label == known).values(label=label))
    tell(connection, runs_with(connection, [digest]), [digest])


def _names_of(connection: Connection, here: str) -> list[str]:
    """Versions that were registered from the tree, and addresses that were resolved to it and to nothing else."""
    mine = owned(connection, edges)
    versions = select(edges.c.target).where(mine, edges.c.source == here, is_version(edges.c.target))
    inputs = list(
        connection.execute(
            select(edges.c.source).where(mine, edges.c.target == here, is_input(edges.c.source))
        ).scalars()
    )
    others = select(edges.c.source).where(mine, edges.c.source.in_(inputs), edges.c.target != here)
    shared = set(connection.execute(others).scalars())
    return [*connection.execute(versions).scalars(), *(one for one in inputs if one not in shared)]
