"""Distillation as a kind of training: the recipe behind ``compress.distill``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.ids import Digest
from bongsu_stages.compress.distill_params import DistillParams
from bongsu_stages.models.device import compute_dtype
from bongsu_stages.models.loading import load_model
from bongsu_stages.train.batches import TrainingData
from bongsu_stages.train.objective import Distillation, Objective
from bongsu_stages.train.packed import PackedRecipe
from bongsu_stages.train.parallel import shards_of
from bongsu_stages.train.recipe import Parts
from bongsu_stages.train.workers import WorkerGroup


@dataclass(frozen=True)
class DistillRecipe:
    """The student is trained as any model on packed tokens; only what is minimised differs.

    Attributes:
        student: recipe of the student and its data.
        teacher: digest of the teacher's tree.
    """

    student: PackedRecipe
    params: DistillParams
    teacher: Digest

    def build(self, store: ArtifactStore, workers: WorkerGroup) -> nn.Module:
        return self.student.build(store, workers)

    def open_data(self, store: ArtifactStore) -> TrainingData:
        return self.student.open_data(store)

    def objective(self, store: ArtifactStore, workers: WorkerGroup) -> Objective:
        dtype = compute_dtype(workers.device, self.params.precision)
        teacher: Any = load_model(
            store.reader(self.teacher),
            device=workers.device,
            dtype=dtype,
            experts_implementation=self.params.experts_implementation,
            shards=shards_of(self.params.parallel, workers),
        )
        teacher.requires_grad_(False)
        return Distillation(teacher, self.params.temperature, self.params.alpha, dtype)

    def parts(self, model: Any) -> Parts | None:
        return self.student.parts(model)

    def write(self, model: Any, parts: Parts | None, store: ArtifactStore, directory: Path) -> None:
        self.student.write(model, parts, store, directory)
