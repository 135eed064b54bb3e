"""What the command line asks of an audit log, be it that of this home or a ministry's on a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bongsu.domain.audit import EntryFilter
from bongsu.domain.checkpoints import EntryProof, SignedCheckpoint, WitnessRequest
from bongsu.domain.signed_notes import VerifierKey
from bongsu.domain.tenants import HOME, Tenant
from bongsu.service.audit.checking import Checked, check_home, check_log
from bongsu.service.audit.checkpoints import public_keys, request_witness
from bongsu.service.audit.cosignatures import accept_cosignature
from bongsu.service.audit.exporting import Export, export
from bongsu.service.audit.keys import begin_rotation, end_rotation, home_keys
from bongsu.service.audit.reading import Entry, Page, list_entries, prove_entry, show_entry
from bongsu.service.home import AUDIT_KEY
from bongsu.service.platform import Platform


class AuditPlane(Protocol):
    """One log. Every method raises BongsuError with what is wrong."""

    def entries(self, wanted: EntryFilter, limit: int, before: int | None) -> Page:
        """Newest first."""
        ...

    def entry(self, position: int) -> Entry: ...

    def proof(self, position: int) -> EntryProof: ...

    def request(self, since: int, *, rotate_key: bool = False) -> WitnessRequest:
        """A checkpoint of now, and the proof that it begins with the first ``since`` entries."""
        ...

    def accept(self, cosigned: SignedCheckpoint, witness: VerifierKey) -> bool:
        """False if this witness's signature was there before."""
        ...

    def public_keys(self) -> list[VerifierKey]:
        """The oldest first."""
        ...

    def export(self, since: int) -> Export: ...

    def check(self) -> Checked: ...

    def check_stored(self) -> Mapping[str, Checked]:
        """This log, or all that are stored in a home whose ministries were not told apart, by ministry; "" is the home
        itself."""
        ...


class AuditHere:
    """See :class:`AuditPlane`; the log of a home, of which its owner is everything.

    Args:
        platform: of the home.
        ministry: one that somebody asked for, as if this were a server; None for the home's own log.
    """

    def __init__(self, platform: Platform, ministry: str | None = None) -> None:
        self._platform = platform
        self._actor = platform.actor
        self._tenant = HOME if ministry is None else Tenant(ministry)

    def entries(self, wanted: EntryFilter, limit: int, before: int | None) -> Page:
        return list_entries(self._platform, self._actor, self._tenant, wanted, limit, before)

    def entry(self, position: int) -> Entry:
        return show_entry(self._platform, self._actor, self._tenant, position)

    def proof(self, position: int) -> EntryProof:
        keys = home_keys(self._platform.home)
        return prove_entry(self._platform, keys, self._actor, self._tenant, position)

    def request(self, since: int, *, rotate_key: bool = False) -> WitnessRequest:
        """With ``rotate_key`` a new key is drawn, and this one checkpoint is signed by both."""
        home = self._platform.home
        keys = home_keys(home)
        if rotate_key:
            keys = begin_rotation(home / AUDIT_KEY)
        made = request_witness(self._platform, keys, self._actor, self._tenant, since)
        if rotate_key:
            end_rotation(home / AUDIT_KEY)
        return made

    def accept(self, cosigned: SignedCheckpoint, witness: VerifierKey) -> bool:
        return accept_cosignature(self._platform, self._actor, self._tenant, cosigned, witness)

    def public_keys(self) -> list[VerifierKey]:
        return public_keys(self._platform, home_keys(self._platform.home), self._actor, self._tenant)

    def export(self, since: int) -> Export:
        return export(self._platform, home_keys(self._platform.home), self._actor, self._tenant, since)

    def check(self) -> Checked:
        return check_log(self._platform, self._actor, self._tenant)

    def check_stored(self) -> Mapping[str, Checked]:
        return check_home(self._platform, None if self._tenant == HOME else self._tenant)
