"""An identity provider on loopback that says who somebody is and asks for no password."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from identity_provider import KEYS, claims, signed

from bongsu.identity.fetching import DISCOVERY

LIFE_S = 3000


class LoopbackIssuer:
    """Attributes:
    url: as of its tokens' ``iss``.
    confirms: who says yes to the next sign-in by code (RFC 8628), at once.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.confirms = ""

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
            ends = {"token_endpoint": f"{issuer.url}/token", "device_authorization_endpoint": f"{issuer.url}/codes"}
            about = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys", **ends}
            self._answer({DISCOVERY: about, "/keys": keys}.get(self.path))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if self.path == "/codes" and form["client_id"] == ["bongsu-cli"]:
                code = {
                    "device_code": issuer.confirms,
                    "user_code": "ABCD",
                    "verification_uri": f"{issuer.url}/page",
                }
                self._answer({**code, "interval": 0.1, "expires_in": 60})
            elif self.path == "/token":
                token = issuer.token(form["device_code"][0])
                self._answer({"access_token": token, "token_type": "Bearer", "expires_in": LIFE_S})
            else:
                self._answer(None)

        def _answer(self, found: object) -> None:
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
