"""Checking a pipeline file on its own: no store, no inputs, nothing heavy to import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bongsu.service.catalogue import InstalledStages
from bongsu.specfile import LoadedPipeline, load


def validate_file(path: Path, overrides: Mapping[str, str] | None = None) -> LoadedPipeline:
    """Check a file without looking for its inputs. Raises BongsuError with everything wrong."""
    return load(path, InstalledStages(), overrides)
