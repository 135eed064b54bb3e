"""Whose certificates this machine believes."""

from __future__ import annotations

import ssl


def trusted_certificates() -> ssl.SSLContext:
    """Those that the system believes, or SSL_CERT_FILE and SSL_CERT_DIR name. A ministry's network has an authority of
    its own, which no list that comes with a Python package knows."""
    return ssl.create_default_context()
