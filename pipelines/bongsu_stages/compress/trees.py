"""Beside the weights: the files of a model tree that compression passes on, and its configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bongsu.artifacts.base import TreeReader, TreeWriter
from bongsu.artifacts.writing import copy_file, write_bytes
from bongsu_stages.models.fingerprints import FINGERPRINTS, Fingerprints
from bongsu_stages.models.mlmodel import TOKENIZER_FILES, mlmodel_files, tokenizer_component


def write_fingerprints(writer: TreeWriter, entries: Mapping[str, str]) -> None:
    """Keep what the weights were when they passed through memory."""
    write_bytes(writer, FINGERPRINTS, Fingerprints(entries=dict(entries)).encode())


def pass_on(tree: TreeReader, writer: TreeWriter, config: Mapping[str, Any]) -> None:
    """Write ``config.json``, the tokenizer, ``generation_config.json`` and ``MLmodel`` of the new tree."""
    text = json.dumps(dict(config), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_bytes(writer, "config.json", text.encode())
    paths = {entry.path for entry in tree.manifest.files}
    for name in sorted(paths.intersection(("generation_config.json", *TOKENIZER_FILES))):
        copy_file(tree, writer, name)
    component = tokenizer_component(paths)
    for name, place in component.items():
        copy_file(tree, writer, name, place)
    for name, data in mlmodel_files(config, bool(component)).items():
        write_bytes(writer, name, data)
