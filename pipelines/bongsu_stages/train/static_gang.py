"""A gang of one size, on a cluster that does not grow for it."""

from __future__ import annotations

from ray.train.v2._internal.execution.scaling_policy import FixedScalingPolicy


class StaticGang(FixedScalingPolicy):  # type: ignore[misc]  # Ray Train has no types
    """Without the coordinator of autoscaling, which is an actor: nobody is asked to add nodes."""

    def after_controller_start(self, train_run_context: object) -> None:
        """Would join the coordinator."""

    def _maybe_send_resource_request(self) -> None: ...
