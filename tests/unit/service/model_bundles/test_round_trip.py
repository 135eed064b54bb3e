"""A model leaves one house and comes into another, with everything that was said of it.

Long, because each way there and each refusal goes over the same two houses.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tracemalloc
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from bundle_places import KEYS, OTHER_KEY, Giver, bundled, document_of, named, standing, take, taker
from governed_places import ADMINISTRATION, DAY, SENSITIVE, GovernedPlace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from bongsu.artifacts.bundle_form import END, TREE, Member
from bongsu.artifacts.reading import read_text
from bongsu.domain.artifact import ArtifactRef, ArtifactType, FileEntry, Manifest
from bongsu.domain.grades import N2SF, SchemeName
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Grade, Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.model_bundles import House
from bongsu.domain.pipeline import Input
from bongsu.domain.problems import BongsuError
from bongsu.service.audit.keys import LogKeys
from bongsu.service.governance.access_permits import AccessRequest, give_access
from bongsu.service.grades import StatedGrades, change_grades
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import resolve_input
from bongsu.service.labels import show_label
from bongsu.service.lineage import trace
from bongsu.service.model_bundles import describing, exporting
from bongsu.service.model_bundles.exporting import export_model
from bongsu.service.model_bundles.reading import inspect_bundle
from bongsu.store.artifacts import find_owned, note_artifact
from bongsu.store.json_columns import refs_json
from bongsu.store.lineage import Edge, Node, put_edges, put_nodes
from bongsu.store.node_ids import artifact_node, input_node
from bongsu.store.schema import stages
from bongsu.store.schema_people import people

CLEARED = "C/logistics"
LABELS = st.builds(
    Label, grade=st.sampled_from(N2SF.grades), compartments=st.frozensets(st.sampled_from(["logistics", "air"]))
)
SEGMENT = st.text(st.sampled_from("ab.-_가0 "), min_size=1, max_size=8).filter(lambda one: one.strip(". ") == one)
PATHS = st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.binary(max_size=1500), min_size=1, max_size=5).filter(
    lambda files: not any(one != other and other.startswith(f"{one}/") for one in files for other in files)
)


def known_label(house: GovernedPlace, digest: Digest) -> Label:
    with taker(house).read() as connection:
        known = find_owned(connection, digest)
    assert known is not None
    return Label.parse(known.label)


def content(house: GovernedPlace, digest: Digest) -> dict[str, bytes]:
    reader = house.platform.artifacts.reader(digest)
    found = {}
    for one in reader.manifest.files:
        with reader.open(one.path) as file:
            found[one.path] = file.read()
    return found


def test_a_model_comes_in_with_its_label_and_what_it_came_from(
    giver: Giver, house: GovernedPlace, tmp_path: Path
) -> None:
    taken = take(house, giver.bundle(tmp_path / "axk1.bundle"), clearance=CLEARED)
    assert (taken.digest, taken.label, taken.model, taken.created) == (giver.model, "S/logistics", "axk1/1", True)
    assert content(house, giver.model) == content(giver, giver.model)
    platform = taker(house, clearance=CLEARED)
    shown = show_label(platform, f"artifact:{giver.model}")
    assert (shown.label, shown.title) == ("S/logistics", "axk1/1 of bongsu.example/mnd")
    assert {origin.title for part in shown.parts for origin in part.origins} == {
        "bundle: axk1/1 of bongsu.example/mnd"
    }
    graph = trace(platform, giver.model)
    (source,) = (node for node in graph.nodes if node.kind is NodeKind.INPUT)
    assert source.body["approvals"][0]["binding"] == giver.approved.binding.digest
    assert source.body["signer"] == str(named()[0])
    assert [one["name"] for one in source.body["sources"]] == ["datasets:/law/1"]


def test_what_the_document_says(giver: Giver, tmp_path: Path) -> None:
    told = inspect_bundle(giver.bundle(tmp_path / "axk1.bundle"), named()).document
    assert (told.origin, told.ministry, told.object) == ("bongsu.example/mnd", "mnd", "model:axk1/1")
    assert (told.target, told.use_class.value, told.governed) == ("army", "administration", True)
    assert (str(told.label), told.exported_by) == ("S/logistics", "kim")
    assert [(one.type.value, str(one.label)) for one in told.evidence] == [("evaluation", "S/logistics")]
    assert tuple(one.digest for one in told.evidence) == giver.approved.binding.evidence
    (approval,) = told.approvals
    assert (approval.proposal, approval.binding) == (giver.approved.id, giver.approved.binding.digest)
    assert [one.person for one in approval.deciders] == ["ann", "bae"]
    (source,) = told.sources
    assert (source.name, source.digest, str(source.label)) == ("datasets:/law/1", giver.law, "O")
    assert told.card == "---\nname: A model\n---\n# Card\n"


def test_whose_approval_counted_no_more_is_not_named_as_having_decided(giver: Giver, tmp_path: Path) -> None:
    carried = giver.transfer("army/bongsu.army.example", leaving=["cho"])
    assert {vote.person: vote.counts for vote in carried.votes} == {"cho": False, "ann": True, "bae": True}
    (approval,) = inspect_bundle(
        giver.bundle(tmp_path / "axk1.bundle", "army/bongsu.army.example"), named()
    ).document.approvals
    assert [one.person for one in approval.deciders] == ["ann", "bae"]


def test_the_day_on_which_a_label_may_be_reviewed_goes_along(giver: Giver, tmp_path: Path) -> None:
    """Of the stage that made the bytes, as long as they carry the label that it was planned with."""
    planned = Label(grade=Grade.SENSITIVE, compartments=frozenset({"logistics"}), declassify_on=date(2031, 1, 1))
    for label, told in ((planned, date(2031, 1, 1)), (Label(declassify_on=date(2031, 1, 1)), None)):
        ref = ArtifactRef(digest=giver.model, type=ArtifactType.MODEL, label=label, size=1)
        with giver.platform.write() as connection:
            given = update(stages).where(stages.c.stage_id == "train").values(outputs=refs_json({"model": ref}))
            connection.execute(given)
        document = inspect_bundle(giver.bundle(tmp_path / "axk1.bundle"), named()).document
        assert document.label == planned.model_copy(update={"declassify_on": told})


def test_what_who_gets_the_model_may_not_know_of_is_left_out(giver: Giver, tmp_path: Path) -> None:
    """A model that was released from what it was made of says no more than that there was something."""
    with giver.of("mnd").write() as connection:
        for uri, label in (("models:/secret/1", "C"), ("file:/home/kim/private/maps", "S")):
            digest = giver.tree(f"labelled {label}")
            ref = ArtifactRef(digest=digest, type=ArtifactType.MODEL, label=Label.parse(label), size=1)
            note_artifact(connection, ref, uri, 1.0)
            source, tree = input_node(uri), artifact_node(digest)
            nodes = [Node(source, NodeKind.INPUT, uri, label, {}), Node(tree, NodeKind.ARTIFACT, uri, label, {})]
            put_nodes(connection, nodes)
            model = artifact_node(giver.model)
            edges = [Edge(source, tree, EdgeKind.RESOLVED), Edge(tree, model, EdgeKind.USED)]
            put_edges(connection, edges, "", 1.0)
    document = inspect_bundle(giver.bundle(tmp_path / "axk1.bundle"), named()).document
    assert [one.name for one in document.sources] == ["datasets:/law/1", "file:maps"]
    assert document.left_out == 1
    raw = document.canonical()
    assert b"secret" not in raw
    assert b"private" not in raw


def test_the_same_at_the_same_time_is_the_same_file(giver: Giver) -> None:
    first, second = (b"".join(giver.export().pieces) for _ in range(2))
    assert first == second
    giver.now += 2
    assert b"".join(giver.export().pieces) != first


def test_an_export_tells_its_size_before_it_is_read(giver: Giver) -> None:
    made = giver.export()
    assert made.size == len(b"".join(made.pieces))


def test_others_write_while_the_cards_are_read(giver: Giver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store may be far away, and nobody waits for it with the database in hand."""
    wrote: list[bool] = []

    def write() -> None:
        with giver.platform.write():
            wrote.append(True)

    def read(*given: Any) -> str:
        other = Thread(target=write, daemon=True)
        other.start()
        other.join(3)
        assert not other.is_alive(), "the export holds the database"
        return read_text(*given)

    monkeypatch.setattr(describing, "read_text", read)
    export_model(giver.as_("kim"), KEYS, "axk1/1", "army")
    assert wrote


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=TREES, label=LABELS)
def test_every_tree_comes_in_as_it_was(
    house: GovernedPlace, tmp_path: Path, files: Mapping[str, bytes], label: Label
) -> None:
    file = tmp_path / "bundle"
    document = document_of(files, label)
    file.write_bytes(bundled(document, files))
    taken = take(house, file, clearance="C/logistics/air")
    assert content(house, taken.digest) == files
    assert Label.parse(taken.label).dominates(label)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    label=LABELS,
    known=st.none() | LABELS,
    card=st.none() | LABELS,
    clearance=LABELS,
    where=st.sampled_from(["", "part/", ".hidden/", "__pycache__/", "part/.deep/"]),
)
def test_a_label_never_comes_in_lower(
    house: GovernedPlace,
    tmp_path: Path,
    label: Label,
    known: Label | None,
    card: Label | None,
    clearance: Label,
    where: str,
) -> None:
    """Than that of the bundle, of a card in it, and what is known here of these bytes; and nobody takes in what they
    may not see."""
    files = {"weights": secrets.token_bytes(8)}  # of which nothing is known from an earlier try
    if card is not None:
        written = {"label": {"grade": card.grade.value, "compartments": sorted(card.compartments)}}
        files[f"{where}card.yaml"] = json.dumps(written).encode()
    document = document_of(files, label)
    if known is not None:
        ref = ArtifactRef(digest=document.digest, type=ArtifactType.MODEL, label=known, size=1)
        with taker(house).write() as connection:
            note_artifact(connection, ref, "known", 1.0)
    file = tmp_path / "bundle"
    file.write_bytes(bundled(document, files))
    least = label.join(card or Label()).join(known or Label())
    if not clearance.dominates(least):
        with pytest.raises(BongsuError, match=r"access\.above-clearance"):
            take(house, file, clearance=str(clearance))
        return
    taken = Label.parse(take(house, file, clearance=str(clearance)).label)
    assert clearance.dominates(taken)
    assert taken.dominates(least)
    assert known_label(house, document.digest) == taken


