"""Talking to a control plane over HTTP: a typed client, and the sign-in.

What a program needs stands here: the servers that ``bongsu login`` knows, one of them opened, and what it is asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bongsu.client.contexts import Context, contexts_file, load_contexts
    from bongsu.client.http import Server
    from bongsu.client.opening import access_token, open_server
    from bongsu.client.remote import Remote
    from bongsu.client.remote_bundles import RemoteBundles, read_keys

__all__ = [
    "Context",
    "Remote",
    "RemoteBundles",
    "Server",
    "access_token",
    "contexts_file",
    "load_contexts",
    "open_server",
    "read_keys",
]
# Imported when they are asked for: each command imports something of this package, and few need all of it.
_WHERE = {
    "Context": "contexts",
    "Remote": "remote",
    "RemoteBundles": "remote_bundles",
    "Server": "http",
    "access_token": "opening",
    "contexts_file": "contexts",
    "load_contexts": "contexts",
    "open_server": "opening",
    "read_keys": "remote_bundles",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
