"""Beside the weights: the files of a model tree that compression passes on, and its configuration."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any

from bongsu.artifacts.base import TreeReader, TreeWriter
from bongsu_stages.models.fingerprints import FINGERPRINTS, Fingerprints
from bongsu_stages.models.mlmodel import TOKENIZER_FILES, write_mlmodel


def write_fingerprints(writer: TreeWriter, entries: Mapping[str, str]) -> None:
    """Keep what the weights were when they passed through memory."""
    with writer.create(FINGERPRINTS) as file:
        file.write(Fingerprints(entries=dict(entries)).encode())


def pass_on(tree: TreeReader, writer: TreeWriter, config: Mapping[str, Any]) -> None:
    """Write ``config.json``, the tokenizer, ``generation_config.json`` and ``MLmodel`` of the new tree."""
    text = json.dumps(dict(config), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (writer.directory / "config.json").write_text(text)
    paths = {entry.path for entry in tree.manifest.files}
    if "generation_config.json" in paths:
        with tree.open("generation_config.json") as source, writer.create("generation_config.json") as target:
            shutil.copyfileobj(source, target)
    for name in TOKENIZER_FILES:
        if name in paths:
            with tree.open(name) as source, (writer.directory / name).open("wb") as target:
                shutil.copyfileobj(source, target)
    write_mlmodel(writer.directory)
