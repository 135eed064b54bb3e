"""From the tree of a registration stage to a request to the registry, after a last look at its evidence."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.reading import read_json, read_text
from bongsu.domain.artifact import ArtifactType
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


def registration_request(
    facts: RunFacts, planned: PlannedStage, artifacts: ArtifactStore
) -> RegistrationRequest | Refused:
    """What is to be registered, or why it must not be: the model and every piece of evidence have to be inputs of
    the stage, a verification among them must have passed on exactly these bytes, and none may have failed on them,
    whether or not the stage names it.

    Raises:
        OSError, BongsuError: the artifact store cannot be read at the moment, or its bytes are damaged.
    """
    record = facts.stages[planned.id]
    tree = next(ref for ref in record.outputs.values() if ref.type is ArtifactType.REGISTRATION)
    try:
        wanted = _Registration.model_validate(read_json(artifacts.reader(tree.digest), "registration.json"))
    except (ValidationError, ValueError) as error:
        return Refused(
            phrase(
                N_("registration.json of {title} cannot be read: {detail}"),
                title=planned.title,
                detail=str(error)[:300],
            )
        )
    given = [one for trees in InputTrees(facts.plan).of(planned, facts.stages).values() for one in trees]
    refs = {one.ref.digest: one.ref for one in given}
    titles = {one.ref.digest: one.title for one in given}
    model = refs.get(wanted.modelDigest)
    evidence = (*wanted.evaluations, *wanted.verifications)
    if model is None or model.type is not ArtifactType.MODEL:
        return Refused(phrase(N_("{title} names a model that is not among its inputs"), title=planned.title))
    if not all(digest in refs for digest in evidence):
        return Refused(phrase(N_("{title} names evidence that is not among its inputs"), title=planned.title))
    if not all(refs[digest].type is ArtifactType.VERIFICATION for digest in wanted.verifications):
        return Refused(phrase(N_("{title} names as a verification what is none"), title=planned.title))
    examined: dict[Digest, Verification] = {}
    for digest in (digest for digest, ref in refs.items() if ref.type is ArtifactType.VERIFICATION):
        try:
            content = read_json(artifacts.reader(digest), "verification.json")
        except ValueError as error:
            unread = N_("verification.json of {verification} cannot be read: {detail}")
            return Refused(phrase(unread, verification=titles[digest], detail=str(error)[:300]))
        examined[digest] = Verification.model_validate(content)
    named = verdicts_of(examined[digest] for digest in wanted.verifications)
    if not (named.get(model.digest) and verdicts_of(examined.values())[model.digest]):
        missing = N_("no verification that {title} names has passed on {model}")
        return Refused(phrase(missing, title=planned.title, model=titles[model.digest]))
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
        title=wanted.title or titles[model.digest],
        model=model,
        source_uri=artifacts.reader(model.digest).uri,
        card=read_text(artifacts.reader(tree.digest), "README.md"),
        metrics=wanted.metrics,
        tags=wanted.tags,
        evidence=evidence,
    )
