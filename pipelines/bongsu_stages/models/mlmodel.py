"""The ``MLmodel`` file that lets a plain MLflow client load a model tree as it lies.

MLflow's ``transformers`` flavor expects weights under ``model_binary`` and the tokenizer under
``components/tokenizer``. Weights stay at the root of the tree (``model_binary: .``), so nothing of size is
stored twice; the tokenizer's small files are copied. Nothing here depends on the time or the machine: the
same model gives the same bytes, and so the same digest.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

ADAPTER = "adapter"
"""Folder of a model tree that holds a low-rank adapter which is not merged into the weights."""
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")

# The oldest release in which the A.X K1 and K2 classes and the compressed-tensors loader used here exist.
REQUIREMENTS = ("torch>=2.9", "transformers>=5.17", "compressed-tensors>=0.20", "accelerate>=1.10")


def write_mlmodel(directory: Path) -> None:
    """Add ``MLmodel``, ``requirements.txt``, ``python_env.yaml`` and ``components/tokenizer`` to a model tree.

    Args:
        directory: holds ``config.json`` (with ``architectures``) and the tokenizer's files. A model without a
            tokenizer gets the ``transformers`` flavor without the tokenizer component.

    Raises:
        OSError: a file cannot be read or written.
        KeyError: ``config.json`` names no architecture.
    """
    config = json.loads((directory / "config.json").read_bytes())
    component = tokenizer_component(name for name in TOKENIZER_FILES if (directory / name).is_file())
    for name, place in component.items():
        (directory / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(directory / name, directory / place)
    for name, data in mlmodel_files(config, bool(component)).items():
        (directory / name).write_bytes(data)


def mlmodel_files(config: Mapping[str, Any], has_tokenizer: bool) -> dict[str, bytes]:
    """``MLmodel``, ``requirements.txt`` and ``python_env.yaml`` of a model with this configuration.

    Raises:
        KeyError: it names no architecture.
    """
    environment = {"python": "3.11", "dependencies": ["-r requirements.txt"]}
    return {
        "MLmodel": yaml.safe_dump(describe(config, has_tokenizer), sort_keys=True).encode(),
        "requirements.txt": ("\n".join(REQUIREMENTS) + "\n").encode(),
        "python_env.yaml": yaml.safe_dump(environment).encode(),
    }


def tokenizer_component(paths: Iterable[str]) -> dict[str, str]:
    """Where copies of the tokenizer's files among ``paths`` lie for MLflow; empty if they are no tokenizer."""
    present = set(paths).intersection(TOKENIZER_FILES)
    return {name: f"components/tokenizer/{name}" for name in sorted(present)} if "tokenizer.json" in present else {}


def describe(config: Mapping[str, Any], has_tokenizer: bool) -> dict[str, Any]:
    """Content of ``MLmodel`` for a causal language model with this configuration."""
    transformers: dict[str, Any] = {
        "framework": "pt",
        "instance_type": "TextGenerationPipeline",
        "model_binary": ".",
        "pipeline_model_type": config["architectures"][0],
        "source_model_name": config.get("model_type", "model"),
        "task": "text-generation",
        "torch_dtype": f"torch.{config.get('dtype') or config.get('torch_dtype') or 'bfloat16'}",
    }
    if has_tokenizer:
        transformers |= {
            "components": ["tokenizer"],
            "tokenizer_name": transformers["source_model_name"],
            "tokenizer_type": "PreTrainedTokenizerFast",
        }
    python_function = {
        "data": ".",
        "env": {"virtualenv": "python_env.yaml"},
        "loader_module": "mlflow.transformers",
        "model_binary": ".",
        "python_version": "3.11",
    }
    return {"flavors": {"python_function": python_function, "transformers": transformers}}
