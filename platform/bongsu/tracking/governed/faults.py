"""What is wrong in a request that MLflow failed at. It is looked at afterwards: what MLflow can do costs nothing."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from mlflow.exceptions import MlflowException
from mlflow.protos.model_registry_pb2 import ModelRegistryService
from mlflow.protos.service_pb2 import MlflowService
from mlflow.server.handlers import get_service_endpoints
from mlflow.store.tracking.dbmodels.models import SqlLoggedModel
from mlflow.utils.proto_json_utils import parse_dict
from mlflow.utils.search_logged_model_utils import EntityType, parse_filter_string
from mlflow.utils.search_utils import SearchModelUtils, SearchModelVersionUtils

from bongsu.tracking.governed.routes import Route

_LONGEST = 200
_DEEPEST = 100
# Of what databases number: more is nobody's.
_MOST_NUMBER = 2**31 - 1
_NUMBERED = frozenset({"experiment_id", "experiment_ids", "version"})
_COUNTED = frozenset({"max_results", "start_step", "end_step"})
_MOST = 2**63 - 1
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_NUMBER = re.compile(r"-?[0-9]{1,20}")


def fault_of(route: Route, query: str, body: bytes) -> str | None:
    """In a sentence; None if nothing is found to be wrong."""
    if route.method == "GET":
        asked: Any = {name: values if len(values) > 1 else values[0] for name, values in parse_qs(query).items()}
    else:
        try:
            asked = json.loads(body or (b"{}" if route.method == "DELETE" else b""))
        except (ValueError, RecursionError):
            return "The body is no JSON, or is nested too deeply."
        if not isinstance(asked, dict):
            return "The body is no JSON object."
    found = next(filter(None, map(_fault_of_value, _leaves(asked))), None) or _fault_of_message(route, asked)
    return found or _fault_of_filter(route, asked)


def _leaves(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any, int]]:
    """Each value that has no parts, with the name that it stands under."""
    if depth > _DEEPEST:
        yield name, None, depth
    elif isinstance(value, dict):
        for key, part in value.items():
            yield name, key, depth
            yield from _leaves(part, key, depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, name, depth + 1)
    else:
        yield name, value, depth


def _fault_of_value(leaf: tuple[str, Any, int]) -> str | None:
    name, value, depth = leaf
    shown = "".join(one if one.isprintable() else "?" for one in name[:_LONGEST])
    if depth > _DEEPEST:
        return "The body is nested too deeply."
    if isinstance(value, str) and _NO_TEXT.search(value):
        return f"`{shown}` has a character that is none: NUL, or half of one."
    if isinstance(value, float) and not math.isfinite(value):
        return f"`{shown}` is no finite number."
    is_numbered = name in _NUMBERED
    if (is_numbered or name in _COUNTED) and isinstance(value, str | int):
        if not _NUMBER.fullmatch(str(value)):
            return f"`{shown}` is no number, or none of this size."
        value = int(value)
    if isinstance(value, int) and abs(value) > (_MOST_NUMBER if is_numbered else _MOST):
        return f"`{shown}` is larger than any number here."
    return None


def _fault_of_message(route: Route, asked: Mapping[str, Any]) -> str | None:
    """By MLflow's own description of what the route takes."""
    made = _messages().get((route.method, route.template))
    if made is None or route.method == "GET":
        return None
    empty = [field.name for field in made.DESCRIPTOR.fields if asked.get(field.name, "") is None]
    if empty:
        return f"`{empty[0]}` is null."
    try:
        parse_dict(asked, made())
    except (ParseError, RecursionError, TypeError, ValueError, AttributeError) as error:
        return f"The message is not what this route takes: {str(error)[:_LONGEST]}"
    return None


def _fault_of_filter(route: Route, asked: Mapping[str, Any]) -> str | None:
    """By MLflow's own reading of it, which for these routes ends in faults of the program's where it is written
    wrongly."""
    parse = _FILTERS.get(route.template.rpartition("/mlflow/")[2])
    text = asked.get("filter")
    if parse is None or not isinstance(text, str):
        return None
    try:
        parse(text)
    except (MlflowException, ValueError, TypeError, AttributeError, IndexError, SyntaxError, RecursionError):
        return "`filter` cannot be read: it is comparisons with AND between them, each of a name, an operator, a value."
    return None


def _read_filter_of_logged_models(text: str) -> None:
    """Raises MlflowException, ValueError."""
    for one in parse_filter_string(text):
        if one.entity.type is EntityType.ATTRIBUTE and one.entity.key not in SqlLoggedModel.__table__.columns:
            raise ValueError(one.entity.key)


_FILTERS: Mapping[str, Callable[[str], object]] = {
    "logged-models/search": _read_filter_of_logged_models,
    "model-versions/search": SearchModelVersionUtils.parse_search_filter,
    "registered-models/search": SearchModelUtils.parse_search_filter,
}


@functools.cache
def _messages() -> Mapping[tuple[str, str], type[Message]]:
    """By method and template."""
    return {
        (method, re.sub(r"<(?:path:)?(\w+)>", r"{\1}", path)): message
        for service in (MlflowService, ModelRegistryService)
        for path, message, methods in get_service_endpoints(service, lambda message: message)
        for method in methods
    }
