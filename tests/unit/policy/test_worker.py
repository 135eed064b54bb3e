"""What a worker may do, for every worker and everything it can ask for."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from bongsu.domain.ids import AttemptId, Digest, RunId, StageId, digest_of
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.policy.worker import WorkerAction, WorkerAsk, worker_may

DIGESTS = [digest_of(bytes([number])) for number in range(6)]
digests = st.sampled_from(DIGESTS)
inputs = st.frozensets(digests, max_size=4)
attempts = st.builds(
    AttemptId,
    run_id=st.sampled_from(["r-1", "r-2"]).map(RunId),
    stage_id=st.sampled_from(["a", "b"]).map(StageId),
    number=st.integers(1, 3),
)
actions = st.sampled_from(WorkerAction)
asks = st.builds(WorkerAsk, actions, attempts, st.none() | digests)
roles = st.dictionaries(st.sampled_from(["mnd", "msit"]), st.frozensets(st.sampled_from(Role)), max_size=2)


def worker(attempt: AttemptId, held: dict[str, frozenset[Role]] | None = None) -> Actor:
    return Actor("worker:x", "x", ActorKind.WORKER, held or {}, attempt=attempt)


@given(attempts, asks, inputs, roles)
def test_a_worker_does_what_belongs_to_its_attempt_and_nothing_else(
    own: AttemptId, ask: WorkerAsk, given_to_it: frozenset[Digest], held: dict[str, frozenset[Role]]
) -> None:
    reads_input = ask.action is WorkerAction.READ_INPUT and ask.digest in given_to_it
    renews = ask.action is WorkerAction.RENEW_TOKEN and ask.digest is None
    expected = ask.attempt == own and (reads_input or renews)
    # Roles, should anybody have given it any, change nothing.
    assert worker_may(worker(own, held), ask, given_to_it).allowed is expected


@given(st.sampled_from([ActorKind.PERSON, ActorKind.SERVICE]), attempts, asks, inputs, roles)
def test_nobody_else_comes_through_this_door(
    kind: ActorKind,
    own: AttemptId,
    ask: WorkerAsk,
    given_to_it: frozenset[Digest],
    held: dict[str, frozenset[Role]],
) -> None:
    assert not worker_may(Actor("a", "a", kind, held, attempt=own), ask, given_to_it).allowed
    assert not worker_may(Actor("a", "a", ActorKind.WORKER, held), ask, given_to_it).allowed


@given(attempts, digests, digests, inputs)
def test_a_refusal_does_not_say_whether_a_tree_is_there(
    own: AttemptId, one: Digest, other: Digest, given_to_it: frozenset[Digest]
) -> None:
    assume(one not in given_to_it and other not in given_to_it)
    said = [
        worker_may(worker(own), WorkerAsk(WorkerAction.READ_INPUT, own, digest), given_to_it).problem
        for digest in (one, other)
    ]
    assert said[0] is not None
    assert said[0] == said[1]


@given(attempts, asks, inputs)
def test_what_was_looked_at_is_told_for_the_record(
    own: AttemptId, ask: WorkerAsk, given_to_it: frozenset[Digest]
) -> None:
    facts = worker_may(worker(own), ask, given_to_it).facts
    assert facts["own"] == own.key
    assert facts["attempt"] == ask.attempt.key
    assert facts["action"] == ask.action.value
