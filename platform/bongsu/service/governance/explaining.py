"""The rules that are really run, for people: by name, with what they say, look at and come from."""

from __future__ import annotations

from bongsu.domain.codes import governance as codes
from bongsu.domain.suggest import closest
from bongsu.policy.explaining import all_rules
from bongsu.policy.rule import Rule

# A rule as it stands in the code; nothing is to be added for those who read it.
ExplainedRule = Rule


def explain(name: str | None = None) -> list[ExplainedRule]:
    """All rules, or the one of this name. Raises ``policy.unknown-rule``."""
    rules = all_rules()
    if name is None:
        return rules
    found = [rule for rule in rules if rule.name == name]
    if not found:
        raise codes.UNKNOWN_RULE.error(name=name, suggestion=closest(name, {rule.name for rule in rules}))
    return found
