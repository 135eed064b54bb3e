"""Looked up by whoever is about to use something: a bundle that is exported, a place that serves, a worker."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.artifacts.checking import is_damage
from bongsu.domain.approval import ProposalKind
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import governance as codes
from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.planner.taken_trees import InputTrees
from bongsu.policy import bytes as rules
from bongsu.policy import data
from bongsu.policy.data import Purpose
from bongsu.policy.decision import Decision
from bongsu.policy.uses import permitted
from bongsu.reconciler.loading import load_facts
from bongsu.service.governance.asking import allowed_or_raise
from bongsu.service.governance.fitness import unfit
from bongsu.service.governance.subjects import subject_of
from bongsu.service.platform import Platform
from bongsu.store.ministries import is_governed
from bongsu.store.origins import Given, origins_of
from bongsu.store.permitted_uses import uses_of
from bongsu.store.proposals import proposals_of


def check_launch(platform: Platform, ministry: str, kind: ProposalKind, object_: str, target: str) -> Digest:
    """The digest of the bytes that may be launched: those, and no others, that were approved for this use.

    Args:
        platform: what to work on.
        ministry: whose the model is.
        kind: ``promotion``, ``transfer`` or ``serving``.
        object_: e.g. ``model:axk1-admin/3``.
        target: the alias, the ministry that gets it, or the place that serves it.

    Raises:
        BongsuError: ``governance.no-such``, ``model.not-approved``, ``model.bytes-changed``, ``model.suspended``,
            ``data.not-permitted``.
    """
    now = platform.clock()
    with platform.read() as connection:
        subject = subject_of(connection, ministry, kind, object_, target, 0.0)
        if subject is None or not kind.lets_use:
            raise codes.NO_SUCH.error(object=object_)
        mine = [one for one in proposals_of(connection, [object_]) if one.tenant == ministry]
        decisions = [rules.approved(kind, target, subject.binding, mine, now), *unfit(connection, subject, now)]
    allowed_or_raise(*decisions)
    allowed_or_raise(read_whole(platform, object_, subject.binding.content))
    return subject.binding.content


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


def check_worker(platform: Platform, attempt: AttemptId, digest: Digest) -> None:
    """Whether the worker of an attempt may be handed these bytes now: its attempt is under way, the tree is one of
    those that its stage takes, and the run's purpose permits what it comes from.

    Raises:
        BongsuError: ``governance.no-such``, which tells a worker nothing; ``use.not-permitted``, ``data.*``,
            ``model.suspended``.
    """
    with platform.read() as connection:
        name = _taken_by(connection, attempt, digest)
        if not name:
            raise codes.NO_SUCH.error(object=f"artifact:{digest}")
        allowed_or_raise(
            *_worker_rules(connection, attempt, Given(name, digest, ArtifactType.MODEL), platform.clock())
        )


def _worker_rules(connection: Connection, attempt: AttemptId, given: Given, now: float) -> list[Decision]:
    if not is_governed(connection):
        return []
    facts = load_facts(connection, attempt.run_id)
    purpose = Purpose(facts.plan.purpose.use_class, facts.run.ministry)
    inputs = [Given(entry.name, entry.ref.digest, entry.ref.type) for entry in facts.plan.inputs]
    wanted = inputs if given.digest in {one.digest for one in inputs} else [given, *inputs]
    origins = origins_of(connection, wanted)
    register = uses_of(connection, [purpose.ministry])
    found = [permitted(purpose.use_class, purpose.ministry, register, now)]
    for taken in origins.taken:
        found += data.decide(purpose, taken, origins.permits, now)
    return found


def _taken_by(connection: Connection, attempt: AttemptId, digest: Digest) -> str:
    """What the stage of a live attempt calls the tree; empty if it does not take it."""
    try:
        facts = load_facts(connection, attempt.run_id)
    except BongsuError:
        return ""
    live = any(one.id == attempt and not one.stop_reason for one in facts.live)
    if not live or facts.run.state is not RunState.RUNNING:
        return ""
    planned = facts.plan.stage(attempt.stage_id)
    trees = [tree for taken in InputTrees(facts.plan).of(planned, facts.stages).values() for tree in taken]
    return next((tree.title for tree in trees if tree.ref.digest == digest), "")
