"""One decoder layer at a time: built empty, filled from byte ranges, run, and let go.

Memory is one layer and the hidden states of the calibration tokens, however large the model is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.compress.names import FAMILIES, in_class
from bongsu_stages.models.device import pick_device
from bongsu_stages.models.weight_index import WeightIndex
from bongsu_stages.runtime.memory import return_pages
from bongsu_stages.runtime.stage import StageError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


class LayerStream:
    """Runs calibration tokens through a model layer by layer.

    Args:
        weights: entries of the model tree, per expert as on the hub.
        config: transformers' configuration of the model.
        tokens: int64 of shape ``[sequences, length]``.
        micro_batch: sequences in one forward pass.
    """

    def __init__(
        self, weights: WeightIndex, config: PreTrainedConfig, tokens: torch.Tensor, micro_batch: int = 8
    ) -> None:
        if config.model_type not in FAMILIES:
            raise StageError(
                phrase(N_("Layers of a {family} model cannot be streamed."), family=config.model_type),
                phrase(N_("Use one of: {families}."), families=", ".join(FAMILIES)),
            )
        self.config: Any = config
        # Layers that are built on their own, outside of a model, choose no kernel by themselves.
        self.config._attn_implementation = "sdpa"
        self.config._experts_implementation = "grouped_mm"
        self._weights = weights
        self._module = _modeling(config.model_type)
        self._name = {"axk1": "AXK1", "axk2": "AXK2"}[config.model_type]
        self._device = pick_device()
        table = weights.read("model.embed_tokens.weight").float()
        self.hidden = [functional.embedding(part, table) for part in torch.split(tokens, micro_batch)]
        self._length = tokens.shape[1]

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """(index, layer) of each decoder layer; afterwards :meth:`advance` has to be called."""
        for index in range(self.config.num_hidden_layers):
            # Layers differ in what they allocate: what one let go of would stay beside the next.
            return_pages()
            yield index, self.load(index)

    @torch.inference_mode()
    def advance(self, layer: Any) -> None:
        """Replace the hidden states by what ``layer`` makes of them."""
        from transformers.masking_utils import create_causal_mask

        rotary = getattr(self._module, f"{self._name}RotaryEmbedding")(self.config).to(self._device)
        positions = torch.arange(self._length, device=self._device)[None]
        for number, states in enumerate(self.hidden):
            here = states.to(self._device)
            mask = create_causal_mask(
                config=self.config,
                inputs_embeds=here,
                attention_mask=None,
                past_key_values=None,
                position_ids=positions.expand(len(here), -1),
                # The indexer of A.X K2 chooses among the tokens that the mask leaves, so there must be one.
                allow_is_causal_skip=self.config.model_type != "axk2",
            )
            out = layer(
                here,
                position_embeddings=rotary(here, positions),
                attention_mask=mask,
                position_ids=positions.expand(len(here), -1),
            )
            self.hidden[number] = (out[0] if isinstance(out, tuple) else out).to(states.device)

    def load(self, index: int) -> Any:
        """The decoder layer at ``index`` in fp32, in evaluation mode."""
        with torch.device("meta"):
            layer = getattr(self._module, f"{self._name}DecoderLayer")(self.config, index)
        state = dict(self._state(index, layer))
        missing, unexpected = layer.load_state_dict(state, strict=False, assign=True)
        lost = [name for name in missing if not name.endswith("e_score_correction_bias")]
        if lost or unexpected:
            raise StageError(
                phrase(
                    N_("Layer {index} lacks {lost} and does not know {unexpected}."),
                    index=index,
                    lost=lost[:3],
                    unexpected=unexpected[:3],
                ),
                N_("Check that the weights are those of the model's config.json."),
            )
        if missing:
            layer.mlp.gate.e_score_correction_bias = torch.zeros(self.config.n_routed_experts)
        return layer.to(self._device).eval()

    def _state(self, index: int, layer: Any) -> Iterator[tuple[str, torch.Tensor]]:
        prefix = f"model.layers.{index}."
        sparse = self.config.mlp_layer_types[index] == "sparse"
        own = set(layer.state_dict())
        if sparse:
            yield from self._experts(f"{prefix}mlp.experts.")
        for name in self._weights.entries:
            if not name.startswith(prefix) or ".mlp.experts." in name:
                continue
            short = in_class(self.config.model_type, name.removeprefix(prefix))
            # The released checkpoints keep this norm beside the expert block, the class keeps it in it.
            inside = f"mlp.{short}"
            if short not in own and inside in own:
                short = inside
            if short in own or not short.startswith("post_mlp_layernorm"):
                yield short, self._weights.read(name).float()

    def _experts(self, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
        """Fused tensors ``[experts, 2 * width, hidden]`` and ``[experts, hidden, width]``, filled one by one."""
        count, width, hidden = (
            self.config.n_routed_experts,
            self.config.moe_intermediate_size,
            self.config.hidden_size,
        )
        gate_up = torch.empty(count, 2 * width, hidden)
        down = torch.empty(count, hidden, width)
        for expert in range(count):
            gate_up[expert, :width] = self._weights.read(f"{prefix}{expert}.gate_proj.weight")
            gate_up[expert, width:] = self._weights.read(f"{prefix}{expert}.up_proj.weight")
            down[expert] = self._weights.read(f"{prefix}{expert}.down_proj.weight")
        yield "mlp.experts.gate_up_proj", gate_up
        yield "mlp.experts.down_proj", down


def _modeling(family: str) -> Any:
    import importlib

    return importlib.import_module(f"transformers.models.{family}.modeling_{family}")
