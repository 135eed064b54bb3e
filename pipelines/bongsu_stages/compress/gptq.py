"""GPTQ (Frantar et al., arXiv 2210.17323): columns are rounded one after another, and the error of each is passed on
to those that are still to come, by the inverse of the input's second moments.
"""

from __future__ import annotations

import torch

from bongsu_stages.compress.rounding import INT4_MAX, INT4_MIN, int4_scales

DAMPING = 0.01
BLOCK = 128


def second_moments(inputs: torch.Tensor) -> torch.Tensor:
    """``2 X^T X`` of inputs ``[tokens, columns]``, fp32 ``[columns, columns]``."""
    rows = inputs.float()
    return 2.0 * rows.T @ rows


def gptq_levels(weight: torch.Tensor, moments: torch.Tensor, group: int) -> tuple[torch.Tensor, torch.Tensor]:
    """int8 levels ``[rows, columns]`` and fp32 scales ``[rows, groups]``.

    Args:
        weight: fp32 ``[rows, columns]``.
        moments: :func:`second_moments` of what the layer was given, on the same device.
        group: columns that share a scale.

    Raises:
        torch.linalg.LinAlgError: the moments cannot be inverted even when damped.
    """
    rest = weight.clone()
    moments = moments.clone()
    dead = moments.diagonal() == 0
    moments.diagonal()[dead] = 1.0
    rest[:, dead] = 0.0
    scales = int4_scales(rest, group, moments.diagonal())
    moments.diagonal().add_(DAMPING * moments.diagonal().mean())
    upper = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(moments)), upper=True)
    levels = torch.zeros_like(weight, dtype=torch.int8)
    for start in range(0, weight.shape[1], BLOCK):
        end = min(start + BLOCK, weight.shape[1])
        errors = torch.zeros(weight.shape[0], end - start, device=weight.device)
        for column in range(start, end):
            scale = scales[:, column // group]
            level = (rest[:, column] / scale).round().clamp(INT4_MIN, INT4_MAX)
            levels[:, column] = level.to(torch.int8)
            error = (rest[:, column] - level * scale) / upper[column, column]
            rest[:, column:end] -= error[:, None] * upper[column, column:end][None, :]
            errors[:, column - start] = error
        rest[:, end:] -= errors @ upper[start:end, end:]
    return levels, scales
