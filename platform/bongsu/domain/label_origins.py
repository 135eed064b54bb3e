"""Where a label came from: for each part of it, the things upstream that brought it in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bongsu.domain.labels import Grade, Label


@dataclass(frozen=True)
class LabelPart:
    """A grade above O, or a compartment, and who brought it in.

    Attributes:
        part: ``S``, ``C``, or the compartment's name.
        origins: ids of what carries it although nothing that it was made from does; the thing itself if it was stated
            of it.
    """

    part: str
    origins: tuple[str, ...]


def label_parts(start: str, labels: Mapping[str, Label], edges: Iterable[tuple[str, str]]) -> Iterator[LabelPart]:
    """Each part of the label of ``start``: the grade, then compartments in their order.

    Args:
        start: id of the thing.
        labels: of it and of everything upstream, by id.
        edges: from what was there before to what came of it; both ends are in ``labels``.
    """
    before: dict[str, list[str]] = {}
    for source, target in edges:
        before.setdefault(target, []).append(source)
    label = labels[start]
    if label.grade is not Grade.OPEN:
        carries = {name for name, one in labels.items() if one.grade.rank >= label.grade.rank}
        yield LabelPart(label.grade.value, _origins(start, carries, before))
    for compartment in sorted(label.compartments):
        carries = {name for name, one in labels.items() if compartment in one.compartments}
        yield LabelPart(compartment, _origins(start, carries, before))


def _origins(start: str, carries: set[str], before: Mapping[str, list[str]]) -> tuple[str, ...]:
    found: set[str] = set()
    seen, waiting = {start}, [start]
    while waiting:
        name = waiting.pop()
        above = [one for one in before.get(name, ()) if one in carries]
        if not above:
            found.add(name)
        waiting += [one for one in above if one not in seen]
        seen.update(above)
    return tuple(sorted(found))
