"""What workers hold of a base and of its adapter is what the planner counts with, part by part."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import adapter_facts
import pytest
import tiny_training as tiny

from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import Digest
from bongsu.domain.resources import Resources
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.memory import estimate_memory
from bongsu_stages.models.configuration import read_config
from bongsu_stages.train.finetune import finetune
from bongsu_stages.train.finetune_params import FinetuneParams

WORKERS = 2


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, Digest]:
    root = tmp_path_factory.mktemp("base")
    tiny.write_tokenizer(root / "tokenizer")
    tiny.write_model(root / "model", root / "tokenizer", tiny.SHAPE.model_copy(update={"hidden_size": 128}))
    store = LocalStore(root / "store")
    return store, tiny.commit(store, "model", root / "model")


def facts(store: LocalStore, base: Digest, params: FinetuneParams) -> list[dict[str, int]]:
    """What each worker says that it holds, bytes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = params.model_dump_json(by_alias=True)
    workers = [
        subprocess.Popen(
            [sys.executable, adapter_facts.__file__, str(rank), str(port), store.uri, base, text],
            stdout=subprocess.PIPE,
        )
        for rank in range(WORKERS)
    ]
    return [json.loads(worker.communicate(timeout=180)[0].splitlines()[-1]) for worker in workers]


@pytest.mark.parametrize(("parallel", "precision"), [("shard", "bf16"), ("shard", "fp32"), ("replicate", "bf16")])
def test_each_part_of_the_estimate_is_what_a_worker_holds(
    base: tuple[LocalStore, Digest], parallel: str, precision: str
) -> None:
    store, digest = base
    given = {"steps": 1, "learningRate": 0.1, "lora": {"rank": 4}, "parallel": parallel, "precision": precision}
    params = FinetuneParams.model_validate(given)
    shape = shape_of(read_config(Path(store.reader(digest).local())))
    assert shape is not None
    work = finetune.signature.workload(params, 0)
    expected = estimate_memory(shape, work, Resources(workers=WORKERS))
    for found in facts(store, digest, params):
        assert expected.weights == pytest.approx(found["base"] + found["adapter"], rel=0.01)
        assert expected.gradients == found["gradients"] == found["adapter"]
        assert expected.optimizer == found["optimizer"]
