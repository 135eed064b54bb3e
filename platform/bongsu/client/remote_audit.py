"""The audit log of a ministry on a server, as the command line asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import chain
from typing import TypeVar
from urllib.parse import quote

from bongsu.client.http import Server
from bongsu.client.ministry import in_one_ministry
from bongsu.domain.audit import EntryFilter
from bongsu.domain.checkpoints import EntryProof, SignedCheckpoint, WitnessRequest
from bongsu.domain.codes import audit, client
from bongsu.domain.documents import iso_time
from bongsu.domain.signed_notes import VerifierKey
from bongsu.service.audit.checking import Checked
from bongsu.service.audit.exporting import Export
from bongsu.service.audit.reading import Entry, Page

T = TypeVar("T")


class RemoteAudit:
    """See :class:`bongsu.service.planes.audit.AuditPlane`.

    Args:
        server: which.
        ministry: whose log; the asker's only one if none is named.
    """

    def __init__(self, server: Server, ministry: str | None) -> None:
        self._server = server
        self._named = ministry

    @cached_property
    def _log(self) -> str:
        ministry = in_one_ministry(self._server, self._named)
        return f"/v1/ministries/{quote(ministry, safe='')}/audit"

    def entries(self, wanted: EntryFilter, limit: int, before: int | None) -> Page:
        query = {
            "actor": wanted.actor,
            "object": wanted.object,
            "action": wanted.action,
            "since": iso_time(wanted.since),
            "until": iso_time(wanted.until),
            "outcome": wanted.outcome.value if wanted.outcome else None,
            "before": before,
        }
        found = list(self._server.pages(f"{self._log}/entries", Entry, limit + 1, **query))
        shown = tuple(found[:limit])
        return Page(shown, shown[-1].position if len(found) > limit else None)

    def entry(self, position: int) -> Entry:
        return self._server.get(f"{self._log}/entries/{position}", Entry)

    def proof(self, position: int) -> EntryProof:
        return self._parsed(EntryProof.parse, self._server.text(f"{self._log}/entries/{position}/proof"))

    def request(self, since: int, *, rotate_key: bool = False) -> WitnessRequest:
        """Raises ``audit.servers-key`` for ``rotate_key``."""
        if rotate_key:
            raise audit.SERVERS_KEY.error()
        return self._parsed(WitnessRequest.parse, self._server.text(f"{self._log}/witness-request", since=since))

    def accept(self, cosigned: SignedCheckpoint, witness: VerifierKey) -> bool:
        body = {"checkpoint": str(cosigned.note), "witness": str(witness)}
        return bool(self._server.post(f"{self._log}/cosignatures", body)["isNew"])

    def public_keys(self) -> list[VerifierKey]:
        told = self._server.json("GET", f"{self._log}/keys")["keys"]
        return [self._parsed(VerifierKey.parse, key) for key in told]

    def export(self, since: int) -> Export:
        """As the server writes it, to the letter."""
        lines = self._server.text_lines(f"{self._log}/export", since=since)
        first = next(lines, "")
        head = self._parsed(json.loads, first)
        return Export(head["size"], head["begin"], chain([first], lines))

    def check(self) -> Checked:
        return self._server.get(f"{self._log}/check", Checked)

    def check_stored(self) -> Mapping[str, Checked]:
        """A server tells of one log at a time, to who may read it."""
        return {self._named or "": self.check()}

    def _parsed(self, parse: Callable[[str], T], text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise client.NOT_UNDERSTOOD.error(url=self._server.url, detail=str(error)) from error
