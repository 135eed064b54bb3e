"""Registered models."""

from __future__ import annotations

from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.service.platform import Platform
from bongsu.store import models
from bongsu.store.records import ModelVersionRecord

# A registered version as the store has it: there is nothing to add for those who look at it.
ModelVersion = ModelVersionRecord


def list_models(platform: Platform, name: str | None = None, wanted: PageRequest = WHOLE) -> list[ModelVersion]:
    """By name, newest version first; of one's own ministry. Others': :mod:`bongsu.service.sharing`."""
    with platform.read() as connection:
        return models.list_versions(connection, name, wanted)


def show_model(platform: Platform, name: str, which: str) -> ModelVersion:
    """One version of a model of one's own ministry, by its number or an alias. Raises ``run.unknown-model``."""
    with platform.read() as connection:
        return models.find_version(connection, f"{name}@{which}")
