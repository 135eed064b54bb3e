"""The tracking server is told of labels that changed: in the transaction that changes them, to look at what is so when
it is told; and what is so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, select

from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.publication import LabelChanged, RunRelabelled
from bongsu.store import outbox
from bongsu.store.node_ids import artifact_node, digests_among, stage_at, stage_node
from bongsu.store.portions import portions
from bongsu.store.schema import artifacts, edges, model_versions, nodes, runs, stages
from bongsu.store.scope import owned


def tell(connection: Connection, run_ids: Iterable[str], digests: Iterable[Digest]) -> None:
    """To look at these runs, their stages, and what those took and gave; at the versions that they registered, which
    rise there with the run; and at every version of these bytes. Each stands under its run, of which nothing is told
    before its beginning is."""
    versions: dict[tuple[str, int], LabelChanged] = {}
    for some in portions(sorted(set(run_ids))):
        outbox.put_all(connection, [(item.run_id, item) for item in _runs(connection, some)])
        versions |= _versions(connection, model_versions.c.run_id.in_(some))
    for some in portions(sorted(set(digests))):
        versions |= _versions(connection, model_versions.c.digest.in_(some))
    outbox.put_all(connection, [(told.run_id, told) for _key, told in sorted(versions.items())])


def all_of(connection: Connection, run_id: str) -> list[RunRelabelled | LabelChanged]:
    """Whatever :func:`tell` can have put under this run; nothing if there is no such run."""
    versions = _versions(connection, model_versions.c.run_id == run_id)
    return [*_runs(connection, [run_id]), *(told for _key, told in sorted(versions.items()))]


def runs_with(connection: Connection, digests: Iterable[Digest]) -> set[str]:
    """Runs whose stages took one of these trees, or gave it."""
    ends: set[str] = set()
    for some in portions([artifact_node(digest) for digest in sorted(set(digests))]):
        for here, there in ((edges.c.source, edges.c.target), (edges.c.target, edges.c.source)):
            query = select(there).where(owned(connection, edges), here.in_(some)).distinct()
            ends |= set(connection.execute(query).scalars())
    return {stage[0] for end in ends if (stage := stage_at(end)) is not None}


def run_label(connection: Connection, run_id: str) -> Label | None:
    """What a run carries now; None if there is none."""
    found = connection.execute(select(runs.c.label).where(owned(connection, runs), runs.c.id == run_id)).scalar()
    return None if found is None else Label.parse(found)


def stage_labels(connection: Connection, run_id: str) -> dict[str, Label]:
    """What the stages of a run carry now, as far as they have ended well."""
    found = connection.execute(select(stages.c.stage_id).where(stages.c.run_id == run_id)).scalars()
    names = {stage_node(run_id, stage_id): stage_id for stage_id in found}
    query = select(nodes.c.id, nodes.c.label).where(owned(connection, nodes), nodes.c.id.in_(sorted(names)))
    return {names[row.id]: Label.parse(row.label) for row in connection.execute(query)}


def tree_labels(connection: Connection, digests: Iterable[Digest]) -> dict[Digest, Label]:
    """What these trees carry now; one that is not known is left out."""
    query = select(artifacts.c.digest, artifacts.c.label).where(owned(connection, artifacts))
    return {
        Digest(row.digest): Label.parse(row.label)
        for some in portions(sorted(set(digests)))
        for row in connection.execute(query.where(artifacts.c.digest.in_(some)))
    }


def trees_of(connection: Connection, run_id: str) -> set[Digest]:
    """What the stages of a run took and gave."""
    query = select(edges.c.source, edges.c.target).where(owned(connection, edges), edges.c.run_id == run_id)
    return set(digests_among(end for row in connection.execute(query) for end in row))


def version_label(connection: Connection, name: str, version: int) -> Label | None:
    """What a model version carries now; None if there is none."""
    which = (model_versions.c.name == name) & (model_versions.c.version == version)
    found = connection.execute(select(model_versions.c.label).where(owned(connection, model_versions), which))
    label = found.scalar()
    return None if label is None else Label.parse(label)


def _runs(connection: Connection, run_ids: Sequence[str]) -> list[RunRelabelled]:
    query = select(runs.c.id, runs.c.ministry, runs.c.pipeline).where(
        owned(connection, runs), runs.c.id.in_(run_ids)
    )
    return [
        RunRelabelled(run_id=row.id, ministry=row.ministry, pipeline=row.pipeline)
        for row in connection.execute(query.order_by(runs.c.id))
    ]


def _versions(connection: Connection, which: ColumnElement[bool]) -> dict[tuple[str, int], LabelChanged]:
    c = model_versions.c
    query = select(c.name, c.version, c.run_id, c.ministry).where(owned(connection, model_versions), which)
    return {
        (row.name, row.version): LabelChanged(
            run_id=row.run_id, name=row.name, version=row.version, ministry=row.ministry
        )
        for row in connection.execute(query)
    }
