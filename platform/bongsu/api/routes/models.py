"""Registered models and data sets, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field, TypeAdapter

from bongsu.api.answers import Cursor, Fields, Limit, Ministry, answer, page, place_of, sliced, written
from bongsu.api.asking import Asker, Asking, asks_for
from bongsu.api.bodies import Body
from bongsu.domain.documents import plain
from bongsu.domain.labels import Grade
from bongsu.policy.access import Permission
from bongsu.service.audit.reads import note_read
from bongsu.service.datasets import DatasetVersion, list_datasets, register_dataset
from bongsu.service.lineage import LineageGraph, joined, run_graph, trace
from bongsu.service.models import ModelVersion, list_models
from bongsu.service.platform import Platform
from bongsu.service.run_lists import of_run
from bongsu.service.sharing import received_datasets, received_models

router = APIRouter(prefix="/v1", tags=["models, data sets, lineage"])
# A graph may have tens of thousands of nodes, and pydantic writes a graph of ours in a tenth of the time of `plain`.
_GRAPH = TypeAdapter(LineageGraph)


@router.get("/models", **asks_for(Permission.MODEL_READ))
def models(
    request: Request,
    asker: Asking,
    name: str | None = None,
    ministry: Ministry = None,
    limit: Limit = 50,
    cursor: Cursor = "",
    fields: Fields = "",
) -> Response:
    """Model versions, by ministry and name, newest version first; with those that other ministries share, and what
    for and until when (`shared`)."""
    asked = f"models {name} {ministry}"
    found = _of_each(asker, ministry, lambda platform: list_models(platform, name))
    found = _with_shared(found, ministry, received_models(asker.everywhere(), name))
    asker.note_list(f"model:{name}" if name else "list:models", map(_label, found))
    shown = sliced(found, limit, place_of(cursor, asked), _version_key)
    return answer(request, page(shown, limit, asked, _version_key), fields)


@router.get("/datasets", **asks_for(Permission.DATASET_READ))
def datasets(
    request: Request,
    asker: Asking,
    name: str | None = None,
    ministry: Ministry = None,
    limit: Limit = 50,
    cursor: Cursor = "",
    fields: Fields = "",
) -> Response:
    """Versions of data sets, by ministry and name, newest version first; with those that other ministries share, and
    what for and until when (`shared`)."""
    asked = f"datasets {name} {ministry}"
    found = _of_each(asker, ministry, lambda platform: list_datasets(platform, name))
    found = _with_shared(found, ministry, received_datasets(asker.everywhere(), name))
    asker.note_list(f"dataset:{name}" if name else "list:datasets", map(_label, found))
    shown = sliced(found, limit, place_of(cursor, asked), _version_key)
    return answer(request, page(shown, limit, asked, _version_key), fields)


def _of_each(
    asker: Asker, ministry: str | None, listed: Callable[[Platform], Sequence[object]]
) -> list[dict[str, Any]]:
    return [
        {"ministry": owner} | plain(one)
        for owner, platform in asker.each()
        if ministry in (None, owner)
        for one in listed(platform)
    ]


def _with_shared(
    own: list[dict[str, Any]],
    ministry: str | None,
    versions: Sequence[ModelVersion] | Sequence[DatasetVersion],
) -> list[dict[str, Any]]:
    """In the order of both. A ministry has what is shared with it, and what it shares."""
    found = [
        {"ministry": one.shared[0].giver} | plain(one)
        for one in versions
        if ministry is None or ministry in {side for by in one.shared for side in (by.giver, by.ministry)}
    ]
    return sorted([*own, *found], key=_version_key)


def _label(document: Mapping[str, Any]) -> tuple[str, str]:
    return document["ministry"], document["label"]


def _version_key(document: Mapping[str, Any]) -> tuple[object, ...]:
    version = document["version"]
    assert isinstance(version, int)
    return (document["ministry"], document["name"], -version)


class DatasetRequest(Body):
    """A data set to be registered: an artifact that was uploaded or made, under a name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(max_length=63)
    uri: str = Field(pattern=r"^(artifact:sha256-[0-9a-f]{64}|package:.+)$", max_length=1000)
    grade: Grade | None = None
    compartments: tuple[str, ...] = ()


@router.post("/ministries/{ministry}/datasets", status_code=201, **asks_for(Permission.DATASET_REGISTER))
def register(request: Request, asker: Asking, ministry: str, dataset: DatasetRequest) -> Response:
    """Give an artifact a name and a version; the newest one if bytes and label are the same."""
    platform = asker.within(ministry)
    made = register_dataset(platform, dataset.name, dataset.uri, platform.home, dataset.grade, dataset.compartments)
    return answer(request, {"ministry": ministry} | plain(made), status=201)


@router.get("/ministries/{ministry}/lineage", **asks_for(Permission.MODEL_READ))
def lineage(
    request: Request,
    asker: Asking,
    ministry: str,
    of: str,
    direction: Literal["upstream", "downstream", "both"] = "both",
) -> Response:
    """The graph around a model version (``NAME@3``), a data set (``datasets:/NAME/3``) or a digest: what it was made
    from, and what was made from it. Of what another ministry shares (``models://MINISTRY/NAME/3``,
    ``datasets://MINISTRY/NAME/3``): the version itself, and what was made from it in this one."""
    platform = asker.within(ministry)
    if direction == "both":
        graph = joined(trace(platform, of, "upstream"), trace(platform, of, "downstream"))
    else:
        graph = trace(platform, of, direction)
    note_read(platform, f"lineage:{graph.start}", (node.label for node in graph.nodes))
    return written(request, _GRAPH.dump_json(graph))


@router.get("/runs/{run}/lineage", tags=["runs"], **asks_for(Permission.RUN_READ))
def lineage_of_run(request: Request, asker: Asking, run: str) -> Response:
    """What happened in one run: its inputs, stages, artifacts and versions."""
    platform, record = of_run(asker.plane, asker.actor, Permission.RUN_READ, run)
    nodes, edges = run_graph(platform, record.id)
    return answer(request, {"nodes": nodes, "edges": edges})
