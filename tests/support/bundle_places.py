"""Two houses: one gives a model away as a bundle, the other takes it in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from governed_places import DAY, GovernedPlace
from sqlalchemy import func, select, update

from bongsu.artifacts.bundle_form import DOCUMENT, NOTE, TREE, Member, written
from bongsu.domain.approval import Proposal, ProposalKind
from bongsu.domain.artifact import FileEntry, Manifest
from bongsu.domain.audit import Author
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.model_bundles import BundleDocument, House
from bongsu.domain.signed_notes import SignedNote, SigningKey, VerifierKey
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.service.audit.keys import LogKeys
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.data_permits import revoke_data_permit
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.service.labels import raise_label
from bongsu.service.model_bundles.exporting import Export, export_model
from bongsu.service.model_bundles.importing import Imported, import_bundle
from bongsu.service.platform import Platform
from bongsu.store.lineage import Edge, Node, put_edges, put_nodes
from bongsu.store.node_ids import artifact_node, input_node
from bongsu.store.schema import artifacts, edges, model_versions, nodes
from bongsu.store.schema_audit import audit_entries
from bongsu.store.schema_people import people
from bongsu.store.scope import Scope

SITE_KEY = SigningKey("bongsu.example", bytes(range(32)))
KEYS = LogKeys((SITE_KEY,))
OTHER_KEY = SigningKey("bongsu.example", bytes(range(1, 33)))
FILES = {
    "README.md": b"---\nname: A model\n---\n# Card\n",
    "empty": b"",
    "weights/model-00001-of-00002.safetensors": bytes(range(256)) * 4,
    "weights/model-00002-of-00002.safetensors": b"w" * 700,
    "tokenizer/" + "long-" * 20 + "name.json": b"{}",
    "어휘.txt": "낱말\n".encode(),
}
HERE = House("army", "bongsu.army.example")


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
            node = Node(artifact_node(self.law), NodeKind.ARTIFACT, "inputs.corpus", "O", {})
            given = Node(input_node("datasets:/law/1"), NodeKind.INPUT, "datasets:/law/1", "O", {})
            put_nodes(connection, [given, node])
            put_edges(connection, [Edge(given.id, node.id, EdgeKind.RESOLVED)], "", self.now)
        self.permit_use()
        self.permit = self.permit_data()
        self.model: Digest = self.register(label=label or Label())
        if is_approved:
            self.approved = self.transfer()

    def tree(self, text: str) -> Digest:
        """A model has several files: one with a card's name, an empty one, long and foreign names, whole blocks."""
        if not text.startswith("axk1"):
            return super().tree(text)
        writer = self.platform.artifacts.writer("tests/" + text.replace(" ", "-"))
        for name, data in {**FILES, "config.json": json.dumps({"name": text}).encode()}.items():
            with writer.create(name) as file:
                file.write(data)
        return writer.commit().digest

    def transfer(
        self, target: str = "army", days: float = 90, object_: str = "model:axk1/1", leaving: Sequence[str] = ()
    ) -> Proposal:
        """Proposed, approved by two, and carried out; before these two, by people whose accounts were closed then."""
        until = self.now + days * DAY
        request = ProposalRequest("mnd", ProposalKind.TRANSFER, object_, target, "They asked for it", until)
        made = propose(self.platform, self.actor("lee"), request)
        for person in leaving:
            approve(self.platform, self.actor(person), made.id, made.binding.digest)
            self.disable(person)
        for person in ("ann", "bae"):
            approve(self.platform, self.actor(person), made.id, made.binding.digest)
        return carry_out(self.platform, self.actor("lee"), made.id)

    def suspend(self) -> None:
        suspend(self.platform, self.actor("acc"), StopRequest("mnd", "axk1", 1, "It errs"))

    def revoke_data(self) -> None:
        revoke_data_permit(self.platform, self.actor("dc"), self.permit, "It was not ours")

    def raise_label(self, label: str) -> None:
        raise_label(self.as_("kim"), f"artifact:{self.model}", Label.parse(label), "It tells more than it seemed")

    def export(self, target: str = "army", person: str = "kim", reference: str = "axk1/1") -> Export:
        return export_model(self.as_(person), KEYS, reference, target)

    def bundle(self, file: Path, target: str = "army") -> Path:
        file.write_bytes(b"".join(self.export(target).pieces))
        return file


