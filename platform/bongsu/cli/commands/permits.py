"""Permits of data and of access: ``permits list``, ``give-data`` and ``revoke-data``, ``give-access`` and
``revoke-access``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from bongsu.cli.commands.acting import Reason, governance_plane, seconds
from bongsu.cli.commands.shared import AsJson, Ministry
from bongsu.cli.commands.use_classes import listed, taken
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _
from bongsu.domain.codes.run import UNKNOWN_DATASET
from bongsu.domain.object_names import object_name

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
    with governance_plane(context, ministry) as opened:
        data, shared = opened.data_permits(), opened.access_permits()
    if as_json:
        say_json({"data": data, "access": shared})
        return
    from bongsu.cli.render.governance import permits_view

    nothing = _("No permit was given. A data custodian gives one: `bongsu permits give-data`, `give-access`.")
    out().print(permits_view(data, shared) if data or shared else nothing)


@permits.command("give-data", help=_("Let a version of a data set be used for purposes, as its data custodian."))
def give_data(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=_("Name of the data set, e.g. korean-law or dataset:korean-law/1."))],
    use: Annotated[
        list[str],
        typer.Option(**taken(_("A use class that it may be used for; repeatable."))),
    ],
    card: Annotated[
        str, typer.Option(help=_("Its data card: OBJECT of the ministry, address, or document:NUMBER."))
    ],
    reason: Reason,
    begins: From,
    until: Until,
    version: Annotated[int | None, typer.Argument(min=1, help=_("Its version, if NAME has none."))] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.governance.data_permits import DataPermitRequest

    with governance_plane(context, ministry) as opened:
        times = (seconds(begins), seconds(until))
        which = _version(name, version)
        uses = frozenset(listed(one, lambda name: opened.refuse_class(name, "permit.give-data")) for one in use)
        request = DataPermitRequest(opened.ministry, *which, uses, card, reason, *times)
        permit = opened.give_data_permit(request)
    _told(permit, permit.id, as_json)


@permits.command("revoke-data", help=_("End a permit of data now."))
def revoke_data(
    context: typer.Context, permit: PermitId, reason: Reason, ministry: Ministry = None, as_json: AsJson = False
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.revoke_data_permit(permit, reason)
    _told(found, found.id, as_json)


@permits.command("give-access", help=_("Share a model or data set with another ministry, for a purpose."))
def give_access(
    context: typer.Context,
    object_: Annotated[
        str, typer.Argument(metavar="OBJECT", help=_("model:NAME/VERSION or dataset:NAME/VERSION."))
    ],
    to: Annotated[str, typer.Option(help=_("The ministry that gets to see it."))],
    purpose: Annotated[str, typer.Option(**taken(_("The use class that it may be taken for.")))],
    reason: Reason,
    begins: From,
    until: Until,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.governance.access_permits import AccessRequest

    with governance_plane(context, ministry) as opened:
        times = (seconds(begins), seconds(until))
        what_for = listed(purpose, lambda name: opened.refuse_class(name, "permit.give-access"))
        permit = opened.give_access(AccessRequest(object_, opened.ministry, to, what_for, *times, reason))
    _told(permit, permit.id, as_json)


@permits.command("revoke-access", help=_("End a sharing now."))
def revoke_access(
    context: typer.Context,
    permit: PermitId,
    reason: Annotated[str, typer.Option(help=_("Why, if it is to be recorded."), show_default=False)] = "",
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.revoke_access(permit, reason)
    _told(found, found.id, as_json)


def _version(name: str, version: int | None) -> tuple[str, int]:
    """The version may stand behind the name, in each spelling of :mod:`bongsu.domain.object_names`. Raises
    ``run.unknown-dataset``."""
    plain, _mark, number = object_name(name, "dataset").removeprefix("dataset:").partition("/")
    which = int(number) if number.isdecimal() else version
    if ":" in plain or which is None or number not in ("", str(which)) or version not in (None, which):
        raise UNKNOWN_DATASET.error(dataset=name if version is None else f"{name} {version}")
    return plain, which


def _told(permit: object, permit_id: str, as_json: bool) -> None:
    if as_json:
        say_json(permit)
    else:
        say(_("Recorded: {permit}.").format(permit=permit_id))
