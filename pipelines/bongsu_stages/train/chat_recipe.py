"""Fine-tuning on conversations: the recipe behind train.finetune."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from bongsu.artifacts.base import ArtifactStore, TreeReader
from bongsu.domain.ids import Digest
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.models.device import compute_dtype
from bongsu_stages.models.fingerprints import FINGERPRINTS, Fingerprints, read_fingerprints
from bongsu_stages.models.loading import load_model, load_tokenizer
from bongsu_stages.models.mlmodel import ADAPTER, write_mlmodel
from bongsu_stages.models.saving import Origin, save_model
from bongsu_stages.models.sharding import is_sharded
from bongsu_stages.models.weight_index import stored_fingerprints
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.batches import TrainingData
from bongsu_stages.train.chat import KOREAN_TEMPLATE, Chat
from bongsu_stages.train.examples import ChatData, Encoded, encode_all, read_examples, split
from bongsu_stages.train.finetune_params import FinetuneParams
from bongsu_stages.train.lora import adapter_fingerprints, add_adapter, merged_in_parts, save_adapter
from bongsu_stages.train.objective import CrossEntropy, Objective
from bongsu_stages.train.parallel import shards_of
from bongsu_stages.train.recipe import Parts
from bongsu_stages.train.workers import WorkerGroup


@dataclass(frozen=True)
class ChatRecipe:
    """LoRA on the answers of conversations.

    Attributes:
        base: digest of the model tree, whose tokenizer is used.
        examples: digest of the tree of JSON Lines.
        config: ``config.json`` of the base.
    """

    params: FinetuneParams
    base: Digest
    examples: Digest
    config: Mapping[str, Any]

    def build(self, store: ArtifactStore, workers: WorkerGroup) -> nn.Module:
        model = load_model(
            store.reader(self.base),
            device=workers.device,
            dtype=compute_dtype(workers.device, self.params.precision),
            experts_implementation=self.params.experts_implementation,
            shards=shards_of(self.params.parallel, workers),
        )
        adapted: nn.Module = add_adapter(model, self.params.lora, self.params.seed)
        return adapted

    def open_data(self, store: ArtifactStore) -> TrainingData:
        encoded = self.encode(store)
        return ChatData(encoded.training, encoded.kept_back, encoded.filler, self.params.seed)

    def objective(self, store: ArtifactStore, workers: WorkerGroup) -> Objective:
        return CrossEntropy()

    def parts(self, model: Any) -> Parts | None:
        return merged_in_parts(model) if is_sharded(model) and self.params.lora.merge_at_end else None

    def write(self, model: Any, parts: Parts | None, store: ArtifactStore, directory: Path) -> None:
        base = store.reader(self.base)
        if self.params.lora.merge_at_end:
            merged = model.merge_and_unload() if parts is None else model.get_base_model()
            save_model(merged, Origin(self.config, base), directory, parts=parts)
        else:
            _copy_tree(base, directory)
            save_adapter(model, directory / ADAPTER)
            recorded = read_fingerprints(base) or Fingerprints(entries=stored_fingerprints(base))
            whole = recorded.model_copy(update={"adapter": adapter_fingerprints(model)})
            (directory / FINGERPRINTS).write_bytes(whole.encode())
        (directory / "chat_template.jinja").write_text(self.chat(store).template, encoding="utf-8")
        write_mlmodel(directory)

    def chat(self, store: ArtifactStore) -> Chat:
        tokenizer = load_tokenizer(store.reader(self.base))
        return Chat(tokenizer, self.params.chat_template or tokenizer.chat_template or KOREAN_TEMPLATE)

    def encode(self, store: ArtifactStore) -> Conversations:
        """All conversations as tokens. Raises StageError if there is nothing to learn from."""
        chat = self.chat(store)
        training, kept_back = split(read_examples(store.reader(self.examples)), self.params.held_out)
        limit = self.params.sequence_length
        tokenizer = chat.tokenizer
        filler = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        out = Conversations(
            encode_all(training, chat, limit),
            encode_all(kept_back, chat, limit),
            filler or 0,
            len(training) + len(kept_back),
        )
        if not out.training:
            raise StageError(
                phrase(N_("No conversation has an answer within {limit} tokens."), limit=limit),
                N_("Raise sequenceLength, or give more."),
            )
        return out


@dataclass(frozen=True)
class Conversations:
    """Encoded conversations; ``read`` counts those that were in the files."""

    training: list[Encoded]
    kept_back: list[Encoded]
    filler: int
    read: int

    @cached_property
    def notes(self) -> dict[str, str]:
        """Counts worth showing: what was used, and what was too long to learn from."""
        used = len(self.training) + len(self.kept_back)
        return {
            "conversations": f"{len(self.training)} to learn from, {len(self.kept_back)} kept back",
            "too long": str(self.read - used),
        }


def check_examples(recipe: ChatRecipe, store: ArtifactStore) -> dict[str, str]:
    """Read and encode everything once before any worker starts; returns notes. Raises StageError."""
    return recipe.encode(store).notes


def _copy_tree(tree: TreeReader, directory: Path) -> None:
    """Every file of ``tree``, hashed on the way. Raises StageError if it holds an adapter already."""
    for entry in tree.manifest.files:
        if entry.path.startswith(f"{ADAPTER}/"):
            raise StageError(N_("The base has an adapter that is not merged."), N_("Set lora.mergeAtEnd to true."))
        target = directory / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with tree.open(entry.path) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, 8 * 1024 * 1024)
