"""What is asked of a cluster for an attempt: a pure function of the attempt and of what the site says."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from math import ceil
from typing import Any

from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.capacity import may_be_same
from bongsu.domain.worker_leave import PASS, WorkerPass
from bongsu.executors.kuberay.manifests import (
    Container,
    EmptyFolder,
    HeadGroup,
    Job,
    JobSpec,
    Metadata,
    Mount,
    Needs,
    PodSecurity,
    PodSpec,
    PodTemplate,
    Quantities,
    RayCluster,
    RayJob,
    RayJobSpec,
    Secret,
    SecretFile,
    SecretKey,
    SecretName,
    SecretVolume,
    ValueFrom,
    Variable,
    VariablesFrom,
    Volume,
    WorkerGroup,
)
from bongsu.executors.kuberay.overlay import merged
from bongsu.executors.kuberay.site import Share, Site

QUEUE = "kueue.x-k8s.io/queue-name"
PRIORITY = "kueue.x-k8s.io/priority-class"
MANAGED = "app.kubernetes.io/managed-by"
ACCELERATOR = "bongsu.dev/accelerator"
RUN, STAGE, NUMBER = "bongsu.dev/run", "bongsu.dev/stage", "bongsu.dev/attempt"
SPEC, GIVEN = "attempt.json", "pass.json"
"""Keys of an attempt's Secret: its specification, and what its worker asks the control plane with."""
_SECRET_TYPE = "bongsu.dev/attempt"

_HANDED = "/etc/bongsu"
_WRITABLE = "/var/lib/bongsu"
LOGS, CACHE = f"{_WRITABLE}/logs", f"{_WRITABLE}/cache"
_SHARED_MEMORY = "/dev/shm"
# Ray's own names for the containers of its pods.
_RAY, _SUBMITTER = "ray", "ray-job-submitter"
_STAGE = "stage"
_GROUP = "workers"
# The stage runs on the head: another head would wait for ever for a stage that is gone.
_NO_SECOND_HEAD = {"ray.io/disable-provisioned-head-restart": "true"}
# Beyond a stage's own limit, so that it is the worker who ends it, and says why.
_LATER_S = 300


@dataclass(frozen=True)
class Place:
    """Where in the cluster an attempt waits.

    Attributes:
        queue: LocalQueue of the ministry's namespace.
        priority: WorkloadPriorityClass; none if empty.
    """

    queue: str
    priority: str = ""


@dataclass(frozen=True)
class Asked:
    """What is applied, in this order.

    Attributes:
        secret: documents, as the API server takes them.
        job: a RayJob for a gang, and a Job for one process.
    """

    secret: dict[str, Any]
    job: dict[str, Any]


def asked_for(attempt: AttemptSpec, given: WorkerPass | None, place: Place, site: Site, ray: str) -> Asked:
    """Everything about an attempt.

    Args:
        attempt: whose directories are those of its pod in what it is handed.
        given: what its worker asks the control plane with.
        place: where it waits.
        site: what the site says.
        ray: version of Ray in the image.
    """
    attempt = attempt.model_copy(update={"log_directory": LOGS, "artifact_cache": CACHE, "passes_on": True})
    handed = {SPEC: attempt.model_dump_json()}
    if given is not None:
        handed[GIVEN] = given.model_dump_json()
    secret = Secret(metadata=_metadata(attempt, site), type=_SECRET_TYPE, string_data=handed)
    pods = _Pods(attempt, site, has_pass=given is not None)
    job = _gang(attempt, pods, place, site, ray) if attempt.distributed else _single(attempt, pods, place, site)
    return Asked(secret.document(), job)


def _single(attempt: AttemptSpec, pods: _Pods, place: Place, site: Site) -> dict[str, Any]:
    spec = JobSpec(active_deadline_seconds=_deadline(attempt), template=pods.process(_STAGE, _command(site)))
    document = Job(metadata=_metadata(attempt, site, place), spec=spec).document()
    _overlay(document["spec"]["template"], site)
    return document


def _gang(attempt: AttemptSpec, pods: _Pods, place: Place, site: Site, ray: str) -> dict[str, Any]:
    needs = attempt.resources
    # Its cores are the driver's, which Ray gives nobody else.
    head = HeadGroup(
        ray_start_params={"num-cpus": "0", "dashboard-host": "0.0.0.0"},
        template=pods.head(_RAY),
    )
    workers = WorkerGroup(
        group_name=_GROUP,
        replicas=needs.workers,
        min_replicas=needs.workers,
        max_replicas=needs.workers,
        ray_start_params=_worker_parameters(attempt),
        template=pods.worker(_RAY),
    )
    spec = RayJobSpec(
        entrypoint=shlex.join(_command(site)),
        active_deadline_seconds=_deadline(attempt),
        submitter_pod_template=pods.submitter(_SUBMITTER),
        ray_cluster_spec=RayCluster(ray_version=ray, head_group_spec=head, worker_group_specs=(workers,)),
    )
    metadata = _metadata(attempt, site, place).model_copy(update={"annotations": _NO_SECOND_HEAD})
    document = RayJob(metadata=metadata, spec=spec).document()
    cluster = document["spec"]["rayClusterSpec"]
    for template in (
        document["spec"]["submitterPodTemplate"],
        cluster["headGroupSpec"]["template"],
        *(group["template"] for group in cluster["workerGroupSpecs"]),
    ):
        _overlay(template, site)
    return document


