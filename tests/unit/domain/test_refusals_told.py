"""What an entry tells of an attempt that was refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.audit import AuditOutcome, Author
from bongsu.domain.codes import access, grants, policy
from bongsu.domain.problems import Problem
from bongsu.domain.tenants import Tenant

KIM = Author(Tenant("mnd"), "mnd/kim", "request-1")
FORBIDDEN = policy.FORBIDDEN_USE.at(None, "reason", pattern="lethal", words="killer robots")


@pytest.mark.parametrize(
    ("problems", "facts"),
    [
        ([grants.NO_REASON.at()], {"codes": ["grants.no-reason"]}),
        (
            [access.FORBIDDEN.at(), access.FORBIDDEN.at()],
            {"codes": [access.FORBIDDEN.name], "rules": ["access.permission"]},
        ),
        (
            [FORBIDDEN, grants.NO_REASON.at()],
            {
                "codes": ["grants.no-reason", "policy.forbidden-use"],
                "rules": [policy.FORBIDDEN_USE.rule],
                "words": ["killer robots"],
            },
        ),
        ([], {}),
    ],
)
def test_its_facts_are_codes_and_the_rules_and_words_if_there_are_any(
    problems: list[Problem], facts: dict[str, Any]
) -> None:
    told = KIM.was_refused("grant.close", "grant:nap-1", 1.0, problems, {"door": "GET /v1/runs"})
    assert (told.outcome, told.facts) == (AuditOutcome.REFUSED, {"door": "GET /v1/runs", **facts})
    assert (told.tenant, told.actor, told.request_id) == ("mnd", "mnd/kim", "request-1")


def test_nothing_that_is_told_beside_them_takes_their_place() -> None:
    told = KIM.was_refused("grant.close", "grant:nap-1", 1.0, [grants.NO_REASON.at()], {"codes": "none"})
    assert told.facts == {"codes": ["grants.no-reason"]}


@given(st.text(st.characters(), max_size=1000))
def test_whatever_somebody_asked_for_can_be_kept(asked: str) -> None:
    """It may be no object at all: a name of any length, with bytes that are no UTF-8."""
    told = KIM.was_refused("run.cancel", f"run:{asked}", 1.0, [grants.NO_REASON.at()])
    assert told.object.encode().startswith(b"run:")
    assert len(told.object) <= 300
    assert json.loads(told.canonical().encode())["object"] == told.object
