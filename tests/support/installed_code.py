"""The code that a stage has here: attempts of other code are refused."""

from __future__ import annotations

from bongsu.domain.ids import Digest, digest_of
from bongsu.service.catalogue import InstalledStages

_INSTALLED = InstalledStages()


def code_of(uses: str) -> Digest:
    """Digest of the installed stage's code, or of nothing for a stage that is not installed."""
    return _INSTALLED[uses].code if uses in _INSTALLED else digest_of(b"")
