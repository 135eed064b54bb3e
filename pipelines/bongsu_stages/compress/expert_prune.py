"""``compress.expert-prune``: leave out the experts that contribute least."""

from __future__ import annotations

import json
import math
from typing import Any

from bongsu.artifacts.writing import write_bytes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Model, Tokens
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.compress.expert_prune_params import ExpertPruneParams
from bongsu_stages.compress.objections import against_pruning
from bongsu_stages.compress.selection import Routing, choose, keep_count
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, no_titles, stage


def _workload(params: ExpertPruneParams, length: int) -> Workload:
    return Workload(
        kind=WorkKind.PRUNE_STREAMED,
        micro_batch=params.micro_batch,
        sequence_length=length,
        tokens=params.calibration_sequences * length,
        # A layer computes in fp32, whatever it computes on.
        weight_bytes=4.0,
        activation_bytes=4.0,
    )


def _fewer_experts(params: ExpertPruneParams, config: dict[str, Any]) -> dict[str, Any]:
    if not config.get("n_routed_experts"):
        return config
    return {**config, "n_routed_experts": keep_count(Routing.of(config), params.keep_fraction)}


@stage(
    "compress.expert-prune",
    params=ExpertPruneParams,
    inputs={
        "model": Model("A mixture-of-experts model (A.X K1 or K2)"),
        "calibration": Tokens("Text whose tokens show which experts matter", many=True),
    },
    outputs={"model": Model("The model with fewer experts, all other weights byte for byte")},
    workload=_workload,
    compresses=True,
    model_effect=_fewer_experts,
    check=against_pruning,
    titles=no_titles,
)
def expert_prune(ctx: StageContext, params: ExpertPruneParams) -> StageOutputs:
    """Leave out the routed experts with the lowest REAP saliency, equally many from each router group.

    One decoder layer is in memory at a time, and kept experts are copied as bytes, so a model of any size passes.
    """
    from bongsu_stages.compress.prune_bytes import check_layers, write_pruned
    from bongsu_stages.compress.trees import pass_on, write_fingerprints
    from bongsu_stages.models.configuration import read_config
    from bongsu_stages.models.weight_index import WeightIndex

    tree, writer = ctx.input("model"), ctx.output("model")
    config = read_config(tree)
    if not config.get("n_routed_experts"):
        raise StageError(N_("The model has no routed experts."), N_("Prune mixture-of-experts models only."))
    if config.get("quantization_config"):
        raise StageError(N_("The model is quantised already."), N_("Prune first and quantise what comes out."))
    weights = WeightIndex(tree)
    check_layers(weights.entries, config["num_hidden_layers"])
    scores = _scores(ctx, params, config, weights)
    pruned = _fewer_experts(params, config)
    keep = pruned["n_routed_experts"]
    kept = {layer: choose(values, keep, Routing.of(config).parts) for layer, values in scores.items()}
    ctx.phase("writing")
    written = write_pruned(weights, writer, kept)
    pass_on(tree, writer, pruned)
    write_fingerprints(writer, written.fingerprints)
    record = {"method": params.method, "kept": kept, "scores": scores}
    write_bytes(writer, "pruning.json", (json.dumps(record, sort_keys=True) + "\n").encode())
    before = sum(entry.size for entry in weights.entries.values())
    return StageOutputs(
        metrics={"experts": float(keep), "weights_bytes": float(written.size), "size_ratio": written.size / before},
        notes={"experts": f"{keep} of {config['n_routed_experts']} a layer"},
    )


def _scores(
    ctx: StageContext, params: ExpertPruneParams, config: dict[str, Any], weights: Any
) -> dict[int, list[float]]:
    """Score of each expert of each sparse layer."""
    import torch

    from bongsu_stages.compress.calibration import calibration_tokens
    from bongsu_stages.compress.experts import experts_of
    from bongsu_stages.compress.layers import LayerStream
    from bongsu_stages.compress.saliency import watch
    from bongsu_stages.models.loading import model_class

    tokens = calibration_tokens(ctx, params.calibration_sequences, params.seed)
    stream = LayerStream(weights, model_class(config).config_class.from_dict(config), tokens, params.micro_batch)
    chance = torch.Generator().manual_seed(params.seed)
    ctx.phase(N_("measuring experts"))
    scores: dict[int, list[float]] = {}
    for index, layer in stream:
        experts = experts_of(layer)
        if experts is None:
            stream.advance(layer)
        else:
            with watch(experts) as statistics:
                stream.advance(layer)
            by_method = {
                "reap": statistics.reap,
                "frequency": statistics.tokens,
                "random": torch.rand(len(statistics.tokens), generator=chance),
            }
            scores[index] = _finite(by_method[params.method].tolist(), index)
        # Either of them would keep the layer while the next one is read.
        del layer, experts
        ctx.progress(index + 1, stream.config.num_hidden_layers)
    return scores


def _finite(scores: list[float], layer: int) -> list[float]:
    """``scores``, all of which can be compared. Raises StageError for the first that is no finite number."""
    for expert, score in enumerate(scores):
        if not math.isfinite(score):
            raise StageError(
                phrase(
                    N_(
                        "The score of expert {expert} in layer {layer} is {score}, which says nothing about the expert."
                    ),
                    expert=expert,
                    layer=layer,
                    score=f"{score}",
                ),
                N_("Look at the stage that made the model: what it computes of the calibration text is no number."),
            )
    return scores
