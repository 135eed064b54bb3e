"""Which control plane a call of the command line speaks to."""

from __future__ import annotations

import os

from bongsu.cli.state import Options
from bongsu.client.contexts import Context, contexts_file, load_contexts


def server_chosen(asked: Options) -> tuple[str, Context] | None:
    """Name and server of the context in force: ``--context``, else BONGSU_CONTEXT, else the one in use; None for this
    machine. Whoever names a home means that home. Raises ``client.unknown-context``, ``client.bad-contexts``."""
    path = contexts_file(os.environ)
    if asked.context is None and (asked.names_home or not path.exists()):
        return None
    known = load_contexts(path)
    name = asked.context or known.current
    found = known.named(name)
    return (name, found) if found is not None else None
