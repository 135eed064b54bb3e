"""The installed stages as a mapping that loads each one when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points

from bongsu.domain.codes import cli as codes
from bongsu.domain.entry_points import STAGES
from bongsu.domain.stages import StageSignature
from bongsu.domain.suggest import closest


class InstalledStages(Mapping[str, StageSignature]):
    """Names come from the entry points of ``bongsu.stages``; a signature is imported on first use.

    Importing a signature imports no torch: that is a rule for stages, and a test holds it.
    """

    @property
    def _points(self) -> Mapping[str, EntryPoint]:
        return _installed()

    @cached_property
    def _loaded(self) -> dict[str, StageSignature]:
        return {}

    def __getitem__(self, name: str) -> StageSignature:
        if name not in self._loaded:
            signature = self._points[name].load().signature
            if not isinstance(signature, StageSignature):
                raise TypeError(f"the entry point {name} in {STAGES} is not a stage")
            self._loaded[name] = signature
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._points

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)

    def require(self, name: str) -> StageSignature:
        """The signature, or ``cli.unknown-stage`` with the nearest name."""
        if name in self:
            return self[name]
        raise codes.UNKNOWN_STAGE.error(name=name, suggestion=closest(name, self))


@cache
def _installed() -> Mapping[str, EntryPoint]:
    """Once in a process: the files of every installed package are read for it, which a server would do with each
    submission."""
    return {point.name: point for point in sorted(entry_points(group=STAGES), key=lambda point: point.name)}
