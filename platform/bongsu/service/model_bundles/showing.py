"""A bundle as people and machines are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.signed_notes import VerifierKey
from bongsu.domain.uses import UseClass
from bongsu.service.model_bundles.reading import Head


@dataclass(frozen=True)
class ShownDecider:
    """``decided_at`` in seconds since the epoch, as all times here."""

    person: str
    decided_at: float


@dataclass(frozen=True)
class ShownApproval:
    """``binding``: the digest that its deciders said yes to."""

    proposal: str
    binding: Digest
    evidence_ends_at: float
    deciders: tuple[ShownDecider, ...]


@dataclass(frozen=True)
class ShownEvidence:
    """An evaluation or a verification; its bytes stayed where it was made."""

    digest: Digest
    type: ArtifactType
    label: str


@dataclass(frozen=True)
class ShownSource:
    """An input or a data set that the model came from."""

    name: str
    digest: Digest
    label: str


@dataclass(frozen=True)
class BundleShown:
    """What a bundle says, and by whom it is signed.

    Attributes:
        model: as ``NAME/VERSION``.
        ministry: the giver; empty for a home of one person.
        target: for which it was given.
        declassify_on: the day on which its label may be reviewed, if there is one.
        governed: whether approvals were needed where it comes from.
        digest: of the tree, ``size`` in bytes, ``files`` how many.
        left_out: how many sources are not told.
        document: digest of what is signed.
        signers: keys that signed it.
        named: those of them that were named by who looks; without any, nobody knows whose they are.
    """

    model: str
    origin: str
    ministry: str
    target: str
    label: str
    declassify_on: date | None
    use_class: UseClass
    statement: str
    governed: bool
    approvals: tuple[ShownApproval, ...]
    evidence: tuple[ShownEvidence, ...]
    sources: tuple[ShownSource, ...]
    left_out: int
    card: str
    digest: Digest
    size: int
    files: int
    exported_at: float
    exported_by: str
    document: Digest
    signers: tuple[str, ...]
    named: tuple[str, ...]


def shown(head: Head, keys: Sequence[VerifierKey] | None) -> BundleShown:
    """What the head of a bundle says; ``keys`` that were named by who looks."""
    told = head.document
    return BundleShown(
        model=f"{told.name}/{told.version}",
        origin=told.origin,
        ministry=told.ministry,
        target=told.target,
        label=str(told.label),
        declassify_on=told.label.declassify_on,
        use_class=told.use_class,
        statement=told.statement,
        governed=told.governed,
        approvals=tuple(
            ShownApproval(
                one.proposal,
                one.binding,
                one.evidence_until / 1000,
                tuple(ShownDecider(who.person, who.decided_at / 1000) for who in one.deciders),
            )
            for one in told.approvals
        ),
        evidence=tuple(ShownEvidence(one.digest, one.type, str(one.label)) for one in told.evidence),
        sources=tuple(ShownSource(one.name, one.digest, str(one.label)) for one in told.sources),
        left_out=told.left_out,
        card=told.card,
        digest=told.digest,
        size=told.size,
        files=len(told.files),
        exported_at=told.exported_at / 1000,
        exported_by=told.exported_by,
        document=head.digest,
        signers=tuple(map(str, head.signers)),
        named=tuple(str(key) for key in head.signers if key in (keys or ())),
    )
