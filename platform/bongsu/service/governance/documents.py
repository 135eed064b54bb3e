"""Proposals as JSON documents."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bongsu.domain.approval import Proposal
from bongsu.domain.ids import Digest


@dataclass(frozen=True, kw_only=True)
class ProposalDocument(Proposal):
    """A proposal and what was decided on it; ``digest`` is what a vote is for."""

    digest: Digest


def proposal_document(proposal: Proposal) -> ProposalDocument:
    facts = {field.name: getattr(proposal, field.name) for field in fields(Proposal)}
    return ProposalDocument(**facts, digest=proposal.binding.digest)
