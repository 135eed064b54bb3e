"""Topological order that stays close to the order of the file, and the cycles that stand in its way."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Set


def topological_order(count: int, needs: Mapping[int, Set[int]]) -> tuple[list[int], list[list[int]]]:
    """Order nodes ``0 .. count-1`` so that each stands behind what it needs, the smaller number first.

    Returns:
        The order, without nodes on a cycle; and the cycles, each as the nodes along it (every node needs the one
        before it, the first needs the last). Nodes behind a cycle are ordered as if the cycle were done.
        Of cycles that share a node one is named.
    """
    waiting = {node: set(needs.get(node, ())) - {node} for node in range(count)}
    feeds: dict[int, list[int]] = {node: [] for node in range(count)}
    for node, before in waiting.items():
        for other in before:
            feeds[other].append(node)
    ready = [node for node, before in waiting.items() if not before]
    heapq.heapify(ready)
    order: list[int] = []
    cycles: list[list[int]] = []

    def finish(node: int) -> None:
        del waiting[node]
        for follower in feeds[node]:
            if follower in waiting:
                waiting[follower].discard(node)
                if not waiting[follower]:
                    heapq.heappush(ready, follower)

    while waiting:
        while ready:
            node = heapq.heappop(ready)
            if node in waiting:
                order.append(node)
                finish(node)
        if waiting:
            cycle = _find_cycle(waiting)
            cycles.append(cycle)
            for node in cycle:
                finish(node)
    return order, cycles


def _find_cycle(waiting: Mapping[int, Set[int]]) -> list[int]:
    """Every waiting node needs a waiting node, so going back along needs comes to a cycle."""
    node = min(waiting)
    trail: dict[int, None] = {}
    while node not in trail:
        trail[node] = None
        node = min(waiting[node])
    nodes = list(trail)
    cycle = nodes[nodes.index(node) :][::-1]
    start = cycle.index(min(cycle))
    return cycle[start:] + cycle[:start]
