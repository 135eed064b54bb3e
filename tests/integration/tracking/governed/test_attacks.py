"""Who may see a thing finds it; for everybody else there is none, by whatever way they ask."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from governed_attacks import Request, going_around, reading, writing
from governed_ids import OWNERS, Ids, World, nobodys
from governed_server import serving
from governed_world import BY_WORD, PEOPLE, words_of
from httpx import Response

ATTACKERS = (None, "nonsense", "mnd-open", "mnd-secret", "mnd-logistics", "mnd-classified", "dapa-all", "mnd-all")
HIDDEN = [
    (attacker, word)
    for attacker in ATTACKERS
    for word in BY_WORD
    if word not in words_of(attacker) and (attacker not in (None, "nonsense") or word in ("plainword", "deepword"))
]


def _leaked(answer: Response, token: str | None) -> set[str]:
    """Words that the asker may not read, in what they were answered."""
    said = answer.text + str(dict(answer.headers))
    return {word for word in BY_WORD if word in said} - words_of(token)


def _what_is_wrong(answer: Response, token: str | None) -> str:
    if leaked := _leaked(answer, token):
        return f"shows {sorted(leaked)}"
    if answer.status_code >= 500:
        return f"fails: {answer.text[:200]}"
    if token not in PEOPLE and answer.status_code != 401:
        return f"answers {answer.status_code} to nobody"
    return ""


def _try(world: World, requests: list[Request], token: str | None) -> dict[str, str]:
    found = {request.name: _what_is_wrong(request.send(world.server, token), token) for request in requests}
    return {name: wrong for name, wrong in found.items() if wrong}


@pytest.mark.parametrize("word", BY_WORD)
def test_who_may_see_a_thing_finds_it_by_every_way(world: World, word: str) -> None:
    owner = OWNERS[BY_WORD[word].ministry]
    missed = {}
    for request in reading(world.ids[word]):
        answer = request.send(world.server, owner)
        if request.shows and (word not in answer.text or answer.status_code >= 400):
            missed[request.name] = f"{answer.status_code} {answer.text[:300]}"
    assert missed == {}


@pytest.mark.parametrize(("attacker", "word"), HIDDEN)
def test_nobody_else_is_shown_anything_of_it(world: World, attacker: str | None, word: str) -> None:
    assert _try(world, list(reading(world.ids[word])), attacker) == {}


@pytest.mark.parametrize("attacker", [token for token in ATTACKERS if token in PEOPLE])
def test_asking_for_another_workspace_shows_nothing_of_it(world: World, attacker: str) -> None:
    viewer = PEOPLE[attacker]
    (foreign,) = {"mnd", "dapa"} - viewer.ministries
    word = "plainword" if foreign == "mnd" else "dapaopen"
    wrong = {}
    for request in reading(world.ids[word]):
        answer = request.send(world.server, attacker, foreign)
        if answer.status_code != 404 or _leaked(answer, attacker):
            wrong[request.name] = answer.status_code
    assert wrong == {}


@pytest.mark.parametrize(("attacker", "word"), [("mnd-open", "deepword"), ("dapa-all", "mixedhigh")])
def test_what_is_hidden_answers_as_what_never_was(world: World, attacker: str, word: str) -> None:
    hidden = world.ids[word]
    none = nobodys(hidden)
    different = {}
    for asked, never in zip(reading(hidden), reading(none), strict=True):
        one, other = asked.send(world.server, attacker), never.send(world.server, attacker)
        # Names that the asker knows are no secret: others of their things have them too.
        is_known = hidden.model == "axk1-light" and any(
            w in asked.name for w in ("version", "latest", "alias", "model")
        )
        if is_known:
            assert _leaked(one, attacker) == set()
        elif one.status_code != other.status_code or (
            one.text != other.text and _without_names(one.text, hidden) != _without_names(other.text, none)
        ):
            different[asked.name] = (one.status_code, one.text[:200], other.status_code, other.text[:200])
    assert different == {}


def _without_names(text: str, ids: Ids) -> str:
    """An answer, without the names that were asked for."""
    asked = (ids.place, ids.run, ids.logged_model, ids.model, ids.trace, ids.pipeline, ids.experiment)
    return re.sub("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in asked), "NAME", text)


@pytest.mark.parametrize("attacker", ["mnd-open", "mnd-all", "dapa-all", None])
@pytest.mark.parametrize("word", ["ownword", "plainword"])
def test_paths_that_go_around_and_closed_routes_lead_nowhere(world: World, attacker: str | None, word: str) -> None:
    wrong = {}
    for request in going_around(world.ids[word]):
        answer = request.send(world.server, attacker)
        # A path with control characters is nowhere, whoever asks.
        refused = (401, 404) if attacker is None else (400, 403, 404, 405)
        if answer.status_code not in refused or word in answer.text:
            wrong[request.name] = f"{answer.status_code} {answer.text[:200]}"
    assert wrong == {}


@pytest.mark.parametrize(
    ("attacker", "word"),
    [
        (None, "plainword"),
        ("dapa-all", "plainword"),
        ("dapa-all", "ownword"),
        ("mnd-open", "deepword"),
        ("mnd-open", "ownword"),
        ("mnd-secret", "ownword"),
        ("mnd-logistics", "ownword"),
        ("mnd-reader", "ownword"),
        ("mnd-reader", "plainword"),
    ],
)
def test_nobody_changes_what_is_not_there_for_them(world: World, attacker: str | None, word: str) -> None:
    owner = OWNERS[BY_WORD[word].ministry]
    before = [request.send(world.server, owner).text for request in reading(world.ids[word])]
    wrong = {}
    for request in writing(world.ids[word]):
        answer = request.send(world.server, attacker)
        if answer.status_code not in (400, 401, 403, 404) or _leaked(answer, attacker):
            wrong[request.name] = f"{answer.status_code} {answer.text[:200]}"
    assert wrong == {}
    assert [request.send(world.server, owner).text for request in reading(world.ids[word])] == before


def test_what_the_control_plane_recorded_is_sealed(world: World) -> None:
    # There is room beside it; and to restore what was never deleted changes nothing.
    around = {"run in experiment", "model in experiment", "tag of experiment", "restoring"}
    wrong = {}
    for request in writing(world.ids["plainword"]):
        if request.name not in around:
            answer = request.send(world.server, "mnd-all")
            if answer.status_code not in (400, 403, 404):
                wrong[request.name] = f"{answer.status_code} {answer.text[:200]}"
    assert wrong == {}


def test_pages_are_counted_over_what_exists_for_the_asker(world: World) -> None:
    mixed = world.ids["mixedlow"].experiment
    asked = {"experiment_ids": [mixed], "max_results": 1, "order_by": ["attributes.start_time DESC"]}
    for token, words, count in (("mnd-open", {"mixedlow"}, 2), ("mnd-all", {"mixedlow", "mixedhigh"}, 4)):
        runs, page, told = [], None, ""
        while True:
            answer = world.server.ask(
                "POST", "/api/2.0/mlflow/runs/search", token, json=asked | ({"page_token": page} if page else {})
            )
            told += answer.text
            runs += answer.json().get("runs", [])
            page = answer.json().get("next_page_token")
            if not page:
                break
        assert len(runs) == count
        assert {word for word in BY_WORD if word in told} == words


def test_a_page_token_of_somebody_else_shows_nothing(world: World) -> None:
    asked = {"experiment_ids": [world.ids["mixedlow"].experiment], "max_results": 1}
    path = "/api/2.0/mlflow/runs/search"
    token = world.server.ask("POST", path, "mnd-all", json=asked).json()["next_page_token"]
    for attacker in ("mnd-open", "dapa-all"):
        answer = world.server.ask("POST", path, attacker, json=asked | {"page_token": token})
        assert _leaked(answer, attacker) == set()


def test_with_the_filter_switched_off_the_same_attacks_succeed(world: World) -> None:
    with serving(world.server.home, world.database, unfiltered=True) as server:
        open_world = World(server, world.database, world.ids)
        shown = {
            (attacker, name)
            for attacker, word in (("mnd-open", "deepword"), ("dapa-all", "plainword"))
            for name, wrong in _try(open_world, list(reading(world.ids[word])), attacker).items()
            if wrong.startswith("shows")
        }
    assert len(shown) >= 15, shown


def test_errors_tell_nothing_of_the_database(world: World) -> None:
    words = ("sqlalchemy", "sqlite3", "psycopg", "SELECT", "bongsu_marks", str(Path.cwd()))
    for body in ({"experiment_ids": ["x"]}, {"experiment_ids": ["1"], "filter": "(("}, {"max_results": -1}):
        answer = world.server.ask("POST", "/api/2.0/mlflow/runs/search", "mnd-open", json=body)
        assert answer.status_code < 500
        assert not any(word in answer.text for word in words), answer.text
