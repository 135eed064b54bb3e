"""Where inputs come from, which label they carry, and what a person is told who mistyped one.

Long, because labels and errors are looked at over every kind of address with the same few helpers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from service_places import Place
from small_plans import ref_of
from store_places import NOW

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.labels import Grade, Label
from bongsu.domain.pipeline import Input, PipelineSpec
from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.planner.facts import ResolvedInput
from bongsu.service.datasets import list_datasets, register_dataset
from bongsu.service.inputs import importing
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import resolve_input, resolve_inputs
from bongsu.store.artifacts import note_artifact
from bongsu.store.models import add_version
from bongsu.store.records import ModelVersionRecord

SENSITIVE = Label(grade=Grade.SENSITIVE)


def write(folder: Path, **files: str) -> Path:
    """Files by name; ``card__yaml`` for ``card.yaml``, ``a___b__txt`` for ``a/b.txt``."""
    for name, text in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def take(place: Place, folder: Path, **given: Any) -> ResolvedInput:
    return resolve_input(place.platform, "it", Input(**given), Files(folder))


def refused(place: Place, folder: Path, **given: Any) -> Problem:
    with pytest.raises(BongsuError) as caught:
        take(place, folder, **given)
    (problem,) = caught.value.problems
    return problem


# -- file: ---------------------------------------------------------------------------------------------------------


def test_a_directory_is_taken_with_its_files_and_without_hidden_ones(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", a__txt="가", sub___b__txt="나", __hidden="x")
    (tmp_path / "law" / "__pycache__").mkdir()
    (tmp_path / "law" / "__pycache__" / "c.pyc").write_bytes(b"x")
    ref = take(place, tmp_path, dataset="file:law").ref
    files = place.platform.artifacts.reader(ref.digest).manifest.files
    assert [entry.path for entry in files] == ["a.txt", "sub/b.txt"]
    assert (ref.type, ref.size) == (ArtifactType.FILES, 6)


def test_one_file_is_a_tree_of_one_file(place: Place, tmp_path: Path) -> None:
    write(tmp_path, law__txt="text")
    ref = take(place, tmp_path, dataset="file:law.txt").ref
    assert [entry.path for entry in place.platform.artifacts.reader(ref.digest).manifest.files] == ["law.txt"]


def test_the_same_files_at_another_place_are_the_same_artifact(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "one", a__txt="x")
    write(tmp_path / "two", a__txt="x")
    one, two = (take(place, tmp_path, dataset=f"file:{name}").ref for name in ("one", "two"))
    assert one == two


def test_a_file_that_changed_is_read_again(place: Place, tmp_path: Path) -> None:
    folder = write(tmp_path / "law", a__txt="old")
    before = take(place, tmp_path, dataset="file:law").ref
    assert take(place, tmp_path, dataset="file:law").ref == before
    write(folder, a__txt="new")
    os.utime(folder / "a.txt", ns=(1, 1))
    assert take(place, tmp_path, dataset="file:law").ref.digest != before.digest


def test_a_file_that_changed_and_says_that_it_did_not_is_read_again(place: Place, tmp_path: Path) -> None:
    folder = write(tmp_path / "law", a__txt="text")
    before = take(place, tmp_path, dataset="file:law").ref
    stat = (folder / "a.txt").stat()
    (folder / "a.txt").write_text("TEXT")
    os.utime(folder / "a.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert take(place, tmp_path, dataset="file:law").ref.digest != before.digest


def test_what_was_not_touched_is_not_copied_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "law", a__txt="text")
    before = take(place, tmp_path, dataset="file:law").ref

    def copied(*_given: object) -> None:
        raise AssertionError("it was to be copied again")

    monkeypatch.setattr(LocalStore, "writer", copied)
    assert take(place, tmp_path, dataset="file:law").ref == before


def test_an_imported_tree_that_is_gone_is_imported_again(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", a__txt="text")
    ref = take(place, tmp_path, dataset="file:law").ref
    (manifest,) = place.folder.rglob(f"manifests/{ref.digest}.json")
    manifest.unlink()
    take(place, tmp_path, dataset="file:law")
    assert place.platform.artifacts.has(ref.digest)


def test_a_mistyped_path_is_told_with_the_one_that_is_there(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "corpus", a__txt="x")
    problem = refused(place, tmp_path, dataset="file:corpsu")
    assert problem.code.name == "run.input-missing"
    assert f"Did you mean file:{tmp_path / 'corpus'}?" in problem.fix()


def test_an_empty_directory_and_links_that_lead_away_are_refused(place: Place, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "has no files" in refused(place, tmp_path, dataset="file:empty").what()
    write(tmp_path / "law", a__txt="x")
    (tmp_path / "law" / "more").symlink_to(tmp_path / "empty")
    assert "link to a directory" in refused(place, tmp_path, dataset="file:law").what()
    (tmp_path / "law" / "more").unlink()
    (tmp_path / "law" / "gone").symlink_to(tmp_path / "nowhere")
    assert "broken link" in refused(place, tmp_path, dataset="file:law").what()


def test_a_link_to_a_file_is_taken_as_the_file(place: Place, tmp_path: Path) -> None:
    write(tmp_path, target__txt="text")
    (tmp_path / "law").mkdir()
    (tmp_path / "law" / "a.txt").symlink_to(tmp_path / "target.txt")
    ref = take(place, tmp_path, dataset="file:law").ref
    with place.platform.artifacts.reader(ref.digest).open("a.txt") as file:
        assert file.read() == b"text"


# -- package:, artifact:, datasets: and the rest -------------------------------------------------------------------


def test_files_of_an_installed_package_are_taken(place: Place, tmp_path: Path) -> None:
    ref = take(place, tmp_path, dataset="package:pytest/_pytest/mark").ref
    names = [entry.path for entry in place.platform.artifacts.reader(ref.digest).manifest.files]
    assert "structures.py" in names
    assert not any(name.endswith(".pyc") for name in names)


@pytest.mark.parametrize(
    ("uri", "words", "suggestion"),
    [
        ("package:pytset/_pytest", "is not installed", "package:pytest/..."),
        ("package:pytest/_pytset", "has no files at _pytset", "package:pytest/_pytest"),
    ],
)
def test_a_mistyped_package_is_told_with_the_one_that_is_there(
    place: Place, tmp_path: Path, uri: str, words: str, suggestion: str
) -> None:
    problem = refused(place, tmp_path, dataset=uri)
    assert words in problem.what()
    assert f"Did you mean {suggestion}?" in problem.fix()


@pytest.mark.parametrize(
    "uri", ["law", "http://example.invalid/x", "package:pytest", "file:", "artifact:abc", "s3:x"]
)
def test_an_address_of_no_known_form_is_told(place: Place, tmp_path: Path, uri: str) -> None:
    assert refused(place, tmp_path, dataset=uri).code.name == "run.input-scheme"


def test_an_artifact_is_taken_by_its_digest(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", a__txt="x")
    version = register_dataset(place.platform, "law", "file:law", tmp_path)
    ref = take(place, tmp_path, dataset="file:law").ref
    assert take(place, tmp_path, dataset=f"artifact:{version.digest}").ref == ref
    assert "not in the artifact store" in refused(place, tmp_path, dataset=f"artifact:{ref_of('no').digest}").what()


def test_a_registered_data_set_is_taken_by_name_and_version(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", a__txt="x")
    assert register_dataset(place.platform, "law", "file:law", tmp_path, Grade.SENSITIVE).version == 1
    assert register_dataset(place.platform, "law", "file:law", tmp_path, Grade.SENSITIVE).version == 1
    assert take(place, tmp_path, dataset="datasets:/law/1").ref.label == SENSITIVE
    assert [(one.name, one.version, one.label) for one in list_datasets(place.platform)] == [("law", 1, "S")]
    assert "datasets:/law/1" in refused(place, tmp_path, dataset="datasets:/law/7").fix()
    assert "datasets:/law/..." in refused(place, tmp_path, dataset="datasets:/lwa/1").fix()


# -- models --------------------------------------------------------------------------------------------------------


def model_folder(folder: Path) -> Path:
    return write(folder, config__json=json.dumps({"model_type": "probe"}), model__safetensors="weights")


def test_a_model_is_taken_with_its_configuration(place: Place, tmp_path: Path) -> None:
    model_folder(tmp_path / "nano")
    found = take(place, tmp_path, model="file:nano")
    assert found.ref.type is ArtifactType.MODEL
    assert found.config == {"model_type": "probe"}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (None, "it has no config.json"),
        ("[]", "it is no object"),
        ("{", "cannot be read"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
    ],
    ids=["none", "list", "half", "deep list", "deep object"],
)
def test_what_is_no_model_is_told(place: Place, tmp_path: Path, config: str | None, words: str) -> None:
    write(tmp_path / "nano", **{"model__safetensors": "w"} | ({"config__json": config} if config else {}))
    problem = refused(place, tmp_path, model="file:nano")
    assert problem.code.name == "run.input-not-a-model"
    assert words in problem.what()


def registered(place: Place, ref: ArtifactRef, version: int = 1) -> None:
    with place.platform.database.write() as connection:
        add_version(
            connection,
            ModelVersionRecord(
                name="axk1-nano",
                version=version,
                digest=ref.digest,
                label="S",
                use_class="administration",
                ministry="mnd",
                run_id=RunId("r-1"),
                stage_id=StageId("register"),
                title="nano",
                metrics={},
                link="",
                created_at=NOW,
                aliases=("champion",),
            ),
        )


@pytest.mark.parametrize("uri", ["models:/axk1-nano/1", "models:/axk1-nano@champion"])
def test_a_registered_model_is_taken_with_the_label_of_its_version(place: Place, tmp_path: Path, uri: str) -> None:
    model_folder(tmp_path / "nano")
    ref = take(place, tmp_path, model="file:nano").ref
    registered(place, ref)
    found = take(place, tmp_path, model=uri).ref
    assert (found.digest, found.label) == (ref.digest, SENSITIVE)


def test_a_mistyped_model_is_told_with_the_one_that_is_there(place: Place, tmp_path: Path) -> None:
    registered(place, ref_of("model"))
    assert "models:/axk1-nano" in refused(place, tmp_path, model="models:/axk1-nona/1").fix()
    assert "no longer in the artifact store" in refused(place, tmp_path, model="models:/axk1-nano/1").what()


# -- labels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("card__yaml", "title: law\nlabel: S\n"),
        ("card__yaml", "\ufefflabel: S\n"),
        ("README__md", "---\nlabel: {grade: S}\n---\n# Law\n"),
        ("README__md", "\ufeff---\r\nlabel: {grade: S}\r\n---\r\n# Law\r\n"),
        ("README__md", "\n---\nlabel: S\n...\n# Law\n"),
    ],
)
def test_the_label_is_read_from_the_card(place: Place, tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path / "law", **{name: text, "a__txt": "x"})
    assert take(place, tmp_path, dataset="file:law").ref.label == SENSITIVE


def test_a_readme_without_front_matter_says_nothing(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", README__md="# Law\nlabel: S\n", a__txt="x")
    assert take(place, tmp_path, dataset="file:law").ref.label == Label()


def test_a_pipeline_raises_the_label_of_an_input_and_never_lowers_it(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", card__yaml="label: S", a__txt="x")
    raised = take(place, tmp_path, dataset="file:law", label=Label(grade=Grade.CLASSIFIED))
    lowered = take(place, tmp_path, dataset="file:law", label=Label())
    assert (raised.ref.label.grade, lowered.ref.label.grade) == (Grade.CLASSIFIED, Grade.SENSITIVE)


def test_what_a_card_said_holds_for_the_bytes_by_any_address(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", card__yaml="label: S", a__txt="x")
    ref = take(place, tmp_path, dataset="file:law").ref
    by_digest = take(place, tmp_path, dataset=f"artifact:{ref.digest}", label=Label())
    assert by_digest.ref.label.grade is Grade.SENSITIVE, "although nothing has run with it yet"


def test_bytes_of_the_store_that_nobody_here_knows_are_taken_only_with_a_label(
    place: Place, tmp_path: Path
) -> None:
    write(tmp_path / "law", a__txt="x")
    ref = take(place, tmp_path, dataset="file:law", label=SENSITIVE).ref
    (tree,) = (tmp_path / "artifacts").rglob(f"trees/*/{ref.digest}")
    for address in (f"artifact:{ref.digest}", f"file:{tree}", f"file:{tree}/a.txt"):
        assert refused(place, tmp_path, dataset=address).code.name == "run.label-unknown"
        with pytest.raises(BongsuError):
            register_dataset(place.platform, "law", address, tmp_path)
        stated = Label(grade=Grade.CLASSIFIED)
        assert take(place, tmp_path, dataset=address, label=stated).ref.label == stated


def test_bytes_that_are_known_to_be_sensitive_stay_so_under_another_name(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", a__txt="secret plan")
    ref = take(place, tmp_path, dataset="file:law").ref
    with place.platform.database.write() as connection:
        known = ref.model_copy(update={"label": SENSITIVE})
        note_artifact(connection, known, "it", NOW)
    write(tmp_path / "copy", a__txt="secret plan")
    assert take(place, tmp_path, dataset="file:copy").ref.label == SENSITIVE


@pytest.mark.parametrize("how", ["file", "folder", "symlink", "hardlink", "linked folder"])
def test_one_file_of_the_store_has_the_label_of_its_artifact(place: Place, tmp_path: Path, how: str) -> None:
    write(tmp_path / "law", card__yaml="label: S", a__txt="secret plan", sub___b__txt="b")
    ref = take(place, tmp_path, dataset="file:law").ref
    store = place.platform.artifacts
    assert isinstance(store, LocalStore)
    (tree,) = store.root.rglob(f"trees/*/{ref.digest}")
    links = tmp_path / "links"
    links.mkdir()
    (tmp_path / "tree").symlink_to(tree)
    if how == "symlink":
        (links / "part.txt").symlink_to(tree / "a.txt")
    if how == "hardlink":
        (links / "part.txt").hardlink_to(tree / "a.txt")
    named = {"file": tree / "a.txt", "folder": tree / "sub", "linked folder": tmp_path / "tree" / "sub"}
    found = take(place, tmp_path, dataset=f"file:{named.get(how, links)}").ref
    assert (found.digest != ref.digest, found.label) == (True, SENSITIVE)


def test_a_file_with_several_names_outside_the_store_stays_open(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", card__yaml="label: S", a__txt="secret plan")
    take(place, tmp_path, dataset="file:law")
    write(tmp_path / "open", b__txt="b")
    (tmp_path / "open" / "c.txt").hardlink_to(tmp_path / "open" / "b.txt")
    assert take(place, tmp_path, dataset="file:open").ref.label == Label()


@pytest.mark.parametrize(
    "text",
    [
        "label: X",
        "label: {grade: S, colour: red}",
        "label: [",
        "label: 3",
        "label: S\nlabel: O",
        "label: {grade: S, grade: O}",
        "label:",
        "Label: S",
        "- label: S",
        "labels: S",
        "classification: S",
        "l\u0430bel: S",
        "la\u200bbel: S",
        "label: O\nl\u0430bel: S",
        "day: 2026-02-31\nlabel: S",
        "[" * 100_000,
        "title: " + "x" * 1_000_000 + "\nlabel: S",
    ],
    ids=lambda text: text[:20],
)
def test_a_card_that_cannot_be_read_is_not_taken_for_open(place: Place, tmp_path: Path, text: str) -> None:
    write(tmp_path / "law", card__yaml=text, a__txt="x")
    problem = refused(place, tmp_path, dataset="file:law")
    assert problem.code.name == "run.input-missing"
    assert "label" in problem.what()


@pytest.mark.parametrize("kind", ["link", "loop", "fifo"])
@pytest.mark.parametrize("name", ["card.yaml", "README.md"])
def test_a_card_above_that_is_no_file_is_not_passed_over(
    place: Place, tmp_path: Path, kind: str, name: str
) -> None:
    write(tmp_path / "law" / "sub", a__txt="x")
    card = tmp_path / "law" / name
    if kind == "fifo":
        os.mkfifo(card)
    else:
        card.symlink_to(card if kind == "loop" else tmp_path / "nowhere")
    said = refused(place, tmp_path, dataset="file:law/sub").what()
    assert ("a special file" if kind == "fifo" else "a broken link") in said


def test_what_the_kernel_tells_of_processes_is_no_data(place: Place, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc/self/environ")
    for uri in ("file:/proc/self/environ", "file:link"):
        problem = refused(place, tmp_path, dataset=uri)
        assert problem.code.name == "run.input-missing"
        assert "no file of a disk" in problem.what()


def test_an_unsafe_name_is_told_with_the_input_that_has_it(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", a__txt="x")
    (tmp_path / "law" / "가\n나.txt").write_text("x")
    problem = refused(place, tmp_path, dataset="file:law")
    assert problem.code.name == "artifact.unsafe-path"
    assert problem.field_path.startswith("spec.inputs.")
    assert "'가\\n나.txt'" in problem.what()


@pytest.mark.parametrize("first", ["--- # of the ministry", "--- !!map", "---\u00a0x", "+++"])
def test_front_matter_that_begins_otherwise_is_not_taken_for_open(place: Place, tmp_path: Path, first: str) -> None:
    write(tmp_path / "law", README__md=f"{first}\nlabel: S\n---\n# Law\n", a__txt="x")
    assert "cannot be read" in refused(place, tmp_path, dataset="file:law").what()


@pytest.mark.parametrize("text", ["-----\n# Law\n", "---\nlabel: O\nlabels: [spam]\n---\n", "---\n제목: 법\n---\n"])
def test_what_only_resembles_a_label_is_no_error(place: Place, tmp_path: Path, text: str) -> None:
    write(tmp_path / "law", README__md=text, a__txt="x")
    assert take(place, tmp_path, dataset="file:law").ref.label == Label()


def test_front_matter_without_an_end_is_not_taken_for_open(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", README__md="---\nlabel: S\n# Law\n", a__txt="x")
    assert "has no end" in refused(place, tmp_path, dataset="file:law").what()


@pytest.mark.parametrize("name", ["card.yml", "CARD.yaml", "Card.YAML", ".card.yaml"])
@pytest.mark.parametrize("uri", ["file:law", "file:law/a.txt"])
def test_a_card_under_another_name_is_not_passed_over(place: Place, tmp_path: Path, name: str, uri: str) -> None:
    write(tmp_path / "law", a__txt="x")
    (tmp_path / "law" / name).write_text("label: S")
    assert "rename it" in refused(place, tmp_path, dataset=uri).what()


@pytest.mark.parametrize("name", ["readme.md", "README.MD", "Readme.md"])
def test_a_label_in_a_readme_under_another_name_is_not_passed_over(place: Place, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "law"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("x")
    (folder / name).write_text("---\nlabel: S\n---\n# Law\n")
    for uri in ("file:law", "file:law/sub"):
        assert "would count if its name were README.md" in refused(place, tmp_path, dataset=uri).what()
    (folder / name).write_text("# Law\n")
    assert take(place, tmp_path, dataset="file:law").ref.label == Label()


@pytest.mark.parametrize("name", ["a/b", "A", "", "x" * 41])
def test_a_card_says_how_a_compartment_is_written(place: Place, tmp_path: Path, name: str) -> None:
    write(tmp_path / "law", card__yaml=f"label: {{grade: S, compartments: [logistics, '{name}']}}", a__txt="x")
    problem = refused(place, tmp_path, dataset="file:law")
    assert "a compartment is written in lower-case letters a to z, digits and Hangul" in problem.what()
    assert f"(it says {name!r})" in problem.what()


def test_a_grade_that_is_none_is_told_in_words(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", card__yaml="label: Z", a__txt="x")
    said = refused(place, tmp_path, dataset="file:law").what()
    assert "'Z'" in said
    assert "http" not in said


def test_a_card_that_is_a_directory_is_not_passed_over(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", card__yaml___b__txt="x")
    assert "it is a directory" in refused(place, tmp_path, dataset="file:law").what()


@pytest.mark.parametrize(
    "uri", ["law/a.jsonl", "law/sub", "law/sub/b.jsonl", "other/../law/sub", "link.jsonl", "links", "top"]
)
def test_what_lies_below_a_card_has_its_label_however_it_is_named(place: Place, tmp_path: Path, uri: str) -> None:
    write(tmp_path / "law", card__yaml="label: S", a__jsonl="{}", sub___b__jsonl="{}")
    write(tmp_path / "other", README__md="---\ntitle: other\n---\n")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "law" / "a.jsonl")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "b.jsonl").symlink_to(tmp_path / "law" / "sub" / "b.jsonl")
    (tmp_path / "top").symlink_to(tmp_path / "law" / "sub")
    assert take(place, tmp_path, dataset=f"file:{uri}").ref.label == SENSITIVE


def test_the_nearest_card_counts_and_those_within_raise_the_label(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "all", card__yaml="label: S", a__txt="a", open___card__yaml="label: O", open___b__txt="b")
    write(tmp_path / "mixed", c__txt="c", closed___card__yaml="label: S", closed___d__txt="d")
    labels = {uri: take(place, tmp_path, dataset=f"file:{uri}").ref.label for uri in ("all", "all/open", "mixed")}
    assert labels == {"all": SENSITIVE, "all/open": Label(), "mixed": SENSITIVE}
    assert take(place, tmp_path, dataset="file:mixed/c.txt").ref.label == Label()


def test_a_card_above_that_cannot_be_read_is_not_passed_over(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "law", card__yaml="label: X", a__txt="x")
    assert "label" in refused(place, tmp_path, dataset="file:law/a.txt").what()


# -- at once -------------------------------------------------------------------------------------------------------

IMPORT = """
import os, sys
from pathlib import Path
from bongsu.domain.pipeline import Input
from bongsu.service.embedded import open_home
from bongsu.service.inputs import importing
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import resolve_input
platform = open_home(Path(sys.argv[1]), os.environ)
print("ready", flush=True)
sys.stdin.readline()
ref = resolve_input(platform, "it", Input(dataset="file:many"), Files(Path(sys.argv[2]))).ref
print(len(platform.artifacts.reader(ref.digest).manifest.files), flush=True)
"""


def test_processes_that_import_the_same_directory_at_once_all_take_all_of_it(place: Place, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(300):
        (tmp_path / "many" / f"{number}.txt").write_text(f"{number}")
    command = [sys.executable, "-c", IMPORT, str(place.folder), str(tmp_path)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=120)[0] for process in started] == ["300\n"] * 3
    ref = take(place, tmp_path, dataset="file:many").ref
    assert len(place.platform.artifacts.reader(ref.digest).manifest.files) == 300


def test_who_waited_for_an_import_does_not_copy_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "law", a__txt="x")
    copies: list[int] = []
    copy, known = importing.copy_in, importing._known
    everybody, own = threading.Barrier(3), threading.local()

    def counted(*args: Any) -> Any:
        copies.append(1)
        return copy(*args)

    def looked_up(*args: Any) -> Any:
        """Nobody copies before all have seen that there is nothing yet."""
        found = known(*args)
        if not hasattr(own, "has_looked"):
            own.has_looked = True
            assert found is None
            everybody.wait(30)
        return found

    monkeypatch.setattr(importing, "copy_in", counted)
    monkeypatch.setattr(importing, "_known", looked_up)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: take(place, tmp_path, dataset="file:law").ref, range(3)))
    assert (len(set(found)), len(copies)) == (1, 1)


# -- all together --------------------------------------------------------------------------------------------------


def test_everything_that_cannot_be_found_is_told_at_once_with_its_place(place: Place, tmp_path: Path) -> None:
    spec = PipelineSpec.model_validate(
        {
            "apiVersion": "bongsu.dev/v1alpha1",
            "kind": "Pipeline",
            "metadata": {"name": "sample", "ministry": "mnd"},
            "spec": {
                "purpose": {"useClass": "administration", "statement": "Draft documents of administration"},
                "inputs": {
                    "one": {"dataset": "file:none"},
                    "two": {"dataset": "what"},
                    "three": {"model": "file:no"},
                },
                "stages": [{"name": "a", "uses": "data.curate"}],
            },
        }
    )
    lines = {"one": 7, "two": 8, "three": 9}
    with pytest.raises(BongsuError) as caught:
        resolve_inputs(
            place.platform, spec, Files(tmp_path), lambda name: Location("pipeline.yaml", lines[name], 5)
        )
    told = [(p.location.line if p.location else 0, p.field_path, p.code.name) for p in caught.value.problems]
    assert told == [
        (7, "spec.inputs.one", "run.input-missing"),
        (8, "spec.inputs.two", "run.input-scheme"),
        (9, "spec.inputs.three", "run.input-missing"),
    ]
