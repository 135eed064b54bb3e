"""What a request is about, as the log calls it: for one that was refused before MLflow heard of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from bongsu.tracking.governed.artifact_paths import OfThing, resolve
from bongsu.tracking.governed.showing import OBJECTS

# Names in MLflow's messages and templates, without underscores: it takes ``run_id`` and ``runId``.
_IDS: Mapping[str, str] = {
    "runid": "mlflow-run",
    "runuuid": "mlflow-run",
    "modelid": "mlflow-model",
    "traceid": "mlflow-trace",
    "requestid": "mlflow-trace",
    "experimentid": "mlflow-experiment",
}
_FILES = "/mlflow-artifacts/artifacts/"
_LONGEST = 300


def asked_for(query: str, body: bytes, parts: Mapping[str, str]) -> dict[str, str]:
    """Texts and numbers that a request names.

    Args:
        query: of the address.
        body: as far as it was received; of what is no JSON, nothing.
        parts: of the path, by their names in the template of the route; they come first.
    """
    try:
        said = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        said = {}
    named: list[tuple[str, Any]] = [
        *(said.items() if isinstance(said, dict) else ()),
        *parse_qsl(query),
        *parts.items(),
    ]
    return dict(_plain(named))


def _plain(named: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, str]]:
    for name, value in named:
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield name.replace("_", "").lower(), str(value)[:_LONGEST]


def object_of(asked: Mapping[str, str], noun: str, path: str, workspace: str) -> str:
    """Empty if it names nothing.

    Args:
        asked: as of :func:`asked_for`.
        noun: kind of the thing, as actions have it.
        path: of the address, which may be that of a file.
        workspace: in which it is asked.
    """
    if _FILES in path:
        place = resolve(path.partition(_FILES)[2].rstrip("/"), workspace)
        if isinstance(place, OfThing):
            return f"{OBJECTS[place.kind]}:{place.thing}"
    for name, kind in _IDS.items():
        if asked.get(name):
            return f"{kind}:{asked[name]}"
    if not asked.get("name"):
        return ""
    if noun == "experiment":
        return f"mlflow-experiment:{asked['name']}"
    return f"model:{asked['name']}/{asked['version']}" if asked.get("version") else f"model:{asked['name']}"
