"""Where the boxes of a graph stand on a page: layers from above to below, as many boxes a line as it holds."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

# Layers of one box each that follow one another, from this many on, are written like words: side by side.
LONG_CHAIN = 3


@dataclass(frozen=True)
class Line:
    """Boxes side by side; ``is_chain`` if each one follows the one before it."""

    names: tuple[str, ...]
    is_chain: bool = False


def lines(places: Mapping[str, tuple[int, int]], per_line: int) -> list[Line]:
    """The page from above to below.

    Args:
        places: layer and place within it of each box, as :func:`layers` gives them.
        per_line: how many boxes a line holds.
    """
    members: dict[int, list[str]] = defaultdict(list)
    for name in sorted(places, key=lambda name: places[name]):
        members[places[name][0]].append(name)
    found: list[Line] = []
    for is_single, group in groupby(members.values(), key=lambda layer: len(layer) == 1):
        run = list(group)
        if is_single and len(run) >= LONG_CHAIN:
            found += _broken([layer[0] for layer in run], per_line, is_chain=True)
        else:
            for layer in run:
                found += _broken(layer, per_line, is_chain=False)
    return found


def _broken(names: Sequence[str], per_line: int, *, is_chain: bool) -> Iterator[Line]:
    """A chain fills its lines; what stands side by side is spread evenly over as few lines as hold it."""
    count = -(-len(names) // per_line)
    step = per_line if is_chain else -(-len(names) // count)
    for begin in range(0, len(names), step):
        yield Line(tuple(names[begin : begin + step]), is_chain)


def layers(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Layer and place of each box: the layer is the longest way from a source, places follow those of the parents.

    Edges (source, target) of unknown names are ignored; a cycle (which lineage cannot have) is cut where it closes.
    """
    known = set(names)
    parents: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        if source in known and target in known:
            parents[target].append(source)
    depth = _depths(names, parents)
    columns: dict[int, list[str]] = defaultdict(list)
    for name, column in depth.items():
        columns[column].append(name)
    rows: dict[str, int] = {}
    for _, members in sorted(columns.items()):
        members.sort(key=lambda m: (sum(rows[p] for p in parents[m] if p in rows) / (len(parents[m]) or 1), m))
        rows.update({member: row for row, member in enumerate(members)})
    return {node: (depth[node], rows[node]) for node in depth}


def _depths(names: Sequence[str], parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The longest way to each node. Where only cycles are left, the first node of them goes on without its parents."""
    missing = {name: len(parents.get(name, ())) for name in names}
    children: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for parent in parents.get(name, ()):
            children[parent].append(name)
    depth: dict[str, int] = {}
    ready = deque(name for name in names if not missing[name])
    for stuck in (None, *names):
        if stuck is not None and stuck not in depth:
            ready.append(stuck)
        while ready:
            name = ready.popleft()
            depth[name] = max((depth[parent] + 1 for parent in parents.get(name, ()) if parent in depth), default=0)
            for child in children[name]:
                missing[child] -= 1
                if not missing[child] and child not in depth:
                    ready.append(child)
    return depth
