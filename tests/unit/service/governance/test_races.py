"""Two replicas at the same proposal, each with a connection of its own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from governed_places import GovernedPlace
from store_places import open_at

from bongsu.domain.approval import ApprovalState
from bongsu.domain.problems import BongsuError
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve, reject
from bongsu.service.governance.proposing import propose, show_proposal
from bongsu.service.governance.suspending import StopRequest, list_suspensions, suspend
from bongsu.service.platform import Platform

Act = Callable[[Platform], object]


@pytest.fixture
def replicas(governed: GovernedPlace) -> Iterator[list[Platform]]:
    made = [replace(governed.platform, database=open_at(governed.folder)) for _ in range(4)]
    yield made
    for one in made:
        one.database.close()


def at_once(replicas: Sequence[Platform], acts: Sequence[Act]) -> list[str]:
    """What came of each act, all begun at one moment: ``done`` or the code of the refusal."""
    start = threading.Barrier(len(acts))
    found = [""] * len(acts)

    def run(number: int) -> None:
        start.wait()
        try:
            acts[number](replicas[number])
            found[number] = "done"
        except BongsuError as error:
            found[number] = error.problems[0].code.name

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


@pytest.mark.parametrize("_again", range(5))
def test_of_two_who_approve_at_once_both_count_once(
    governed: GovernedPlace, replicas: list[Platform], _again: int
) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    digest = proposal.binding.digest
    ann, bae = governed.actor("ann"), governed.actor("bae")
    acts: list[Act] = [lambda p, who=who: approve(p, who, proposal.id, digest) for who in (ann, bae, ann, bae)]  # type: ignore[misc]
    assert at_once(replicas, acts) == ["done"] * 4
    after = show_proposal(governed.platform, ann, proposal.id)
    assert (after.state, sorted(after.approvers)) == (ApprovalState.APPROVED, ["ann", "bae"])
    actions = Counter(action for _actor, action, _entry in governed.log())
    assert actions["approval.approve"] == 2


def test_one_person_on_two_replicas_is_one_person(governed: GovernedPlace, replicas: list[Platform]) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    ann = governed.actor("ann")
    acts: list[Act] = [lambda p: approve(p, ann, proposal.id, proposal.binding.digest)] * 4
    at_once(replicas, acts)
    after = show_proposal(governed.platform, ann, proposal.id)
    assert (after.state, after.approvers) == (ApprovalState.PROPOSED, ("ann",))


@pytest.mark.parametrize("_again", range(3))
def test_a_yes_and_a_no_at_once_end_in_a_no(governed: GovernedPlace, replicas: list[Platform], _again: int) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    digest = proposal.binding.digest
    people = [governed.actor(name) for name in ("ann", "bae", "cho")]
    acts: list[Act] = [
        lambda p: approve(p, people[0], proposal.id, digest),
        lambda p: approve(p, people[1], proposal.id, digest),
        lambda p: reject(p, people[2], proposal.id, digest, "no"),
    ]
    assert at_once(replicas, acts)[2] == "done"
    assert show_proposal(governed.platform, people[0], proposal.id).state is ApprovalState.REJECTED
    with pytest.raises(BongsuError):
        carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert governed.aliases() == {}


@pytest.mark.parametrize("_again", range(5))
def test_a_suspension_at_the_moment_of_the_promotion_leaves_no_alias(
    governed: GovernedPlace, replicas: list[Platform], _again: int
) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    lee, acc = governed.actor("lee"), governed.actor("acc")
    acts: list[Act] = [
        lambda p: carry_out(p, lee, proposal.id),
        lambda p: suspend(p, acc, StopRequest("mnd", "axk1", None, "It leaks")),
        lambda p: carry_out(p, lee, proposal.id),
        lambda p: suspend(p, acc, StopRequest("mnd", "axk1", None, "It leaks")),
    ]
    found = at_once(replicas, acts)
    assert found[1] == found[3] == "done"
    assert governed.aliases() == {}
    assert len(list_suspensions(governed.platform, acc)) == 1
    assert show_proposal(governed.platform, acc, proposal.id).state is ApprovalState.NEEDS_REVIEW


def test_two_versions_promoted_to_one_alias_at_once_leave_one(
    governed: GovernedPlace, replicas: list[Platform]
) -> None:
    governed.register(version=2)
    ids = []
    for version in (1, 2):
        proposal = propose(governed.platform, governed.actor("lee"), governed.wish(f"model:axk1/{version}"))
        ids.append(proposal.id)
        for person in ("ann", "bae"):
            approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    lee = governed.actor("lee")
    acts: list[Act] = [lambda p, one=one: carry_out(p, lee, one) for one in (*ids, *ids)]  # type: ignore[misc]
    assert at_once(replicas, acts) == ["done"] * 4
    assert governed.aliases()["production"] in (1, 2)


def test_who_proposes_the_same_at_once_finds_one_proposal(
    governed: GovernedPlace, replicas: list[Platform]
) -> None:
    lee, wish, found = governed.actor("lee"), governed.wish(), list[str]()
    acts: list[Act] = [lambda p: found.append(propose(p, lee, wish).id)] * 4
    assert at_once(replicas, acts) == ["done"] * 4
    assert len(set(found)) == 1
