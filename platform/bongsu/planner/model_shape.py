"""Parameter counts of a model from its configuration, component by component, without loading anything.

Follows the layer definitions of transformers' ``axk1`` (A.X K1: DeepSeek-V3 attention and experts, one more
norm behind each expert block) and ``axk2`` (A.X K2: no query up-projection of its own, gated attention, DSA
indexer, gated norms). A test compares every count with the real classes on the meta device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelShape:
    """Numbers of parameters, and the dimensions that activations depend on.

    Attributes:
        embeddings: input and output embeddings together.
        attention: attention of all layers, the indexer of A.X K2 included.
        dense: feed-forward blocks of dense layers.
        shared_experts: experts that every token passes.
        routed_experts: experts that the router chooses from.
        router: router weights of all layers.
        norms: every norm, gates of gated norms included.
        layers, sparse_layers: decoder layers, and how many of them have experts.
        experts, experts_per_token: routed experts a layer, and how many a token passes.
    """

    embeddings: int
    attention: int
    dense: int
    shared_experts: int
    routed_experts: int
    router: int
    norms: int
    hidden: int
    vocabulary: int
    layers: int
    sparse_layers: int
    heads: int
    head_width: int
    intermediate: int
    expert_width: int
    experts: int
    experts_per_token: int

    @property
    def total(self) -> int:
        return (
            self.embeddings
            + self.attention
            + self.dense
            + self.shared_experts
            + self.routed_experts
            + self.router
            + self.norms
        )

    @property
    def active(self) -> int:
        """Parameters that one token passes."""
        chosen = self.routed_experts * self.experts_per_token // self.experts if self.experts else 0
        return self.total - self.routed_experts + chosen

    @property
    def largest_layer(self) -> int:
        """Parameters of the largest decoder layer: what a streamed stage holds at once."""
        per_layer = self.attention // max(1, self.layers)
        sparse = (self.shared_experts + self.routed_experts + self.router) // max(1, self.sparse_layers)
        dense = self.dense // max(1, self.layers - self.sparse_layers)
        return per_layer + max(sparse if self.sparse_layers else 0, dense)


def shape_of(config: Mapping[str, Any]) -> ModelShape | None:
    """Counts for ``axk1``, ``axk2`` and plain decoder models (``llama`` and those built like it); None for a
    configuration that names neither."""
    kind = config.get("model_type")
    if kind in ("axk1", "axk2", "deepseek_v3"):
        return _latent_attention_moe(config, is_k2=kind == "axk2")
    if "hidden_size" in config and "num_hidden_layers" in config and "intermediate_size" in config:
        return _plain_decoder(config)
    return None


def _latent_attention_moe(config: Mapping[str, Any], is_k2: bool) -> ModelShape:
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    width, experts = config["moe_intermediate_size"], config["n_routed_experts"]
    sparse = sum(kind == "sparse" for kind in _layer_kinds(config))
    tied = 1 if config.get("tie_word_embeddings") else 2
    return ModelShape(
        embeddings=tied * config["vocab_size"] * hidden,
        attention=layers * _attention(config, is_k2),
        dense=(layers - sparse) * 3 * hidden * config["intermediate_size"],
        shared_experts=sparse * 3 * hidden * width * config["n_shared_experts"],
        routed_experts=sparse * experts * 3 * hidden * width,
        router=sparse * experts * hidden,
        norms=_norms(config, layers, sparse, is_k2),
        hidden=hidden,
        vocabulary=config["vocab_size"],
        layers=layers,
        sparse_layers=sparse,
        heads=config["num_attention_heads"],
        head_width=config["qk_nope_head_dim"] + config["qk_rope_head_dim"],
        intermediate=config["intermediate_size"],
        expert_width=width,
        experts=experts,
        experts_per_token=config["num_experts_per_tok"],
    )


def _layer_kinds(config: Mapping[str, Any]) -> list[str]:
    given = config.get("mlp_layer_types")
    if given:
        return list(given)
    first, every = config.get("first_k_dense_replace", 1), config.get("moe_layer_freq", 1)
    return ["sparse" if n >= first and n % every == 0 else "dense" for n in range(config["num_hidden_layers"])]


def _attention(config: Mapping[str, Any], is_k2: bool) -> int:
    """One layer: multi-head latent attention, its two low-rank norms, and the indexer of A.X K2."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    query_rank, key_rank = config["q_lora_rank"], config["kv_lora_rank"]
    nope, rope, value = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
    total = hidden * query_rank + query_rank
    total += hidden * (key_rank + rope) + key_rank + key_rank * heads * (nope + value)
    total += heads * value * hidden
    if not is_k2:
        return int(total + query_rank * heads * (nope + rope))
    index_heads, index_width = config.get("index_n_heads", 16), config.get("index_head_dim", 128)
    total += 2 * query_rank * heads * (nope + rope + value)
    indexer = query_rank * index_heads * index_width + hidden * index_width + 2 * index_width + hidden * index_heads
    return int(total + indexer)


def _norms(config: Mapping[str, Any], layers: int, sparse: int, is_k2: bool) -> int:
    hidden = config["hidden_size"]
    if not is_k2:
        behind_experts = sparse if config.get("model_type") == "axk1" else 0
        return int(hidden * (2 * layers + 1 + behind_experts))
    gate = 2 * hidden * config.get("gated_norm_rank", 16)
    return int(hidden * (2 * layers + 1) + gate * (layers + sparse))


def _plain_decoder(config: Mapping[str, Any]) -> ModelShape:
    """Grouped-query attention and a gated feed-forward block, without biases."""
    hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
    head_width = config.get("head_dim") or hidden // heads
    key_heads = config.get("num_key_value_heads") or heads
    attention = hidden * head_width * (2 * heads + 2 * key_heads)
    return ModelShape(
        embeddings=(1 if config.get("tie_word_embeddings") else 2) * config["vocab_size"] * hidden,
        attention=layers * attention,
        dense=layers * 3 * hidden * config["intermediate_size"],
        shared_experts=0,
        routed_experts=0,
        router=0,
        norms=hidden * (2 * layers + 1),
        hidden=hidden,
        vocabulary=config["vocab_size"],
        layers=layers,
        sparse_layers=0,
        heads=heads,
        head_width=head_width,
        intermediate=config["intermediate_size"],
        expert_width=0,
        experts=0,
        experts_per_token=0,
    )
