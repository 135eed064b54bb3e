"""Weights in fewer bits, in the compressed-tensors format.

``W4A16``: symmetric int4 in groups along the input dimension, one scale a group. ``FP8``: float8 (e4m3) with one scale
a row; activations are scaled when they are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from bongsu_stages.models.fingerprints import FingerprintOf, bytes_of

INT4_MAX = 7
INT4_MIN = -8
FP8 = torch.float8_e4m3fn
ROWS = 256
# Candidates for clipping: what share of a group's largest value becomes the largest level.
SHRINK = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)


@dataclass(frozen=True)
class Quantised:
    """One quantised weight.

    Attributes:
        entries: what stands for it on disk, by what replaces ``weight`` in its name.
        fingerprint: of the values that levels and scales stand for, in the type of the scales, before packing.
    """

    entries: dict[str, torch.Tensor]
    fingerprint: str


def int4_scales(weight: torch.Tensor, group: int, importance: torch.Tensor | None = None) -> torch.Tensor:
    """Scale of each group, fp32 ``[rows, groups]``, that makes the squared error least among a few clippings.

    Args:
        weight: fp32 ``[rows, columns]``; ``columns`` is a multiple of ``group``.
        group: columns that share a scale.
        importance: fp32 ``[columns]``, weight of each column's error; all equal if left out.
    """
    grouped = weight.reshape(weight.shape[0], -1, group)
    matter = 1.0 if importance is None else importance.reshape(1, -1, group)
    largest = grouped.abs().amax(dim=-1)
    best = torch.full_like(largest, float("inf"))
    chosen = torch.ones_like(largest)
    for shrink in SHRINK:
        scale = (largest * shrink / (INT4_MAX + 0.5)).clamp(min=1e-12).to(torch.bfloat16).float()
        levels = (grouped / scale.unsqueeze(-1)).round().clamp(INT4_MIN, INT4_MAX)
        error = ((levels * scale.unsqueeze(-1) - grouped) ** 2 * matter).sum(dim=-1)
        better = error < best
        best = torch.where(better, error, best)
        chosen = torch.where(better, scale, chosen)
    return chosen


def to_levels(weight: torch.Tensor, scales: torch.Tensor, group: int) -> torch.Tensor:
    """int8 levels ``[rows, columns]`` of a weight under given scales."""
    spread = scales.repeat_interleave(group, dim=1)
    return (weight / spread).round().clamp(INT4_MIN, INT4_MAX).to(torch.int8)


def packed(levels: torch.Tensor, scales: torch.Tensor) -> Quantised:
    """Entries of one quantised weight: eight levels in an int32, bf16 scales, and the true shape."""
    from compressed_tensors.compressors import pack_to_int32

    kept = scales.to(torch.bfloat16)
    entries = {
        "weight_packed": pack_to_int32(levels, 4),
        "weight_scale": kept,
        "weight_shape": torch.tensor(levels.shape, dtype=torch.int64),
    }
    return Quantised(entries, _fingerprint_of_values(levels, kept))


def to_fp8(weight: torch.Tensor) -> Quantised:
    """float8 weight and one bf16 scale a row."""
    limit = torch.finfo(FP8).max
    scale = (weight.abs().amax(dim=1, keepdim=True) / limit).clamp(min=1e-12).to(torch.bfloat16)
    levels = (weight / scale.float()).clamp(-limit, limit).to(FP8)
    return Quantised({"weight": levels, "weight_scale": scale}, _fingerprint_of_values(levels, scale))


def _fingerprint_of_values(levels: torch.Tensor, scales: torch.Tensor) -> str:
    """Of levels times scales ``[rows, groups]`` in the type of the scales; a few rows are in memory at a time."""
    hashed = FingerprintOf(str(scales.dtype).removeprefix("torch."), levels.shape)
    group = levels.shape[1] // scales.shape[1]
    for start in range(0, len(levels), ROWS):
        rows = slice(start, start + ROWS)
        values = levels[rows].float() * scales[rows].float().repeat_interleave(group, dim=1)
        hashed.update(bytes_of(values.to(scales.dtype)))
    return hashed.hexdigest()
