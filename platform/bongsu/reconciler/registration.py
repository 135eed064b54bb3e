"""From the tree of a registration stage to a request to the registry, after a last look at its evidence."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.plan import PlannedStage
from bongsu.domain.publication import RegistrationRequest
from bongsu.reconciler.facts import Refused, RunFacts
from bongsu.reconciler.inputs import InputTrees

MAX_BYTES = 16 * 1024 * 1024


class _Registration(BaseModel):
    """``registration.json``; keys that are not ours are left alone."""

    model_config = ConfigDict(extra="ignore")

    name: str
    modelDigest: Digest
    alias: str | None = None
    title: str = ""
    evaluations: tuple[Digest, ...] = ()
    verifications: tuple[Digest, ...] = ()
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}


def registration_request(
    facts: RunFacts, planned: PlannedStage, artifacts: ArtifactStore
) -> RegistrationRequest | Refused:
    """What is to be registered, or why it must not be: the model and every piece of evidence have to be inputs of
    the stage, and a verification among them must have passed on exactly these bytes.

    Raises:
        OSError, BongsuError: the artifact store cannot be read at the moment, or its bytes are damaged.
    """
    record = facts.stages[planned.id]
    tree = next(ref for ref in record.outputs.values() if ref.type is ArtifactType.REGISTRATION)
    try:
        wanted = _Registration.model_validate(read_json(artifacts, tree.digest, "registration.json"))
    except (ValidationError, ValueError) as error:
        return Refused(f"registration.json of {planned.title} cannot be read: {str(error)[:300]}")
    given = [one for trees in InputTrees(facts.plan).of(planned, facts.stages).values() for one in trees]
    refs = {one.ref.digest: one.ref for one in given}
    titles = {one.ref.digest: one.title for one in given}
    model = refs.get(wanted.modelDigest)
    evidence = (*wanted.evaluations, *wanted.verifications)
    if model is None or model.type is not ArtifactType.MODEL:
        return Refused(f"{planned.title} names a model that is not among its inputs")
    if not all(digest in refs for digest in evidence):
        return Refused(f"{planned.title} names evidence that is not among its inputs")
    if not any(passed(artifacts, digest, model.digest) for digest in wanted.verifications):
        return Refused(f"no verification that {planned.title} names has passed on {titles[model.digest]}")
    return RegistrationRequest(
        key=f"{facts.run.id}/{planned.id}",
        run_id=facts.run.id,
        stage_id=planned.id,
        pipeline=facts.run.pipeline,
        ministry=facts.run.ministry,
        use_class=facts.run.use_class,
        name=wanted.name,
        alias=wanted.alias,
        title=wanted.title or titles[model.digest],
        model=model,
        source_uri=artifacts.reader(model.digest).uri,
        card=_read_text(artifacts, tree.digest, "README.md"),
        metrics=wanted.metrics,
        tags=wanted.tags,
        evidence=evidence,
    )


def passed(artifacts: ArtifactStore, verification: Digest, model: Digest) -> bool:
    """True if the verification examined exactly this model, and every entry about it says that it passed."""
    content = read_json(artifacts, verification, "verification.json")
    entries = content.get("entries", []) if isinstance(content, dict) else []
    verdicts = [entry.get("passed") is True for entry in entries if entry.get("modelDigest") == model]
    return bool(verdicts) and all(verdicts)


def read_json(artifacts: ArtifactStore, digest: Digest, path: str) -> Any:
    """Content of a small JSON file of a tree, its hash checked. Raises ValueError if it is not JSON."""
    with artifacts.reader(digest).open(path) as file:
        return json.loads(file.read(MAX_BYTES))


def _read_text(artifacts: ArtifactStore, digest: Digest, path: str) -> str:
    reader = artifacts.reader(digest)
    if not any(PurePosixPath(entry.path) == PurePosixPath(path) for entry in reader.manifest.files):
        return ""
    with reader.open(path) as file:
        return file.read(MAX_BYTES).decode("utf-8", "replace")
