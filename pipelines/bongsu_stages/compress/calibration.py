"""Calibration text: sequences from tokens inputs, the same for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bongsu.domain.messages import N_
from bongsu_stages.data.tokens import Rows, TokenTree, take_evenly
from bongsu_stages.runtime.stage import StageError

if TYPE_CHECKING:
    import torch

    from bongsu_stages.runtime.context import StageContext


def calibration_tokens(ctx: StageContext, count: int, seed: int) -> torch.Tensor:
    """About ``count`` training sequences, equally many of each input: int64 ``[sequences, length]``.

    Raises StageError if there is none.
    """
    import torch

    def pick(number: int, available: int, share: int) -> Rows:
        return np.sort(np.random.default_rng([seed, number]).permutation(available)[:share])

    trees = [TokenTree(tree.reader, tree.title) for tree in ctx.inputs("calibration")]
    sequences = take_evenly(trees, "train", count, pick)
    if not len(sequences):
        raise StageError(N_("There is no sequence to calibrate on."), N_("Give tokens with a train part."))
    return torch.from_numpy(sequences)
