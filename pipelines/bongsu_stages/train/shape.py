"""Dimensions of a model that is trained from nothing, and the ``config.json`` that they make."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from bongsu.domain.stages import Params

_CLASSES = {"axk1": "AXK1ForCausalLM", "axk2": "AXK2ForCausalLM"}


class ModelShape(Params):
    """An A.X K1 or K2 of any size. Defaults are those of a nano model for demonstrations and tests."""

    architecture: Literal["axk1", "axk2"] = Field(default="axk1", description="Which of transformers' A.X classes")
    vocabulary_size: int | None = Field(
        default=None, ge=16, description="Rows of the embedding; empty: as many as the tokenizer has tokens"
    )
    hidden_size: int = Field(default=96, ge=8, description="Width of the residual stream")
    layers: int = Field(default=4, ge=1, description="Decoder layers")
    dense_layers: int = Field(default=1, ge=0, description="How many of them, from the first, have no experts")
    intermediate_size: int = Field(default=256, ge=8, description="Width of the dense layers' MLP")
    expert_size: int = Field(default=96, ge=8, description="Width of one expert")
    experts: int = Field(default=32, ge=1, description="Routed experts per layer")
    shared_experts: int = Field(default=1, ge=1, description="Experts that every token passes")
    experts_per_token: int = Field(default=2, ge=1, description="Routed experts that a token is sent to")
    expert_groups: int = Field(default=4, ge=1, description="Groups that the routed experts are divided into")
    groups_per_token: int = Field(default=2, ge=1, description="Groups that a token's experts are taken from")
    heads: int = Field(default=4, ge=1, description="Attention heads")
    key_value_rank: int = Field(default=64, ge=4, description="Rank of the compressed keys and values (MLA)")
    query_rank: int = Field(default=64, ge=4, description="Rank of the compressed queries (MLA)")
    rope_head_size: int = Field(default=8, ge=2, multiple_of=2, description="Part of a head with positions")
    nope_head_size: int = Field(default=16, ge=2, description="Part of a head without positions")
    value_head_size: int = Field(default=16, ge=2, description="Width of a head's values")
    positions: int = Field(default=2048, ge=8, description="Longest sequence, in tokens")

    @model_validator(mode="after")
    def _routable(self) -> Self:
        if self.dense_layers > self.layers:
            raise ValueError(f"denseLayers: {self.dense_layers} of {self.layers} layers")
        if self.experts % self.expert_groups:
            raise ValueError(f"{self.experts} experts make no {self.expert_groups} equal groups: change experts")
        if self.groups_per_token > self.expert_groups:
            raise ValueError(f"groupsPerToken: {self.groups_per_token} of {self.expert_groups} groups")
        within_reach = self.experts // self.expert_groups * self.groups_per_token
        if self.experts_per_token > within_reach:
            raise ValueError(f"expertsPerToken: {self.experts_per_token} of the {within_reach} in a token's groups")
        return self

    def config(self, vocabulary: int, special: dict[str, int | None]) -> dict[str, Any]:
        """``config.json`` for a tokenizer of ``vocabulary`` tokens with ``special`` ids (``bos_token_id``, ...).

        It has the fields of the hub's checkpoints that vLLM reads and transformers derives.
        """
        return {
            "architectures": [_CLASSES[self.architecture]],
            "model_type": self.architecture,
            "vocab_size": self.vocabulary_size or vocabulary,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.layers,
            "first_k_dense_replace": self.dense_layers,
            "moe_layer_freq": 1,
            "intermediate_size": self.intermediate_size,
            "moe_intermediate_size": self.expert_size,
            "n_routed_experts": self.experts,
            "n_shared_experts": self.shared_experts,
            "num_experts_per_tok": self.experts_per_token,
            "n_group": self.expert_groups,
            "topk_group": self.groups_per_token,
            "scoring_func": "sigmoid",
            "topk_method": "noaux_tc",
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "kv_lora_rank": self.key_value_rank,
            "q_lora_rank": self.query_rank,
            "qk_rope_head_dim": self.rope_head_size,
            "qk_nope_head_dim": self.nope_head_size,
            "v_head_dim": self.value_head_size,
            "max_position_embeddings": self.positions,
            "tie_word_embeddings": False,
            **special,
        }
