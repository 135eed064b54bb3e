"""Objects of Kubernetes, as far as we write them; what the cluster adds is never in them.

Fields are called and formed as in the API (``document`` gives them by its names): core/v1, batch/v1, and ray.io/v1 of
KubeRay 1.6. A field that is None is left out, which server-side apply takes for none of ours.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Quantities = dict[str, str]
"""By resource, e.g. ``{"cpu": "500m", "memory": "2Gi", "nvidia.com/gpu": "8"}``."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class _Thing(_Part):
    def document(self) -> dict[str, Any]:
        """As the API server takes it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Metadata(_Part):
    name: str | None = None
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class SecretKey(_Part):
    name: str
    key: str


class ValueFrom(_Part):
    secret_key_ref: SecretKey


class Variable(_Part):
    """Of an environment; ``value`` or ``value_from``."""

    name: str
    value: str | None = None
    value_from: ValueFrom | None = None


class SecretName(_Part):
    name: str


class VariablesFrom(_Part):
    secret_ref: SecretName


class Mount(_Part):
    name: str
    mount_path: str
    read_only: bool | None = None


class SecretFile(_Part):
    key: str
    path: str


class SecretVolume(_Part):
    secret_name: str
    items: tuple[SecretFile, ...]


class EmptyFolder(_Part):
    medium: Literal["Memory"] | None = None
    size_limit: str | None = None


class Volume(_Part):
    """One of the two is given."""

    name: str
    secret: SecretVolume | None = None
    empty_dir: EmptyFolder | None = None


class Needs(_Part):
    requests: Quantities
    limits: Quantities


class Capabilities(_Part):
    drop: tuple[str, ...]


class ContainerSecurity(_Part):
    allow_privilege_escalation: bool = False
    capabilities: Capabilities = Capabilities(drop=("ALL",))
    read_only_root_filesystem: bool = True


class Container(_Part):
    name: str
    image: str
    image_pull_policy: str | None = None
    command: tuple[str, ...] | None = None
    env: tuple[Variable, ...] = ()
    env_from: tuple[VariablesFrom, ...] | None = None
    resources: Needs
    volume_mounts: tuple[Mount, ...] = ()
    security_context: ContainerSecurity = ContainerSecurity()


class SeccompProfile(_Part):
    type: Literal["RuntimeDefault"] = "RuntimeDefault"


class PodSecurity(_Part):
    run_as_non_root: bool = True
    run_as_user: int
    run_as_group: int
    fs_group: int
    seccomp_profile: SeccompProfile = SeccompProfile()


class PodSpec(_Part):
    restart_policy: Literal["Never"] = "Never"
    service_account_name: str | None = None
    automount_service_account_token: bool = False
    enable_service_links: bool = False
    share_process_namespace: Literal[True] = True
    """A container's first process is not ended by its own signals, and nobody waits for what it leaves; so that is the
    pod's own process."""
    node_selector: dict[str, str] | None = None
    security_context: PodSecurity
    containers: tuple[Container, ...]
    volumes: tuple[Volume, ...] = ()


class PodTemplate(_Part):
    metadata: Metadata | None = None
    spec: PodSpec


class Secret(_Thing):
    api_version: Literal["v1"] = "v1"
    kind: Literal["Secret"] = "Secret"
    metadata: Metadata
    type: str
    string_data: dict[str, str] = Field(repr=False)


class JobSpec(_Part):
    suspend: bool = True
    backoff_limit: Literal[0] = 0
    active_deadline_seconds: int | None = None
    template: PodTemplate


class Job(_Thing):
    api_version: Literal["batch/v1"] = "batch/v1"
    kind: Literal["Job"] = "Job"
    metadata: Metadata
    spec: JobSpec


class HeadGroup(_Part):
    ray_start_params: dict[str, str]
    template: PodTemplate


class WorkerGroup(_Part):
    group_name: str
    replicas: int
    min_replicas: int
    max_replicas: int
    ray_start_params: dict[str, str]
    template: PodTemplate


class RayCluster(_Part):
    ray_version: str
    head_group_spec: HeadGroup
    worker_group_specs: tuple[WorkerGroup, ...]


class RayJobSpec(_Part):
    suspend: bool = True
    entrypoint: str
    entrypoint_num_gpus: Literal[0] = 0
    shutdown_after_job_finishes: Literal[True] = True
    ttl_seconds_after_finished: Literal[0] = 0
    submission_mode: Literal["K8sJobMode"] = "K8sJobMode"
    backoff_limit: Literal[0] = 0
    active_deadline_seconds: int | None = None
    submitter_pod_template: PodTemplate
    ray_cluster_spec: RayCluster


class RayJob(_Thing):
    api_version: Literal["ray.io/v1"] = "ray.io/v1"
    kind: Literal["RayJob"] = "RayJob"
    metadata: Metadata
    spec: RayJobSpec
