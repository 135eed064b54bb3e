from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from data_bench import Bench
from tokenizers import Tokenizer

from bongsu.domain.ids import Digest
from bongsu_stages.data.curate import curate
from bongsu_stages.data.personal import PLACEHOLDERS
from bongsu_stages.data.personal_kinds import Kind
from bongsu_stages.data.tokenize import tokenize
from bongsu_stages.data.train_tokenizer import train_tokenizer
from bongsu_stages.runtime.stage import StageError

SECRETS = ["900101-1234567", "010-9876-5432", "hong@mnd.go.kr", "12-76012345"]


def sentence(seed: int, words: int = 40) -> str:
    source = random.Random(seed)
    syllables = "가나다라마바사아자차카타파하고노도로모보소오조초코토포호"
    return " ".join("".join(source.choices(syllables, k=3)) for _ in range(words)) + "."


def corpus(documents: int = 60) -> dict[str, bytes]:
    return {
        f"law/{number:03d}.txt": "\n".join(sentence(number * 100 + line) for line in range(8)).encode()
        for number in range(documents)
    }


def rows(directory: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(directory / name).to_pylist()
    return found


@pytest.fixture
def curated(bench: Bench) -> Digest:
    return bench.digest_of(bench.run(curate, {"documents": bench.tree(corpus())})["documents"])


@pytest.fixture
def vocabulary(bench: Bench, curated: Digest) -> Digest:
    return bench.digest_of(bench.run(train_tokenizer, {"documents": curated}, vocabSize=300)["tokenizer"])


def test_every_record_is_kept_or_listed_with_its_reason(bench: Bench) -> None:
    files = corpus(3)
    files["copy.txt"] = files["law/000.txt"]
    files["near.txt"] = files["law/001.txt"] + " 끝.".encode()
    files["short.txt"] = "짧다".encode()
    files["english.txt"] = ("All legislative powers herein granted. " * 5).encode()
    files["bad.txt"] = b"\xff\xff\xfe\x00\x81"
    files["image.png"] = b"\x89PNG"
    files["lines.jsonl"] = b"{broken\n" + json.dumps({"text": sentence(9)}).encode()
    files["README.md"] = b"# about"
    out = bench.run(curate, {"documents": bench.tree(files)})["documents"]
    card = json.loads((out / "card.json").read_text())
    assert card["records"] == card["documents"] + sum(card["dropped"].values()) == 11
    assert card["companions"] == ["README.md"]
    assert {row["id"]: row["reason"] for row in rows(out, "dropped.parquet")} == {
        "bad.txt": "unknown-encoding",
        "english.txt": "other-language",
        "image.png": "unsupported-format",
        "law/000.txt": "exact-duplicate",
        "lines.jsonl#1": "broken-line",
        "near.txt": "near-duplicate",
        "short.txt": "too-short",
    }
    kept = rows(out, "part-00000.parquet")
    assert [row["id"] for row in kept] == ["copy.txt", "law/001.txt", "law/002.txt", "lines.jsonl#2"]
    assert card["characters"] == sum(len(row["text"]) for row in kept)
    assert "exact-duplicate" not in (out / "card.md").read_text()
    assert bench.notes.metrics["dropped"] == 7


def test_masked_values_are_nowhere_in_the_output(bench: Bench) -> None:
    text = f"주민등록번호 {SECRETS[0]}, 휴대폰 {SECRETS[1]}, {SECRETS[2]}, 군번 {SECRETS[3]}\n{sentence(1)}"
    again = f"다른 문서 {SECRETS[1]}\n{sentence(2)}"
    files = {"a.txt": text.encode(), "b.txt": again.encode()}
    out = bench.run(curate, {"documents": bench.tree(files)})["documents"]
    everything = json.dumps(
        [rows(out, path.name) for path in sorted(out.glob("*.parquet"))], ensure_ascii=False
    ) + "".join(path.read_text() for path in out.glob("card.*"))
    assert not [secret for secret in SECRETS if secret in everything or secret.replace("-", "") in everything]
    masked = rows(out, "masked.parquet")
    assert [row["kind"] for row in masked] == ["resident-number", "phone", "email", "service-number", "phone"]
    assert masked[1]["digest"] == masked[4]["digest"]
    texts = {row["id"]: row["text"] for row in rows(out, "part-00000.parquet")}
    assert all(texts[row["document"]][row["offset"]] == "[" for row in masked)
    assert [row["length"] for row in masked[:4]] == [len(secret) for secret in SECRETS]
    card = json.loads((out / "card.json").read_text())
    assert card["masked"] == {"email": 1, "phone": 2, "resident-number": 1, "service-number": 1}
    assert card["documentsWithMasked"] == 2


def test_names_of_files_are_masked_and_stay_apart(bench: Bench) -> None:
    files = {
        f"{SECRETS[0]} 상담.txt": sentence(1).encode(),
        "900101-2345674 상담.txt": sentence(2).encode(),
        f"{SECRETS[0]} 짧은.txt": "짧다".encode(),
        "보통.txt": sentence(3).encode(),
    }
    out = bench.run(curate, {"documents": bench.tree(files)})["documents"]
    everything = "".join(str(rows(out, path.name)) for path in out.glob("*.parquet"))
    assert not [number for number in (SECRETS[0], "900101-2345674") if number in everything]
    kept = [row["id"] for row in rows(out, "part-00000.parquet")]
    assert len(set(kept)) == 3
    assert "보통.txt" in kept
    masked = rows(out, "masked.parquet")
    assert [(row["kind"], row["field"]) for row in masked] == [("resident-number", "source")] * 2
    assert {row["document"] for row in masked} < set(kept)


def test_every_count_of_the_card_is_a_count_of_rows_and_of_placeholders(bench: Bench) -> None:
    lines = [
        {"text": f"{sentence(1)} {SECRETS[0]} {SECRETS[1]}", "source": f"{SECRETS[2]}에서 온 편지"},
        {"text": f"{sentence(1)} {SECRETS[0]} {SECRETS[1]}"},  # a copy: what was masked in it counts nowhere
        {"text": f"{sentence(2)} 군번 {SECRETS[3]}"},
        {"text": sentence(3)},
        {"text": "짧다", "source": SECRETS[2]},
    ]
    file = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    out = bench.run(curate, {"documents": bench.tree({"lines.jsonl": file})})["documents"]
    card, masked = json.loads((out / "card.json").read_text()), rows(out, "masked.parquet")
    kept = {row["id"]: row for row in rows(out, "part-00000.parquet")}
    assert sum(card["masked"].values()) == len(masked) == bench.notes.metrics["masked"] == 4
    assert card["masked"] == Counter(row["kind"] for row in masked)
    assert card["documentsWithMasked"] == len({row["document"] for row in masked}) == 2
    for row in masked:
        placeholder = PLACEHOLDERS[Kind(row["kind"])]
        assert kept[row["document"]][row["field"]].startswith(placeholder, row["offset"])
    placeholders = sum(
        row[field].count(text)
        for row in kept.values()
        for field in ("text", "source")
        for text in PLACEHOLDERS.values()
    )
    assert placeholders == len(masked)
    everything = "".join(str(rows(out, path.name)) for path in out.glob("*.parquet"))
    assert not [secret for secret in SECRETS if secret in everything]


def test_a_lasting_key_gives_the_same_tree_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    files = bench.tree({"a.txt": f"{sentence(1)} {SECRETS[0]}".encode()})
    drawn = {bench.run(curate, {"documents": files})["documents"].name for _ in range(2)}
    assert len(drawn) == 2
    monkeypatch.setenv("BONGSU_MASKING_KEY", "a secret of the ministry")
    outs = [bench.run(curate, {"documents": files})["documents"] for _ in range(2)]
    assert outs[0].name == outs[1].name
    assert json.loads((outs[0] / "card.json").read_text())["digestKey"] == "lasting"


def test_near_duplicates_can_stay(bench: Bench) -> None:
    files = bench.tree({"a.txt": sentence(1, 80).encode(), "b.txt": (sentence(1, 80) + " 끝").encode()})
    out = bench.run(curate, {"documents": files}, dropNearDuplicates=False)["documents"]
    assert len(rows(out, "part-00000.parquet")) == 2


def test_nothing_left_is_an_error_that_says_why(bench: Bench) -> None:
    with pytest.raises(StageError, match="1 too-short"):
        bench.run(curate, {"documents": bench.tree({"a.txt": b"x"})})


def test_curating_curated_documents_keeps_them_all(bench: Bench, curated: Digest) -> None:
    again = bench.run(curate, {"documents": curated})["documents"]
    first = bench.store.reader(curated).local()
    assert [row["text"] for row in rows(again, "part-00000.parquet")] == [
        row["text"] for row in rows(first, "part-00000.parquet")
    ]


def test_a_tokenizer_writes_any_text_and_is_made_the_same_twice(bench: Bench, curated: Digest) -> None:
    first, second = (
        bench.run(train_tokenizer, {"documents": curated}, vocabSize=320)["tokenizer"] for _ in range(2)
    )
    assert first.name == second.name
    tokenizer = Tokenizer.from_file(str(first / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == 320
    assert (tokenizer.token_to_id("<eos>"), tokenizer.token_to_id("<pad>")) == (0, 1)
    text = "제1조 (목적) 이 法은 🙂 of\n\t1949."
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_a_vocabulary_that_the_text_cannot_fill_is_an_error(bench: Bench) -> None:
    documents = bench.run(curate, {"documents": bench.tree({"a.txt": sentence(1).encode()})})["documents"]
    with pytest.raises(StageError, match="only enough text"):
        bench.run(train_tokenizer, {"documents": bench.digest_of(documents)}, vocabSize=5000)


def test_transformers_loads_the_tokenizer(bench: Bench, vocabulary: Digest) -> None:
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(bench.store.reader(vocabulary).local())
    assert (loaded.eos_token_id, loaded.pad_token_id) == (0, 1)
    assert loaded.decode(loaded("대한민국 헌법")["input_ids"]) == "대한민국 헌법"


def test_packed_rows_are_the_documents_with_an_end_token_between(
    bench: Bench, curated: Digest, vocabulary: Digest
) -> None:
    out = bench.run(
        tokenize, {"documents": curated, "tokenizer": vocabulary}, sequenceLength=32, heldoutFraction=0
    )["tokens"]
    card = json.loads((out / "tokens.json").read_text())
    train = card["splits"]["train"]
    packed = np.load(out / train["files"][0], mmap_mode="r")
    assert packed.shape == (train["sequences"], 32)
    assert packed.dtype == np.uint16
    assert card["splits"]["heldout"] == {"sequences": 0, "tokens": 0, "files": [], "droppedTokens": 0}
    tokenizer = (bench.store.reader(vocabulary).local() / "tokenizer.json").read_bytes()
    assert card["tokenizerDigest"] == hashlib.sha256(tokenizer).hexdigest()
    assert card["vocabSize"] == 300
    encoder = Tokenizer.from_buffer(tokenizer)
    expected: list[int] = []
    for row in rows(bench.store.reader(curated).local(), "part-00000.parquet"):
        expected += [*encoder.encode(row["text"]).ids, 0]
    flat = packed.reshape(-1).tolist()
    assert flat == expected[: len(flat)]
    assert train["droppedTokens"] == len(expected) - len(flat) < 32


def test_the_same_input_gives_the_same_tokens_and_another_seed_others(
    bench: Bench, curated: Digest, vocabulary: Digest
) -> None:
    inputs = {"documents": curated, "tokenizer": vocabulary}
    outs = [bench.run(tokenize, inputs, sequenceLength=32, seed=seed)["tokens"].name for seed in (0, 0, 1)]
    assert outs[0] == outs[1] != outs[2]


def test_held_out_text_is_a_tenth_and_never_stands_in_training_text(bench: Bench, vocabulary: Digest) -> None:
    files = corpus(80)
    for number in range(0, 80, 2):  # every second text stands in another document too, with other words around it
        files[f"zz/{number}.txt"] = b"\n".join(
            [sentence(9000 + number).encode(), files[f"law/{number:03d}.txt"], sentence(8000 + number).encode()]
        )
    documents = bench.run(curate, {"documents": bench.tree(files)}, nearDuplicate=1.0)["documents"]
    out = bench.run(
        tokenize,
        {"documents": bench.digest_of(documents), "tokenizer": vocabulary},
        sequenceLength=16,
        passageCharacters=300,
    )["tokens"]
    card = json.loads((out / "tokens.json").read_text())
    assert len(rows(documents, "part-00000.parquet")) == 120
    encoder = Tokenizer.from_file(str(bench.store.reader(vocabulary).local() / "tokenizer.json"))
    texts = {}
    for name in ("train", "heldout"):
        flat = np.concatenate([np.load(out / file) for file in card["splits"][name]["files"]]).reshape(-1)
        texts[name] = encoder.decode(flat.tolist(), skip_special_tokens=False).replace("<eos>", "\n")
    lines = [line for line in texts["heldout"].split("\n")[1:-1] if len(line) > 100]
    training = set(texts["train"].split("\n"))
    shared = sum(line in training for line in lines)
    assert len(lines) > 20
    assert shared / len(lines) < 0.15
    share = card["splits"]["heldout"]["tokens"] / sum(split["tokens"] for split in card["splits"].values())
    assert 0.04 < share < 0.12


def test_shards_are_cut_where_they_are_full(bench: Bench, tmp_path: Path) -> None:
    from bongsu_stages.data.packing import Packer

    writer = bench.store.writer("shards")
    packer = Packer(writer, "train", 4, "uint32", shard_bytes=32)
    for start in range(0, 27, 9):
        packer.add(list(range(start, start + 9)))
    packer.close()
    root = bench.store.reader(writer.commit().digest).local()
    assert packer.files == ["train-00000.npy", "train-00001.npy", "train-00002.npy"]
    parts = [np.load(root / name) for name in packer.files]
    assert [len(part) for part in parts] == [2, 2, 2]
    assert np.concatenate(parts).reshape(-1).tolist() == list(range(24))
    assert packer.dropped == 3


def test_documents_are_written_in_parts_and_read_in_order(bench: Bench) -> None:
    from bongsu_stages.data.documents import Document, DocumentWriter, read_documents

    documents = [Document(str(number), sentence(number), "s") for number in range(700)]
    writer = bench.store.writer("parts")
    out = DocumentWriter(writer, part_characters=30_000)
    for document in documents:
        out.add(document)
    out.close()
    reader = bench.store.reader(writer.commit().digest)
    assert len(reader.manifest.files) > 2
    assert list(read_documents(reader, bench.root)) == documents


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"x.bin": b"x"}, "no tokenizer.json"),
        ({"tokenizer.json": b"{}"}, "cannot be read"),
    ],
)
def test_an_unfit_tokenizer_is_an_error(bench: Bench, curated: Digest, files: dict[str, bytes], match: str) -> None:
    with pytest.raises(StageError, match=match):
        bench.run(tokenize, {"documents": curated, "tokenizer": bench.tree(files)})


def test_a_tokenizer_without_end_token_is_an_error(bench: Bench, curated: Digest, vocabulary: Digest) -> None:
    data = (bench.store.reader(vocabulary).local() / "tokenizer.json").read_bytes()
    with pytest.raises(StageError, match="end-of-text"):
        bench.run(tokenize, {"documents": curated, "tokenizer": bench.tree({"tokenizer.json": data})})
    config = json.dumps({"eos_token_id": [0, 1]}).encode()
    tree = bench.tree({"tokenizer.json": data, "config.json": config})
    assert bench.run(tokenize, {"documents": curated, "tokenizer": tree}, sequenceLength=16)["tokens"]


def test_too_little_text_for_one_sequence_is_an_error(bench: Bench, curated: Digest, vocabulary: Digest) -> None:
    with pytest.raises(StageError, match="do not fill one sequence"):
        bench.run(tokenize, {"documents": curated, "tokenizer": vocabulary}, sequenceLength=2**20)
