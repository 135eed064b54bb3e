"""Runs data stages over a real local store, for tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.domain.resources import Resources
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageDefinition


class Bench:
    """Runs data stages over a real local store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = LocalStore(root / "store")
        self.notes: StageOutputs = StageOutputs()
        self._runs = 0

    def tree(self, files: dict[str, bytes]) -> Digest:
        self._runs += 1
        writer = self.store.writer(f"inputs/{self._runs}")
        for name, data in files.items():
            with writer.create(name) as file:
                file.write(data)
        return writer.commit().digest

    def run(self, definition: StageDefinition, inputs: dict[str, Digest], **params: Any) -> dict[str, Path]:
        """The committed output trees of one attempt, as directories."""
        self._runs += 1
        signature = definition.signature
        spec = AttemptSpec(
            id=AttemptId(run_id=RunId(f"r-{self._runs:012d}"), stage_id=StageId("data"), number=1),
            uses=signature.name,
            code=signature.code,
            params={},
            label=Label(),
            resources=Resources(workers=1, cpus_per_worker=1),
            inputs={
                port: (ArtifactRef(digest=digest, type=signature.inputs[port].type),)
                for port, digest in inputs.items()
            },
            outputs={name: port.type for name, port in signature.outputs.items()},
            artifact_store=self.store.uri,
            checkpoint_key="none",
        )
        scratch = self.root / f"scratch-{self._runs}"
        scratch.mkdir()
        context = StageContext(spec, self.store, scratch, lambda event: None, time.time)
        self.notes = definition.function(context, signature.params.model_validate(params))
        return {name: self.store.reader(context.output(name).commit().digest).local() for name in spec.outputs}

    def digest_of(self, directory: Path) -> Digest:
        return Digest(directory.name)
