"""From a model tree to a model and a tokenizer in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from bongsu.artifacts.base import TreeReader
from bongsu_stages.models.configuration import read_config
from bongsu_stages.models.device import compute_dtype, pick_device
from bongsu_stages.models.precision import ExpertsImplementation
from bongsu_stages.models.silence import no_progress_bars
from bongsu_stages.runtime.stage import StageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


ADAPTER = "adapter"
"""Folder of a model tree that holds a low-rank adapter which is not merged into the weights."""


def load_model(
    source: TreeReader | Path,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype | Literal["stored"] | None = None,
    experts_implementation: ExpertsImplementation | None = "grouped_mm",
) -> PreTrainedModel:
    """Load a causal language model, in evaluation mode, whole into the memory of ``device``.

    An adapter that lies in the tree is added to the weights in memory.

    Args:
        source: a model tree or a directory in the layout of transformers.
        device: where it goes; the worker's GPU if it has one, else the CPU.
        dtype: of the weights in memory; ``stored`` for that of the files; None for what computes well on the
            device (bf16 on a GPU, fp32 on a CPU). The router's bias stays in fp32 in every case.
        experts_implementation: see :data:`ExpertsImplementation`; None leaves it to transformers.

    Raises:
        StageError: the architecture is unknown to the installed transformers, or weights are missing.
    """
    directory = source if isinstance(source, Path) else source.local()
    device = device or pick_device()
    chosen: Any = "auto" if dtype == "stored" else (dtype or compute_dtype(device))
    options: dict[str, Any] = {"dtype": chosen}
    if experts_implementation is not None:
        options["experts_implementation"] = experts_implementation
    with no_progress_bars():
        model, report = model_class(read_config(directory)).from_pretrained(
            directory, local_files_only=True, output_loading_info=True, **options
        )
    if report["missing_keys"]:
        missing = ", ".join(sorted(report["missing_keys"])[:5])
        raise StageError(
            f"The model tree lacks {len(report['missing_keys'])} weights, among them {missing}.",
            "Check the stage that wrote it; its layout must be that of the model's config.json.",
        )
    model.to(device)
    adapted: PreTrainedModel = with_adapter(model, directory)
    return adapted.eval()


def with_adapter(model: Any, directory: Path) -> Any:
    """``model`` with the adapter that lies in the tree at ``directory`` added to its weights, if there is one."""
    if not (directory / ADAPTER / "adapter_config.json").is_file():
        return model
    from peft import PeftModel

    return PeftModel.from_pretrained(model, directory / ADAPTER).merge_and_unload()


def model_class(config: dict[str, Any]) -> Any:
    """The transformers class of ``config['architectures'][0]``. Raises StageError if there is none."""
    import transformers

    names = config.get("architectures") or []
    found = getattr(transformers, names[0], None) if names else None
    if found is None:
        raise StageError(
            f"transformers {transformers.__version__} has no architecture {names[0] if names else '(none named)'}.",
            "Name one that it has under architectures in config.json, such as AXK1ForCausalLM.",
        )
    return found


def load_tokenizer(source: TreeReader | Path) -> PreTrainedTokenizerFast:
    """The tokenizer of a model tree. Raises StageError if the tree has none."""
    from transformers import PreTrainedTokenizerFast

    directory = source if isinstance(source, Path) else source.local()
    if not (directory / "tokenizer.json").is_file():
        raise StageError("The model tree has no tokenizer.json.", "Use a tree that holds a tokenizer.")
    return PreTrainedTokenizerFast.from_pretrained(directory, local_files_only=True)
