"""What one kind of training is, apart from the loop that all kinds share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from bongsu.artifacts.base import ArtifactStore
from bongsu_stages.train.batches import TrainingData
from bongsu_stages.train.objective import Objective
from bongsu_stages.train.params import TrainingParams
from bongsu_stages.train.workers import WorkerGroup

Parts = Iterable[Mapping[str, torch.Tensor]]


class Recipe(Protocol):
    """Travels to every worker (it is pickled), and there builds the model and opens the data.

    ``store`` is the artifact store as that worker sees it.
    """

    @property
    def params(self) -> TrainingParams: ...

    def build(self, store: ArtifactStore, workers: WorkerGroup) -> nn.Module:
        """The model to train, in fp32 on the worker's device, frozen where it must be; sharded if the
        parameters ask for it. The same weights on every worker."""
        ...

    def open_data(self, store: ArtifactStore) -> TrainingData: ...

    def objective(self, store: ArtifactStore, workers: WorkerGroup) -> Objective:
        """What is minimised."""
        ...

    def parts(self, model: Any) -> Parts | None:
        """Of a sharded model, the weights to write, part by part; one part is in memory at a time. Every worker takes
        all of them, for each holds its share of each. None where the first worker has all that :meth:`write` needs."""
        ...

    def write(self, model: Any, parts: Parts | None, store: ArtifactStore, directory: Path) -> None:
        """Write the model tree; the first worker alone calls this.

        Args:
            model: what :meth:`build` returned, trained; if sharded, its own weights are only its share.
            parts: what :meth:`parts` returned here.
        """
        ...
