from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_bench import Bench

from bongsu.domain.attempt import FailureReason
from bongsu.domain.problems import BongsuError
from bongsu_stages.data.curate import curate
from bongsu_stages.runtime.attempt import failure_of


def test_ray_data_gives_the_same_bytes_as_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONGSU_MASKING_KEY", "a secret of the ministry")
    bench = Bench(tmp_path)
    texts = [
        f"제{number}조 이 법은 {'가나다라마바사'[number % 7] * 50} 연락처 010-1234-{number:04d}"
        for number in range(300)
    ]
    files = {
        "a.jsonl": "\n".join(json.dumps({"text": text}) for text in texts[:200]).encode() + b"\n{broken\n",
        "b.txt": "\n".join(texts[200:]).encode("cp949"),
        "c.bin": b"\x00",
    }
    tree = bench.tree(files)
    here = bench.run(curate, {"documents": tree}, dropNearDuplicates=False)["documents"]
    spread = bench.run(curate, {"documents": tree}, dropNearDuplicates=False, rayAboveMegabytes=0)["documents"]
    assert here.name == spread.name
    card = json.loads((spread / "card.json").read_text())
    assert card["masked"] == {"phone": 300}
    assert card["dropped"] == {"broken-line": 1, "unsupported-format": 1}


def test_what_a_task_of_ray_finds_damaged_is_told_as_damaged(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    tree = bench.tree({"a.txt": ("이 법은 국가의 안전을 보장한다. " * 40).encode()})
    file = bench.store.reader(tree).local() / "a.txt"
    data = bytearray(file.read_bytes())
    data[10] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)
    with pytest.raises(BongsuError, match=r"artifact\.corrupt") as raised:
        bench.run(curate, {"documents": tree}, rayAboveMegabytes=0)
    assert failure_of(raised.value).reason is FailureReason.INPUT_CORRUPT
