"""What a site says of its cluster: images, nodes, and what its pods need that no pipeline knows of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
"""Of a namespace, a service account, and the like (RFC 1123)."""

_GPU = "nvidia.com/gpu"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Share(_Part):
    """What a container asks for that no stage speaks of, in cores and bytes.

    Requests and limits are equal, so that what Kueue counted is what there is.
    """

    cpus: float = Field(gt=0)
    memory: int = Field(gt=0)


class Site(_Part):
    """Attributes:
    image: in which stages run that name none of their own, pinned by digest.
    python: program of the image that runs stages.
    namespace_prefix: put before a ministry's name; what comes out is its namespace.
    gpu_resource: by which nodes offer GPUs.
    accelerators: for each type of GPU that stages may ask for, labels of the nodes that have it.
    head: of a gang: the process that starts the workers, and Ray's own.
    submitter: of a gang: tells Ray to begin, and waits.
    memory: of a stage that asks for none, in bytes per worker.
    shared_memory: of ``/dev/shm`` of each pod of a gang, in bytes; it counts as memory of the pod.
    store_secret: of the ministry's namespace, whose keys become variables that the artifact store reads; None where
        the pod's identity is enough.
    service_account: of the ministry's namespace, as which stages run.
    user: number of the account and group as which processes run.
    pod: merged into the ``spec`` of each pod (volumes, tolerations, pull secrets, a runtime class), as
        :func:`bongsu.executors.kuberay.overlay.merged` says.
    container: merged into each container in the same way (mounts, variables such as those of a proxy).
    """

    image: str
    python: str = "python"
    namespace_prefix: Annotated[str, StringConstraints(pattern=r"^[a-z][-a-z0-9]{0,20}$")] = "bongsu-"
    gpu_resource: str = _GPU
    accelerators: dict[str, dict[str, str]] = {}
    head: Share = Share(cpus=1.0, memory=4 * 2**30)
    submitter: Share = Share(cpus=0.2, memory=2**29)
    memory: int = 4 * 2**30
    shared_memory: int = 2**30
    store_secret: Name | None = None
    service_account: Name | None = None
    user: int = Field(default=65532, gt=0)
    pod: dict[str, Any] = {}
    container: dict[str, Any] = {}

    def namespace(self, ministry: str) -> str:
        """In which its attempts run."""
        return f"{self.namespace_prefix}{ministry}"
