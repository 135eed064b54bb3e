"""Every refusal names its rule, the fact that decided, and a way out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import bongsu
from bongsu.api.problems import status_of
from bongsu.domain.codes import all_codes
from bongsu.domain.problems import Code, Problem
from bongsu.language.translation import translator
from bongsu.policy.explaining import all_rules

REFUSED = 4
"""Exit status of what is refused by a rule."""
RULES = {rule.name for rule in all_rules()}
PLATFORM = Path(bongsu.__file__).parent
DENIALS = [code for code in all_codes() if code.rule or code.exit_code == REFUSED]
# What decided where a sentence has nothing to fill in: there is but one such fact, and it stands there.
IN_WORDS = {
    "governance.one-person": "has one person and no ministries",
    "governance.sign-in": "belongs to ministries",
    "identity.foreign-page": "by a page of another site",
    "identity.not-signed-in": "there is no token, or it does not hold",
    "identity.sign-in-stale": "not begun in this browser, or too long ago",
    "identity.two-sessions": "sent two sessions",
    "people.founded": "already has ministries",
}


def example(code: Code) -> Problem:
    """One of its kind, with names for what is filled in."""
    names = set(re.findall(r"\{(\w+)\}", code.what + code.fix)) - {"rule"}
    return code.at(**{name: f"<{name}>" for name in names})


def test_there_are_as_many_refusals_as_are_known() -> None:
    assert len(DENIALS) > 50
    assert {"people.not-allowed", "audit.forbidden", "access.forbidden", "use.not-permitted"} <= {
        code.name for code in DENIALS
    }


@pytest.mark.parametrize("code", DENIALS, ids=lambda code: code.name)
def test_a_refusal_names_a_rule_that_is_explained_and_the_fact_and_the_remedy(code: Code) -> None:
    assert code.rule in RULES, f"{code.name} names no rule of `bongsu policy explain`"
    for language in ("en", "ko"):
        problem, translate = example(code), translator(language)
        assert code.rule in problem.what(translate), language
        assert problem.fix(translate).strip(), language
    facts = set(re.findall(r"\{(\w+)\}", code.what)) - {"rule"}
    assert facts or IN_WORDS[code.name] in code.what, "what decided?"


@pytest.mark.parametrize("code", all_codes(), ids=lambda code: code.name)
def test_what_is_answered_with_403_is_a_refusal(code: Code) -> None:
    assert code.rule or status_of([example(code)]) != 403
    assert code.rule or "{rule}" not in code.what, "a rule is declared with the code, and filled in from there"


def test_documents_carry_the_rule_also_of_phrases_that_are_said_later() -> None:
    for code in DENIALS:
        problem = example(code)
        assert problem.as_dict()["rule"] == code.rule
        assert code.rule in str(problem.sentence())


def test_nobody_fills_in_another_rule_than_the_code_declares() -> None:
    for path in PLATFORM.rglob("*.py"):
        calls = [one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Call)]
        for call in calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("at", "error"):
                assert "rule" not in {keyword.arg for keyword in call.keywords}, f"{path.name}:{call.lineno}"
