"""Registered models: ``models [NAME]``, ``models suspend``, ``models lift``, ``models suspensions``; bundles of them
are in ``model_bundles``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli import completion
from bongsu.cli.commands import model_bundles
from bongsu.cli.commands.acting import Reason, governance_plane
from bongsu.cli.commands.approvals import told
from bongsu.cli.commands.shared import AsJson, Ministry, plane
from bongsu.cli.helping import ListingGroup
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _
from bongsu.domain.object_names import object_name

if TYPE_CHECKING:
    from bongsu.service.governance.suspending import StopRequest

models = typer.Typer(
    help=_("Registered model versions: listing them, and stopping one."), cls=ListingGroup, rich_markup_mode=None
)
Version = Annotated[int | None, typer.Option(min=1, help=_("The version; all versions if not given."))]
ModelName = Annotated[
    str, typer.Argument(help=_("Name of the model, or model:NAME/VERSION."), autocompletion=completion.models)
]


def _which(ministry: str, name: str, version: int | None, reason: str) -> StopRequest:
    """The version may stand behind the name, in each spelling of :mod:`bongsu.domain.object_names`.

    Raises ``run.unknown-model``.
    """
    from bongsu.domain.codes.run import UNKNOWN_MODEL
    from bongsu.service.governance.suspending import StopRequest

    plain, mark, number = object_name(name).removeprefix("model:").replace("@", "/").partition("/")
    if mark and (not number.isdecimal() or version not in (None, int(number))):
        raise UNKNOWN_MODEL.error(model=name if version is None else f"{name} --version {version}")
    return StopRequest(ministry, plain, int(number) if mark else version, reason)


def add_to(app: typer.Typer) -> None:
    model_bundles.add_to(models)
    app.add_typer(models, name="models")


@models.command("list", help=_("List registered model versions."))
def list_(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help=_("Only versions of this model."), autocompletion=completion.models)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=10_000, help=_("At most this many; all if not given."))
    ] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with plane(context, ministry) as opened:
        found = opened.models(name, limit)
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.models import models_view

    nothing = _("No model is registered yet. The stage registry.register of a pipeline does it; see `bongsu init`.")
    out().print(models_view(found) if found else nothing)


@models.command("suspend", help=_("Stop a model at once, as an accreditor: aliases, launches, running jobs."))
def suspend(
    context: typer.Context,
    name: ModelName,
    reason: Reason,
    version: Version = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.suspend(_which(opened.ministry, name, version, reason))
    if as_json:
        say_json(found)
        return
    say(_("Suspended: {object}. Two approvers lift it: `bongsu models lift`.").format(object=found.object))


@models.command("lift", help=_("Propose to lift a suspension; two approvers decide."))
def lift(
    context: typer.Context,
    name: ModelName,
    reason: Reason,
    version: Version = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.propose_lift(_which(opened.ministry, name, version, reason))
    told(found, as_json)


@models.command("suspensions", help=_("List suspensions, newest first: which model, since when, by whom and why."))
def suspensions(context: typer.Context, ministry: Ministry = None, as_json: AsJson = False) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.suspensions()
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.governance import suspensions_view

    nothing = _("No model was ever suspended; `bongsu models suspend` stops one.")
    out().print(suspensions_view(found) if found else nothing)
