"""Requirements files of stages: their content for the planner, their absolute paths for workers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bongsu.domain.codes import plan as codes
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError, Problem

_INCLUDED = re.compile(rb"^[ \t]*(?:-r|-c|--requirement|--constraint)(?:[ \t]*=?[ \t]*)([^\s#]+)", re.MULTILINE)


def requirements_of(spec: PipelineSpec, directory: Path) -> Mapping[str, Digest]:
    """Digest of each requirements file's content and of the files that it includes (``-r``, ``-c``), by the path as
    written, which is relative to ``directory``.

    Raises:
        BongsuError: ``plan.requirements-unreadable``, one for each stage whose file cannot be read.
    """
    found: dict[str, Digest] = {}
    problems: list[Problem] = []
    for stage in spec.spec.stages:
        path = stage.environment.requirements if stage.environment else None
        if not path:
            continue
        try:
            found[path] = digest_of(_with_included(directory / path))
        except OSError as error:
            field = f"{stage.name}.environment.requirements"
            detail = f"{error.filename}: {error.strerror}" if error.strerror else str(error)
            problems.append(
                codes.REQUIREMENTS_UNREADABLE.at(None, field, stage=stage.name, path=path, detail=detail)
            )
    if problems:
        raise BongsuError(problems)
    return found


def _with_included(path: Path) -> bytes:
    """The file's content and that of every file it includes, each once, in the order in which pip reads them.

    Raises OSError. Files that lie elsewhere (``https://...``) are left to their hashes.
    """
    contents: list[bytes] = []
    waiting, seen = [path], set()
    while waiting:
        file = waiting.pop()
        if file.resolve() in seen:
            continue
        seen.add(file.resolve())
        content = file.read_bytes()
        contents.append(content)
        named = [match[1].decode(errors="replace").strip("'\"") for match in _INCLUDED.finditer(content)]
        waiting += [file.parent / name for name in reversed(named) if "://" not in name]
    return b"\0".join(contents)


def with_absolute_requirements(made: RunPlan, directory: Path) -> RunPlan:
    """Requirements files are named relative to the pipeline; workers start elsewhere."""
    stages = []
    for planned in made.stages:
        own = planned.environment
        if own is not None and own.requirements:
            absolute = own.model_copy(update={"requirements": str((directory / own.requirements).absolute())})
            stages.append(planned.model_copy(update={"environment": absolute}))
        else:
            stages.append(planned)
    return made.model_copy(update={"stages": tuple(stages)})
