"""Registered models and data sets, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bongsu.api.answers import Cursor, Fields, Limit, Ministry, Page, answer, page, place_of, sliced, written
from bongsu.api.asking import Asker, Asking, asks_for
from bongsu.domain.labels import Grade
from bongsu.policy.access import Permission
from bongsu.service.audit.reads import note_read
from bongsu.service.datasets import DatasetVersion, list_datasets, register_dataset
from bongsu.service.lineage import LineageGraph, joined, run_graph, trace
from bongsu.service.models import ModelVersion, list_models
from bongsu.service.platform import Platform
from bongsu.service.run_lists import of_run
from bongsu.service.sharing import received_datasets, received_models
from bongsu.store.lineage import Edge, Node

router = APIRouter(prefix="/v1", tags=["models, data sets, lineage"])
# A graph may have tens of thousands of nodes, and pydantic writes a graph of ours in a tenth of the time of `plain`.
_GRAPH = TypeAdapter(LineageGraph)


@dataclass(frozen=True, kw_only=True)
class OwnedDataset(DatasetVersion):
    """A registered data set, and whose it is."""

    ministry: str


@dataclass(frozen=True)
class RunGraph:
    """What happened in a run: what was there, what came of it, and how one led to the other."""

    nodes: list[Node]
    edges: list[Edge]


@router.get("/models", **asks_for(Permission.MODEL_READ, gives=Page[ModelVersion]))
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
    own = [one for _owner, platform in _each(asker, ministry) for one in list_models(platform, name)]
    shared = (one for one in received_models(asker.everywhere(), name) if _concerns(one, ministry))
    found = sorted([*own, *shared], key=_version_key)
    asker.note_list(f"model:{name}" if name else "list:models", map(_label, found))
    shown = sliced(found, limit, place_of(cursor, asked), _version_key)
    return answer(request, page(shown, limit, asked, _version_key), fields)


@router.get("/datasets", **asks_for(Permission.DATASET_READ, gives=Page[OwnedDataset]))
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
    own = [
        _owned(owner, one) for owner, platform in _each(asker, ministry) for one in list_datasets(platform, name)
    ]
    received = received_datasets(asker.everywhere(), name)
    shared = (_owned(one.shared[0].giver, one) for one in received if _concerns(one, ministry))
    found = sorted([*own, *shared], key=_version_key)
    asker.note_list(f"dataset:{name}" if name else "list:datasets", map(_label, found))
    shown = sliced(found, limit, place_of(cursor, asked), _version_key)
    return answer(request, page(shown, limit, asked, _version_key), fields)


def _each(asker: Asker, ministry: str | None) -> Iterator[tuple[str, Platform]]:
    return ((owner, platform) for owner, platform in asker.each() if ministry in (None, owner))


def _concerns(version: ModelVersion | DatasetVersion, ministry: str | None) -> bool:
    """A ministry has what is shared with it, and what it shares."""
    return ministry is None or any(ministry in (by.giver, by.ministry) for by in version.shared)


def _owned(ministry: str, version: DatasetVersion) -> OwnedDataset:
    facts = {field.name: getattr(version, field.name) for field in dataclass_fields(version)}
    return OwnedDataset(**facts, ministry=ministry)


def _label(version: ModelVersion | OwnedDataset) -> tuple[str, str]:
    return version.ministry, version.label


def _version_key(version: ModelVersion | OwnedDataset) -> tuple[object, ...]:
    return (version.ministry, version.name, -version.version)


class DatasetRequest(BaseModel):
    """A data set to be registered: an artifact that was uploaded or made, under a name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(max_length=63)
    uri: str = Field(pattern=r"^(artifact:sha256-[0-9a-f]{64}|package:.+)$", max_length=1000)
    grade: Grade | None = None
    compartments: tuple[str, ...] = ()


@router.post(
    "/ministries/{ministry}/datasets", status_code=201, **asks_for(Permission.DATASET_REGISTER, gives=OwnedDataset)
)
def register(request: Request, asker: Asking, ministry: str, dataset: DatasetRequest) -> Response:
    """Give an artifact a name and a version; the newest one if bytes and label are the same."""
    platform = asker.within(ministry)
    made = register_dataset(platform, dataset.name, dataset.uri, platform.home, dataset.grade, dataset.compartments)
    return answer(request, _owned(ministry, made), status=201)


@router.get("/ministries/{ministry}/lineage", **asks_for(Permission.MODEL_READ, gives=LineageGraph))
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


@router.get("/runs/{run}/lineage", tags=["runs"], **asks_for(Permission.RUN_READ, gives=RunGraph))
def lineage_of_run(request: Request, asker: Asking, run: str) -> Response:
    """What happened in one run: its inputs, stages, artifacts and versions."""
    platform, record = of_run(asker.plane, asker.actor, Permission.RUN_READ, run)
    nodes, edges = run_graph(platform, record.id)
    return answer(request, RunGraph(nodes, edges))
