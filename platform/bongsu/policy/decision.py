"""What a rule says."""

from __future__ import annotations

from dataclasses import dataclass, field

from bongsu.domain.problems import BongsuError, Problem


@dataclass(frozen=True)
class Decision:
    """Allow, or deny with a problem that says which fact and what would make it right.

    Attributes:
        rule: name of the rule, e.g. ``purpose.lethal-autonomy``.
        problem: None if allowed.
        facts: what the rule looked at, for the record.
    """

    rule: str
    problem: Problem | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def allowed(self) -> bool:
        return self.problem is None

    def require(self) -> None:
        """Go on only if it allows. Raises BongsuError with the problem."""
        if self.problem is not None:
            raise BongsuError([self.problem])
