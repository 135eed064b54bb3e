"""The stages that a server has, over HTTP."""

from __future__ import annotations

from pathlib import Path

from api_places import ApiPlace

from bongsu.service.catalogue import InstalledStages


def test_stages_that_pipelines_can_use_are_those_that_the_server_has(tmp_path: Path) -> None:
    place = ApiPlace(tmp_path)
    listed = place.ask("army-eng", "GET", "/v1/stages").json()["items"]
    assert [one["name"] for one in listed] == sorted(InstalledStages())
    for one in listed:
        assert place.ask("army-eng", "GET", f"/v1/stages/{one['name']}").json() == one
    train = place.ask("kim", "GET", "/v1/stages/train.continue", params={"fields": "inputs,parameters"}).json()
    assert train["inputs"]["model"]["type"] == "model"
    assert "steps" in train["parameters"]["properties"]
    nowhere = place.ask("kim", "GET", "/v1/stages/train.nothing")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "cli.unknown-stage")
    place.close()
