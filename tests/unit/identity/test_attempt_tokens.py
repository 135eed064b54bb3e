"""Tokens of workers, and the door through which every token comes."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from identity_provider import AUDIENCE, ISSUER, KEYS, NOW, claims, good, signed, verifier
from joserfc.jwk import ECKey

from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.tokens import LiveAttempt
from bongsu.identity.attempt_tokens import (
    ATTEMPT_TYPE,
    CONTROL_PLANE,
    LONGEST_LIFE_S,
    WORKER_AUDIENCE,
    WORKING_LIFE_S,
    AttemptGrant,
    issue_attempt_token,
    verify_attempt_token,
)
from bongsu.identity.authenticator import Authenticator
from bongsu.identity.key_ring import new_ring
from bongsu.identity.parsing import parse
from bongsu.identity.refusals import Cause, TokenRefusedError
from bongsu.policy.access import permissions_in

RING = new_ring(NOW)
ATTEMPT = AttemptId(run_id=RunId("r-000000000001"), stage_id=StageId("adapt"), number=2)
KIM = Actor("mnd/kim", "김철수", roles={"mnd": frozenset({Role.ENGINEER})})
BOT = Actor("mnd/bot", "bot", ActorKind.SERVICE, {"mnd": frozenset({Role.ENGINEER})})


def token(timeout_s: float | None = 60.0, attempt: AttemptId = ATTEMPT) -> str:
    return issue_attempt_token(RING, AttemptGrant(attempt, "mnd", timeout_s), NOW)


def door(
    people: dict[str, Actor] | None = None, live: set[AttemptId] | None = None, begun_at: float | None = None
) -> Authenticator:
    known = {"kim": KIM, "bot": BOT} if people is None else people
    running = {ATTEMPT} if live is None else live
    return Authenticator(
        verifier(),
        lambda token: known.get(token.subject) if (token.issuer, token.ministry) == (ISSUER, "mnd") else None,
        lambda: RING,
        lambda attempt: LiveAttempt(begun_at) if attempt in running else None,
    )


def cause(given: str, authenticator: Authenticator | None = None, now: float = NOW) -> Cause:
    with pytest.raises(TokenRefusedError) as caught:
        (authenticator or door()).actor(given, now)
    return caught.value.cause


def own(**other: Any) -> str:
    """Signed by the control plane, with other claims."""
    said = {
        "iss": CONTROL_PLANE,
        "aud": WORKER_AUDIENCE,
        "sub": ATTEMPT.key,
        "iat": int(NOW),
        "exp": int(NOW) + 60,
        "run": ATTEMPT.run_id,
        "stage": ATTEMPT.stage_id,
        "attempt": 2,
        "ministry": "mnd",
    }
    whole = {name: value for name, value in (said | other).items() if value is not None}
    return signed(RING.signing.key, whole, header={"typ": ATTEMPT_TYPE})


def test_a_worker_comes_in_as_its_attempt_and_is_nothing_in_its_ministry() -> None:
    actor = door().actor(token(), NOW + 59)
    assert (actor.kind, actor.attempt, actor.id) == (ActorKind.WORKER, ATTEMPT, f"worker:{ATTEMPT.key}")
    assert list(actor.roles) == ["mnd"]
    assert not actor.ministries
    assert not permissions_in(actor, "mnd")


def test_a_worker_is_refused_once_its_attempt_is_over() -> None:
    assert cause(token(), door(live=set())) is Cause.ATTEMPT_OVER
    other = ATTEMPT.model_copy(update={"number": 3})
    assert cause(token(), door(live={other})) is Cause.ATTEMPT_OVER


@given(st.none() | st.floats(0.1, 10 * LONGEST_LIFE_S), st.floats(0, 2_000_000_000))
def test_a_token_never_outlives_its_attempt(timeout_s: float | None, now: float) -> None:
    given_out = issue_attempt_token(RING, AttemptGrant(ATTEMPT, "mnd", timeout_s), now)
    end = now + min(timeout_s or LONGEST_LIFE_S, LONGEST_LIFE_S)
    for later in (end, end + 1, end + 30):
        with pytest.raises(TokenRefusedError):
            verify_attempt_token(RING, parse(given_out), later)
    if timeout_s is None or timeout_s > 2:
        assert verify_attempt_token(RING, parse(given_out), now).attempt == ATTEMPT


@given(waited=st.floats(0, LONGEST_LIFE_S - 60), worked=st.floats(0, 2 * WORKING_LIFE_S), has_begun=st.booleans())
def test_a_token_holds_for_an_hour_of_work_however_long_its_attempt_waited(
    waited: float, worked: float, has_begun: bool
) -> None:
    """``waited`` before the attempt began, or for the token since it did."""
    begun_at = NOW + waited
    given_at, first = (begun_at, NOW) if has_begun else (NOW, begun_at)
    given_out = issue_attempt_token(RING, AttemptGrant(ATTEMPT, "mnd", has_begun=has_begun), given_at)
    now = max(given_at, first) + worked
    assume(abs(worked - WORKING_LIFE_S) > 2)
    holds = worked < WORKING_LIFE_S and now < given_at + LONGEST_LIFE_S - 2
    assume(abs(now - given_at - LONGEST_LIFE_S) > 2)
    authenticator = door(begun_at=first)
    if holds:
        assert authenticator.actor(given_out, now).attempt == ATTEMPT
    else:
        assert cause(given_out, authenticator, now) is Cause.EXPIRED


def test_while_an_attempt_waits_its_token_holds_for_a_day() -> None:
    given_out = issue_attempt_token(RING, AttemptGrant(ATTEMPT, "mnd"), NOW)
    assert door().actor(given_out, NOW + LONGEST_LIFE_S - 1).attempt == ATTEMPT
    assert cause(given_out, door(), NOW + LONGEST_LIFE_S) is Cause.EXPIRED


@pytest.mark.parametrize(
    ("forgery", "expected"),
    [
        (own(aud=AUDIENCE), Cause.AUDIENCE),
        (own(exp=int(NOW)), Cause.EXPIRED),
        (own(exp=int(NOW) + LONGEST_LIFE_S + 100), Cause.LIFE),
        (own(run=None), Cause.CLAIMS),
        (own(attempt=0), Cause.CLAIMS),
        (own(attempt="two"), Cause.CLAIMS),
        (own(attempt=3), Cause.CLAIMS),
        (own(stage="other"), Cause.CLAIMS),
        (own(ministry=None), Cause.CLAIMS),
        (signed(RING.signing.key, claims(iss=CONTROL_PLANE, aud=WORKER_AUDIENCE)), Cause.TYPE),
        (
            signed(
                ECKey.generate_key("P-256", {"kid": RING.signing.id}),
                claims(iss=CONTROL_PLANE),
                header={"typ": ATTEMPT_TYPE},
            ),
            Cause.SIGNATURE,
        ),
        (signed(KEYS["ES256"], claims(iss=CONTROL_PLANE), header={"typ": ATTEMPT_TYPE}), Cause.KEY),
    ],
)
def test_what_is_not_such_a_token_is_refused(forgery: str, expected: Cause) -> None:
    assert cause(forgery) is expected


def test_keys_of_workers_do_not_sign_for_people_nor_the_other_way_round() -> None:
    assert cause(signed(RING.signing.key, claims())) is Cause.KEY
    assert cause(signed(KEYS["ES256"], claims(aud=WORKER_AUDIENCE))) is Cause.AUDIENCE


def test_a_person_comes_in_as_whom_the_store_knows() -> None:
    assert door().actor(good(), NOW) == KIM
    assert door().actor(good(sub="bot", client_id="bot"), NOW) == BOT


def test_a_person_who_is_disabled_or_unknown_is_refused_though_the_token_holds() -> None:
    assert cause(good(), door(people={})) is Cause.PERSON


def test_a_client_without_a_person_never_acts_as_one() -> None:
    assert cause(good(client_id="kim")) is Cause.KIND


def test_the_log_has_the_cause_and_nothing_of_the_token(caplog: pytest.LogCaptureFixture) -> None:
    bad = good(exp=1)
    with caplog.at_level(logging.INFO, "bongsu.identity"), pytest.raises(TokenRefusedError):
        door().actor(bad, NOW)
    (record,) = caplog.records
    assert record.getMessage() == "A token was refused: expired"
    assert not any(part in caplog.text for part in bad.split("."))
