"""What checks of several stages have in common; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.stages import Objection, StageFacts


def one_for_each(field: str, given: Sequence[object], facts: StageFacts, port: str) -> Iterator[Objection]:
    """A parameter that has one entry for each tree at ``port``, or none at all."""
    trees = facts.inputs.get(port, 0)
    names = {"field": field, "port": port}
    if given and len(given) != trees:
        yield Objection(
            ("with", field),
            phrase(
                N_("{field} has {given} entries, and {port} gets {trees}"), **names, given=len(given), trees=trees
            ),
            phrase(N_("Give one entry for each of {port}, in their order, or leave {field} out."), **names),
        )


def all_different(field: str, given: Sequence[str]) -> Iterator[Objection]:
    """A parameter whose entries name figures, each of which needs a name of its own."""
    twice = next((name for place, name in enumerate(given) if name in given[:place]), None)
    if twice is not None:
        yield Objection(
            ("with", field),
            phrase(N_("{field} holds {name} twice"), field=field, name=twice),
            phrase(N_("Give each entry a name of its own.")),
        )
