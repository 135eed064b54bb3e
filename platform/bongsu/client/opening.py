"""The server of a context, signed in as the person whose context it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bongsu.client.contexts import Context, SignIn, load_contexts, save_contexts
from bongsu.client.http import Server
from bongsu.client.login import renewed
from bongsu.client.remote import Remote
from bongsu.domain.codes import client as codes

# A token that ends so soon is not worth a request.
_SOON_S = 30.0


@contextmanager
def open_remote(path: Path, name: str, context: Context, language: str) -> Iterator[Remote]:
    """The control plane of a context; a token that was renewed on the way is kept.

    Args:
        path: of the contexts.
        name: of this one.
        context: as it stands there.
        language: ``ko`` or ``en``.
    """
    with open_server(path, name, context, language) as server:
        yield Remote(server, context.ministry)


@contextmanager
def open_server(path: Path, name: str, context: Context, language: str) -> Iterator[Server]:
    """The server of a context; arguments as of :func:`open_remote`."""
    server = Server(context.url, _Tokens(path, name, context).current, language)
    try:
        yield server
    finally:
        server.close()


class _Tokens:
    def __init__(self, path: Path, name: str, context: Context) -> None:
        self._path = path
        self._name = name
        self._context = context

    def current(self, is_refused: bool) -> str:
        """Raises ``client.sign-in-again``."""
        held = self._context.sign_in
        if held is None:
            raise codes.SIGN_IN_AGAIN.error(url=self._context.url)
        if is_refused or (held.expires_at and held.expires_at < time.time() + _SOON_S):
            held = self._renewed(held)
        return held.access_token

    def _renewed(self, held: SignIn) -> SignIn:
        # Another command may have done it meanwhile, and what it used up is of no use here.
        known = load_contexts(self._path)
        other = known.known.get(self._name)
        if other is not None and other.sign_in is not None and other.sign_in != held:
            found = other.sign_in
        else:
            found = renewed(held, self._context.url)
            self._keep(found)
        self._context = self._context.model_copy(update={"sign_in": found})
        return found

    def _keep(self, found: SignIn) -> None:
        known = load_contexts(self._path)
        kept = self._context.model_copy(update={"sign_in": found})
        save_contexts(self._path, known.with_context(self._name, kept, is_current=known.current == self._name))
