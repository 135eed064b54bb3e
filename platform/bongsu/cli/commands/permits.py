"""Permits of data and of access: ``permits list``, ``give-data`` and ``revoke-data``, ``give-access`` and
``revoke-access``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from bongsu.cli.commands.acting import Ministry, Reason, acting, seconds
from bongsu.cli.commands.shared import AsJson
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _
from bongsu.domain.uses import UseClass

permits = typer.Typer(
    help=_("What data may be used for, and what ministries share."), no_args_is_help=True, rich_markup_mode=None
)
From = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help=_("First day on which it holds."))]
Until = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help=_("First day on which it holds no more."))]
PermitId = Annotated[str, typer.Argument(help=_("Id of the permit."))]


def add_to(app: typer.Typer) -> None:
    app.add_typer(permits, name="permits")


@permits.command("list", help=_("List permits of data and of access."))
def list_(context: typer.Context, ministry: Ministry = None, as_json: AsJson = False) -> None:
    from bongsu.service.governance.access_permits import list_access
    from bongsu.service.governance.data_permits import list_data_permits

    with acting(context) as (platform, actor):
        data = list_data_permits(platform, actor, ministry)
        shared = list_access(platform, actor, ministry)
    if as_json:
        say_json({"data": data, "access": shared})
        return
    from bongsu.cli.render.governance import permits_view

    out().print(permits_view(data, shared) if data or shared else _("No permit was given."))


@permits.command("give-data", help=_("Let a version of a data set be used for purposes, as its data custodian."))
def give_data(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=_("Name of the data set, e.g. korean-law."))],
    version: Annotated[int, typer.Argument(min=1, help=_("Its version."))],
    use: Annotated[list[UseClass], typer.Option(help=_("A use class that it may be used for; repeatable."))],
    card: Annotated[str, typer.Option(help=_("Digest or address of its data card."))],
    reason: Reason,
    begins: From,
    until: Until,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.governance.asking import ministry_of
    from bongsu.service.governance.data_permits import DataPermitRequest, give_data_permit

    with acting(context) as (platform, actor):
        whose, uses = ministry_of(actor, ministry), frozenset(use)
        times = (seconds(begins), seconds(until))
        request = DataPermitRequest(whose, name, version, uses, card, reason, *times)
        permit = give_data_permit(platform, actor, request)
    _told(permit, permit.id, as_json)


@permits.command("revoke-data", help=_("End a permit of data now."))
def revoke_data(context: typer.Context, permit: PermitId, reason: Reason, as_json: AsJson = False) -> None:
    from bongsu.service.governance.data_permits import revoke_data_permit

    with acting(context) as (platform, actor):
        found = revoke_data_permit(platform, actor, permit, reason)
    _told(found, found.id, as_json)


@permits.command("give-access", help=_("Share a model or data set with another ministry, for a purpose."))
def give_access(
    context: typer.Context,
    object_: Annotated[
        str, typer.Argument(metavar="OBJECT", help=_("model:NAME/VERSION or dataset:NAME/VERSION."))
    ],
    to: Annotated[str, typer.Option(help=_("The ministry that gets to see it."))],
    purpose: Annotated[UseClass, typer.Option(help=_("The use class that it may be taken for."))],
    reason: Reason,
    begins: From,
    until: Until,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.governance.access_permits import AccessRequest
    from bongsu.service.governance.access_permits import give_access as give
    from bongsu.service.governance.asking import ministry_of

    with acting(context) as (platform, actor):
        giver, times = ministry_of(actor, ministry), (seconds(begins), seconds(until))
        permit = give(platform, actor, AccessRequest(object_, giver, to, purpose, *times, reason))
    _told(permit, permit.id, as_json)


@permits.command("revoke-access", help=_("End a sharing now."))
def revoke_access(context: typer.Context, permit: PermitId, as_json: AsJson = False) -> None:
    from bongsu.service.governance.access_permits import revoke_access as revoke

    with acting(context) as (platform, actor):
        found = revoke(platform, actor, permit)
    _told(found, found.id, as_json)


def _told(permit: object, permit_id: str, as_json: bool) -> None:
    if as_json:
        say_json(permit)
    else:
        say(_("Recorded: {permit}.").format(permit=permit_id))
