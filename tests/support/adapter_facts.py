"""One of two workers that train an adapter: ``python adapter_facts.py RANK PORT STORE BASE PARAMS``.

Builds the model as ``train.finetune`` does, takes one optimizer step, and prints, as JSON, the bytes that lie in this
worker: of the base's weights, of the adapter, of gradients and of the optimizer's moments.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist

from bongsu.artifacts.open import open_store
from bongsu.domain.ids import Digest
from bongsu_stages.models.configuration import read_config
from bongsu_stages.train.chat_recipe import ChatRecipe
from bongsu_stages.train.finetune_params import FinetuneParams
from bongsu_stages.train.optimizer import freeze, make_optimizer
from bongsu_stages.train.parallel import average_replicated, replicate
from bongsu_stages.train.workers import WorkerGroup


def held(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes of this worker's shares."""
    shares: list[Any] = [tensor.to_local() if hasattr(tensor, "to_local") else tensor for tensor in tensors]
    return sum(share.numel() * share.element_size() for share in shares)


def main(rank: int, port: int, uri: str, base: str, text: str) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    store, params = open_store(uri), FinetuneParams.model_validate_json(text)
    config = read_config(store.reader(Digest(base)))
    workers = WorkerGroup(rank, 2, torch.device("cpu"))
    model = ChatRecipe(params, Digest(base), Digest(""), config).build(store, workers)
    freeze(model, params.freeze)
    wrapped = replicate(model, workers)
    optimizer = make_optimizer(model, params)
    ids = torch.randint(2, config["vocab_size"], (2, 16), generator=torch.Generator().manual_seed(rank))
    wrapped(input_ids=ids, labels=ids).loss.backward()
    if params.parallel == "shard":
        average_replicated(model, workers)
    optimizer.step()
    weights = dict(model.named_parameters())
    moments = [value for state in optimizer.state.values() for name, value in state.items() if name != "step"]
    found = {
        "base": held(weight for name, weight in weights.items() if ".lora_" not in name),
        "adapter": held(weight for name, weight in weights.items() if ".lora_" in name),
        "gradients": held(weight.grad for weight in weights.values() if weight.grad is not None),
        "optimizer": held(moments),
    }
    print(json.dumps(found), flush=True)
    dist.barrier()
    # Ends without the destructors of the process group, which wait for the other worker.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:6])
