"""What the command line asks about bundles of models, be it of this home or of a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from bongsu.domain.model_bundles import House
from bongsu.domain.signed_notes import VerifierKey
from bongsu.service.audit.keys import home_keys
from bongsu.service.governance.home_owner import owner
from bongsu.service.model_bundles.exporting import Export, export_model
from bongsu.service.model_bundles.importing import Imported, import_bundle
from bongsu.service.platform import Platform


class BundlePlane(Protocol):
    """Every method raises BongsuError with what is wrong."""

    def exported(self, reference: str, target: str) -> AbstractContextManager[Export]:
        """A model version as a bundle: ``NAME/VERSION``, and the ministry or installation that is to get it."""
        ...

    def take_in(self, file: Path, keys: Sequence[VerifierKey]) -> Imported:
        """The model of a bundle, signed by one of these keys."""
        ...


class BundlesHere:
    """See :class:`BundlePlane`; of a home of one person.

    Args:
        platform: of the home.
        named: whose the home is, as its owner says; None if they do not.
    """

    def __init__(self, platform: Platform, named: str | None = None) -> None:
        self._platform = platform
        self._named = named

    @contextmanager
    def exported(self, reference: str, target: str) -> Iterator[Export]:
        yield export_model(self._platform, home_keys(self._platform.home), reference, target)

    def take_in(self, file: Path, keys: Sequence[VerifierKey]) -> Imported:
        """Raises ``governance.sign-in`` where ministries share the store."""
        owner(self._platform)
        return import_bundle(self._platform, file, keys, House.named(self._named) if self._named else None)
