"""Which control planes a person works with: servers by name, with their sign-ins, and the one that commands ask."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bongsu.domain.codes import client as codes

LOCAL = "local"
VARIABLE = "BONGSU_CONTEXT"
SECRET_VARIABLE = "BONGSU_SECRET"
"""The secret of the service account in whose name a server is asked."""
_FILE = "contexts.json"


class SignIn(BaseModel):
    """Tokens of a person at a server.

    Attributes:
        access_token, refresh_token: secrets; the second is empty where there is none.
        expires_at: of the first, in seconds since the epoch.
        token_endpoint, client_id: where a new one is fetched.
        is_service: of a service account, ``client_id``: a new one takes its secret, which is kept nowhere here.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: str
    refresh_token: str = ""
    expires_at: float = 0.0
    token_endpoint: str = ""
    client_id: str = ""
    is_service: bool = False


class Context(BaseModel):
    """A server: its address, the ministry in which commands act, and the sign-in."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    ministry: str | None = None
    sign_in: SignIn | None = None


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore")

    current: str = LOCAL
    contexts: dict[str, Context] = {}


@dataclass(frozen=True)
class Contexts:
    """All of them; ``local`` is this machine, without a server, and always there."""

    current: str = LOCAL
    known: Mapping[str, Context] = field(default_factory=dict)

    def named(self, name: str) -> Context | None:
        """None for this machine. Raises ``client.unknown-context``."""
        if name == LOCAL:
            return None
        if name not in self.known:
            raise codes.UNKNOWN_CONTEXT.error(name=name)
        return self.known[name]

    def with_context(self, name: str, context: Context, *, is_current: bool) -> Contexts:
        return replace(self, known={**self.known, name: context}, current=name if is_current else self.current)

    def without(self, name: str) -> Contexts:
        """Raises ``client.unknown-context``."""
        self.named(name)
        left = {other: context for other, context in self.known.items() if other != name}
        return Contexts(LOCAL if self.current == name else self.current, left)

    def using(self, name: str) -> Contexts:
        """Raises ``client.unknown-context``."""
        self.named(name)
        return replace(self, current=name)


def contexts_file(environment: Mapping[str, str]) -> Path:
    """``bongsu/contexts.json`` where the user's settings lie (XDG Base Directory Specification), else below home."""
    base = environment.get("XDG_CONFIG_HOME") or ""
    folder = Path(base) if base.startswith("/") else Path.home() / ".config"
    return folder / "bongsu" / _FILE


def load_contexts(path: Path) -> Contexts:
    """Raises ``client.bad-contexts``."""
    try:
        stored = _Stored.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Contexts()
    except (OSError, ValidationError) as error:
        detail = str(error).splitlines()[0]
        raise codes.BAD_CONTEXTS.error(path=path, detail=detail) from error
    return Contexts(stored.current if stored.current in {LOCAL, *stored.contexts} else LOCAL, stored.contexts)


def save_contexts(path: Path, contexts: Contexts) -> None:
    """Write them whole or not at all; for their owner's eyes."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    stored = _Stored(current=contexts.current, contexts=dict(contexts.known))
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(stored.model_dump(), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep other commands from changing them, and wait for those that do. The kernel lets go when a process dies."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Said, as a process that was forked meanwhile has the descriptor too, and would hold it.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def change_contexts(path: Path, change: Callable[[Contexts], Contexts]) -> Contexts:
    """Read them, change them and write them, while no other command does; what they are then."""
    with held(path):
        changed = change(load_contexts(path))
        save_contexts(path, changed)
    return changed