def test_what_another_ministry_shares_with_the_taker_comes_in_at_its_label(
    house: GovernedPlace, tmp_path: Path
) -> None:
    files = {"weights": b"w"}
    document = document_of(files, Label())
    (tmp_path / "bundle").write_bytes(bundled(document, files))
    house.add_dataset("weights", document.digest, SENSITIVE)
    until = house.now + DAY
    request = AccessRequest("dataset:weights/1", "mnd", "army", ADMINISTRATION, house.now, until, "They ask for it")
    give_access(house.platform, house.actor("dc"), request)
    with pytest.raises(BongsuError, match=r"access\.above-clearance"):
        take(house, tmp_path / "bundle", clearance="O")
    with taker(house).read() as connection:
        assert find_owned(connection, document.digest) is None
    assert take(house, tmp_path / "bundle", clearance="S").label == "S"


def test_of_a_large_file_no_more_than_a_piece_is_in_memory(house: GovernedPlace, tmp_path: Path) -> None:
    piece, count = bytes(1 << 20), 48
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(piece)
    entry = FileEntry(path="weights", size=count << 20, sha256=digest.hexdigest())
    document = document_of({}, Label(), files=(entry,), digest=Manifest(files=(entry,)).digest)
    head = bundled(document, {"weights": b""})[: -len(END)]
    small, large = (Member(f"{TREE}weights", size, 1_700_000_000) for size in (0, entry.size))
    with (tmp_path / "bundle").open("wb") as file:
        file.write(head.removesuffix(small.header) + large.header)
        file.writelines([piece] * count)
        file.write(END)
    tracemalloc.start()
    taken = take(house, tmp_path / "bundle")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken.size == count << 20
    assert peak < 12 << 20


