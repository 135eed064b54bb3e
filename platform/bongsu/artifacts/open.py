"""Opening a store by its URI."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.local import LocalStore
from bongsu.domain.codes import artifact as codes


def open_store(uri: str, cache: Path | None = None) -> ArtifactStore:
    """The store at ``uri``: ``file:///absolute/path``, a plain path, or ``s3://bucket/prefix``.

    Args:
        uri: where the store lies; a local directory is created on first write.
        cache: directory for local copies of remote trees; the system's temporary directory if not given.

    Raises:
        BongsuError: ``artifact.unknown-scheme``.
    """
    parsed = urlparse(uri)
    if parsed.scheme in ("", "file"):
        return LocalStore(Path(unquote(parsed.path) if parsed.scheme else uri))
    if parsed.scheme == "s3":
        from bongsu.artifacts.s3.store import S3Store

        return S3Store.from_uri(uri, cache)
    raise codes.UNKNOWN_SCHEME.error(uri=uri)
