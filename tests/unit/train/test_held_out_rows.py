"""Which rows a figure is measured on: spread over the corpus, and the same for training, evaluation and the gate."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.artifacts.local import LocalStore
from bongsu_stages.data.tokens import TokenTree, evenly
from bongsu_stages.evaluate.perplexity import PerplexityParams, texts_of
from bongsu_stages.runtime.context import StageContext
from bongsu_stages.train.batches import HeldOutTokens
from bongsu_stages.verify.gate import sequences_of

ROWS = 2000


@given(st.integers(0, 10**9), st.integers(1, 5000))
def test_rows_are_as_far_from_each_other_as_they_can_be(available: int, count: int) -> None:
    rows = evenly(available, count)
    assert len(rows) == min(available, count)
    assert np.array_equal(rows, np.unique(rows))
    if len(rows):
        gaps = np.diff([*rows, available])
        assert rows[0] == 0
        assert gaps.max() - gaps.min() <= 1


@pytest.fixture
def context(tmp_path: Path) -> Any:
    """Of a stage whose text has two documents: all of the first's rows are 0, all of the second's are 1."""
    tree = tmp_path / "tokens"
    tree.mkdir()
    ids = np.repeat(np.arange(2, dtype=np.uint16), ROWS // 2)[:, None] * np.ones((1, 8), np.uint16)
    np.save(tree / "heldout-00000.npy", ids)
    part = {"sequences": ROWS, "tokens": ids.size, "files": ["heldout-00000.npy"]}
    card = {"sequenceLength": 8, "vocabSize": 2, "splits": {"heldout": part}}
    (tree / "tokens.json").write_text(json.dumps(card))
    store = LocalStore(tmp_path / "store")
    writer = store.writer("tokens")
    writer.add_tree(tree)
    reader = store.reader(writer.commit().digest)
    return SimpleNamespace(inputs=lambda _port: [SimpleNamespace(title="law", reader=reader)])


def test_training_evaluation_and_the_gate_measure_on_the_same_rows_of_all_documents(context: StageContext) -> None:
    measured = texts_of(context, PerplexityParams(max_sequences=512))["law"]
    (given,) = context.inputs("tokens")
    tree = TokenTree(given.reader, "law")
    gate = sequences_of([tree], 512)
    batches = HeldOutTokens(tree, None, 512).batches(64, 0, 1)
    trained = np.concatenate([batch.input_ids.numpy() for batch in batches])
    assert measured.mean() == 0.5
    assert np.array_equal(measured, gate)
    assert np.array_equal(measured, trained)
