"""Bundles of models on a server, as the command line asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from bongsu.client.http import Server
from bongsu.client.ministry import in_one_ministry
from bongsu.domain.codes import client, run
from bongsu.domain.ids import Digest
from bongsu.domain.signed_notes import VerifierKey
from bongsu.service.audit.verifying import read_keys
from bongsu.service.model_bundles.exporting import Export
from bongsu.service.model_bundles.importing import Imported
from bongsu.service.model_bundles.reading import open_file

# Who takes a bundle in reads keys, whatever the client.
__all__ = ["RemoteBundles", "read_keys"]
_PIECE = 1 << 20


class RemoteBundles:
    """See :class:`bongsu.service.planes.bundles.BundlePlane`.

    Args:
        server: which.
        ministry: whose models are exported, or which takes them in; the asker's only one if none is named.
    """

    def __init__(self, server: Server, ministry: str | None) -> None:
        self._server = server
        self._named = ministry

    @cached_property
    def _path(self) -> str:
        return f"/v1/ministries/{quote(in_one_ministry(self._server, self._named), safe='')}"

    @contextmanager
    def exported(self, reference: str, target: str) -> Iterator[Export]:
        name, mark, which = reference.replace("@", "/").partition("/")
        if not (name and mark and which):
            raise run.UNKNOWN_MODEL.error(model=reference)
        path = f"{self._path}/models/{quote(name, safe='')}/{quote(which, safe='')}/bundle"
        with self._server.download(path, "application/x-tar", target=target) as (headers, pieces):
            size, document = headers.get("content-length", ""), headers.get("bongsu-document", "")
            if not size.isdecimal() or not document:
                raise client.NOT_UNDERSTOOD.error(url=self._server.url, detail=path)
            yield Export(Digest(document), int(size), pieces)

    def take_in(self, file: Path, keys: Sequence[VerifierKey]) -> Imported:
        """The server looks at it; only that there is a file is looked at here."""
        open_file(file).close()
        query = {"key": list(map(str, keys)), "title": file.name[:200]}
        return self._server.uploaded(f"{self._path}/model-bundles", Imported, lambda: _pieces(file), **query)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
