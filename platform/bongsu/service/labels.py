"""Labels of what there is: which one a thing carries and what brought it in, and raising it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from sqlalchemy import Connection

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.audit import LABEL_RAISED
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest
from bongsu.domain.label_origins import label_parts
from bongsu.domain.labels import COMPARTMENT, Grade, Label, high_water_mark
from bongsu.domain.lineage import NodeKind
from bongsu.domain.object_names import is_object, object_name
from bongsu.domain.problems import BongsuError
from bongsu.domain.shared import SharedAddress
from bongsu.policy.access import Permission, cleared_for, permissions_in
from bongsu.policy.access_rules import within_clearance
from bongsu.service.governance.texts import check_texts
from bongsu.service.grades import grades_of, refuse_other_grades, refuse_while_stating
from bongsu.service.lineage import LineageGraph, trace
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, refusals_recorded
from bongsu.service.repeating import is_repeated, request_key
from bongsu.store import label_counts
from bongsu.store.artifacts import get_artifact, note_artifact
from bongsu.store.audit import append_all
from bongsu.store.audit_reading import entries_of
from bongsu.store.label_counts import LabelCount
from bongsu.store.label_releases import Release, releases_of
from bongsu.store.lineage import Node
from bongsu.store.node_ids import artifact_node, digests_among
from bongsu.store.proposals import get_proposal
from bongsu.store.receipts import rise
from bongsu.store.requests import RequestKey


@dataclass(frozen=True)
class LabelOrigin:
    """What brought a part of a label in; ``kind`` and ``title`` are those of a node of the lineage graph."""

    id: str
    kind: NodeKind
    title: str
    label: str


@dataclass(frozen=True)
class ShownPart:
    """A grade or a compartment, and what brought it in."""

    part: str
    origins: tuple[LabelOrigin, ...]


@dataclass(frozen=True)
class Raised:
    """That a tree was given a higher label.

    Attributes:
        of: id of the tree's node in the lineage graph: the thing itself, or what brought a part of its label in.
        label: that it carries since then.
        by: id of who did; ``system`` for what follows from something else.
        reason: why, if somebody said so and who asks may read it.
        raised_at: seconds since the epoch.
    """

    of: str
    label: str
    by: str
    reason: str
    raised_at: float


@dataclass(frozen=True)
class Lowered:
    """By an approved downgrade: labels up to ``old`` count as ``new``.

    Attributes:
        old: empty for whose clearance does not dominate it.
        proposal: id of it. This and what follows is empty for who may not see the proposal.
        proposer: id of who proposed it.
        approvers: ids of those who approved it, the first first.
        reason: why.
        released_at: when it was carried out, in seconds since the epoch; None as above.
    """

    old: str
    new: str
    proposal: str = ""
    proposer: str = ""
    approvers: tuple[str, ...] = ()
    reason: str = ""
    released_at: float | None = None


@dataclass(frozen=True)
class LabelShown:
    """Attributes:
    id: of the node of the lineage graph.
    title: what it is called: the name that was asked for, of a digest what it was noted as.
    label: that it carries.
    parts: of the label; none of O.
    released: how it was lowered, the earliest first.
    raised: who raised it, or what brought a part of it in, the earliest first; as far as who asks may know of the
        label.
    ministry: whose it is; empty in a home.
    """

    id: str
    title: str
    label: str
    parts: tuple[ShownPart, ...]
    released: tuple[Lowered, ...] = ()
    raised: tuple[Raised, ...] = ()
    ministry: str = ""


def show_label(platform: Platform, reference: str) -> LabelShown:
    """The label of a model version, a data set or an artifact, and where it came from as far as who asks may see.

    Args:
        platform: what to work on.
        reference: as of :func:`bongsu.service.lineage.trace`.

    Raises:
        BongsuError: as :func:`bongsu.service.lineage.trace`.
    """
    graph = trace(platform, reference, "upstream")
    digest = _digest_of(graph)
    nodes = {node.id: node for node in graph.nodes}
    with platform.read() as connection:
        released = releases_of(connection, [digest]).get(digest, []) if digest else []
        # What no run took or made is in no graph yet.
        known = get_artifact(connection, digest) if digest and graph.start not in nodes else None
    if known is not None:
        nodes[graph.start] = Node(graph.start, NodeKind.ARTIFACT, known.title, known.label, {})
    if graph.start not in nodes:
        raise codes.UNKNOWN_DIGEST.error(digest=reference)
    nodes[graph.start] = _as_asked(nodes[graph.start], reference)
    labels = {name: Label.parse(node.label) for name, node in nodes.items()}
    parts = list(label_parts(graph.start, labels, ((edge.source, edge.target) for edge in graph.edges)))
    start = nodes[graph.start]
    shown = tuple(ShownPart(one.part, tuple(_origin(nodes[name]) for name in one.origins)) for one in parts)
    trees = [*([artifact_node(digest)] if digest else []), *(name for one in parts for name in one.origins)]
    with platform.read() as connection:
        lowered = tuple(_told(connection, platform, one) for one in released if _is_told(platform, one.new))
        raised = tuple(_raised(connection, platform, trees))
    shared = SharedAddress.parse(reference)
    owner = shared.giver if shared else platform.author.tenant
    return LabelShown(start.id, start.title, start.label, shown, lowered, raised, str(owner))


def raise_label(platform: Platform, reference: str, label: Label, reason: str, key: str = "") -> LabelShown:
    """State that something is worth more protection than it is given: it and whatever came of it carry the label from
    now on. Said of what carries as much already, nothing changes. What is refused is recorded.

    Args:
        platform: what to work on, in the name of who states it.
        reference: as of :func:`show_label`.
        label: the least that it is to carry.
        reason: why; it is recorded.
        key: of the request, as its client gave it. One that comes again does not raise anew what was lowered since.

    Raises:
        BongsuError: as :func:`show_label`; ``governance.no-reason``, ``governance.too-long``;
            ``policy.forbidden-use`` for what the reason declares; ``access.above-clearance`` for a label that its
            stater could not look at; ``label.grade-outside``; ``api.key-used-otherwise``.
    """
    with refusals_recorded(Ask.of(platform, LABEL_RAISED, reference)) as asked:
        graph = trace(platform, reference, "upstream")
        asked.states(high_water_mark(Label.parse(node.label) for node in graph.nodes if node.id == graph.start))
        check_texts(reason=reason)
        refuse_other_grades(grades_of(platform), label)
        refuse_above(platform.scope.clearance, label)
        asked_for = LABEL_RAISED, platform.scope.tenant, reference, str(label), reason
        request = request_key(platform.actor.id, key, *asked_for)
        _raise(platform, reference, _digest_of(graph), label, reason, request)
    return show_label(platform, reference)


def _raise(
    platform: Platform, reference: str, digest: Digest | None, label: Label, reason: str, request: RequestKey | None
) -> None:
    with platform.write() as connection:
        now = platform.clock()
        if is_repeated(connection, request, now):
            return
        refuse_while_stating(connection, label)
        known = get_artifact(connection, digest) if digest else None
        if known is None:
            raise codes.UNKNOWN_DIGEST.error(digest=reference)
        ref = ArtifactRef(digest=known.digest, type=known.type, size=known.size, label=label)
        risen = note_artifact(connection, ref, known.title, now)
        append_all(connection, rise(connection, platform.author, risen, now, reason))


def refuse_above(clearance: Label | None, label: Label) -> None:
    """Nobody makes what they may not see. Raises ``access.above-clearance``, which does not tell the label.

    Args:
        clearance: of whoever asks; None in a home, which is its owner's.
        label: of what would be made.
    """
    if clearance is not None:
        within_clearance(clearance, label).require()


def stated_label(grade: Grade, compartments: Iterable[str]) -> Label:
    """A label as somebody wrote it. Raises ``run.compartment-name`` for each name that is none."""
    held_in = frozenset(compartments)
    wrong = [one for one in sorted(held_in) if not COMPARTMENT.fullmatch(one)]
    if wrong:
        raise BongsuError(codes.COMPARTMENT_NAME.at(name=one) for one in wrong)
    return Label(grade=grade, compartments=held_in)


def labels_in_use(platform: Platform) -> Sequence[LabelCount]:
    """How many models and data sets carry which label, of those that who asks may see."""
    with platform.read() as connection:
        return list(label_counts.counts(connection))


def _digest_of(graph: LineageGraph) -> Digest | None:
    """Of the tree that the graph's beginning is, or that it was registered from."""
    trees = [graph.start, *(edge.source for edge in graph.edges if edge.target == graph.start)]
    return next(digests_among(trees), None)


