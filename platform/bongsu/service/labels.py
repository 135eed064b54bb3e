"""Labels of what there is: which one a thing carries and what brought it in, and raising it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest
from bongsu.domain.label_origins import label_parts
from bongsu.domain.labels import COMPARTMENT, Grade, Label
from bongsu.domain.lineage import NodeKind
from bongsu.domain.problems import BongsuError
from bongsu.policy.access_rules import within_clearance
from bongsu.service.governance.asking import screened
from bongsu.service.grades import grades_of, refuse_other_grades, refuse_while_stating
from bongsu.service.lineage import LineageGraph, trace
from bongsu.service.platform import Platform
from bongsu.store import label_counts
from bongsu.store.artifacts import get_artifact, note_artifact
from bongsu.store.audit import append_all
from bongsu.store.label_counts import LabelCount
from bongsu.store.label_releases import Release, releases_of
from bongsu.store.lineage import Node, artifact_node

_ARTIFACT = artifact_node("")


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
class Lowered:
    """By an approved downgrade: labels up to ``old`` count as ``new``."""

    old: str
    new: str


@dataclass(frozen=True)
class LabelShown:
    """Attributes:
    id: of the node of the lineage graph.
    title: what it is called.
    label: that it carries.
    parts: of the label; none of O.
    released: how it was lowered, the earliest first.
    """

    id: str
    title: str
    label: str
    parts: tuple[ShownPart, ...]
    released: tuple[Lowered, ...] = ()


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
    labels = {name: Label.parse(node.label) for name, node in nodes.items()}
    parts = label_parts(graph.start, labels, ((edge.source, edge.target) for edge in graph.edges))
    start = nodes[graph.start]
    shown = tuple(ShownPart(one.part, tuple(_origin(nodes[name]) for name in one.origins)) for one in parts)
    return LabelShown(start.id, start.title, start.label, shown, tuple(map(_told, released)))


def raise_label(platform: Platform, reference: str, label: Label, reason: str) -> LabelShown:
    """State that something is worth more protection than it is given: it and whatever came of it carry the label from
    now on. Said of what carries as much already, nothing changes.

    Args:
        platform: what to work on, in the name of who states it.
        reference: as of :func:`show_label`.
        label: the least that it is to carry.
        reason: why; it is recorded.

    Raises:
        BongsuError: as :func:`show_label`; ``governance.no-reason``, ``governance.too-long``;
            ``access.above-clearance`` for a label that its stater could not look at; ``label.grade-outside``.
    """
    screened(reason=reason)
    refuse_other_grades(grades_of(platform), label)
    refuse_above(platform.scope.clearance, label)
    digest = _digest_of(trace(platform, reference, "upstream"))
    with platform.write() as connection:
        refuse_while_stating(connection, label)
        known = get_artifact(connection, digest) if digest else None
        if known is None:
            raise codes.UNKNOWN_DIGEST.error(digest=reference)
        now = platform.clock()
        ref = ArtifactRef(digest=known.digest, type=known.type, size=known.size, label=label)
        risen = note_artifact(connection, ref, known.title, now)
        append_all(connection, platform.author.raised(risen, now, reason))
    return show_label(platform, reference)


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
    found = [one.removeprefix(_ARTIFACT) for one in trees if one.startswith(_ARTIFACT)]
    return Digest(found[0]) if found else None


def _origin(node: Node) -> LabelOrigin:
    return LabelOrigin(node.id, node.kind, node.title, node.label)


def _told(release: Release) -> Lowered:
    return Lowered(str(release.old), str(release.new))
