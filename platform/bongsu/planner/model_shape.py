"""The shape of a model: parameter counts by component, and the widths that its activations depend on.

Counts come from the configuration alone (:mod:`bongsu.planner.config_shapes`); nothing is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AttentionShape:
    """Widths of one attention layer, in values for each token.

    Attributes:
        heads: query heads.
        key_width, value_width: of one head; with latent attention the key has a part with positions.
        key_heads: heads of keys and values; as many as ``heads`` with latent attention.
        query_rank, key_rank, rope_width: latent attention (MLA, DeepSeek-V2, arXiv 2405.04434): ranks of the
            compressed query and of the compressed key and value, and the part of a key that carries positions.
            All 0 for plain attention.
        index_heads, index_width: indexer of sparse attention (DSA, A.X K2); 0 without one.
        gated: the output is multiplied by a gate of its own width (A.X K2).
    """

    heads: int
    key_width: int
    value_width: int
    key_heads: int
    query_rank: int = 0
    key_rank: int = 0
    rope_width: int = 0
    index_heads: int = 0
    index_width: int = 0
    gated: bool = False

    @property
    def is_latent(self) -> bool:
        return self.key_rank > 0

    @property
    def cache_width(self) -> int:
        """Values that a token leaves in the key-value cache of one layer."""
        if self.is_latent:
            return self.key_rank + self.rope_width + (self.index_width if self.index_heads else 0)
        return self.key_heads * (self.key_width + self.value_width)


@dataclass(frozen=True)
class ModelShape:
    """Numbers of parameters, and the dimensions that memory and time depend on.

    Attributes:
        embeddings: input and output embeddings together.
        attention: attention of all layers without the indexer.
        indexer: indexers of all layers (A.X K2).
        dense: feed-forward blocks of dense layers.
        shared_experts: experts that every token passes.
        routed_experts: experts that the router chooses from.
        router: router weights of all layers.
        norms: every norm outside of attention, gates of gated norms included.
        layers, sparse_layers: decoder layers, and how many of them have experts.
        intermediate: width of a dense feed-forward block.
        expert_width, shared_width: width of one routed expert, and of the shared experts together.
        experts, experts_per_token: routed experts a layer, and how many a token passes.
        gate_rank: rank of the gates of gated norms (A.X K2); 0 without them.
        block_norm: a norm stands behind each expert block (A.X K1).
    """

    embeddings: int
    attention: int
    indexer: int
    dense: int
    shared_experts: int
    routed_experts: int
    router: int
    norms: int
    hidden: int
    vocabulary: int
    layers: int
    sparse_layers: int
    widths: AttentionShape
    intermediate: int
    expert_width: int = 0
    shared_width: int = 0
    experts: int = 0
    experts_per_token: int = 0
    gate_rank: int = 0
    block_norm: bool = False

    @property
    def dense_layers(self) -> int:
        return self.layers - self.sparse_layers

    @property
    def components(self) -> dict[str, int]:
        """Parameters by component, in the order in which a person expects them."""
        names = (
            "embeddings",
            "attention",
            "indexer",
            "dense",
            "shared_experts",
            "routed_experts",
            "router",
            "norms",
        )
        return {name: getattr(self, name) for name in names}

    @property
    def total(self) -> int:
        return sum(self.components.values())

    @property
    def active(self) -> int:
        """Parameters that one token passes, embeddings included (as model cards count them)."""
        chosen = self.routed_experts * self.experts_per_token // self.experts if self.experts else 0
        return self.total - self.routed_experts + chosen

    @property
    def largest_layer(self) -> int:
        """Parameters of the largest decoder layer: what a streamed stage holds, and what FSDP gathers, at once."""
        every = (self.attention + self.indexer + self.norms) // max(1, self.layers)
        sparse = (self.shared_experts + self.routed_experts + self.router) // max(1, self.sparse_layers)
        dense = self.dense // max(1, self.dense_layers)
        return every + max(sparse if self.sparse_layers else 0, dense if self.dense_layers else 0)
