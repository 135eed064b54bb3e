"""The plan: a pure function of the pipeline, its inputs, the installed stages and what is cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import unique
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.messages import N_
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import ApprovalNeed, PlannedInput, PlannedStage, RunPlan, SkippedStage
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.stages import Catalogue
from bongsu.planner.advice import advise
from bongsu.planner.building import PlanBuilder
from bongsu.planner.facts import CacheFacts, ResolvedInput
from bongsu.planner.feasibility import check_feasible
from bongsu.planner.keeping import Dropped, keep_points
from bongsu.planner.matrix import expand_matrix
from bongsu.planner.port_types import check_port_types
from bongsu.planner.unmasked import unmasked_texts
from bongsu.policy.rules import check_plan

PROMOTION_APPROVERS = 2


@dataclass(frozen=True)
class Drafted:
    """A plan, and what somebody should know who looks at it.

    Attributes:
        warnings: what will run, and probably not as it is meant; fields as of errors.
        skipped: what will not run whatever comes of the rest.
    """

    plan: RunPlan
    warnings: tuple[Problem, ...]
    skipped: tuple[SkippedStage, ...]


def draft(
    spec: PipelineSpec,
    inputs: Mapping[str, ResolvedInput],
    catalogue: Catalogue,
    cache: CacheFacts | None = None,
    requirements: Mapping[str, Digest] | None = None,
    secrets: Callable[[str], str] = lambda _name: "",
    requirement_labels: Mapping[str, Label] | None = None,
) -> Drafted:
    """What a submit would do. Same arguments, same plan, same hash.

    Args:
        spec: as ``specfile.load`` returned it.
        inputs: every input of the pipeline, resolved.
        catalogue: installed stages by name.
        cache: earlier work; nothing is cached if left out.
        requirements: content of requirements files, by the path that stages name them with.
        secrets: fingerprint of a variable that holds a secret; empty if the operator has set none.
        requirement_labels: of requirements files that are known to carry one, by the path that stages name them with.

    Raises:
        BongsuError: policy refuses, or the plan cannot be carried out; all reasons together.
    """
    labels = requirement_labels or {}
    builder = PlanBuilder(spec, inputs, catalogue, cache or CacheFacts(), requirements or {}, secrets, labels)
    keeping = keep_points(expand_matrix(spec, catalogue), catalogue)
    stages = tuple(map(builder.add, keeping.kept))
    made = RunPlan(
        metadata=spec.metadata,
        purpose=spec.spec.purpose,
        grant=spec.spec.grant,
        floor=spec.spec.classification,
        parameters=builder.parameters,
        inputs=tuple(
            PlannedInput(name=name, uri=given.uri, ref=inputs[name].ref) for name, given in spec.spec.inputs.items()
        ),
        stages=stages,
        approvals=tuple(_approvals(stages)),
    )
    types = {name: given.ref.type for name, given in inputs.items()}
    said = [(finding.code, finding.problem()) for finding in unique(builder.findings)]
    problems: list[Problem] = [
        *check_port_types(keeping.kept, spec.spec.inputs, types, catalogue),
        *(problem for code, problem in said if code is codes.STAGE_REFUSES),
        *check_feasible(made),
        *check_plan(made),
    ]
    if problems:
        raise BongsuError(problems)
    warnings = [problem for code, problem in said if code is not codes.STAGE_REFUSES]
    unmasked = unmasked_texts(keeping.kept, spec.spec.inputs, types, catalogue)
    return Drafted(made, (*unmasked, *warnings, *advise(made)), tuple(map(_skipped, keeping.dropped)))


def _skipped(dropped: Dropped) -> SkippedStage:
    point = dropped.point
    return SkippedStage(
        id=point.id,
        stage=point.stage.name,
        point=point.point,
        uses=point.stage.uses,
        when=None if dropped.because else point.stage.when,
        because=tuple(other.id for other in dropped.because),
    )


def _approvals(stages: tuple[PlannedStage, ...]) -> list[ApprovalNeed]:
    """Promotions that the registrations of this plan will ask for before anything is served; a version without an
    alias is promoted to nothing."""
    return [
        ApprovalNeed(
            kind="promotion",
            subject=f"{planned.params.get('name', planned.title)}@{planned.params.get('alias', 'candidate')}",
            approvers=PROMOTION_APPROVERS,
            rule=N_("two people, neither of them the submitter, approve the same digests"),
        )
        for planned in stages
        if ArtifactType.REGISTRATION in planned.outputs.values()
        and planned.params.get("alias", "candidate") is not None
    ]
