"""``config.json`` of a model tree, as plain data.

transformers drops what its classes do not know when it saves (``first_k_dense_replace`` and ``moe_layer_freq`` of
A.X K1, which vLLM reads), so what stood in the original stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bongsu.artifacts.base import TreeReader

OF_THE_COPY = frozenset({"_name_or_path", "dtype", "torch_dtype", "transformers_version", "quantization_config"})
"""Facts about one copy of the weights, not about the architecture: never taken over from the original."""


def read_config(source: TreeReader | Path) -> dict[str, Any]:
    """``config.json`` of a tree or a directory. Raises OSError or ``artifact.*`` if it is missing, ValueError if it is
    no JSON."""
    if isinstance(source, Path):
        text = (source / "config.json").read_text(encoding="utf-8")
    else:
        with source.open("config.json") as file:
            text = file.read().decode()
    try:
        config: dict[str, Any] = json.loads(text)
    except RecursionError:
        raise ValueError("config.json is nested too deeply") from None
    return config


def write_config(directory: Path, config: Mapping[str, Any]) -> None:
    text = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (directory / "config.json").write_text(text, encoding="utf-8")


def keep_original_fields(saved: Mapping[str, Any], original: Mapping[str, Any]) -> dict[str, Any]:
    """``saved`` with every field of ``original`` that it lacks, except facts about the copy of the weights."""
    kept = {key: value for key, value in original.items() if key not in saved and key not in OF_THE_COPY}
    return {**saved, **kept}
