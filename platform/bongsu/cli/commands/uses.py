"""The register of uses: ``uses list``, ``uses register``, ``uses withdraw``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from bongsu.cli.commands.acting import Reason, governance_plane, seconds
from bongsu.cli.commands.shared import AsJson, Ministry
from bongsu.cli.commands.use_classes import listed, taken
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _
from bongsu.domain.use_register import Tier

uses = typer.Typer(
    help=_("The register of uses that ministries permit."), no_args_is_help=True, rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(uses, name="uses")


@uses.command("list", help=_("List register entries, those that end last first."))
def list_(context: typer.Context, ministry: Ministry = None, as_json: AsJson = False) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.uses()
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.governance import uses_view

    nothing = _("No use is registered. An accreditor permits one: `bongsu uses register`.")
    out().print(uses_view(found) if found else nothing)


@uses.command("register", help=_("Permit a use class in a ministry, as its accreditor."))
def register(
    context: typer.Context,
    use_class: Annotated[str, typer.Argument(**taken(_("The use class.")))],
    statement: Annotated[str, typer.Option(help=_("What for, in words."))],
    owner: Annotated[str, typer.Option(help=_("Id of the person who answers for it."))],
    evidence: Annotated[
        str, typer.Option(help=_("What was looked at: OBJECT of the ministry, address, or document:NUMBER."))
    ],
    dated: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help=_("Day of the evidence."))],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help=_("First day on which it holds no more."))],
    begins: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help=_("First day; the day of the evidence."))
    ] = None,
    evidence_until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help=_("First day on which the evidence counts no more; as --until if not given.")
        ),
    ] = None,
    tier: Annotated[Tier, typer.Option(help=_("How much depends on it, from I to III."))] = Tier.I,
    conditions: Annotated[str, typer.Option(help=_("Under which conditions, in words."))] = "",
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.governance.uses import UseRequest

    with governance_plane(context, ministry) as opened:
        use = opened.register_use(
            UseRequest(
                ministry=opened.ministry,
                use_class=listed(use_class, lambda name: opened.refuse_class(name, "use.register")),
                tier=tier,
                statement=statement,
                conditions=conditions,
                owner=owner,
                evidence=evidence,
                evidence_at=seconds(dated),
                begins_at=seconds(begins or dated),
                ends_at=seconds(until),
                evidence_ends_at=seconds(evidence_until) if evidence_until else None,
            ),
        )
    if as_json:
        say_json(use)
        return
    say(_("Registered as {use}.").format(use=use.id))


@uses.command("withdraw", help=_("End a register entry now, as an accreditor."))
def withdraw(
    context: typer.Context,
    use: Annotated[str, typer.Argument(help=_("Id of the entry."))],
    reason: Reason,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.withdraw_use(use, reason)
    if as_json:
        say_json(found)
        return
    say(_("Withdrawn: {use}.").format(use=found.id))
