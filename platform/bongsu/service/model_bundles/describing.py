"""What a bundle says of a model beyond its bytes: where it came from, what speaks for it, what it was made for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from bongsu.artifacts.base import TreeReader
from bongsu.artifacts.checking import is_damage
from bongsu.artifacts.reading import read_text
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, StageId
from bongsu.domain.labels import Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.model_bundles import LONGEST_CARD, Evidence, Source
from bongsu.domain.problems import BongsuError
from bongsu.service.platform import Platform
from bongsu.store.artifacts import find_owned
from bongsu.store.governed_objects import Found
from bongsu.store.lineage import walk
from bongsu.store.node_ids import artifact_node, digest_at, version_node
from bongsu.store.runs import get_plan
from bongsu.store.stages import stages_of

_CARD = "README.md"
_LONGEST = 300


def sources_of(connection: Connection, model: Found) -> tuple[tuple[Source, ...], int]:
    """The inputs that a version came from and whatever nobody here has made, as far as who asks may see; and how many
    of them are left out, because who may know of the model may not know of them."""
    read, edges = walk(connection, version_node(model.name, model.version), "upstream")
    nodes = {node.id: node for node in read}
    found: set[tuple[str, str, str]] = set()
    into: set[str] = set()
    for edge in edges:
        into.add(edge.target)
        if edge.kind is EdgeKind.RESOLVED:
            found.add((_name(nodes[edge.source].title), edge.target, nodes[edge.target].label))
    found |= {
        (_name(node.title), node.id, node.label)
        for node in read
        if node.kind is NodeKind.ARTIFACT and node.id not in into and node.id != artifact_node(model.content)
    }
    shown = [one for one in sorted(found) if model.thing.label.dominates(Label.parse(one[2]))]
    sources = tuple(
        Source(name=name, digest=digest, label=Label.parse(text))
        for name, node, text in shown
        if (digest := digest_at(node)) is not None
    )
    return sources, len(found) - len(shown)


def _name(title: str) -> str:
    """Without the way to it on a machine, which is nobody's outside."""
    if title.startswith("file:"):
        title = "file:" + title.rstrip("/").rpartition("/")[2].removeprefix("file:")
    return "".join(letter for letter in title if letter.isprintable())[:_LONGEST]


def evidence_of(connection: Connection, digests: Sequence[Digest]) -> tuple[Evidence, ...]:
    """Evaluations and verifications as the store has them, in this order."""
    known = [(digest, find_owned(connection, digest)) for digest in digests]
    return tuple(
        Evidence(digest=digest, type=one.type, label=Label.parse(one.label)) for digest, one in known if one
    )


def purpose_of(connection: Connection, run_id: str) -> str:
    """What the run that registered the model said that it was for; empty if none did."""
    return get_plan(connection, run_id).purpose.statement if run_id else ""


def declassify_on(connection: Connection, found: Found) -> date | None:
    """When the label may be reviewed, as the stage that made the bytes was planned with it; None if that is not known
    any more, or was of another label than the model has now."""
    known = find_owned(connection, found.content)
    if known is None or known.run_id is None or known.stage_id is None:
        return None
    made = [
        ref.label
        for one in stages_of(connection, known.run_id, [StageId(known.stage_id)])
        for ref in one.outputs.values()
        if ref.digest == found.content and str(ref.label) == str(found.thing.label)
    ]
    return made[0].declassify_on if made else None


@dataclass(frozen=True)
class Cards:
    """Texts of cards, read before the transaction in which one of them is chosen: a store may be far away.

    Attributes:
        registered: by the tree of a registration.
        own: that among the model's own files.
    """

    registered: Mapping[Digest, str]
    own: str

    def of(self, model: Found, registered: Sequence[ArtifactRef]) -> str:
        """That of the registration, as far as the model's label lets it be told, else the model's own; empty if there
        is none, or it is very long."""
        seen = [ref.digest for ref in registered if model.thing.label.dominates(ref.label)]
        text = next(filter(None, (self.registered.get(digest, "") for digest in seen)), self.own)
        return text if len(text) <= LONGEST_CARD else ""


def registrations_of(connection: Connection, found: Found) -> list[ArtifactRef]:
    """What the stage that registered a version gave out about it."""
    made = stages_of(connection, found.run_id, [StageId(found.stage_id)]) if found.run_id else []
    return [ref for one in made for ref in one.outputs.values() if ref.type is ArtifactType.REGISTRATION]


def read_cards(platform: Platform, registered: Sequence[ArtifactRef], tree: TreeReader) -> Cards:
    """Cards of registrations and of the model's own files; one that is damaged says nothing.

    Raises:
        OSError, BongsuError: the store does not answer at the moment.
    """
    texts: dict[Digest, str] = {}
    for ref in registered:
        try:
            texts[ref.digest] = read_text(platform.artifacts.reader(ref.digest), _CARD)
        except BongsuError as error:
            if not is_damage(error):
                raise
    return Cards(texts, read_text(tree, _CARD))
