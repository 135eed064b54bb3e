"""What keeps a run from beginning anything more: its purpose, its data, a suspended model, bytes that are not what
they were. The rules are in :mod:`bongsu.policy`; here their facts are gathered, for plans and before each attempt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from sqlalchemy import Connection

from bongsu.artifacts.base import ArtifactStore, StoreOf
from bongsu.artifacts.checking import is_damage
from bongsu.domain.approval import ApprovalState, Proposal, ProposalKind
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import governance as codes
from bongsu.domain.ids import Digest
from bongsu.domain.phrases import phrase
from bongsu.domain.plan import PlannedInput, RunPlan
from bongsu.domain.problems import BongsuError, Problem
from bongsu.policy import bytes as bytes_rules
from bongsu.policy import data
from bongsu.policy.data import Purpose
from bongsu.policy.decision import Decision
from bongsu.policy.uses import permitted
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.stored_work import StoredWork
from bongsu.store.database import Database
from bongsu.store.ministries import is_governed
from bongsu.store.origins import Given, origins_of
from bongsu.store.permitted_uses import uses_of
from bongsu.store.proposals import proposals_in_name
from bongsu.store.scope import Scope, scope_of

READ_WHOLE = 256_000_000
"""Bytes up to which a tree is read as a whole before it is launched. Of a larger one sizes are compared here, and its
readers compare every byte that they hand out."""
_BY_ALIAS = re.compile(r"models:/(?P<name>[^@/]+)@(?P<alias>[^@/]+)")


def decisions(connection: Connection, plan: RunPlan, now: float) -> list[Decision]:
    """What each rule says of running the plan at this time; nothing in a home of one person.

    Args:
        connection: reads; to whom something above its clearance, or without one above the label of the plan, is not
            named.
        plan: which purpose, in which ministry, takes what.
        now: seconds since the epoch.
    """
    if not is_governed(connection):
        return []
    purpose = Purpose(plan.purpose.use_class, plan.metadata.ministry)
    given = [Given(entry.name, entry.ref.digest, entry.ref.type) for entry in plan.inputs]
    origins = origins_of(connection, purpose.ministry, given)
    # What a run says of itself is read by whoever sees the run.
    hidden = origins.hidden_from(scope_of(connection).clearance or plan.label, purpose.ministry)
    found = [permitted(purpose.use_class, purpose.ministry, uses_of(connection, [purpose.ministry]), now)]
    for taken in origins.taken:
        found += data.decide(purpose, taken, origins.permits, now, hidden)
    for entry in plan.inputs:
        found += _of_alias(connection, entry)
    return found


def objections(connection: Connection, plan: RunPlan, now: float) -> list[Problem]:
    """Problems of the rules that deny, each once."""
    problems = [decision.problem for decision in decisions(connection, plan, now) if decision.problem]
    return list({str(problem): problem for problem in problems}.values())


def fault_before_launch(artifacts: ArtifactStore, digest: Digest) -> Problem | None:
    """What is wrong with bytes that are to be launched.

    Raises:
        OSError, BongsuError: the store does not answer at the moment.
    """
    try:
        reader = artifacts.reader(digest)
        if reader.manifest.digest != digest:
            return codes.MODEL_BYTES.at(name=digest, detail=phrase("{found}", found=reader.manifest.digest))
        if reader.manifest.size <= READ_WHOLE:
            reader.verify()
        else:
            reader.check_sizes()
    except BongsuError as error:
        if is_damage(error):
            return error.problems[0]
        raise
    return None


class Gate:
    """Asked by the driver before it requests attempts.

    Args:
        database: with what the rules look at.
        artifacts: hold the bytes, by tenant.
        clock: seconds since the epoch.
        stored: is told where they do not answer.
    """

    def __init__(
        self, database: Database, artifacts: StoreOf, clock: Callable[[], float], stored: StoredWork
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._clock = clock
        self._stored = stored

    def of(self, facts: RunFacts) -> Callable[[], Sequence[Problem]]:
        """What is against beginning anything more of the run, looked up when it is first asked for; empty if all
        may.

        The function raises :class:`StoreSilent`: bytes that nobody can read now wait to be read.
        """

        @cache
        def why_not() -> Sequence[Problem]:
            with self._database.read(Scope.of(facts.run.tenant)) as connection:
                if not is_governed(connection):
                    return ()
                problems = objections(connection, facts.plan, self._clock())
            return problems or list(self._bytes(facts))

        return why_not

    def _bytes(self, facts: RunFacts) -> Iterator[Problem]:
        tenant = facts.run.tenant
        for entry in facts.plan.inputs:
            if entry.ref.type is not ArtifactType.MODEL:
                continue
            try:
                fault = fault_before_launch(self._artifacts(tenant), entry.ref.digest)
            except (OSError, BongsuError) as error:
                raise self._stored.silent(tenant, entry.ref.digest, error) from error
            decision = bytes_rules.whole(entry.name, fault)
            if decision.problem:
                yield decision.problem


def _of_alias(connection: Connection, entry: PlannedInput) -> Iterator[Decision]:
    """What was planned by an alias is what was approved for it."""
    named = _BY_ALIAS.fullmatch(entry.uri)
    if named is None:
        return
    wanted = (ProposalKind.PROMOTION, named["alias"], entry.ref.digest)
    fitting = [p for p in _carried_out(connection, named["name"]) if _bound(p) == wanted]
    facts = {"object": entry.uri, "digest": entry.ref.digest}
    if fitting:
        yield bytes_rules.APPROVED.allow(**facts)
    else:
        problem = codes.NOT_APPROVED.at(None, f"spec.inputs.{entry.name}", name=entry.name, use=entry.uri)
        yield bytes_rules.APPROVED.deny(problem, **facts)


def _bound(proposal: Proposal) -> tuple[ProposalKind, str, Digest]:
    bound = proposal.binding
    return bound.kind, bound.target, bound.content


def _carried_out(connection: Connection, name: str) -> list[Proposal]:
    return proposals_in_name(connection, name, [ApprovalState.CARRIED_OUT])
