"""Proposals as JSON documents."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bongsu.domain.approval import Proposal
from bongsu.domain.ids import Digest


@dataclass(frozen=True, kw_only=True)
class ProposalDocument(Proposal):
    """A proposal and what was decided on it.

    Attributes:
        digest: what a vote is for.
        counting_now: how many approvals count at this moment; None once nobody decides on it any more.
        enough_now: whether these are as many as are needed at this moment; None as above.
    """

    digest: Digest
    counting_now: int | None
    enough_now: bool | None


def proposal_document(proposal: Proposal) -> ProposalDocument:
    facts = {field.name: getattr(proposal, field.name) for field in fields(Proposal)}
    is_open = proposal.state.is_open
    return ProposalDocument(
        **facts,
        digest=proposal.binding.digest,
        counting_now=len(proposal.counting) if is_open else None,
        enough_now=proposal.has_enough if is_open else None,
    )
