"""Stopping a run whose numbers have become none, before they reach a weight or a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.stage import StageError

MOST_OVERFLOWS = 30
"""Steps in a row that fp16 may lose while its loss scale halves; from 2^16 the scale is below 1e-4 by then."""
_FIX = N_(
    "Lower learningRate, raise warmupSteps, set clipNorm, or compute in bf16 or fp32 (precision); another attempt "
    "would come to the same."
)


class DivergenceGuard:
    """Looks at the figures of each step before its update is made.

    Args:
        scaled: the loss is scaled for fp16, so that single gradients may overflow; such a step changes nothing.
    """

    def __init__(self, scaled: bool) -> None:
        self._scaled = scaled
        self._overflows = 0

    def check(self, step: int, loss: float, norm: float) -> None:
        """``step`` counts from 1; ``loss`` and ``norm`` (of the gradient) are those of all workers.

        Raises StageError at the first that is no finite number. The weights are then those of the step before.
        """
        if not math.isfinite(loss):
            broken = N_("Or the model that training starts from is broken.")
            fix = phrase("{fix} {broken}", fix=phrase(_FIX), broken=phrase(broken)) if step == 1 else _FIX
            raise StageError(phrase(N_("The loss is {loss} at step {step}."), loss=loss, step=step), fix)
        if math.isfinite(norm):
            self._overflows = 0
            return
        self._overflows += 1
        if not self._scaled or self._overflows > MOST_OVERFLOWS:
            raise StageError(
                phrase(N_("The norm of the gradient is {norm} at step {step}."), norm=norm, step=step), _FIX
            )


@torch.no_grad()
def check_model(model: torch.nn.Module, step: int) -> None:
    """As :func:`check_weights`, of everything that is saved of a model: what no optimizer holds, too."""
    for tensor in (*model.parameters(), *model.buffers()):
        here = tensor.to_local() if hasattr(tensor, "to_local") else tensor
        # torch does not say of numbers of one byte whether they are finite.
        if here.is_floating_point() and here.dtype.itemsize > 1 and not bool(torch.isfinite(here).all()):
            raise _not_finite(step)


@torch.no_grad()
def check_weights(weights: Iterable[torch.Tensor], step: int) -> None:
    """Raise StageError if a weight is no finite number after ``step`` steps. Every worker calls it."""
    norm = torch.nn.utils.get_total_norm(list(weights), norm_type=math.inf)
    whole = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
    if not math.isfinite(float(whole)):
        raise _not_finite(step)


def _not_finite(step: int) -> StageError:
    if step == 0:
        return StageError(
            N_("The model that training starts from has a weight that is no finite number."),
            N_("Take another base model, or make this one again: `bongsu lineage` tells where it comes from."),
        )
    return StageError(
        phrase(N_("A weight is no finite number after step {step}; nothing of it was saved."), step=step), _FIX
    )
