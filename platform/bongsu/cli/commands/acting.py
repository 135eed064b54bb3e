"""Commands that somebody answers for: who they are, and what such commands take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands.shared import platform
from bongsu.cli.texts import _

if TYPE_CHECKING:
    from bongsu.domain.people import Actor
    from bongsu.service.platform import Platform

Ministry = Annotated[str | None, typer.Option(help=_("The ministry you act for; yours, if you are in one alone."))]
Reason = Annotated[str, typer.Option("--reason", help=_("Why; it is recorded for good."))]


@contextmanager
def acting(context: typer.Context) -> Iterator[tuple[Platform, Actor]]:
    """The platform, and who asks. Raises ``governance.sign-in``."""
    from bongsu.service.governance.home_owner import owner

    with platform(context) as opened:
        yield opened, owner(opened)


def seconds(day: datetime) -> float:
    """A day's beginning in UTC, in seconds since the epoch."""
    return day.replace(tzinfo=UTC).timestamp()
