"""Asked by whoever is about to use something: a worker, who exports a model as a bundle, and who serves one. Nothing in
Bongsu serves a model yet, so of that, what is not asked here is not stopped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bongsu.artifacts.checking import is_damage
from bongsu.domain.approval import LaunchKind, Proposal, ProposalKind
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import governance as codes
from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.object_names import object_name
from bongsu.domain.people import Actor
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.domain.tenants import Tenant
from bongsu.planner.taken_trees import InputTrees, TakenTree
from bongsu.policy import bytes as rules
from bongsu.policy import data
from bongsu.policy.access import Permission
from bongsu.policy.data import Purpose
from bongsu.policy.decision import Decision
from bongsu.policy.uses import permitted
from bongsu.reconciler.facts import RunFacts
from bongsu.service.audit.reads import record_read
from bongsu.service.governance.fitness import unfit
from bongsu.service.governance.permission import ministry_thing, require_allowed, require_permission
from bongsu.service.governance.subjects import Matter, Subject, check_target, subject_of
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, refusals_recorded
from bongsu.store.ministries import is_governed
from bongsu.store.origins import Given, origins_of
from bongsu.store.permitted_uses import uses_of
from bongsu.store.proposals import proposals_of


@dataclass(frozen=True)
class LaunchRequest:
    """A model is to be used.

    Attributes:
        kind: in which way.
        object: e.g. ``model:axk1-admin/3``.
        target: the alias, the ministry that gets it, or the place that serves it.
    """

    kind: LaunchKind
    object: str
    target: str


@dataclass(frozen=True)
class Launch:
    """That a model may be used at this moment: the bytes of this digest, and no others."""

    kind: LaunchKind
    object: str
    target: str
    digest: Digest


def check_launch(
    platform: Platform, actor: Actor, ministry: str, request: LaunchRequest, request_id: str = ""
) -> Launch:
    """Look whether a model is still what was approved for this use, and whether that still holds. Reads all of its
    bytes. A no is recorded, and so is who asks about what is labelled.

    Args:
        platform: what to work on.
        actor: who asks; somebody who may read the bytes.
        ministry: whose the model is.
        request: what it is to be used for.
        request_id: of the request, for the log.

    Raises:
        BongsuError: ``governance.*``, ``approval.bad-target``, ``model.not-approved``, ``model.bytes-changed``,
            ``model.suspended``, ``data.not-permitted``.
        OSError: the store does not answer at the moment.
    """
    request = replace(request, object=object_name(request.object))
    ask = Ask(
        platform,
        actor,
        tenant=Tenant(ministry),
        action="model.launch",
        object=request.object,
        request_id=request_id,
    )
    with refusals_recorded(ask):
        with platform.read() as connection:
            subject, _approvals = approved_subject(
                connection, ask, ProposalKind(request.kind.value), request.target
            )
        require_allowed(read_whole(platform, request.object, subject.binding.content))
    record_read(platform, actor, ask.tenant, request.object, subject.thing.label, request_id)
    return Launch(request.kind, request.object, request.target, subject.binding.content)


def approved_subject(
    connection: Connection, ask: Ask, kind: ProposalKind, target: str
) -> tuple[Subject, list[Proposal]]:
    """What is to be used, and the approvals by which it may be at this moment; of its bytes nothing is read.

    Raises:
        BongsuError: as :func:`check_launch`, without ``model.bytes-changed``.
    """
    require_permission(connection, ask, ministry_thing(ask.tenant), Permission.ARTIFACT_READ)
    check_target(connection, kind, ask.object, target)
    subject = subject_of(connection, Matter(ask.tenant, kind, ask.object, target, 0.0))
    if subject is None:
        raise codes.NO_SUCH.error(object=ask.object)
    require_permission(connection, ask, subject.thing, Permission.ARTIFACT_READ)
    mine = [one for one in proposals_of(connection, [ask.object]) if one.tenant == ask.tenant]
    approval = rules.approved(kind, target, subject.binding, mine, ask.now)
    require_allowed(approval, *unfit(connection, ask.actor, subject, ask.now))
    return subject, [one for one in mine if rules.lets(one, kind, target, subject.binding, ask.now)]


def read_whole(platform: Platform, name: str, digest: Digest) -> Decision:
    """Whether every byte of the tree is what its digest says. Reads all of it.

    Raises:
        OSError, BongsuError: the store does not answer at the moment.
    """
    try:
        reader = platform.artifacts.reader(digest)
        if reader.manifest.digest != digest:
            found = phrase("{found}", found=reader.manifest.digest)
            return rules.BYTES.deny(codes.MODEL_BYTES.at(name=name, detail=found), object=name)
        reader.verify()
    except BongsuError as error:
        if not is_damage(error):
            raise
        return rules.whole(name, error.problems[0])
    return rules.whole(name, None)


def taken_by(facts: RunFacts, attempt: AttemptId) -> Mapping[Digest, Sequence[TakenTree]]:
    """What an attempt was handed, by digest: the same function of the same facts as when it was launched."""
    planned = facts.plan.stage(attempt.stage_id)
    found: dict[Digest, list[TakenTree]] = {}
    for trees in InputTrees(facts.plan).of(planned, facts.stages).values():
        for tree in trees:
            found.setdefault(tree.ref.digest, []).append(tree)
    return found


def worker_rules(
    connection: Connection, facts: RunFacts, attempt: AttemptId, digest: Digest, now: float
) -> list[Decision]:
    """Whether the worker of an attempt may be handed these bytes now: its attempt is under way, the tree is one of
    those that its stage takes, and the run's purpose permits what it comes from.

    Args:
        connection: of the transaction in which the facts were read.
        facts: of the run of the attempt.
        attempt: whose worker asks.
        digest: of the tree.
        now: seconds since the epoch.

    Returns:
        What the rules say that permit; a no is ``use.not-permitted``, ``data.*`` or ``model.suspended``.

    Raises:
        BongsuError: ``governance.no-such``, which tells a worker nothing.
    """
    taken = taken_by(facts, attempt).get(digest)
    live = any(one.id == attempt and not one.stop_reason for one in facts.live)
    if not taken or not live or facts.run.state is not RunState.RUNNING:
        raise codes.NO_SUCH.error(object=f"artifact:{digest}")
    if not is_governed(connection):
        return []
    purpose = Purpose(facts.plan.purpose.use_class, facts.run.ministry)
    inputs = [Given(entry.name, entry.ref.digest, entry.ref.type) for entry in facts.plan.inputs]
    given = Given(taken[0].title, digest, ArtifactType.MODEL)
    wanted = inputs if digest in {one.digest for one in inputs} else [given, *inputs]
    origins = origins_of(connection, purpose.ministry, wanted)
    hidden = origins.hidden_from(facts.plan.label, purpose.ministry)
    register = uses_of(connection, [purpose.ministry])
    found = [permitted(purpose.use_class, purpose.ministry, register, now)]
    for one in origins.taken:
        found += data.decide(purpose, one, origins.permits, now, hidden)
    return found
