"""Lists of models and data sets say what another ministry shares, as pipelines take it, for what and until when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from shared_places import DATA, MODEL, SharedPlace

from bongsu.cli.render.datasets import datasets_view
from bongsu.cli.render.models import models_view
from bongsu.domain.read_documents import read
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.store.records import DatasetVersionRecord, ModelVersionRecord


def printed(view: RenderableType) -> str:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def test_what_is_shared_is_listed_by_the_address_that_pipelines_take(tmp_path: Path) -> None:
    place = SharedPlace(tmp_path)
    place.share(DATA)
    place.share(MODEL)
    listed: tuple[tuple[str, Any, Any, str], ...] = (
        ("models", ModelVersionRecord, models_view, "models://mnd/axk1/1"),
        ("datasets", DatasetVersionRecord, datasets_view, "datasets://mnd/law/1"),
    )
    for kind, record, view, address in listed:
        items = place.ask("army-eng", "GET", f"/v1/{kind}").json()["items"]
        text = printed(view([read(record, one) for one in items]))
        assert text.startswith(address)
        assert "Shared with army for administration until" in text
        own = place.ask("kim", "GET", f"/v1/{kind}").json()["items"]
        assert "Shared" not in printed(view([read(record, one) for one in own]))
    place.close()


def test_who_a_model_is_shared_with_is_told_that_it_is_suspended_and_not_by_whom(tmp_path: Path) -> None:
    place = SharedPlace(tmp_path)
    place.share(MODEL)
    suspend(place.platform, place.actor("acc"), StopRequest("mnd", "axk1", None, "It leaks"))
    (item,) = place.ask("army-eng", "GET", "/v1/models").json()["items"]
    assert (bool(item["suspendedAt"]), item["suspendedBy"]) == (True, "")
    text = printed(models_view([read(ModelVersionRecord, item)]))
    assert "Suspended since" in text
    assert "acc" not in text
    place.close()
