"""TorchTrainer without helpers that have nothing to do here. Its controller is one of them: the process that starts the
gang waits for it anyway.

Each is an actor: a process that imports Ray Train, seconds of a small machine's start, and that takes some of a core
for as long as training lasts (docs/adr/0013-gangs-without-helpers.md).
"""

from __future__ import annotations

from typing import Any

from ray.train.torch import TorchTrainer

_NEEDLESS = frozenset(
    {
        # Feeds Ray Data sets to workers; our workers read their tokens themselves.
        "DatasetsCallback",
        # Frees a gang's place when its controller dies, which it asks the dashboard's API about every second. Where
        # no API runs it only fails to ask, and ends 12 s late; the executor kills what belongs to an attempt anyway.
        "PlacementGroupCleanerCallback",
    }
)


class LeanTorchTrainer(TorchTrainer):  # type: ignore[misc]  # Ray Train has no types
    """The same trainer. Should another Ray know these helpers by other names, they are started as before.

    Args:
        attempt_key: of the attempt that it trains for.
        options: of ``TorchTrainer``.
    """

    def __init__(self, attempt_key: str, **options: Any) -> None:
        super().__init__(**options)
        self._attempt_key = attempt_key

    def _create_default_callbacks(self) -> list[Any]:
        return [
            callback for callback in super()._create_default_callbacks() if type(callback).__name__ not in _NEEDLESS
        ]

    def _initialize_and_run_controller(self, **parts: Any) -> Any:
        try:
            from bongsu_stages.train.gang_controller import StaticGang, run_here
        except ImportError:
            return super()._initialize_and_run_controller(**parts)
        if type(parts.get("scaling_policy")) is StaticGang.__base__:
            parts["scaling_policy"] = StaticGang(self.scaling_config)
        return run_here(self._attempt_key, parts)
