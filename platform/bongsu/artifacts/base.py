"""The artifact store: immutable, digest-addressed trees, small create-only records, and checkpoint space.

Every implementation passes ``tests/support/artifact_store_suite.py``. Nothing here assumes that a tree fits
into memory or on one disk: a reader streams any range of any file, a writer takes files one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from bongsu.domain.artifact import Manifest
from bongsu.domain.ids import Digest
from bongsu.domain.tenants import Tenant


class TreeWriter(Protocol):
    """Writes one tree. Files become visible all at once, at :meth:`commit`, or never.

    One writer at a time works under a key: from its first use until commit, abort, or the death of its process every
    other writer of the key on this machine waits. Writers on several machines do not share unfinished work.
    """

    def alone(self) -> AbstractContextManager[None]:
        """Wait for the other writers of the key now, not with the first file. At the end, work that was neither
        committed nor aborted stays for the next writer of the key, which need not wait any more."""
        ...

    @property
    def directory(self) -> Path:
        """A local directory. What lies there at commit is part of the tree; for a local store it is the tree's
        future place, so nothing is copied. A store that is not local uploads it at commit or as files are
        added, and may delete files that it has uploaded."""
        ...

    def create(self, path: str) -> BinaryIO:
        """Open a new file of the tree for writing, as a stream. Close it before commit."""
        ...

    def add(self, path: str, source: Path) -> None:
        """Copy ``source`` in, hashing while copying; it takes the place of other bytes that were written under
        ``path`` before. Raises OSError, ``artifact.unsafe-path``."""
        ...

    def add_tree(self, source: Path) -> None:
        """Copy a whole directory in, several files at a time; files that an interrupted call with the same
        writer key completed are not copied again. Links and special files are refused."""
        ...

    def commit(self) -> Manifest:
        """Make the tree durable and visible. Committing the same content twice is not an error; where what stands
        of it is damaged, these bytes take its place."""
        ...

    def abort(self) -> None:
        """Forget what is unfinished under this writer's key. What was committed stays, even where the answer to a
        commit was lost; after a commit there is nothing to forget."""
        ...


class TreeReader(Protocol):
    """Reads one committed tree."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def uri(self) -> str:
        """Where the files lie, for programs that read it themselves (``file:///...``, ``s3://...``)."""
        ...

    def open(self, path: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Stream ``length`` bytes of a file from ``offset``. Reading a whole file to its end checks its hash
        and raises ``artifact.corrupt`` at the end if it differs; of a part, no byte is handed out unchecked."""
        ...

    def local(self) -> Path:
        """A local, read-only directory with all files: the store's own, or a verified copy in the cache."""
        ...

    def check_sizes(self) -> None:
        """Compare the sizes of all files with the manifest, reading none. Raises ``artifact.corrupt`` with every
        file that is gone or has another size."""
        ...

    def verify(self) -> None:
        """Read everything and compare with the manifest. Raises ``artifact.corrupt`` with every bad file."""
        ...


class ArtifactStore(Protocol):
    """Trees, records and checkpoint space under one URI."""

    @property
    def uri(self) -> str:
        """``file:///absolute/path`` or ``s3://bucket/prefix``; :func:`open_store` opens it again."""
        ...

    def writer(self, key: str) -> TreeWriter:
        """A writer whose unfinished work is found again under the same ``key`` (a path-like name)."""
        ...

    def reader(self, digest: Digest) -> TreeReader:
        """Raises ``artifact.missing``."""
        ...

    def has(self, digest: Digest) -> bool: ...

    def withdraw(self, digest: Digest) -> bool:
        """Set a damaged tree aside: nobody takes it any more, and its bytes may be committed again. Everything is read
        first; False, and no change, if all of it is as the manifest says or there is no such tree."""
        ...

    def put_record(self, key: str, data: bytes) -> bool:
        """Create a small record durably; False (and no change) if ``key`` already stands. Atomic: of two
        callers one gets True, and no reader sees half of it."""
        ...

    def get_record(self, key: str) -> bytes | None: ...

    def checkpoint_uri(self, key: str) -> str:
        """Mutable space for checkpoints: a directory path or ``s3://`` URI that pyarrow filesystems read."""
        ...

    def clear_checkpoints(self, key: str) -> None: ...


StoreOf = Callable[[Tenant], ArtifactStore]
"""Where the trees and records of a tenant lie: no ministry's lie with another's, whatever their bytes."""
