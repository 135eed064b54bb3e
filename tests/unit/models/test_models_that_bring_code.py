"""A model that brings code: nothing of it runs when the model is read."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from transformers import LlamaConfig

from bongsu_stages.models.loading import read_model

_SIZES = {
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "vocab_size": 8,
}


class _Planted:
    """What a pickle does when it is read."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._mark),)


def test_a_pickle_in_place_of_weights_is_not_run(tmp_path: Path) -> None:
    LlamaConfig(**_SIZES, architectures=["LlamaForCausalLM"]).save_pretrained(tmp_path)
    mark = tmp_path / "it-ran"
    with (tmp_path / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"lm_head.weight": _Planted(mark)}, file, protocol=2)
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        read_model(tmp_path, dtype="auto")
    assert not mark.exists()


def test_code_beside_a_model_is_not_imported(tmp_path: Path) -> None:
    LlamaConfig(**_SIZES, architectures=["LlamaForCausalLM"]).save_pretrained(tmp_path)
    mark = tmp_path / "it-ran"
    (tmp_path / "planted.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Planted: pass\n")
    config = json.loads((tmp_path / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "planted.Planted", "AutoModelForCausalLM": "planted.Planted"}
    config["model_type"] = "planted"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(OSError, match=r"no file named"):  # it has no weights, and it is Llama all the same
        read_model(tmp_path, dtype="auto")
    assert not mark.exists()
