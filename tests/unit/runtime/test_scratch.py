"""Where processes of an attempt put what is not finished."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import pytest

from bongsu_stages.runtime.scratch import Scratch


def test_what_is_not_finished_lies_where_the_executor_clears_it(tmp_path: Path) -> None:
    scratch = pickle.loads(pickle.dumps(Scratch(tmp_path, "r-1-adapt-0")))
    with scratch.folder("checkpoint") as folder:
        assert folder.parent == tmp_path
        (folder / "weights").write_bytes(b"1")
    assert not any(tmp_path.iterdir())


def test_a_machine_without_the_attempts_directory_names_the_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Scratch(tmp_path / "of-another-machine", "r-1-adapt-0").folder("model") as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith("r-1-adapt-0-model-")
    assert not any(tmp_path.iterdir())
