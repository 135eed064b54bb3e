"""What somebody starts with: a commented pipeline, and the schema by which an editor helps to write one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bongsu.service.catalogue import InstalledStages
from bongsu.specfile import loads
from bongsu.specfile.schema import pipeline_schema
from bongsu.specfile.starter import starter


def starter_text(file: Path, *, name: str, ministry: str, model: str, dataset: str, language: str = "en") -> str:
    """A pipeline that is right, to be written to ``file``; arguments as of :func:`bongsu.specfile.starter.starter`.

    Raises:
        BongsuError: what is wrong with the pipeline that these arguments make, with its place in it.
    """
    text = starter(name, ministry=ministry, model=model, dataset=dataset, file=str(file), language=language)
    loads(text, str(file), InstalledStages())
    return text


def schema_of_installed_stages() -> dict[str, Any]:
    """The JSON Schema of pipeline files, with the parameters of every stage that is installed."""
    return pipeline_schema(InstalledStages())
