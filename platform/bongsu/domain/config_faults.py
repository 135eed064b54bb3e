"""Figures of a ``config.json`` of which there is no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase

Config = Mapping[str, Any]
# Beyond what any model has; more is a slip, and would take for ever to count.
_MOST_OF_ALL = 10_000_000
_K1, _K2, _V3 = "axk1", "axk2", "deepseek_v3"
LATENT = (_K1, _K2, _V3)
"""Families with latent attention (MLA, arXiv 2405.04434) whose sizes are known."""
BY_LAYER = (_K1, _K2)
"""Families whose ``mlp_layer_types`` says layer by layer which have experts."""


@dataclass(frozen=True)
class _Figure:
    """A whole number of ``config.json``, which may be absent.

    Attributes:
        needed: families whose class takes no null; others do without, or have a value of their own.
    """

    name: str
    least: int = 0
    most: int = _MOST_OF_ALL
    needed: tuple[str, ...] = ()


_SIZES = (
    _Figure("hidden_size", 1),
    _Figure("num_hidden_layers", 1, 10_000),
    _Figure("num_attention_heads", 1),
    _Figure("vocab_size", 1, 100_000_000),
    _Figure("intermediate_size", 1),
)
_LATENT_SIZES = (
    _Figure("moe_intermediate_size", needed=LATENT),
    _Figure("n_routed_experts", most=1_000_000, needed=LATENT),
    _Figure("num_experts_per_tok", needed=(_K1, _K2)),
    _Figure("q_lora_rank", needed=(_K1, _K2)),
    _Figure("kv_lora_rank", needed=LATENT),
    _Figure("qk_nope_head_dim", needed=LATENT),
    _Figure("qk_rope_head_dim", needed=LATENT),
    _Figure("v_head_dim", needed=LATENT),
)
_CHOICES = (
    _Figure("num_key_value_heads", needed=(_K1, _K2)),
    _Figure("head_dim", needed=(_K2,)),
    _Figure("qk_head_dim"),
    _Figure("n_shared_experts", needed=LATENT),
    _Figure("n_group", needed=(_K1,)),
    _Figure("topk_group", needed=(_K1,)),
    _Figure("index_n_heads", needed=(_K2,)),
    _Figure("index_head_dim", needed=(_K2,)),
    _Figure("gated_norm_rank", needed=(_K2,)),
)
# Not read where mlp_layer_types says it. Whoever reads the frequency divides by it.
_LAYER_TYPES = (
    _Figure("first_k_dense_replace", needed=LATENT),
    _Figure("moe_layer_freq", 1, needed=BY_LAYER),
)
_KINDS: dict[str, tuple[type, str]] = {
    "model_type": (str, N_("a text")),
    "architectures": (list, N_("a list")),
    "mlp_layer_types": (list, N_("a list")),
    "quantization_config": (dict, N_("an object")),
}


def sizes_of(family: str) -> tuple[str, ...]:
    """Names of the figures without which nobody knows how large a model of the family is."""
    return tuple(figure.name for figure in (*_SIZES, *(_LATENT_SIZES if family in LATENT else ())))


def config_faults(config: Config) -> Iterator[Words]:
    """What is wrong, in words, each with its key; what is absent is not."""
    family = config.get("model_type")
    by_layer = family in BY_LAYER and config.get("mlp_layer_types") is not None
    for figure in (*_SIZES, *_LATENT_SIZES, *_CHOICES, *_LAYER_TYPES):
        value = config.get(figure.name)
        unread = by_layer and figure in _LAYER_TYPES
        takes_null = figure not in _SIZES and (unread or family not in figure.needed)
        if figure.name not in config or (value is None and takes_null):
            continue
        if not _is_count(value, figure):
            whole = N_("a whole number from {least} to {most:,}")
            yield _said(figure.name, value, phrase(whole, least=figure.least, most=figure.most))
    for name, (kind, words) in _KINDS.items():
        if config.get(name) is not None and not isinstance(config[name], kind):
            yield _said(name, config[name], words)
    if by_layer:
        yield from _layer_types(config)


def _layer_types(config: Config) -> Iterator[Words]:
    name, layers = "mlp_layer_types", config.get("num_hidden_layers")
    given = config[name]
    if not isinstance(given, list):
        return
    if not all(isinstance(kind, str) for kind in given):
        yield _said(name, given, N_("a list of texts"))
    elif isinstance(layers, int) and len(given) < layers:
        yield _said(name, given, phrase(N_("a text for each of {layers:,} layers"), layers=layers))


def _is_count(value: Any, figure: _Figure) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and figure.least <= value <= figure.most


def _said(name: str, value: Any, right: Words) -> Words:
    words = N_("{name} is {value} and not {right}")
    return phrase(words, name=name, value=repr(str(value)[:40]), right=as_phrase(right))
