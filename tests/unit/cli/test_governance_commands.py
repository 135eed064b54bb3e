"""``bongsu uses``, ``permits``, ``approvals``, ``models suspend`` and ``policy``, at a server and in a home."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from api_places import ApiPlace
from cli_shell import Said, Shell
from governed_places import SENSITIVE
from sqlalchemy import delete, select

from bongsu.domain.people import Role
from bongsu.domain.use_register import Tier
from bongsu.store.schema import dataset_versions
from bongsu.store.schema_people import memberships

As = Callable[..., Said]

USE = [
    *("uses", "register", "administration", "--statement", "Draft administrative documents", "--owner", "lee"),
    *("--evidence", "https://example.org/assessment", "--dated", "2023-11-01", "--until", "2024-11-01"),
]
DATA = [
    *("permits", "give-data", "law", "1", "--use", "administration", "--card", "https://example.org/card"),
    *("--reason", "Public law", "--from", "2023-11-01", "--until", "2024-11-01"),
]
SHARE = [
    *("permits", "give-access", "dataset:law/1", "--to", "army", "--purpose", "administration"),
    *("--reason", "They asked", "--from", "2023-11-01", "--until", "2024-11-01"),
]
PROMOTION = [
    *("approvals", "propose", "promotion", "model:axk1/1", "production", "--reason", "It is better"),
    *("--evidence-until", "2024-02-01"),
]


def told(said: Said) -> dict[str, object]:
    assert said.status == 0, said.error
    found = json.loads(said.out)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def ready(place: ApiPlace) -> ApiPlace:
    """A model that may be proposed."""
    place.permit_use()
    place.permit_data()
    place.register()
    return place


def test_a_use_is_registered_listed_and_withdrawn(ask: As) -> None:
    assert "No use is registered." in ask("acc", "uses", "list").out
    use = told(ask("acc", *USE, "--json"))
    assert (use["ministry"], use["tier"], use["registeredBy"]) == ("mnd", "I", "acc")
    evidence = use["evidence"]
    assert isinstance(evidence, dict)
    assert (evidence["kind"], evidence["endsAt"]) == ("address", None)
    other = told(ask("acc", *USE, "--evidence-until", "2024-05-01", "--json"))
    assert other["evidence"] == evidence | {"endsAt": "2024-05-01T00:00:00.000Z"}
    assert ask("acc", "uses", "withdraw", str(other["id"]), "--reason", "It was tried").status == 0
    listed = json.loads(ask("kim", "uses", "list", "--json").out)
    assert {one["id"] for one in listed} == {use["id"], other["id"]}
    assert str(use["id"]) in ask("kim", "uses", "list", "--ministry", "mnd").out
    assert "[governance.not-permitted]" in ask("lee", *USE).error
    withdrawn = told(ask("acc", "uses", "withdraw", str(use["id"]), "--reason", "It is over", "--json"))
    assert withdrawn["withdrawnWhy"] == "It is over"


def test_data_is_permitted_and_shared_and_both_end(ask: As, place: ApiPlace) -> None:
    permit, share = told(ask("dc", *DATA, "--json")), told(ask("dc", *SHARE, "--json"))
    assert (permit["tenant"], permit["custodian"]) == ("mnd", "dc")
    assert (share["giver"], share["ministry"]) == ("mnd", "army")
    listed = told(ask("dc", "permits", "list", "--json"))
    assert [len(listed[kind]) for kind in ("data", "access")] == [1, 1]  # type: ignore[arg-type]
    assert str(share["id"]) in ask("army-dc", "permits", "list").out
    assert "[governance.not-permitted]" in ask("kim", *DATA).error
    revoked = ("permits", "revoke-data", str(permit["id"]), "--reason", "It was wrong", "--json")
    assert told(ask("dc", *revoked))["revokedBy"] == "dc"
    assert told(ask("dc", "permits", "revoke-access", str(share["id"]), "--json"))["revokedBy"] == "dc"


def test_why_a_sharing_ends_is_recorded_if_it_is_said(ask: As, place: ApiPlace) -> None:
    why = "The exercise is over"
    for reason in ((), ("--reason", why)):
        share = str(told(ask("dc", *SHARE, "--reason", f"{reason}", "--json"))["id"])
        assert "[governance.no-reason]" in ask("dc", "permits", "revoke-access", share, "--reason", " ").error
        assert ask("dc", "permits", "revoke-access", share, *reason).status == 0
    entries = json.loads(ask("aud", "audit", "list", "--action", "permit.revoke-access", "--json").out)["entries"]
    done = [one["content"] for one in entries if one["content"]["outcome"] == "done"]
    assert [one["facts"].get("reason") for one in done] == [why, None]


def test_two_people_approve_what_they_have_looked_at(ask: As, ready: ApiPlace) -> None:
    proposed = told(ask("lee", *PROMOTION, "--json"))
    name, digest = str(proposed["id"]), str(proposed["digest"])
    assert digest in ask("ann", "approvals", "show", name).out
    assert told(ask("ann", "approvals", "show", name, "--json"))["digest"] == digest
    vote = ("approvals", "approve", name, "--digest")
    assert "[approval.other-digest]" in ask("ann", *vote, "sha256-" + "0" * 64).error
    assert "[governance.not-permitted]" in ask("kim", *vote, digest).error
    assert "1 of 2 approvals count now" in ask("ann", *vote, digest).out
    assert ask("lee", "approvals", "apply", name).status != 0
    assert ready.aliases() == {}
    assert "2 of 2 approvals count now" in ask("bae", *vote, digest).out
    assert told(ask("lee", "approvals", "apply", name, "--json"))["state"] == "carried-out"
    assert ready.aliases() == {"production": 1}
    assert json.loads(ask("ann", "approvals", "list", "--state", "proposed", "--json").out) == []
    assert [one["id"] for one in json.loads(ask("ann", "approvals", "list", "--json").out)] == [name]


def test_of_each_vote_it_is_said_whether_it_counts_now(ask: As, ready: ApiPlace) -> None:
    proposed = told(ask("lee", *PROMOTION, "--json"))
    name, digest = str(proposed["id"]), str(proposed["digest"])
    for person in ("ann", "bae"):
        assert ask(person, "approvals", "approve", name, "--digest", digest).status == 0
    ready.permit_use(Tier.II)
    with ready.platform.write() as connection:
        connection.execute(delete(memberships).where(memberships.c.person == "ann"))
    shown = ask("lee", "approvals", "show", name).out
    assert "approved, 1 of 3 approvals count now" in shown
    assert "It was approved, and fewer approvals count now than it needs" in shown
    votes = [line for line in shown.splitlines() if line.strip().startswith("approve ·")]
    assert [line.split(" · ")[1::2] for line in votes] == [["ann", "does not count now"], ["bae", "counts"]]
    assert "It was approved, and fewer" in ask("lee", "approvals", "list").out
    document = told(ask("lee", "approvals", "show", name, "--json"))
    assert (document["state"], document["needs"]) == ("approved", 3)
    assert (document["countingNow"], document["enoughNow"]) == (1, False)
    assert [vote["counts"] for vote in document["votes"]] == [False, True]  # type: ignore[attr-defined]
    assert "1 of 3 approvals" in ask("lee", "approvals", "apply", name).error
    answered = told(ask("cho", "approvals", "approve", name, "--digest", digest, "--json"))
    assert (answered["state"], answered["countingNow"], answered["enoughNow"]) == ("proposed", 2, False)
    assert "proposed, 2 of 3 approvals count now" in ask("lee", "approvals", "list").out


def test_whether_a_model_may_be_used_so_is_said_before_it_is(ask: As, ready: ApiPlace) -> None:
    asked = ("approvals", "check", "promotion", "model:axk1/1", "production")
    assert "[model.not-approved]" in ask("kim", *asked).error
    content = ready.promoted().binding.content
    assert content in "".join(ask("kim", *asked).out.split())
    assert told(ask("kim", *asked, "--json"))["digest"] == content
    assert "[governance.not-permitted]" in ask("ann", *asked).error


def test_a_proposal_is_rejected_or_taken_back(ask: As, ready: ApiPlace) -> None:
    first = told(ask("lee", *PROMOTION, "--json"))
    said = ("--reason", "Not yet", "--json")
    rejected = ask("ann", "approvals", "reject", str(first["id"]), "--digest", str(first["digest"]), *said)
    assert told(rejected)["state"] == "rejected"
    second = told(ask("lee", *PROMOTION, "--json"))
    assert "[approval.not-the-proposer]" in ask("kim", "approvals", "withdraw", str(second["id"]), *said[:2]).error
    assert told(ask("lee", "approvals", "withdraw", str(second["id"]), *said))["state"] == "withdrawn"


def test_a_label_is_lowered_by_two_people(ask: As, place: ApiPlace) -> None:
    place.add_dataset("memos", place.tree("memos"), SENSITIVE)
    proposed = told(
        ask("dc", "approvals", "propose", "downgrade", "dataset:memos/1", "O", "--reason", "Old", "--json")
    )
    name, digest = str(proposed["id"]), str(proposed["digest"])
    for person in ("ann", "bae"):
        assert ask(person, "approvals", "approve", name, "--digest", digest).status == 0
    assert told(ask("dc", "approvals", "apply", name, "--json"))["state"] == "carried-out"
    with place.platform.read() as connection:
        query = select(dataset_versions.c.label).where(dataset_versions.c.name == "memos")
        assert connection.execute(query).scalar() == "O"


def test_a_model_is_suspended_by_one_and_lifted_by_two(ask: As, ready: ApiPlace) -> None:
    stop = ("models", "suspend", "axk1", "--version", "1", "--reason", "It answers what it should not")
    assert "[governance.not-permitted]" in ask("lee", *stop).error
    assert "Suspended: model:axk1/1" in ask("acc", *stop).out
    lift = told(ask("acc", "models", "lift", "axk1", "--version", "1", "--reason", "It was mended", "--json"))
    for person in ("ann", "bae"):
        assert ask(person, "approvals", "approve", str(lift["id"]), "--digest", str(lift["digest"])).status == 0
    assert told(ask("acc", "approvals", "apply", str(lift["id"]), "--json"))["state"] == "carried-out"


@pytest.mark.parametrize("spelling", ["axk1/1", "axk1@1", "model:axk1/1", "model:axk1@1", "models:/axk1/1"])
def test_a_version_is_taken_in_every_spelling_by_every_command(ask: As, ready: ApiPlace, spelling: str) -> None:
    proposed = told(ask("lee", *PROMOTION[:3], spelling, *PROMOTION[4:], "--json"))
    assert proposed["binding"]["object"] == "model:axk1/1"  # type: ignore[index]
    assert "[model.not-approved]" in ask("kim", "approvals", "check", "promotion", spelling, "production").error
    assert told(ask("dc", *SHARE[:2], spelling, *SHARE[3:], "--json"))["object"] == "model:axk1/1"
    for words in (("labels", "show"), ("lineage",)):
        assert ask("kim", *words, spelling).status == 0
    assert "Suspended: model:axk1/1" in ask("acc", "models", "suspend", spelling, "--reason", "It leaks").out


@pytest.mark.parametrize(
    "which", [("law", "1"), ("dataset:law/1",), ("datasets:/law/1",), ("law/1",), ("law@1", "1")]
)
def test_data_is_permitted_under_every_spelling(ask: As, which: tuple[str, ...]) -> None:
    permit = told(ask("dc", "permits", "give-data", *which, *DATA[4:], "--json"))
    assert (permit["name"], permit["version"]) == ("law", 1)
    for wrong in (("law",), ("model:law/1",), ("law/1", "2"), ("law/x",)):
        assert "[run.unknown-dataset]" in ask("dc", "permits", "give-data", *wrong, *DATA[4:]).error


def test_what_is_no_digest_is_told_before_anybody_is_asked(ask: As, ready: ApiPlace) -> None:
    for choice in (("approve",), ("reject", "--reason", "x")):
        refused = ask("ann", "approvals", choice[0], "p-1", "--digest", "sha256-12", *choice[1:])
        assert refused.status == 2
        assert "[cli.no-digest]" in refused.error
        assert "approvals show p-1" in " ".join(refused.error.split())
        assert "[0-9a-f]" not in refused.error


def test_a_run_says_who_submitted_it(ask: As, ready: ApiPlace) -> None:
    run = ready.run_of("kim")
    assert "submitted by kim" in ask("kim", "show", run).out
    assert told(ask("kim", "show", run, "--json"))["run"]["submittedBy"] == "kim"  # type: ignore[index]


def test_lists_say_which_models_are_stopped_since_when_and_by_whom(ask: As, ready: ApiPlace) -> None:
    ready.register("axk1", 2)
    assert "No model was ever suspended" in ask("kim", "models", "suspensions").out
    assert ask("acc", "models", "suspend", "axk1/1", "--reason", "It leaks").status == 0
    found = json.loads(ask("kim", "models", "list", "--json").out)
    assert [(one["version"], one["suspendedBy"]) for one in found] == [(2, ""), (1, "acc")]
    assert [bool(one["suspendedAt"]) for one in found] == [False, True]
    newer, older = ask("kim", "models", "list").out.split("axk1/1")
    assert ("Suspended since" in newer, "Suspended since" in older) == (False, True)
    assert "by acc" in older
    (stop,) = json.loads(ask("kim", "models", "suspensions", "--json").out)
    assert (stop["name"], stop["version"], stop["suspendedBy"], stop["liftedAt"]) == ("axk1", 1, "acc", None)
    shown = ask("kim", "models", "suspensions").out
    assert all(word in shown for word in (stop["id"], "model:axk1/1", "acc", "It leaks"))
    assert json.loads(ask("army-ann", "models", "suspensions", "--json").out) == []


@pytest.mark.parametrize("which", [("axk1/1",), ("axk1@1",), ("model:axk1/1",), ("axk1/1", "--version", "1")])
def test_a_version_may_stand_behind_the_name(ask: As, ready: ApiPlace, which: tuple[str, ...]) -> None:
    assert "Suspended: model:axk1/1" in ask("acc", "models", "suspend", *which, "--reason", "It leaks").out


@pytest.mark.parametrize("which", [("axk1/x",), ("axk1@production",), ("axk1/1", "--version", "2"), ("axk1/",)])
def test_a_version_that_is_none_stops_nothing(ask: As, ready: ApiPlace, which: tuple[str, ...]) -> None:
    assert "[run.unknown-model]" in ask("acc", "models", "suspend", *which, "--reason", "It leaks").error


def test_for_another_ministry_there_is_nothing(ask: As, ready: ApiPlace) -> None:
    proposed = told(ask("lee", *PROMOTION, "--json"))
    for words in (("uses", "list"), ("approvals", "list"), ("models", "list")):
        assert json.loads(ask("army-ann", *words, "--json").out) == []
    assert told(ask("army-ann", "permits", "list", "--json")) == {"data": [], "access": []}
    name, nobody = str(proposed["id"]), "p-0000000000000000"
    for words in (("show",), ("approve", "--digest", str(proposed["digest"])), ("apply",)):
        there, nowhere = (ask("army-ann", "approvals", words[0], one, *words[1:]) for one in (name, nobody))
        assert (there.status, there.error.replace(name, nobody)) == (nowhere.status, nowhere.error)
        other, none = (
            ask("army-ann", "approvals", words[0], name, *words[1:], "--ministry", one)
            for one in ("mnd", "nowhere")
        )
        assert (other.status, other.error.replace("mnd", "nowhere")) == (none.status, none.error)


def test_who_acts_in_several_ministries_says_which_or_has_a_usual_one(ask: As, ready: ApiPlace) -> None:
    ready.add_role("acc", "army", Role.ACCREDITOR)
    asked = ask("acc", *USE)
    assert "[access.several-ministries]" in asked.error
    assert "--ministry" in asked.error
    assert told(ask("acc", *USE, "--ministry", "mnd", "--json"))["ministry"] == "mnd"
    assert json.loads(ask("acc", "--in=army", "uses", "list", "--json").out) == []
    assert len(json.loads(ask("acc", "--in=army", "uses", "list", "--ministry", "mnd", "--json").out)) == 2
    assert len(json.loads(ask("acc", "uses", "list", "--json").out)) == 2, "all of theirs"


def test_rules_are_those_that_the_server_runs(ask: As, shell: Shell) -> None:
    there = json.loads(ask("kim", "policy", "explain", "--json").out)
    assert there == json.loads(shell("--context", "local", "policy", "explain", "--json").out)
    assert "Looks at" in ask("kim", "policy", "explain", "data.permitted").out
    assert "[policy.unknown-rule]" in ask("kim", "policy", "explain", "data.permited").error


@pytest.mark.parametrize(
    "words",
    [
        USE,
        DATA,
        SHARE,
        PROMOTION,
        ["uses", "withdraw", "use-1", "--reason", "x"],
        ["permits", "revoke-data", "permit-1", "--reason", "x"],
        ["permits", "revoke-access", "access-1"],
        ["approvals", "show", "p-1"],
        ["approvals", "approve", "p-1", "--digest", "sha256-" + "0" * 64],
        ["approvals", "reject", "p-1", "--digest", "sha256-" + "0" * 64, "--reason", "x"],
        ["approvals", "withdraw", "p-1", "--reason", "x"],
        ["approvals", "apply", "p-1"],
        ["models", "suspend", "axk1", "--reason", "x"],
        ["models", "lift", "axk1", "--reason", "x"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_in_a_home_of_one_person_nothing_is_decided(shell: Shell, words: list[str], tmp_path: Path) -> None:
    refused = shell(*words)
    assert refused.status == 4, refused.error
    assert "[governance.one-person]" in refused.error
    assert shell("approvals", "list", "--json").out.strip() == "[]"
    assert shell("models", "suspensions", "--json").out.strip() == "[]"


@pytest.mark.parametrize(
    ("person", "words", "action", "ministry"),
    [
        ("acc", [*USE[:2], "targeting", *USE[3:]], "use.register", "mnd"),
        ("dc", [*DATA[:5], "교전", *DATA[6:]], "permit.give-data", "mnd"),
        ("dc", [*SHARE[:6], "strike", *SHARE[7:]], "permit.give-access", "mnd"),
        (
            "army-eng",
            [
                *("grants", "give", "nap-1", "--giver", "army", "--receiver", "mnd", "--programme", "nap"),
                *("--accelerator", "H100", "--gpu-hours", "1", "--begins", "2024-01-01", "--ends", "2024-02-01"),
                *("--use", "administration", "--use", "drone-strike"),
            ],
            "grant.give",
            "army",
        ),
    ],
)
def test_a_use_class_that_is_outside_reaches_the_server_and_its_log(
    ask: As, ready: ApiPlace, person: str, words: list[str], action: str, ministry: str
) -> None:
    said = ask(person, *words)
    assert (said.status, "policy.forbidden-use" in said.error) == (4, True), said.error
    assert "api.bad-request" not in said.error, "what the request lacks besides is nobody's to mend"
    entry = json.loads(ready.log(ministry)[-1][2])
    assert (entry["actor"], entry["action"], entry["outcome"]) == (person, action, "refused")


def test_a_use_class_that_is_outside_is_on_record_in_a_home(shell: Shell) -> None:
    said = shell(*USE[:2], "targeting", *USE[3:])
    assert (said.status, "policy.forbidden-use" in said.error) == (4, True), said.error
    (entry,) = json.loads(shell("audit", "list", "--json").out)["entries"]
    assert (entry["content"]["action"], entry["content"]["outcome"]) == ("use.register", "refused")


def test_a_use_class_that_is_mistyped_is_answered_with_the_list(ask: As, ready: ApiPlace) -> None:
    before = len(ready.log())
    said = ask("acc", *USE[:2], "gardening", *USE[3:])
    assert (said.status, "administration" in said.error) == (2, True)
    assert len(ready.log()) == before
