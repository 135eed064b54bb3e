"""Service accounts, by which a ministry's own systems come in: ``service-accounts add``, ``secret``, ``secrets``,
``withdraw``."""

from __future__ import annotations

from typing import Annotated

import typer

from bongsu.cli.commands.naming_people import (
    AccountId,
    Clearance,
    Compartments,
    Issuer,
    Named,
    NewAccountId,
    Vetting,
    clearance_of,
)
from bongsu.cli.commands.shared import AsJson, people_plane
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _
from bongsu.domain.codes import client as codes
from bongsu.domain.people import ActorKind

accounts = typer.Typer(
    help=_("Accounts by which a ministry's own systems, such as CI, come in."),
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(accounts, name="service-accounts")


@accounts.command("add", help=_("Add one to your ministry, without a role, as its operator."))
def add(
    context: typer.Context,
    account: NewAccountId,
    name: Named,
    issuer: Issuer = None,
    subject: Annotated[
        str | None,
        typer.Option(help=_("What the identity provider calls it (`sub`); its id if the server gives its tokens.")),
    ] = None,
    clearance: Clearance = "O",
    compartment: Compartments = None,
    reason: Vetting = "",
    as_json: AsJson = False,
) -> None:
    from bongsu.service.people import NewPerson
    from bongsu.service.people_documents import person_document

    with people_plane(context) as opened:
        cleared = clearance_of(clearance, compartment, opened.grades)
        given = issuer or opened.issuer_for(ActorKind.SERVICE)
        # Elsewhere the account is called something that nobody can guess.
        if not given or (issuer and not subject):
            raise codes.NO_SERVICE_ISSUER.error()
        made = opened.add(NewPerson(account, name, given, subject or account, ActorKind.SERVICE, cleared, reason))
    if as_json:
        say_json(person_document(made))
        return
    words = _("Added {account}. Give it a role (`people give-role`) and a secret (`service-accounts secret`).")
    say(words.format(account=made.id))


@accounts.command("secret", help=_("Make a new secret, which is shown this once."))
def secret(
    context: typer.Context,
    account: AccountId,
    overlap_seconds: Annotated[
        float, typer.Option(min=0, help=_("For so long the secret before holds beside it, in seconds."))
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    with people_plane(context) as opened:
        made = opened.new_secret(account, overlap_seconds)
    if as_json:
        say_json(made)
        return
    say(made.secret)
    words = _("This is the secret {id} of {account}. It is shown this once; whoever has it is that account.")
    say(words.format(id=made.id, account=account), error=True)


@accounts.command("secrets", help=_("List the secrets that hold; what they are, nobody can look up."))
def secrets(context: typer.Context, account: AccountId, as_json: AsJson = False) -> None:
    with people_plane(context) as opened:
        found = opened.secrets(account)
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.people import secrets_view

    nothing = _("No secret holds: nobody comes in as this account. `bongsu service-accounts secret` makes one.")
    out().print(secrets_view(found) if found else nothing)


@accounts.command("withdraw", help=_("Let a secret hold no longer, from now on."))
def withdraw(
    context: typer.Context,
    account: AccountId,
    secret_id: Annotated[
        str, typer.Argument(metavar="SECRET", help=_("Id of the secret, as they are listed."), show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    with people_plane(context) as opened:
        opened.withdraw_secret(account, secret_id)
        left = opened.secrets(account) if as_json else []
    if as_json:
        say_json(left)
        return
    say(_("The secret {id} holds no longer.").format(id=secret_id))
