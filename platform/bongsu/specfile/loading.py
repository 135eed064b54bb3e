"""A pipeline file, from its bytes to a spec that holds, with everything that is wrong told at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding, unique
from bongsu.domain.grades import N2SF, GradeScheme
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.pipeline import PipelineSpec, Scalar
from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.domain.stages import Catalogue
from bongsu.planner.matrix import expand
from bongsu.specfile.draft import Draft, draft_of
from bongsu.specfile.fields import check_fields
from bongsu.specfile.filled import told_of_source
from bongsu.specfile.grades import write_canonical
from bongsu.specfile.nodes import MapNode, Node, child
from bongsu.specfile.parameters import Parameters, read_parameters
from bongsu.specfile.parse import parse
from bongsu.specfile.places import Places
from bongsu.specfile.screening import check_texts, with_declared
from bongsu.specfile.signatures import load_signatures
from bongsu.specfile.stage_checks import check_stages
from bongsu.specfile.stage_params import check_params
from bongsu.specfile.substitute import substitute
from bongsu.specfile.tabs import spaced
from bongsu.specfile.text import MAX_BYTES, check_characters, decode


@dataclass(frozen=True)
class LoadedPipeline:
    """A pipeline file that is whole and right.

    Attributes:
        spec: parameters filled in; ``spec.spec.parameters`` carry the values that hold as their defaults. In
            ``with`` and ``inputs``, ``${matrix.x}`` and the escape ``$${`` are left to ``expand_matrix``.
        parameters: values by name, ``--set`` included.
        places: where each field stands, for whoever objects to one later.
        digest: of the file's bytes.
        file: its name, as it is shown.
        text: the file as it was read.
    """

    spec: PipelineSpec
    parameters: Mapping[str, Scalar]
    places: Places
    digest: Digest
    file: str
    text: str


class FaultyPipeline(BongsuError):
    """What is wrong with a file, and what of it can be looked at all the same.

    Attributes:
        rest: the file with something harmless in place of what is broken; None if too little is left.
        is_broken: True for a field that stands for something broken.
    """

    def __init__(
        self, problems: Iterable[Problem], rest: LoadedPipeline | None, is_broken: Callable[[FieldPath], bool]
    ) -> None:
        super().__init__(problems)
        self.rest = rest
        self.is_broken = is_broken


def load(
    path: Path, catalogue: Catalogue, overrides: Mapping[str, str] | None = None, grades: GradeScheme = N2SF
) -> LoadedPipeline:
    """Read, check and fill in a pipeline file.

    Args:
        catalogue: installed stages by name; it is iterated for suggestions and asked for the names in use only.
        overrides: ``--set NAME=VALUE``, as texts.
        grades: of the site at which the file is read.

    Raises:
        FaultyPipeline: everything that is wrong, each with file:line:column and field path.
        BongsuError: it is no text that could be read as YAML.
    """
    return loads(_read(path), str(path), catalogue, overrides, grades)


def loads(
    text: str | bytes,
    file: str,
    catalogue: Catalogue,
    overrides: Mapping[str, str] | None = None,
    grades: GradeScheme = N2SF,
) -> LoadedPipeline:
    """As :func:`load`, of a text that is called ``file`` in messages."""
    if isinstance(text, str):
        check_characters(text.removeprefix("\ufeff"), file)
        text = text.encode()
    decoded = decode(text, file)
    known = _Known(catalogue, dict(overrides or {}), grades)
    try:
        return _load(decoded, digest_of(text), file, known)
    except FaultyPipeline:
        raise
    except BongsuError as error:
        more = _behind_tabs(error, decoded, lambda spaces: _load(spaces, digest_of(text), file, known))
        raise BongsuError([*error.problems, *more]) from None


@dataclass(frozen=True)
class _Known:
    """What a file is read by; attributes as the arguments of :func:`load`."""

    catalogue: Catalogue
    overrides: Mapping[str, str]
    grades: GradeScheme


def _load(decoded: str, digest: Digest, file: str, known: _Known) -> LoadedPipeline:
    root, problems = parse(decoded, file)
    places = Places(file, decoded, root)
    checked = _check(root, known)
    tagged = {problem.location for problem in problems if problem.code is codes.TAG}
    findings = told_of_source((f for f in unique(checked.findings) if not _is_merged(f, root)), root)
    found = [_problem(finding, places, checked.changed) for finding in findings]
    problems += [problem for problem in found if problem.location not in tagged]
    draft = checked.draft
    if draft is None:
        raise FaultyPipeline(problems, None, lambda _path: True)
    spec = _with_values(draft.spec, checked.parameters)
    loaded = LoadedPipeline(spec, dict(checked.parameters.values), places, digest, file, decoded)
    if problems:
        raise FaultyPipeline(problems, loaded, draft.has_broken)
    return loaded


def _behind_tabs(error: BongsuError, text: str, load_text: Callable[[str], object]) -> list[Problem]:
    """What else is wrong with a text that is no YAML for its tabs, if they are as wide as makes the fewest mistakes."""
    told = {problem.location for problem in error.problems}
    if not any(problem.code is codes.TAB for problem in error.problems):
        return []
    readings: list[list[Problem]] = []
    for candidate in spaced(text):
        try:
            load_text(candidate.text)
        except FaultyPipeline as faulty:
            places = [candidate.as_written(p.location) if p.location else None for p in faulty.problems]
            readings.append([replace(p, location=at) for p, at in zip(faulty.problems, places, strict=True)])
        except BongsuError:  # no YAML even so
            continue
        else:
            return []
    return [problem for problem in min(readings, key=len, default=[]) if problem.location not in told]


@dataclass(frozen=True)
class _Checked:
    draft: Draft | None
    parameters: Parameters
    findings: list[Finding]
    changed: set[FieldPath]


def _check(root: MapNode, known: _Known) -> _Checked:
    parameters = read_parameters(root, known.overrides)
    filled = substitute(root, parameters)
    other_grades = write_canonical(filled.data, known.grades, filled.broken)
    draft, found = draft_of(filled.data, filled.broken)
    findings = [*parameters.findings, *filled.findings, *other_grades, *found]
    if draft is None:
        return _Checked(None, parameters, with_declared(filled.data, findings), filled.changed)
    signatures, found = load_signatures(draft, known.catalogue)
    unloaded = {finding.path for finding in found}
    findings += found
    findings += check_fields(draft, signatures)
    spec = draft.spec.model_copy(update={"spec": _body_with_values(draft.spec, parameters)})
    expansion = expand(spec, signatures, _broken(draft, unloaded), draft.names)
    findings += [f for f in expansion.findings if not draft.has_broken(f.path) or f.at_key]
    findings += check_params(draft, signatures, expansion.points)
    findings += check_stages(draft, signatures, expansion)
    findings += check_texts(draft, spec, expansion.points)
    return _Checked(draft, parameters, with_declared(filled.data, findings), filled.changed)


def _broken(draft: Draft, unloaded: set[FieldPath]) -> Callable[[FieldPath], bool]:
    return lambda path: path in unloaded or draft.is_broken(path)


def _with_values(spec: PipelineSpec, parameters: Parameters) -> PipelineSpec:
    return spec.model_copy(update={"spec": _body_with_values(spec, parameters)})


def _body_with_values(spec: PipelineSpec, parameters: Parameters) -> object:
    held = tuple(
        parameter.model_copy(update={"default": parameters.values.get(parameter.name, parameter.default)})
        for parameter in spec.spec.parameters
        if parameter.name in parameters.indices  # else it stands for one without a usable name
    )
    return spec.spec.model_copy(update={"parameters": held})


def _is_merged(finding: Finding, root: MapNode) -> bool:
    """A key that is missing where a merge key was told already."""
    node: Node | None = root
    for step in finding.path[:-1]:
        node = child(node, step) if node is not None else None
    return finding.code is codes.MISSING_KEY and isinstance(node, MapNode) and node.is_partial


def _problem(finding: Finding, places: Places, changed: set[FieldPath]) -> Problem:
    if finding.path in changed and finding.offset is not None:
        finding = Finding(finding.code, finding.path, finding.args, None, finding.at_key)
    return places.problem(finding)


def _read(path: Path) -> bytes:
    place = Location(str(path), 1, 1)
    try:
        # A pipe that nobody writes to would be waited for, and a device has no end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return file.read(MAX_BYTES + 1)
            detail: Words = phrase(N_("it is a pipe or a device"))
    except FileNotFoundError:
        raise codes.MISSING_FILE.error(place, path=path) from None
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or str(error)
    raise codes.UNREADABLE_FILE.error(place, path=path, detail=detail)
