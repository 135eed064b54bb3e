"""What the worker of an attempt may ask for: leave to read that attempt's inputs, and a new token. Nothing else,
whatever its ministry may do. What it makes it writes to the artifact store, and asks nobody (ADR 18)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from bongsu.domain.codes import identity as codes
from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.phrases import phrase
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule

OWN_ATTEMPT = Rule(
    "worker.own-attempt",
    N_("The worker of an attempt asks for leave to read that attempt's inputs, and for a new token; no more."),
    (N_("attempt of the token"), N_("attempt that is asked about"), N_("inputs of the attempt")),
    "NIST SP 800-207 (zero trust): least privilege for each request",
    N_("whenever a worker asks for anything"),
)


class WorkerAction(StrEnum):
    """All that a worker can ask for."""

    READ_INPUT = "inputs.read"
    RENEW_TOKEN = "tokens.renew"


@dataclass(frozen=True)
class WorkerAsk:
    """Attributes:
    action: what is asked for.
    attempt: whose input or token it is.
    digest: of the tree that is to be read; None for everything else.
    """

    action: WorkerAction
    attempt: AttemptId
    digest: Digest | None = None


def worker_may(actor: Actor, ask: WorkerAsk, inputs: Collection[Digest]) -> Decision:
    """Whether a worker may do this.

    Args:
        actor: as its token was verified.
        ask: what it asks for.
        inputs: digests that the plan, or what ran before, gives to the attempt of the actor.
    """
    own = actor.attempt
    facts = {"action": ask.action.value, "attempt": ask.attempt.key, "own": own.key if own else ""}
    if ask.digest is not None:
        facts["digest"] = ask.digest
    if actor.kind is not ActorKind.WORKER or own is None:
        return _denied(ask, N_("it is asked for by somebody who is no worker"), facts)
    if ask.attempt != own:
        return _denied(ask, N_("it belongs to another attempt"), facts)
    if ask.action is WorkerAction.READ_INPUT:
        # The same words for what exists and what does not: what lies in the store is not the worker's to know.
        if ask.digest is None or ask.digest not in inputs:
            return _denied(ask, N_("that tree is none of its inputs"), facts)
    elif ask.digest is not None:
        return _denied(ask, N_("only inputs are named by a digest"), facts)
    return OWN_ATTEMPT.allow(**facts)


def _denied(ask: WorkerAsk, detail: str, facts: dict[str, str]) -> Decision:
    problem = codes.WORKER_SCOPE.at(attempt=ask.attempt.key, action=ask.action.value, detail=phrase(detail))
    return OWN_ATTEMPT.deny(problem, **facts)
