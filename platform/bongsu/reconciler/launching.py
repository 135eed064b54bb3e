"""What the executor is handed for an attempt. Pure."""

from __future__ import annotations

from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.ids import AttemptId, Digest, digest_of
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.plan import PlannedStage
from bongsu.planner.taken_trees import InputTrees, label_of
from bongsu.reconciler.facts import RunFacts


def attempt_spec(facts: RunFacts, attempt: AttemptId, artifact_store: str) -> AttemptSpec:
    """The same facts give the same spec, so asking an executor twice is asking once."""
    planned = next(stage for stage in facts.plan.stages if stage.id == attempt.stage_id)
    trees = InputTrees(facts.plan).of(planned, facts.stages)
    label = label_of(planned, trees)
    return AttemptSpec(
        id=attempt,
        uses=planned.uses,
        code=planned.code,
        params=planned.params,
        inputs={port: tuple(tree.ref for tree in found) for port, found in trees.items()},
        input_titles={port: tuple(tree.title for tree in found) for port, found in trees.items()},
        many_inputs=planned.many_inputs,
        outputs=planned.outputs,
        label=label,
        resources=planned.resources,
        environment=planned.environment,
        requirements=planned.requirements,
        requirements_tree=planned.requirements_tree,
        timeout=planned.timeout,
        artifact_store=artifact_store,
        checkpoint_key=checkpoint_key(planned, attempt, facts.stages[attempt.stage_id].cache_key, label),
        pipeline=facts.run.pipeline,
        ministry=facts.run.ministry,
        title=planned.title,
        distributed=planned.distributed,
    )


def checkpoint_key(planned: PlannedStage, attempt: AttemptId, cache_key: Digest | None, label: Label) -> str:
    """Equal work under one label goes on where earlier work stopped, in whatever run: from under another label, that
    would tell of it. What is not cacheable is never equal."""
    if not planned.cacheable or not cache_key:
        return f"runs/{attempt.run_id}/{attempt.stage_id}"
    return f"work/{cache_key if label == OPEN else digest_of(f'{cache_key} {label}'.encode())}"
