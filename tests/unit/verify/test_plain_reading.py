"""The gate's own reading of quantised files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bongsu_stages.compress.rounding import int4_scales, packed, to_fp8, to_levels
from bongsu_stages.models.fingerprints import fingerprint_of
from bongsu_stages.models.loading import bytes_in_memory, load_model
from bongsu_stages.models.placement import Room
from bongsu_stages.models.plain import plain_facts, write_plain
from bongsu_stages.runtime.stage import StageError

GROUP = 16
Entries = dict[str, torch.Tensor]


def tree(folder: Path, *files: dict[str, torch.Tensor]) -> Path:
    folder.mkdir(parents=True)
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
    fingerprints = plain_facts(tmp_path / "plain").fingerprints
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


# -- what others write, with the format's own library as the judge ---------------------------------------------------


def written_by_the_library(
    weight: torch.Tensor, format_: str, **asked: Any
) -> tuple[dict[str, Any], Entries, torch.Tensor]:
    """A config, the entries of a layer ``a``, and the weight that the library reads from them."""
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams

    args = QuantizationArgs(**asked)
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    rows, columns = tuple(args.block_structure) if args.block_structure else (1, args.group_size or weight.shape[1])
    if args.strategy == "tensor":
        rows, columns = weight.shape
    parts = [part.split(columns, 1) for part in weight.split(rows)]  # those at the edges may be smaller
    low = torch.stack([torch.stack([part.min() for part in row]) for row in parts])
    high = torch.stack([torch.stack([part.max() for part in row]) for row in parts])
    scale, zero = calculate_qparams(low, high, args)
    state = {"weight": weight, "weight_scale": scale, "weight_zero_point": zero.to(torch.int8)}
    if args.symmetric:
        del state["weight_zero_point"]
    compressor = BaseCompressor.get_value_from_registry(format_)
    stored = compressor.compress(state, scheme)
    read = compressor.decompress(stored, scheme)["weight"]
    config = {"quant_method": "compressed-tensors", "format": format_}
    config["config_groups"] = {"group_0": {"targets": ["Linear"], "weights": args.model_dump(mode="json")}}
    return config, {f"a.{name}": tensor.contiguous() for name, tensor in stored.items()}, read


def plain_of(folder: Path, config: dict[str, Any], entries: Entries) -> torch.Tensor:
    source = tree(folder / "source", entries)
    (source / "config.json").write_text(json.dumps({"model_type": "axk1", "quantization_config": config}))
    write_plain(source, folder / "plain")
    return load_file(folder / "plain" / "model-0.safetensors")["a.weight"]


@pytest.mark.parametrize(
    ("format_", "asked"),
    [
        ("pack-quantized", {"num_bits": 4, "strategy": "group", "group_size": 16}),
        ("pack-quantized", {"num_bits": 4, "strategy": "group", "group_size": 16, "symmetric": False}),
        ("pack-quantized", {"num_bits": 8, "strategy": "channel", "symmetric": False}),
        ("pack-quantized", {"num_bits": 2, "strategy": "group", "group_size": 32}),
        ("int-quantized", {"num_bits": 8, "strategy": "channel"}),
        ("int-quantized", {"num_bits": 8, "strategy": "channel", "symmetric": False}),
        ("pack-quantized", {"num_bits": 4, "strategy": "tensor", "symmetric": False}),
        ("float-quantized", {"num_bits": 8, "type": "float", "strategy": "channel"}),
        ("float-quantized", {"num_bits": 8, "type": "float", "strategy": "tensor"}),
        # Two blocks of unequal size each way: neither side tells by itself where the first one ends.
        ("float-quantized", {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [8, 48]}),
        ("int-quantized", {"num_bits": 8, "strategy": "block", "block_structure": [8, 48]}),
    ],
)
def test_what_the_library_wrote_is_read_as_the_library_reads_it(
    tmp_path: Path, format_: str, asked: dict[str, Any]
) -> None:
    torch.manual_seed(1)
    weight = torch.randn(12, 64) + 0.5  # its middle is not zero
    config, entries, expected = written_by_the_library(weight, format_, **asked)
    found = plain_of(tmp_path, config, entries)
    assert torch.equal(found, expected.to(found.dtype))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "nvfp4-pack-quantized"}, "nvfp4-pack-quantized"),
        ({"quant_method": "gptq"}, "quantised by gptq"),
        ({"sparsity_config": {"format": "sparse-24-bitmask"}}, "sparse-24-bitmask"),
        ({"transform_config": {"config_groups": {"R1": {"type": "hadamard"}}}}, "transform_config"),
    ],
)
def test_formats_that_are_not_known_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    config, entries, _ = written_by_the_library(
        torch.randn(8, 32), "pack-quantized", num_bits=4, strategy="group", group_size=16
    )
    with pytest.raises(ValueError, match=words):
        plain_of(tmp_path, config | change, entries)


def test_bits_that_cross_words_and_columns_in_another_order_are_refused(tmp_path: Path) -> None:
    config, entries, _ = written_by_the_library(
        torch.randn(8, 32), "pack-quantized", num_bits=4, strategy="group", group_size=16
    )
    three = json.loads(json.dumps(config).replace('"num_bits": 4', '"num_bits": 3'))
    with pytest.raises(ValueError, match="packed weights of 3 bits"):
        plain_of(tmp_path / "bits", three, entries)
    with pytest.raises(ValueError, match="g_idx"):
        plain_of(
            tmp_path / "order", config, entries | {"a.weight_g_idx": torch.arange(32, dtype=torch.int32) // 16}
        )
    with pytest.raises(ValueError, match=r"packed into torch\.uint8"):
        plain_of(tmp_path / "words", config, entries | {"a.weight_packed": torch.zeros(8, 16, dtype=torch.uint8)})


@pytest.mark.parametrize("dtype", [torch.float8_e5m2, torch.uint8, torch.bfloat16])
def test_a_scale_beside_what_is_not_known_to_be_scaled_is_not_passed_over(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    entries = {"a.weight": torch.ones(4, 8).to(dtype), "a.weight_scale": torch.full((4, 1), 2.0)}
    with pytest.raises(ValueError, match=rf"a\.weight has a scale and is {dtype}"):
        write_plain(tree(tmp_path / "source", entries), tmp_path / "plain")


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_the_size_in_memory_is_that_of_the_plain_weights_in_however_few_bits(tmp_path: Path, bits: int) -> None:
    config, entries, plain = written_by_the_library(
        torch.randn(8, 32).bfloat16(), "pack-quantized", num_bits=bits, strategy="channel"
    )
    source = tree(tmp_path / "source", entries)
    (source / "config.json").write_text(json.dumps({"quantization_config": config}))
    scales = entries["a.weight_scale"].numel()
    assert bytes_in_memory(source, torch.float32) == 4 * (plain.numel() + scales)


def test_a_model_that_has_to_be_unpacked_and_cannot_be_says_why_and_what_to_do(tmp_path: Path) -> None:
    source = tree(tmp_path / "source", {"a.qweight": torch.zeros(64, 64, dtype=torch.int32)})
    (source / "config.json").write_text(json.dumps({"quantization_config": {"quant_method": "gptq", "bits": 4}}))
    with pytest.raises(StageError, match="quantised by gptq") as raised:
        load_model(source, room=Room((), 100, tmp_path))
    assert "memory" in str(raised.value.fix)
