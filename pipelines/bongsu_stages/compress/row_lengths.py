"""How long the rows of a model's matrices are, from its configuration alone; imports nothing heavy.

A test compares them with the real classes. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Config = Mapping[str, Any]
_LATENT = ("axk1", "axk2", "deepseek_v3")


def row_lengths(config: Config) -> Iterator[tuple[str, int]]:
    """Name and row length of each projection of the decoder layers, of one routed expert a layer.

    Nothing where the configuration does not tell.
    """
    try:
        layers = list(_layers(config))
    except (KeyError, TypeError):
        return
    yield from layers


def _layers(config: Config) -> Iterator[tuple[str, int]]:
    attention = _latent(config) if config["model_type"] in _LATENT else _plain(config)
    for number, is_sparse in enumerate(_sparse(config)):
        prefix = f"model.layers.{number}."
        for name, length in attention.items():
            yield f"{prefix}self_attn.{name}.weight", length
        for block, width in _blocks(config, is_sparse):
            yield f"{prefix}{block}.gate_proj.weight", config["hidden_size"]
            yield f"{prefix}{block}.up_proj.weight", config["hidden_size"]
            yield f"{prefix}{block}.down_proj.weight", width


def _blocks(config: Config, is_sparse: bool) -> Iterator[tuple[str, int]]:
    """Feed-forward blocks of one layer with their widths."""
    if not is_sparse:
        yield "mlp", config["intermediate_size"]
        return
    yield "mlp.experts.0", config["moe_intermediate_size"]
    if config.get("n_shared_experts", 1):
        yield "mlp.shared_experts", config["moe_intermediate_size"] * config.get("n_shared_experts", 1)


def _sparse(config: Config) -> list[bool]:
    if config["model_type"] not in _LATENT or not config.get("n_routed_experts"):
        return [False] * config["num_hidden_layers"]
    if config.get("mlp_layer_types"):
        return [kind == "sparse" for kind in config["mlp_layer_types"]]
    # What the classes assume where the configuration does not say it.
    usual = 3 if config["model_type"] == "deepseek_v3" else 1
    first, every = config.get("first_k_dense_replace", usual), config.get("moe_layer_freq", 1)
    return [number >= first and number % every == 0 for number in range(config["num_hidden_layers"])]


def _latent(config: Config) -> dict[str, int]:
    """Latent attention; A.X K2 reads the compressed query twice, normed and plain."""
    hidden, rank = config["hidden_size"], config["q_lora_rank"]
    queries = {"q_a_proj": hidden, "q_b_proj": rank * (2 if config["model_type"] == "axk2" else 1)}
    return {
        **queries,
        "kv_a_proj_with_mqa": hidden,
        "kv_b_proj": config["kv_lora_rank"],
        "o_proj": config["num_attention_heads"] * config["v_head_dim"],
    }


def _plain(config: Config) -> dict[str, int]:
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    width = config.get("head_dim") or hidden // heads
    return {"q_proj": hidden, "k_proj": hidden, "v_proj": hidden, "o_proj": heads * width}
