"""JSON Schema (draft 2020-12) of pipeline files, made from the models, so that editors complete and check.

``docs/schema/pipeline.schema.json`` is the part that does not depend on which stages are installed
(``python -m bongsu.specfile.schema > docs/schema/pipeline.schema.json``; a test compares). With a catalogue,
:func:`pipeline_schema` adds for every stage what may stand under ``with`` and ``inputs`` when ``uses`` names it.

The schema is a little wider than the checks of ``bongsu validate``: a ``${...}`` may stand for any value, and a
parameter that a stage needs is not demanded, because a matrix may set it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bongsu.domain.grades import SPELLED, SPELLINGS
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.stages import Catalogue, StageSignature

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALAR = {"type": ["boolean", "number", "string"]}
_TEMPLATE = {"type": "string", "pattern": r"\$\{", "description": "A template such as ${params.steps}"}
_NO_TEMPLATES = frozenset({"Metadata", "Parameter", "PipelineSpec"})


def pipeline_schema(catalogue: Catalogue | None = None) -> dict[str, Any]:
    """The schema; with a catalogue, including what each stage takes."""
    schema = PipelineSpec.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema.pop("$defs")
    _by_hand(definitions)
    if catalogue is not None:
        _add_stages(definitions, catalogue)
    for name, definition in definitions.items():
        definitions[name] = _tidy(definition, widen=name not in _NO_TEMPLATES)
    definitions["Template"] = _TEMPLATE
    head = {"$schema": DIALECT, "$id": "urn:bongsu:pipeline:v1alpha1", "title": "Bongsu pipeline"}
    return {**head, **_tidy(schema, widen=False), "$defs": dict(sorted(definitions.items()))}


def text(catalogue: Catalogue | None = None) -> str:
    return json.dumps(pipeline_schema(catalogue), indent=2, ensure_ascii=False) + "\n"


def write(path: Path, catalogue: Catalogue | None = None) -> None:
    """Write the schema to ``path``; folders are made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(catalogue), encoding="utf-8")


def _by_hand(definitions: dict[str, Any]) -> None:
    """What the models do by validators, and pydantic cannot know."""
    grade = definitions["Grade"]
    spelled: list[dict[str, Any]] = [
        {"enum": [*grade.pop("enum"), *SPELLINGS]},
        {"pattern": f"^(?:{SPELLED})$"},
    ]
    definitions["Grade"] = {
        "description": grade["description"],
        "anyOf": [{"type": "string", **one} for one in spelled],
    }
    label = definitions["Label"]
    definitions["Label"] = {
        "description": label.pop("description"),
        "anyOf": [{"$ref": "#/$defs/Grade"}, {key: value for key, value in label.items() if key != "title"}],
    }
    definitions["Matrix"]["additionalProperties"] = {"type": "array", "minItems": 1, "items": dict(_SCALAR)}
    definitions["Input"]["oneOf"] = [{"required": ["model"]}, {"required": ["dataset"]}]
    for name in ("model", "dataset"):
        definitions["Input"]["properties"][name] = {"type": "string"}


def _add_stages(definitions: dict[str, Any], catalogue: Catalogue) -> None:
    stage = definitions["Stage"]
    stage["properties"]["uses"]["enum"] = sorted(catalogue)
    stage["allOf"] = [_rule(definitions, catalogue[name]) for name in sorted(catalogue)]


def _rule(definitions: dict[str, Any], signature: StageSignature) -> dict[str, Any]:
    prefix = f"{signature.name}."
    params = signature.params.model_json_schema(by_alias=True, ref_template=f"#/$defs/{prefix}{{model}}")
    for name, definition in params.pop("$defs", {}).items():
        definitions[f"{prefix}{name}"] = definition
    params.pop("required", None)
    params["description"] = signature.doc or params.get("description", "")
    definitions[f"{prefix}with"] = params
    ports = {
        name: {"description": f"{port.doc or port.type.value} ({'many' if port.many else 'one'})"}
        for name, port in signature.inputs.items()
    }
    needed = [name for name, port in signature.inputs.items() if not port.optional]
    inputs = {"properties": ports, "additionalProperties": False, "required": needed}
    then: dict[str, Any] = {"properties": {"with": {"$ref": f"#/$defs/{prefix}with"}, "inputs": inputs}}
    if needed:
        then["required"] = ["inputs"]
    return {"if": {"properties": {"uses": {"const": signature.name}}, "required": ["uses"]}, "then": then}


def _tidy(schema: Any, *, widen: bool, key: str = "") -> Any:
    """Drop titles, write descriptions plainly, and let a template stand for a value that is no free text."""
    if isinstance(schema, list):
        return [_tidy(item, widen=widen) for item in schema]
    if not isinstance(schema, dict):
        return schema
    names = key in ("properties", "patternProperties", "$defs")
    out: dict[str, Any] = {}
    for name, value in schema.items():
        if not names and _is_noise(name, value):
            continue
        if name == "description" and isinstance(value, str):
            out[name] = " ".join(value.replace("``", "`").split())
        elif name in ("default", "enum", "const", "if", "propertyNames", "required", "pattern") and not names:
            out[name] = value
        else:
            out[name] = _tidy(value, widen=widen, key=name)
    if "anyOf" in out and "type" in out and not names:
        # A quantity with a unit: the text that is written, not the number that it becomes.
        out = {name: value for name, value in out.items() if name in ("anyOf", "description", "default")}
    if "anyOf" in out and not names:
        out["anyOf"] = _flat(out["anyOf"])
    if "patternProperties" in out and not names:
        out["additionalProperties"] = False
    return _widened(out) if widen and not names else out


def _flat(members: list[Any]) -> list[Any]:
    """Alternatives of alternatives in one list, each once."""
    found: list[Any] = []
    for member in members:
        inner = _flat(member["anyOf"]) if set(member) == {"anyOf"} else [member]
        found += [item for item in inner if item not in found]
    return found


def _is_noise(name: str, value: Any) -> bool:
    """Titles that repeat names, defaults of nothing, and ISO 8601's idea of a duration, which is not ours."""
    return (
        (name == "title" and isinstance(value, str))
        or (name == "default" and value is None)
        or (name == "format" and value == "duration")
    )


def _widened(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    narrow = kind in ("integer", "number", "boolean") or (kind == "string" and {"pattern", "enum"} & schema.keys())
    if not narrow and "const" not in schema:
        return schema
    kept: dict[str, Any] = {name: schema.pop(name) for name in ("description", "default") if name in schema}
    return {**kept, "anyOf": [schema, {"$ref": "#/$defs/Template"}]}


if __name__ == "__main__":
    print(text(), end="")
