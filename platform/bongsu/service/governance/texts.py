"""What people write beside what they ask for: reasons, names, cards, and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from bongsu.domain.citations import Citation
from bongsu.domain.codes import governance as codes
from bongsu.domain.problems import BongsuError
from bongsu.policy import purpose
from bongsu.policy.access import cleared_for
from bongsu.service.recording import Ask, refusals_recorded
from bongsu.store.governed_objects import find_object

LONGEST = 4000
"""Characters of a text."""


def check_texts(**texts: str) -> None:
    """What people write beside a use is read as pipelines are. Raises ``policy.forbidden-use``,
    ``governance.no-reason``, ``governance.too-long``."""
    problems = []
    for name, text in texts.items():
        if not text.strip():
            problems.append(codes.NO_REASON.at(None, name, field=name))
        if len(text) > LONGEST:
            problems.append(codes.TOO_LONG.at(None, name, field=name, size=len(text), limit=LONGEST))
    problems += purpose.problems(texts)
    if problems:
        raise BongsuError(problems)


def check_declared(ask: Ask, texts: Mapping[str, str]) -> None:
    """Names, titles and cards that say what something is for are read as pipelines are; a refusal is recorded. Raises
    ``policy.forbidden-use``."""
    with refusals_recorded(ask):
        problems = purpose.problems(texts)
        if problems:
            raise BongsuError(problems)


def check_citation(connection: Connection, ask: Ask, field: str, text: str) -> None:
    """What somebody refers to has to be such that others can follow it: what is of the ministry, there and within the
    clearance of who refers to it; what is elsewhere, an address or the number of a document.

    Raises:
        BongsuError: ``governance.bad-citation``, ``governance.citation-gone``.
    """
    found = Citation.parse(text)
    if found is None:
        raise codes.BAD_CITATION.error(None, field, field=field, text=text)
    if found.kind.is_ours:
        there = find_object(connection, ask.tenant, found.reference)
        if there is None or not cleared_for(ask.actor.clearance, there.thing.label):
            args = {"field": field, "reference": found.reference, "ministry": ask.tenant}
            raise codes.CITATION_GONE.error(None, field, **args)
