"""What a request has wrong, in words of ours: those of the library that looks are English, and show patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bongsu.domain.ids import DIGEST_PATTERN
from bongsu.domain.messages import N_
from bongsu.domain.people import MINISTRY_NAME
from bongsu.domain.phrases import Words, phrase

_DIGEST = phrase(N_("it has to be a digest: sha256- and 64 hexadecimal digits"))
_PATTERNS = {
    DIGEST_PATTERN.pattern: _DIGEST,
    f"^{MINISTRY_NAME.pattern}$": phrase(N_("it has to be the short name of a ministry, such as mnd")),
    r"^(artifact:sha256-[0-9a-f]{64}|package:.+)$": phrase(
        N_("it has to be {forms}"), forms="artifact:DIGEST, package:DISTRIBUTION/PATH"
    ),
}
_KINDS = {
    "missing": N_("it is missing"),
    "extra_forbidden": N_("nothing of this name is read"),
    "string_type": N_("it has to be a text"),
    "int_type": N_("it has to be a whole number"),
    "int_parsing": N_("it has to be a whole number"),
    "int_from_float": N_("it has to be a whole number"),
    "float_type": N_("it has to be a number"),
    "float_parsing": N_("it has to be a number"),
    "bool_type": N_("it has to be true or false"),
    "bool_parsing": N_("it has to be true or false"),
    "dict_type": N_("it is no object"),
    "model_type": N_("it is no object"),
    "model_attributes_type": N_("it is no object"),
    "list_type": N_("it has to be a list"),
    "tuple_type": N_("it has to be a list"),
    "set_type": N_("it has to be a list"),
    "frozen_set_type": N_("it has to be a list"),
    "json_invalid": N_("it is not JSON"),
    "string_pattern_mismatch": N_("it is not written as the schema says"),
}
# With the name under which the library tells the value.
_LIMITS = {
    "string_too_long": (N_("it has more than {limit} characters"), "max_length"),
    "string_too_short": (N_("it has less than {limit} characters"), "min_length"),
    "too_long": (N_("it has more than {limit} items"), "max_length"),
    "too_short": (N_("it has less than {limit} items"), "min_length"),
    "greater_than_equal": (N_("it has to be at least {limit}"), "ge"),
    "less_than_equal": (N_("it has to be at most {limit}"), "le"),
    "greater_than": (N_("it has to be more than {limit}"), "gt"),
    "less_than": (N_("it has to be less than {limit}"), "lt"),
    "enum": (N_("it has to be one of {limit}"), "expected"),
    "literal_error": (N_("it has to be one of {limit}"), "expected"),
}


def words_of(fault: Mapping[str, Any]) -> Words:
    """What is wrong; of a kind that is not known here, what the library says."""
    kind, told = fault["type"], fault.get("ctx", {})
    if kind == "string_pattern_mismatch" and told.get("pattern") in _PATTERNS:
        return _PATTERNS[told["pattern"]]
    if kind in _LIMITS and _LIMITS[kind][1] in told:
        template, name = _LIMITS[kind]
        return phrase(template, limit=told[name])
    return phrase(_KINDS[kind]) if kind in _KINDS else str(fault["msg"]).rstrip(".")