class _Pods:
    """Pods of one attempt."""

    def __init__(self, attempt: AttemptSpec, site: Site, *, has_pass: bool) -> None:
        self._attempt, self._site, self._has_pass = attempt, site, has_pass

    def process(self, container: str, command: tuple[str, ...]) -> PodTemplate:
        """A stage that is one process."""
        return self._pod(container, self._of_a_worker(), self._nodes(), command, is_handed=True)

    def worker(self, container: str) -> PodTemplate:
        """Of a gang; what it does it is told by the head."""
        return self._pod(container, self._of_a_worker(), self._nodes())

    def head(self, container: str) -> PodTemplate:
        """Of a gang: the process of the stage runs there, and starts the workers."""
        return self._pod(container, _quantities(self._site.head), is_handed=True)

    def submitter(self, container: str) -> PodTemplate:
        return self._pod(container, _quantities(self._site.submitter), reads=False)

    def _of_a_worker(self) -> Quantities:
        needs = self._attempt.resources
        quantities = _quantities(Share(cpus=needs.cpus_per_worker, memory=needs.memory or self._site.memory))
        if needs.gpus_per_worker:
            quantities[self._site.gpu_resource] = str(needs.gpus_per_worker)
        return quantities

    def _nodes(self) -> dict[str, str] | None:
        needs = self._attempt.resources
        return _labels_of_nodes(needs.accelerator, self._site) if needs.gpus_per_worker else None

    def _pod(
        self,
        container: str,
        quantities: Quantities,
        nodes: dict[str, str] | None = None,
        command: tuple[str, ...] | None = None,
        *,
        is_handed: bool = False,
        reads: bool = True,
    ) -> PodTemplate:
        """``is_handed`` what the attempt is, and what its worker asks the control plane with; ``reads`` artifacts."""
        site = self._site
        shared = EmptyFolder(medium="Memory", size_limit=str(site.shared_memory))
        volumes = {
            _WRITABLE: Volume(name="work", empty_dir=EmptyFolder()),
            "/tmp": Volume(name="tmp", empty_dir=EmptyFolder()),
            _SHARED_MEMORY: Volume(name="shm", empty_dir=shared),
        }
        mounts = [Mount(name=volume.name, mount_path=path) for path, volume in volumes.items()]
        if is_handed:
            files = (SecretFile(key=SPEC, path=SPEC),)
            secret = SecretVolume(secret_name=self._attempt.id.job_name, items=files)
            volumes[_HANDED] = Volume(name="attempt", secret=secret)
            mounts.append(Mount(name="attempt", mount_path=_HANDED, read_only=True))
        store = site.store_secret if reads else None
        image = (self._attempt.environment and self._attempt.environment.image) or site.image
        return PodTemplate(
            metadata=Metadata(labels=_labels(self._attempt)),
            spec=PodSpec(
                service_account_name=site.service_account,
                node_selector=nodes,
                security_context=PodSecurity(run_as_user=site.user, run_as_group=site.user, fs_group=site.user),
                containers=(
                    Container(
                        name=container,
                        image=image,
                        command=command,
                        env=self._environment(has_pass=is_handed and self._has_pass),
                        env_from=(VariablesFrom(secret_ref=SecretName(name=store)),) if store else None,
                        resources=Needs(requests=quantities, limits=quantities),
                        volume_mounts=tuple(mounts),
                    ),
                ),
                volumes=tuple(volumes.values()),
            ),
        )

    def _environment(self, *, has_pass: bool) -> tuple[Variable, ...]:
        named = self._attempt.environment.variables if self._attempt.environment else {}
        ours = {"HOME": "/tmp", "RAY_USAGE_STATS_ENABLED": "0"}
        plain = tuple(Variable(name=name, value=value) for name, value in {**named, **ours}.items())
        if not has_pass:
            return plain
        key = SecretKey(name=self._attempt.id.job_name, key=GIVEN)
        return (*plain, Variable(name=PASS, value_from=ValueFrom(secret_key_ref=key)))


def _command(site: Site) -> tuple[str, ...]:
    return (site.python, "-m", "bongsu_stages.runtime.worker", "--spec", f"{_HANDED}/{SPEC}")


def _worker_parameters(attempt: AttemptSpec) -> dict[str, str]:
    """Ray counts in whole cores; a worker with less is alone in its pod all the same."""
    return {"num-cpus": str(max(1, ceil(attempt.resources.cpus_per_worker)))}


def _quantities(share: Share) -> Quantities:
    return {"cpu": f"{round(share.cpus * 1000)}m", "memory": str(share.memory)}


def _labels_of_nodes(accelerator: str | None, site: Site) -> dict[str, str] | None:
    """Of those with GPUs of a type; None where any will do. Nodes of a type that the site does not know are found by
    its name, if it gave them that."""
    if accelerator is None:
        return None
    known = (labels for kind, labels in site.accelerators.items() if may_be_same(accelerator, kind))
    return next(known, {ACCELERATOR: accelerator})


def _deadline(attempt: AttemptSpec) -> int | None:
    return None if attempt.timeout is None else ceil(attempt.timeout.total_seconds()) + _LATER_S


def _labels(attempt: AttemptSpec) -> dict[str, str]:
    return {
        MANAGED: "bongsu",
        RUN: attempt.id.run_id,
        STAGE: attempt.id.stage_id,
        NUMBER: str(attempt.id.number),
    }


def _metadata(attempt: AttemptSpec, site: Site, place: Place | None = None) -> Metadata:
    labels = _labels(attempt)
    if place is not None:
        labels[QUEUE] = place.queue
        if place.priority:
            labels[PRIORITY] = place.priority
    return Metadata(name=attempt.id.job_name, namespace=site.namespace(attempt.ministry), labels=labels)


def _overlay(template: dict[str, Any], site: Site) -> None:
    spec = merged(template["spec"], site.pod)
    template["spec"] = {**spec, "containers": [merged(one, site.container) for one in spec["containers"]]}
