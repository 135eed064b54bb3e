"""Checks of the machine and the installation, each with a way to mend what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.service.doctor import machine, models, state
from bongsu.service.doctor.finding import Finding
from bongsu.service.home import DATABASE, TRACKING_DATABASE, local_home

__all__ = ["Finding", "examine", "examine_client"]


def examine(home: Path, environment: Mapping[str, str], database_url: str | None = None) -> list[Finding]:
    """Look at everything that a run on this machine depends on. Of ``home`` it changes no more than any command does:
    it is made if it is not there, and others lose the right to look into it; a probe file comes and goes.

    Args:
        home: of a person, or of a server.
        environment: of the process: it says how a bucket is reached.
        database_url: of the PostgreSQL database that a server's home goes with; None for files in the home.

    Raises ``run.home-not-local``.
    """
    home = local_home(home)
    return [
        machine.python(),
        *machine.packages(),
        machine.cpus(),
        machine.memory(),
        *_state(home, environment, database_url),
        machine.shared_memory(),
        machine.gpus(),
        machine.temporary(),
    ]


def examine_client() -> list[Finding]:
    """Look at what a command depends on that speaks to a server: nothing of a home is looked at, or made."""
    left_out = Finding(
        "ok",
        N_("Home of this machine"),
        phrase(N_("not looked at: commands speak to the server")),
        N_("`bongsu --context local doctor` looks at it."),
    )
    return [machine.python(), machine.temporary(), left_out]


def _state(home: Path, environment: Mapping[str, str], database_url: str | None) -> list[Finding]:
    """What lies in the state directory, if this user may look."""
    closed = state.closed(home)
    if closed is not None:
        return [closed]
    files = [
        state.writable(home),
        state.private(home),
        *state.artifacts(home, environment, lambda: datetime.now(UTC)),
    ]
    if database_url is not None:
        return [*files, state.served_database(database_url), machine.disk(home)]
    return [
        *files,
        state.database(home, DATABASE, N_("Database of runs")),
        state.database(home, TRACKING_DATABASE, N_("Database of MLflow")),
        models.registered(home, environment),
        state.locks(home),
        state.undelivered(home),
        machine.disk(home),
    ]
