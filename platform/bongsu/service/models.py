"""Registered models."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.service.platform import Platform
from bongsu.store import models
from bongsu.store.records import ModelVersionRecord


@dataclass(frozen=True)
class ModelVersion:
    """A registered model: which bytes, from which stage, and where to look at it.

    Attributes:
        title: of the stage that made it.
        metrics: by name, from its evaluations.
        link: address for an MLflow client.
        created_at: seconds since the epoch.
        aliases: names that stand for this version.
    """

    name: str
    version: int
    digest: Digest
    label: str
    use_class: str
    ministry: str
    run_id: RunId
    stage_id: StageId
    title: str
    metrics: dict[str, float]
    link: str
    created_at: float
    aliases: tuple[str, ...] = ()


def model_version(record: ModelVersionRecord) -> ModelVersion:
    """What the store has of a version, for those who look at it."""
    return ModelVersion(**vars(record))


def list_models(platform: Platform, name: str | None = None) -> list[ModelVersion]:
    """By name, newest version first."""
    with platform.database.read() as connection:
        return [model_version(record) for record in models.list_versions(connection, name)]


def get_model(platform: Platform, reference: str) -> ModelVersion:
    """``NAME@3``, ``NAME/3``, ``NAME@alias``, or ``NAME`` for its newest version. Raises ``run.unknown-model``."""
    with platform.database.read() as connection:
        return model_version(models.find_version(connection, reference))
