"""The document of a bundle: one spelling, and nothing in it that contradicts the rest."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from bundle_places import document_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.domain.approval import ProposalKind
from bongsu.domain.checkpoints import Checkpoint
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Grade, Label
from bongsu.domain.model_bundles import BundleDocument, Malformed, target_parts

COMPARTMENTS = st.frozensets(st.sampled_from(["logistics", "air", "군수"]))
LABELS = st.builds(
    Label, grade=st.sampled_from(Grade), compartments=COMPARTMENTS, declassify_on=st.none() | st.dates()
)
FILES = {"config.json": b"{}", "weights/a": b"1", "weights.b": b"2"}
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)


@settings(deadline=None)
@given(label=LABELS, card=TEXTS, statement=TEXTS)
def test_what_is_written_is_read_as_it_was(label: Label, card: str, statement: str) -> None:
    document = document_of(FILES, label, card=card, statement=statement)
    assert BundleDocument.parse(document.canonical()) == document
    assert BundleDocument.parse(document.canonical()).label == label


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_another_spelling_of_the_same_is_none(data: st.DataObject) -> None:
    """Any byte more, less or other: it says something else, or is refused."""
    document = document_of(FILES, Label(grade=Grade.SENSITIVE, declassify_on=date(2030, 1, 1)))
    raw = bytearray(document.canonical())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        found = BundleDocument.parse(bytes(raw))
    except Malformed:
        return
    assert found.canonical() == bytes(raw)
    assert (found == document) == (bytes(raw) == document.canonical())


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/./b", "a\\b", "a\nb", "", "x" * 300, "a\u202eb"])
def test_a_path_that_is_not_safe_is_in_no_document(path: str) -> None:
    with pytest.raises(ValueError, match="path that is not safe"):
        document_of({path: b"x"}, Label())


def test_a_file_is_no_folder() -> None:
    with pytest.raises(ValueError, match="is a folder"):
        document_of({"a": b"x", "a/b": b"y"}, Label())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"digest": Digest("sha256-" + "0" * 64)}, "not that of its files"),
        ({"target": ""}, "no ministry"),
        ({"target": "Army"}, "no ministry"),
        ({"target": "army/"}, "no ministry"),
        ({"governed": True}, "nobody approved it"),
    ],
)
def test_a_document_that_contradicts_itself_is_none(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        document_of(FILES, Label(), **more)


def test_a_huge_document_is_not_even_parsed() -> None:
    with pytest.raises(Malformed, match="too long"):
        BundleDocument.parse(b" " * (33 << 20))


def test_what_is_signed_is_no_checkpoint_of_a_log() -> None:
    """The same key signs both, and neither passes for the other."""
    document = document_of(FILES, Label())
    with pytest.raises(ValueError, match="size"):
        Checkpoint.parse(document.note())


def test_an_approval_binds_what_the_proposal_bound() -> None:
    bound = document_of(FILES, Label(grade=Grade.SENSITIVE)).binding(5_000)
    assert (bound.kind, bound.object, bound.target) == (ProposalKind.TRANSFER, "model:axk1/1", "army")
    assert json.loads(bound.canonical())["evidenceUntil"] == 5_000


def test_targets() -> None:
    assert target_parts("msit") == ("msit", "")
    assert target_parts("msit/bongsu.msit.example") == ("msit", "bongsu.msit.example")
    assert [target_parts(one) for one in ("", "/", "msit/", "msit/a/b", "MSIT", "msit ", "msit/..", "msit\n")] == [
        None
    ] * 8
