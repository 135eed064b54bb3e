"""Does one kind of work on one model in this process and prints what memory it took: ``peak_probe.py JSON``.

The argument is ``{"config": ..., "kind": ..., "batch": ..., "length": ..., "checkpoint": ...}``; the answer is
``{"before": bytes, "peak": bytes}``: resident size once everything is imported, and the highest ever (VmHWM).
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bongsu_stages.models.loading import model_class
from bongsu_stages.train.batches import Batch
from bongsu_stages.train.loop import TrainingLoop
from bongsu_stages.train.loss import summed_cross_entropy
from bongsu_stages.train.params import TokenTrainingParams
from bongsu_stages.train.sink import SilentSink
from bongsu_stages.train.workers import WorkerGroup

STEPS = 2


@dataclass(frozen=True)
class RandomRows:
    """Training data without a file."""

    vocabulary: int
    length: int
    held_out: list[Any] = field(default_factory=list)

    def rows(self, first: int, count: int) -> Batch:
        ids = torch.randint(0, self.vocabulary, (count, self.length))
        return Batch(ids, ids)


def resident(key: str) -> int:
    rows = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(row.split()[1]) for row in rows if row.startswith(key))


def build(config: dict[str, Any]) -> Any:
    cls = model_class(config)
    read = cls.config_class.from_dict(config)
    if config["model_type"].startswith("axk"):
        read._experts_implementation = "grouped_mm"
    return cls(read)


def train_full(task: dict[str, Any]) -> None:
    params = TokenTrainingParams(steps=STEPS, micro_batch=task["batch"], learning_rate=1e-4)
    model = build(task["config"])
    if task["checkpoint"]:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    data = RandomRows(task["config"]["vocab_size"], task["length"])
    workers = WorkerGroup(0, 1, torch.device("cpu"))
    TrainingLoop(model, data, params, workers, SilentSink()).run(0, lambda _step: None)


def train_lora(task: dict[str, Any]) -> None:
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(build(task["config"]), LoraConfig(r=8, target_modules="all-linear"))
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, fused=True)
    for _step in range(STEPS):
        batch = RandomRows(task["config"]["vocab_size"], task["length"]).rows(0, task["batch"])
        logits = model(input_ids=batch.input_ids, use_cache=False).logits
        summed_cross_entropy(logits, batch.labels).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def distill(task: dict[str, Any]) -> None:
    """The usual loss (Hinton et al., arXiv 1503.02531): divergence of the two whole distributions."""
    student, teacher = build(task["config"]), build(task["config"]).eval()
    optimizer = torch.optim.AdamW(student.parameters(), fused=True)
    for _step in range(STEPS):
        ids = RandomRows(task["config"]["vocab_size"], task["length"]).rows(0, task["batch"]).input_ids
        with torch.no_grad():
            wanted = torch.log_softmax(teacher(input_ids=ids, use_cache=False).logits.float(), -1)
        given = torch.log_softmax(student(input_ids=ids, use_cache=False).logits.float(), -1)
        torch.nn.functional.kl_div(given, wanted, log_target=True, reduction="batchmean").backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


@torch.no_grad()
def inference(task: dict[str, Any]) -> None:
    model = build(task["config"]).eval()
    for _step in range(STEPS):
        batch = RandomRows(task["config"]["vocab_size"], task["length"]).rows(0, task["batch"])
        summed_cross_entropy(model(input_ids=batch.input_ids, use_cache=False).logits, batch.labels)


KINDS = {"train-full": train_full, "train-lora": train_lora, "distill": distill, "inference": inference}


def main() -> None:
    task = json.loads(sys.argv[1])
    torch.manual_seed(0)
    torch.set_num_threads(2)
    model_class(task["config"])
    if task["kind"] == "train-lora":
        importlib.import_module("peft")
    before = resident("VmRSS:")
    KINDS[task["kind"]](task)
    print(json.dumps({"before": before, "peak": resident("VmHWM:")}))


if __name__ == "__main__":
    main()
