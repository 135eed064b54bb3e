"""What compression refuses before it runs: models that it cannot compress, groups that fit no row, lost calibration."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase
from bongsu.domain.stages import Objection, StageFacts
from bongsu_stages.compress.distill_params import DistillParams
from bongsu_stages.compress.expert_prune_params import ExpertPruneParams
from bongsu_stages.compress.names import FAMILIES
from bongsu_stages.compress.quantize_params import QuantizeParams
from bongsu_stages.compress.row_lengths import row_lengths
from bongsu_stages.compress.schemes import is_quantised, is_routed_expert
from bongsu_stages.compress.selection import Routing, keep_count

Config = Mapping[str, Any]
_MODEL = ("inputs", "model")
ALL_EXPERTS = N_("transformers loads a model with int4 weights only if all routed experts are among them")
_PACKED = 8
"""int4 levels are packed by eight, so no row may end in between."""


def against_quantising(params: QuantizeParams, facts: StageFacts) -> Iterator[Objection]:
    """The check of ``compress.quantize``."""
    config = facts.configs.get("model", {})
    yield from _quantised_already(config)
    if params.method == "gptq":
        if not facts.inputs.get("calibration"):
            yield Objection(
                ("with", "method"),
                phrase(N_("GPTQ needs calibration text, and the input calibration is not given")),
                phrase(N_("Give the input calibration what data.tokenize made, or write method: rounding.")),
            )
        yield from _not_streamed(config)
    if params.scheme == "W4A16":
        yield from _groups(params, config)
        yield from _experts_left_out(params, config)


def against_pruning(params: ExpertPruneParams, facts: StageFacts) -> Iterator[Objection]:
    """The check of ``compress.expert-prune``."""
    config = facts.configs.get("model", {})
    yield from _quantised_already(config)
    if not config:
        return
    if not config.get("n_routed_experts"):
        yield Objection(
            _MODEL,
            phrase(N_("the model has no routed experts")),
            phrase(N_("Prune mixture-of-experts models only.")),
        )
        return
    yield from _not_streamed(config)
    routing = Routing.of(config)
    if params.keep_fraction < 1 and keep_count(routing, params.keep_fraction) == routing.experts:
        yield Objection(
            ("with", "keepFraction"),
            phrase(
                N_("of {experts} experts in {groups} groups, all stay"),
                experts=routing.experts,
                groups=routing.parts,
            ),
            phrase(
                N_("Lower keepFraction; the router needs at least {least} experts, as many from each group."),
                least=routing.least,
            ),
            is_error=False,
        )


def against_distilling(_params: DistillParams, facts: StageFacts) -> Iterator[Objection]:
    """What ``compress.distill`` adds to the check of all training on tokens."""
    student, teacher = (facts.configs.get(port, {}).get("vocab_size") for port in ("student", "teacher"))
    if student and teacher and student != teacher:
        yield Objection(
            ("inputs", "teacher"),
            phrase(
                N_("the student knows {student} tokens and the teacher {teacher}"), student=student, teacher=teacher
            ),
            phrase(N_("Distil between models of one tokenizer.")),
        )


def _quantised_already(config: Config) -> Iterator[Objection]:
    if config.get("quantization_config"):
        yield Objection(
            _MODEL,
            phrase(N_("the model is quantised already")),
            phrase(N_("Give it the model that this one was made from, and quantise last.")),
        )


def _not_streamed(config: Config) -> Iterator[Objection]:
    family = config.get("model_type")
    if family and family not in FAMILIES:
        yield Objection(
            _MODEL,
            phrase(N_("layers of a {family} model cannot be streamed"), family=family),
            phrase(N_("Give it a model of {families}."), families=", ".join(FAMILIES)),
        )


def _groups(params: QuantizeParams, config: Config) -> Iterator[Objection]:
    """Rows that no whole number of groups fills stay as they are; if that is all of them, nothing is quantised."""
    lengths = _lengths(json.dumps(config, sort_keys=True, default=str), params.ignore)
    odd = {length for length in lengths.values() if length % params.group_size or length % _PACKED}
    if not odd:
        return
    fitting = set(lengths.values()) - odd
    left = {name.split(".")[-2] for name, length in lengths.items() if length in odd}
    rows = ", ".join(map(str, sorted(odd)))
    experts = any(length in odd and is_routed_expert(name) for name, length in lengths.items())
    if fitting and experts:
        detail = phrase(
            N_("groups of {size} do not fill rows of {rows} numbers, among them rows of routed experts: {reason}"),
            size=params.group_size,
            rows=rows,
            reason=phrase(ALL_EXPERTS),
        )
    elif fitting:
        detail = phrase(
            N_("groups of {size} do not fill rows of {rows} numbers, so {left} of some layers stay as they are"),
            size=params.group_size,
            rows=rows,
            left=", ".join(sorted(left)),
        )
    else:
        detail = phrase(
            N_("groups of {size} fill no row of the model, whose rows have {rows} numbers"),
            size=params.group_size,
            rows=rows,
        )
    yield Objection(
        ("with", "groupSize"), detail, _better(params.group_size, lengths), is_error=experts or not fitting
    )


def _experts_left_out(params: QuantizeParams, config: Config) -> Iterator[Objection]:
    every, chosen = (
        _lengths(json.dumps(config, sort_keys=True, default=str), left) for left in ((), params.ignore)
    )
    if chosen and any(is_routed_expert(name) for name in every.keys() - chosen.keys()):
        yield Objection(
            ("with", "ignore"),
            phrase(N_("routed experts stay as they are: {reason}"), reason=phrase(ALL_EXPERTS)),
            phrase(N_("Take the pattern that names them away, or write scheme: FP8.")),
        )


@lru_cache(maxsize=64)
def _lengths(config: str, ignore: tuple[str, ...]) -> Mapping[str, int]:
    """Row lengths of what is quantised, by name; the points of a matrix ask for the same again and again."""
    return {
        name: length for name, length in row_lengths(json.loads(config)) if is_quantised(name, (1, length), ignore)
    }


def _better(size: int, lengths: Mapping[str, int]) -> Phrase:
    """The largest smaller group that fills all rows; kernels know powers of two best."""
    common = math.gcd(*lengths.values())
    sizes = [2**power for power in range(3, 11) if 2**power < size and common % 2**power == 0]
    if not sizes:
        return phrase(N_("Use scheme: FP8, which has no groups, or leave these matrices out with ignore."))
    return phrase(N_("Write groupSize: {best}, which fills all rows."), best=sizes[-1])
