"""Quantised weights of finished layers, on disk until they are written into the model: memory stays that of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bongsu_stages.compress.rounding import Quantised

_SEPARATOR = "|"


class LayerFiles:
    """One safetensors file a layer in ``directory``, which exists.

    Tensors lie in the file; the fingerprints of what they stand for stay in memory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._places: dict[str, tuple[Path, list[str]]] = {}
        self._fingerprints: dict[str, str] = {}

    def put(self, layer: int, weights: Mapping[str, Quantised]) -> None:
        """Keep the quantised weights of one layer, by name. Raises OSError."""
        from safetensors.torch import save_file

        path = self._directory / f"layer-{layer}.safetensors"
        flat = {
            f"{name}{_SEPARATOR}{piece}": tensor.contiguous()
            for name, weight in weights.items()
            for piece, tensor in weight.entries.items()
        }
        if flat:
            save_file(flat, path)
        self._places |= {name: (path, list(weight.entries)) for name, weight in weights.items()}
        self._fingerprints |= {name: weight.fingerprint for name, weight in weights.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def get(self, name: str) -> Quantised:
        """What was kept of the weight ``name``. Raises KeyError."""
        from safetensors import safe_open

        path, pieces = self._places[name]
        with safe_open(path, "pt") as file:
            entries = {piece: file.get_tensor(f"{name}{_SEPARATOR}{piece}") for piece in pieces}
        return Quantised(entries, self._fingerprints[name])
