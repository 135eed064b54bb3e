"""What can stand at a place of a command line that speaks to a server. A shell asks while somebody types: quickly, and
without a word if there is no answer."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import httpx

from bongsu.client.contexts import Context
from bongsu.machine.certificates import trusted_certificates
from bongsu.service.completing import LATEST

TIMEOUT_S = 1.0
_MOST = 100
_MOST_NAMES = 500


class RemoteCompletions:
    """See :class:`bongsu.service.completing.Completions`; the server says what its asker may see.

    A token that has ended is not renewed: that takes its time, and the next command does it.

    Args:
        context: of the server; None if it is not known which.
    """

    def __init__(self, context: Context | None) -> None:
        self._context = context

    def runs(self) -> list[tuple[str, str]]:
        found = [(run, pipeline) for run, pipeline in self._runs()]
        return [(LATEST, found[0][0]), *found] if found else []

    def stages(self, run: str) -> list[str]:
        found = self._asked(f"/v1/runs/{quote(run, safe='')}", "stages", ("id",), fields="stages")
        return [stage for (stage,) in found]

    def pipelines(self) -> list[str]:
        return sorted({pipeline for _run, pipeline in self._runs()})

    def models(self) -> list[str]:
        return sorted({name for name, _version in self._versions("models")})

    def versions(self) -> list[str]:
        """As ``NAME/3``: shells break words at other signs."""
        return [f"{name}/{version}" for name, version in self._versions("models")]

    def datasets(self) -> list[str]:
        return sorted({name for name, _version in self._versions("datasets")})

    def grants(self) -> list[str]:
        return [grant for (grant,) in self._asked("/v1/grants", "items", ("id",), fields="id", limit=_MOST_NAMES)]

    def ministries(self) -> list[str]:
        return [name for (name,) in self._asked("/v1/ministries", "items", ("name",), fields="name", limit=_MOST)]

    def people(self, kind: str) -> list[str]:
        """``kind``: only people (``person``), or only service accounts (``service``)."""
        query: dict[str, Any] = {"fields": "id", "kind": kind, "limit": _MOST_NAMES}
        paths = [f"/v1/ministries/{name}/people" for name in self.ministries()]
        return sorted({id_ for path in paths for (id_,) in self._asked(path, "items", ("id",), **query)})

    def _runs(self) -> list[tuple[str, ...]]:
        return self._asked("/v1/runs", "items", ("id", "pipeline"), fields="id,pipeline", limit=_MOST)

    def _versions(self, kind: str) -> list[tuple[str, ...]]:
        ministry = self._context.ministry if self._context else None
        query: dict[str, Any] = {"fields": "name,version", "limit": _MOST_NAMES}
        query |= {"ministry": ministry} if ministry else {}
        return self._asked(f"/v1/{kind}", "items", ("name", "version"), **query)

    def _asked(self, path: str, key: str, names: tuple[str, ...], **query: Any) -> list[tuple[str, ...]]:
        """These fields of the items of a list, which stand under a key of a document; nothing, whatever is in the
        way, and nothing that a terminal would not show as it is."""
        held = self._context.sign_in if self._context else None
        if self._context is None or held is None or (held.expires_at and held.expires_at < time.time()):
            return []
        headers = {"Authorization": f"Bearer {held.access_token}"}
        try:
            with httpx.Client(
                base_url=self._context.url, timeout=TIMEOUT_S, trust_env=False, verify=trusted_certificates()
            ) as client:
                response = client.get(path, params=query, headers=headers)
            found: Any = response.json() if response.is_success else {key: []}
            rows = [tuple(str(one[name]) for name in names) for one in found[key]]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError):
            return []
        return [row for row in rows if all(value.isprintable() for value in row)]
