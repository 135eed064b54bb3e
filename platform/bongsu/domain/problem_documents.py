"""What :meth:`bongsu.domain.problems.Problem.as_dict` gives, as JSON schema has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import WithJsonSchema

PROBLEM_NAME = "Told"
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "One thing that is wrong, in one place.",
    "required": ["code", "rule", "message", "fix", "file", "line", "column", "field", "exitStatus"],
    "additionalProperties": False,
    "properties": {
        "code": {"type": "string", "description": "Stable; docs/errors.md lists them."},
        "rule": {
            "type": ["string", "null"],
            "description": "Of a refusal: which, as `bongsu policy explain` has it.",
        },
        "message": {"type": "string", "description": "What is wrong, in the reader's language."},
        "fix": {"type": "string", "description": "How to mend it, in the reader's language."},
        "file": {"type": ["string", "null"], "description": "Of a file: which."},
        "line": {"type": ["integer", "null"], "description": "Counts from 1."},
        "column": {"type": ["integer", "null"], "description": "Counts from 1."},
        "field": {"type": ["string", "null"], "description": "Path of a key, such as `spec.stages[0].uses`."},
        "exitStatus": {
            "type": "integer",
            "description": "With which the command line ends if nothing graver is wrong.",
        },
    },
}
ProblemDocument = Annotated[Mapping[str, Any], WithJsonSchema({"title": PROBLEM_NAME, **PROBLEM_SCHEMA})]
