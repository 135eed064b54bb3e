"""Proposals and what people said to them. Every change is conditional on the version that was read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Text, cast, func, insert, literal, select, update

from bongsu.domain.approval import ApprovalState, Binding, Choice, Proposal, ProposalKind, Vote
from bongsu.domain.ids import Digest
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.tenants import Tenant
from bongsu.store.conflicts import Conflict
from bongsu.store.faults import readable
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.schema import model_versions
from bongsu.store.schema_governance import proposals, votes
from bongsu.store.taken import add_new

_NAMED = ("id", "kind", "object", "label", "digest", "proposer", "state")
_TIMES = ("proposedAt", "expiresAt", "changedAt", "carriedOutAt")
PROPOSALS = Listing(
    (Step(proposals.c.proposed_at, down=True), Step(proposals.c.id)),
    {**columns(proposals, *_NAMED, *_TIMES), "ministry": proposals.c.tenant},
    closed={"kind": ProposalKind, "state": ApprovalState},
)
"""Newest first."""


class StaleProposal(Conflict):
    """Somebody else changed the proposal since it was read."""


def add_proposal(connection: Connection, proposal: Proposal) -> None:
    """Add a proposal. Raises Taken if the same thing is proposed already."""
    add_new(
        connection,
        insert(proposals).values(
            id=proposal.id,
            tenant=proposal.tenant,
            kind=proposal.binding.kind.value,
            object=proposal.binding.object,
            label=proposal.binding.label,
            binding=proposal.binding.canonical(),
            digest=proposal.binding.digest,
            reason=proposal.reason,
            proposer=proposal.proposer,
            submitters=json.dumps(sorted(proposal.submitters)),
            needs=proposal.needs,
            state=proposal.state.value,
            note=proposal.note,
            proposed_at=proposal.proposed_at,
            expires_at=proposal.expires_at,
            changed_at=proposal.changed_at,
            version=0,
            open_key=proposal.open_key,
        ),
    )


def save(connection: Connection, before: Proposal, after: Proposal) -> None:
    """Write what became of a proposal: its state, one more decision if there is one, and, once it is carried out, whose
    decisions counted.

    Raises:
        StaleProposal: it was changed since ``before`` was read.
        Taken: this person has decided on it already.
    """
    done = connection.execute(
        update(proposals)
        .where(
            proposals.c.id == before.id,
            proposals.c.version == before.version,
            proposals.c.state == before.state.value,
        )
        .values(
            state=after.state.value,
            note=after.note,
            changed_at=after.changed_at,
            carried_out_at=after.carried_out_at,
            version=before.version + 1,
            open_key=after.open_key if after.state.is_open else None,
        )
    )
    if done.rowcount != 1:
        raise StaleProposal(before.id)
    for vote in after.votes[len(before.votes) :]:
        add_new(
            connection,
            insert(votes).values(
                proposal=after.id,
                person=vote.person,
                choice=vote.choice.value,
                digest=vote.digest,
                reason=vote.reason,
                voted_at=vote.voted_at,
            ),
        )
    if after.state is ApprovalState.CARRIED_OUT:
        of_it = votes.c.proposal == after.id
        connection.execute(update(votes).where(of_it).values(counted=votes.c.person.in_(after.counting)))


def get_proposal(connection: Connection, proposal_id: str, *, lock: bool = False) -> Proposal | None:
    """A proposal; ``lock`` keeps others from changing it until the end of the transaction."""
    query = select(proposals).where(proposals.c.id == proposal_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return _with_votes(connection, [row])[0] if row else None


def open_proposal(connection: Connection, open_key: str) -> Proposal | None:
    """The open one of the same thing."""
    row = connection.execute(select(proposals).where(proposals.c.open_key == open_key)).one_or_none()
    return _with_votes(connection, [row])[0] if row else None


def count_proposals(connection: Connection, tenant: str, object_: str) -> int:
    """How often something was proposed of this, which numbers the next time."""
    query = select(func.count()).where(proposals.c.tenant == tenant, proposals.c.object == object_)
    return connection.execute(query).scalar_one()


def proposals_of(
    connection: Connection, objects: Iterable[str], states: Sequence[ApprovalState] = (), *, lock: bool = False
) -> list[Proposal]:
    """Proposals of these objects, oldest first."""
    query = select(proposals).where(proposals.c.object.in_(sorted(objects)))
    if states:
        query = query.where(proposals.c.state.in_([state.value for state in states]))
    query = query.order_by(proposals.c.proposed_at, proposals.c.id)
    return _with_votes(connection, connection.execute(query.with_for_update() if lock else query).all())


def proposals_in_name(connection: Connection, name: str, states: Sequence[ApprovalState]) -> list[Proposal]:
    """Proposals of any version of a model, oldest first."""
    # As whole words: by how they begin, no index finds them, and SQLite takes one letter case for the other.
    object_ = literal(f"model:{name}/") + cast(model_versions.c.version, Text)
    query = select(proposals).where(
        proposals.c.object.in_(select(object_).where(model_versions.c.name == name)),
        proposals.c.state.in_([state.value for state in states]),
    )
    return _with_votes(connection, connection.execute(query.order_by(proposals.c.proposed_at)).all())


def proposals_in(
    connection: Connection,
    ministries: Iterable[str],
    states: Sequence[ApprovalState] = (),
    wanted: PageRequest = WHOLE,
) -> list[Proposal]:
    """Proposals of these ministries, newest first."""
    query = select(proposals).where(proposals.c.tenant.in_(sorted(ministries)))
    if states:
        query = query.where(proposals.c.state.in_([state.value for state in states]))
    return _with_votes(connection, connection.execute(PROPOSALS.page(query, wanted)).all())


def expired(connection: Connection, now: float) -> list[Proposal]:
    """Open ones whose time is over."""
    open_states = [state.value for state in ApprovalState if state.is_open]
    query = select(proposals).where(proposals.c.state.in_(open_states), proposals.c.expires_at <= now)
    return _with_votes(connection, connection.execute(query).all())


def _with_votes(connection: Connection, rows: Sequence[Any]) -> list[Proposal]:
    query = select(votes).where(votes.c.proposal.in_([row.id for row in rows]))
    said: dict[str, list[Vote]] = {}
    for vote in connection.execute(query.order_by(votes.c.voted_at, votes.c.person)) if rows else ():
        with readable(connection, votes, f"{vote.proposal}/{vote.person}"):
            said_by_one = (vote.person, Choice(vote.choice), Digest(vote.digest), vote.reason, vote.voted_at)
            one = Vote(*said_by_one, counts=vote.counted)
        said.setdefault(vote.proposal, []).append(one)
    return [_proposal(connection, row, tuple(said.get(row.id, ()))) for row in rows]


def _proposal(connection: Connection, row: Any, said: tuple[Vote, ...]) -> Proposal:
    with readable(connection, proposals, row.id):
        binding = _binding(json.loads(row.binding))
        if binding.digest != row.digest:
            raise ValueError("what it binds is not what its digest says")
        return Proposal(
            id=row.id,
            tenant=Tenant(row.tenant),
            binding=binding,
            reason=row.reason,
            proposer=row.proposer,
            submitters=frozenset(json.loads(row.submitters)),
            needs=row.needs,
            state=ApprovalState(row.state),
            proposed_at=row.proposed_at,
            expires_at=row.expires_at,
            changed_at=row.changed_at,
            carried_out_at=row.carried_out_at,
            note=row.note,
            version=row.version,
            votes=said,
        )


def _binding(document: dict[str, Any]) -> Binding:
    return Binding(
        kind=ProposalKind(document["kind"]),
        object=document["object"],
        target=document["target"],
        content=Digest(document["content"]),
        evidence=tuple(Digest(one) for one in document["evidence"]),
        plan_hash=document["planHash"],
        label=document["label"],
        use_class=document["useClass"],
        evidence_ends_at=document["evidenceUntil"] / 1000 or None,
    )
