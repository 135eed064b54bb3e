"""Fields that depend on each other: resources, environments, inputs, names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bongsu.domain.codes import plan as plan_codes
from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.ids import DIGEST_PATTERN
from bongsu.domain.links import listed
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.pipeline import Environment, Input, Stage
from bongsu.domain.resources import format_duration
from bongsu.domain.stages import StageSignature
from bongsu.domain.suggest import closest
from bongsu.planner.accelerators import KNOWN
from bongsu.specfile.draft import Draft

RESERVED = ("inputs", "params", "matrix")
_SMALLEST_MEMORY = 2**20
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_COMMON = {
    "artifact": ("artifact:sha256-DIGEST", DIGEST_PATTERN),
    "file": ("file:PATH", re.compile(r".+")),
    "package": ("package:DISTRIBUTION/PATH", re.compile(rf"{_PART}/.+")),
}
_SHARED = r"//[a-z](?:[-a-z0-9]*[a-z0-9])?/" + _PART + "/[1-9][0-9]*"
_VERSION = re.compile(rf"/{_PART}(/[1-9][0-9]*|@{_PART})|{_SHARED}")
_ADDRESSES: dict[str, dict[str, tuple[str, re.Pattern[str]]]] = {
    "model": {
        "models": ("models:/NAME/VERSION, models:/NAME@ALIAS or models://MINISTRY/NAME/VERSION", _VERSION),
        **_COMMON,
    },
    "dataset": {"datasets": ("datasets:/NAME/VERSION or datasets://MINISTRY/NAME/VERSION", _VERSION), **_COMMON},
}
_PINNED = re.compile(r"\S+@sha256:[0-9a-f]{64}")
# Fields whose defaults would make a finding where they are written wrongly.
_BESIDE = {codes.ACCELERATOR_WITHOUT_GPU: "gpusPerWorker", codes.BACKOFF_TOO_LONG: "maxBackoff"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_fields(draft: Draft, signatures: Mapping[str, StageSignature]) -> list[Finding]:
    """Everything in one field or one stage that its type alone does not say."""
    body = draft.spec.spec
    findings = [f for name, source in body.inputs.items() for f in _input(source, ("spec", "inputs", name))]
    for index, stage in enumerate(body.stages):
        path: FieldPath = ("spec", "stages", index)
        findings += _stage(stage, path, signatures.get(stage.uses), has_grant=body.grant is not None)
    return [f for f in findings if not draft.is_broken(f.path) and not _is_consequence(f, draft)]


def _is_consequence(finding: Finding, draft: Draft) -> bool:
    """GPUs that are written wrongly are not GPUs that nobody asked for, and so with the longest wait, and with an
    input's address."""
    if finding.code is codes.INPUT_SOURCE:
        return draft.has_broken(finding.path)
    beside = _BESIDE.get(finding.code)
    return beside is not None and draft.is_broken((*finding.path[:-1], beside))


def _input(source: Input, path: FieldPath) -> Iterator[Finding]:
    given = {"model": source.model, "dataset": source.dataset}
    uris = {kind: uri for kind, uri in given.items() if uri is not None}
    if len(uris) != 1:
        yield Finding(codes.INPUT_SOURCE, path)
        return
    ((kind, uri),) = uris.items()
    scheme, colon, rest = uri.partition(":")
    known = _ADDRESSES[kind]
    if not colon or scheme not in known or not known[scheme][1].fullmatch(rest):
        forms = [form for form, _pattern in known.values()]
        near = closest(scheme, known) if scheme not in known else None
        suggestion = f"{near}:{rest}" if near and known[near][1].fullmatch(rest) else None
        args = {
            "uri": uri,
            "kind": phrase(N_("model")) if kind == "model" else phrase(N_("data set")),
            "known": listed(forms),
        }
        yield Finding(codes.INPUT_URI, (*path, kind), {**args, "suggestion": suggestion})


def _stage(
    stage: Stage, path: FieldPath, signature: StageSignature | None, *, has_grant: bool
) -> Iterator[Finding]:
    if stage.name in RESERVED:
        yield Finding(codes.RESERVED_NAME, (*path, "name"), {"name": stage.name})
    if stage.timeout is not None and not stage.timeout:
        yield Finding(codes.ZERO_TIMEOUT, (*path, "timeout"))
    waits = stage.retries
    if waits.backoff > waits.max_backoff:
        args = {"backoff": format_duration(waits.backoff), "longest": format_duration(waits.max_backoff)}
        yield Finding(codes.BACKOFF_TOO_LONG, (*path, "retries", "backoff"), args)
    yield from _resources(stage, (*path, "resources"), signature, has_grant=has_grant)
    if stage.environment is not None:
        yield from _environment(stage.environment, (*path, "environment"))


def _resources(
    stage: Stage, path: FieldPath, signature: StageSignature | None, *, has_grant: bool
) -> Iterator[Finding]:
    asked = stage.resources
    if signature is not None and asked.workers > 1 and not signature.distributed:
        args = {"uses": stage.uses, "workers": asked.workers}
        yield Finding(codes.NOT_DISTRIBUTED, (*path, "workers"), args)
    if asked.accelerator is not None and asked.gpus_per_worker == 0:
        args = {"accelerator": asked.accelerator}
        yield Finding(codes.ACCELERATOR_WITHOUT_GPU, (*path, "accelerator"), args)
    if asked.accelerator is not None and asked.accelerator not in KNOWN:
        args = {"stage": stage.name, "name": asked.accelerator, "known": ", ".join(KNOWN)}
        yield Finding(
            plan_codes.UNKNOWN_ACCELERATOR,
            (*path, "accelerator"),
            {**args, "suggestion": closest(asked.accelerator, KNOWN)},
        )
    if asked.gpus_per_worker > 0 and not has_grant:
        yield Finding(codes.GPU_WITHOUT_GRANT, (*path, "gpusPerWorker"))
    if asked.memory is not None and asked.memory < _SMALLEST_MEMORY:
        yield Finding(codes.MEMORY_TOO_SMALL, (*path, "memory"), {"value": asked.memory})


def _environment(environment: Environment, path: FieldPath) -> Iterator[Finding]:
    given = [name for name in ("interpreter", "requirements", "image") if getattr(environment, name) is not None]
    if len(given) > 1:
        yield Finding(codes.SEVERAL_ENVIRONMENTS, path, {"found": ", ".join(given)})
    if environment.image is not None and not _PINNED.fullmatch(environment.image):
        yield Finding(codes.IMAGE_NOT_PINNED, (*path, "image"), {"image": environment.image})
    for name in environment.variables:
        if not _VARIABLE.fullmatch(name):
            yield Finding(codes.VARIABLE_NAME, (*path, "variables", name), {"name": name}, at_key=True)
