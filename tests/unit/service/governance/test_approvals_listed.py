"""Lists of proposals by state."""

from __future__ import annotations

from dataclasses import replace

from governed_places import GovernedPlace
from sqlalchemy import delete

from bongsu.domain.approval import ApprovalState
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.people import Role
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import list_proposals, propose, withdraw
from bongsu.store.proposals import PROPOSALS
from bongsu.store.schema_people import memberships


def _listed(governed: GovernedPlace, *states: ApprovalState, wanted: PageRequest = WHOLE) -> list[str]:
    found = list_proposals(governed.platform, governed.actor("acc"), None, states, wanted)
    return [one.binding.target for one in found]


def test_a_list_by_state_tells_what_holds_now(governed: GovernedPlace) -> None:
    """Approved are those that may be carried out, whatever they were when somebody last acted."""
    proposed, approved = ApprovalState.PROPOSED, ApprovalState.APPROVED
    made = {}
    for target in ("done", "gone", "lost", "kept", "new"):
        made[target] = propose(governed.platform, governed.actor("lee"), replace(governed.wish(), target=target))
        governed.now += 1
    for target in ("done", "gone", "lost", "kept"):
        for person in ("ann", "bae") if target == "lost" else ("cho", "dan"):
            approve(governed.platform, governed.actor(person), made[target].id, made[target].binding.digest)
    carry_out(governed.platform, governed.actor("lee"), made["done"].id)
    withdraw(governed.platform, governed.actor("lee"), made["gone"].id, "No more needed")
    assert _listed(governed, approved) == ["kept", "lost"]
    with governed.platform.write() as connection:
        connection.execute(delete(memberships).where(memberships.c.person == "ann"))
    assert _listed(governed, approved) == ["kept"]
    assert _listed(governed, proposed) == ["new", "lost"]
    assert _listed(governed, approved, proposed) == ["new", "kept", "lost"]
    assert _listed(governed, approved, ApprovalState.WITHDRAWN) == ["kept", "gone"]
    assert _listed(governed, ApprovalState.CARRIED_OUT) == ["done"]
    assert _listed(governed) == ["new", "kept", "lost", "gone", "done"]
    assert _listed(governed, proposed, wanted=PageRequest(limit=1)) == ["new"]
    first = made["new"]
    behind = PageRequest(limit=1, behind=PROPOSALS.key(first))
    assert _listed(governed, proposed, wanted=behind) == ["lost"], "what is not asked for leaves no gap"
    governed.add_role("ann", "mnd", Role.APPROVER)
    assert _listed(governed, approved) == ["kept", "lost"]


def test_what_waited_and_has_enough_by_now_is_listed_as_what_may_be_carried_out(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    approve(governed.platform, governed.actor("ann"), proposal.id, proposal.binding.digest)
    with governed.platform.write() as connection:
        connection.execute(delete(memberships).where(memberships.c.person == "ann"))
    approve(governed.platform, governed.actor("bae"), proposal.id, proposal.binding.digest)
    assert _listed(governed, ApprovalState.APPROVED) == []
    governed.add_role("ann", "mnd", Role.APPROVER)
    assert _listed(governed, ApprovalState.APPROVED) == ["production"]
    assert _listed(governed, ApprovalState.PROPOSED) == []
    assert carry_out(governed.platform, governed.actor("lee"), proposal.id).state is ApprovalState.CARRIED_OUT
