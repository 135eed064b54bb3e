"""Problems as documents have them, in a reader's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bongsu.domain.problems import Problem
from bongsu.language.particles import settle_particles


def told(problem: Problem, translate: Callable[[str], str]) -> dict[str, Any]:
    """A problem for JSON: as :meth:`bongsu.domain.problems.Problem.as_dict`, with particles that fit what was filled
    in."""
    document = problem.as_dict(translate)
    return document | {name: settle_particles(document[name]) for name in ("message", "fix")}
