"""Whether weights are numbers."""

from __future__ import annotations

import torch

# Numbers; asking whether they are finite takes several times their bytes.
_ASKED_AT_ONCE = 32 * 1024


def count_not_finite(values: torch.Tensor) -> int:
    """How many values are infinite or none at all; integers always are numbers."""
    if not values.is_floating_point():
        return 0
    # In pieces: it may be the embeddings, and float8 has to be widened to be asked.
    parts = torch.split(values.flatten(), _ASKED_AT_ONCE)
    pieces = (part if part.dtype.itemsize > 1 else part.float() for part in parts)
    return sum(int((~torch.isfinite(piece)).sum()) for piece in pieces)
