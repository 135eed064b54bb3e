"""Ray Train's controller in the process that starts the gang, for a gang of one size on a cluster that does not grow.

All that this module imports or overrides is private to Ray Train; a test compares it with the Ray that is installed.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.runtime_context import RuntimeContext
from ray.train.v2._internal.execution.controller.controller import TrainController
from ray.train.v2._internal.execution.scaling_policy import FixedScalingPolicy
from ray.train.v2._internal.execution.worker_group.placement_group_handle import DefaultPlacementGroupHandle
from ray.train.v2._internal.execution.worker_group.worker_group import WorkerGroup
from ray.util.placement_group import placement_group

from bongsu.domain.attempt import place_name


class StaticGang(FixedScalingPolicy):  # type: ignore[misc]  # Ray Train has no types
    """Without the coordinator of autoscaling, which is an actor: nobody is asked to add nodes."""

    def after_controller_start(self, train_run_context: object) -> None:
        """Would join the coordinator."""

    def _maybe_send_resource_request(self) -> None: ...


def run_here(attempt_key: str, parts: dict[str, Any]) -> Any:
    """What ``TorchTrainer`` has its controller actor do; ``parts`` are that actor's arguments. Returns its result.

    Ray frees the place of a gang when the actor that asked for it dies. Here that is no actor, so the place has a name
    by which whoever sees the end of the attempt frees it (:func:`bongsu.domain.attempt.place_name`). Gangs have GPUs or
    cores: what Ray reserves for TPUs is not asked for.
    """
    places = itertools.count(1)

    class NamedGroup(WorkerGroup):  # type: ignore[misc]  # Ray Train has no types
        def _create_placement_group(self, _scaling_config: object, context: Any) -> DefaultPlacementGroupHandle:
            place = placement_group(
                bundles=[context.resources_per_worker] * context.num_workers,
                strategy=context.placement_strategy,
                bundle_label_selector=context.label_selector,
                name=place_name(attempt_key, next(places)),
            )
            return DefaultPlacementGroupHandle(place)

        def _init_train_context_on_workers(self, *arguments: Any) -> None:
            with _no_actor():
                super()._init_train_context_on_workers(*arguments)

    class ControllerHere(TrainController):  # type: ignore[misc]  # Ray Train has no types
        worker_group_cls = NamedGroup

    controller = ControllerHere(**parts)
    asyncio.run(controller.run())
    return controller.get_result()


@contextmanager
def _no_actor() -> Iterator[None]:
    """Workers are told which actor controls them, to ask it for checkpoints that are none of theirs: ours never do."""
    whole = RuntimeContext.current_actor
    RuntimeContext.current_actor = None
    try:
        yield
    finally:
        RuntimeContext.current_actor = whole
