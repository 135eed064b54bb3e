"""Values that a shell completes: ids of runs, stages, models and what else the state directory knows.

Each function gives what begins with the word so far. It is called in place of the command, in a process that a shell
waits for: what it imports, it imports itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from bongsu.cli.state import home_of

if TYPE_CHECKING:
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


def stage_kinds(incomplete: str) -> list[str]:
    from bongsu.service.completing import stage_kinds as installed

    return _beginning(installed(), incomplete)


def error_codes(incomplete: str) -> list[str]:
    from bongsu.domain.codes import all_codes

    return _beginning((code.name for code in all_codes()), incomplete)


def _known(context: typer.Context) -> Completions:
    from bongsu.service.completing import Completions

    return Completions(home_of(context.find_root().params.get("home"), os.environ))


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
