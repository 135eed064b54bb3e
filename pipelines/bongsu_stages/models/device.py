"""Where a model computes and in which numbers, decided when the worker runs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from bongsu_stages.models.precision import Precision

_DTYPES = {Precision.FP32: torch.float32, Precision.BF16: torch.bfloat16, Precision.FP16: torch.float16}


def pick_device() -> torch.device:
    """The GPU that this worker was given, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def compute_dtype(device: torch.device, precision: Precision = Precision.AUTO) -> torch.dtype:
    """Type of activations on ``device``; bf16 on a CPU only if asked, since most CPUs emulate it."""
    if precision is not Precision.AUTO:
        return _DTYPES[precision]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Mixed precision for a forward pass over fp32 weights; nothing at all for fp32."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)
