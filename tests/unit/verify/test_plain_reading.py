"""The gate's own reading of quantised files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bongsu_stages.compress.rounding import int4_scales, packed, to_fp8, to_levels
from bongsu_stages.models.fingerprints import fingerprint_of
from bongsu_stages.models.plain import plain_fingerprints, write_plain

GROUP = 16


def tree(folder: Path, *files: dict[str, torch.Tensor]) -> Path:
    folder.mkdir()
    weights = {"weights": {"num_bits": 4, "group_size": GROUP}}
    config = {"model_type": "axk1", "quantization_config": {"config_groups": {"group_0": weights}}}
    (folder / "config.json").write_text(json.dumps(config))
    for number, tensors in enumerate(files):
        save_file(tensors, folder / f"model-{number}.safetensors")
    return folder


def int4(weight: torch.Tensor) -> dict[str, torch.Tensor]:
    scales = int4_scales(weight, GROUP)
    return {
        f"a.{name}": tensor for name, tensor in packed(to_levels(weight, scales, GROUP), scales).entries.items()
    }


@pytest.mark.parametrize("split", [False, True])
def test_files_become_plain_one_by_one_wherever_scales_lie(tmp_path: Path, split: bool) -> None:
    torch.manual_seed(0)
    weight = torch.randn(8, 32)
    entries, norm = int4(weight), {"norm.weight": torch.ones(4)}
    eight = {f"b.{name}": tensor for name, tensor in to_fp8(weight).entries.items()}
    scales = {name: entries.pop(name) for name in list(entries) if split and name.endswith("_scale")}
    source = tree(tmp_path / "source", {**entries, **norm}, {**eight, **scales})
    write_plain(source, tmp_path / "plain")
    index = json.loads((tmp_path / "plain" / "model.safetensors.index.json").read_text())["weight_map"]
    found = {name: load_file(tmp_path / "plain" / file)[name] for name, file in index.items()}
    assert found.keys() == {"a.weight", "b.weight", "norm.weight"}
    assert float((found["a.weight"].float() - weight).abs().max()) < 0.3
    assert float((found["b.weight"].float() - weight).abs().max()) < 0.15
    fingerprints = plain_fingerprints(tmp_path / "plain")
    scales4 = int4_scales(weight, GROUP)
    assert fingerprints["a.weight"] == packed(to_levels(weight, scales4, GROUP), scales4).fingerprint
    assert fingerprints["b.weight"] == to_fp8(weight).fingerprint
    assert fingerprints["norm.weight"] == fingerprint_of(torch.ones(4))
    assert "quantization_config" not in json.loads((tmp_path / "plain" / "config.json").read_text())


def test_float8_without_a_scale_cannot_be_read(tmp_path: Path) -> None:
    lonely = {"b.weight": torch.ones(2, 2).to(torch.float8_e4m3fn)}
    with pytest.raises(ValueError, match=r"b\.weight is float8 and has no scale"):
        write_plain(tree(tmp_path / "source", lonely), tmp_path / "plain")


def test_a_scale_that_does_not_fit_is_told(tmp_path: Path) -> None:
    entries = int4(torch.randn(8, 32))
    entries["a.weight_scale"] = torch.ones(3, 2)
    with pytest.raises(ValueError, match="does not fit 8 x 32"):
        write_plain(tree(tmp_path / "source", entries), tmp_path / "plain")
