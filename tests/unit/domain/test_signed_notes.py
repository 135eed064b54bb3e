"""Signed notes against published ones, against a signature that was made without this code, and against changes."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.signed_notes import SignatureKind, SignatureLine, SignedNote, SigningKey, VerifierKey, decoded

# From the documentation of golang.org/x/mod/sumdb/note.
SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
# From https://c2sp.org/tlog-cosignature, whose keys are not published.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
    "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
WITNESS = SigningKey("witness.example/w1", bytes(32))
texts = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=30)


def test_a_published_key_signs_a_published_text_as_published() -> None:
    key = SigningKey.parse(SECRET)
    assert str(key.public()) == PUBLIC
    assert str(key.sign(TEXT)) == LINE
    assert key.secret() == SECRET


def test_a_published_note_is_verified_by_its_published_key() -> None:
    note = SignedNote.parse(f"{TEXT}\n{LINE}\n")
    key = VerifierKey.parse(PUBLIC)
    (line,) = note.of(key)
    assert note.text == TEXT
    assert key.signed(note.text, line.signature)
    assert not key.signed(note.text + "\n", line.signature)


def test_the_id_of_a_key_is_what_the_specification_computes() -> None:
    public = base64.b64decode(PUBLIC.rpartition("+")[2])[1:]
    for kind in SignatureKind:
        expected = hashlib.sha256(b"PeterNeumann\n" + bytes([kind]) + public).digest()[:4]
        assert VerifierKey("PeterNeumann", public, kind).id == expected


def test_a_published_cosignature_tells_when_it_was_made_and_is_written_as_it_was_read() -> None:
    note = SignedNote.parse(COSIGNED)
    assert note.signatures[1].witnessed_at == 1679315147
    assert str(note) == COSIGNED


def test_a_witness_signs_the_two_lines_of_the_specification_and_the_text() -> None:
    line = WITNESS.cosign("log\n3\nroot\n", 1679315147)
    message = b"cosignature/v1\ntime 1679315147\nlog\n3\nroot\n"
    expected = (1679315147).to_bytes(8, "big") + Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(message)
    assert line.signature == expected
    key = WITNESS.public(SignatureKind.WITNESS)
    assert key.signed("log\n3\nroot\n", line.signature)
    later = (1679315148).to_bytes(8, "big") + line.signature[8:]
    assert not key.signed("log\n3\nroot\n", later), "the time is signed as well"
    assert not WITNESS.public().signed("log\n3\nroot\n", line.signature), "a witness's signature is not a log's"


@given(texts, texts, st.integers(0, 31), st.integers(0, 255))
def test_a_signature_is_good_for_one_text_and_one_key(text: str, other: str, place: int, byte: int) -> None:
    key = SigningKey("log", hashlib.sha256(text.encode()).digest())
    line = key.sign(f"{text}\n")
    assert key.public().signed(f"{text}\n", line.signature)
    if other != text:
        assert not key.public().signed(f"{other}\n", line.signature)
        assert not SigningKey("log", hashlib.sha256(other.encode()).digest()).public().signed(text, line.signature)
    changed = bytearray(line.signature)
    changed[place] ^= byte or 1
    assert not key.public().signed(f"{text}\n", bytes(changed))


@given(st.lists(texts, min_size=1, max_size=4), st.integers(1, 4))
def test_a_note_is_read_as_it_was_written(lines: list[str], signatures: int) -> None:
    text = "".join(f"{line}\n" for line in lines)
    keys = [SigningKey(f"log{number}", bytes([number]) * 32) for number in range(signatures)]
    note = SignedNote(text, tuple(key.sign(text) for key in keys))
    assert SignedNote.parse(str(note)) == note


@given(st.text(max_size=200))
def test_what_is_no_note_is_refused_with_a_reason(data: str) -> None:
    with pytest.raises(ValueError) as caught:
        SignedNote.parse(data)
    assert str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+c74f20a3",
        PUBLIC.replace("c74f20a3", "c74f20a4"),
        PUBLIC.replace("PeterNeumann", "Peter Neumann"),
        PUBLIC[:-4],
        PUBLIC.replace("ARpc", "Axpc"),
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_key_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        VerifierKey.parse(text)


def test_the_secret_is_in_no_text_of_a_key() -> None:
    key = SigningKey.parse(SECRET)
    assert "81" not in repr(key)
    assert "seed" not in repr(key)
    with pytest.raises(ValueError) as caught:
        SigningKey.parse(SECRET[:-1] + "A")
    assert SECRET[-20:-1] not in str(caught.value)


def test_bytes_have_one_spelling() -> None:
    """Else a signature could be changed without becoming wrong."""
    assert decoded("AA==") == b"\x00"
    for other in ("AB==", "AA", "AA=", "A A=", "AA==\n", "-_=="):
        with pytest.raises(ValueError):
            decoded(other)


def test_one_signature_too_many_and_control_characters_are_refused() -> None:
    line = str(SignatureLine("log", b"1234", b"s"))
    with pytest.raises(ValueError, match="too many"):
        SignedNote.parse("text\n\n" + f"{line}\n" * 101)
    with pytest.raises(ValueError, match="control"):
        SignedNote.parse(f"te\rxt\n\n{line}\n")
    with pytest.raises(ValueError, match="long"):
        SignedNote.parse("x" * 70_000 + f"\n\n{line}\n")
