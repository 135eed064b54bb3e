"""A model version as a file that leaves the house: given to who may read its bytes, for what was approved, and recorded
before the first byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from bongsu.artifacts.base import TreeReader
from bongsu.artifacts.bundle_form import DOCUMENT, END, NOTE, TREE, Member, Part, written
from bongsu.artifacts.sending import PIECE
from bongsu.domain.approval import LaunchKind, Proposal, ProposalKind
from bongsu.domain.codes import bundle as codes
from bongsu.domain.codes import run
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.model_bundles import (
    LONGEST_DOCUMENT,
    MOST_FILES,
    Approval,
    BundleDocument,
    Decider,
    target_parts,
)
from bongsu.domain.people import Actor
from bongsu.domain.signed_notes import SignedNote
from bongsu.domain.tenants import HOME
from bongsu.domain.uses import UseClass
from bongsu.service.audit.keys import LogKeys
from bongsu.service.governance.home_owner import owner
from bongsu.service.governance.launching import LaunchRequest, approved_subject, check_launch, read_whole
from bongsu.service.governance.permission import require_allowed
from bongsu.service.model_bundles.describing import (
    declassify_on,
    evidence_of,
    purpose_of,
    read_cards,
    registrations_of,
    sources_of,
)
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.store.aliases import lock_model
from bongsu.store.governed_objects import Found, binding_of, find_object
from bongsu.store.ministries import is_governed
from bongsu.store.models import find_version

_NUMBERED = re.compile("(?P<name>[^@/]+)[@/](?P<version>[1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Export:
    """A bundle that is given: ``document`` is the digest of what is signed of it, ``size`` in bytes of all pieces
    together; the files are read as the pieces are taken."""

    document: Digest
    size: int
    pieces: Iterator[bytes]


def export_model(platform: Platform, keys: LogKeys, reference: str, target: str) -> Export:
    """A model version as a bundle.

    Args:
        platform: of the ministry whose the model is, for who asks.
        keys: of its log.
        reference: ``NAME/VERSION``, ``NAME@alias``.
        target: the ministry that is to get it, or its installation: ``msit``, ``msit/bongsu.msit.example``.

    Raises:
        BongsuError: as :func:`bongsu.service.governance.launching.check_launch` where ministries share the store; in a
            home of one person ``run.unknown-model`` and ``model.bytes-changed``; ``bundle.bad-target``,
            ``bundle.too-many-files``, ``bundle.document-too-long``.
    """
    if target_parts(target) is None:
        raise codes.BAD_TARGET.error(None, "target", target=target)
    actor = platform.actor if platform.scope.tenant else owner(platform)
    with platform.read() as connection:
        governed = is_governed(connection)
        object_ = _object(connection, reference)
    ask = _ask(platform, actor, object_)
    if governed:
        request = LaunchRequest(LaunchKind.TRANSFER, object_, target)
        digest = check_launch(platform, actor, ask.tenant, request, ask.request_id).digest
    else:
        with platform.read() as connection:
            digest = _at_home(connection, object_).content
        require_allowed(read_whole(platform, object_, digest))
    tree = platform.artifacts.reader(digest)
    _refuse_many(object_, len(tree.manifest.files))
    with platform.read() as connection:
        version = find_object(connection, platform.scope.tenant or HOME, object_)
        registered = registrations_of(connection, version) if version else []
    cards = read_cards(platform, registered, tree)
    with refusals_recorded(ask), platform.write() as connection:
        # All but the bytes is looked at once more, in the transaction that records that they were given.
        if governed:
            # As when a proposal is carried out: whoever suspends the model waits, or this does.
            lock_model(connection, object_.removeprefix("model:").partition("/")[0])
            subject, approvals = approved_subject(connection, ask, ProposalKind.TRANSFER, target)
            assert subject.found is not None
            found = subject.found
        else:
            found, approvals = _at_home(connection, object_), []
        assert found.content == digest, "the bytes of a version never change"
        card = cards.of(found, registrations_of(connection, found))
        made = _Made(ask, keys, target, found, tuple(map(_approval, approvals)), tree, governed, card)
        document = made.document(connection)
        raw = document.canonical()
        _refuse_long(object_, len(raw))
        facts = {"target": target, "content": found.content, "document": digest_of(raw)}
        done(connection, ask, found.thing.label, **facts, approvals=[one.binding for one in document.approvals])
    return _export(document, raw, keys, tree)


def check_under_way(platform: Platform, reference: str, target: str) -> None:
    """Whether a bundle that is being given at a server may still be given: who asks, the model and its approvals as
    they are by now. Raises as :func:`export_model`, but for what its bytes and its document say."""
    with platform.read() as connection:
        ask = _ask(platform, platform.actor, _object(connection, reference))
        approved_subject(connection, ask, ProposalKind.TRANSFER, target)


def _ask(platform: Platform, actor: Actor, object_: str) -> Ask:
    author = platform.author
    return Ask(
        platform,
        actor,
        tenant=platform.scope.tenant,
        action="model.export",
        object=object_,
        request_id=author.request_id,
    )


@dataclass(frozen=True)
class _Made:
    """What is known of an export before its document is written."""

    ask: Ask
    keys: LogKeys
    target: str
    found: Found
    approvals: tuple[Approval, ...]
    tree: TreeReader
    governed: bool
    card: str

    def document(self, connection: Connection) -> BundleDocument:
        ask, found = self.ask, self.found
        binding = binding_of(connection, found, ProposalKind.TRANSFER, self.target)
        sources, left_out = sources_of(connection, found)
        reviewed = declassify_on(connection, found)
        return BundleDocument(
            origin=self.keys.origin(ask.tenant),
            signers=tuple(map(str, self.keys.public(ask.tenant))),
            ministry=ask.tenant,
            governed=self.governed,
            name=found.name,
            version=found.version,
            target=self.target,
            label=found.thing.label.model_copy(update={"declassify_on": reviewed}),
            use_class=UseClass(found.use_class),
            statement=purpose_of(connection, found.run_id),
            plan_hash=binding.plan_hash,
            evidence=evidence_of(connection, binding.evidence),
            approvals=self.approvals,
            sources=sources,
            left_out=left_out,
            card=self.card,
            digest=found.content,
            files=tuple(sorted(self.tree.manifest.files, key=lambda one: one.path.encode())),
            exported_at=int(ask.now) * 1000,
            exported_by=ask.actor.id,
        )


def _at_home(connection: Connection, object_: str) -> Found:
    """A version of a home of one person. Raises ``run.unknown-model``."""
    found = find_object(connection, HOME, object_)
    if found is None:
        raise run.UNKNOWN_MODEL.error(model=object_.removeprefix("model:"))
    return found


def _object(connection: Connection, reference: str) -> str:
    """A version by its number is looked for where a refusal is recorded. Raises ``run.unknown-model``."""
    named = _NUMBERED.fullmatch(reference)
    if named is not None:
        return f"model:{named['name']}/{named['version']}"
    version = find_version(connection, reference)
    return f"model:{version.name}/{version.version}"


def _refuse_many(object_: str, count: int) -> None:
    if count > MOST_FILES:
        raise codes.TOO_MANY_FILES.error(object=object_, count=count, most=MOST_FILES)


def _refuse_long(object_: str, size: int) -> None:
    """What no reader takes is not given."""
    if size > LONGEST_DOCUMENT:
        raise codes.DOCUMENT_TOO_LONG.error(object=object_, size=size, most=LONGEST_DOCUMENT)


def _approval(proposal: Proposal) -> Approval:
    digest = proposal.binding.digest
    said = {one.person: one.voted_at for one in reversed(proposal.votes) if one.digest == digest}
    deciders = [Decider(person=one, decided_at=round(said[one] * 1000)) for one in proposal.deciders]
    return Approval(
        proposal=proposal.id,
        binding=digest,
        evidence_until=round((proposal.binding.evidence_ends_at or 0) * 1000),
        deciders=tuple(deciders),
    )


def _export(document: BundleDocument, raw: bytes, keys: LogKeys, tree: TreeReader) -> Export:
    text = document.note()
    note = str(SignedNote(text, tuple(key.sign(text, document.origin) for key in keys.keys))).encode()
    time = document.exported_at // 1000
    parts: list[Part] = [
        (Member(DOCUMENT, len(raw), time), lambda: iter([raw])),
        (Member(NOTE, len(note), time), lambda: iter([note])),
        *((Member(TREE + one.path, one.size, time), partial(_pieces, tree, one.path)) for one in document.files),
    ]
    size = sum(member.length for member, _ in parts) + len(END)
    return Export(digest_of(raw), size, written(parts))


def _pieces(tree: TreeReader, path: str) -> Iterator[bytes]:
    with tree.open(path) as file:
        while piece := file.read(PIECE):
            yield piece
