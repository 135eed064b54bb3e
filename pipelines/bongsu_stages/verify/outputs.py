"""What a model says: compared between one reading of its bytes and another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bongsu_stages.verify.params import GENERATED, MAX_LOGITS

if TYPE_CHECKING:
    from bongsu_stages.models.placement import Room


@dataclass(frozen=True)
class Outputs:
    """Attributes:
    logits: float32 of shape ``[sequences, length, vocabulary]`` for the first few sequences.
    loss: mean negative log-likelihood over all sequences, nats per token.
    generated: greedy continuation of the first sequence's beginning.
    missing, unexpected: weights that loading did not find, or did not know.
    state: fingerprints of the state dict as it was loaded, if they were asked for.
    """

    logits: np.ndarray[Any, Any]
    loss: float
    generated: tuple[int, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    state: Mapping[str, str] = field(default_factory=dict)


@torch.inference_mode()
def outputs_of(
    directory: Path,
    sequences: np.ndarray[Any, Any],
    room: Room,
    *,
    with_state: bool = False,
    rounding: Mapping[str, Any] | None = None,
) -> Outputs:
    """Load the tree with transformers and run it on ``sequences`` (int64 ``[count, length]``).

    Args:
        rounding: ``config.json`` of the model for which plain weights stand, if activations are rounded as it says.
    """
    from bongsu_stages.evaluate.likelihood import sequence_losses
    from bongsu_stages.models.activations import round_activations
    from bongsu_stages.models.device import pick_device
    from bongsu_stages.models.fingerprints import fingerprints_of
    from bongsu_stages.models.loading import bytes_in_memory, read_model, with_adapter
    from bongsu_stages.models.placement import input_device, state_of

    # In the type of the files: both readings then round what they unpack to the same numbers, and a difference is a
    # difference of bytes. In fp32, loaders round some weights and not others, and experts near a tie change places.
    spread = None if room.has_place_for(bytes_in_memory(directory, "auto")) else room
    model, report = read_model(directory, dtype="auto", spread=spread)
    state = fingerprints_of(state_of(model)) if with_state else {}
    if spread is None:
        model.to(pick_device())
    if rounding is not None:
        round_activations(model, rounding)
    model = with_adapter(model, directory).eval()
    losses, counts = sequence_losses(model, sequences, micro_batch=8)
    first = torch.from_numpy(sequences[:MAX_LOGITS]).to(input_device(model))
    logits = model(input_ids=first, use_cache=False).logits.float().cpu().numpy()
    return Outputs(
        logits,
        sum(losses) / sum(counts),
        greedy(model, first[:1, : max(1, first.shape[1] // 2)]),
        tuple(sorted(report["missing_keys"])),
        tuple(sorted(report["unexpected_keys"])),
        state,
    )


def greedy(model: Any, prompt: torch.Tensor) -> tuple[int, ...]:
    """The most likely continuation, token by token, without a cache (so that nothing but the weights matters)."""
    ids = prompt
    for _ in range(GENERATED):
        token = model(input_ids=ids, use_cache=False).logits[:, -1:].argmax(-1).to(ids.device)
        ids = torch.cat([ids, token], dim=1)
    return tuple(ids[0, prompt.shape[1] :].tolist())
