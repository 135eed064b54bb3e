"""What is told of an error that something else came up with: one line, in which our own words can be translated."""

from __future__ import annotations

from bongsu.domain.phrases import Words, joined, phrase
from bongsu.domain.problems import BongsuError, Problem

_LONGEST = 200
# What SQLAlchemy puts behind the database's own sentence; MLflow hands on the text alone.
_STATEMENTS = ("\n[SQL:", "\n(Background on this error at:")


def words_of(error: Exception) -> Words:
    """What an error says; one that is none of ours with its kind, because alone it may say little."""
    if isinstance(error, BongsuError):
        return joined([_of_problem(problem) for problem in error.problems], between=" ")
    own = getattr(error, "orig", None)
    told = own if isinstance(own, Exception) else error
    text = str(told)
    for statement in _STATEMENTS:
        text = text.partition(statement)[0]
    line = " ".join(text.split())
    short = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return f"{type(told).__name__}: {short}"


def _of_problem(problem: Problem) -> Words:
    return phrase("{what} {fix} [{code}]", what=problem.sentence(), fix=problem.remedy(), code=problem.code.name)
