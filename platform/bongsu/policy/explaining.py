"""Every rule that can deny, as data. A module of this package that has a rule declares it; there is no other list."""

from __future__ import annotations

import importlib
import pkgutil

from bongsu import policy
from bongsu.policy.rule import Rule


def all_rules() -> list[Rule]:
    """Every declared rule, by name. A name declared twice raises ValueError."""
    found: dict[str, Rule] = {}
    for info in pkgutil.iter_modules(policy.__path__):
        module = importlib.import_module(f"{policy.__name__}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, Rule) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"rule {value.name} is declared twice")
    return [found[name] for name in sorted(found)]
