"""Registered models and data sets, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, TypeAdapter

from bongsu.api.answers import Fields, IdempotencyKey, Ministry, Page, answer, names_in, refuse_unknown, written
from bongsu.api.asking import AskedFirst, Asking, asks_for
from bongsu.api.bodies import Body
from bongsu.api.listing import Listing
from bongsu.domain.documents import plain
from bongsu.domain.labels import Grade
from bongsu.policy.access import Permission
from bongsu.service.audit.reads import note_read
from bongsu.service.datasets import DatasetVersion, register_dataset, show_dataset
from bongsu.service.lineage import LineageGraph, joined, run_graph, trace
from bongsu.service.models import ModelVersion, show_model
from bongsu.service.version_lists import KEY, Listed, Wanted, page_of_datasets, page_of_models
from bongsu.store.datasets import DATASETS
from bongsu.store.lineage import Edge, Node
from bongsu.store.models import MODELS

router = APIRouter(prefix="/v1", tags=["models, data sets, lineage"], route_class=AskedFirst)
AnyListed = Listed[ModelVersion] | Listed[DatasetVersion]
# A graph may have tens of thousands of nodes, which pydantic writes without Python: see tests/bench/bench_api.py.
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
def models(asker: Asking, listing: Listing, name: str | None = None, ministry: Ministry = None) -> Response:
    """Model versions, by ministry and name, newest version first; with those that other ministries share, and what
    for and until when (`shared`)."""
    wanted = Wanted(name, ministry, listing.page(MODELS.filterable, *KEY))
    found = page_of_models(asker.plane, asker.actor, wanted)
    asker.note_list(f"model:{name}" if name else "list:models", map(_label, listing.shown(found)))
    return listing.answer(found, _key, lambda one: plain(one.version))


@router.get("/datasets", **asks_for(Permission.DATASET_READ, gives=Page[OwnedDataset]))
def datasets(asker: Asking, listing: Listing, name: str | None = None, ministry: Ministry = None) -> Response:
    """Versions of data sets, by ministry and name, newest version first; with those that other ministries share, and
    what for and until when (`shared`)."""
    wanted = Wanted(name, ministry, listing.page(DATASETS.filterable, *KEY))
    found = page_of_datasets(asker.plane, asker.actor, wanted)
    asker.note_list(f"dataset:{name}" if name else "list:datasets", map(_label, listing.shown(found)))
    return listing.answer(found, _key, lambda one: plain(_owned(one.ministry, one.version)))


@router.get(
    "/ministries/{ministry}/models/{model}/{version}", **asks_for(Permission.MODEL_READ, gives=ModelVersion)
)
def one_model(
    request: Request, asker: Asking, ministry: str, model: str, version: str, fields: Fields = ""
) -> Response:
    """One version of a model, by its number or by an alias."""
    platform = asker.within(ministry)
    found = show_model(platform, model, version)
    note_read(platform, f"model:{found.name}/{found.version}", [found.label])
    return answer(request, found, fields)


@router.get(
    "/ministries/{ministry}/datasets/{dataset}/{version}", **asks_for(Permission.DATASET_READ, gives=OwnedDataset)
)
def one_dataset(
    request: Request, asker: Asking, ministry: str, dataset: str, version: int, fields: Fields = ""
) -> Response:
    """One version of a data set."""
    platform = asker.within(ministry)
    found = show_dataset(platform, dataset, version)
    note_read(platform, f"dataset:{dataset}/{version}", [found.label])
    return answer(request, _owned(ministry, found), fields)


def _key(one: AnyListed) -> tuple[str, str, int]:
    return one.key


def _label(one: AnyListed) -> tuple[str, str]:
    return one.ministry, one.version.label


def _owned(ministry: str, version: DatasetVersion) -> OwnedDataset:
    facts = {field.name: getattr(version, field.name) for field in dataclass_fields(version)}
    return OwnedDataset(**facts, ministry=ministry)


class DatasetRequest(Body):
    """A data set to be registered: an artifact that was uploaded or made, under a name."""

    name: str = Field(max_length=63)
    uri: str = Field(pattern=r"^(artifact:sha256-[0-9a-f]{64}|package:.+)$", max_length=1000)
    grade: Grade | None = None
    compartments: tuple[str, ...] = ()


@router.post(
    "/ministries/{ministry}/datasets", status_code=201, **asks_for(Permission.DATASET_REGISTER, gives=OwnedDataset)
)
def register(
    request: Request, asker: Asking, ministry: str, dataset: DatasetRequest, idempotency_key: IdempotencyKey = ""
) -> Response:
    """Give an artifact a name and a version; the newest one if bytes and label are the same."""
    platform = asker.within(ministry)
    stated = dataset.grade, dataset.compartments
    made = register_dataset(platform, dataset.name, dataset.uri, platform.home, *stated, key=idempotency_key)
    return answer(request, _owned(ministry, made), status=201)


@router.get("/ministries/{ministry}/lineage", **asks_for(Permission.MODEL_READ, gives=LineageGraph))
def lineage(
    request: Request,
    asker: Asking,
    ministry: str,
    of: str,
    direction: Literal["upstream", "downstream", "both"] = "both",
    fields: Fields = "",
) -> Response:
    """The graph around a model version (``NAME@3``), a data set (``datasets:/NAME/3``) or a digest: what it was made
    from, and what was made from it. Of what another ministry shares (``models://MINISTRY/NAME/3``,
    ``datasets://MINISTRY/NAME/3``): the version itself, and what was made from it in this one."""
    named = set(names_in(fields))
    refuse_unknown(sorted(named), [field.name for field in dataclass_fields(LineageGraph)])
    platform = asker.within(ministry)
    if direction == "both":
        graph = joined(trace(platform, of, "upstream"), trace(platform, of, "downstream"))
    else:
        graph = trace(platform, of, direction)
    note_read(platform, f"lineage:{graph.start}", (node.label for node in graph.nodes))
    return written(request, _GRAPH.dump_json(graph, include=named or None))


@router.get("/runs/{run}/lineage", tags=["runs"], **asks_for(Permission.RUN_READ, gives=RunGraph))
def lineage_of_run(request: Request, asker: Asking, run: str, fields: Fields = "") -> Response:
    """What happened in one run: its inputs, stages, artifacts and versions."""
    platform, record = asker.of_run(run)
    nodes, edges = run_graph(platform, record.id)
    return answer(request, RunGraph(nodes, edges), fields)
