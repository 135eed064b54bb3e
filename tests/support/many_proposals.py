"""Proposals of every kind, as many as a test wants, each of an object of its own and approved by one person."""

from __future__ import annotations

from governed_places import DAY, SENSITIVE, GovernedPlace

from bongsu.domain.approval import Proposal, ProposalKind
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.governance.suspending import StopRequest, propose_lift, suspend

TARGETS = {ProposalKind.PROMOTION: "production", ProposalKind.TRANSFER: "army", ProposalKind.SERVING: "hall-2"}


def propose_each(place: GovernedPlace, numbers: range) -> list[Proposal]:
    """For each number one proposal of each kind; data for the even numbers, and models for the odd, is lowered."""
    made = [one for number in numbers for one in _proposed(place, number)]
    for one in made:
        approve(place.platform, place.actor("ann"), one.id, one.binding.digest)
    return made


def _proposed(place: GovernedPlace, number: int) -> list[Proposal]:
    ends = place.now + 90 * DAY
    made = []
    for kind, target in TARGETS.items():
        place.register(f"{kind.value}-{number}", submitter="kim" if number % 3 else "cho")
        request = ProposalRequest("mnd", kind, f"model:{kind.value}-{number}/1", target, "It is better", ends)
        made.append(propose(place.platform, place.actor("lee"), request))
    if number % 2:
        place.register(f"secret-{number}", label=SENSITIVE)
        lowered = f"model:secret-{number}/1"
    else:
        place.add_dataset(f"rows-{number}", place.tree(f"rows {number}"), SENSITIVE)
        lowered = f"dataset:rows-{number}/1"
    request = ProposalRequest("mnd", ProposalKind.DOWNGRADE, lowered, "O", "Published since")
    made.append(propose(place.platform, place.actor("dc"), request))
    name = f"stopped-{number}"
    place.register(name)
    stop = StopRequest("mnd", name, 1 if number % 2 else None, "It was mended")
    suspend(place.platform, place.actor("acc"), stop)
    made.append(propose_lift(place.platform, place.actor("kim"), stop))
    return made
