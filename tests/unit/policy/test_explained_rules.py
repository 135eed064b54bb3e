"""Every rule that can deny is explained, and every rule that is explained can deny."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from bongsu import policy
from bongsu.domain import codes
from bongsu.domain.codes import all_codes
from bongsu.domain.problems import Code
from bongsu.policy.decision import Decision
from bongsu.policy.explaining import all_rules
from bongsu.policy.rule import Rule

FOLDER = Path(policy.__file__).parent
PLATFORM = FOLDER.parent
NAMES = {rule.name for rule in all_rules()}


def modules() -> list[str]:
    return [info.name for info in pkgutil.iter_modules(policy.__path__)]


def named(module: str, node: ast.expr) -> object:
    """What the first argument of a decision is, where its module says so."""
    values = vars(importlib.import_module(f"bongsu.policy.{module}"))
    if isinstance(node, ast.Constant):
        return node.value
    return eval(compile(ast.Expression(node), module, "eval"), dict(values))


@pytest.mark.parametrize("module", [name for name in modules() if name != "rule"])
def test_a_decision_names_a_rule_that_is_explained(module: str) -> None:
    tree = ast.parse((FOLDER / f"{module}.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == Decision.__name__]
    assert {named(module, call.args[0]) for call in made} <= NAMES


def test_every_rule_denies_somewhere() -> None:
    """By a decision of its module, or by an error that is raised where there is nothing to decide."""
    files = [path for path in PLATFORM.rglob("*.py") if path.parent.name != "codes"]
    text = "\n".join(path.read_text() for path in files)
    for rule in all_rules():
        constants = [
            name
            for module in modules()
            for name, value in vars(importlib.import_module(f"bongsu.policy.{module}")).items()
            if value is rule
        ]
        decided = any(re.search(rf"\b{name}\.deny\(", text) for name in constants)
        assert decided or any(re.search(rf"\b{name}\.(?:at|error)\(", text) for name in raised(rule)), rule.name


def raised(rule: Rule) -> list[str]:
    """Constants of the codes that name the rule."""
    return [
        name
        for info in pkgutil.iter_modules(codes.__path__)
        for name, value in vars(importlib.import_module(f"{codes.__name__}.{info.name}")).items()
        if isinstance(value, Code) and value.rule == rule.name
    ]


def test_a_rule_says_what_it_looks_at_where_it_comes_from_and_when_it_is_run() -> None:
    for rule in all_rules():
        assert all((rule.says, rule.facts, rule.source, rule.run)), rule.name
        assert re.fullmatch(r"[a-z-]+\.[a-z-]+", rule.name)


def test_a_denial_carries_the_rule_and_its_problem() -> None:
    rule = Rule("a.b", "says", ("fact",), "source", "run")
    problem = all_codes()[0].at()
    assert (rule.deny(problem, x="1").rule, rule.deny(problem).problem) == ("a.b", problem)
    assert rule.allow(x="1") == Decision("a.b", None, {"x": "1"})
