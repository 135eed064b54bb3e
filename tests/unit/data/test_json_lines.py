"""Lines of JSON Lines files, as conversations and questions are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bongsu.artifacts.base import TreeReader
from bongsu.artifacts.local import LocalStore
from bongsu_stages.data import json_lines as module
from bongsu_stages.data.json_lines import json_lines
from bongsu_stages.evaluate.tasks import read_questions
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.examples import read_examples

BREAKS = "가\u2028나\u2029다\u0085라"


def tree(folder: Path, files: dict[str, bytes]) -> TreeReader:
    store = LocalStore(folder / "store")
    writer = store.writer("given")
    for path, data in files.items():
        with writer.create(path) as file:
            file.write(data)
    return store.reader(writer.commit().digest)


def raw(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def question(text: str = "?") -> bytes:
    return raw({"question": text, "choices": ["a", "b"], "answer": 0})


def test_a_line_ends_at_a_line_feed_and_keeps_its_number(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + f"{BREAKS}\r\n\n b\n".encode()
    assert list(json_lines(tree(tmp_path, {"a": data}), "a")) == [(1, BREAKS + "\r"), (3, " b")]


def test_a_line_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="a, line 2 is not UTF-8"):
        list(json_lines(tree(tmp_path, {"a": b"{}\n\xb0\xa1\n"}), "a"))


def test_separators_inside_of_a_string_are_part_of_a_conversation(tmp_path: Path) -> None:
    talk = {"messages": [{"role": "user", "content": BREAKS}, {"role": "assistant", "content": BREAKS}]}
    (example,) = read_examples(tree(tmp_path, {"a.jsonl": raw(talk)}))
    assert [message.content for message in example.messages] == [BREAKS, BREAKS]


def test_separators_inside_of_a_string_are_part_of_a_question(tmp_path: Path) -> None:
    (found,) = read_questions(tree(tmp_path, {"a.jsonl": question(BREAKS)}), 10)["a"]
    assert found.question == BREAKS


def test_a_wrong_question_is_named_by_its_line_in_the_file(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="line 4 is no question"):
        read_questions(tree(tmp_path, {"a.jsonl": question() + b"\n\n\n{\n"}), 10)


def test_two_files_of_questions_with_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"a/law.jsonl and b/law.jsonl would both be .*tasks.law.accuracy"):
        read_questions(tree(tmp_path, {"a/law.jsonl": question(), "b/law.jsonl": question()}), 10)


def test_a_line_that_is_too_long_is_refused_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_LINE", 2**20)
    given = tree(tmp_path, {"a": b"{}\n" + b"x" * (2**20 + 1)})
    with pytest.raises(StageError, match=r"a, line 2 has more than 1 MiB\."):
        list(json_lines(given, "a"))


def test_of_many_questions_evenly_spaced_ones_are_asked(tmp_path: Path) -> None:
    lines = b"".join(
        json.dumps({"question": str(n), "choices": ["a", "b"], "answer": 0}).encode() + b"\n\n" for n in range(9)
    )
    asked = read_questions(tree(tmp_path, {"a.jsonl": lines}), 3)["a"]
    assert [one.question for one in asked] == ["0", "3", "6"]
    assert len(read_questions(tree(tmp_path, {"a.jsonl": lines}), 100)["a"]) == 9
