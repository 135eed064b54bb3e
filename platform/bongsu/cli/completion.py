"""Values that a shell completes: ids of runs, stages, models and what else the state directory, or the server, knows.

Each function gives what begins with the word so far. It is called in place of the command, in a process that a shell
waits for: what it imports, it imports itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from bongsu.cli.choosing import server_chosen
from bongsu.cli.state import Options, home_of
from bongsu.client.contexts import VARIABLE
from bongsu.domain.problems import BongsuError

if TYPE_CHECKING:
    from bongsu.client.completing import RemoteCompletions
    from bongsu.client.contexts import Context
    from bongsu.service.completing import Completions


def runs(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    return [(run, said) for run, said in _known(context).runs() if run.startswith(incomplete)]


def stages(context: typer.Context, incomplete: str) -> list[str]:
    """Of the run that was named before."""
    run = context.params.get("run") or "latest"
    return _beginning(_known(context).stages(str(run)), incomplete)


def pipelines(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning(_known(context).pipelines(), incomplete)


def models(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning(_known(context).models(), incomplete)


def versions(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning(_known(context).versions(), incomplete)


def datasets(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning(_known(context).datasets(), incomplete)


def grants(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning(_known(context).grants(), incomplete)


def ministries(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning(_known(context).ministries(), incomplete)


def people(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning(_known(context).people("person"), incomplete)


def service_accounts(context: typer.Context, incomplete: str) -> list[str]:
    return _beginning(_known(context).people("service"), incomplete)


def anybody(context: typer.Context, incomplete: str) -> list[str]:
    """People and service accounts."""
    return sorted([*people(context, incomplete), *service_accounts(context, incomplete)])


def stage_kinds(incomplete: str) -> list[str]:
    from bongsu.service.completing import stage_kinds as installed

    return _beginning(installed(), incomplete)


def error_codes(incomplete: str) -> list[str]:
    from bongsu.domain.codes import all_codes

    return _beginning((code.name for code in all_codes()), incomplete)


def _known(context: typer.Context) -> Completions | RemoteCompletions:
    """Of the control plane that the command would speak to."""
    said = context.find_root().params
    named = said.get("home")
    home = home_of(named, os.environ)
    chosen = said.get("context_") or os.environ.get(VARIABLE) or None
    try:
        found = server_chosen(Options(home, names_home=named is not None, context=chosen))
    except BongsuError:  # the command says what is wrong
        return _remote(None)
    if found is not None:
        return _remote(found[1])
    from bongsu.service.completing import Completions

    return Completions(home)


def _remote(server: Context | None) -> RemoteCompletions:
    from bongsu.client.completing import RemoteCompletions

    return RemoteCompletions(server)


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