def test_what_takes_it_carries_its_label_at_least(giver: Giver, house: GovernedPlace, tmp_path: Path) -> None:
    taken = take(house, giver.bundle(tmp_path / "axk1.bundle"), clearance=CLEARED)
    platform = taker(house, clearance=CLEARED)
    for stated in (None, Label()):
        wanted = Input(model=f"artifact:{taken.digest}", label=stated)
        found = resolve_input(platform, "base", wanted, Files(tmp_path))
        assert (str(found.ref.label), found.ref.type) == ("S/logistics", ArtifactType.MODEL)


def test_the_same_once_more_changes_nothing(giver: Giver, house: GovernedPlace, tmp_path: Path) -> None:
    file = giver.bundle(tmp_path / "axk1.bundle")
    first = take(house, file, clearance=CLEARED)
    before = standing(house)
    second = take(house, file, clearance=CLEARED)
    assert (first.created, second.created) == (True, False)
    assert standing(house) == before


def test_a_damaged_copy_that_stands_here_is_mended(giver: Giver, house: GovernedPlace, tmp_path: Path) -> None:
    file = giver.bundle(tmp_path / "axk1.bundle")
    take(house, file, clearance=CLEARED)
    weights = next(house.folder.rglob(f"{giver.model}/config.json"))
    weights.chmod(0o600)
    weights.write_bytes(b"{}")
    take(house, file, clearance=CLEARED)
    house.platform.artifacts.reader(giver.model).verify()


