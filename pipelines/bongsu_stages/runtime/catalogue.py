"""Installed stages, found by the entry-point group ``bongsu.stages``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from bongsu_stages.runtime.stage import StageDefinition

GROUP = "bongsu.stages"


@cache
def load_stage(name: str) -> StageDefinition:
    """The stage registered under ``name``. Raises LookupError if none is, TypeError if it is something else."""
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise LookupError(f"no stage named {name} is installed")
    definition = next(iter(found)).load()
    if not isinstance(definition, StageDefinition):
        raise TypeError(f"the entry point {name} in {GROUP} is not made with @stage")
    return definition
