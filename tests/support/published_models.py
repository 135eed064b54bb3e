"""Dimensions of the published A.X models: the default configurations of transformers' ``axk1`` and ``axk2`` classes.

For tests and pages that plan without the weights at hand. A test compares them with the installed transformers.
"""

from __future__ import annotations

from typing import Any

AXK1: dict[str, Any] = {
    "model_type": "axk1",
    "vocab_size": 163840,
    "hidden_size": 7168,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "num_hidden_layers": 61,
    "num_attention_heads": 64,
    "n_shared_experts": 1,
    "n_routed_experts": 192,
    "kv_lora_rank": 512,
    "q_lora_rank": 1536,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "qk_nope_head_dim": 128,
    "n_group": 8,
    "num_experts_per_tok": 8,
}
AXK2_LIGHT: dict[str, Any] = {
    "model_type": "axk2",
    "vocab_size": 163840,
    "hidden_size": 2048,
    "intermediate_size": 5120,
    "moe_intermediate_size": 512,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "n_shared_experts": 1,
    "n_routed_experts": 128,
    "kv_lora_rank": 128,
    "q_lora_rank": 384,
    "qk_rope_head_dim": 32,
    "v_head_dim": 64,
    "qk_nope_head_dim": 64,
    "num_experts_per_tok": 8,
    "index_head_dim": 128,
    "index_n_heads": 16,
    "gated_norm_rank": 16,
}
PUBLISHED = {"A.X K1": AXK1, "A.X K2 Light": AXK2_LIGHT}
