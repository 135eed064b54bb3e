"""Commands that somebody answers for: who they are, and what such commands take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands.shared import either
from bongsu.cli.texts import _

if TYPE_CHECKING:
    from bongsu.client.http import Server
    from bongsu.service.planes.governance import GovernancePlane
    from bongsu.service.platform import Platform

Reason = Annotated[str, typer.Option("--reason", help=_("Why; it is recorded for good."))]


@contextmanager
def governance_plane(context: typer.Context, ministry: str | None) -> Iterator[GovernancePlane]:
    """Uses, permits and approvals that commands speak of: those of the server of the context in force, else those of
    the home directory.

    Args:
        context: of the command.
        ministry: that ``--ministry`` names.
    """

    def here(opened: Platform) -> GovernancePlane:
        from bongsu.service.planes.governance import GovernanceHere

        return GovernanceHere(opened, ministry)

    def there(server: Server, usual: str | None) -> GovernancePlane:
        from bongsu.client.remote_governance import RemoteGovernance

        return RemoteGovernance(server, ministry or usual)

    with either(context, here, there) as found:
        yield found


def seconds(day: datetime) -> float:
    """A day's beginning in UTC, in seconds since the epoch."""
    return day.replace(tzinfo=UTC).timestamp()
