"""What is told of a manifest that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it is no manifest"),
        ('{"files": [{"path": "a"}]}', "it is no manifest"),
        ('{"files": []}', "it lists another tree"),
    ],
    ids=["empty", "deep", "list", "half", "other"],
)
def test_a_damaged_manifest_is_told_in_words(tmp_path: Path, content: str, words: str) -> None:
    digest = Digest("sha256-" + "a" * 64)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / f"{digest}.json").write_text(content)
    with pytest.raises(BongsuError) as caught:
        LocalStore(tmp_path).reader(digest)
    (problem,) = caught.value.problems
    assert problem.args["detail"] == words
