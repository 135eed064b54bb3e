from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "support"))


@dataclass(frozen=True)
class Inputs:
    """Digests of the inputs that the tests share, and the store that holds them."""

    store: object
    tokenizer: str
    model: str
    tokens: tuple[str, str]


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    import tiny_training as tiny

    from bongsu.artifacts.local import LocalStore

    root = tmp_path_factory.mktemp("training")
    store = LocalStore(root / "store")
    tiny.write_tokenizer(root / "tokenizer")
    tiny.write_model(root / "model", root / "tokenizer")
    for index, seed in enumerate((1, 2)):
        tiny.write_tokens(root / f"tokens-{index}", root / "tokenizer", seed=seed)
    return Inputs(
        store,
        tiny.commit(store, "tokenizer", root / "tokenizer"),
        tiny.commit(store, "model", root / "model"),
        (tiny.commit(store, "tokens-0", root / "tokens-0"), tiny.commit(store, "tokens-1", root / "tokens-1")),
    )
