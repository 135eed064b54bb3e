"""The server of a context, signed in as the person whose context it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bongsu.client.contexts import Context, SignIn, held, load_contexts, save_contexts
from bongsu.client.http import Server
from bongsu.client.login import renewed
from bongsu.domain.codes import client as codes

# A token that ends so soon is not worth a request.
_SOON_S = 30.0


@contextmanager
def open_server(path: Path, name: str, context: Context, language: str, secret: str = "") -> Iterator[Server]:
    """The server of a context; a token that was renewed on the way is kept.

    Args:
        path: of the contexts.
        name: of this one.
        context: as it stands there.
        language: ``ko`` or ``en``.
        secret: of the service account, if it is the context of one.
    """
    server = Server(context.url, Tokens(path, name, context, secret).current, language)
    try:
        yield server
    finally:
        server.close()


def access_token(path: Path, name: str, context: Context, secret: str = "") -> str:
    """A token of the person whose context it is that is good for a request now; arguments as of :func:`open_server`.
    Raises ``client.sign-in-again``, ``client.unreachable``, ``client.secret-refused``."""
    return Tokens(path, name, context, secret).current(is_refused=False)


class Tokens:
    """Access tokens of a context, for whoever asks one after another, also from several threads and processes."""

    def __init__(self, path: Path, name: str, context: Context, secret: str = "") -> None:
        self._path = path
        self._name = name
        self._context = context
        self._secret = secret

    def current(self, is_refused: bool) -> str:
        """Raises ``client.sign-in-again``."""
        known = self._signed_in()
        if is_refused or ends_soon(known):
            known = self._renewed(known)
        return known.access_token

    def instead_of(self, refused: str) -> str:
        """Another token than this one, which the server did not take; that of whoever asked before, if it is newer.
        Raises ``client.sign-in-again``."""
        known = self._signed_in()
        if known.access_token == refused or ends_soon(known):
            known = self._renewed(known)
        return known.access_token

    def _signed_in(self) -> SignIn:
        if self._context.sign_in is None:
            raise codes.SIGN_IN_AGAIN.error(url=self._context.url)
        return self._context.sign_in

    def _renewed(self, known: SignIn) -> SignIn:
        """A newer sign-in: that of another command if there is one. A refresh token is good for one use, and whoever
        uses it up a second time ends the sign-in for everybody, so one command at a time may."""
        with held(self._path):
            found = self._as_it_stands()
            if found == known or ends_soon(found):
                found = renewed(found, self._context.url, self._secret)
                self._keep(found)
        self._context = self._context.model_copy(update={"sign_in": found})
        return found

    def _as_it_stands(self) -> SignIn:
        """Somebody may have signed out meanwhile, or in at another server under this name."""
        now = load_contexts(self._path).known.get(self._name)
        if now is None or now.sign_in is None or now.url != self._context.url:
            raise codes.SIGN_IN_AGAIN.error(url=self._context.url)
        return now.sign_in

    def _keep(self, found: SignIn) -> None:
        contexts = load_contexts(self._path)
        kept = contexts.known[self._name].model_copy(update={"sign_in": found})
        is_current = contexts.current == self._name
        save_contexts(self._path, contexts.with_context(self._name, kept, is_current=is_current))


def ends_soon(known: SignIn) -> bool:
    """Whether its token is not worth a request any more."""
    return bool(known.expires_at) and known.expires_at < time.time() + _SOON_S
