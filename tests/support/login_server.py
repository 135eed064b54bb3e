"""An identity provider over HTTP, as far as a server asks it: what it says of itself, and its keys."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from identity_provider import KEYS, claims, signed

FOUND = (
    "found",
    "mnd",
    "--title-ko",
    "국방부",
    "--title-en",
    "MND",
    "--operator",
    "mnd/op",
    "--operator-name",
    "Op",
)
"""Arguments of ``bongsu ministries`` that found the first one; who its operator is there comes behind them."""


class LoginServer:
    """Attributes:
    url: of the issuer.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def token(self, subject: str, life_s: int = 600, **other: Any) -> str:
        now = int(time.time())
        return signed(KEYS["ES256"], claims(iss=self.url, sub=subject, iat=now, exp=now + life_s, **other))


@contextmanager
def login_server() -> Iterator[LoginServer]:
    """At a port of this machine, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            documents: dict[str, Any] = {
                "/.well-known/openid-configuration": {
                    "issuer": url,
                    "jwks_uri": f"{url}/jwks",
                    "token_endpoint": f"{url}/token",
                },
                "/jwks": {"keys": [key.as_dict(private=False) for key in KEYS.values()]},
            }
            body = json.dumps(documents.get(self.path, {})).encode()
            self.send_response(200 if self.path in documents else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield LoginServer(url)
        server.shutdown()
        thread.join()
