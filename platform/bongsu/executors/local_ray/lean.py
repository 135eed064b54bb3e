"""A Ray head with what one machine needs of it: the GCS server, the raylet and its two agents.

``ray.init`` also starts the autoscaler's monitor, a log monitor and an API server, although its dashboard is off, and
waits for the last of them. Each is a Python process of its own that imports Ray: together 37% of the processor time
that starting Ray takes (5.7 of 15.5 s, Ray 2.60 on two cores). Nothing here uses them: the cluster never grows, logs
are files of ours, and the API server would load one module, for usage statistics that are off. ``ray.init`` has no
options for them, its node has; if Ray renames those, it starts what it always starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def lean_head() -> Iterator[None]:
    """Within the block, ``ray.init`` starts a head without the three."""
    import ray._private.node as module

    whole = module.Node

    class LeanNode(whole):  # type: ignore[misc, valid-type, unused-ignore]
        def __init__(self, ray_params: Any, *args: Any, **kwargs: Any) -> None:
            ray_params.no_monitor = True
            ray_params.include_log_monitor = False
            super().__init__(ray_params, *args, **kwargs)

        def start_api_server(self, **options: Any) -> None:
            """Not needed; see the module's docstring."""

    module.Node = LeanNode
    try:
        yield
    finally:
        module.Node = whole
