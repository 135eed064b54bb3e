"""An identity provider on loopback that says who somebody is and asks for no password."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from identity_provider import KEYS, claims, signed

from bongsu.identity.fetching import DISCOVERY

LIFE_S = 3000


class LoopbackIssuer:
    """Attributes:
    url: as of its tokens' ``iss``.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def token(self, person: str, at: float | None = None) -> str:
        """For who is called so there, as of a time in seconds since the epoch; now if none is given."""
        now = int(time.time() if at is None else at)
        said = claims(iss=self.url, sub=person, iat=now, nbf=now, exp=now + LIFE_S)
        return signed(KEYS["ES256"], said)


@contextmanager
def running_issuer() -> Iterator[LoopbackIssuer]:
    """Its discovery document and its keys are served until the end of the block."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys = {"keys": [KEYS["ES256"].as_dict(private=False)]}
            pages = {DISCOVERY: {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}, "/keys": keys}
            found = pages.get(self.path)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    issuer = LoopbackIssuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, name="issuer", daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
