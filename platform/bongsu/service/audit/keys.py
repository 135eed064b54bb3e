"""The keys by which a site signs its logs: one current, and former ones that sign beside it while it is new.

One key serves all logs of a site: what is signed begins with the log's own name, and the key's id differs by that name,
so that no signature of one log passes for that of another.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.artifacts.durable import create_once, read_file, write_whole
from bongsu.domain.checkpoints import Checkpoint, origin_of
from bongsu.domain.codes import audit as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import SignedNote, SigningKey, VerifierKey
from bongsu.domain.tenants import Tenant
from bongsu.service.home import AUDIT_KEY, SITE_KEY

_FROM_ENVIRONMENT = "env:"
_SEED_BYTES = 32
_OTHERS = 0o077


@dataclass(frozen=True)
class LogKeys:
    """Attributes:
    keys: the current one, then former ones that still sign; all bear the site's name.
    """

    keys: tuple[SigningKey, ...]

    @property
    def site(self) -> str:
        """First part of the names of all its logs, e.g. ``bongsu.mnd.example``."""
        return self.keys[0].name

    def origin(self, tenant: Tenant) -> str:
        """What the tenant's log is called."""
        return origin_of(self.site, tenant)

    def public(self, tenant: Tenant) -> tuple[VerifierKey, ...]:
        """What others verify the tenant's log by, the current one first."""
        return tuple(key.public(name=self.origin(tenant)) for key in self.keys)

    def sign(self, checkpoint: Checkpoint) -> SignedNote:
        """By every key, the current one first."""
        body = checkpoint.body
        return SignedNote(body, tuple(key.sign(body, checkpoint.origin) for key in self.keys))


def load_keys(source: str, environment: Mapping[str, str]) -> LogKeys:
    """Read the keys.

    Args:
        source: path of a file that only its owner may read, or ``env:NAME`` for a variable that holds its lines.
        environment: of the process.

    Raises:
        BongsuError: ``audit.key-unreadable``, ``audit.key-open``.
    """
    if source.startswith(_FROM_ENVIRONMENT):
        return _parsed(environment.get(source.removeprefix(_FROM_ENVIRONMENT), ""), source)
    return keys_in(Path(source))


def keys_in(path: Path) -> LogKeys:
    """The keys in a file that only its owner may read.

    Raises:
        BongsuError: ``audit.key-unreadable``, ``audit.key-open``.
    """
    source = str(path)
    try:
        if path.stat().st_mode & _OTHERS:
            raise codes.KEY_OPEN.error(source=source)
        text = read_file(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(source, getattr(error, "strerror", None) or str(error)) from None
    return _parsed(text, source)


def draw_key(site: str) -> SigningKey:
    """A new key by chance; it is written nowhere yet."""
    return SigningKey(site, secrets.token_bytes(_SEED_BYTES))


def home_keys(home: Path) -> LogKeys:
    """The keys of a home without a server, drawn the first time together with a name that no other home has.

    Raises:
        BongsuError: as :func:`keys_in`.
    """
    path = home / AUDIT_KEY
    if not path.exists():
        create_once(path, _lines([draw_key(f"bongsu-home/{secrets.token_hex(6)}")]))
    return keys_in(path)


def site_keys(home: Path, site: str, source: str, environment: Mapping[str, str]) -> LogKeys:
    """The keys of a server, read anew each time: a file that is changed, in a mounted secret too, holds from the next
    signature on.

    Args:
        home: of this process; without a ``source`` the key lies there, and is drawn the first time.
        site: name of the installation, by which its logs are called.
        source: as of :func:`load_keys`; the same for all replicas.
        environment: of the process.

    Raises:
        BongsuError: ``audit.other-site`` if the keys bear another name, and as :func:`load_keys`.
    """
    path = home / SITE_KEY
    if not source and not path.exists():
        draw_site_key(path, site)
    found = load_keys(source or str(path), environment)
    if found.site != site:
        raise codes.OTHER_SITE.error(source=source or str(path), found=found.site, site=site)
    return found


def draw_site_key(path: Path, site: str) -> None:
    """Put a new key into a new file for its owner alone; one that is there stays.

    Raises:
        BongsuError: ``audit.key-unreadable`` if no signature can bear the name, or nothing can be written there.
    """
    try:
        create_once(path, _lines([draw_key(site)]))
    except (ValueError, OSError) as error:
        raise _unreadable(str(path), as_phrase(getattr(error, "strerror", None) or str(error))) from None


def begin_rotation(path: Path) -> LogKeys:
    """Put a new key before the current one, so that both sign; a rotation that was begun is gone on with.

    Raises:
        BongsuError: as :func:`keys_in`.
    """
    known = keys_in(path)
    if len(known.keys) > 1:
        return known
    new = LogKeys((draw_key(known.site), *known.keys))
    write_whole(path, _lines(new.keys))
    return new


def end_rotation(path: Path) -> LogKeys:
    """Forget former keys; from now on the current one signs alone. Raises as :func:`keys_in`."""
    left = LogKeys(keys_in(path).keys[:1])
    write_whole(path, _lines(left.keys))
    return left


def _parsed(text: str, source: str) -> LogKeys:
    try:
        keys = tuple(SigningKey.parse(line) for line in text.split())
    except ValueError as error:
        raise _unreadable(source, as_phrase(str(error))) from None
    if not keys:
        raise _unreadable(source, as_phrase(N_("it holds no key")))
    if len({key.name for key in keys}) > 1:
        raise _unreadable(source, as_phrase(N_("its keys bear different names")))
    return LogKeys(keys)


def _lines(keys: list[SigningKey] | tuple[SigningKey, ...]) -> bytes:
    return "".join(f"{key.secret()}\n" for key in keys).encode()


def _unreadable(source: str, detail: Words) -> BongsuError:
    return codes.KEY_UNREADABLE.error(source=source, detail=detail)
