"""Sizes that a model's ``config.json`` tells, read once and as transformers' classes read them.

Of ``axk1`` (A.X K1), ``axk2`` (A.X K2), ``deepseek_v3``, and of plain decoders (``llama`` and those built like it).
Where a class has a value of its own for what is absent or null, that value stands here; the sizes of a whole model are
not guessed at. A test compares what follows from them with the real classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bongsu.domain.config_faults import BY_LAYER, LATENT, Config, config_faults, sizes_of

EXPERT_COUNTS = ("n_routed_experts", "num_experts", "num_local_experts")
"""Keys under which one family or another states how many routed experts a layer has."""

# What the classes take where the configuration does not say it.
_DENSE_AT_FIRST = {"axk1": 1, "axk2": 1, "deepseek_v3": 3}
_SHARED_EXPERTS = 1
_INDEX_HEADS, _INDEX_WIDTH, _GATE_RANK = 16, 128, 16


@dataclass(frozen=True)
class LatentWidths:
    """Latent attention (MLA).

    Attributes:
        query_rank, key_rank: ranks of the compressed query and of the compressed key and value.
        plain_width, rope_width: of a head's key, without positions and with them.
        value_width: of a head.
        index_heads, index_width: indexer of sparse attention (DSA, A.X K2); 0 without one.
        is_gated: the compressed query is read twice, normed and plain, for a gate of the output (A.X K2).
    """

    query_rank: int
    key_rank: int
    plain_width: int
    rope_width: int
    value_width: int
    index_heads: int
    index_width: int
    is_gated: bool


@dataclass(frozen=True)
class Experts:
    """Experts of one layer: routed ones, those that a token passes, the width of each, and of the shared ones."""

    routed: int
    per_token: int
    width: int
    shared_width: int


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a decoder.

    Attributes:
        family: ``model_type``; empty where the configuration names none.
        sparse: of each layer, whether it has experts.
        intermediate: width of a dense feed-forward block.
        heads, key_heads, head_width: of plain attention; with latent attention ``heads`` alone counts.
        gate_rank: rank of the gates of gated norms (A.X K2); 0 without them.
        has_bias: projections of the attention have biases.
        ties_embeddings: input and output embeddings are one table.
        latent, experts: None for plain decoders.
    """

    family: str
    hidden: int
    vocabulary: int
    sparse: tuple[bool, ...]
    intermediate: int
    heads: int
    key_heads: int
    head_width: int
    gate_rank: int
    has_bias: bool
    ties_embeddings: bool
    latent: LatentWidths | None
    experts: Experts | None

    @classmethod
    def of(cls, config: Config) -> Self | None:
        """From the content of ``config.json``; None where it has faults or does not tell."""
        if any(config_faults(config)):
            return None
        family = config.get("model_type") or ""
        is_latent = family in LATENT
        if not all(config.get(name) for name in sizes_of(family)):
            return None
        hidden, heads = config["hidden_size"], config["num_attention_heads"]
        return cls(
            family=family,
            hidden=hidden,
            vocabulary=config["vocab_size"],
            sparse=_sparse(config, family) if is_latent else (False,) * config["num_hidden_layers"],
            intermediate=config["intermediate_size"],
            heads=heads,
            key_heads=config.get("num_key_value_heads") or heads,
            head_width=config.get("head_dim") or hidden // heads,
            gate_rank=config.get("gated_norm_rank", _GATE_RANK) if family == "axk2" else 0,
            has_bias=bool(config.get("attention_bias")),
            ties_embeddings=bool(config.get("tie_word_embeddings")),
            latent=_latent(config, family) if is_latent else None,
            experts=_experts(config) if is_latent else None,
        )

    @property
    def layers(self) -> int:
        return len(self.sparse)


def routed_experts(config: Config) -> int | None:
    """Routed experts of a layer, as a model of whatever family states them; None for one that states none."""
    return next((config[name] for name in EXPERT_COUNTS if config.get(name)), None)


def _sparse(config: Config, family: str) -> tuple[bool, ...]:
    layers, types = config["num_hidden_layers"], config.get("mlp_layer_types")
    if family in BY_LAYER and types is not None:
        return tuple(kind == "sparse" for kind in types[:layers])
    first = config.get("first_k_dense_replace", _DENSE_AT_FIRST[family])
    # The class of deepseek_v3 knows no frequency.
    every = config.get("moe_layer_freq", 1) if family in BY_LAYER else 1
    return tuple(number >= first and number % every == 0 for number in range(layers))


def _latent(config: Config, family: str) -> LatentWidths:
    is_k2 = family == "axk2"
    return LatentWidths(
        query_rank=config["q_lora_rank"],
        key_rank=config["kv_lora_rank"],
        plain_width=config["qk_nope_head_dim"],
        rope_width=config["qk_rope_head_dim"],
        value_width=config["v_head_dim"],
        index_heads=config.get("index_n_heads", _INDEX_HEADS) if is_k2 else 0,
        index_width=config.get("index_head_dim", _INDEX_WIDTH) if is_k2 else 0,
        is_gated=is_k2,
    )


def _experts(config: Config) -> Experts:
    width = config["moe_intermediate_size"]
    return Experts(
        routed=config["n_routed_experts"],
        per_token=config["num_experts_per_tok"],
        width=width,
        shared_width=width * config.get("n_shared_experts", _SHARED_EXPERTS),
    )
