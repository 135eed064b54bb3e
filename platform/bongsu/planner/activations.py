"""Bytes of activations: what a forward pass keeps for the backward pass, and what it needs for a moment.

Counted tensor by tensor in the decoder layers of transformers, the way Korthikanti et al. (arXiv 2205.05198) count
a plain layer; ``tests/integration/planner`` compares the counts with what autograd really saves. In what follows a
"value" is one number for each token.
"""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.planner.model_shape import ModelShape

FP32 = 4


@dataclass(frozen=True)
class Batch:
    """One micro-batch as memory sees it.

    Attributes:
        sequences, length: its shape; ``length`` in tokens.
        width: bytes of one activation value (4 in fp32, 2 in bf16).
        materialised_scores: attention scores exist as a tensor. So it is on a CPU where keys and values differ in
            width (transformers' SDPA falls back to plain arithmetic); GPU kernels keep none.
    """

    sequences: int
    length: int
    width: float
    materialised_scores: bool

    @property
    def tokens(self) -> int:
        return self.sequences * self.length


def kept_for_backward(shape: ModelShape, batch: Batch) -> int:
    """Bytes that all layers together hold when the backward pass begins, without the logits."""
    layers = shape.dense_layers * layer_bytes(shape, batch, sparse=False)
    layers += shape.sparse_layers * layer_bytes(shape, batch, sparse=True)
    return layers + int(batch.tokens * _norm_bytes(shape.hidden, batch.width))


def kept_when_recomputed(shape: ModelShape, batch: Batch) -> int:
    """As :func:`kept_for_backward` with activation checkpointing: each layer's input, and one layer in full."""
    inputs = shape.layers * batch.tokens * shape.hidden * batch.width
    return int(inputs) + largest_layer_bytes(shape, batch)


def largest_layer_bytes(shape: ModelShape, batch: Batch) -> int:
    return max(
        layer_bytes(shape, batch, sparse=False) if shape.dense_layers else 0,
        layer_bytes(shape, batch, sparse=True) if shape.sparse_layers else 0,
    )


def layer_bytes(shape: ModelShape, batch: Batch, *, sparse: bool) -> int:
    """Bytes that one decoder layer keeps."""
    values = _attention_values(shape)
    values += _expert_values(shape) if sparse else 4 * shape.intermediate
    norms = 2 * _norm_bytes(shape.hidden, batch.width)
    if sparse and shape.block_norm:
        norms += 2 * shape.hidden * batch.width
    norms += _gate_bytes(shape, batch.width, gates=2 if sparse else 1)
    router = FP32 * shape.hidden if sparse and batch.width < FP32 else 0
    return int(batch.tokens * (values * batch.width + norms + router + _score_bytes(shape, batch)))


def forward_peak(shape: ModelShape, batch: Batch) -> int:
    """Bytes that exist for a moment in one layer beyond what it keeps: scores before their softmax, the indexer's
    scores of every head, copies of tokens on their way to experts."""
    moment = shape.widths.index_heads * batch.length * FP32 * 2
    if batch.materialised_scores:
        moment += 2 * shape.widths.heads * batch.length * FP32
    routed = shape.experts_per_token * (shape.hidden + 2 * shape.expert_width) * batch.width
    return int(batch.tokens * max(moment, routed))


def passing_bytes(shape: ModelShape, batch: Batch) -> int:
    """Bytes of one layer's forward pass where nothing is kept for a backward pass: its attention and its
    feed-forward block come one after the other, each with the layer's input, the normed input and the output."""
    values = _attention_values(shape) * batch.width
    attention = values + forward_peak(shape, batch) / batch.tokens
    block = 4 * max(shape.intermediate, shape.shared_width) * batch.width
    routed = shape.experts_per_token * (2 * shape.hidden + 4 * shape.expert_width) * batch.width
    return int(batch.tokens * (3 * shape.hidden * batch.width + max(attention, block, routed)))


def cache_bytes(shape: ModelShape, batch: Batch) -> int:
    """Bytes of the key-value cache of the batch, compressed where attention is latent."""
    return int(shape.layers * batch.tokens * shape.widths.cache_width * batch.width)


def logit_bytes(shape: ModelShape, batch: Batch, copies: float) -> int:
    """``copies`` fp32 tensors of a number for each token and entry of the vocabulary."""
    return int(copies * FP32 * batch.tokens * shape.vocabulary)


def _score_bytes(shape: ModelShape, batch: Batch) -> float:
    """Scores after their softmax, in fp32; queries, keys, values and output are fp32 there too."""
    if not batch.materialised_scores:
        return 0.0
    widths = shape.widths
    queries = widths.heads * (2 * widths.key_width + 2 * widths.value_width)
    return FP32 * widths.heads * batch.length + (FP32 - batch.width) * queries


def _norm_bytes(values: int, width: float) -> float:
    """A root-mean-square norm keeps its input in fp32, the normed input, and what it hands on."""
    return values * (FP32 + 2 * width)


def _attention_values(shape: ModelShape) -> int:
    widths = shape.widths
    queries, keys = widths.heads * widths.key_width, widths.key_heads * widths.key_width
    given = widths.key_heads * widths.value_width
    out = widths.heads * widths.value_width
    if not widths.is_latent:
        return queries + keys + given + out
    ranks = 3 * widths.query_rank + 3 * widths.key_rank + widths.rope_width
    if widths.gated:
        # The compressed query twice, side by side; the attention's output, its gate, and their product.
        return ranks + widths.query_rank + queries + keys + given + 3 * out
    return ranks + queries + keys + given + out


def _expert_values(shape: ModelShape) -> int:
    """Tokens sorted by expert, gate and up, the activated gate, their product, and the output; and the router."""
    routed = shape.experts_per_token * (2 * shape.hidden + 4 * shape.expert_width)
    return routed + 4 * shape.shared_width + 2 * shape.experts


def _gate_bytes(shape: ModelShape, width: float, gates: int) -> float:
    """Gated norms of A.X K2: two low-rank values, the gate in fp32, and the product."""
    if not shape.gate_rank:
        return 0.0
    return gates * (2 * shape.gate_rank * width + shape.hidden * (FP32 + width))
