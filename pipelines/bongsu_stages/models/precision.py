"""Names of arithmetic and of kernels, for parameters of stages; imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class Precision(StrEnum):
    """Arithmetic of a stage. ``auto``: bf16 on a GPU that has it, fp16 on an older one, fp32 on a CPU."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


ExpertsImplementation = Literal["grouped_mm", "batched_mm", "eager"]
"""How fused experts compute. On a CPU grouped_mm is ten times as fast as batched_mm."""
