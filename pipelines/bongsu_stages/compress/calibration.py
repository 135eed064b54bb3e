"""Calibration text: sequences from tokens inputs, the same for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.tokens import TokenTree

if TYPE_CHECKING:
    import torch

    from bongsu_stages.runtime.context import StageContext


def calibration_tokens(ctx: StageContext, count: int, seed: int) -> torch.Tensor:
    """About ``count`` training sequences, equally many of each input: int64 ``[sequences, length]``.

    Raises StageError if there is none.
    """
    import torch

    trees = [TokenTree(tree.reader, tree.title) for tree in ctx.inputs("calibration")]
    share = max(1, count // max(1, len(trees)))
    parts = []
    for number, tree in enumerate(trees):
        available = tree.sequences("train")
        chosen = np.random.default_rng([seed, number]).permutation(available)[:share]
        parts.append(tree.take("train", np.sort(chosen)))
    parts = [part for part in parts if len(part)]
    if not parts:
        raise StageError("There is no sequence to calibrate on.", "Give tokens with a train part.")
    length = min(part.shape[1] for part in parts)
    return torch.from_numpy(np.concatenate([part[:, :length] for part in parts]))
