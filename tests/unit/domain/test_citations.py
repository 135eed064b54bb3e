"""What registers and permits refer to can be followed, or is no reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.citations import Citation, CitedKind

DIGEST = "sha256-" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "kind", "reference"),
    [
        (f"artifact:{DIGEST}", CitedKind.ARTIFACT, f"artifact:{DIGEST}"),
        (DIGEST, CitedKind.ARTIFACT, f"artifact:{DIGEST}"),
        ("model:axk1/3", CitedKind.MODEL, "model:axk1/3"),
        ("models:/axk1/3", CitedKind.MODEL, "model:axk1/3"),
        ("datasets:/law/1", CitedKind.DATASET, "dataset:law/1"),
        ("https://example.org/card?of=law#1", CitedKind.ADDRESS, "https://example.org/card?of=law#1"),
        ("http://wiki:8080/card", CitedKind.ADDRESS, "http://wiki:8080/card"),
        ("https://국방부.한국/카드", CitedKind.ADDRESS, "https://국방부.한국/카드"),
        ("https://[::1]:8443/card", CitedKind.ADDRESS, "https://[::1]:8443/card"),
        (" document:국방인공지능기획과-1234 ", CitedKind.DOCUMENT, "document:국방인공지능기획과-1234"),
        ("document:DAPA 2026-17 (2026. 3. 2.)", CitedKind.DOCUMENT, "document:DAPA 2026-17 (2026. 3. 2.)"),
    ],
)
def test_a_reference_has_one_kind_and_one_spelling(text: str, kind: CitedKind, reference: str) -> None:
    assert Citation.parse(text) == Citation(kind, reference)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "a card", "sha256:abc", DIGEST[:-1], "artifact:law", "model:axk1", "dataset:law/0", "law/1"),
        *("https://", "https:///card", "https:// example.org", "https://kim:secret@example.org/", "ftp://a.b/c"),
        *("javascript:alert(1)", "https://example.org:99999/", "document:", "document:none", "document:1\n2"),
    ],
)
def test_what_nobody_could_follow_is_none(text: str) -> None:
    assert Citation.parse(text) is None


@given(st.text())
def test_no_text_is_too_much_and_the_one_spelling_stays_as_it_is(text: str) -> None:
    for written in (text, f"document:{text}", f"https://{text}", f"model:{text}/1"):
        found = Citation.parse(written)
        assert found is None or Citation.parse(found.reference) == found
