"""GPU types that a stage may ask for and that a grant may be of: products, and families of them. Figures are dense
(without sparsity), from the vendors' datasheets."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.capacity import is_of


@dataclass(frozen=True)
class Accelerator:
    """Attributes:
    memory: bytes.
    flops: dense bf16 floating-point operations per second.
    """

    memory: int
    flops: float


GB = 10**9
ACCELERATORS = {
    # NVIDIA A100 datasheet, SXM4: 312 TFLOP/s bf16.
    "A100-40GB": Accelerator(40 * GB, 312e12),
    "A100-80GB": Accelerator(80 * GB, 312e12),
    # NVIDIA H100 datasheet, SXM5: 989 TFLOP/s bf16.
    "H100-80GB": Accelerator(80 * GB, 989e12),
    # NVIDIA H200 datasheet, SXM: 989 TFLOP/s bf16.
    "H200-141GB": Accelerator(141 * GB, 989e12),
    # NVIDIA DGX B200 datasheet, per GPU: 2,250 TFLOP/s bf16 dense; 180 GB usable.
    "B200-180GB": Accelerator(180 * GB, 2250e12),
}
FAMILIES = {
    family: tuple(name for name in ACCELERATORS if is_of(name, family))
    for family in dict.fromkeys(name.partition("-")[0] for name in ACCELERATORS)
}
"""Products of each: who says ``H100`` takes any of them."""
KNOWN = (*FAMILIES, *ACCELERATORS)
"""All names that may be written."""
DEFAULT_ACCELERATOR = "H100-80GB"
"""What a stage is taken to compute on that asks for GPUs and does not say which."""


def accelerator_of(name: str) -> Accelerator | None:
    """What a GPU of this name has at least: of a family, what each of its products has. None if nobody knows it."""
    found = [ACCELERATORS[one] for one in FAMILIES.get(name, (name,)) if one in ACCELERATORS]
    return Accelerator(min(one.memory for one in found), min(one.flops for one in found)) if found else None
