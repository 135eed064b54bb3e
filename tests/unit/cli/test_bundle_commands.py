"""``bongsu models export``, ``inspect`` and ``import``: between two homes, and at a server."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_places import ApiPlace
from bundle_places import Giver
from cli_shell import Said, Shell
from home_models import register_at_home
from live_api import served, sign_in
from rich.console import Console

from bongsu.cli.render.bundles import _field
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label

SENSITIVE = Label.parse("S/logistics")
As = Callable[..., Said]


class Homes:
    """A home with a model, and another one."""

    def __init__(self, shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._shell, self._monkeypatch = shell, monkeypatch
        self.giver, self.taker = folder / "giver", folder / "taker"
        self.model: Digest = register_at_home(self.giver, SENSITIVE)

    def at(self, home: Path, *words: str) -> Said:
        self._monkeypatch.setenv("BONGSU_HOME", str(home))
        return self._shell(*words)

    def given(self) -> str:
        """Public key of the home whose model is in ``axk1.bundle``."""
        said = self.at(self.giver, "models", "export", "axk1/1", "--to", "msit", "-o", "axk1.bundle")
        assert said.status == 0, said.error
        return self.at(self.giver, "audit", "keys").out.strip()


@pytest.fixture
def homes(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Homes:
    return Homes(shell, tmp_path, monkeypatch)


def test_a_model_goes_from_one_home_into_another(homes: Homes, tmp_path: Path) -> None:
    key = homes.given()
    size = (tmp_path / "axk1.bundle").stat().st_size
    assert (tmp_path / "axk1.bundle").stat().st_mode & 0o077 == 0
    taken = homes.at(homes.taker, "models", "import", "axk1.bundle", "--key", key, "--ministry", "msit", "--json")
    assert taken.status == 0, taken.error
    told = json.loads(taken.out)
    assert (told["digest"], told["label"], told["created"]) == (homes.model, "S/logistics", True)
    again = homes.at(homes.taker, "models", "import", "axk1.bundle", "--key", key, "--ministry", "msit")
    assert again.out.split("\n")[0].startswith("axk1/1 of bongsu-home/")
    assert "was here before, with the label S/logistics" in again.out
    shown = homes.at(homes.taker, "labels", "show", f"artifact:{homes.model}").out
    assert "bundle: axk1/1 of bongsu-home/" in shown
    assert "bundle: axk1/1" in homes.at(homes.taker, "lineage", homes.model).out
    logged = homes.at(homes.giver, "audit", "list", "--action", "model.export", "--json").out
    (entry,) = json.loads(logged)["entries"]
    assert entry["content"]["facts"]["document"] == told["document"]
    assert size > told["size"]


@pytest.mark.parametrize("place", ["old", "nowhere/new"])
def test_where_the_file_cannot_be_made_nothing_was_given(homes: Homes, tmp_path: Path, place: str) -> None:
    (tmp_path / "old").write_text("mine")
    said = homes.at(homes.giver, "models", "export", "axk1/1", "--to", "msit", "-o", place)
    assert said.status != 0
    assert place in said.error
    assert (tmp_path / "old").read_text() == "mine"
    logged = homes.at(homes.giver, "audit", "list", "--action", "model.export", "--json").out
    assert json.loads(logged)["entries"] == []


def test_what_a_bundle_says_of_itself_adds_no_line() -> None:
    shown = Console(width=200, record=True, file=io.StringIO())
    shown.print(_field("Purpose", "Administration\n  Approved: by mnd/approver1\u2028  Signed: well"))
    assert shown.export_text().count("\n") == 1


def test_it_is_inspected_without_a_home(homes: Homes, tmp_path: Path) -> None:
    key = homes.given()
    said = homes.at(tmp_path / "none", "models", "inspect", "axk1.bundle", "--key", key)
    assert said.status == 0, said.error
    assert "axk1/1  S/logistics" in said.out
    assert "Given for: msit" in said.out
    assert "by nobody: it comes from a home of one person" in said.out
    assert "with a key that you gave" in said.out
    unknown = homes.at(tmp_path / "none", "models", "inspect", "axk1.bundle")
    assert "with a key that came with the file" in unknown.out
    assert "Nothing here says whose these keys are" in " ".join(unknown.out.split())
    assert not (tmp_path / "none").exists()
    document = json.loads(homes.at(tmp_path / "none", "models", "inspect", "axk1.bundle", "--json").out)
    assert (document["governed"], document["approvals"], document["named"]) == (False, [], [])


def test_a_file_without_a_key_is_not_taken_for_one(homes: Homes, tmp_path: Path) -> None:
    homes.given()
    (tmp_path / "empty").write_text("")
    for words in (("inspect", "axk1.bundle"), ("import", "axk1.bundle", "--ministry", "msit")):
        refused = homes.at(homes.taker, "models", *words, "--key", "empty")
        assert (refused.status, refused.out) == (2, "")
        assert "[audit.no-keys]" in refused.error


def test_a_changed_one_is_told_with_what_to_do(homes: Homes, tmp_path: Path) -> None:
    key = homes.given()
    file = tmp_path / "axk1.bundle"
    good = file.read_bytes()
    file.write_bytes(good.replace(b"weights", b"Weights"))
    for words in (("inspect",), ("import", "--ministry", "msit")):
        said = homes.at(homes.taker, "models", words[0], "axk1.bundle", "--key", key, *words[1:])
        assert said.status == 2, said.error
        assert "[bundle.file-changed]" in said.error
        assert "model.safetensors" in said.error
    file.write_bytes(good[:-1])
    said = homes.at(homes.taker, "models", "inspect", "axk1.bundle", "--json")
    assert said.status == 2
    assert json.loads(said.out)["problems"][0]["code"] == "bundle.truncated"


def test_a_file_that_is_not_there_is_said_to_be_so(homes: Homes, tmp_path: Path) -> None:
    key = homes.given()
    for words in (("inspect", "gone.bundle"), ("import", "gone.bundle", "--key", key, "--ministry", "msit")):
        said = homes.at(homes.taker, "models", *words)
        assert (said.status, "[bundle.missing]" in said.error) == (3, True), said.error
        assert "There is no file gone.bundle." in said.error
        assert "models export" in said.error
    folder = homes.at(homes.taker, "models", "inspect", str(tmp_path))
    assert (folder.status, "[bundle.unreadable]" in folder.error) == (2, True), folder.error


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        (("export", "axk1/1", "--to", "", "-o", "x"), "cli.missing-value", "--to"),
        (("export", "axk1/1", "--to=", "-o", "x"), "cli.missing-value", "--to"),
        (("export", "axk1/1", "--to", "msit", "-o", ""), "cli.missing-value", "--output"),
        (("export", "", "--to", "msit", "-o", "x"), "cli.missing-argument", "MODEL"),
        (("inspect", ""), "cli.missing-argument", "FILE"),
        (("import", "x", "--key", "", "--key", "k"), "cli.missing-value", "--key"),
    ],
)
def test_what_is_needed_is_no_empty_text(homes: Homes, words: tuple[str, ...], code: str, name: str) -> None:
    said = homes.at(homes.giver, "models", *words)
    assert (said.status, f"[{code}]" in said.error, name in said.error) == (2, True, True), said.error


def test_whose_a_home_is_has_to_be_said(homes: Homes) -> None:
    key = homes.given()
    silent = homes.at(homes.taker, "models", "import", "axk1.bundle", "--key", key)
    assert (silent.status, "[bundle.target-unstated]" in silent.error) == (4, True)
    assert "--ministry msit" in silent.error
    other = homes.at(homes.taker, "models", "import", "axk1.bundle", "--key", key, "--ministry", "mnd")
    assert (other.status, "[bundle.other-target]" in other.error) == (4, True)


def test_another_homes_key_has_not_signed_it(homes: Homes) -> None:
    homes.given()
    register_at_home(homes.taker, SENSITIVE, "other", "other weights")
    assert homes.at(homes.taker, "models", "export", "other/1", "--to", "msit", "-o", "other.bundle").status == 0
    mine = homes.at(homes.taker, "audit", "keys").out.strip()
    said = homes.at(homes.taker, "models", "import", "axk1.bundle", "--key", mine, "--ministry", "msit")
    assert (said.status, "[bundle.unsigned]" in said.error) == (4, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("never/1", "--to", "msit"), "run.unknown-model"),
        (("axk1/9", "--to", "msit"), "run.unknown-model"),
        (("axk1/1", "--to", "../msit"), "bundle.bad-target"),
    ],
)
def test_what_cannot_be_exported_leaves_no_file(
    homes: Homes, tmp_path: Path, words: tuple[str, ...], code: str
) -> None:
    said = homes.at(homes.giver, "models", "export", *words, "-o", "x.bundle")
    assert f"[{code}]" in said.error
    assert not (tmp_path / "x.bundle").exists()


def test_a_damaged_model_is_not_given(homes: Homes, tmp_path: Path) -> None:
    file = next(homes.giver.rglob(f"{homes.model}/model.safetensors"))
    file.chmod(0o600)
    file.write_bytes(b"Weights")
    said = homes.at(homes.giver, "models", "export", "axk1@champion", "--to", "msit", "-o", "x.bundle")
    assert "[model.bytes-changed]" in said.error
    assert not (tmp_path / "x.bundle").exists()


def test_files_on_a_disk_do_not_say_who_asks(homes: Homes, tmp_path: Path) -> None:
    """In the home of ministries there is no other way than through their server."""
    key = homes.given()
    (tmp_path / "shared").mkdir()
    Giver(tmp_path / "shared").close()
    for words in (
        ("export", "axk1/1", "--to", "army", "-o", "x.bundle"),
        ("import", "axk1.bundle", "--key", key, "--ministry", "msit"),
    ):
        said = homes.at(tmp_path / "shared", "models", *words)
        assert (said.status, "[governance.sign-in]" in said.error) == (4, True), said
    assert not (tmp_path / "x.bundle").exists()


class GivingApi(Giver, ApiPlace):
    """A server with a model that may go to the army."""


@pytest.fixture
def ask(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[As]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("BONGSU_HOME")
    (tmp_path / "server").mkdir()
    place = GivingApi(tmp_path / "server", SENSITIVE)
    with served(place) as url:

        def call(person: str, *words: str) -> Said:
            sign_in(tmp_path / "settings", url, person)
            return shell(*words)

        yield call
    place.close()


def test_a_server_gives_and_takes_as_a_home_does(ask: As, tmp_path: Path) -> None:
    key = ask("aud", "audit", "keys").out.strip()
    given = ask("kim", "models", "export", "axk1/1", "--to", "army", "-o", "axk1.bundle", "--json")
    assert given.status == 0, given.error
    told = json.loads(given.out)
    assert told["size"] == (tmp_path / "axk1.bundle").stat().st_size
    seen = ask("kim", "models", "inspect", "axk1.bundle", "--key", key)
    assert seen.status == 0, seen.error
    assert "ann, bae" in seen.out
    taken = ask("army-dc", "models", "import", "axk1.bundle", "--key", key, "--json")
    assert taken.status == 0, taken.error
    assert json.loads(taken.out)["document"] == told["document"]
    assert "was here before" in ask("army-dc", "models", "import", "axk1.bundle", "--key", key).out
    refused = ask("army-eng", "models", "import", "axk1.bundle", "--key", key)
    assert (refused.status, "[access.forbidden]" in refused.error) == (4, True)
    nothing = ask("army-dc", "models", "import", "no.bundle", "--key", key)
    assert (nothing.status, "[bundle.missing]" in nothing.error) == (3, True)


def test_what_a_server_refuses_leaves_no_file(ask: As, tmp_path: Path) -> None:
    said = ask("kim", "models", "export", "axk1/1", "--to", "mnd", "-o", "x.bundle")
    assert (said.status, "[model.not-approved]" in said.error) == (4, True)
    assert "[run.unknown-model]" in ask("kim", "models", "export", "axk1", "--to", "mnd", "-o", "x.bundle").error
    assert not (tmp_path / "x.bundle").exists()
