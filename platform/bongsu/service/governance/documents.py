"""Proposals as JSON documents."""

from __future__ import annotations

from typing import Any

from bongsu.domain.approval import Proposal
from bongsu.domain.documents import plain


def proposal_document(proposal: Proposal) -> dict[str, Any]:
    """A proposal; ``digest`` is what a vote is for."""
    return {**plain(proposal), "digest": proposal.binding.digest}
