"""Installed stages, found by the entry-point group ``bongsu.stages``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from bongsu.domain.entry_points import STAGES
from bongsu_stages.runtime.stage import StageDefinition


@cache
def load_stage(name: str) -> StageDefinition:
    """The stage registered under ``name``. Raises LookupError if none is, TypeError if it is something else."""
    definition = entry_of(name).load()
    if not isinstance(definition, StageDefinition):
        raise TypeError(f"the entry point {name} in {STAGES} is not made with @stage")
    # What was imported now is what this process will run, whatever becomes of the files later.
    _ = definition.signature.code
    return definition


def entry_of(name: str) -> EntryPoint:
    """Where the stage ``name`` is defined. Raises LookupError if none of that name is installed."""
    found = entry_points(group=STAGES, name=name)
    if not found:
        raise LookupError(f"no stage named {name} is installed")
    return next(iter(found))
