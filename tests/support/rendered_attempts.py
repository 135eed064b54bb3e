"""Attempts of each form, as a cluster is asked for them: compared with files, and shown to a real API server."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.pipeline import Environment
from bongsu.domain.resources import Resources
from bongsu.domain.worker_leave import WorkerPass
from bongsu.executors.kuberay.rendering import Asked, Place, asked_for
from bongsu.executors.kuberay.site import Site

GOLDEN = Path(__file__).parent.parent / "unit" / "executors" / "kuberay" / "golden"
RAY = "2.56.0"
IMAGE = f"registry.example/bongsu/stages@sha256:{'0' * 64}"
PLACE = Place(queue="nap-2026-mnd-01", priority="tier-2")
GIVEN = WorkerPass(token="t0ken", lifetime=600, url="http://bongsu.bongsu.svc:8700")
PLAIN_SITE = Site(image=IMAGE)
RICH_SITE = Site(
    image=IMAGE,
    store_secret="store",
    service_account="stages",
    accelerators={"H100": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}},
    container={"env": [{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}]},
    pod={
        "imagePullSecrets": [{"name": "registry"}],
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "volumes": [{"name": "models", "hostPath": {"path": "/srv/models"}}],
        "securityContext": {"fsGroup": 1000},
    },
)


def attempt(stage: str, **changes: Any) -> AttemptSpec:
    values: dict[str, Any] = {
        "id": AttemptId(run_id=RunId("r-0123456789ab"), stage_id=StageId(stage), number=2),
        "uses": "probe",
        "code": Digest(f"sha256-{'1' * 64}"),
        "params": {"text": "봉수"},
        "inputs": {},
        "outputs": {"files": ArtifactType.FILES},
        "label": OPEN,
        "resources": Resources(),
        "artifact_store": "s3://artifacts/mnd",
        "checkpoint_key": "key",
        "ministry": "mnd",
        "pipeline": "demo",
    }
    return AttemptSpec(**{**values, **changes})


def rendered() -> dict[str, Asked]:
    """By the name of their files."""
    gang = attempt(
        "adapt",
        resources=Resources(workers=4, cpus_per_worker=8, gpus_per_worker=8, accelerator="H100-80GB", memory=2**39),
        distributed=True,
        timeout=timedelta(hours=6),
    )
    single = attempt("curate")
    own = attempt(
        "measure",
        environment=Environment(image=IMAGE.replace("stages", "measure"), variables={"MODE": "quick"}),
        resources=Resources(gpus_per_worker=1, cpus_per_worker=0.5),
    )
    return {
        "single": asked_for(single, None, Place(queue="small"), PLAIN_SITE, RAY),
        "single-with-its-own-image": asked_for(own, GIVEN, PLACE, RICH_SITE, RAY),
        "gang": asked_for(gang, GIVEN, PLACE, RICH_SITE, RAY),
    }


def written(asked: Asked) -> str:
    """A file of both, with what the worker is handed left to other tests: it holds a token."""
    secret = {**asked.secret, "stringData": sorted(asked.secret["stringData"])}
    return json.dumps([secret, asked.job], indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, asked in rendered().items():
        (GOLDEN / f"{name}.json").write_text(written(asked))
