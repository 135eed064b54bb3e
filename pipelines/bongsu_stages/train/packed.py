"""Training on packed tokens: what train.pretrain and train.continue have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.ids import Digest
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.data.tokens import TokenTree, check_tokens
from bongsu_stages.models.loading import load_model, model_class
from bongsu_stages.models.saving import Origin, save_model
from bongsu_stages.models.sharding import is_sharded, new_sharded, state_in_parts
from bongsu_stages.runtime.context import StageContext
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.batches import PackedData, TrainingData
from bongsu_stages.train.mixture import Mixture
from bongsu_stages.train.objective import CrossEntropy, Objective
from bongsu_stages.train.parallel import shards_of
from bongsu_stages.train.params import TokenTrainingParams
from bongsu_stages.train.recipe import Parts
from bongsu_stages.train.workers import WorkerGroup


@dataclass(frozen=True)
class PackedRecipe:
    """Next-token training of a whole model.

    Attributes:
        tokens: digest and title of each tokens tree.
        config: ``config.json`` of the model.
        start: model tree with the weights to start from; None starts from random ones.
        tokenizer: tree whose tokenizer goes with the model.
    """

    params: TokenTrainingParams
    tokens: tuple[tuple[Digest, str], ...]
    config: Mapping[str, Any]
    start: Digest | None
    tokenizer: Digest

    def build(self, store: ArtifactStore, workers: WorkerGroup) -> nn.Module:
        shards = shards_of(self.params.parallel, workers)
        if self.start is None:
            return self._new(workers, shards)
        model: nn.Module = load_model(
            store.reader(self.start),
            device=workers.device,
            dtype=torch.float32,
            experts_implementation=self.params.experts_implementation,
            shards=shards,
        )
        return model

    def _new(self, workers: WorkerGroup, shards: int) -> nn.Module:
        """Random weights."""
        cls = model_class(dict(self.config))
        config = cls.config_class.from_dict(dict(self.config))
        config._experts_implementation = self.params.experts_implementation
        if shards > 1:
            sharded: nn.Module = new_sharded(cls, config, shards, workers.device, self.params.seed)
            return sharded
        torch.manual_seed(self.params.seed)
        model: nn.Module = cls(config).to(workers.device)
        return model

    def open_data(self, store: ArtifactStore) -> TrainingData:
        trees = [TokenTree(store.reader(digest), title) for digest, title in self.tokens]
        sizes = tuple(tree.sequences("train") for tree in trees)
        mixture = Mixture(sizes, self.params.mixture or tuple(map(float, sizes)), self.params.seed)
        return PackedData(trees, mixture, self.params.sequence_length, self.params.evaluate_sequences)

    def objective(self, store: ArtifactStore, workers: WorkerGroup) -> Objective:
        return CrossEntropy()

    def parts(self, model: Any) -> Parts | None:
        return state_in_parts(model) if is_sharded(model) else None

    def write(self, model: Any, parts: Parts | None, store: ArtifactStore, directory: Path) -> None:
        save_model(model, Origin(self.config, store.reader(self.tokenizer)), directory, parts=parts)


def named_tokens(ctx: StageContext, params: TokenTrainingParams) -> tuple[tuple[Digest, str], ...]:
    """Digest and name of each tokens input. Raises StageError if names or shares do not fit their number."""
    trees = ctx.inputs("tokens")
    for field, given in (("mixture", len(params.mixture)), ("names", len(params.names))):
        if given and given != len(trees):
            raise StageError(
                phrase(
                    N_("{field} has {given} entries for {inputs} tokens inputs."),
                    field=field,
                    given=given,
                    inputs=len(trees),
                ),
                phrase(N_("Give one entry per input, or leave {field} out."), field=field),
            )
    names = params.names or tuple(tree.title for tree in trees)
    return tuple((tree.ref.digest, name) for tree, name in zip(trees, names, strict=True))


def check_inputs(ctx: StageContext, recipe: PackedRecipe) -> None:
    """Raise StageError before any worker starts if the tokens do not fit the model."""
    trees = [TokenTree(ctx.store.reader(digest), title) for digest, title in recipe.tokens]
    with ctx.store.reader(recipe.tokenizer).open("tokenizer.json") as file:
        tokenizer_json = file.read()
    check_tokens(trees, int(recipe.config["vocab_size"]), tokenizer_json)
