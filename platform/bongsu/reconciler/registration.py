"""From the tree of a registration stage to a request to the registry, after a last look at its evidence."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from bongsu.artifacts.base import ArtifactStore, TreeReader
from bongsu.artifacts.reading import read_json, read_text
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.evidence import Figures, Verification, verdicts_of
from bongsu.domain.ids import Digest
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.plan import PlannedStage
from bongsu.domain.publication import Alias, ModelName, RegistrationRequest
from bongsu.planner.taken_trees import InputTrees
from bongsu.reconciler.facts import Refused, RunFacts


class _Registration(BaseModel):
    """``registration.json``; keys that are not ours are left alone."""

    model_config = ConfigDict(extra="ignore")

    name: ModelName
    modelDigest: Digest
    alias: Alias | None = None
    title: str = ""
    evaluations: tuple[Digest, ...] = ()
    verifications: tuple[Digest, ...] = ()
    metrics: Figures = {}
    tags: dict[str, str] = {}

    @property
    def evidence(self) -> tuple[Digest, ...]:
        return (*self.evaluations, *self.verifications)


@dataclass(frozen=True)
class _Inputs:
    """What the stage was given, by digest.

    Attributes:
        refs: the trees.
        titles: what each is called.
    """

    refs: dict[Digest, ArtifactRef]
    titles: dict[Digest, str]


def registration_request(
    facts: RunFacts, planned: PlannedStage, artifacts: ArtifactStore
) -> RegistrationRequest | Refused:
    """What is to be registered, or why it must not be: the model and every piece of evidence have to be inputs of
    the stage, a verification among them must have passed on exactly these bytes, and none may have failed on them,
    whether or not the stage names it.

    Raises:
        OSError, BongsuError: the artifact store cannot be read at the moment, or its bytes are damaged.
    """
    outputs = facts.stages[planned.id].outputs.values()
    tree = artifacts.reader(next(ref.digest for ref in outputs if ref.type is ArtifactType.REGISTRATION))
    wanted = _wanted(planned, tree)
    if isinstance(wanted, Refused):
        return wanted
    given = [one for trees in InputTrees(facts.plan).of(planned, facts.stages).values() for one in trees]
    inputs = _Inputs({one.ref.digest: one.ref for one in given}, {one.ref.digest: one.title for one in given})
    model = _named_model(planned, wanted, inputs)
    if isinstance(model, Refused):
        return model
    refused = _not_verified(planned, wanted, inputs, artifacts)
    if refused is not None:
        return refused
    return RegistrationRequest(
        key=f"{facts.run.id}/{planned.id}",
        run_id=facts.run.id,
        stage_id=planned.id,
        pipeline=facts.run.pipeline,
        ministry=facts.run.ministry,
        use_class=facts.run.use_class,
        name=wanted.name,
        # Where ministries share the store, an alias is given by an approval alone.
        alias=None if facts.is_governed else wanted.alias,
        title=wanted.title or inputs.titles[model.digest],
        model=model,
        source_uri=artifacts.reader(model.digest).uri,
        card=read_text(tree, "README.md"),
        metrics=wanted.metrics,
        tags=wanted.tags,
        evidence=wanted.evidence,
    )


def _wanted(planned: PlannedStage, tree: TreeReader) -> _Registration | Refused:
    """What the stage asks for."""
    try:
        return _Registration.model_validate(read_json(tree, "registration.json"))
    except ValueError as error:
        unread = N_("registration.json of {title} cannot be read: {detail}")
        return Refused(phrase(unread, title=planned.title, detail=str(error)[:300]))


def _named_model(planned: PlannedStage, wanted: _Registration, inputs: _Inputs) -> ArtifactRef | Refused:
    """The model, if it and its evidence were given to the stage as what it names them."""
    refs = inputs.refs
    model = refs.get(wanted.modelDigest)
    if model is None or model.type is not ArtifactType.MODEL:
        return Refused(phrase(N_("{title} names a model that is not among its inputs"), title=planned.title))
    if not all(digest in refs for digest in wanted.evidence):
        return Refused(phrase(N_("{title} names evidence that is not among its inputs"), title=planned.title))
    if not all(refs[digest].type is ArtifactType.VERIFICATION for digest in wanted.verifications):
        return Refused(phrase(N_("{title} names as a verification what is none"), title=planned.title))
    return model


def _not_verified(
    planned: PlannedStage, wanted: _Registration, inputs: _Inputs, artifacts: ArtifactStore
) -> Refused | None:
    """Why the verifications do not speak for the model; None if they do."""
    examined: dict[Digest, Verification] = {}
    for digest in (digest for digest, ref in inputs.refs.items() if ref.type is ArtifactType.VERIFICATION):
        try:
            content = read_json(artifacts.reader(digest), "verification.json")
        except ValueError as error:
            unread = N_("verification.json of {verification} cannot be read: {detail}")
            return Refused(phrase(unread, verification=inputs.titles[digest], detail=str(error)[:300]))
        examined[digest] = Verification.model_validate(content)
    named = verdicts_of(examined[digest] for digest in wanted.verifications)
    if named.get(wanted.modelDigest) and verdicts_of(examined.values())[wanted.modelDigest]:
        return None
    missing = N_("no verification that {title} names has passed on {model}")
    return Refused(phrase(missing, title=planned.title, model=inputs.titles[wanted.modelDigest]))
