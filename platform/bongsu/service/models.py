"""Registered models."""

from __future__ import annotations

from bongsu.service.platform import Platform
from bongsu.store import models
from bongsu.store.records import ModelVersionRecord


def list_models(platform: Platform, name: str | None = None) -> list[ModelVersionRecord]:
    """By name, newest version first."""
    with platform.database.read() as connection:
        return models.list_versions(connection, name)


def get_model(platform: Platform, reference: str) -> ModelVersionRecord:
    """``NAME@3``, ``NAME/3``, ``NAME@alias``, or ``NAME`` for its newest version. Raises ``run.unknown-model``."""
    with platform.database.read() as connection:
        return models.find_version(connection, reference)
