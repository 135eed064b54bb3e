"""The checks of the gate: each compares one fact of the reloaded model with what it must be. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bongsu.domain.model_config import EXPERT_COUNTS, routed_experts
from bongsu_stages.models.configuration import OF_THE_COPY
from bongsu_stages.verify.outputs import Outputs

_EXPERT = re.compile(r"\.layers\.(\d+)\.mlp\.experts\.(\d+)\.")
# Compression changes them on purpose.
_MAY_CHANGE = OF_THE_COPY | frozenset(EXPERT_COUNTS)


@dataclass(frozen=True)
class Check:
    """``value`` was found, at most ``tolerance`` is allowed (both in the check's own unit).

    JSON has no infinity and no word for what is no number: such figures are texts there.
    """

    name: str
    passed: bool
    value: float | str
    tolerance: float | str

    def as_dict(self) -> dict[str, Any]:
        return {name: _written(value) for name, value in asdict(self).items()}


def _written(value: float | str) -> float | str:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def expert_count(config: Mapping[str, Any], entries: Iterable[str]) -> Iterator[Check]:
    """Every sparse layer must hold exactly the experts that the configuration states; none where it states no count."""
    stated = routed_experts(config)
    if stated is None:
        return
    layers: dict[str, set[str]] = {}
    for name in entries:
        match = _EXPERT.search(name)
        if match:
            layers.setdefault(match[1], set()).add(match[2])
    counts = sorted({len(experts) for experts in layers.values()})
    passed = not layers or counts == [stated]
    yield Check("experts stored as the configuration says", passed, str(counts), str(stated))


def fields_kept(config: Mapping[str, Any], original: Mapping[str, Any]) -> Check:
    """Fields of the original configuration that servers read must still be there, unchanged."""
    lost = sorted(
        name
        for name, value in original.items()
        if name not in _MAY_CHANGE and (name not in config or config[name] != value)
    )
    return Check("configuration fields kept", not lost, ", ".join(lost) or "none lost", "none lost")


def finite_weights(names: Sequence[str]) -> Check:
    """Text may never reach a row that is no number; whoever loads the model some day will."""
    text = ", ".join(names[:5]) if names else "all finite"
    return Check("weights are finite numbers", not names, text, "all finite")


def keys_known(found: Outputs) -> Check:
    wrong = [*found.missing, *found.unexpected]
    text = ", ".join(wrong[:5]) if wrong else "none"
    return Check("weights missing or unknown at load", not wrong, text, "none")


def as_in_memory(recorded: Mapping[str, str], found: Mapping[str, str], what: str) -> Check:
    """Every weight is the one that was in memory when it was written: none other, none lost, none added."""
    names = sorted(recorded.keys() | found.keys())
    wrong = [name for name in names if recorded.get(name) != found.get(name)]
    text = f"{len(wrong)} of {len(names)} differ: {', '.join(wrong[:3])}" if wrong else f"all {len(names)} the same"
    return Check(f"{what} as in memory when written", not wrong, text, "all the same")


def logits_agree(reference: Outputs, reloaded: Outputs, tolerance: float) -> Check:
    """Largest difference of a logit, over the spread of the reference's logits."""
    if reference.logits.shape != reloaded.logits.shape:
        return Check("logits agree", False, f"shape {reloaded.logits.shape}", f"shape {reference.logits.shape}")
    difference = float(np.abs(reference.logits - reloaded.logits).max())
    value = difference / (float(reference.logits.std()) or 1.0)
    return Check("logits agree", bool(value <= tolerance), value, tolerance)


def perplexity_agrees(reference: Outputs, reloaded: Outputs, tolerance: float) -> Check:
    """Relative difference of the perplexity."""
    with np.errstate(over="ignore", invalid="ignore"):  # infinite or no number at all never passes
        value = abs(float(np.expm1(np.float64(reloaded.loss) - np.float64(reference.loss))))
    return Check("perplexity agrees", bool(value <= tolerance), value, tolerance)


def generation_agrees(reference: Outputs, reloaded: Outputs) -> Check:
    """Tokens of the greedy continuation that differ."""
    differing = sum(a != b for a, b in zip(reference.generated, reloaded.generated, strict=True))
    return Check("greedy generation agrees", differing == 0, float(differing), 0.0)


def not_worse(baseline: Outputs, reloaded: Outputs, tolerance: float) -> Check:
    """Loss in nats per token above that of the baseline: what compression may cost before it is a fault."""
    value = reloaded.loss - baseline.loss
    return Check("loss above the baseline", bool(value <= tolerance), value, tolerance)
