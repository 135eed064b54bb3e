"""Pipelines that a client hands in: read, planned and submitted for who hands them in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bongsu.domain.artifact import check_tree_path
from bongsu.domain.codes import artifact, run
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import OPEN
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import HOME, Tenant
from bongsu.policy.access import Permission
from bongsu.service.catalogue import InstalledStages
from bongsu.service.control_plane import ControlPlane
from bongsu.service.inputs.file_roots import Files
from bongsu.service.labels import refuse_above
from bongsu.service.planning import Prepared, prepare_loaded, with_what_is_known
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, Refusable, refusals_recorded
from bongsu.service.repeating import repeated
from bongsu.service.requirements import keep_sent
from bongsu.service.submitting import Submission, submit
from bongsu.specfile import FaultyPipeline, LoadedPipeline, loads
from bongsu.store.records import RunRecord
from bongsu.store.requests import RequestKey

# Kinds of errors that tell of a rule; a pipeline may be refused for much else.
_OF_POLICY = ("access", "policy", "use", "data", "model")
_SUBMIT = "run.submit"
# A hash-pinned file of a large environment has some hundred thousand bytes.
MOST_BESIDE = 200
MOST_BYTES_BESIDE = 500_000
MOST_BYTES_OF_ALL_BESIDE = 1_000_000


@dataclass(frozen=True)
class HandedIn:
    """A pipeline as a client hands it in.

    Attributes:
        text: of the file.
        file: what it is called in messages.
        overrides: of its parameters.
        uploaded: trees that were sent before, by the name of the input that names files of the client's machine.
        beside: small text files that stages name (requirements) and those that these include, by their paths relative
            to the pipeline.
    """

    text: str
    file: str
    overrides: Mapping[str, str] = field(default_factory=dict)
    uploaded: Mapping[str, Digest] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> Digest:
        """Of all of it."""
        parts = [
            self.text,
            self.file,
            *(sorted(part.items()) for part in (self.overrides, self.uploaded, self.beside)),
        ]
        return digest_of(json.dumps(parts, ensure_ascii=False).encode())


def check_handed_in(plane: ControlPlane, actor: Actor, handed: HandedIn) -> PipelineSpec:
    """The pipeline, if the file is right on its own. Raises what :func:`bongsu.specfile.loads` does."""
    try:
        return _read(plane, handed).spec
    except FaultyPipeline as faulty:
        with _recorded(plane, actor, "pipeline.validate", faulty.rest):
            raise


def prepare_handed_in(
    plane: ControlPlane, actor: Actor, handed: HandedIn, action: str = "pipeline.plan"
) -> tuple[Platform, Prepared]:
    """The plan of a pipeline, and the platform of the ministry that it names. What policy refuses of it is recorded.

    Args:
        plane: the control plane.
        actor: who hands it in.
        handed: the pipeline.
        action: as the audit log is to name what was refused.

    Raises:
        BongsuError: as :func:`bongsu.service.planning.prepare`, and what :meth:`ControlPlane.within` raises.
    """
    try:
        loaded = _read(plane, handed)
    except FaultyPipeline as faulty:
        with _recorded(plane, actor, action, faulty.rest):
            ministry = faulty.rest.spec.metadata.ministry if faulty.rest else None
            if ministry not in actor.ministries:
                raise
            platform = plane.within(actor, Permission.PIPELINE_PLAN, ministry)
            raise with_what_is_known(platform, faulty, _files(platform, handed)) from None
    with _recorded(plane, actor, action, loaded) as asked:
        platform = plane.within(actor, Permission.PIPELINE_PLAN, loaded.spec.metadata.ministry)
        prepared = prepare_loaded(platform, loaded, _files(platform, handed))
        asked.states(prepared.plan.label)
        refuse_above(actor.clearance, prepared.plan.label)
        return platform, prepared


def submit_handed_in(plane: ControlPlane, actor: Actor, handed: HandedIn, key: str = "") -> Submission:
    """Plan a pipeline and submit the plan.

    Args:
        plane: the control plane.
        actor: who hands it in.
        handed: the pipeline.
        key: of the request, as the client gave it; one that comes again is the same submission, whatever would keep the
            plan from running by now.

    Raises:
        BongsuError: as :func:`prepare_handed_in`; what keeps the plan from running; ``api.key-used-otherwise``;
            what :func:`bongsu.service.requirements.keep_sent` raises;
            ``run.unknown`` for a run that the actor submitted and may see no longer.
    """
    request = RequestKey(actor.id, key, handed.digest) if key else None
    before = _submitted_before(plane, actor, request)
    if before is not None:
        return Submission(before, created=False)
    platform, prepared = prepare_handed_in(plane, actor, handed, _SUBMIT)
    with _recorded(plane, actor, _SUBMIT, prepared.pipeline, (*_OF_POLICY, "grants")) as asked:
        asked.states(prepared.plan.label)
        plane.within(actor, Permission.RUN_SUBMIT, platform.scope.tenant)
        plan = prepared.to_run()
    # What its grant does not pay is recorded where it is written.
    with _recorded(plane, actor, _SUBMIT, prepared.pipeline) as asked:
        asked.states(prepared.plan.label)
        # They are what its submitter says they are, as uploads are; nothing of what the run reads is in them.
        keep_sent(platform, prepared.sent, plan.floor)
        return submit(platform, plan, request)


def _submitted_before(plane: ControlPlane, actor: Actor, request: RequestKey | None) -> RunRecord | None:
    """Looked for before anything is planned, and again with the run: two of the same may come at once."""
    if request is None:
        return None
    with plane.everywhere(actor, Permission.RUN_READ).read() as connection:
        return repeated(connection, request, plane.base.clock())


def _read(plane: ControlPlane, handed: HandedIn) -> LoadedPipeline:
    return loads(handed.text, handed.file, InstalledStages(), handed.overrides, plane.grades())


def _recorded(
    plane: ControlPlane,
    actor: Actor,
    action: str,
    pipeline: LoadedPipeline | None,
    kinds: Sequence[str] = _OF_POLICY,
) -> AbstractContextManager[Refusable]:
    """What policy refuses is recorded: in the ministry that the pipeline names, if the asker is somebody there. A
    mistyped key is nobody's concern.

    Args:
        plane: the control plane.
        actor: who asks.
        action: as it is called in the log.
        pipeline: as far as it could be read.
        kinds: of codes that are recorded.
    """
    metadata = pipeline.spec.metadata if pipeline else None
    named = metadata.ministry if metadata and metadata.ministry in actor.ministries else HOME
    thing = f"pipeline:{metadata.name}" if metadata else "pipeline:"
    ask = Ask(
        plane.base,
        actor,
        tenant=Tenant(named),
        action=action,
        object=thing,
        request_id=plane.request_id,
        stated=pipeline.spec.spec.classification if pipeline else OPEN,
    )
    return refusals_recorded(ask, kinds)


def _files(platform: Platform, handed: HandedIn) -> Files:
    _refuse_much(handed.beside)
    beside = {_inside(path): text.encode() for path, text in handed.beside.items()}
    for path in beside:
        if any(str(folder) in beside for folder in PurePosixPath(path).parents):
            raise artifact.UNSAFE_PATH.error(path=repr(path), detail="its folder is a file, too")
    return Files(platform.home, handed.uploaded, beside)


def _refuse_much(beside: Mapping[str, str]) -> None:
    sizes = {path: len(text.encode()) for path, text in beside.items()}
    large = [path for path, size in sizes.items() if size > MOST_BYTES_BESIDE]
    if large or len(sizes) > MOST_BESIDE or sum(sizes.values()) > MOST_BYTES_OF_ALL_BESIDE:
        found: Words = phrase(
            N_("{count} files of {size} bytes"), count=len(sizes), size=f"{sum(sizes.values()):,}"
        )
        if large:
            found = phrase(N_("{path} has {size} bytes"), path=repr(large[0]), size=f"{sizes[large[0]]:,}")
        raise run.TOO_MUCH_BESIDE.error(
            detail=found, most=MOST_BESIDE, each=f"{MOST_BYTES_BESIDE:,}", all=f"{MOST_BYTES_OF_ALL_BESIDE:,}"
        )


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path:
        raise BongsuError([run.UNSAFE_FILE.at(path=path)])
    return check_tree_path(str(PurePosixPath(path)))
