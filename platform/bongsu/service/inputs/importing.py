"""Taking files into the artifact store, once: what was not touched since is not even read again, unless what stands
in the store is damaged."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

from bongsu.artifacts.base import TreeWriter
from bongsu.artifacts.checking import fault_of
from bongsu.domain.artifact import Manifest
from bongsu.domain.ids import Digest
from bongsu.service.inputs.files import FileSet
from bongsu.service.platform import Platform
from bongsu.store.cache import known_input, remember_input

THREADS = 4


def import_files(platform: Platform, files: FileSet) -> tuple[Digest, int]:
    """Digest and size in bytes of the tree, which is in the artifact store afterwards.

    A file that changes while it is copied is noticed by its fingerprint; then the tree is not remembered, and the
    next call looks again.
    """
    fingerprint = files.fingerprint
    location = files.location if len(files.location) <= 1000 else _short(files.location)
    known = _known(platform, location, fingerprint)
    if known is not None:
        return known
    writer = platform.artifacts.writer(f"inputs/{_short(location + fingerprint)}")
    with writer.alone():
        # Another process may have imported the same files while this one waited for it.
        known = _known(platform, location, fingerprint)
        if known is not None:
            return known
        manifest = copy_in(writer, files)
        if files.fingerprint == fingerprint:
            with platform.write() as connection:
                remember_input(connection, location, fingerprint, manifest.digest, manifest.size)
    return manifest.digest, manifest.size


def _known(platform: Platform, location: str, fingerprint: Digest) -> tuple[Digest, int] | None:
    with platform.read() as connection:
        known = known_input(connection, location, fingerprint)
    return known if known is not None and fault_of(platform.artifacts, known[0]) is None else None


def copy_in(writer: TreeWriter, files: FileSet) -> Manifest:
    with ThreadPoolExecutor(THREADS) as pool:
        # A link is followed: the store keeps bytes, and refuses links.
        for _ in pool.map(lambda entry: writer.add(entry[0], entry[1].resolve()), files.files):
            pass
    return writer.commit()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
