"""What a local disk refuses, as errors that say what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bongsu.domain.codes import artifact as codes

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EACCES, errno.EPERM)


@contextmanager
def writing_to(root: Path) -> Iterator[None]:
    """Raises ``artifact.no-space`` and ``artifact.read-only`` for what the disk of the store below ``root`` refuses;
    other errors, such as a source that may not be read, stay what they are."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise codes.NO_SPACE.error(store=root.as_uri(), detail=error.strerror) from error
        if error.errno == errno.EROFS or (error.errno in _REFUSED and _is_below(error.filename, root)):
            raise codes.READ_ONLY.error(store=root.as_uri(), detail=error.strerror) from error
        raise


def _is_below(name: object, root: Path) -> bool:
    """True for a file of the store, and for a directory above it that lets nobody make one."""
    if not isinstance(name, str):
        return False
    path = Path(name)
    return path.is_relative_to(root) or root.is_relative_to(path)
