"""Requirements files of stages: their content for the planner, and where workers find them.

Those of this machine are named by their absolute paths. Those that a client has sent are trees of the artifact store,
which any worker reads, whichever replica they were sent to.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from bongsu.artifacts.checking import fault_of
from bongsu.artifacts.writing import write_bytes
from bongsu.domain.artifact import ArtifactRef, ArtifactType, FileEntry, Manifest
from bongsu.domain.codes import plan as codes
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import Label
from bongsu.domain.pipeline import Stage
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import Problem
from bongsu.machine.requirements import Named, as_one, files_read, named_in, with_included
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.stored import known_label
from bongsu.service.labels import refuse_above
from bongsu.service.platform import Platform
from bongsu.store.artifacts import find_owned, note_new

_LONGEST_TOLD = 200
_MOST_TOLD = 20
_NamedIn = Callable[[bytes], tuple[Named, ...]]


@dataclass(frozen=True)
class SentRequirements:
    """A requirements file that a client has sent, with the files that it includes.

    Attributes:
        path: of it in the tree.
        files: contents by path in the tree, in the order in which pip reads them.
    """

    path: str
    files: dict[str, bytes]

    @cached_property
    def manifest(self) -> Manifest:
        """Of the tree, before it is in any store."""
        return Manifest(
            files=tuple(
                FileEntry(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())
                for path, content in self.files.items()
            )
        )


@dataclass(frozen=True)
class Requirements:
    """Of a pipeline's stages.

    Attributes:
        digests: of each requirements file, by the path as written.
        sent: by the path as written, if a client has sent them.
        problems: ``plan.requirements-unreadable``, one for each stage whose file cannot be read;
            ``plan.requirements-elsewhere`` for lines of what was sent that name something of a worker's machine.
    """

    digests: Mapping[str, Digest]
    sent: Mapping[str, SentRequirements]
    problems: tuple[Problem, ...]


def requirements_of(stages: Iterable[Stage], files: Files) -> Requirements:
    """What stands in the requirements files."""
    digests: dict[str, Digest] = {}
    sent: dict[str, SentRequirements] = {}
    problems: list[Problem] = []
    # Many stages may name files that include the same.
    named = functools.cache(named_in)
    for stage in stages:
        path = stage.environment.requirements if stage.environment else None
        if not path or path in digests:
            continue
        try:
            if files.are_sent:
                sent[path] = _sent(path, files.beside, named)
                digests[path] = digest_of(as_one(sent[path].files))
                problems += islice(_elsewhere(stage, sent[path], named), _MOST_TOLD)
            else:
                digests[path] = digest_of(with_included(files.directory / path))
        except OSError as error:
            field = f"{stage.name}.environment.requirements"
            detail = f"{error.filename}: {error.strerror}" if error.strerror else str(error)
            problems.append(
                codes.REQUIREMENTS_UNREADABLE.at(None, field, stage=stage.name, path=path, detail=detail)
            )
    return Requirements(digests, sent, tuple(problems))


def labels_known_of(platform: Platform, found: Requirements) -> dict[str, Label]:
    """What the ministry knows of bytes that were sent, by the path as written: whoever sends them again may not know.

    Raises ``store.*`` for rows that cannot be read.
    """
    known = {path: known_label(platform, one.manifest.digest) for path, one in found.sent.items()}
    return {path: label for path, label in known.items() if label is not None}


def as_workers_find_them(made: RunPlan, found: Requirements, files: Files) -> RunPlan:
    """Requirements files are named relative to the pipeline; workers start elsewhere."""
    stages = tuple(_located(planned, found, files) for planned in made.stages)
    return made.model_copy(update={"stages": stages})


def keep_sent(platform: Platform, sent: Iterable[SentRequirements], label: Label) -> None:
    """Have the trees in the artifact store of the ministry. Those that it knows keep their labels: other runs are
    submitted with them.

    Args:
        platform: of the ministry.
        sent: what a run needs.
        label: that the pipeline is declared to have at least; of trees that are new.

    Raises:
        BongsuError: what the store raises (``artifact.no-space``, ``artifact.read-only``); ``access.above-clearance``
            for bytes that came to be known for more since the plan was made.
    """
    for one in sent:
        manifest = one.manifest
        if fault_of(platform.artifacts, manifest.digest) is not None:
            _commit(platform, one)
        ref = ArtifactRef(digest=manifest.digest, type=ArtifactType.FILES, label=label, size=manifest.size)
        with platform.write() as connection:
            note_new(connection, ref, one.path, platform.clock())
            known = find_owned(connection, ref.digest)
        assert known is not None
        refuse_above(platform.actor.clearance, Label.parse(known.label))


def _commit(platform: Platform, one: SentRequirements) -> None:
    writer = platform.artifacts.writer(f"requirements/{one.manifest.digest}")
    with writer.alone(), ExitStack() as unless_committed:
        unless_committed.callback(writer.abort)
        for path, content in one.files.items():
            write_bytes(writer, path, content)
        writer.commit()
        unless_committed.pop_all()


def _elsewhere(stage: Stage, one: SentRequirements, named: _NamedIn) -> Iterator[Problem]:
    """Of a worker's machine nothing is read in place of what could have been sent."""
    for file, content in one.files.items():
        for found in named(content):
            if found.is_elsewhere:
                field = f"{stage.name}.environment.requirements"
                what = {"line": found.line, "file": file, "named": found.name[:_LONGEST_TOLD]}
                yield codes.REQUIREMENTS_ELSEWHERE.at(None, field, stage=stage.name, **what)


def _sent(path: str, beside: Mapping[str, bytes], named: _NamedIn) -> SentRequirements:
    """Nothing is looked for on this machine, whatever the path says."""

    def read(name: str) -> bytes:
        if name not in beside:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return beside[name]

    files = files_read(path, read, named)
    return SentRequirements(next(iter(files)), files)


def _located(planned: PlannedStage, found: Requirements, files: Files) -> PlannedStage:
    own = planned.environment
    if own is None or not own.requirements:
        return planned
    sent = found.sent.get(own.requirements)
    path = sent.path if sent else str((files.directory / own.requirements).absolute())
    environment = own.model_copy(update={"requirements": path})
    tree = sent.manifest.digest if sent else None
    return planned.model_copy(update={"environment": environment, "requirements_tree": tree})
