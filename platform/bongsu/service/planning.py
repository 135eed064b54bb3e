"""From a pipeline file to the plan of what a submit would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bongsu.domain.codes import specfile as codes
from bongsu.domain.pipeline import PipelineSpec, Stage
from bongsu.domain.plan import RunPlan, SkippedStage
from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.planner.planning import Drafted, draft
from bongsu.service.caching import cache_facts
from bongsu.service.catalogue import InstalledStages
from bongsu.service.grades import grades_of
from bongsu.service.grants.reserving import GrantStanding, obstacles_of, standing_of, unpaid
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import faulty_inputs, masked_elsewhere, resolve_inputs
from bongsu.service.obstacles import against_rules, ask_executor, beyond_executor, names_of_others
from bongsu.service.placing import placed, placed_problem
from bongsu.service.platform import Platform
from bongsu.service.requirements import SentRequirements, as_workers_find_them, labels_known_of, requirements_of
from bongsu.service.secrets import fingerprints
from bongsu.specfile import FaultyPipeline, LoadedPipeline, load

_PAYING = (("spec", "grant"), ("metadata", "ministry"))
"""What has to be right in a file before it can be told who pays."""


@dataclass(frozen=True)
class Prepared:
    """A file that is right, and the plan made of it.

    Attributes:
        warnings: what will run, and probably not as it is meant, each with its place in the file.
        obstacles: why it cannot run on this platform.
        skipped: what will not run whatever comes of the rest.
        grant: what the plan would do to the grant that pays for it; None if none is asked.
        sent: requirements files that have to be in the artifact store before the plan runs.
    """

    pipeline: LoadedPipeline
    plan: RunPlan
    warnings: tuple[Problem, ...] = ()
    obstacles: tuple[Problem, ...] = ()
    skipped: tuple[SkippedStage, ...] = ()
    grant: GrantStanding | None = None
    sent: tuple[SentRequirements, ...] = ()

    def to_run(self) -> RunPlan:
        """The plan. Raises BongsuError with every obstacle if it cannot run here."""
        if self.obstacles:
            raise BongsuError(self.obstacles)
        return self.plan


def prepare(platform: Platform, path: Path, overrides: Mapping[str, str] | None = None) -> Prepared:
    """Load a file, find its inputs and plan it.

    Raises:
        BongsuError: what is wrong with the file, its inputs or the plan, each with its place in the file. What can be
            known of inputs and resources is told with faults of the file.
    """
    files = Files(path.absolute().parent)
    try:
        loaded = load(path, InstalledStages(), overrides, grades_of(platform))
    except FaultyPipeline as faulty:
        raise with_what_is_known(platform, faulty, files) from None
    return prepare_loaded(platform, loaded, files)


def with_what_is_known(platform: Platform, faulty: FaultyPipeline, files: Files) -> BongsuError:
    """What is wrong with a file, with what can be known of its inputs and resources all the same."""
    return BongsuError([*faulty.problems, *_besides(platform, faulty, files)])


def prepare_loaded(platform: Platform, loaded: LoadedPipeline, files: Files) -> Prepared:
    """Find the inputs of a pipeline that was read, and plan it.

    Args:
        platform: what to work on.
        loaded: the pipeline.
        files: where those lie that it names.

    Raises:
        BongsuError: what is wrong with the inputs or the plan, each with its place in the file.
    """
    catalogue = InstalledStages()

    def locate(name: str) -> Location:
        return loaded.places.locate(("spec", "inputs", name))

    facts = cache_facts(platform, loaded.spec.metadata.name)
    requirements = requirements_of(loaded.spec.spec.stages, files)
    faults = list(requirements.problems)
    made: Drafted | None = None
    try:
        inputs = resolve_inputs(platform, loaded.spec, files, locate)
        if not faults:
            secrets = fingerprints(platform.environment)
            labels = labels_known_of(platform, requirements)
            made = draft(loaded.spec, inputs, catalogue, facts, requirements.digests, secrets, labels)
    except BongsuError as error:
        faults += error.problems
    if made is None:
        faults += beyond_executor(platform, loaded.spec.spec.stages)
        with platform.read() as connection:
            faults += unpaid(connection, loaded.spec)
        raise placed(loaded, BongsuError(faults))
    found = as_workers_find_them(made.plan, requirements, files)
    verdict = ask_executor(platform, found)
    taken = (*names_of_others(platform, found), *against_rules(platform, found))
    with platform.read() as connection:
        paid = standing_of(connection, found, platform.clock())
    unmasked = masked_elsewhere(platform, loaded.spec.spec.inputs, inputs)
    warnings, obstacles = (
        tuple(placed_problem(loaded, problem) for problem in problems)
        for problems in (
            (*unmasked, *made.warnings, *verdict.warnings),
            (*verdict.obstacles, *taken, *obstacles_of(paid)),
        )
    )
    standing = paid if isinstance(paid, GrantStanding) else None
    return Prepared(loaded, found, warnings, obstacles, made.skipped, standing, (*requirements.sent.values(),))


def _besides(platform: Platform, faulty: FaultyPipeline, files: Files) -> Iterator[Problem]:
    """What is wrong with the parts of a file that hold, each with its place."""
    if faulty.rest is None:
        return
    body = faulty.rest.spec.spec
    # What has no form of an address cannot be found either.
    odd = {problem.field_path for problem in faulty.problems if problem.code is codes.INPUT_URI}
    inputs = {
        name: given
        for name, given in body.inputs.items()
        if not faulty.is_broken(("spec", "inputs", name))
        and not odd & {f"spec.inputs.{name}.model", f"spec.inputs.{name}.dataset"}
    }
    stages = [stage for number, stage in enumerate(body.stages) if not faulty.is_broken(("spec", "stages", number))]
    unread = requirements_of(stages, files).problems
    purpose = None if faulty.is_broken(("spec", "purpose", "useClass")) else body.purpose.use_class
    with platform.read() as connection:
        missing = [] if any(map(faulty.is_broken, _PAYING)) else unpaid(connection, _with(faulty.rest.spec, stages))
    found = (
        *faulty_inputs(platform, inputs, files, purpose),
        *unread,
        *beyond_executor(platform, stages),
        *missing,
    )
    for problem in found:
        yield placed_problem(faulty.rest, problem)


def _with(spec: PipelineSpec, stages: Sequence[Stage]) -> PipelineSpec:
    return spec.model_copy(update={"spec": spec.spec.model_copy(update={"stages": tuple(stages)})})
