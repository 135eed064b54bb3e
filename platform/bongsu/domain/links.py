"""From the text of a reference to what it means: which stage or input, which output, and does it fit the port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, Words, either, phrase
from bongsu.domain.pipeline import Input
from bongsu.domain.ports import Port
from bongsu.domain.references import Reference, parse_reference
from bongsu.domain.stages import StageSignature
from bongsu.domain.suggest import closest

_DATA = frozenset({ArtifactType.FILES, ArtifactType.DOCUMENTS, ArtifactType.TOKENS})
IN_WORDS: dict[ArtifactType, Phrase] = {
    ArtifactType.FILES: phrase(N_("files")),
    ArtifactType.DOCUMENTS: phrase(N_("documents")),
    ArtifactType.TOKENS: phrase(N_("tokens")),
    ArtifactType.MODEL: phrase(N_("a model")),
    ArtifactType.EVALUATION: phrase(N_("an evaluation")),
    ArtifactType.VERIFICATION: phrase(N_("a verification")),
    ArtifactType.REGISTRATION: phrase(N_("a registration")),
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


MAX_LISTED = 200
MAX_SUGGESTIONS = 20


def listed(names: Iterable[str]) -> Words:
    """The names with commas between them; of very many, the first."""
    rest = iter(names)
    first = list(islice(rest, MAX_LISTED))
    more = [] if next(rest, None) is None else ["…"]
    return ", ".join([*first, *more]) or phrase(N_("none"))


class KnownNames:
    """Names that there are, listed once; the first names that are none of them get a suggestion each, because there
    may be thousands, and looking for one takes time."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._meant: dict[str, str | None] = {}

    def told(self, name: str) -> dict[str, Any]:
        """Arguments of an error about a name that is none of these."""
        if name not in self._meant:
            self._meant[name] = closest(name, self._names) if len(self._meant) < MAX_SUGGESTIONS else None
        return {"known": self._listed, "suggestion": self._meant[name]}

    @cached_property
    def _listed(self) -> Words:
        return listed(self._names)


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
        suggestion = closest(reference.source, _fitting_sources(reference, place, directory))
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
            "suggestion": closest(reference.output, _fitting_inputs(place, directory)),
        }
        return None, [Finding(codes.UNKNOWN_INPUT, place.path, args)]
    fitting = _fitting_inputs(place, directory)
    # Where the pipeline has what is wanted, that is meant, and not that the other is declared wrongly.
    meant = f"inputs.{fitting[0]}" if len(fitting) == 1 else None if fitting else _declared_otherwise(source, place)
    return reference, _check_type(text, input_types(source), place, meant)


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
            named: dict[str, Words] = {
                "stage": reference.source,
                "uses": signature.name,
                "name": reference.output,
                "known": listed(known),
            }
            fitting = [name for name, port in signature.outputs.items() if _takes(place, frozenset({port.type}))]
            suggestion = closest(reference.output, fitting)
            findings.append(Finding(codes.UNKNOWN_OUTPUT, place.path, {**named, "suggestion": suggestion}))
        else:
            findings += _check_type(text, frozenset({output.type}), place)
    return (None if gathers_wrongly else reference), findings


def _fitting_sources(reference: Reference, place: Place, directory: Directory) -> list[str]:
    """Stages (and ``inputs``) that could stand in place of an unknown name without another thing being wrong."""
    found = []
    for name, signature in directory.stages.items():
        output = signature.outputs.get(reference.output) if signature is not None else None
        fits = signature is None or (output is not None and _takes(place, frozenset({output.type})))
        if fits and name != place.stage and (place.port.many or not reference.gather):
            found.append(name)
    if not (reference.gather or reference.point) and reference.output in _fitting_inputs(place, directory):
        found.append("inputs")
    return found


def _fitting_inputs(place: Place, directory: Directory) -> list[str]:
    return [name for name, source in directory.inputs.items() if _takes(place, input_types(source))]


def _takes(place: Place, types: frozenset[ArtifactType]) -> bool:
    return any(place.port.accepts(type_) for type_ in types)


def _declared_otherwise(source: Input, place: Place) -> str | None:
    """How an input is written that the port takes, where a model is declared as a data set or the reverse."""
    wants_model = place.port.type is ArtifactType.MODEL
    if wants_model and source.dataset is not None:
        return None if source.dataset.startswith("datasets:") else f"model: {source.dataset}"
    if place.port.type in _DATA and source.model is not None:
        return None if source.model.startswith("models:") else f"dataset: {source.model}"
    return None


def _check_type(
    text: str, types: frozenset[ArtifactType], place: Place, suggestion: str | None = None
) -> list[Finding]:
    if _takes(place, types):
        return []
    found = phrase(N_("data")) if types == _DATA else either([IN_WORDS[type_] for type_ in sorted(types)])
    args = {
        "port": place.port_name,
        "expected": IN_WORDS[place.port.type],
        "reference": text,
        "found": found,
        "uses": place.uses,
        "suggestion": suggestion,
    }
    return [Finding(codes.WRONG_PORT_TYPE, place.path, args)]