@pytest.mark.parametrize(
    ("here", "taken"),
    [
        ("army/bongsu.army.example", True),
        ("army", False),
        ("army/other.army.example", False),
        ("msit/bongsu.army.example", False),
    ],
)
def test_a_bundle_for_one_installation_is_for_that_alone(
    house: GovernedPlace, tmp_path: Path, here: str, *, taken: bool
) -> None:
    files = {"weights": b"1"}
    file = tmp_path / "bundle"
    file.write_bytes(bundled(document_of(files, Label(), target="army/bongsu.army.example"), files))
    if taken:
        assert take(house, file, here=House.named(here)).created
    else:
        with pytest.raises(BongsuError, match=r"bundle\.other-target"):
            take(house, file, here=House.named(here))


@pytest.mark.parametrize("site", ["국방망", "MSIT-Daejeon:8443", "gpu_centre", ""])
def test_an_installation_of_any_name_takes_what_is_for_its_ministry(
    house: GovernedPlace, tmp_path: Path, site: str
) -> None:
    files = {"weights": b"1"}
    file = tmp_path / "bundle"
    file.write_bytes(bundled(document_of(files, Label(), target="army"), files))
    assert take(house, file, here=House("army", site)).created
    with pytest.raises(BongsuError, match=r"bundle\.other-target"):
        take(house, file, here=House("navy", site))


def test_what_no_reader_takes_is_not_given_and_not_told_as_given(
    giver: Giver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "LONGEST_DOCUMENT", 100)
    with pytest.raises(BongsuError, match=r"bundle\.document-too-long"):
        export_model(giver.as_("kim"), KEYS, "axk1/1", "army")
    assert not [entry for _who, did, entry in giver.log() if did == "model.export" and '"done"' in entry]


