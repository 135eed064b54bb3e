"""Timing a model's forward passes."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any

import torch

from bongsu_stages.evaluate.speed_params import READING, WRITING, SpeedParams
from bongsu_stages.models.placement import input_device

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def machine() -> dict[str, str]:
    """Where it was measured."""
    on_gpu = torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if on_gpu else f"cpu ({platform.machine()})",
        "threads": str(torch.get_num_threads()),
        "torch": str(torch.__version__),
    }


@torch.inference_mode()
def measure(model: PreTrainedModel, params: SpeedParams) -> dict[str, list[float]]:
    """``params.repeats`` measurements, after one warm-up.

    Returns:
        ``speed.tokensPerSecond`` (reading the prompt) and ``speed.decodeTokensPerSecond`` (writing, all sequences
        of the batch together).
    """
    generator = torch.Generator().manual_seed(params.seed)
    vocabulary = int(model.config.vocab_size)
    prompt = torch.randint(2, vocabulary, (params.batch, params.prompt_tokens), generator=generator)
    prompt = prompt.to(input_device(model))
    reading, writing = [], []
    for _ in range(params.repeats + 1):
        began = _now()
        state: Any = model(input_ids=prompt, use_cache=True)
        read = _now()
        cache = state.past_key_values
        token = state.logits[:, -1:].argmax(-1)
        for _step in range(params.new_tokens):
            state = model(input_ids=token, past_key_values=cache, use_cache=True)
            cache = state.past_key_values
            token = state.logits[:, -1:].argmax(-1)
        done = _now()
        reading.append(prompt.numel() / (read - began))
        writing.append(params.batch * params.new_tokens / (done - read))
    return {READING: reading[1:], WRITING: writing[1:]}


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
