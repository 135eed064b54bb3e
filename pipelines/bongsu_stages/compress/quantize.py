"""``compress.quantize``: weights in fewer bits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bongsu.artifacts.writing import write_bytes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Model, Tokens
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.compress.names import in_class
from bongsu_stages.compress.objections import ALL_EXPERTS, against_quantising
from bongsu_stages.compress.quantize_params import QuantizeParams
from bongsu_stages.compress.schemes import expertless, is_quantised, is_routed_expert, quantization_config
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, no_titles, stage

if TYPE_CHECKING:
    from bongsu.artifacts.base import TreeWriter
    from bongsu_stages.compress.gptq_levels import Uncalibrated
    from bongsu_stages.compress.layer_files import LayerFiles
    from bongsu_stages.compress.quantize_files import Quantise
    from bongsu_stages.models.weight_index import WeightIndex


def _workload(params: QuantizeParams, length: int) -> Workload:
    uses_text = params.method == "gptq"
    return Workload(
        kind=WorkKind.QUANTIZE_STREAMED,
        micro_batch=params.micro_batch,
        sequence_length=length if uses_text else 1,
        tokens=params.calibration_sequences * length if uses_text else 0,
        # A layer computes in fp32, whatever it computes on.
        weight_bytes=4.0,
        activation_bytes=4.0,
        hessians=uses_text,
    )


def _quantised_config(params: QuantizeParams, config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "quantization_config": quantization_config(params.scheme, params.group_size, ())}


@stage(
    "compress.quantize",
    params=QuantizeParams,
    inputs={
        "model": Model("An unquantised model"),
        "calibration": Tokens("Text to calibrate GPTQ on", many=True, optional=True),
    },
    outputs={"model": Model("The model in the compressed-tensors format")},
    workload=_workload,
    compresses=True,
    model_effect=_quantised_config,
    check=against_quantising,
    titles=no_titles,
)
def quantize(ctx: StageContext, params: QuantizeParams) -> StageOutputs:
    """Quantise a model's linear layers and experts to int4 or float8, in the compressed-tensors format.

    Weights pass through one at a time; GPTQ holds one decoder layer. Embeddings, norms and routers stay as they are.
    """
    from bongsu_stages.compress.quantize_files import Quantisation, write_quantised
    from bongsu_stages.compress.trees import pass_on, write_fingerprints
    from bongsu_stages.models.configuration import read_config
    from bongsu_stages.models.weight_index import WeightIndex

    tree, writer = ctx.input("model"), ctx.output("model")
    config = read_config(tree)
    if config.get("quantization_config"):
        raise StageError(N_("The model is quantised already."), N_("Quantise the model that it was made from."))
    weights = WeightIndex(tree)
    chosen, odd = _chosen(params, weights)
    method, rounded = _method(ctx, params, config, weights, chosen)
    ctx.phase("writing")
    count = len(weights.entries)
    step = max(1, count // 50)

    def progress(done: int) -> None:
        if done % step == 0 or done == count:
            ctx.progress(done, count)

    written = write_quantised(weights, Quantisation(chosen, method), writer, ctx.scratch, progress)
    left = _left_alone(str(config.get("model_type")), weights, chosen)
    said = quantization_config(params.scheme, params.group_size, left)
    pass_on(tree, writer, {**config, "quantization_config": said})
    _write_record(writer, params, len(chosen), odd, rounded)
    write_fingerprints(writer, written.fingerprints)
    before = sum(entry.size for entry in weights.entries.values())
    metrics = {
        "weights_bytes": float(written.size),
        "size_ratio": written.size / before,
        "matrices": float(len(chosen)),
    }
    if params.method == "gptq":
        metrics |= {
            "calibrated_matrices": float(len(chosen) - len(rounded)),
            "rounded_matrices": float(len(rounded)),
        }
    return StageOutputs(metrics=metrics, notes=_notes(params, odd, rounded))


def _notes(params: QuantizeParams, odd: list[str], rounded: Mapping[str, Uncalibrated]) -> dict[str, str]:
    notes = {"scheme": f"{params.scheme} ({params.method})"}
    if odd:
        notes["left as they are"] = f"{len(odd)} matrices whose width is no multiple of {params.group_size}"
    if rounded:
        reasons = "; ".join(f"{count}: {why}" for why, count in sorted(Counter(rounded.values()).items()))
        notes["rounded"] = f"{len(rounded)} matrices without GPTQ ({reasons})"
    return notes


def _write_record(
    writer: TreeWriter, params: QuantizeParams, count: int, odd: list[str], rounded: Mapping[str, Uncalibrated]
) -> None:
    """``quantization.json``: how many matrices were quantised, which of them not by the method that was asked for,
    and which were left."""
    record = {
        "scheme": params.scheme,
        "method": params.method,
        "matrices": count,
        "rounded": {name: str(why) for name, why in rounded.items()},
        "leftAsTheyAre": sorted(odd),
    }
    write_bytes(writer, "quantization.json", (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())


def _chosen(params: QuantizeParams, weights: WeightIndex) -> tuple[set[str], list[str]]:
    """Names of the weights to quantise, and of those whose width does not fit the groups."""
    chosen, odd = set(), []
    for entry in weights.entries.values():
        if not is_quantised(entry.name, entry.shape, params.ignore):
            continue
        if params.scheme == "W4A16" and (entry.shape[1] % params.group_size or entry.shape[1] % 8):
            odd.append(entry.name)
        else:
            chosen.add(entry.name)
    if not chosen:
        raise StageError(
            N_("No linear layer of the model can be quantised."), N_("Lower groupSize, or change ignore.")
        )
    _refuse_experts_left(params.scheme, weights.entries, chosen)
    return chosen, odd


def _refuse_experts_left(scheme: str, names: Iterable[str], chosen: set[str]) -> None:
    """Loaders join the experts of a layer into one tensor. With some of them left, they find none or too few, or scale
    those as well."""
    routed = sorted(filter(is_routed_expert, names))
    left = [name for name in routed if name not in chosen]
    if scheme == "W4A16" and left:
        raise StageError(
            phrase(
                N_("{count} weights of routed experts would stay as they are, among them {name}, and {rule}."),
                count=len(left),
                name=left[0],
                rule=phrase(ALL_EXPERTS),
            ),
            N_(
                "Choose a groupSize that divides their rows, take the pattern that names them out of ignore, or write"
                " scheme: FP8."
            ),
        )
    torn = {expertless(name) for name in left} & {expertless(name) for name in chosen if is_routed_expert(name)}
    if torn:
        raise StageError(
            phrase(
                N_(
                    "Some routed experts of {experts} would stay as they are and others not, and loaders join them."
                ),
                experts=min(torn),
            ),
            N_("Let a pattern of ignore name all routed experts of a layer, or none."),
        )


def _left_alone(family: str, weights: WeightIndex, chosen: set[str]) -> list[str]:
    """Names of the linear modules that are not quantised, for servers that read the checkpoint's names and for
    transformers, which looks for those of its class."""
    modules = {
        entry.name.removesuffix(".weight")
        for entry in weights.entries.values()
        if len(entry.shape) == 2 and entry.name.endswith(".weight") and "embed" not in entry.name
    }
    left = modules - {name.removesuffix(".weight") for name in chosen}
    return sorted(left | {in_class(family, name) for name in left})


def _method(
    ctx: StageContext, params: QuantizeParams, config: dict[str, Any], weights: WeightIndex, chosen: set[str]
) -> tuple[Quantise, dict[str, Uncalibrated]]:
    """How one weight is quantised, and those that GPTQ left to rounding."""
    from bongsu_stages.compress.rounding import int4_scales, packed, to_fp8, to_levels

    if params.scheme == "FP8":
        return lambda _name, weight: to_fp8(weight), {}

    def rounding(_name: str, weight: Any) -> Any:
        scales = int4_scales(weight, params.group_size)
        return packed(to_levels(weight, scales, params.group_size), scales)

    if params.method == "rounding":
        return rounding, {}
    files, left = _gptq(ctx, params, config, weights, chosen)

    def calibrated(name: str, weight: Any) -> Any:
        return files.get(name) if name in files else rounding(name, weight)

    return calibrated, left


def _gptq(
    ctx: StageContext, params: QuantizeParams, config: dict[str, Any], weights: WeightIndex, chosen: set[str]
) -> tuple[LayerFiles, dict[str, Uncalibrated]]:
    from bongsu_stages.compress.calibration import calibration_tokens
    from bongsu_stages.compress.gptq_levels import calibrate
    from bongsu_stages.compress.layer_files import LayerFiles
    from bongsu_stages.compress.layers import LayerStream
    from bongsu_stages.models.loading import model_class

    if not ctx.has_input("calibration"):
        raise StageError(
            N_("GPTQ needs calibration text."), N_("Give the input calibration, or use method: rounding.")
        )
    tokens = calibration_tokens(ctx, params.calibration_sequences, params.seed)
    configuration = model_class(config).config_class.from_dict(config)
    stream = LayerStream(weights, configuration, tokens, params.micro_batch)
    ctx.phase("calibrating")
    layers = configuration.num_hidden_layers
    files = LayerFiles(ctx.scratch)
    left = calibrate(stream, chosen, params.group_size, files, lambda done: ctx.progress(done, layers))
    return files, left
