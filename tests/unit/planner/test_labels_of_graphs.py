"""5,000 random graphs: what a stage makes is labelled at least as high as all that it was made from, at any distance,
whatever its worker says of it, and no higher than somebody said."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from small_plans import plan_of, planned_input, ref_of, stage

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import StageId
from bongsu.domain.labels import Grade, Label
from bongsu.domain.run import StageState
from bongsu.planner.taken_trees import InputTrees, label_of, raised

GRAPHS = 5_000
PORTIONS = 20
COMPARTMENTS = ("air", "logistics", "signals")
GRADES = tuple(Grade)

Said = tuple[int, frozenset[str]]
"""A label as the oracle has it: the place of its grade among all, and its compartments."""


@dataclass(frozen=True)
class Stood:
    """A stage that is over."""

    outputs: Mapping[str, ArtifactRef]
    state: StageState = StageState.SUCCEEDED
    metrics: Mapping[str, float] = field(default_factory=dict)


def drawn(chance: random.Random) -> Label:
    held = frozenset(one for one in COMPARTMENTS if chance.random() < 0.2)
    return Label(grade=chance.choice(GRADES), compartments=held)


def said(label: Label) -> Said:
    return GRADES.index(label.grade), label.compartments


def highest(found: list[Said]) -> Said:
    return max(grade for grade, _held in found), frozenset().union(*(held for _grade, held in found))


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_what_is_made_carries_all_that_it_was_made_from(portion: int) -> None:
    for number in range(portion * GRAPHS // PORTIONS, (portion + 1) * GRAPHS // PORTIONS):
        check(random.Random(number))


def check(chance: random.Random) -> None:
    labels = {f"inputs.i{number}": drawn(chance) for number in range(chance.randint(1, 3))}
    inputs = [
        planned_input(name.partition(".")[2], f"file:{name}", ref_of(name, label=label))
        for name, label in labels.items()
    ]
    names = [f"s{number}" for number in range(chance.randint(1, 7))]
    sources: dict[str, list[str]] = {}
    for place, name in enumerate(names):
        there_is = [*labels, *names[:place]]
        sources[name] = chance.sample(there_is, chance.randint(1, min(3, len(there_is))))
    floors = {name: drawn(chance) if chance.random() < 0.2 else Label() for name in names}
    plan = plan_of(*(stage(name, *sources[name], label=floors[name]) for name in names), inputs=inputs)
    workers = {name: drawn(chance) if chance.random() < 0.3 else Label() for name in names}

    standings: dict[StageId, Stood] = {}
    trees = InputTrees(plan)
    for planned in plan.stages:
        made: dict[str, ArtifactRef] = {"files": ref_of(planned.id, label=workers[planned.id])}
        label = label_of(planned, trees.of(planned, standings), made)
        standings[planned.id] = Stood(raised(made, label))

    for name in names:
        # Everything that it was made from, one by one: no join of joins.
        left, seen = [name], set[str]()
        while left:
            if (one := left.pop()) not in seen:
                seen.add(one)
                left += sources.get(one, [])
        of_all = [said(labels[one]) for one in seen if one in labels]
        of_all += [said(label) for one in seen if one not in labels for label in (floors[one], workers[one])]
        assert said(standings[StageId(name)].outputs["files"].label) == highest(of_all), (name, sources)
