"""From the text of a reference to what it means: which stage or input, which output, and does it fit the port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.pipeline import Input
from bongsu.domain.ports import Port
from bongsu.domain.references import Reference, parse_reference
from bongsu.domain.stages import StageSignature
from bongsu.domain.suggest import closest

_DATA = frozenset({ArtifactType.FILES, ArtifactType.DOCUMENTS, ArtifactType.TOKENS})
_ARTICLE = {
    ArtifactType.FILES: "files",
    ArtifactType.DOCUMENTS: "documents",
    ArtifactType.TOKENS: "tokens",
    ArtifactType.MODEL: "a model",
    ArtifactType.EVALUATION: "an evaluation",
    ArtifactType.VERIFICATION: "a verification",
    ArtifactType.REGISTRATION: "a registration",
}


def input_types(source: Input) -> frozenset[ArtifactType]:
    """What an input may turn out to be. What a data set holds is known when it is resolved."""
    if source.model is not None:
        return frozenset({ArtifactType.MODEL})
    return _DATA if source.dataset is not None else frozenset(ArtifactType)


@dataclass(frozen=True)
class Place:
    """Where a reference stands: a port of a stage, and the field path of the text."""

    stage: str
    uses: str
    port_name: str
    port: Port
    path: FieldPath
    in_list: bool = False


@dataclass(frozen=True)
class Directory:
    """Everything that a reference may name.

    Attributes:
        inputs: the pipeline's inputs.
        stages: signature of each stage, None where it is not known.
        unnamed: some stage has no usable name, so a name that is not found may be that one's.
        ignored: names that stand in the file but cannot be used; an error of their own names them.
    """

    inputs: Mapping[str, Input]
    stages: Mapping[str, StageSignature | None]
    unnamed: bool = False
    ignored: frozenset[str] = field(default_factory=frozenset)


def listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def link(text: str, place: Place, directory: Directory) -> tuple[Reference | None, list[Finding]]:
    """The reference if it leads somewhere (None otherwise), and what is wrong with it."""
    head = text.split(".", 1)[0].split("[", 1)[0]
    if head in directory.ignored:
        return None, []
    reference = parse_reference(text)
    if reference is None:
        return None, [Finding(codes.BAD_REFERENCE, place.path, {"reference": text})]
    if reference.is_input:
        return _link_input(text, reference, place, directory)
    if reference.source not in directory.stages:
        if directory.unnamed:
            return None, []
        known = list(directory.stages)
        suggestion = closest(reference.source, [*known, "inputs"])
        args = {"name": reference.source, "known": listed(known), "suggestion": suggestion}
        return None, [Finding(codes.UNKNOWN_STAGE, place.path, args)]
    if reference.source == place.stage:
        return None, [Finding(codes.SELF_REFERENCE, place.path, {"stage": place.stage})]
    return _link_stage(text, reference, place, directory)


def _link_input(
    text: str, reference: Reference, place: Place, directory: Directory
) -> tuple[Reference | None, list[Finding]]:
    if reference.gather or reference.point:
        return None, [Finding(codes.BAD_REFERENCE, place.path, {"reference": text})]
    source = directory.inputs.get(reference.output)
    if source is None:
        known = list(directory.inputs)
        args = {
            "name": reference.output,
            "known": listed(known),
            "suggestion": closest(reference.output, known),
        }
        return None, [Finding(codes.UNKNOWN_INPUT, place.path, args)]
    return reference, _check_type(text, input_types(source), place)


def _link_stage(
    text: str, reference: Reference, place: Place, directory: Directory
) -> tuple[Reference | None, list[Finding]]:
    findings = []
    gathers_wrongly = reference.gather and not place.port.many
    if gathers_wrongly:
        args = {
            "reference": text,
            "port": place.port_name,
            "plain": f"{reference.source}.{reference.output}",
            "stage": reference.source,
        }
        findings.append(Finding(codes.GATHER_AT_SINGLE_PORT, place.path, args))
    signature = directory.stages[reference.source]
    if signature is not None:
        output = signature.outputs.get(reference.output)
        if output is None:
            known = list(signature.outputs)
            args = {
                "stage": reference.source,
                "uses": signature.name,
                "name": reference.output,
                "known": listed(known),
            }
            suggestion = closest(reference.output, known)
            findings.append(Finding(codes.UNKNOWN_OUTPUT, place.path, {**args, "suggestion": suggestion}))
        else:
            findings += _check_type(text, frozenset({output.type}), place)
    return (None if gathers_wrongly else reference), findings


def _check_type(text: str, types: frozenset[ArtifactType], place: Place) -> list[Finding]:
    if any(place.port.type.accepts(type_) for type_ in types):
        return []
    found = "data" if types == _DATA else " or ".join(_ARTICLE[type_] for type_ in sorted(types))
    args = {
        "port": place.port_name,
        "expected": _ARTICLE[place.port.type],
        "reference": text,
        "found": found,
        "uses": place.uses,
    }
    return [Finding(codes.WRONG_PORT_TYPE, place.path, args)]
