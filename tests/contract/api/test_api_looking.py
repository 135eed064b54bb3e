"""Labels, search and capacity over HTTP: only what the asker may look at, and what is refused is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import PIPELINE, ApiPlace
from governed_places import SECRET, SENSITIVE
from service_places import drive
from sqlalchemy import update

from bongsu.api.routes import runs
from bongsu.domain.approval import ProposalKind
from bongsu.domain.documents import iso_time, plain
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.run import RunState, StageState
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.lineage import trace
from bongsu.store import runs as store_runs
from bongsu.store import schema, under_way
from bongsu.store.aliases import set_alias
from bongsu.store.lineage import Edge, Node, put_edges, put_nodes
from bongsu.store.models import find_version
from bongsu.store.node_ids import artifact_node, version_node
from bongsu.store.schema_people import people


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path)
    made.permit_use()
    yield made
    made.close()


def clear(place: ApiPlace, person: str, label: object) -> None:
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id == person).values(clearance=str(label)))


def names(response: Any) -> set[str]:
    assert response.status_code == 200, response.text
    return {one["name"] for one in response.json()["items"]}


def test_one_version_is_read_by_its_number_or_an_alias(place: ApiPlace) -> None:
    digest = place.register("axk1", 1)
    with place.platform.write() as connection:
        set_alias(connection, "axk1", "production", 1)
    here = "/v1/ministries/mnd"
    for which in ("1", "production"):
        found = place.ask("kim", "GET", f"{here}/models/axk1/{which}").json()
        assert (found["version"], found["digest"], found["aliases"]) == (1, digest, ["production"])
    data = place.ask("kim", "GET", f"{here}/datasets/law/1").json()
    assert (data["ministry"], data["digest"]) == ("mnd", place.law)
    for path in ("models/axk1/2", "models/nothing/1", "models/axk1/x", "datasets/law/2", "datasets/nothing/1"):
        assert place.ask("kim", "GET", f"{here}/{path}").status_code == 404
    for path in ("models/axk1/1", "datasets/law/1"):
        answers = [place.ask("army-eng", "GET", f"/v1/ministries/{one}/{path}").json() for one in ("mnd", "none")]
        there, nowhere = ({**one, "requestId": "", "instance": ""} for one in answers)
        assert str(there).replace("'mnd'", "'none'").replace("mnd", "none") == str(nowhere)


def test_a_search_finds_what_the_asker_may_look_at_and_nothing_else(place: ApiPlace) -> None:
    run = place.run_of("kim", "axk1-checks")
    secret = place.run_of("kim", "axk1-secret", SECRET)
    digest = place.register("axk1", 1)
    found = {run, secret, "axk1/1"}
    assert found < names(place.ask("kim", "GET", "/v1/search", params={"q": "AXK1"}))
    assert names(place.ask("kim", "GET", "/v1/search", params={"q": digest[7:15]})) == {"axk1/1", digest}
    assert names(place.ask("kim", "GET", "/v1/search", params={"q": "axk1", "kind": "model"})) == {"axk1/1"}
    # An approver may not look into artifacts.
    assert digest not in names(place.ask("ann", "GET", "/v1/search", params={"q": digest[7:15]}))
    for text in ("axk1", digest[7:15], run[:5], "%", "_"):
        assert names(place.ask("army-eng", "GET", "/v1/search", params={"q": text})) == set()
    clear(place, "kim", OPEN)
    assert names(place.ask("kim", "GET", "/v1/search", params={"q": "axk1", "kind": "run"})) > {run}
    assert secret not in names(place.ask("kim", "GET", "/v1/search", params={"q": "axk1"}))


def test_exact_names_come_first_and_nothing_is_no_search(place: ApiPlace) -> None:
    for name in ("beta-law", "law", "law-2"):
        place.now += 1
        place.run_of("kim", name)
    listed = place.ask("kim", "GET", "/v1/search", params={"q": "law"}).json()["items"]
    assert (listed[0]["kind"], listed[0]["name"]) == ("dataset", "law/1")
    for text in ("", "   ", "x" * 201):
        refused = place.ask("kim", "GET", "/v1/search", params={"q": text})
        assert (refused.status_code, refused.json()["code"]) == (422, "run.empty-search")


def test_a_label_tells_what_brought_it_in_and_rises_for_all_that_came_of_it(place: ApiPlace) -> None:
    with place.platform.write() as connection:  # as a run that takes it does
        put_nodes(connection, [Node(artifact_node(place.law), NodeKind.ARTIFACT, "law", "O", {})])
    place.register("axk1", 1)
    path = "/v1/ministries/mnd/labels"
    before = place.ask("kim", "GET", path, params={"of": "axk1@1"}).json()
    assert (before["label"], before["parts"]) == ("O", [])
    body = {"of": "datasets:/law/1", "grade": "S", "reason": "It names people after all"}
    assert place.ask("kim", "POST", path, json=body).status_code == 403
    raised = place.ask("dc", "POST", path, json=body)
    assert raised.status_code == 200, raised.text
    after = place.ask("kim", "GET", path, params={"of": "axk1@1"}).json()
    assert after["label"] == "S"
    assert [one["part"] for one in after["parts"]] == ["S"]
    assert [one["id"] for one in after["parts"][0]["origins"]] == [f"artifact:{place.law}"]
    entry, read = (json.loads(line) for _actor, _action, line in place.log()[-2:])
    assert (read["actor"], read["action"], read["label"]) == ("kim", "lineage.read", "S")
    assert (entry["actor"], entry["action"], entry["facts"]["reason"]) == ("dc", "label.raise", body["reason"])
    (told,) = after["raised"]
    assert told["of"] == f"artifact:{place.law}", "what brought it in, not the model"
    assert (told["label"], told["by"], told["reason"]) == ("S", "dc", body["reason"])
    assert told["raisedAt"] == iso_time(place.now)
    size = len(place.log())
    assert place.ask("dc", "POST", path, json=body).status_code == 200, "said twice, it is so once"
    assert len(place.log()) == size
    clear(place, "kim", OPEN)
    gone = place.ask("kim", "GET", path, params={"of": "axk1@1"})
    absent = place.ask("kim", "GET", path, params={"of": "axk9@1"})
    assert gone.status_code == absent.status_code == 404
    assert gone.json()["problems"][0]["message"].replace("axk1", "axk9") == absent.json()["problems"][0]["message"]


def test_a_downgrade_tells_its_approvers_to_who_may_look_at_the_proposal(place: ApiPlace) -> None:
    place.add_dataset("law", place.law, SENSITIVE)
    wish = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "dataset:law/1", "O", "Published since")
    proposal = propose(place.platform, place.actor("dc"), wish)
    for person in ("ann", "bae"):
        approve(place.platform, place.actor(person), proposal.id, proposal.binding.digest)
    carry_out(place.platform, place.actor("dc"), proposal.id)
    path = "/v1/ministries/mnd/labels"
    (told,) = place.ask("kim", "GET", path, params={"of": "datasets:/law/1"}).json()["released"]
    assert (told["old"], told["new"], told["proposal"], told["proposer"]) == ("S", "O", proposal.id, "dc")
    assert (told["approvers"], told["reason"]) == (["ann", "bae"], "Published since")
    assert told["releasedAt"] == iso_time(place.now)
    clear(place, "kim", OPEN)
    (told,) = place.ask("kim", "GET", path, params={"of": "datasets:/law/1"}).json()["released"]
    assert told == {
        **{"old": "", "new": "O", "proposal": "", "proposer": "", "approvers": [], "reason": ""},
        "releasedAt": None,
    }


def test_of_what_was_lowered_no_label_is_told_above_the_asker_and_not_who_stated_it(place: ApiPlace) -> None:
    held = Label(grade=Grade.SENSITIVE, compartments=frozenset({"blackcell"}))
    clear(place, "dc", Label(grade=Grade.CLASSIFIED, compartments=held.compartments))
    for person in ("ann", "bae"):
        clear(place, person, Label(grade=Grade.CLASSIFIED, compartments=held.compartments))
    stated = {"of": place.law, "grade": "S", "compartments": ["blackcell"], "reason": "It names a unit"}
    assert place.ask("dc", "POST", "/v1/ministries/mnd/labels", json=stated).status_code == 200
    wish = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "dataset:law/1", "O", "Published since")
    proposal = propose(place.platform, place.actor("dc"), wish)
    for person in ("ann", "bae"):
        approve(place.platform, place.actor(person), proposal.id, proposal.binding.digest)
    carry_out(place.platform, place.actor("dc"), proposal.id)
    clear(place, "kim", OPEN)
    told = place.ask("kim", "GET", "/v1/ministries/mnd/labels", params={"of": place.law})
    assert "blackcell" not in told.text
    assert told.json()["raised"] == []
    assert [(one["old"], one["new"]) for one in told.json()["released"]] == [("", "O")]
    full = place.ask("dc", "GET", "/v1/ministries/mnd/labels", params={"of": place.law}).json()
    assert [(one["label"], one["by"]) for one in full["raised"]] == [("S/blackcell", "dc")]
    assert [one["old"] for one in full["released"]] == ["S/blackcell"]


def test_what_was_lowered_does_not_name_the_run_that_is_hidden(place: ApiPlace) -> None:
    model = place.register("axk7", 1)
    with place.of("mnd").read() as connection:
        run = find_version(connection, "axk7@1").run_id
    node = Node(version_node("axk8", 1), NodeKind.MODEL_VERSION, "axk8/1", "O", {"run": run})
    with place.of("mnd").write() as connection:
        put_nodes(connection, [node])
        put_edges(connection, [Edge(artifact_node(model), node.id, EdgeKind.REGISTERED)], run, place.now)
        store_runs.raise_label(connection, run, SENSITIVE)
    paths = [
        "/v1/models",
        "/v1/ministries/mnd/models/axk7/1",
        "/v1/artifacts",
        f"/v1/ministries/mnd/artifacts/{model}",
    ]
    answers = {path: place.ask("kim", "GET", path).text for path in paths[:3]}
    lineage = "/v1/ministries/mnd/lineage"
    answers[lineage] = place.ask("kim", "GET", lineage, params={"of": model, "direction": "downstream"}).text
    assert all(run in text for text in answers.values()), answers
    clear(place, "kim", OPEN)
    for path in paths[:3]:
        found = place.ask("kim", "GET", path)
        assert found.status_code == 200, found.text
        assert run not in found.text
    assert '"runId":""' in place.ask("kim", "GET", paths[1]).text
    for path in ("/v1/models", "/v1/artifacts"):
        for wanted, count in ((f"runId = {run}", 0), (f"runId != {run}", 1), ('runId = ""', 1)):
            about = "name = axk7" if path == "/v1/models" else f"digest = {model}"
            found = place.ask("kim", "GET", path, params={"filter": f"{about} AND {wanted}"})
            assert found.status_code == 200, found.text
            assert len(found.json()["items"]) == count, (path, wanted)
    graph = place.ask("kim", "GET", lineage, params={"of": model, "direction": "downstream"})
    (body,) = [one["body"] for one in graph.json()["nodes"] if one["id"] == node.id]
    assert body["run"] == ""


def test_why_something_rose_is_told_to_who_may_read_the_entry(place: ApiPlace) -> None:
    with place.platform.write() as connection:
        put_nodes(connection, [Node(artifact_node(place.law), NodeKind.ARTIFACT, "law", "O", {})])
    place.register("axk1", 1, label=SECRET)
    held = frozenset({"logistics"})
    clear(place, "dc", Label(grade=Grade.CLASSIFIED, compartments=held))
    body = {"of": "datasets:/law/1", "grade": "S", "compartments": ["logistics"], "reason": "It names people"}
    path = "/v1/ministries/mnd/labels"
    assert place.ask("dc", "POST", path, json=body).status_code == 200
    for grade, reason in ((Grade.CLASSIFIED, body["reason"]), (Grade.SENSITIVE, "")):
        clear(place, "kim", Label(grade=grade, compartments=held))
        (told,) = place.ask("kim", "GET", path, params={"of": "datasets:/law/1"}).json()["raised"]
        assert (told["by"], told["label"], told["reason"]) == ("dc", "S/logistics", reason)


def test_nobody_states_a_label_that_they_could_not_look_at_or_for_no_reason(place: ApiPlace) -> None:
    clear(place, "dc", SENSITIVE)
    body = {"of": "datasets:/law/1", "grade": "C", "reason": "It is a plan of operations"}
    above = place.ask("dc", "POST", "/v1/ministries/mnd/labels", json=body)
    assert (above.status_code, above.json()["code"]) == (403, "access.above-clearance")
    silent = place.ask("dc", "POST", "/v1/ministries/mnd/labels", json=body | {"grade": "S", "reason": " "})
    assert silent.json()["code"] == "governance.no-reason"
    wrong = place.ask("dc", "POST", "/v1/ministries/mnd/labels", json=body | {"compartments": ["A/B"]})
    assert wrong.json()["code"] == "api.bad-request"
    foreign = place.ask("army-dc", "POST", "/v1/ministries/mnd/labels", json=body)
    assert foreign.status_code == 404
    assert (
        place.ask("dc", "GET", "/v1/ministries/mnd/labels", params={"of": "datasets:/law/1"}).json()["label"] == "O"
    )


def test_labels_in_use_are_counted_without_what_the_asker_may_not_see(place: ApiPlace) -> None:
    place.register("axk1", 1)
    place.register("axk2", 1, label=SECRET, made_from=[])

    def used(person: str) -> set[tuple[str, str, str, int]]:
        told = place.ask(person, "GET", "/v1/labels").json()["inUse"]
        return {(one["ministry"], one["kind"], one["label"], one["count"]) for one in told}

    assert used("kim") == {("mnd", "model", "O", 1), ("mnd", "model", "C", 1), ("mnd", "dataset", "O", 1)}
    clear(place, "kim", OPEN)
    assert used("kim") == {("mnd", "model", "O", 1), ("mnd", "dataset", "O", 1)}
    assert used("army-eng") == set()


def test_capacity_tells_of_the_askers_ministries_only(place: ApiPlace) -> None:
    place.permit_use(ministry="army")
    place.run_of("kim")
    told = place.ask("kim", "GET", "/v1/capacity").json()
    assert told["there"]["cpus"] == 4
    assert place.ask("army-eng", "GET", "/v1/capacity").json() == {"there": told["there"], "ministries": []}
    place.fate = lambda _attempt: None
    from bongsu.service.driving import open_driver

    with open_driver(place.platform) as driving:
        driving.driver.want(dict.fromkeys([place.ask("kim", "GET", "/v1/runs/latest").json()["run"]["id"]]))
        driving.driver.step()
    (mine,) = place.ask("kim", "GET", "/v1/capacity").json()["ministries"]
    assert (mine["ministry"], mine["running"]["stages"] + mine["waiting"]["stages"]) == ("mnd", 1)
    assert place.ask("army-eng", "GET", "/v1/capacity").json()["ministries"] == []


def queue_runs(place: ApiPlace, count: int) -> None:
    """So many runs whose stages could run, and wait for room."""
    for number in range(count):
        place.run_of("kim", f"queued-{count}-{number}")
    with place.platform.write() as connection:
        connection.execute(update(schema.runs).values(state=RunState.RUNNING.value))
        connection.execute(update(schema.stages).values(state=StageState.READY.value))


def test_a_look_at_many_queued_runs_is_few_statements(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {}
    for more, all_ in ((2, 2), (13, 15)):
        queue_runs(place, more)
        with place.asked() as statements:
            (mine,) = place.ask("kim", "GET", "/v1/capacity").json()["ministries"]
        assert mine["waiting"]["stages"] == all_
        assert mine["waiting"]["cpus"] == all_
        numbers[all_] = len(statements)
    assert numbers[15] == numbers[2]
    monkeypatch.setattr(under_way, "PLANS_AT_ONCE", 4)
    with place.asked() as statements:
        (mine,) = place.ask("kim", "GET", "/v1/capacity").json()["ministries"]
    assert mine["waiting"]["stages"] == 15
    assert len(statements) == numbers[2] + 3, "plans are read by the portion"


def test_stages_are_listed_and_found_one_by_one(place: ApiPlace) -> None:
    run = place.run_of("kim")
    listed = place.ask("kim", "GET", f"/v1/runs/{run}/stages").json()["items"]
    assert [one["id"] for one in listed] == ["a"]
    assert place.ask("kim", "GET", f"/v1/runs/{run}/stages/a").json() == listed[0]
    nowhere = place.ask("kim", "GET", f"/v1/runs/{run}/stages/b")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "run.unknown-stage")
    whole = place.ask("kim", "GET", f"/v1/runs/{run}").json()
    assert whole["stages"] == listed


@pytest.mark.parametrize("path", ["stages", "stages/a"])
def test_stages_are_read_once_and_no_model_is_looked_into_for_them(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    run = place.run_of("kim")
    drive(place.platform, [run])

    def refused(*_given: object) -> None:
        raise AssertionError("nobody asked for the models of the run")

    monkeypatch.setattr(runs, "variants_of", refused)
    with place.asked() as statements:
        assert place.ask("kim", "GET", f"/v1/runs/{run}/{path}").status_code == 200
    assert len([one for one in statements if "FROM stages" in one]) == 1


FORBIDDEN = PIPELINE.replace("Draft administrative documents", "Select targets and fire without a human")


@pytest.mark.parametrize("path", ["/v1/pipelines/validate", "/v1/pipelines/plan", "/v1/runs"])
def test_whoever_tries_a_forbidden_purpose_is_on_record(place: ApiPlace, path: str) -> None:
    size = len(place.log())
    refused = place.ask("kim", "POST", path, json={"text": FORBIDDEN})
    assert "policy.forbidden-use" in refused.text
    entry = json.loads(place.log()[-1][2])
    assert len(place.log()) == size + 1
    assert (entry["actor"], entry["outcome"], entry["object"]) == ("kim", "refused", "pipeline:checks")
    assert entry["facts"]["codes"] == ["policy.forbidden-use"]
    assert entry["request"] == refused.headers["x-request-id"]


@pytest.mark.parametrize("declared", ["lethal-autonomy", "autonomous-targeting", "자율살상"])
@pytest.mark.parametrize("path", ["/v1/pipelines/validate", "/v1/pipelines/plan", "/v1/runs"])
def test_whoever_declares_a_class_that_is_outside_is_on_record(place: ApiPlace, path: str, declared: str) -> None:
    size = len(place.log())
    text = PIPELINE.replace("useClass: administration", f"useClass: {declared}")
    refused = place.ask("kim", "POST", path, json={"text": text})
    assert (refused.status_code, refused.json()["code"]) == (403, "policy.forbidden-use")
    entry = json.loads(place.log()[-1][2])
    assert len(place.log()) == size + 1
    assert (entry["actor"], entry["outcome"], entry["object"]) == ("kim", "refused", "pipeline:checks")
    assert entry["facts"]["codes"] == ["policy.forbidden-use"]


def test_a_stranger_writes_into_no_log_but_their_own(place: ApiPlace) -> None:
    size, own = len(place.log()), len(place.log("army"))
    place.ask("army-eng", "POST", "/v1/runs", json={"text": FORBIDDEN})
    assert (len(place.log()), len(place.log("army"))) == (size, own + 1)


def test_a_mistyped_key_is_nobodys_concern(place: ApiPlace) -> None:
    size = len(place.log())
    place.ask("kim", "POST", "/v1/runs", json={"text": PIPELINE.replace("uses:", "usses:")})
    assert len(place.log()) == size


def test_an_engineer_is_not_told_to_set_what_is_the_operators(place: ApiPlace) -> None:
    place.permit_use()
    large = PIPELINE.replace("with: {text: x}", "with: {text: x}, resources: {cpusPerWorker: 500}")
    told = place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": large}).json()
    problems = [*told.get("obstacles", ()), *told.get("problems", ())]
    assert problems, told
    (found,) = [one for one in problems if one["code"] == "plan.beyond-executor"]
    assert "ask an operator of the server" in found["fix"]
    assert "BONGSU_RAY_ADDRESS" not in found["fix"]


def test_a_run_whose_use_is_not_permitted_is_refused_on_record(place: ApiPlace) -> None:
    text = PIPELINE.replace("useClass: administration", "useClass: logistics-resupply")
    planned = place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": text}).json()
    assert [one["code"] for one in planned["obstacles"]] == ["use.not-permitted"]
    refused = place.ask("kim", "POST", "/v1/runs", json={"text": text})
    assert (refused.status_code, refused.json()["code"]) == (403, "use.not-permitted")
    entry = json.loads(place.log()[-1][2])
    assert entry["action"] == "run.submit"
    assert entry["facts"] == {"codes": ["use.not-permitted"], "rules": ["use.permitted"]}


def test_a_run_that_no_grant_pays_for_is_refused_on_record_once(place: ApiPlace) -> None:
    text = PIPELINE.replace("  stages:", "  grant: gone\n  stages:").replace(
        "with: {text: x}}", "with: {text: x}, resources: {gpusPerWorker: 1}}"
    )
    size = len(place.log())
    refused = place.ask("kim", "POST", "/v1/runs", json={"text": text})
    assert "grants.not-paid" in {one["code"] for one in refused.json()["problems"]}, refused.text
    entries = [json.loads(one[2]) for one in place.log()[size:]]
    assert [(one["action"], one["outcome"]) for one in entries] == [("run.submit", "refused")]
    assert entries[0]["facts"]["rules"]


def test_a_graph_is_written_as_all_documents_are(place: ApiPlace) -> None:
    """It has a writer of its own, because it may be large."""
    place.register("axk1", 1)
    told = place.ask("kim", "GET", "/v1/ministries/mnd/lineage?of=axk1@1&direction=upstream").json()
    graph = trace(place.of("mnd"), "axk1@1", "upstream")
    assert told == json.loads(json.dumps(plain(graph)))
    assert len(told["nodes"]) > 2
