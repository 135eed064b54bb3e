from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "support"))


@dataclass(frozen=True)
class Bench:
    """A real store with a small A.X K1 of random weights and text for it; ``few`` has the first four sequences."""

    runner: Any
    model: Any
    sharded: Any
    tokens: Any
    few: Any

    def directory(self, digest: str) -> Path:
        return Path(self.runner.store.reader(digest).local())

    def weights(self, digest: str) -> dict[str, Any]:
        """All tensors of a model tree, as they are on disk."""
        from safetensors.torch import load_file

        files = sorted(self.directory(digest).glob("*.safetensors"))
        return {name: tensor for file in files for name, tensor in load_file(file).items()}

    def json(self, digest: str, name: str) -> Any:
        return json.loads((self.directory(digest) / name).read_text())

    def text(self, rows: int = 8) -> Any:
        """Token ids, int64 ``[rows, length]``."""
        import numpy as np
        import torch

        ids = np.load(self.directory(self.tokens[2]) / "train-00000.npy")[:rows]
        return torch.from_numpy(ids.astype(np.int64))


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    import numpy as np
    import tiny_training as tiny
    import torch
    from stage_runner import StageRunner

    from bongsu.artifacts.local import LocalStore
    from bongsu.domain.artifact import ArtifactType
    from bongsu_stages.models.configuration import read_config
    from bongsu_stages.models.loading import load_model
    from bongsu_stages.models.saving import Origin, save_model

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("compress")
    runner = StageRunner(LocalStore(root / "store"), cpus=1)
    tiny.write_tokenizer(root / "tokenizer")
    tiny.write_model(root / "model", root / "tokenizer")
    model = load_model(root / "model", dtype="stored")
    with torch.no_grad():  # a router with biases, as trained models have
        for layer in model.model.layers[1:]:
            bias = layer.mlp.gate.e_score_correction_bias
            bias.copy_(torch.linspace(-0.02, 0.02, len(bias)))
    config = {**read_config(root / "model"), "first_k_dense_replace": 1, "moe_layer_freq": 1}
    for name, size in (("biased", "5GB"), ("sharded", "60KB")):
        save_model(model, Origin(config, root / "tokenizer"), root / name, shard_size=size)
    tiny.write_tokens(root / "tokens", root / "tokenizer", rows=128)
    shutil.copytree(root / "tokens", root / "few")
    card = json.loads((root / "few" / "tokens.json").read_text())
    card["splits"]["train"] |= {"sequences": 4, "tokens": 128, "files": ["train-00000.npy"]}
    np.save(root / "few" / "train-00000.npy", np.load(root / "tokens" / "train-00000.npy")[:4])
    (root / "few" / "tokens.json").write_text(json.dumps(card))
    yield Bench(
        runner,
        ("base", ArtifactType.MODEL, tiny.commit(runner.store, "model", root / "biased")),
        ("base", ArtifactType.MODEL, tiny.commit(runner.store, "sharded", root / "sharded")),
        ("text", ArtifactType.TOKENS, tiny.commit(runner.store, "tokens", root / "tokens")),
        ("few", ArtifactType.TOKENS, tiny.commit(runner.store, "few", root / "few")),
    )
    torch.set_num_threads(before)
