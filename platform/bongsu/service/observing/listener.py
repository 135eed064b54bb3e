"""Metrics on a port of their own: they tell counts of all ministries, and a scraper is nobody who could sign in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import make_wsgi_app

from bongsu.domain.codes import api as codes

# A scraper that says nothing for so long is let go of.
_PATIENCE_S = 10.0


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # Not WSGIServer's, which asks the name service for its own name. A server that was scraped is started
        # again while its former connections still linger.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "metrics", self.server_address[1]
        self.setup_environ()


class _ServerOfSix(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = _PATIENCE_S

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def metrics_served(registry: CollectorRegistry, host: str, port: int) -> Iterator[int]:
    """Serve ``/metrics`` until the end of the block; the port, which is another one if 0 was asked for.

    Raises ``api.port-taken``.
    """
    # When each counter began: half as many lines again, which nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    told = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start: Any) -> Any:
        if environ["PATH_INFO"] != "/metrics":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"Metrics are at /metrics.\n"]
        return told(environ, start)

    try:
        server = make_server(host, port, app, _ServerOfSix if ":" in host else _Server, _Quiet)
    except OSError as error:
        raise codes.PORT_TAKEN.error(address=f"{host}:{port}", detail=error.strerror or str(error)) from error
    thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
