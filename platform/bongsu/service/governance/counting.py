"""Proposals as they stand at this moment: who has submitted the runs behind them by now, how many people have to
approve, and whose approvals count. Computed whenever somebody looks or acts; the store keeps what people said."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from bongsu.domain.approval import ApprovalState, Proposal, settled
from bongsu.policy import approvals as rules
from bongsu.service.governance.subjects import Subject, Subjects, known_submitters, needed_for
from bongsu.store.ministries import open_accounts
from bongsu.store.proposals import get_proposal


def at_present(connection: Connection, proposal: Proposal, subject: Subject | None, now: float) -> Proposal:
    """An open proposal with what is known at ``now``, in seconds since the epoch; ``subject``: what it is about, None
    if that is there no longer."""
    return _at_present(connection, [(proposal, subject)], now)[0]


def as_told(
    connection: Connection, found: Sequence[Proposal], now: float, subjects: Subjects | None = None
) -> list[Proposal]:
    """Proposals as people are told of them: what still waits as it stands at ``now``, what is over as it was left.
    ``subjects``: what is known of them in this snapshot already."""
    waiting = [one for one in found if one.state.is_open]
    about = (subjects or Subjects(connection)).of(waiting)
    standing = iter(_at_present(connection, list(zip(waiting, about, strict=True)), now))
    return [next(standing) if one.state.is_open else one for one in found]


def _at_present(
    connection: Connection, proposals: Sequence[tuple[Proposal, Subject | None]], now: float
) -> list[Proposal]:
    """In as many statements for many as for one, and in none for none."""
    if not proposals:
        return []
    subjects = {subject for _proposal, subject in proposals if subject is not None}
    submitters, needs = known_submitters(connection, subjects), needed_for(connection, subjects, now)
    accounts = open_accounts(connection, {one for proposal, _subject in proposals for one in proposal.approvers})
    return [
        rules.at_present(proposal, frozenset(), accounts, proposal.needs)
        if subject is None
        else rules.at_present(proposal, submitters[subject], accounts, needs[subject])
        for proposal, subject in proposals
    ]


def as_written(connection: Connection, proposal_id: str, now: float) -> Proposal:
    """A proposal as this transaction has written it, and as people are told of it."""
    written = get_proposal(connection, proposal_id)
    assert written is not None
    return as_told(connection, [written], now)[0]


def ready(proposal: Proposal, now: float) -> Proposal:
    """A proposal, as it is :func:`at_present`, that may be carried out if it is approved: one that waited and whose
    approvals are enough by now (somebody has a role again) is. One that was approved and has too few is not moved: what
    it lacks is said."""
    return settled(proposal, now) if proposal.state is ApprovalState.PROPOSED else proposal
