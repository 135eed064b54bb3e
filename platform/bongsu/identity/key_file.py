"""The file in which signing keys lie, for its owner alone (docs/identity.md says why in a file)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from bongsu.artifacts.durable import create_once, write_whole
from bongsu.domain.codes import identity as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.identity.key_ring import KeyRing, SigningKey, new_ring
from bongsu.identity.private_files import UnusableFileError, alone_with, private_document


class KeyFile:
    """Keys that all processes at one file share. A rotation reaches them at their next look: the file is looked at
    whenever keys are asked for, and read if it has changed. Safe for threads.

    Args:
        path: of the file; it may be mounted read-only, and is then changed where it comes from.
        clock: seconds since the epoch.
        longest_life_s: of a token that is signed with a key of this file.
    """

    def __init__(self, path: Path, clock: Callable[[], float], longest_life_s: float) -> None:
        self.path = path
        self._clock = clock
        self._longest_life_s = longest_life_s
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], KeyRing] | None = None

    def ring(self) -> KeyRing:
        """The keys of now; made the first time, the same for all who come at once.

        Raises:
            BongsuError: ``identity.key-file``.
        """
        with self._lock:
            return self._current()

    def rotate(self) -> KeyRing:
        """Sign with a new key from now on. Raises BongsuError, ``identity.key-file``."""
        with self._lock, self._alone():
            return self._replace(self._current().rotated(self._clock(), self._longest_life_s))

    def withdraw(self, key_id: str) -> KeyRing:
        """End every token of a key that no longer signs. Raises ``identity.key-file``, ``identity.last-key``."""
        with self._lock, self._alone():
            left = self._current().without(key_id)
            if left is None:
                raise codes.LAST_KEY.error(key=key_id, file=str(self.path))
            return self._replace(left)

    def _current(self) -> KeyRing:
        try:
            if not self.path.exists():
                create_once(self.path, _written(new_ring(self._clock())))
            state = self.path.stat()
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, self._load())
        return self._read[1]

    def _load(self) -> KeyRing:
        try:
            return _ring(private_document(self.path))
        except UnusableFileError as error:
            raise self._unusable(error.detail) from error
        except (ValueError, TypeError, KeyError, JoseError) as error:
            raise self._unusable(phrase(N_("it does not hold keys that sign here"))) from error

    def _replace(self, ring: KeyRing) -> KeyRing:
        try:
            write_whole(self.path, _written(ring))
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        return self._current()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two that rotate at once must not lose a key that one of them has signed with."""
        try:
            with alone_with(self.path):
                yield
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error

    def _unusable(self, detail: Words) -> Exception:
        return codes.KEY_FILE.error(file=str(self.path), detail=detail)


def _written(ring: KeyRing) -> bytes:
    keys = [
        {"key": one.key.as_dict(private=True), "createdAt": one.created_at, "retiredAt": one.retired_at}
        for one in ring.keys
    ]
    return json.dumps({"keys": keys}, indent=1).encode()


def _ring(document: Any) -> KeyRing:
    keys = tuple(
        SigningKey(_private_key(one["key"]), float(one["createdAt"]), one["retiredAt"]) for one in document["keys"]
    )
    if not keys or keys[-1].retired_at is not None:
        raise ValueError("it has no key that signs")
    return KeyRing(keys)


def _private_key(jwk: dict[str, Any]) -> ECKey:
    key = ECKey.import_key(jwk)
    if not key.is_private or key.curve_name != "P-256" or not key.kid:
        raise ValueError("one of its keys is not of the kind that signs here")
    return key
