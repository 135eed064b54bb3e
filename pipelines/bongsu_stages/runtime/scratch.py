"""Room on disk for processes that work for an attempt beside its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bongsu_stages.runtime.context import StageContext


@dataclass(frozen=True)
class Scratch:
    """The scratch directory of an attempt, for whoever of its processes finds it; picklable.

    Attributes:
        directory: what an executor clears, however the attempt ended.
        attempt: its name.
    """

    directory: Path
    attempt: str

    @classmethod
    def of(cls, ctx: StageContext) -> Scratch:
        return cls(ctx.scratch, ctx.spec.id.job_name)

    @contextmanager
    def folder(self, kind: str) -> Iterator[Path]:
        """A directory that is gone afterwards.

        It lies in the attempt's, for a process that is killed clears nothing. Where that is not to be seen, as on other
        machines, it lies among the temporary files and carries the attempt's name.
        """
        here = self.directory.is_dir()
        prefix = f"{kind}-" if here else f"{self.attempt}-{kind}-"
        with TemporaryDirectory(prefix=prefix, dir=self.directory if here else None) as name:
            yield Path(name)
