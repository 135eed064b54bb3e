from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "support"))


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    import ray

    before = os.environ.get("RAY_AUTH_MODE")
    ray.init(num_cpus=4, include_dashboard=False, logging_level="WARNING", configure_logging=False)
    yield
    ray.shutdown()
    if before is None:
        os.environ.pop("RAY_AUTH_MODE", None)  # Ray sets it in this process, for whatever it starts later
