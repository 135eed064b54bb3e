"""TorchTrainer without helpers that have nothing to do here.

Each is an actor: a process that imports Ray Train, seconds of a small machine's start, and afterwards about 1% of a
core for as long as training lasts (every process of Ray looks for signals a hundred times a second).
"""

from __future__ import annotations

from typing import Any

from ray.train.torch import TorchTrainer
from ray.train.v2._internal.execution.scaling_policy import FixedScalingPolicy

_NEEDLESS = frozenset(
    {
        # Feeds Ray Data sets to workers; our workers read their tokens themselves.
        "DatasetsCallback",
        # Frees a gang's place when its controller dies, which it asks the dashboard's API about every second. Where
        # no API runs it only fails to ask, and ends 12 s late; the executor kills what belongs to an attempt anyway.
        "PlacementGroupCleanerCallback",
    }
)


class StaticGang(FixedScalingPolicy):  # type: ignore[misc]  # Ray Train has no types
    """A gang of one size on a cluster of one size: nobody is asked to add nodes for it."""

    def after_controller_start(self, train_run_context: object) -> None:
        """Not joined to the coordinator of autoscaling, which is an actor."""

    def _maybe_send_resource_request(self) -> None: ...


class LeanTorchTrainer(TorchTrainer):  # type: ignore[misc]
    """The same trainer. Should another Ray know these helpers by other names, they are started as before."""

    def _create_default_callbacks(self) -> list[Any]:
        return [
            callback for callback in super()._create_default_callbacks() if type(callback).__name__ not in _NEEDLESS
        ]

    def _initialize_and_run_controller(self, **parts: Any) -> Any:
        if type(parts.get("scaling_policy")) is FixedScalingPolicy:
            parts["scaling_policy"] = StaticGang(self.scaling_config)
        return super()._initialize_and_run_controller(**parts)
