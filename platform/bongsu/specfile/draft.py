"""As much of a pipeline as can be used although parts of it are wrong.

What is broken is replaced by something harmless and remembered, so that the checks that follow still see the rest
and say nothing about consequences.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any

from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.pipeline import PipelineSpec
from bongsu.specfile import parameters
from bongsu.specfile.shape import validate

_STAGE_NAME = "unnamed"
_HARMLESS: dict[FieldPath, Any] = {
    ("apiVersion",): "bongsu.dev/v1alpha1",
    ("kind",): "Pipeline",
    ("metadata",): {"name": "unnamed", "ministry": "unnamed"},
    ("spec", "purpose"): {"useClass": "administration", "statement": "Not stated yet"},
    ("spec", "grant"): "unnamed",
}
# Parts of a stage of which the rest holds without one of their keys.
_SEPARABLE = frozenset({"inputs", "with", "resources", "retries", "environment"})
_MAX_ROUNDS = 4


@dataclass(frozen=True)
class Draft:
    """A spec, and the paths in it that stand for something broken.

    Attributes:
        names: stage names in the file that cannot be used; with ``""`` in it, some stage has no name at all.
    """

    spec: PipelineSpec
    broken: frozenset[FieldPath] = frozenset()
    names: frozenset[str] = frozenset()

    def is_broken(self, path: FieldPath) -> bool:
        """True if ``path``, or something around it, is broken."""
        return any(path[:length] in self.broken for length in range(len(path) + 1))

    def has_broken(self, path: FieldPath) -> bool:
        """True if ``path``, something around it or something in it is broken."""
        return self.is_broken(path) or any(other[: len(path)] == path for other in self.broken)


def draft_of(data: dict[str, Any], broken: set[FieldPath]) -> tuple[Draft | None, list[Finding]]:
    """Validate the shape of a file.

    Args:
        data: the file as plain values, parameters filled in.
        broken: paths that are known to be wrong already.

    Returns:
        The draft, or None if too little is left to go on with; and findings about everything that is not in
        ``broken`` yet.
    """
    spec, findings = validate(PipelineSpec, data)
    findings = [f for f in findings if not _is_told(f, broken)]
    if spec is not None and not broken:
        return Draft(spec), []
    if any(f.code is codes.MORE_UNKNOWN_KEYS for f in findings):
        return None, findings  # nobody wrote this as a pipeline: the rest of it is not worth the time
    unknown_keys = {f.path for f in findings if f.code is codes.UNKNOWN_KEY}
    # The key that was meant is given, only misspelt.
    meant = {(*f.path[:-1], str(f.args["suggestion"])) for f in findings if f.args.get("suggestion") and f.at_key}
    wrong = broken | meant | {finding.path for finding in findings}
    patched = copy.deepcopy(data)
    names: set[str] = set()
    fresh: Iterable[FieldPath] = wrong
    for _round in range(_MAX_ROUNDS):
        for path in _outermost(fresh):
            if not _patch(patched, path, path in unknown_keys, names):
                return None, findings
        spec, again = validate(PipelineSpec, patched)
        if spec is not None:
            return Draft(spec, frozenset(wrong - unknown_keys), frozenset(names)), findings
        fresh = {finding.path for finding in again}
        wrong |= fresh
    return None, findings


def _outermost(paths: Iterable[FieldPath]) -> list[FieldPath]:
    chosen: set[FieldPath] = set()
    for path in sorted(paths, key=len):
        if not _under(path, chosen):
            chosen.add(path)
    return sorted(chosen, key=repr)


def _is_told(finding: Finding, broken: Set[FieldPath]) -> bool:
    """True if what is broken explains it. A key is unknown whatever becomes of its value."""
    is_about_key = finding.code is codes.UNKNOWN_KEY and "${" not in str(finding.path[-1])
    return _under(finding.path[:-1] if is_about_key else finding.path, broken)


def _under(path: FieldPath, broken: Set[FieldPath]) -> bool:
    return any(path[:length] in broken for length in range(len(path) + 1))


def _patch(data: dict[str, Any], path: FieldPath, unknown_key: bool, names: set[str]) -> bool:
    """Replace what is wrong at ``path``; False if nothing useful would be left."""
    if unknown_key:
        _delete(data, path)
        return True
    for whole, value in _HARMLESS.items():
        if path[: len(whole)] == whole:
            _put(data, whole, value)
            return True
    match path:
        case ("spec", "stages", int() as index, *rest):
            _patch_stage(data["spec"]["stages"], index, tuple(rest), names)
        case ("spec", "inputs", str() as name, *_):
            data["spec"]["inputs"][name] = {}
        case ("spec", "parameters", int() as index, *rest):
            parameter = data["spec"]["parameters"][index]
            written = parameter.get("name") if isinstance(parameter, dict) and rest[:1] != ["name"] else None
            is_usable = isinstance(written, str) and parameters.NAME.fullmatch(written)
            given = written if is_usable else f"unnamed{index}"
            data["spec"]["parameters"][index] = {"name": given, "default": ""}
        case ("spec", "inputs" | "parameters" | "classification" as key):
            data["spec"].pop(key, None)
        case ("spec", "classification", *_):
            data["spec"].pop("classification", None)
        case _:
            return False
    return True


def _patch_stage(stages: list[Any], index: int, rest: FieldPath, names: set[str]) -> None:
    stage = stages[index]
    if not rest or not isinstance(stage, dict):
        stages[index] = {"name": f"{_STAGE_NAME}-{index}", "uses": _STAGE_NAME}
        names.add("")
        return
    key = str(rest[0])
    if key == "name":
        written = stage.get("name")
        names.add(written if isinstance(written, str) else "")
        stage["name"] = f"{_STAGE_NAME}-{index}"
    elif key == "uses":
        stage["uses"] = _STAGE_NAME
    elif key in _SEPARABLE and len(rest) > 1 and isinstance(stage.get(key), dict) and rest[1] in stage[key]:
        del stage[key][rest[1]]
    else:
        stage.pop(key, None)


def _delete(data: Any, path: FieldPath) -> None:
    """Take a key away, unless what is around it was replaced already."""
    for step in path[:-1]:
        if isinstance(data, list) and isinstance(step, int):
            data = data[step]
        else:
            data = data.get(step) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data.pop(path[-1], None)


def _put(data: dict[str, Any], path: FieldPath, value: Any) -> None:
    for step in path[:-1]:
        inner = data.get(str(step))
        if not isinstance(inner, dict):
            return
        data = inner
    data[str(path[-1])] = copy.deepcopy(value)
