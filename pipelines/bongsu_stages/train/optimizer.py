"""AdamW over what may be trained: decay for matrices, none for norms; frozen weights left out."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch
from torch import nn

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.params import TrainingParams

BETAS = (0.9, 0.95)


# The indexer of A.X K2 chooses tokens without gradients (transformers' AXK2Indexer), so nothing reaches its weights.
# An optimizer would have no moments of them to save, and workers would wait for gradients that never come.
_UNREACHED = "*.indexer.*"


def freeze(model: nn.Module, patterns: Sequence[str]) -> None:
    """Stop the training of weights whose name matches a shell pattern, and of those that no gradient reaches.

    Raises StageError for a pattern that fits none.
    """
    names = dict(model.named_parameters())
    for name, weight in names.items():
        if fnmatchcase(name, _UNREACHED):
            weight.requires_grad_(False)
    for pattern in patterns:
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            raise StageError(
                phrase(N_("The freeze pattern {pattern} matches no weight."), pattern=pattern),
                phrase(N_("Names look like {example}; * stands for any characters."), example=next(iter(names))),
            )
        for name in matching:
            names[name].requires_grad_(False)


def make_optimizer(model: nn.Module, params: TrainingParams) -> torch.optim.AdamW:
    """AdamW for the weights of ``model`` that have gradients. Raises StageError if none has."""
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    if not trainable:
        raise StageError(N_("Every weight is frozen."), N_("Take a pattern out of freeze."))
    matrices = [weight for weight in trainable if weight.ndim >= 2]
    vectors = [weight for weight in trainable if weight.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": params.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    fused = params.parallel == "replicate" or trainable[0].device.type == "cuda"
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=params.learning_rate, betas=BETAS, fused=fused
    )
