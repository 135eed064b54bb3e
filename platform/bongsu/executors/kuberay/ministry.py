"""Everything of attempts in one ministry's namespace, as far as the cluster has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from bongsu.domain.ids import AttemptId
from bongsu.executors.kuberay.api import JOBS, PODS, RAY_JOBS, SECRETS, WORKLOADS, Api, Kind
from bongsu.executors.kuberay.facts import Document, job_facts, pod_facts, workload_facts
from bongsu.executors.kuberay.rendering import NUMBER, RUN, STAGE
from bongsu.executors.kuberay.seeing import Found
from bongsu.executors.kuberay.watching import Watched

STARTED, CANCELLED, STORE = "bongsu.dev/started", "bongsu.dev/cancelled", "bongsu.dev/store"
"""Annotations of an attempt's Secret: its job was asked for, its end was, and where its records lie."""
_KINDS = (SECRETS, JOBS, RAY_JOBS, WORKLOADS, PODS)


class MinistryOnCluster:
    """Args:
    api: to ask.
    namespace: of the ministry.
    on_change: called after each change, in another thread.
    """

    def __init__(self, api: Api, namespace: str, on_change: Callable[[], None]) -> None:
        self.namespace = namespace
        self._watched: dict[Kind, Watched] = {kind: Watched(api, kind, namespace, on_change) for kind in _KINDS}
        for watched in self._watched.values():
            watched.start()

    def close(self) -> None:
        for watched in self._watched.values():
            watched.close()

    def await_list(self, timeout_s: float) -> bool:
        """Whether all of it was listed once; waits so long for each kind."""
        return all(watched.await_list(timeout_s) for watched in self._watched.values())

    def silent_s(self) -> float:
        """For how long some of it could not be asked for, in seconds."""
        return max(watched.silent_s() for watched in self._watched.values())

    def note(self, kind: Kind, document: Document) -> None:
        self._watched[kind].note(document)

    def tombstone(self, attempt: AttemptId) -> Document | None:
        """The attempt's Secret, by its metadata: who asked for it once, whatever is there now."""
        return self._watched[SECRETS].get(attempt.job_name)

    def job(self, attempt: AttemptId) -> tuple[Kind, Document] | None:
        for kind in (JOBS, RAY_JOBS):
            found = self._watched[kind].get(attempt.job_name)
            if found is not None:
                return kind, found
        return None

    def found(self, attempts: list[AttemptId]) -> Iterator[tuple[AttemptId, Found]]:
        """What there is of each of those whose Secret is here."""
        workloads = self._by_owner(WORKLOADS)
        pods: dict[tuple[str, str, str], list[Document]] = defaultdict(list)
        for pod in self._watched[PODS].all():
            labels = pod["metadata"].get("labels", {})
            pods[labels.get(RUN, ""), labels.get(STAGE, ""), labels.get(NUMBER, "")].append(pod)
        for attempt in attempts:
            tombstone = self.tombstone(attempt)
            if tombstone is None:
                continue
            notes = tombstone["metadata"].get("annotations") or {}
            job = self.job(attempt)
            workload = workloads.get(job[1]["metadata"]["uid"]) if job else None
            own = pods[attempt.run_id, attempt.stage_id, str(attempt.number)]
            yield (
                attempt,
                Found(
                    job=job_facts({**job[1], "kind": "RayJob" if job[0] is RAY_JOBS else "Job"}) if job else None,
                    workload=workload_facts(workload) if workload else None,
                    pods=[pod_facts(pod) for pod in own],
                    was_asked=STARTED in notes,
                    is_cancelled=CANCELLED in notes,
                ),
            )

    def _by_owner(self, kind: Kind) -> dict[str, Document]:
        """Objects by the id of what they belong to."""
        return {
            owner["uid"]: one
            for one in self._watched[kind].all()
            for owner in one["metadata"].get("ownerReferences", ())
        }
