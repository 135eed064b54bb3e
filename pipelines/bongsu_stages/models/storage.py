"""How a ``quantization_config`` says that weights are stored, in the terms of compressed-tensors.

A way that :mod:`bongsu_stages.models.plain` does not read is refused here: wrong weights would look like weights. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_FORMATS = frozenset({"dense", "pack-quantized", "float-quantized", "int-quantized", "naive-quantized"})
_PACKED_BITS = (2, 4, 8)


@dataclass(frozen=True)
class Storage:
    """How weights are stored, as far as the entries do not say it themselves.

    Attributes:
        bits: of packed values.
        block: rows and columns that share a scale; None where no weights are scaled in blocks.
    """

    bits: int
    block: tuple[int, int] | None


def storage_of(quantised: Mapping[str, Any]) -> Storage:
    """What a ``quantization_config`` says of stored weights. Raises ValueError for a way that is not known here."""
    method = quantised.get("quant_method", "compressed-tensors")
    if method != "compressed-tensors":
        raise ValueError(f"weights quantised by {method} are not read here, only those of compressed-tensors")
    groups = [group for group in quantised.get("config_groups", {}).values() if group.get("weights")]
    formats = {group.get("format") or quantised.get("format") or "dense" for group in groups}
    sparse = (quantised.get("sparsity_config") or {}).get("format", "dense")
    strange = sorted((formats | {sparse}) - _FORMATS)
    if strange:
        raise ValueError(f"weights of the format {strange[0]} are not read here")
    if (quantised.get("transform_config") or {}).get("config_groups"):
        raise ValueError("weights that were rotated (transform_config) are not read here")
    weights = [group["weights"] for group in groups]
    return Storage(_packed_bits(weights), _block(weights))


def _packed_bits(weights: Iterable[Mapping[str, Any]]) -> int:
    """Bits of packed weights; 4 where nothing says it.

    Raises:
        ValueError: there are several, or values of that many bits cross the words that they are packed into.
    """
    found = sorted({int(one.get("num_bits", 8)) for one in weights if one.get("type", "int") == "int"})
    if len(found) > 1 or not set(found) <= set(_PACKED_BITS):
        raise ValueError(f"packed weights of {' and '.join(map(str, found))} bits are not read here")
    return found[0] if found else 4


def _block(weights: Iterable[Mapping[str, Any]]) -> tuple[int, int] | None:
    found = {tuple(map(int, one.get("block_structure") or ())) for one in weights if one.get("strategy") == "block"}
    if len(found) > 1 or any(len(block) != 2 for block in found):
        raise ValueError(f"weights scaled in blocks of {' and '.join(map(str, sorted(found)))} are not read here")
    rows, columns = next(iter(found), (0, 0))
    return (rows, columns) if found else None
