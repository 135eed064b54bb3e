"""A rule as data: what it is called, what it says, what it looks at, and who asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.problems import Problem
from bongsu.policy.decision import Decision


@dataclass(frozen=True)
class Rule:
    """One rule that can deny.

    Attributes:
        name: as decisions and error texts have it, e.g. ``data.permitted``.
        says: the rule in one or two sentences; an English message id.
        facts: what it looks at; English message ids.
        source: the documents that ask for it.
        run: when it is applied; an English message id.
    """

    name: str
    says: str
    facts: tuple[str, ...]
    source: str
    run: str

    def allow(self, **facts: str) -> Decision:
        return Decision(self.name, None, facts)

    def deny(self, problem: Problem, **facts: str) -> Decision:
        return Decision(self.name, problem, facts)
