"""What somebody starts with: a commented pipeline, and the schema by which an editor helps to write one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bongsu.service.catalogue import InstalledStages
from bongsu.specfile import loads
from bongsu.specfile.schema import pipeline_schema
from bongsu.specfile.starter import DEFAULT_MODEL, starter

UNKNOWN_MODEL = DEFAULT_MODEL
"""What stands in the starter where no model is near."""


def starter_text(file: Path, *, name: str, ministry: str, model: str, dataset: str, language: str = "en") -> str:
    """A pipeline that is right, to be written to ``file``; arguments as of :func:`bongsu.specfile.starter.starter`.

    Raises:
        BongsuError: what is wrong with the pipeline that these arguments make, with its place in it.
    """
    text = starter(name, ministry=ministry, model=model, dataset=dataset, file=str(file), language=language)
    loads(text, str(file), InstalledStages())
    return text


def near_model(file: Path) -> str | None:
    """Address of the nano model in the folder of a pipeline ``file`` or in one above it; None if it is not there."""
    here = file.absolute().parent
    for folder in (here, *here.parents):
        for inside in ("assets/axk1-nano", "pipelines/assets/axk1-nano"):
            if (folder / inside / "config.json").is_file():
                return f"file:{os.path.relpath(folder / inside, here)}"
    return None


def as_written_in(file: Path, address: str) -> str:
    """An address as it is written in ``file``: a path that is relative to the current folder becomes relative to the
    file's, from where it will be looked for."""
    scheme, _, rest = address.partition(":")
    if scheme != "file" or not rest or Path(rest).is_absolute() or not Path(rest).exists():
        return address
    return f"file:{os.path.relpath(rest, file.absolute().parent)}"


def schema_of_installed_stages() -> dict[str, Any]:
    """The JSON Schema of pipeline files, with the parameters of every stage that is installed."""
    return pipeline_schema(InstalledStages())