def _as_asked(node: Node, reference: str) -> Node:
    """The node under the name by which somebody asked for it: its own may be that of an input of the run that took it
    first."""
    name = object_name(reference)
    is_named = is_object(name) and not name.startswith("artifact:")
    return replace(node, title=name) if is_named else node


def _origin(node: Node) -> LabelOrigin:
    return LabelOrigin(node.id, node.kind, node.title, node.label)


def _told(connection: Connection, platform: Platform, release: Release) -> Lowered:
    """Who decided on it is told to those who may look at the proposal."""
    lowered = Lowered(str(release.old) if _is_told(platform, release.old) else "", str(release.new))
    found = get_proposal(connection, release.proposal)
    if found is None or Permission.APPROVAL_READ not in permissions_in(platform.actor, found.tenant):
        return lowered
    if not cleared_for(platform.actor.clearance, Label.parse(found.binding.label)):
        return lowered
    return replace(
        lowered,
        proposal=found.id,
        proposer=found.proposer,
        approvers=found.deciders,
        reason=found.reason,
        released_at=release.released_at,
    )


def _is_told(platform: Platform, label: Label) -> bool:
    """Whether who asks may know that there is this label: a compartment may have a name that tells something."""
    return cleared_for(platform.scope.clearance, label)


def _raised(connection: Connection, platform: Platform, trees: Iterable[str]) -> list[Raised]:
    """By the log of the ministry. An entry may carry more than its tree does, by something else that rose with it: its
    reason is for those who may read it. What was a label above the asker's clearance (the thing was lowered since) is
    not told, nor who stated it."""
    found = []
    for stored in entries_of(connection, platform.author.tenant, LABEL_RAISED, trees):
        entry = json.loads(stored.entry)
        if not _is_told(platform, Label.parse(entry["facts"]["to"])):
            continue
        is_read = _is_told(platform, Label.parse(stored.label))
        reason = entry["facts"].get("reason", "") if is_read else ""
        columns = stored.columns
        found.append(Raised(columns["object"], entry["facts"]["to"], columns["actor"], reason, columns["at"]))
    return sorted(found, key=attrgetter("raised_at"))
