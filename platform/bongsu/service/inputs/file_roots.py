"""Where the files lie that a pipeline names: beside it on this machine, or with a client that has sent them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bongsu.domain.ids import Digest
from bongsu.domain.messages import N_
from bongsu.domain.pipeline import Input
from bongsu.service.inputs.files import NotFound

NOT_SENT = N_(
    "files of your machine are not on the server until they are sent: `bongsu plan` and `bongsu submit` send them; over"
    " HTTP, POST them to /v1/ministries/MINISTRY/artifacts, and give the digest under `uploaded`"
)


@dataclass(frozen=True)
class Files:
    """Attributes:
    directory: what paths are relative to.
    uploaded: trees that a client has sent, by the name of the input; None if the pipeline is of this machine.
    beside: small files that a client has sent, by their shortest paths relative to the pipeline.
    """

    directory: Path
    uploaded: Mapping[str, Digest] | None = None
    beside: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def are_sent(self) -> bool:
        """By a client: nothing that the pipeline names lies on this machine."""
        return self.uploaded is not None

    def address_of(self, name: str, given: Input) -> Input:
        """The input with an address that means something here. Raises NotFound."""
        if self.uploaded is None or not given.uri.startswith("file:"):
            return given
        digest = self.uploaded.get(name)
        if digest is None:
            raise NotFound(NOT_SENT)
        return given.model_copy(update={"model" if given.model else "dataset": f"artifact:{digest}"})
