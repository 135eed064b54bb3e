"""Files that people have become records, and what cannot be used is told."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import tempfile
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from data_bench import Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.artifacts.base import TreeReader
from bongsu.artifacts.local import LocalStore
from bongsu.domain.problems import BongsuError
from bongsu_stages.data import reading
from bongsu_stages.data.decoding import decode
from bongsu_stages.data.documents import Document, DocumentWriter, read_documents
from bongsu_stages.data.html import DEEPEST, html_text
from bongsu_stages.data.language import hangul_share, identified
from bongsu_stages.data.normalising import normalise
from bongsu_stages.data.reading import Lost, Record, format_of, read_file
from bongsu_stages.runtime.stage import StageError

TEXT = "대한민국의 주권은 국민에게 있다."


def records(bench: Bench, name: str, data: bytes) -> list[Record]:
    reader = bench.store.reader(bench.tree({name: data}))
    return list(read_file(reader, name, "text", bench.root))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-32"])
def test_every_korean_encoding_gives_the_same_text(bench: Bench, encoding: str) -> None:
    assert records(bench, "a.txt", TEXT.encode(encoding)) == [Document("a.txt", TEXT, "a.txt")]


def test_bytes_of_no_known_encoding_are_lost_with_a_reason(bench: Bench) -> None:
    assert records(bench, "a.txt", b"\xff\xff\xfe\x00\x81") == [Lost("a.txt", "a.txt", "unknown-encoding")]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files_are_read(bench: Bench, suffix: str) -> None:
    data = (TEXT + "\n").encode() * 1000
    packed = gzip.compress(data) if suffix == ".gz" else zstandard.compress(data)
    (document,) = records(bench, "a.txt" + suffix, packed)
    assert isinstance(document, Document)
    assert document.text == data.decode()


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_truncated_file_is_lost_after_what_could_be_read(bench: Bench, suffix: str) -> None:
    data = b"".join(json.dumps({"text": f"{TEXT} {n * 7919}"}).encode() + b"\n" for n in range(20_000))
    packed = gzip.compress(data) if suffix == ".gz" else zstandard.compress(data)
    *read, last = records(bench, "a.jsonl" + suffix, packed[: len(packed) // 2])
    assert isinstance(last, Lost)
    assert last.reason in {"corrupt-file", "broken-line"}
    assert all(isinstance(one, Document) for one in read)


def test_broken_lines_are_counted_with_their_place(bench: Bench) -> None:
    lines = [
        json.dumps({"text": TEXT, "source": "law"}, ensure_ascii=False).encode(),
        b"{broken",
        b"",
        json.dumps({"other": 1}).encode(),
        b"[1]",
        b"\xff\xff\xfe",
        json.dumps({"text": TEXT}, ensure_ascii=False).encode("cp949"),
    ]
    found = records(bench, "a.jsonl", b"\n".join(lines))
    assert [(one.id, getattr(one, "reason", "")) for one in found] == [
        ("a.jsonl#1", ""),
        ("a.jsonl#2", "broken-line"),
        ("a.jsonl#4", "no-text"),
        ("a.jsonl#5", "no-text"),
        ("a.jsonl#6", "unknown-encoding"),
        ("a.jsonl#7", ""),
    ]
    assert [one.source for one in found if isinstance(one, Document)] == ["law", "a.jsonl"]


def test_parquet_rows_without_text_are_lost(bench: Bench) -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": [TEXT, None], "source": ["s", "t"]}), stream)
    document, lost = records(bench, "a.parquet", stream.getvalue())
    assert document == Document("a.parquet#1", TEXT, "s")
    assert isinstance(lost, Lost)
    assert lost.reason == "no-text"


def test_a_file_that_is_no_parquet_is_lost(bench: Bench) -> None:
    (lost,) = records(bench, "a.parquet", b"PAR1 nonsense PAR1")
    assert isinstance(lost, Lost)
    assert lost.reason == "corrupt-file"


def test_a_page_that_declares_a_korean_charset_is_read_in_it(bench: Bench) -> None:
    page = f'<html><head><meta charset="euc-kr"><title>x</title></head><body><p>{TEXT}</p></body></html>'
    (document,) = records(bench, "a.html", page.encode("cp949"))
    assert isinstance(document, Document)
    assert document.text == TEXT


def test_blocks_of_a_page_become_lines_and_scripts_go() -> None:
    head = "<body><script>x()</script><h1>제1장</h1><p>제1조\n  <b>목적</b></p>"
    assert html_text(head + "<ul><li>가<li>나</ul><pre>1\n2</pre></body>") == "제1장\n제1조 목적\n가\n나\n1\n2"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.TXT", ("text", "")),
        ("b.jsonl.gz", ("jsonl", ".gz")),
        ("c.htm.zst", ("html", ".zst")),
        ("README.md", None),
    ],
)
def test_the_name_tells_the_format(name: str, expected: object) -> None:
    assert format_of(name) == expected


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


def test_decomposed_hangul_is_composed_and_unseen_characters_go() -> None:
    assert normalise("\u1112\u1161\u11ab\u200b글\u00a0 \u3000은\r\n\r\n\r\n\r\n끝 ") == "한글 은\n\n끝"


@given(st.text())
def test_utf8_is_decoded_as_it_was_written(text: str) -> None:
    data = text.encode("utf-8", "ignore")
    found = decode(data)
    assert found is not None
    assert found[0] == data.removeprefix(b"\xef\xbb\xbf").decode()


def test_language_is_told_by_hangul_and_by_identification() -> None:
    assert hangul_share("國會는 법률을 制定한다") == 1.0
    assert hangul_share("The law is 법") < 0.2
    assert hangul_share("123") == 0.0
    assert identified("대한민국의 주권은 국민에게 있고 모든 권력은 국민으로부터 나온다.") == "ko"
    assert identified("All legislative powers herein granted shall be vested in a Congress.") == "en"


def test_no_copy_of_an_input_stays_in_scratch(bench: Bench, tmp_path: Path) -> None:
    records(bench, "a.txt", TEXT.encode())
    assert not list(tmp_path.glob("input*"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("name", ["a.jsonl", "a.txt.gz", "a.parquet"])
def test_what_the_machine_does_is_no_fault_of_a_file(tmp_path: Path, name: str, number: int) -> None:
    class Refusing:
        manifest = None
        uri = "s3://bucket/tree"

        def open(self, _path: str) -> BinaryIO:
            raise OSError(number, os.strerror(number))

    with pytest.raises(OSError, match=os.strerror(number)):
        list(read_file(cast(TreeReader, Refusing()), name, "text", tmp_path))


def test_a_changed_parquet_file_of_a_local_store_is_told(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    writer = store.writer("one")
    documents = DocumentWriter(writer)
    documents.add(Document("1", "하나 " * 1000, "here"))
    documents.close()
    reader = store.reader(writer.commit().digest)
    (part,) = reader.local().glob("*.parquet")
    part.chmod(0o600)
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    with pytest.raises(BongsuError, match=r"artifact\.corrupt"):
        list(read_documents(reader, tmp_path))
    with pytest.raises(BongsuError, match=r"artifact\.corrupt"):
        list(read_file(reader, part.name, "text", tmp_path))


def parquet_of(count: int) -> bytes:
    file = io.BytesIO()
    columns = {name: [f"{TEXT} {number}" for number in range(count)] for name in ("id", "text", "source")}
    pq.write_table(pa.table(columns), file, compression="zstd")
    return file.getvalue()


DOCUMENTS = parquet_of(100)


def one_part(content: bytes) -> TreeReader:
    """A tree that came with these bytes as its one part."""

    class Given:
        manifest = SimpleNamespace(files=[SimpleNamespace(path="part-00000.parquet")])
        uri = "s3://bucket/tree"

        def open(self, _path: str) -> BinaryIO:
            return io.BytesIO(content)

    return cast(TreeReader, Given())


@settings(max_examples=300)
@given(st.data())
def test_documents_with_another_byte_are_texts_or_end_the_stage_with_a_word(data: st.DataObject) -> None:
    """Parquet has no digest of its own pages, so other texts may come; no other fault and no other value does."""
    whole = bytearray(DOCUMENTS)
    place = data.draw(st.integers(4, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))

    with tempfile.TemporaryDirectory() as folder:
        found, said = [], "part-00000.parquet"
        try:
            found = list(read_documents(one_part(bytes(whole)), Path(folder)))
        except StageError as error:
            said = str(error)
    assert "part-00000.parquet" in said
    assert {type(value) for one in found for value in (one.id, one.text, one.source)} <= {str}


def test_documents_without_a_text_end_the_stage(tmp_path: Path) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"id": ["1", "2"], "text": [TEXT, None], "source": ["a", "a"]}), file)

    with pytest.raises(StageError, match=r"part-00000\.parquet .* text: NoneType"):
        list(read_documents(one_part(file.getvalue()), tmp_path))


@pytest.mark.parametrize("kept", [0, 4, len(DOCUMENTS) // 2, len(DOCUMENTS) - 1])
def test_documents_that_were_cut_before_they_came_end_the_stage(tmp_path: Path, kept: int) -> None:
    with pytest.raises(StageError, match=r"part-00000\.parquet"):
        list(read_documents(one_part(DOCUMENTS[:kept]), tmp_path))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_machine_that_fails_under_documents_is_not_taken_for_damage(tmp_path: Path, number: int) -> None:
    class Refusing:
        manifest = SimpleNamespace(files=[SimpleNamespace(path="part-00000.parquet")])
        uri = "s3://bucket/tree"

        def open(self, _path: str) -> BinaryIO:
            raise OSError(number, os.strerror(number))

    with pytest.raises(OSError, match=os.strerror(number)):
        list(read_documents(cast(TreeReader, Refusing()), tmp_path))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_line_that_is_too_long_is_dropped_and_those_after_it_are_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(reading, "LARGEST_TEXT", 1_000)
    monkeypatch.setattr(reading, "PIECE", 64)
    rows = ["a", "b" * 5_000, "c", "d" * 3_000]
    data = "\n".join(json.dumps({"text": row}) for row in rows).encode()
    packed = {"": data, ".gz": gzip.compress(data), ".zst": zstandard.compress(data)}[suffix]
    name = "a.jsonl" + suffix
    found = records(bench, name, packed)
    assert [record.text if isinstance(record, Document) else record.reason for record in found] == [
        "a",
        "too-large",
        "c",
        "too-large",
    ]
    assert [record.id for record in found] == [f"{name}#{number}" for number in (1, 2, 3, 4)]


def test_a_line_that_expands_without_end_is_never_held(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_TEXT", 2**20)
    packed = gzip.compress(b'{"text": "' + b"x" * (100 * 2**20))
    tracemalloc.start()
    (lost,) = records(bench, "a.jsonl.gz", packed)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(lost, Lost)
    assert lost.reason == "too-large"
    assert most < 20 * 2**20


def test_a_page_of_nothing_but_depth_is_lost_and_one_without_end_tags_is_not(bench: Bench) -> None:
    deep, wide = "<div>" * (DEEPEST + 1) + "봉수", "<ul>" + "<li>봉수<p>대" * (DEEPEST + 1)
    (lost,) = records(bench, "deep.html", deep.encode())
    assert isinstance(lost, Lost)
    assert lost.reason == "corrupt-file"
    (document,) = records(bench, "wide.html", wide.encode())
    assert isinstance(document, Document)
    assert document.text.count("봉수") == DEEPEST + 1
