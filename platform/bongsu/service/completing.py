"""What can stand at a place of a command line. Imports little and raises nothing: a shell asks while somebody types."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from bongsu.domain.entry_points import STAGES
from bongsu.service.home import DATABASE
from bongsu.store import names

LATEST = "latest"


class Completions:
    """Words, or words with what they are, for one home.

    Args:
        home: directory of all state; it need not exist.
    """

    def __init__(self, home: Path) -> None:
        self._database = home / DATABASE

    def runs(self) -> list[tuple[str, str]]:
        found = names.run_ids(self._database)
        return [(LATEST, found[0][0]), *found] if found else []

    def stages(self, run: str) -> list[str]:
        return names.stage_ids(self._database, run)

    def pipelines(self) -> list[str]:
        return names.pipelines(self._database)

    def models(self) -> list[str]:
        return names.model_names(self._database)

    def versions(self) -> list[str]:
        """As ``NAME/3``: shells break words at other signs."""
        return [f"{name}/{version}" for name, version in names.model_versions(self._database)]

    def grants(self) -> list[str]:
        return names.grants(self._database)

    def datasets(self) -> list[str]:
        return names.datasets(self._database)

    def ministries(self) -> list[str]:
        """None: these are a server's, and so are people."""
        return []

    def people(self, kind: str) -> list[str]:
        return []


def stage_kinds() -> list[str]:
    """Names of the stages that are installed."""
    return sorted(point.name for point in entry_points(group=STAGES))
