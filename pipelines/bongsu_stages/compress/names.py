"""What released checkpoints call a weight, and what transformers' classes call the same one. Pure."""

from __future__ import annotations

FAMILIES = ("axk1", "axk2")
# (in checkpoints, in the class); each side stands for nothing else in a model of the family.
_RENAMED: dict[str, tuple[tuple[str, str], ...]] = {
    "axk1": (),
    "axk2": (("W_down", "mlp.fc1"), ("W_up", "mlp.fc2"), ("self_attn.q_b_proj", "self_attn.q_gate_proj")),
}


def in_class(family: str, stored: str) -> str:
    """Name in transformers' class of what a checkpoint of ``family`` calls ``stored``."""
    for ours, theirs in _RENAMED.get(family, ()):
        stored = stored.replace(ours, theirs)
    return stored


def on_disk(family: str, called: str) -> str:
    """The inverse of :func:`in_class`."""
    for ours, theirs in _RENAMED.get(family, ()):
        called = called.replace(theirs, ours)
    return called