@pytest.mark.parametrize(
    "more",
    [
        {"statement": "Autonomous lethal targeting of people"},
        {"name": "lethal-autonomous-weapon"},
        {"card": "---\npurpose: Autonomous lethal targeting of people\n---\n"},
    ],
)
def test_a_forbidden_use_is_not_taken_in(house: GovernedPlace, tmp_path: Path, more: Mapping[str, str]) -> None:
    files = {"weights": b"1"}
    file = tmp_path / "bundle"
    file.write_bytes(bundled(document_of(files, Label(), **more), files))
    with pytest.raises(BongsuError, match=r"policy\.forbidden-use"):
        take(house, file)
    assert [did for _who, did, entry in house.log("army") if '"refused"' in entry] == ["model.import"]


def test_a_card_in_the_tree_is_screened_and_has_to_be_readable(house: GovernedPlace, tmp_path: Path) -> None:
    file = tmp_path / "bundle"
    before = standing(house)
    for card, code in (
        (b"purpose: Lethal autonomous targeting", "policy.forbidden-use"),
        (b"label: [", "artifact.unreadable-card"),
        (None, "artifact.unreadable-card"),
    ):
        name = ".card.yaml" if card is None else "card.yaml"  # what is meant as a card is none under this name
        files = {"weights": b"1", name: card or b"label: C"}
        file.write_bytes(bundled(document_of(files, Label()), files))
        with pytest.raises(BongsuError, match=code) as caught:
            take(house, file)
        assert str(tmp_path) not in str(caught.value), "whoever sent it knows nothing of this house"
        assert caught.value.problems[0].args.get("archive", "bundle") == "bundle"
        assert f"bundle/{name}: purpose" in str(caught.value) or "of bundle cannot be read" in str(caught.value)
    assert standing(house) == before


@pytest.mark.parametrize(
    ("name", "text"), [("card.yaml", "label: C"), (".card.yaml", "label: C"), ("README.md", "---- a house")]
)
def test_what_stands_above_the_house_says_nothing_of_a_bundle(
    house: GovernedPlace, tmp_path: Path, name: str, text: str
) -> None:
    files = {"weights": b"1"}
    file = tmp_path / "bundle"
    file.write_bytes(bundled(document_of(files, Label()), files))
    (house.platform.home.parent / name).write_text(text)
    assert take(house, file).label == "O"


def test_a_label_in_grades_that_the_site_does_not_have_comes_in_nowhere(
    house: GovernedPlace, tmp_path: Path
) -> None:
    """It would be read as more, or as less, than the giver meant."""
    file, files = tmp_path / "bundle", {"weights": b"1"}
    file.write_bytes(bundled(document_of(files, Label(grade=Grade.SECRET_III)), files))
    before = standing(house)
    with pytest.raises(BongsuError, match=r"label\.grade-outside"):
        take(house, file)
    assert standing(house) == before
    with house.platform.database.write() as connection:
        connection.execute(update(people).values(clearance="I"))
    change_grades(house.platform, StatedGrades(SchemeName.MILITARY))
    assert take(house, file).label == "III"


def test_a_tree_may_have_whatever_names_its_maker_chose(house: GovernedPlace, tmp_path: Path) -> None:
    files = {"tree/weights": b"1", "README of the bundle.md/README.md": b"2"}
    file = tmp_path / "bundle"
    file.write_bytes(bundled(document_of(files, Label()), files))
    assert content(house, take(house, file).digest) == files


def test_while_keys_are_changed_both_sign_and_each_is_enough(giver: Giver, tmp_path: Path) -> None:
    both = LogKeys((OTHER_KEY, *KEYS.keys))
    file = tmp_path / "bundle"
    file.write_bytes(b"".join(export_model(giver.as_("kim"), both, "axk1/1", "army").pieces))
    for keys in (named(KEYS), named(LogKeys((OTHER_KEY,))), named(both)):
        assert len(inspect_bundle(file, keys).signers) == 2
    with pytest.raises(BongsuError, match=r"bundle\.unsigned"):
        inspect_bundle(file, named(KEYS, "army"))
