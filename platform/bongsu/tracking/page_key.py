"""The key of MLflow's pages on this machine, which whoever reads a home shows to the server of its pages."""

from __future__ import annotations

import secrets

KEY_VARIABLE = "BONGSU_MLFLOW_KEY"
"""Of the server's environment, which the kernel shows to nobody else's processes."""
PARAMETER = "key"
"""Of the address that a browser opens first."""
_KEY_BYTES = 24


def new_key() -> str:
    """Drawn for one server, in letters that an address takes as they are."""
    return secrets.token_urlsafe(_KEY_BYTES)
