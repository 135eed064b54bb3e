"""Every order of proposing, approving, rejecting, withdrawing, changing, suspending and carrying out, by an oracle.

The oracle knows the rules from ``docs/governance.md`` and nothing of the code: sets of names, numbers that count
changes, and plain comparisons. It says of each request whether it has to be done; the platform has to say the same, and
the alias in the store has to be the one that the oracle expects. It is one machine with its oracle, and therefore long.
``BONGSU_TEST_APPROVALS`` says how many histories it tries.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from governed_places import DAY, GovernedPlace
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import delete, insert, update
from store_places import open_at

from bongsu.domain.approval import ApprovalState
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.use_register import Tier
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve, reject
from bongsu.service.governance.proposing import ProposalRequest, propose, show_proposal, withdraw
from bongsu.service.governance.suspending import StopRequest, propose_lift, suspend
from bongsu.service.governance.sweeping import sweep
from bongsu.service.governance.uses import withdraw_use
from bongsu.store.schema import model_versions
from bongsu.store.schema_people import memberships
from bongsu.store.submitters import note_submitter

HISTORIES = int(os.environ.get("BONGSU_TEST_APPROVALS", "60"))
VERSIONS = (1, 2)
DECIDERS = ("ann", "bae", "cho", "acc", "kim", "lee", "sub", "bot", "low", "army-ann")
MAY_DECIDE = {"ann", "bae", "cho", "acc", "sub", "low", "lee"}
MAY_PROPOSE = ("kim", "lee")
SUBMITTER = {1: "kim", 2: "sub"}
NEEDS = {Tier.I: 2, Tier.II: 3, Tier.III: 4}
MONTH = 30 * DAY
Choose = Callable[[Sequence[Any]], Any]
CHOOSE = st.randoms(use_true_random=False).map(lambda rng: rng.choice)


@dataclass
class Believed:
    """What the oracle knows of a proposal.

    Attributes:
        seen: how its version looked when it was proposed.
        took_effect: it was carried out once.
        counted: whose approvals counted then.
        relabelled: when a sweep found its version with another label; None if none did.
    """

    version: int
    proposer: str
    seen: tuple[int, int]
    born: float
    needs: int
    said: dict[str, str] = field(default_factory=dict)
    state: str = "proposed"
    took_effect: bool = False
    counted: frozenset[str] = frozenset()
    relabelled: float | None = None

    @property
    def is_open(self) -> bool:
        return self.state in ("proposed", "approved")


class Approvals(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.place = GovernedPlace(self.folder)
        place = self.place
        self.replica = replace(place.platform, database=open_at(self.folder))
        place.add_person("sub", "mnd", Role.APPROVER)
        place.add_person("bot", "mnd", Role.APPROVER, kind=ActorKind.SERVICE)
        place.add_person("low", "mnd", Role.APPROVER, clearance=OPEN)
        with place.platform.database.write() as connection:
            connection.execute(insert(memberships).values(person="lee", ministry="mnd", role="approver"))
        place.permit_use(days=100_000)
        place.permit_data(days=100_000)
        self.looks = {}
        self.content = {}
        for version in VERSIONS:
            self.content[version] = place.register(version=version, submitter=SUBMITTER[version])
            self.looks[version] = (0, 0)  # which bytes, which label
        self.submitters = {version: {SUBMITTER[version]} for version in VERSIONS}
        self.tier, self.higher = Tier.I, ""
        self.closed: set[str] = set()
        self.dismissed: set[str] = set()
        self.believed: dict[str, Believed] = {}
        self.suspended = False
        self.alias: int | None = None
        self.promotions = 0

    def teardown(self) -> None:
        self.replica.database.close()
        self.place.close()
        shutil.rmtree(self.folder)

    # -- what people do ----------------------------------------------------------------------------------------

    @rule(who=st.sampled_from(MAY_PROPOSE), version=st.sampled_from(VERSIONS))
    def proposes(self, who: str, version: int) -> None:
        ends = self.place.now + 300 * DAY
        wish = self.place.wish(f"model:axk1/{version}", days=300)
        request = ProposalRequest(wish.ministry, wish.kind, wish.object, wish.target, wish.reason, ends)
        others = [one for one in self.believed.values() if one.version == version and one.is_open]
        expected = who not in self.closed and not self.suspended and not others
        if others:
            return  # that the open one is found or named is told by examples
        made: list[str] = []
        assert self.done(lambda: made.append(propose(self.place.platform, self.actor(who), request).id)) == expected
        if expected:
            at, needs = self.place.now, NEEDS[self.tier]
            self.believed[made[0]] = Believed(version, who, self.looks[version], at, needs)

    @precondition(lambda self: self.believed)
    @rule(
        who=st.sampled_from(DECIDERS),
        choose=CHOOSE,
        says_yes=st.booleans(),
        looked=st.sampled_from(["here", "here", "elsewhere"]),
    )
    def decides(self, who: str, choose: Choose, says_yes: bool, looked: str) -> None:
        self.decide(who, self.pick(choose)[0], says_yes, looked)

    @precondition(lambda self: any(one.is_open for one in self.believed.values()))
    @rule(who=st.permutations(["ann", "bae", "cho", "acc"]), choose=CHOOSE)
    def several_say_yes(self, who: list[str], choose: Choose) -> None:
        name = choose(sorted(name for name, one in self.believed.items() if one.is_open))
        for person in who[: choose((2, 3, 4))]:
            self.decide(person, name, True, "here")

    @precondition(lambda self: self.believed)
    @rule(first=st.sampled_from(DECIDERS), second=st.sampled_from(DECIDERS), choose=CHOOSE)
    def two_say_yes_at_once(self, first: str, second: str, choose: Choose) -> None:
        """On two replicas; whoever comes first, the same comes of it."""
        name, _one = self.pick(choose)
        if {first, second} & self.closed:
            return
        digest, actors = self.digest(name), (self.actor(first), self.actor(second))
        platforms = (self.place.platform, self.replica)
        acts = [
            lambda platform=platform, actor=actor: approve(platform, actor, name, digest, "looked at it")
            for platform, actor in zip(platforms, actors, strict=True)
        ]
        with ThreadPoolExecutor(2) as pool:
            did = list(pool.map(self.done, acts))
        assert did == [self.believe(who, name, True, "here") for who in (first, second)], (first, second)

    def decide(self, who: str, name: str, says_yes: bool, looked: str) -> None:
        if who in self.closed:
            return  # nobody signs in with a closed account
        digest = self.digest(name) if looked == "here" else digest_of(b"elsewhere")
        act, actor = approve if says_yes else reject, self.actor(who)
        did = self.done(lambda: act(self.place.platform, actor, name, digest, "looked at it"))
        assert did == self.believe(who, name, says_yes, looked), f"{who} says {says_yes} to {name}"

    def believe(self, who: str, name: str, says_yes: bool, looked: str) -> bool:
        """Whether a vote has to be taken; what comes of it is believed from now on."""
        one, word = self.believed[name], "yes" if says_yes else "no"
        may_look = who in MAY_DECIDE - self.dismissed and self.sees(who, one)
        may = may_look and who not in (one.proposer, *self.submitters[one.version])
        is_repeated = one.said.get(who) == word and looked == "here"
        in_time = one.is_open and self.place.now < one.born + MONTH
        changed = self.looks[one.version] != one.seen
        fresh = may and who not in one.said and in_time and looked == "here"
        if fresh and changed:
            one.state = "needs-review"
        elif fresh:
            one.said[who] = word
            if word == "no":
                one.state = "rejected"
            else:
                one.state = "approved" if len(self.counting(one)) >= self.needed(one) else "proposed"
        return (may_look and is_repeated) or (fresh and not changed)

    @precondition(lambda self: self.believed)
    @rule(who=st.sampled_from(MAY_PROPOSE), choose=CHOOSE)
    def takes_back(self, who: str, choose: Choose) -> None:
        name, one = self.pick(choose)
        if who in self.closed:
            return
        expected = who == one.proposer and (one.is_open or one.state == "withdrawn")
        assert self.done(lambda: withdraw(self.place.platform, self.actor(who), name, "no more")) == expected
        if expected:
            one.state = "withdrawn"

    @rule(who=st.permutations(["ann", "bae", "cho", "acc"]), version=st.sampled_from(VERSIONS), choose=CHOOSE)
    def usual_way(self, who: list[str], version: int, choose: Choose) -> None:
        self.proposes("lee", version)
        for name, one in self.believed.items():
            if one.version == version and one.is_open:
                for person in who[: choose((2, 3, 4))]:
                    self.decide(person, name, True, "here")

    @precondition(lambda self: self.believed)
    @rule(who=st.sampled_from((*MAY_PROPOSE, "ann", "army-ann", "dc")), choose=CHOOSE)
    def carries_out(self, who: str, choose: Choose) -> None:
        approved = sorted(name for name, one in self.believed.items() if one.state == "approved")
        name = choose(approved) if approved and choose((True, False)) else self.pick(choose)[0]
        one = self.believed[name]
        if who in self.closed:
            return
        counting = self.counting(one)
        may = who in ("kim", "lee") or (who == "ann" and "ann" not in self.dismissed)
        changed = self.looks[one.version] != one.seen
        enough = len(counting) >= self.needed(one)
        is_approved = one.state == "approved" or (one.state == "proposed" and enough)
        ready = may and is_approved and self.place.now < one.born + MONTH
        expected = ready and not changed and not self.suspended and enough
        was_done = may and one.state == "carried-out"
        did = self.done(lambda: carry_out(self.place.platform, self.actor(who), name))
        assert did == (expected or was_done), f"{who} carries out {one}"
        if ready and changed:
            one.state = "needs-review"
        if expected:
            assert len(counting) >= 2
            assert not counting & {one.proposer, *self.submitters[one.version], "bot"}
            one.state, one.took_effect, self.alias = "carried-out", True, one.version
            one.counted = frozenset(counting)
            self.promotions += 1

    # -- what happens meanwhile --------------------------------------------------------------------------------

    @rule(version=st.sampled_from(VERSIONS), what=st.integers(0, 5), grade=st.sampled_from(list(Grade)))
    def version_changes(self, version: int, what: int, grade: Grade) -> None:
        bytes_, label = self.looks[version]
        if what == 0:
            self.looks[version] = (bytes_ + 1, label)
            self.set_version(version, digest=self.place.tree(f"swapped {version} {bytes_ + 1}"))
        elif what == 1:
            self.looks[version] = (bytes_, grade.rank)
            self.set_version(version, label=str(Label(grade=grade)))
        else:
            self.looks[version] = (0, 0)
            self.set_version(version, digest=self.content[version], label="O")

    @rule(who=st.sampled_from(["ann", "bae", "cho"]), is_account=st.booleans())
    def person_changes(self, who: str, is_account: bool) -> None:
        if is_account:
            self.place.disable(who, again=who in self.closed)
            self.closed ^= {who}
            return
        with self.place.platform.database.write() as connection:
            if who in self.dismissed:
                connection.execute(insert(memberships).values(person=who, ministry="mnd", role="approver"))
            else:
                connection.execute(delete(memberships).where(memberships.c.person == who))
        self.dismissed ^= {who}

    @rule(who=st.sampled_from(["ann", "bae", "low"]), version=st.sampled_from(VERSIONS))
    def run_is_submitted_once_more(self, who: str, version: int) -> None:
        """The run that registered the version, which its proposal comes from; what becomes of that goes on being so."""
        if (who, version) in (("ann", 2), ("bae", 1)):  # each keeps one version on which they may decide
            return
        with self.place.platform.write() as connection:
            note_submitter(connection, f"r-{version:012d}", who, self.place.now)
        self.submitters[version].add(who)

    @rule(days=st.sampled_from([1, 1, 10, 31, 280]), tier=st.sampled_from([Tier.I, Tier.I, Tier.II, Tier.III]))
    def time_passes(self, days: int, tier: Tier) -> None:
        self.place.now += days * DAY
        if tier is not Tier.I and self.tier is Tier.I:
            self.higher = self.place.permit_use(tier, days=100_000).id
            self.tier = tier
        elif self.tier is not Tier.I:
            withdraw_use(self.place.platform, self.actor("acc"), self.higher, "Assessed anew")
            self.tier = Tier.I

    @precondition(lambda self: not self.suspended)
    @rule()
    def model_is_suspended(self) -> None:
        suspend(self.place.platform, self.actor("acc"), StopRequest("mnd", "axk1", None, "It leaks"))
        self.suspended, self.alias = True, None
        for one in self.believed.values():
            if one.is_open or one.state == "carried-out":
                one.state = "needs-review"

    @precondition(lambda self: self.suspended)
    @rule()
    def suspension_is_lifted(self) -> None:
        lift = propose_lift(
            self.place.platform, self.actor("kim"), StopRequest("mnd", "axk1", None, "It was mended")
        )
        for number, person in enumerate(("acc", "dan")):
            assert not self.done(lambda: carry_out(self.place.platform, self.actor("kim"), lift.id)), number
            approve(self.place.platform, self.actor(person), lift.id, lift.binding.digest)
        carry_out(self.place.platform, self.actor("kim"), lift.id)
        self.suspended = False

    @rule()
    def leader_sweeps(self) -> None:
        sweep(self.place.platform)
        swept = sweep(self.place.platform)
        assert (swept.proposals, swept.noted, swept.dropped) == ([], [], {}), "once is enough"
        for one in self.believed.values():
            if one.is_open and self.place.now >= one.born + MONTH:
                one.state = "needs-review"
        for version in VERSIONS:
            mine = [one for one in self.believed.values() if one.version == version]
            if self.alias == version or any(one.state == "carried-out" for one in mine):
                self.lapse_after_sweep(version, mine)

    def lapse_after_sweep(self, version: int, mine: list[Believed]) -> None:
        """Evidence was said to hold for 300 days, and approvals are for one label; two weeks after the end of the first
        of these the alias goes."""
        in_effect = [one for one in mine if one.is_open or one.state == "carried-out"]
        of_this_label = [one for one in in_effect if one.seen[1] == self.looks[version][1]]
        is_approved = any(one.state == "carried-out" for one in of_this_label)
        for one in in_effect:
            if one not in of_this_label:
                one.state, one.relabelled = "needs-review", self.place.now
        once = [one for one in mine if one.took_effect]
        ends = [max(one.born + 300 * DAY for one in once)]
        ends += [one.relabelled for one in once if one.relabelled is not None and not is_approved]
        if self.place.now < min(ends) + 14 * DAY:
            return
        if self.alias == version:
            self.alias = None
        for one in of_this_label:
            one.state = "needs-review"

    # -- what has to hold at any time --------------------------------------------------------------------------

    @invariant()
    def alias_is_what_people_approved(self) -> None:
        expected = {} if self.alias is None else {"production": self.alias}
        assert self.place.aliases() == expected

    @invariant()
    def states_are_those_that_the_oracle_believes(self) -> None:
        actor = self.actor("acc")
        for name, one in self.believed.items():
            shown = show_proposal(self.place.platform, actor, name)
            assert shown.state == ApprovalState(one.state)
            if not one.is_open:
                counted = {vote.person for vote in shown.votes if vote.counts}
                assert counted == one.counted
                continue
            assert {vote.person for vote in shown.votes if vote.counts} == self.counting(one)
            if self.looks[one.version] == one.seen:
                known = (set(shown.submitters), shown.needs)
                assert known == (self.submitters[one.version], self.needed(one))

    # -- looking -----------------------------------------------------------------------------------------------

    def actor(self, who: str) -> Actor:
        return self.place.actor(who)

    def pick(self, choose: Choose) -> tuple[str, Believed]:
        name = choose(sorted(self.believed))
        return name, self.believed[name]

    def digest(self, name: str) -> Digest:
        return show_proposal(self.place.platform, self.actor("acc"), name).binding.digest

    def counting(self, one: Believed) -> set[str]:
        """Whose approvals count now."""
        may = MAY_DECIDE - self.dismissed - self.closed - {one.proposer, *self.submitters[one.version]}
        return {who for who, word in one.said.items() if word == "yes" and who in may and self.cleared(who, one)}

    def needed(self, one: Believed) -> int:
        return max(NEEDS[self.tier], one.needs)

    def cleared(self, who: str, one: Believed) -> bool:
        """Whether they clear the label that was proposed."""
        return who != "low" or one.seen[1] == 0

    def sees(self, who: str, one: Believed) -> bool:
        """Whether they clear the label that was proposed, and the one that there is now."""
        return who != "low" or (one.seen[1] == 0 and self.looks[one.version][1] == 0)

    def set_version(self, version: int, **values: object) -> None:
        with self.place.platform.database.write() as connection:
            connection.execute(update(model_versions).where(model_versions.c.version == version).values(**values))

    def done(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except BongsuError:
            return False
        return True


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(
    max_examples=HISTORIES,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def _last_minute(machine: Approvals, choose: Choose) -> None:
    """Something changes when all is approved, and then somebody carries it out."""
    what = choose(("person", "tier", "version", "submitter", "nothing"))
    if what == "person":
        machine.person_changes(choose(("ann", "bae", "cho")), choose((True, False)))
    elif what == "tier":
        machine.time_passes(1, choose((Tier.II, Tier.III)))
    elif what == "version":
        machine.version_changes(choose(VERSIONS), choose((0, 1, 2)), choose(list(Grade)))
    elif what == "submitter":
        machine.run_is_submitted_once_more(choose(("ann", "bae")), choose(VERSIONS))
    for _again in range(2):
        machine.carries_out(choose(MAY_PROPOSE), choose)


def _step(machine: Approvals, rng: random.Random) -> None:
    """One thing that somebody does, or that happens: what leads on more often than what leads back."""
    choose: Choose = rng.choice
    version, who = choose(VERSIONS), rng.sample(["ann", "bae", "cho", "acc"], 4)
    moves: list[tuple[int, Callable[[], object]]] = [
        (4, lambda: machine.usual_way(who, version, choose)),
        (2, lambda: machine.proposes(choose(MAY_PROPOSE), version)),
        (2, lambda: machine.version_changes(version, choose((0, 1, 2, 3, 4)), choose(list(Grade)))),
        (1, lambda: machine.person_changes(choose(("ann", "bae", "cho")), choose((True, False)))),
        (
            1,
            lambda: machine.time_passes(
                choose((1, 1, 1, 1, 10, 31, 280)), choose((Tier.I, Tier.I, Tier.I, Tier.II))
            ),
        ),
        (1, machine.leader_sweeps),
        (1, lambda: rng.random() < 0.1 and machine.run_is_submitted_once_more(choose(("ann", "bae")), version)),
    ]
    if machine.believed:
        looked = choose(("here", "here", "elsewhere"))
        moves += [
            (4, lambda: machine.decides(choose(DECIDERS), choose, choose((True, True, False)), looked)),
            (5, lambda: machine.carries_out(choose((*MAY_PROPOSE, "ann", "army-ann", "dc")), choose)),
            (2, lambda: machine.two_say_yes_at_once(choose(DECIDERS), choose(DECIDERS), choose)),
            (1, lambda: machine.takes_back(choose(MAY_PROPOSE), choose)),
        ]
    if any(one.state == "approved" for one in machine.believed.values()):
        moves.append((4, lambda: _last_minute(machine, choose)))
    moves.append((3, machine.suspension_is_lifted) if machine.suspended else (1, machine.model_is_suspended))
    rng.choices([move for _weight, move in moves], [weight for weight, _move in moves])[0]()


def test_long_histories_with_many_promotions_agree_with_the_oracle() -> None:
    promotions = 0
    for seed in range(max(4, HISTORIES // 15)):
        machine, rng = Approvals(), random.Random(seed)
        try:
            for _number in range(150):
                _step(machine, rng)
                machine.alias_is_what_people_approved()
                machine.states_are_those_that_the_oracle_believes()
        finally:
            machine.teardown()
        promotions += machine.promotions
    assert promotions >= 5, "histories without promotions prove nothing"