def taker(place: GovernedPlace, person: str = "army-dc", clearance: str = "C") -> Platform:
    """What a server has for somebody of the army who takes a bundle in."""
    tenant = Tenant("army")
    cleared = replace(place.actor(person), clearance=Label.parse(clearance))
    scope = Scope.of(tenant, cleared.clearance)
    return replace(place.platform, scope=scope, actor=cleared, author=Author(tenant, person, "q-1"))


def take(
    place: GovernedPlace,
    file: Path,
    keys: tuple[VerifierKey, ...] | None = None,
    here: House = HERE,
    clearance: str = "C",
) -> Imported:
    return import_bundle(taker(place, clearance=clearance), file, named() if keys is None else keys, here)


def standing(place: GovernedPlace) -> tuple[object, ...]:
    """All that there is in a house but its log's refusals: trees, unfinished work, files, artifacts, lineage."""
    with place.platform.read() as connection:
        rows = [
            sorted(map(tuple, connection.execute(select(table.c.tenant, *more))))
            for table, more in (
                (artifacts, (artifacts.c.digest, artifacts.c.label)),
                (nodes, (nodes.c.id, nodes.c.label)),
                (edges, (edges.c.source, edges.c.target)),
                (model_versions, (model_versions.c.name, model_versions.c.version)),
            )
        ]
        done = connection.execute(
            select(func.count())
            .select_from(audit_entries)
            .where(audit_entries.c.entry.contains('"outcome":"done"'))
        ).scalar()
    files = sorted(
        str(path.relative_to(place.folder))
        for path in place.folder.rglob("*")
        if not path.name.startswith(("bongsu.db", ".lock")) and path.suffix not in (".db", ".db-wal", ".db-shm")
    )
    return (*map(tuple, rows), done, tuple(files))


def document_of(contents: Mapping[str, bytes], label: Label, keys: LogKeys = KEYS, **more: Any) -> BundleDocument:
    """As a home of one person, which is called as MND's log is, would write it for the army."""
    listed = [
        FileEntry(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for path, data in sorted(contents.items(), key=lambda one: one[0].encode())
    ]
    facts: dict[str, Any] = {
        "origin": keys.origin(Tenant("mnd")),
        "signers": tuple(map(str, keys.public(Tenant("mnd")))),
        "ministry": "",
        "governed": False,
        "name": "axk1",
        "version": 1,
        "target": "army",
        "label": label,
        "use_class": UseClass.ADMINISTRATION,
        "statement": "",
        "plan_hash": "",
        "evidence": (),
        "approvals": (),
        "sources": (),
        "left_out": 0,
        "card": "",
        "digest": Manifest(files=tuple(listed)).digest,
        "files": tuple(listed),
        "exported_at": 1_700_000_000_000,
        "exported_by": "owner",
    }
    return BundleDocument(**facts | more)


def bundled(document: BundleDocument, files: Mapping[str, bytes], keys: LogKeys = KEYS) -> bytes:
    """The file of a document and its files, signed."""
    text, time = document.note(), document.exported_at // 1000
    note = str(SignedNote(text, tuple(key.sign(text, document.origin) for key in keys.keys))).encode()
    named = {DOCUMENT: document.canonical(), NOTE: note}
    named |= {TREE + path: data for path, data in sorted(files.items(), key=lambda one: one[0].encode())}
    parts = ((Member(name, len(data), time), partial(iter, [data])) for name, data in named.items())
    return b"".join(written(parts))
